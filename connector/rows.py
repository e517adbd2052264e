"""One line of output for one event and mapping: the contract of `--json`, the same for every command that prints it.

Keys stand in this order and only where they apply. A secret field of a payload is never printed, and a request is its
method, URL and body: no header.
"""

from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from connector.destination import Mapping, Settings
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.routes import REASONS
from connector.rupt import DEFAULT_BASE_URL, Request, base_url
from connector.schemas import write_only_names
from connector.values import JSON

REDACTED: Final = "[redacted]"


class RequestRow(msgspec.Struct, frozen=True, gc=False):
    """What goes over the wire, without headers."""

    method: str
    url: str
    body: dict[str, JSON]


class Row(msgspec.Struct, frozen=True, gc=False):
    """What became of one event by one mapping (null: by none)."""

    messageId: str | None  # noqa: N815 - the field's own name
    mapping: str | None
    outcome: str
    payload: dict[str, JSON] | UnsetType = UNSET
    request: RequestRow | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET
    access: dict[str, JSON] | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    inDoubt: bool | UnsetType = UNSET  # noqa: N815 - beside messageId
    at: str | UnsetType = UNSET


class PlannedRow(msgspec.Struct, frozen=True, gc=False):
    """The commonest row, with its keys alone: a Row with UNSET in all others prints the same for twice the cost."""

    messageId: str  # noqa: N815 - the field's own name
    mapping: str
    outcome: str
    payload: dict[str, JSON]
    request: RequestRow


class FilteredRow(msgspec.Struct, frozen=True, gc=False):
    """The row of an event that no mapping took."""

    messageId: str  # noqa: N815 - the field's own name
    mapping: None
    outcome: str
    reason: str


# A FilteredRow in pieces, around the messageId: in most traffic most rows are of this kind.
FILTERED_START: Final = b'{"messageId":'
FILTERED_ENDS: Final = {
    reason: b',"mapping":null,"outcome":"filtered","reason":"%s"}\n' % reason.encode() for reason in REASONS
}


def requests_base(settings: Settings) -> str:
    """Say where the requests of a destination go."""
    return base_url(settings.domain) if settings.domain else DEFAULT_BASE_URL


def request_row(request: Request, base: str) -> RequestRow:
    """Print a request, without what authorizes it."""
    return RequestRow(request.method, base + request.path, request.body)


def planned_row(message_id: str, mapping: Mapping, plan: Plan, base: str) -> Row:
    """Print what a mapping makes of an event; `base` is where requests go."""
    if type(plan) is Planned:
        payload, request = printable(mapping.action, plan.payload), request_row(plan.request, base)
        return Row(message_id, mapping.name, "planned", payload, request, warnings=plan.warnings or UNSET)
    if isinstance(plan, Invalid):
        return Row(message_id, mapping.name, "invalid", problems=plan.problems)
    assert isinstance(plan, Skipped)
    shown = UNSET if plan.payload is None else printable(mapping.action, plan.payload)
    return Row(message_id, mapping.name, "skipped", shown, reason=plan.reason)


def printable(action: str, payload: dict[str, JSON]) -> dict[str, JSON]:
    """Give a payload as it may be printed: fields that the schema marks writeOnly are hidden."""
    hidden = write_only_names(action)
    if payload.keys().isdisjoint(hidden):
        return payload
    return {key: REDACTED if key in hidden else value for key, value in payload.items()}
