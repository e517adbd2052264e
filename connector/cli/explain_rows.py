"""An explanation to rows: what `explain --json` prints, and what its text is made of.

Secrets are hidden here and nowhere else: what mappings make their writeOnly fields of, wherever it stands.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import UNSET, UnsetType

from connector.cli.explain_shapes import (
    ChangeRow,
    FailedRow,
    FieldRow,
    MappingRow,
    RoutingRow,
    SentRow,
    Shown,
    StepRow,
    TriggerRow,
    UnsentRow,
    ValueRow,
)
from connector.cli.hiding import SHOWN, Hiding, hide
from connector.destination import Destination
from connector.errors import Path
from connector.explanations import Change, Explanation, Field, MappingExplanation, Sent
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Constant, Fields, Items, Node, PathText, TemplateText
from connector.language.paths import Keys, walk
from connector.language.templates import Placeholder
from connector.language.tracing import Step, describe, describe_path, walk_steps
from connector.language.triggers import And, Not, Or, Seen, Trigger, operands
from connector.pipeline import Invalid, Planned
from connector.rows import REDACTED, RequestRow, printable, request_row, requests_base
from connector.values import JSON, MISSING, Value

_SHORTEST: Final = 6  # characters of a part of a secret that is hidden wherever it stands


def explanation_rows(explanation: Explanation, destination: Destination) -> list[MappingRow]:
    """Print what became of an event: a row for each mapping that was explained.

    `destination` is the whole one: what any of its mappings takes for a secret is one in every row.
    """
    maker = _Maker(explanation, destination)
    return [maker.mapping_row(found) for found in explanation.mappings]


class _Maker:
    """Makes the rows of one event; knows its secrets."""

    def __init__(self, explanation: Explanation, destination: Destination) -> None:
        self._event = explanation.event
        self._routing = explanation.routing
        self._base = requests_base(destination.settings)
        self._texts = Hiding(destination).texts(self._event.data) | frozenset(_secret_texts(explanation))
        self._open = {value for key in SHOWN if isinstance(value := self._event.data.get(key), str)}

    # -- values ------------------------------------------------------------------------------------------------------

    def _shown(self, value: Value, name: str = "") -> Shown:
        """Give a value as it may be printed, UNSET for nothing."""
        return UNSET if value is MISSING else self._hidden(plain_value(value), name)

    def _hidden(self, value: JSON, name: str = "") -> JSON:
        if isinstance(value, str) and value in self._open and value not in self._texts:
            return value  # ids are no secrets, also where a secret is made of one
        return hide(value, name, self._texts)

    def _text(self, text: str) -> str:
        """Give a text of the file as it may be printed."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, REDACTED) if len(secret) >= _SHORTEST else text
        return text

    def _payload(self, action: str, payload: dict[str, JSON]) -> dict[str, JSON]:
        return {key: self._hidden(value, key) for key, value in printable(action, payload).items()}

    # -- a mapping ---------------------------------------------------------------------------------------------------

    def mapping_row(self, found: MappingExplanation) -> MappingRow:
        mapping, plan = found.mapping, found.plan
        payload = None if plan is None else plan.payload
        request = request_row(plan.request, self._base) if isinstance(plan, Planned) else None
        return MappingRow(
            self._event.message_id,
            mapping.name,
            found.outcome,
            UNSET if payload is None else self._payload(mapping.action, payload),
            UNSET if request is None else RequestRow(request.method, request.url, self._body(request.body)),
            found.reason or UNSET,
            plan.problems if isinstance(plan, Invalid) else UNSET,
            plan.warnings or UNSET if isinstance(plan, Planned) else UNSET,
            action=mapping.action,
            location=str(mapping.location()),
            stale=found.stale or UNSET,
            routing=RoutingRow(self._routing.reason, self._routing.decided) if self._routing.reason else UNSET,
            trigger=self._trigger(found, found.seen),
            fields=tuple(self._field(found, field) for field in found.fields) if plan else UNSET,
            failed=UNSET if found.failed is None else self._failed(found),
            sent=tuple(self._sent(part) for part in found.sent) or UNSET,
            unsent=tuple(UnsentRow(part.field, part.why) for part in found.unsent) or UNSET,
        )

    def _body(self, body: dict[str, JSON]) -> dict[str, JSON]:
        return {key: self._hidden(value, key) for key, value in body.items()}

    def _failed(self, found: MappingExplanation) -> FailedRow | UnsetType:
        if found.failed is None:
            return UNSET
        return FailedRow(self._text(describe(found.failed.node)), str(found.failed.location))

    # -- a trigger ---------------------------------------------------------------------------------------------------

    def _trigger(self, found: MappingExplanation, seen: Seen) -> TriggerRow:
        node, text = seen.node, found.mapping.trigger_text
        parts = tuple(self._trigger(found, part) for part in seen.parts)
        return TriggerRow(
            _kind_of(node),
            self._text(" ".join(text[node.start : node.end].split())),
            str(found.mapping.location(("trigger",), node.start, node.end)),
            seen.holds,
            seen.reached,
            any(seen is one for one in found.deciding),
            UNSET if parts else self._operands(text, seen),
            parts or UNSET,
        )

    def _operands(self, trigger: str, seen: Seen) -> tuple[ValueRow, ...]:
        assert not isinstance(seen.node, And | Or | Not)
        return tuple(
            ValueRow(text := trigger[operand.start : operand.end], self._shown(value, text))
            for operand, value in zip(operands(seen.node), seen.values, strict=True)
        )

    # -- a field -----------------------------------------------------------------------------------------------------

    def _field(self, found: MappingExplanation, field: Field) -> FieldRow:
        if field.secret:
            return self._secret_field(field)
        return FieldRow(
            field.name,
            str(field.location),
            self._shown(field.given, field.name),
            self._shown(field.result, field.name),
            self._changes(field.changes, field.name),
            field.problems or UNSET,
            UNSET if field.step is None else self._step(found, field.step),
        )

    def _secret_field(self, field: Field) -> FieldRow:
        """Show only that there is a value, and which paths were read for it."""
        reads = sorted(mapping_reads(field.node) or ())
        rows = tuple(
            ValueRow(describe_path(keys), REDACTED if self._read(keys) is not MISSING else UNSET) for keys in reads
        )
        given, value = (UNSET if part is MISSING else REDACTED for part in (field.given, field.result))
        step = StepRow("hidden", _hidden_name(field.node), str(field.location), given, reads=rows or UNSET)
        return FieldRow(field.name, str(field.location), given, value, UNSET, field.problems or UNSET, step)

    def _read(self, keys: Keys) -> Value:
        return walk(self._event.data, keys)  # type: ignore[arg-type]  # JSON is a Value without MISSING

    def _changes(self, found: Iterable[Change], name: str) -> tuple[ChangeRow, ...] | UnsetType:
        rows = tuple(
            ChangeRow(change.kind, _path_text(change.path), before, self._shown(change.after, key))
            for change in found
            if (before := self._shown(change.before, key := str((name, *change.path)[-1]))) is not UNSET
        )
        return rows or UNSET

    def _sent(self, part: Sent) -> SentRow:
        return SentRow(part.key, self._hidden(part.value, part.key), part.origin, self._changes(part.changes, part.key))

    # -- a step ------------------------------------------------------------------------------------------------------

    def _step(self, found: MappingExplanation, step: Step, key: str | UnsetType = UNSET) -> StepRow:
        keys = _keys_of(step.node, step.steps)
        name = key if isinstance(key, str) else _last_key(step.node)
        return StepRow(
            _node_kind(step.node),
            self._text(describe(step.node)),
            str(found.mapping.location(("fields", *step.node.path))),
            self._shown(step.value, name),
            key,
            step.branch or UNSET,
            step.inner or UNSET,
            tuple(self._reads(step)) or UNSET,
            tuple(self._step(found, inner, at) for inner, at in zip(step.steps, keys, strict=True)) or UNSET,
        )

    def _reads(self, step: Step) -> Iterator[ValueRow]:
        """Name the paths that a directive itself has read, with what stood there when they start at the event."""
        for keys in _own_reads(step.node):
            value = UNSET if step.inner else self._shown(self._read(keys), str((*keys, "")[len(keys) - 1]))
            yield ValueRow(describe_path(keys), value)


def plain_value(value: Value) -> JSON:
    """Give a value of JSON: inside objects what is missing is left out, in lists it is null."""
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items() if item is not MISSING}
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return None if value is MISSING else value


def _secret_texts(explanation: Explanation) -> Iterator[str]:
    """Give what stood in any step on the way to a secret field, but for ids."""
    for found in explanation.mappings:
        for field in found.fields:
            if field.secret and field.step is not None:
                for step in walk_steps([field.step]):
                    if not any(keys[:1] and keys[0] in SHOWN for keys in _own_reads(step.node)):
                        yield from _texts(plain_value(step.value))


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _own_reads(node: Node) -> tuple[Keys, ...]:
    """Name the paths that a directive reads by itself, not through directives in it."""
    if not isinstance(node, Call):
        return ()
    match next(iter(node.options.values()), None):
        case PathText(keys) if node.directive.name == "@path":
            return (keys,)
        case TemplateText(pieces):
            return tuple(piece.keys for piece in pieces if isinstance(piece, Placeholder))
        case _:
            return tuple(sorted(mapping_reads(node) or ())) if node.directive.name == "@liquid" else ()


def _last_key(node: Node) -> str:
    reads = _own_reads(node)
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
