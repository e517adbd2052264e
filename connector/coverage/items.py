"""What can be reached in a mapping: its trigger, each clause, each branch and default, each rule of the schema.

In: a mapping. Out: counters in the file's order, and functions that count. A branch that can never be taken because of
what stands before it (a @case of a @template is always of a text) is no item.
"""

from collections.abc import Callable, Iterator
from types import UnionType
from typing import Final, TypeAlias

from connector.coverage.report import Item, Kind
from connector.coverage.rules import Outcome, Rule, rules_of
from connector.destination import Mapping
from connector.errors import Path
from connector.language.directives import Call, Constant, Fields, Node, is_falsy, walk_nodes
from connector.language.tracing import Step, branches, describe, walk_steps
from connector.language.triggers import And, Not, Or, Trigger, clauses, compile_trigger
from connector.values import JSON, MISSING

Holds: TypeAlias = Callable[[dict[str, JSON]], bool]
Branch: TypeAlias = tuple[int, str]  # the node's identity, and what it took
_TEXT: Final = "text"
_FALLBACK: Final = "fallback"
_MADE_TEXTS: Final = str | bool | int | float  # what a @replace works on, as a text
_TEXTS: Final = frozenset({"@template", "@liquid"})  # what these give is always a text


class Counter:
    """An item that is being counted."""

    __slots__ = ("_kind", "_location", "_text", "converted", "hits", "refused")

    def __init__(self, kind: Kind, text: str, location: str) -> None:
        self._kind, self._text, self._location = kind, text, location
        self.hits = self.refused = self.converted = 0

    def count(self, outcomes: set[Outcome]) -> None:
        """Count an event that put a rule to the test; with several values it may be kept and broken at once."""
        if outcomes:
            self.hits += 1
            self.refused += "refused" in outcomes
            self.converted += "converted" in outcomes

    def item(self) -> Item:
        """Say what was counted until now."""
        return Item(self._kind, self._text, self._location, self.hits, self.refused, self.converted)


# -- triggers --------------------------------------------------------------------------------------------------------


def trigger_counters(mapping: Mapping) -> tuple[list[Counter], Holds]:
    """Make the counters of a trigger, and the function that says whether it holds and counts what it asked."""
    whole = _both(mapping, "trigger", "the trigger", mapping.trigger)
    if not isinstance(mapping.trigger, And | Or | Not):  # one clause is the whole trigger
        return whole, _counting(mapping.matches, whole)
    parts = {
        clause.start: _both(mapping, "clause", _spelling(mapping, clause), clause)
        for clause in clauses(mapping.trigger)
    }
    return [*whole, *(counter for both in parts.values() for counter in both)], _counting(
        _asked(mapping.trigger, parts), whole
    )


def _spelling(mapping: Mapping, node: Trigger) -> str:
    """Give a clause as the file has it: no value of a variable is shown."""
    written = mapping.written(("trigger",), node.start, node.end)
    return " ".join((written or mapping.trigger_text[node.start : node.end]).split())


def _both(mapping: Mapping, kind: Kind, what: str, node: Trigger) -> list[Counter]:
    location = str(mapping.location(("trigger",), node.start, node.end))
    return [Counter(kind, f"{what}: {held}", location) for held in ("held", "did not hold")]


def _counting(holds: Holds, both: list[Counter]) -> Holds:
    held, did_not = both

    def count(event: dict[str, JSON]) -> bool:
        found = holds(event)
        (held if found else did_not).hits += 1
        return found

    return count


def _asked(tree: Trigger, parts: dict[int, list[Counter]]) -> Holds:
    """Compile a trigger that counts the clauses it asks: those after the one that decides are not asked."""
    match tree:
        case And(inner):
            tests = [_asked(part, parts) for part in inner]
            return lambda event: all(test(event) for test in tests)
        case Or(inner):
            tests = [_asked(part, parts) for part in inner]
            return lambda event: any(test(event) for test in tests)
        case Not(part):
            test = _asked(part, parts)
            return lambda event: not test(event)
        case _:
            return _counting(compile_trigger(tree), parts[tree.start])


