"""A draft of a mapping becomes a compiled Mapping: its keys checked, its trigger and fields turned into closures.

In: a Draft and what the settings allow. Out: a frozen Mapping, or the problems with their places. The fields of an
action, and which it requires, stand in its JSON Schema.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.actions import ACTIONS
from connector.cases import Case, read_cases
from connector.documents import Part
from connector.drafts import Draft
from connector.errors import Fault, Fix, LanguageError, Path, Problem, closest, nearest
from connector.language.compiler import compile_mapping, mapping_reads, parse_mapping
from connector.language.directives import Constant, Fields, Items, Node
from connector.language.triggers import Gate, Trigger, compile_trigger, parse_trigger, trigger_gate, trigger_reads
from connector.positions import Location, quoted, shown
from connector.schemas import checker, field_names, required_names
from connector.settings import plain
from connector.values import JSON
from connector.variables import Filled

Reads: TypeAlias = frozenset[tuple[str, ...]]

_FLAGS: Final = {
    **dict.fromkeys(("true", "yes", "on"), "true"),
    **dict.fromkeys(("false", "no", "off"), "false"),
}


class Mapping(msgspec.Struct, frozen=True, eq=False):
    """A mapping that compiled: which events it takes, and what it makes of one.

    `matches` and `resolve` take an event's data; `gate` is a necessary condition of `matches`; `reads` are the paths
    of the event that trigger, fields and action look at, None for all. The trees are for who explains.
    """

    name: str
    action: str
    enabled: bool
    description: str
    trigger_text: str
    trigger: Trigger
    matches: Callable[[dict[str, JSON]], bool]
    gate: Gate
    fields: Node
    resolve: Callable[[dict[str, JSON]], dict[str, JSON]]
    reads: Reads | None
    tests: tuple[Case, ...]
    draft: Draft

    def __repr__(self) -> str:
        return f"Mapping({self.name!r}, {self.action!r})"

    def location(self, path: Path = (), start: int = 0, end: int = 0) -> Location:
        """Say where something stands: ("trigger",), ("fields", "email", "@if"); nothing: the mapping itself.

        `start` and `end` are offsets in a text. A value that comes from a preset stands in the preset's file.
        """
        if not path:
            return self.draft.part.location()
        found = self._part(path)
        return found.location(start, end) if found else self.draft.part.child(*path).location()

    def variables(self, path: Path) -> Filled | None:
        """Give the text at a path, as in `location`, as it was written when variables were filled into it."""
        found = self._part(path)
        return found.document.variables(found.path) if found else None

    def written(self, path: Path, start: int = 0, end: int | None = None) -> str | None:
        """Give a text, or the part of it from `start` to `end`, as the file has it, where variables were filled in."""
        filled = self.variables(path)
        if filled is None:
            return None
        return filled.written[slice(*filled.written_span(start, len(filled.text) if end is None else end))]

    def _part(self, path: Path) -> Part | None:
        parts = self.draft.fields if path[0] == "fields" and len(path) > 1 else self.draft.parts
        name, rest = (path[1], path[2:]) if parts is self.draft.fields else (path[0], path[1:])
        found = parts.get(str(name))
        return found.child(*rest) if found else None


def union_reads(all_reads: Iterable[Reads | None]) -> Reads | None:
    """Unite sets of paths; None, which is every path, when one of them is None."""
    found: Reads = frozenset()
    for reads in all_reads:
        if reads is None:
            return None
        found |= reads
    return found


def build_mapping(draft: Draft, *, has_secret: bool) -> tuple[Mapping | None, list[Problem]]:
    """Check and compile one mapping; None where something is wrong with it."""
    reader = _Reader(draft)
    name, action, description = reader.name(), reader.action(has_secret=has_secret), reader.description()
    trigger, fields = reader.trigger(), reader.fields(action)
    enabled, tests = reader.enabled(), reader.tests()
    if reader.problems or name is None or action is None or trigger is None or fields is None:
        return None, reader.problems
    text, tree = trigger
    mapping = Mapping(
        name=name,
        action=action,
        enabled=enabled,
        description=description or "",
        trigger_text=text,
        trigger=tree,
        matches=compile_trigger(tree),
        gate=trigger_gate(tree),
        fields=fields,
        resolve=compile_mapping(fields),
        reads=union_reads((trigger_reads(tree), mapping_reads(fields), ACTIONS[action].reads)),
        tests=tests,
        draft=draft,
    )
    return mapping, []


class _Reader:
    """Reads the keys of one draft; what is wrong goes to `problems` and comes back as None."""

    def __init__(self, draft: Draft) -> None:
        self.problems: list[Problem] = []
        self._draft = draft

    def _say(self, part: Part, code: str, message: str, help: str = "", fix: Fix | None = None) -> None:
        if not part.is_broken:
            self.problems.append(part.problem(code, message, help=help, fix=fix))

    def _fault(self, part: Part, fault: Fault) -> None:
        if not part.child(*fault.path).is_broken:
            self.problems.append(part.fault(fault))

    def _required(self, key: str, example: str) -> Part | None:
        part = self._draft.parts.get(key)
        if part is None and self._draft.complete:
            own = self._draft.part.child(key)
            where = own if own.exists else self._draft.part.child("name")
            self._say(where, "missing_key", f"the mapping has no {key!r}", f"write `{key}: {example}`")
        return part

    def _text(self, part: Part | None, help: str = "") -> str | None:
        if part is None or part.is_broken:
            return None
        if isinstance(part.value, str) and part.value.strip():
            return part.value
        message = f"{part.path[-1]!r} must be a text that is not empty, not {shown(part.value)}"
        self._say(part, "wrong_type", message, help)
        return None

    def name(self) -> str | None:
        return self._text(self._required("name", "Attach Device"))

    def description(self) -> str | None:
        return self._text(self._draft.parts.get("description"))

    def action(self, *, has_secret: bool) -> str | None:
        part, known = self._required("action", "attach"), ", ".join(ACTIONS)
        name = self._text(part, f"write one of {known}")
        if part is None or name is None:
            return None
        if name not in ACTIONS:
            help = closest(name, ACTIONS) or f"known are {known}"
            near = nearest(name, ACTIONS)
            fix = part.rewritten(near) if near else None
            self._say(part, "unknown_action", f"there is no action {part.written}", help, fix)
            return None
        if ACTIONS[name].needs_secret and not has_secret:
            help = "write `api_secret: ${RUPT_API_SECRET}` under `settings`"
            self._say(part, "needs_api_secret", f"{name} needs the setting 'api_secret'", help)
        return name

    def enabled(self) -> bool:
        part = self._draft.parts.get("enabled")
        if part is None:
            return True
        value = plain(part.value) if part.is_filled else part.value
        if not isinstance(value, bool):
            help = "write true or false, without quotes; yes, no, on and off are texts"
            word = _FLAGS.get(value.lower()) if isinstance(value, str) and not part.is_filled else None
            fix = part.turned_into(word, word == "true") if word else None
            self._say(part, "wrong_type", f"'enabled' must be true or false, not {part.written}", help, fix)
        return value is True

    def trigger(self) -> tuple[str, Trigger] | None:
        part = self._required("trigger", 'type = "page"')
        text = self._text(part, 'write a condition, for example type = "page"')
        if part is None or text is None:
            return None
        try:
            return text, parse_trigger(text)
        except LanguageError as error:
            for fault in error.faults:
                self._fault(part, _with_comment_hint(part, fault))
            return None

    def fields(self, action: str | None) -> Node | None:
        fields = self._draft.fields
        if action is not None:
            self._check_names(action)
            self._check_required(action)
            fields = {name: part for name, part in fields.items() if name in field_names(action)}
        try:
            node = parse_mapping({name: part.value for name, part in fields.items()}, shorthands=True)
        except LanguageError as error:
            for fault in error.faults:
                self._fault(fields[str(fault.path[0])], replace(fault, path=fault.path[1:]))
            return None
        if action is not None and isinstance(node, Fields):
            self._check_constants(action, node)
        return node

    def _check_names(self, action: str) -> None:
        known = field_names(action)
        for name, part in {**self._draft.fields, **self._draft.cleared}.items():
            if name not in known and not part.document.is_merge_key(part.path):
                help = closest(name, known) or f"{action} has {', '.join(known)}"
                if name.startswith("@"):
                    help = f"write a directive under a field; {action} has {', '.join(known)}"
                message = f"{action} has no field {quoted(name)}"
                near = nearest(name, known)
                fix = part.renamed(near) if near and near not in self._draft.fields else None
                self.problems.append(part.problem("unknown_field", message, help=help, at_key=True, fix=fix))

    def _check_required(self, action: str) -> None:
        for name in required_names(action) if self._draft.complete else ():
            if name not in self._draft.fields:
                own = self._draft.part.child("fields")
                where = self._draft.cleared.get(name, own if own.exists else self._draft.part.child("name"))
                message = f"{action} needs the field {name!r}"
                self._say(where, "required_field", message, f"write `{name}: …` under `fields`")

    def _check_constants(self, action: str, node: Fields) -> None:
        """Check what is written in the file itself as it will be checked on every event."""
        others: dict[str, JSON] = dict.fromkeys(required_names(action), "x")
        for name, inner in node.fields:
            part = self._draft.fields[name]
            if _is_constant(inner):
                for message in checker(action).check({**others, name: part.value}).problems:
                    self._say(part, "wrong_field", message, "write such a value, or a directive that gives one")

    def tests(self) -> tuple[Case, ...]:
        whole = self._draft.parts.get("tests")
        if whole is None:
            return ()
        cases, problems = read_cases(whole)
        self.problems += problems
        return cases


def _with_comment_hint(part: Part, fault: Fault) -> Fault:
    """Say that ` #` begins a comment, where that leaves a trigger's text without its closing quote."""
    if fault.code != "trigger_unterminated" or not part.document.ends_in_comment(part.path):
        return fault
    return replace(fault, help="` #` begins a comment in YAML: put the whole trigger in quotes")


def _is_constant(node: Node) -> bool:
    match node:
        case Constant():
            return True
        case Items(items):
            return all(map(_is_constant, items))
        case Fields(fields):
            return all(_is_constant(item) for _, item in fields)
        case _:
            return False
