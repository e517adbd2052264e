"""An explanation to rows: what `explain --json` prints, and what its text is made of.

Secrets and the values of variables are hidden on the way, by explain_hiding.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Mappings
from typing import TypeAlias

from msgspec import UNSET, UnsetType

from connector.actions.conversions import url_segment
from connector.cli.explain_hiding import Veil, clause_cover, own_reads, path_cover
from connector.cli.explain_shapes import (
    ChangeRow,
    FailedRow,
    FieldRow,
    MappingRow,
    RoutingRow,
    SentRow,
    StepRow,
    TriggerRow,
    UnsentRow,
    ValueRow,
)
from connector.covers import NO_COVER, Cover, plain_value
from connector.destination import Destination, Mapping
from connector.errors import Path
from connector.explanations import ID_IN_URL, Change, Explanation, Field, MappingExplanation, Sent
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Constant, Fields, Items, Node
from connector.language.tracing import Step, describe, describe_path
from connector.language.triggers import And, Not, Operand, Or, Seen, Trigger, compile_operand, field_of, operands
from connector.pipeline import Invalid, Planned
from connector.rows import REDACTED, RequestRow, printable, request_row, requests_base
from connector.values import JSON, MISSING

_Covers: TypeAlias = Mappings[str, Cover]  # by the name of a field


def explanation_rows(explanation: Explanation, destination: Destination) -> list[MappingRow]:
    """Print what became of an event: a row for each mapping that was explained.

    `destination` is the whole one: what any of its mappings takes for a secret is one in every row.
    """
    maker = _Maker(explanation, destination)
    return [maker.mapping_row(found) for found in explanation.mappings]


class _Maker:
    """Makes the rows of one event."""

    def __init__(self, explanation: Explanation, destination: Destination) -> None:
        self._event = explanation.event
        self._routing = explanation.routing
        self._base = requests_base(destination.settings)
        self._veil = Veil(explanation, destination)

    # -- a mapping ---------------------------------------------------------------------------------------------------

    def mapping_row(self, found: MappingExplanation) -> MappingRow:
        mapping, plan = found.mapping, found.plan
        payload = None if plan is None else plan.payload
        covers = {field.name: self._veil.of_field(found, field) for field in found.fields}
        return MappingRow(
            self._event.message_id,
            mapping.name,
            found.outcome,
            UNSET if payload is None else self._object(printable(mapping.action, payload), covers),
            self._request(found, covers),
            found.reason or UNSET,
            plan.problems if isinstance(plan, Invalid) else UNSET,
            plan.warnings or UNSET if isinstance(plan, Planned) else UNSET,
            action=mapping.action,
            location=str(mapping.location()),
            stale=found.stale or UNSET,
            routing=RoutingRow(self._routing.reason, self._routing.decided) if self._routing.reason else UNSET,
            trigger=self._trigger(found, found.seen),
            fields=tuple(self._field(found, field, covers[field.name]) for field in found.fields) if plan else UNSET,
            failed=UNSET if found.failed is None else self._failed(found),
            sent=tuple(self._sent(part, covers) for part in found.sent) or UNSET,
            unsent=tuple(UnsentRow(part.field, part.why) for part in found.unsent) or UNSET,
        )

    def _object(self, values: dict[str, JSON], covers: _Covers) -> dict[str, JSON]:
        """Print a payload or a body; `covers` are those of its keys."""
        return {key: self._veil.hidden(value, key, covers.get(key, NO_COVER)) for key, value in values.items()}

    def _request(self, found: MappingExplanation, covers: _Covers) -> RequestRow | UnsetType:
        if not isinstance(found.plan, Planned):
            return UNSET
        row = request_row(found.plan.request, self._base)
        url = row.url
        for part in found.sent:
            if part.key == ID_IN_URL and (shown := self._sent_value(part, covers)) != part.value:
                url = url.replace(f"/{url_segment(part.value)}", f"/{shown}")
        by_key = {part.key: covers.get(part.field, NO_COVER) for part in found.sent}
        return RequestRow(row.method, url, self._object(row.body, by_key))

    def _failed(self, found: MappingExplanation) -> FailedRow | UnsetType:
        if found.failed is None:
            return UNSET
        return FailedRow(self._told(found.mapping, found.failed.node), str(found.failed.location))

    def _told(self, mapping: Mapping, node: Node) -> str:
        """Tell a node in a line, with its variables as the file has them."""
        return self._veil.text(describe(node, lambda path: mapping.written(("fields", *path))))

    # -- a trigger ---------------------------------------------------------------------------------------------------

    def _trigger(self, found: MappingExplanation, seen: Seen) -> TriggerRow:
        node = seen.node
        parts = tuple(self._trigger(found, part) for part in seen.parts)
        return TriggerRow(
            _kind_of(node),
            self._spelling(found.mapping, node),
            str(found.mapping.location(("trigger",), node.start, node.end)),
            seen.holds,
            seen.reached,
            any(seen is one for one in found.deciding),
            UNSET if parts else tuple(self._operands(found.mapping, seen)),
            parts or UNSET,
        )

    def _spelling(self, mapping: Mapping, node: Trigger | Operand) -> str:
        """Give a part of a trigger as the file has it."""
        written = mapping.written(("trigger",), node.start, node.end)
        return self._veil.text(" ".join((written or mapping.trigger_text[node.start : node.end]).split()))

    def _operands(self, mapping: Mapping, seen: Seen) -> Iterator[ValueRow]:
        """Tell what a clause looked at; of a function what it gave, and the field that it was applied to."""
        assert not isinstance(seen.node, And | Or | Not)
        cover = clause_cover(mapping, seen.node.start, seen.node.end)
        for operand, value in zip(operands(seen.node), seen.values, strict=True):
            text, field = self._spelling(mapping, operand), field_of(operand)
            if field is operand:
                yield ValueRow(text, self._veil.shown(value, text, cover))
                continue
            given = compile_operand(field)(self._event.data)
            shown = self._veil.shown(given, name := self._spelling(mapping, field), cover)
            is_hidden = shown is not UNSET and shown != plain_value(given)
            yield ValueRow(
                text, REDACTED if is_hidden and value is not MISSING else self._veil.shown(value, text, cover)
            )
            yield ValueRow(name, shown)

    # -- a field -----------------------------------------------------------------------------------------------------

    def _field(self, found: MappingExplanation, field: Field, cover: Cover) -> FieldRow:
        if field.secret:
            return self._secret_field(found.mapping, field)
        return FieldRow(
            field.name,
            str(field.location),
            self._veil.shown(field.given, field.name, cover),
            self._veil.shown(field.result, field.name, cover),
            self._changes(field.changes, field.name, cover),
            field.problems or UNSET,
            UNSET if field.step is None else self._step(found.mapping, field.step),
        )

    def _secret_field(self, mapping: Mapping, field: Field) -> FieldRow:
        """Show only that there is a value, and which paths were read for it."""
        reads, cover = sorted(mapping_reads(field.node) or ()), path_cover(mapping, field.node)
        rows = tuple(
            ValueRow(cover.text(describe_path(keys)), REDACTED if self._veil.read(keys) is not MISSING else UNSET)
            for keys in reads
        )
        given, value = (UNSET if part is MISSING else REDACTED for part in (field.given, field.result))
        step = StepRow("hidden", _hidden_name(field.node), str(field.location), given, reads=rows or UNSET)
        return FieldRow(field.name, str(field.location), given, value, UNSET, field.problems or UNSET, step)

    def _changes(self, found: Iterable[Change], name: str, cover: Cover) -> tuple[ChangeRow, ...] | UnsetType:
        rows = tuple(
            ChangeRow(change.kind, _path_text(change.path), before, self._veil.shown(change.after, key, at))
            for change in found
            if (at := cover.below(*change.path)) is not None
            if (before := self._veil.shown(change.before, key := str((name, *change.path)[-1]), at)) is not UNSET
        )
        return rows or UNSET

    def _sent(self, part: Sent, covers: _Covers) -> SentRow:
        changes = self._changes(part.changes, part.key, covers.get(part.field, NO_COVER))
        return SentRow(part.key, self._sent_value(part, covers), part.origin, changes)

    def _sent_value(self, part: Sent, covers: _Covers) -> JSON:
        return self._veil.hidden(part.value, part.key, covers.get(part.field, NO_COVER))

    # -- a step ------------------------------------------------------------------------------------------------------

    def _step(self, mapping: Mapping, step: Step, key: str | UnsetType = UNSET) -> StepRow:
        keys = _keys_of(step.node, step.steps)
        name = key if isinstance(key, str) else _last_key(step.node)
        return StepRow(
            _node_kind(step.node),
            self._told(mapping, step.node),
            str(mapping.location(("fields", *step.node.path))),
            self._veil.shown(step.value, name, self._veil.of_step(step)),
            key,
            step.branch or UNSET,
            step.inner or UNSET,
            tuple(self._reads(mapping, step)) or UNSET,
            tuple(self._step(mapping, inner, at) for inner, at in zip(step.steps, keys, strict=True)) or UNSET,
        )

    def _reads(self, mapping: Mapping, step: Step) -> Iterator[ValueRow]:
        """Name the paths that a directive itself has read, with what stood there when they start at the event."""
        reads = own_reads(step.node)
        cover = path_cover(mapping, step.node) if reads else NO_COVER
        for keys in reads:
            name = str((*keys, "")[len(keys) - 1])
            value = UNSET if step.inner else self._veil.shown(self._veil.read(keys), name, self._veil.of_reads(step))
            yield ValueRow(cover.text(describe_path(keys)), value)


def _last_key(node: Node) -> str:
    reads = own_reads(node)
    return reads[0][-1] if len(reads) == 1 and reads[0] else ""


def _keys_of(node: Node, steps: tuple[Step, ...]) -> Sequence[str | UnsetType]:
    """Name the place of each step in an object or a list."""
    match node:
        case Fields(fields):
            return [key for key, _ in fields][: len(steps)]
        case Items():
            return [str(at) for at in range(len(steps))]
        case _:
            return [UNSET] * len(steps)


def _node_kind(node: Node) -> str:
    match node:
        case Call(directive):
            return directive.name
        case Fields():
            return "object"
        case Items():
            return "list"
        case Constant():
            return "constant"
        case _:
            return "text"


def _hidden_name(node: Node) -> str:
    return node.directive.name if isinstance(node, Call) else REDACTED


def _kind_of(node: Trigger) -> str:
    return {And: "and", Or: "or", Not: "not"}.get(type(node), "clause")


def _path_text(path: Path) -> str:
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