# -- fields ----------------------------------------------------------------------------------------------------------


def branch_counters(mapping: Mapping, field: Node) -> dict[Branch, Counter]:
    """Make the counters of a field's branches and defaults."""
    found: dict[Branch, Counter] = {}
    for node, branch in _branches(field):
        kind, text = _told(describe(node, lambda path: mapping.written(("fields", *path))), branch)
        name = _field_name(node.path)
        location = str(mapping.location(("fields", *node.path)))
        found[(id(node), branch)] = Counter(kind, f"{name}: {text}", location)
    return found


def _branches(field: Node) -> Iterator[tuple[Call, str]]:
    taken: dict[int, list[str]] = {}
    for node, branch in branches(field):
        taken.setdefault(id(node), []).append(branch)
    for node in walk_nodes(field):
        if isinstance(node, Call):
            known = [_TEXT, _FALLBACK] if node.directive.name == "@replace" else taken.get(id(node), ())
            yield from ((node, branch) for branch in known if _can_be(node, branch))


def _can_be(node: Call, branch: str) -> bool:
    """Say whether what a node works on leaves a branch open."""
    value = node.options.get("value")
    if branch in ("then", "else", "none"):
        return True
    if value is None or is_falsy(value):
        return False  # such a directive always gives nothing
    gives_text = _gives_text(value, _MADE_TEXTS if node.directive.name == "@replace" else str)
    return gives_text is not (branch != _TEXT)


def _gives_text(node: Node, texts: type | UnionType) -> bool | None:
    """Say whether a node always gives what counts among `texts` (True), never (False), or as the event is (None)."""
    match node:
        case Constant(value):
            return isinstance(value, texts)
        case Call(directive, options) if directive.name in ("@literal", "@case"):
            return _gives_text(options["value"], texts) if "value" in options else False
        case Call(directive, options) if directive.name == "@replace":
            return not is_falsy(options["value"])
        case Call(directive):
            return True if directive.name in _TEXTS else None
        case _:
            return None


def _told(what: str, branch: str) -> tuple[Kind, str]:
    match branch:
        case "then":
            return "branch", f"`then` of {what}"
        case "else":
            return "default", f"`else` of {what}"
        case "none":
            return "branch", f"nothing, for {what} has no `else`"
        case "text":
            return "branch", f"{what} of a text"
        case "other":
            return "branch", f"{what} of what is no text"
        case _:
            return "default", f'"" of {what}, given no text'


def _field_name(path: Path) -> str:
    """Name the field that a node fills: what leads to it before the first directive."""
    keys: list[str] = []
    for key in path:
        if isinstance(key, str) and key.startswith("@"):
            break
        keys.append(str(key))
    return ".".join(keys)


def taken_branches(steps: tuple[Step, ...]) -> set[Branch]:
    """Name the branches that were taken on one event, each once."""
    found: set[Branch] = set()
    for step in walk_steps(steps):
        if step.branch:
            found.add((id(step.node), step.branch))
        elif isinstance(step.node, Call) and step.node.directive.name == "@replace" and step.value is not MISSING:
            given = step.steps[0].value if step.steps else MISSING
            found.add((id(step.node), _TEXT if isinstance(given, _MADE_TEXTS) else _FALLBACK))
    return found


# -- rules -----------------------------------------------------------------------------------------------------------


def rule_counters(mapping: Mapping) -> dict[str, list[tuple[Rule, Counter]]]:
    """Make the counters of the schema's rules, by the field that they are for."""
    found: dict[str, list[tuple[Rule, Counter]]] = {}
    for rule in rules_of(mapping.action, fields_of(mapping)):
        location = str(mapping.location(("fields", *rule.node.path)))
        found.setdefault(rule.place[0], []).append((rule, Counter("rule", rule.text, location)))
    return found


def fields_of(mapping: Mapping) -> tuple[tuple[str, Node], ...]:
    """List a mapping's fields with what fills them."""
    assert isinstance(mapping.fields, Fields)  # a destination file names the fields of an action
    return mapping.fields.fields
