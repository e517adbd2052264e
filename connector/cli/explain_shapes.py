"""The rows of an explanation: the documented shape of `explain --json`, from which its text is made too.

Keys stand in the order of the Structs and only where they apply; what is missing in an event has no `value`.
"""

from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from connector.rows import RequestRow
from connector.values import JSON

Shown: TypeAlias = "JSON | UnsetType"  # UNSET where there is no value


class ValueRow(msgspec.Struct, frozen=True):
    """What was read: the operand of a clause, or a path."""

    text: str
    value: Shown = UNSET


class TriggerRow(msgspec.Struct, frozen=True):
    """A part of a trigger. `kind` is and, or, not, clause; `reached`: the parts before it left it to decide.

    `values` are those of a clause's operands; behind that of a function stands its field's.
    """

    kind: str
    text: str
    location: str
    holds: bool
    reached: bool
    deciding: bool
    values: tuple[ValueRow, ...] | UnsetType = UNSET
    parts: tuple["TriggerRow", ...] | UnsetType = UNSET


class StepRow(msgspec.Struct, frozen=True):
    """One node of a field at work. `kind` is a directive, constant, object or list; `key` is its place in the latter.

    `inner`: its paths start at a list's item, or at what @transform has made.
    """

    kind: str
    text: str
    location: str
    value: Shown = UNSET
    key: str | UnsetType = UNSET
    branch: str | UnsetType = UNSET
    inner: bool | UnsetType = UNSET
    reads: tuple[ValueRow, ...] | UnsetType = UNSET
    steps: tuple["StepRow", ...] | UnsetType = UNSET


class ChangeRow(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """What was removed, converted, left out or without_id (a group), and where in the value."""

    kind: str
    path: str
    before: JSON
    after: Shown = UNSET


class FieldRow(msgspec.Struct, frozen=True):
    """A field: `given` by its directives, `value` after the schema."""

    name: str
    location: str
    given: Shown = UNSET
    value: Shown = UNSET
    changes: tuple[ChangeRow, ...] | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    step: StepRow | UnsetType = UNSET


class SentRow(msgspec.Struct, frozen=True):
    """A part of the request, and from where it comes."""

    key: str
    value: JSON
    origin: str
    changes: tuple[ChangeRow, ...] | UnsetType = UNSET


class UnsentRow(msgspec.Struct, frozen=True):
    """A field of the payload that is not in the request's body, and why."""

    field: str
    why: str


class FailedRow(msgspec.Struct, frozen=True):
    """Where a mapping could not be resolved."""

    text: str
    location: str


class RoutingRow(msgspec.Struct, frozen=True):
    """What keeps an event from Rupt: a key of its integrations object, or categories without consent."""

    reason: str
    decided: tuple[str, ...]


class MappingRow(msgspec.Struct, frozen=True):
    """One event and one mapping. The keys up to `warnings` are those of `replay --dry-run --json`."""

    messageId: str  # noqa: N815 - the field's own name
    mapping: str
    outcome: str
    payload: dict[str, JSON] | UnsetType = UNSET
    request: RequestRow | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET
    action: str = ""
    location: str = ""
    stale: bool | UnsetType = UNSET
    routing: RoutingRow | UnsetType = UNSET
    trigger: TriggerRow | UnsetType = UNSET
    fields: tuple[FieldRow, ...] | UnsetType = UNSET
    failed: FailedRow | UnsetType = UNSET
    sent: tuple[SentRow, ...] | UnsetType = UNSET
    unsent: tuple[UnsentRow, ...] | UnsetType = UNSET
