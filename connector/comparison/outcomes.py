"""What an edit makes of one event by one mapping: the kind of change, and the fields in which both versions differ.

In: what the old and the new version plan, None where a mapping does not take the event. Secret fields are hidden here.
"""

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.rows import printable
from connector.values import JSON, MISSING, Missing

Kind: TypeAlias = Literal[
    "newly_matched",
    "no_longer_matched",
    "newly_invalid",
    "newly_valid",
    "newly_skipped",
    "no_longer_skipped",
    "payload_changed",
    "request_changed",
    "reason_changed",
]
_OUTCOMES: Final[dict[type, str]] = {Planned: "planned", Skipped: "skipped", Invalid: "invalid"}
_sorted: Final[Callable[[object], bytes]] = msgspec.json.Encoder(order="sorted").encode


class Leaf(msgspec.Struct, frozen=True):
    """A value that differs: `path` leads to it from the payload (or from the request), MISSING where there is none."""

    path: tuple[str, ...]
    old: "JSON | Missing"
    new: "JSON | Missing"


class Side(msgspec.Struct, frozen=True):
    """What became of the event in one version: outcome (`filtered` when the mapping does not take it) and reasons."""

    outcome: str
    reasons: tuple[str, ...] = ()


def same_json(old: object, new: object) -> bool:
    """Say whether two values print the same JSON, the order of keys aside; 1 and true do not."""
    return old == new and _sorted(old) == _sorted(new)


def outcome_of(plan: Plan) -> str:
    """Name what became of an event."""
    return _OUTCOMES[type(plan)]


def side(plan: Plan | None) -> Side:
    """Tell what a version makes of an event, and why if it sends nothing."""
    if plan is None:
        return Side("filtered")
    if isinstance(plan, Invalid):
        return Side("invalid", plan.problems)
    return Side("skipped", (plan.reason,)) if isinstance(plan, Skipped) else Side("planned", plan.warnings)


def kind_of(old: Plan | None, new: Plan | None, *, also: bool = False) -> Kind | None:
    """Name how two plans of one event differ, None when they do not.

    `also` says that requests differ in what is not in them: where they go, or who authorizes them. Of a skipped event
    only the reason counts.
    """
    if old is None or new is None:
        return None if old is new else "newly_matched" if old is None else "no_longer_matched"
    if isinstance(old, Planned) and isinstance(new, Planned):
        if not same_json(old.payload, new.payload):
            return "payload_changed"
        return "request_changed" if also or not _same_request(old, new) else None
    if type(old) is type(new):
        return None if side(old) == side(new) else "reason_changed"
    return _turned(old, new)


def _turned(old: Plan, new: Plan) -> Kind:
    if isinstance(new, Planned):
        return "newly_valid" if isinstance(old, Invalid) else "no_longer_skipped"
    return "newly_invalid" if isinstance(new, Invalid) else "newly_skipped"


def _same_request(old: Planned, new: Planned) -> bool:
    one, other = old.request, new.request
    return (
        (one.method, one.path, one.auth, one.token, old.warnings)
        == (other.method, other.path, other.auth, other.token, new.warnings)
    ) and same_json(one.body, other.body)


def leaves(old: "JSON | Missing", new: "JSON | Missing", path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Find the values in which two values differ, as deep as both are objects."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            yield from leaves(old.get(key, MISSING), new.get(key, MISSING), (*path, key))
    elif isinstance(new, dict) and old is MISSING and new:
        for key, value in new.items():
            yield from leaves(MISSING, value, (*path, key))
    elif isinstance(old, dict) and new is MISSING and old:
        for key, value in old.items():
            yield from leaves(value, MISSING, (*path, key))
    elif old is not new and (old is MISSING or new is MISSING or not same_json(old, new)):
        yield Leaf(path, old, new)


def payload_of(plan: Plan | None) -> dict[str, JSON]:
    """Give what a plan has made of the fields, be it that nothing is sent of it."""
    return (plan.payload or {}) if plan is not None else {}


def shown_leaves(old: Plan | None, new: Plan | None, actions: tuple[str, str], bases: tuple[str, str]) -> list[Leaf]:
    """List what differs, fit for printing: in the payloads, or where they are equal in the requests.

    A secret field that differs has the mark of a hidden one on both sides.
    """
    before, after = payload_of(old), payload_of(new)
    hidden_before, hidden_after = (printable(actions[0], before), printable(actions[1], after))
    found = list(leaves(hidden_before, hidden_after))
    shown = {leaf.path[0] for leaf in found}
    secrets = {key for key in before.keys() & after.keys() if hidden_after[key] is not after[key]}
    found += [
        Leaf((key,), hidden_before[key], hidden_after[key])
        for key in sorted(secrets - shown)
        if not same_json(before[key], after[key])
    ]
    if found or not (isinstance(old, Planned) and isinstance(new, Planned)):
        return found
    return list(leaves(_request(old, bases[0]), _request(new, bases[1])))


def _request(plan: Planned, base: str) -> dict[str, JSON]:
    request = plan.request
    return {"method": request.method, "url": base + request.path, "body": request.body}
