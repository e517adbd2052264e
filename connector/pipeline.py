"""One event through one mapping: resolve, check, build. An event's data in; a request, or the reason for none, out.

Everything is compiled when the destination is loaded. No clock, no network: what is too old is told by an argument.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from connector.actions import ACTIONS, Built, Options, Unfit
from connector.destination import Mapping, Settings
from connector.errors import ResolveError
from connector.events import Cutoff, is_before
from connector.language.directives import Fields
from connector.rupt import Request
from connector.schemas import checker, field_names
from connector.values import JSON

STALE: Final = "stale: the event is older than max_event_age, and Rupt would take it for an access now"


class Planned(msgspec.Struct, frozen=True, gc=False):
    """A request to send: `payload` is what the schema passed, `request` what goes over the wire."""

    payload: dict[str, JSON]
    request: Request
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Planned({self.request.method} {self.request.auth})"  # the rest names a person, and may hold a token


class Skipped(msgspec.Struct, frozen=True):
    """Nothing is sent, and nothing is wrong: `reason` starts with a short stable name."""

    reason: str
    payload: dict[str, JSON] | None = None


class Invalid(msgspec.Struct, frozen=True):
    """The payload does not pass the action's schema: every problem, as a sentence."""

    problems: tuple[str, ...]
    payload: dict[str, JSON] | None = None


Plan: TypeAlias = Planned | Skipped | Invalid
Planner: TypeAlias = Callable[[dict[str, JSON], Cutoff | None], Plan]


def options_of(settings: Settings) -> Options:
    """Tell actions what they need to know of the settings, and nothing secret."""
    return Options(bool(settings.new_account_url), bool(settings.logout_url), settings.device_identity)


def compile_plan(mapping: Mapping, settings: Settings) -> Planner:
    """Compile a mapping into a function from an event's data, and the moment before which it is stale, to a Plan."""
    resolve, check = mapping.resolve, checker(mapping.action)
    is_ready, repair = check.is_ready, check.repair
    build = ACTIONS[mapping.action].compile(options_of(settings), mapped_names(mapping))
    stale = Skipped(STALE)

    def plan(event: dict[str, JSON], oldest: Cutoff | None) -> Plan:
        if oldest is not None and is_before(event, oldest):
            return stale
        try:
            payload = resolve(event)
        except ResolveError as error:
            return Invalid((str(error),))
        if not is_ready(payload):
            checked = repair(payload)
            payload = checked.payload
            if checked.problems:
                return Invalid(checked.problems, payload)
        built = build(payload, event)
        if type(built) is Request:
            return Planned(payload, built)
        if type(built) is Built:
            return Planned(payload, built.request, built.warnings)
        assert isinstance(built, Unfit)
        return Skipped(built.reason, payload)

    return plan


def mapped_names(mapping: Mapping) -> frozenset[str]:
    """Name the fields that a mapping can give."""
    if isinstance(mapping.fields, Fields):
        return frozenset(name for name, _ in mapping.fields.fields)
    return frozenset(field_names(mapping.action))
