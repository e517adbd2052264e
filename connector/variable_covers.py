"""What of a payload came from variables of the destination's file, and what was made of their values.

In: a mapping and its steps on one event. Out: a cover for the value of each step and field, and of a request's keys.
"""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Mappings
from typing import Final, TypeAlias

from connector.covers import NO_COVER, SHORTEST, Cover, cover_of, joined, plain_value, scalars
from connector.destination import Mapping
from connector.explanations.changes import changes
from connector.language.directives import Call, Constant, Fields, Node, TemplateText, walk_nodes
from connector.language.templates import Placeholder
from connector.language.tracing import Step, compile_trace
from connector.rows import REDACTED
from connector.schemas import checker
from connector.values import JSON, Value
from connector.variables import Filled, Piece, StandIns

_MAKING: Final = frozenset({"@case", "@json", "@liquid", "@replace", "@template"})  # give texts that were not there
Covers: TypeAlias = Mappings[str, Cover]
"""The covers of a payload's fields by their names."""
FindCovers: TypeAlias = Callable[[dict[str, JSON]], Covers]
_FIELD_OF: Final = {"user": "account"}  # where a request has another name


class Finder:
    """Finds the cover of a step's value; `names` are the variables that are hidden, None for all.

    Who knows of more that is hidden overrides `read_secrets` and `is_hidden`.
    """

    def __init__(self, mapping: Mapping, names: frozenset[str] | None = None) -> None:
        self._mapping, self._names = mapping, names

    def read_secrets(self, _step: Step, /) -> Cover:
        """Cover what a step itself has read and may not be shown."""
        return NO_COVER

    def is_hidden(self, value: Value, cover: Cover) -> bool:
        """Say whether anything in a value is not shown as it is."""
        given = plain_value(value)
        return cover.value(given) != given

    def works_on_secrets(self, _step: Step, /) -> bool:
        """Say whether a step itself has read what is hidden otherwise."""
        return False

    def find(self, step: Step) -> Cover:
        """Give the cover of what a step gave."""
        covers = [self.find(inner) for inner in step.steps]
        own = self.read_secrets(step)
        match step.node:
            case Constant() | TemplateText():
                return own.joined(self._of_text(step.node, step.value))
            case Fields(fields):
                names = (name for name, _ in fields)
                return own.joined(Cover(keys=dict(zip(names, covers, strict=False))))
            case Call(directive):
                return own.joined(self._of_call(directive.name, step, covers, own))
            case _:
                return own.joined(joined(covers))

    def _of_call(self, name: str, step: Step, covers: list[Cover], own: Cover) -> Cover:
        if name == "@if":
            return covers[-1] if covers and step.branch != "none" else NO_COVER
        assert isinstance(step.node, Call)
        given = [node for node in step.node.options.values() if isinstance(node, Constant | TemplateText)]
        words = NO_COVER if name == "@path" else joined(self._of_text(node, step.value) for node in given)
        if name not in _MAKING:
            inner = joined(covers)
            return words.joined(inner if name in ("@merge", "@literal", "@excludeWhenNull") else inner.flat())
        if not self._is_made(name, step, covers, own, words):
            return words.joined(joined(covers).flat())
        return cover_of(dict.fromkeys(scalars(step.value), REDACTED))

    def _is_made(self, name: str, step: Step, covers: list[Cover], own: Cover, words: Cover) -> bool:
        """Say whether a directive may have made other texts of what is hidden."""
        given = any(self.is_hidden(inner.value, cover) for inner, cover in zip(step.steps, covers, strict=True))
        if name == "@template":
            is_shown = self.is_hidden(step.value, words.joined(own).joined(joined(covers).flat()))
            return (given or self.works_on_secrets(step)) and not is_shown
        assert isinstance(step.node, Call)
        if given or self.works_on_secrets(step):
            return True
        pieces = [piece for node in step.node.options.values() for _, piece in self._pieces(node)]
        return any(len(piece.value) < SHORTEST for piece in pieces) or (
            name == "@liquid" and bool(pieces) and any("{%" in filled.text for filled in self._filled(step.node))
        )

    # -- texts of the file -------------------------------------------------------------------------------------------

    def _filled(self, node: Call) -> Iterator[Filled]:
        for option in node.options.values():
            if filled := self._mapping.variables(("fields", *option.path)):
                yield filled

    def _pieces(self, node: Node) -> list[tuple[Filled, Piece]]:
        """List the variables in a text of the file that are hidden."""
        filled = self._mapping.variables(("fields", *node.path))
        pieces = filled.pieces if filled else ()
        return [(filled, piece) for piece in pieces if filled and self._is_named(piece)]

    def _is_named(self, piece: Piece) -> bool:
        if not piece.value:
            return False
        stand_in = StandIns.stand_in("")
        name = piece.name or (piece.value.removeprefix(stand_in) if piece.value.startswith(stand_in) else "")
        return bool(name) and (self._names is None or name in self._names)

    def _of_text(self, node: Constant | TemplateText, value: Value) -> Cover:
        found = self._pieces(node)
        if not found:
            return NO_COVER
        filled = found[0][0]
        texts = {piece.value: filled.written[slice(*piece.written)] for _, piece in found}
        whole = {filled.text: filled.written}
        if isinstance(node, TemplateText) and isinstance(value, str):
            whole = {value: _rendered(node, filled, value) or filled.written}
        if isinstance(node, Constant):
            texts |= whole
        return Cover({text: shown for text, shown in texts.items() if len(text) >= SHORTEST}, whole)


