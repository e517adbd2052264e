"""From where each part of a request comes, and which fields of a payload are in none of its parts, and why.

In: the plan of an event. Out: values for who explains. What goes over the wire is decided by the actions alone: here it
is found again, by the place of a value and not by doing the work once more.
"""

from collections.abc import Iterator
from typing import Final

from connector.actions.identity import IDENTITY_FIELDS
from connector.explanations.changes import changes
from connector.explanations.model import Change, Sent, Unsent
from connector.language.paths import walk
from connector.pipeline import Planned
from connector.values import JSON

_Object = dict[str, JSON]
ID_IN_URL: Final = "id in the URL"
ALWAYS: Final = "always"
SETTINGS: Final = "settings, whether the URLs are set"
_FIELD_OF: Final = {"user": "account"}  # where the wire has another name
_URL_FIELD: Final = {"detach": "device", "update_user": "account"}
_PAGES: Final = (("context", "page"), ("properties",))
_IDENTITY: Final = frozenset({*IDENTITY_FIELDS, "client", "version", "device_info"})
_WHY_UNSENT: Final = {
    "phone": "it cannot be made an international number",
    "groups": "a group without id is left out",
    "metadata": "there is nothing in it",
    "page": "there is no path in it, or include_page is false",
    "secret": "it goes into the authorization header, which is never shown",
}


def sent_parts(action: str, plan: Planned, event: _Object) -> tuple[Sent, ...]:
    """Say of each part of a request from where it comes: the id in the URL, then the keys of the body."""
    parts = []
    if name := _URL_FIELD.get(action):
        parts.append(Sent(ID_IN_URL, plan.payload[name], f"field {name}", name))
    parts += [_sent(key, value, plan.payload, event) for key, value in plan.request.body.items()]
    return tuple(parts)


def _sent(key: str, value: JSON, payload: _Object, event: _Object) -> Sent:
    name = _FIELD_OF.get(key, key)
    if key in _IDENTITY and (name not in payload or payload[name] != value):
        return Sent(key, value, _device_origin(key, value, event))
    if name in payload:
        made = _group_changes(payload[name], value) if key == "groups" else changes(payload[name], value)
        return Sent(key, value, f"field {name}", name, tuple(made))
    if key == "page":
        return Sent(key, value, _page_origin(event))
    return Sent(key, value, SETTINGS if key == "redirects" else ALWAYS)


def _group_changes(given: JSON, sent: JSON) -> Iterator[Change]:
    """Compare groups with the list that is sent, in which only those without an id are missing."""
    made = iter(sent if isinstance(sent, list) else ())
    for at, group in enumerate(given if isinstance(given, list) else [given]):
        path = (at,) if isinstance(given, list) else ()
        if not isinstance(group, dict) or group.get("id") in (None, ""):
            yield Change("without_id", path, group)  # type: ignore[arg-type]  # JSON is a Value; dicts are invariant
        else:
            yield from changes(group, next(made, None), path)


def _device_origin(key: str, value: JSON, event: _Object) -> str:
    """Say what of the event named the device."""
    if key == "client":
        return f"{ALWAYS}, with {'an anonymousId' if value == 'segment' else 'context.rupt'}"
    if walk(event, ("context", "rupt", key)) == value:  # type: ignore[arg-type]  # JSON is a Value without MISSING
        return f"$.context.rupt.{key}"
    if key == "fingerprint":
        return "$.anonymousId"
    return "$.context.device.id" if key == "signals" else "$.context.device and $.context.os"


def _page_origin(event: _Object) -> str:
    """Say which of the event's pages it is: the first place with a path or a URL."""
    for place in _PAGES:
        for key in ("path", "url"):
            found = walk(event, (*place, key))  # type: ignore[arg-type]  # as above
            if found and isinstance(found, str):
                return f"$.{'.'.join((*place, key))}"
    return ALWAYS


def unsent_fields(action: str, plan: Planned) -> Iterator[Unsent]:
    """Name the fields of a payload that are not in the request, and why."""
    body = plan.request.body
    there = {_FIELD_OF.get(key, key) for key in body} | {_URL_FIELD.get(action, "")}
    for name in plan.payload:
        if name == "include_page":
            yield Unsent(name, f"it decides whether the page is sent: {'yes' if 'page' in body else 'no'}")
        elif name not in there:
            yield Unsent(name, _WHY_UNSENT.get(name, "there is no place for it beside the event's own device"))