def _rendered(node: TemplateText, filled: Filled, value: str) -> str:
    """Write what a template gave with its variables by name; what paths put into it stays."""
    found, at, read = "", 0, 0
    stops = [piece for piece in node.pieces if isinstance(piece, Placeholder)]
    for number, stop in enumerate([*stops, None]):
        until = stop.start if stop else len(filled.text)
        fixed = filled.text[at:until]
        start = value.find(fixed, read) if stop or not number else len(value) - len(fixed)
        if start < read or value[start : start + len(fixed)] != fixed:
            return ""
        found += value[read:start] + (filled.written[slice(*filled.written_span(at, until))] if fixed else "")
        at, read = stop.end if stop else until, start + len(fixed)
    return found if read == len(value) else ""


def compile_covers(mapping: Mapping, names: frozenset[str]) -> FindCovers | None:
    """Compile a mapping into a function from an event's data to the covers of its fields; None where none has any."""
    nodes = walk_nodes(mapping.fields)
    if not isinstance(mapping.fields, Fields) or not any(mapping.variables(("fields", *node.path)) for node in nodes):
        return None
    fields = [name for name, _ in mapping.fields.fields]
    trace, finder, repair = compile_trace(mapping.fields), Finder(mapping, names), checker(mapping.action).repair

    def find(event: dict[str, JSON]) -> Covers:
        traced = trace(event)
        found = {name: finder.find(step) for name, step in zip(fields, traced.steps, strict=False)}
        covers = {name: cover for name, cover in found.items() if cover}
        return covers if traced.payload is None else converted(covers, traced.payload, repair(traced.payload).payload)

    return find


def converted(covers: Covers, before: dict[str, JSON], after: dict[str, JSON]) -> Covers:
    """Cover also what the values of fields were converted into, in a payload or a body."""
    found = dict(covers)
    for name, value in after.items():
        field = _FIELD_OF.get(name, name)
        cover = covers.get(field)
        for change in changes(before.get(field), value) if cover else ():
            at = cover.below(*change.path).value(plain_value(change.before)) if cover else None
            if change.kind == "converted" and cover and at != plain_value(change.before):
                shown = at if isinstance(at, str) else REDACTED
                texts = dict.fromkeys(scalars(change.after), shown)
                cover = found[field] = found[field].adding(change.path, texts)
    return found


def cover_field(covers: Covers, key: str) -> Cover:
    """Give the cover of a field, or of a key of a request."""
    return covers.get(_FIELD_OF.get(key, key), NO_COVER)
