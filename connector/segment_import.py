"""Segment's subscriptions, as its interfaces give them in JSON, to a destination file in YAML with comments.

Takes `{partnerAction, subscribe, mapping}` and the public API's `{actionSlug, trigger, settings}`, alone, in lists or
inside what the interfaces wrap them in. What cannot be taken over as it is stays visible in a comment; nothing is lost.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from connector.actions import ACTIONS
from connector.errors import LanguageError, UsageError
from connector.language.triggers import parse_trigger
from connector.schemas import field_names
from connector.values import JSON, type_name

_WRAPPERS: Final = ("data", "subscriptions", "destinationSubscriptions", "destination", "subscription")
_PLAIN: Final = re.compile(r"[A-Za-z$_][A-Za-z0-9_$.]*(?: [A-Za-z0-9_$.()]+)*")
_RESERVED: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_HEAD: Final = """\
# yaml-language-server: $schema=schemas/destination.schema.json
# Imported from Segment: {count}. Read it, then run: rupt-connector check --config FILE
destination: rupt
settings:
  client_id: ${{RUPT_CLIENT_ID}}
  new_account_url: ${{RUPT_NEW_ACCOUNT_URL:-https://app.example.com/sign-up}}
"""


class Subscription(msgspec.Struct, frozen=True):
    """One subscription of a Segment destination: an action, its trigger and its mapping."""

    name: str
    action: str
    trigger: str
    enabled: bool
    fields: dict[str, JSON]


def read_subscriptions(value: JSON) -> list[Subscription]:
    """Find every subscription in a JSON document of Segment's. Raises UsageError when there is none."""
    found = [_subscription(item) for item in _find(value)]
    if not found:
        raise UsageError(
            "no subscription found: expected objects with partnerAction, subscribe and mapping, "
            "or with actionSlug, trigger and settings"
        )
    return found


def _find(value: JSON) -> Iterator[dict[str, JSON]]:
    if isinstance(value, list):
        for item in value:
            yield from _find(item)
    elif isinstance(value, dict):
        if {"partnerAction", "subscribe"} <= value.keys() or {"actionSlug", "trigger"} <= value.keys():
            yield value
            return
        for key in _WRAPPERS:
            if key in value:
                yield from _find(value[key])


def _subscription(value: dict[str, JSON]) -> Subscription:
    action = value.get("partnerAction", value.get("actionSlug"))
    fields: JSON = value.get("mapping", value.get("settings")) or {}
    if isinstance(fields, str):
        fields = _decoded(fields)
    if not isinstance(fields, dict):
        raise UsageError(f"the mapping of a subscription must be an object, not {type_name(fields)}")
    trigger, name = value.get("subscribe", value.get("trigger")), value.get("name")
    return Subscription(
        name=name if isinstance(name, str) and name else _title(str(action)),
        action=str(action),
        trigger=trigger if isinstance(trigger, str) else "",
        enabled=value.get("enabled") is not False,
        fields=fields,
    )


def _decoded(text: str) -> JSON:
    """Read a mapping that an interface gives as a JSON text."""
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except ValueError as error:
        raise UsageError(f"the mapping of a subscription is a text that is not JSON: {error}") from None


def _title(slug: str) -> str:
    return " ".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", slug) if word)


def write_destination(subscriptions: list[Subscription]) -> str:
    """Write the YAML of a destination with these subscriptions as its mappings, in their order."""
    count = f"{len(subscriptions)} mapping{'' if len(subscriptions) == 1 else 's'}"
    lines = [_HEAD.format(count=count)]
    if len(subscriptions) > 50:
        lines.append("# A destination takes at most 50 mappings: split this file.\n")
    if any(_action_of(subscription) == "update_user" for subscription in subscriptions):
        lines[0] += "  api_secret: ${RUPT_API_SECRET}\n"
    lines.append("mappings:\n")
    taken: set[str] = set()
    for subscription in subscriptions:
        lines.append(_mapping(subscription, _free_name(subscription.name, taken)))
    return "".join(lines)


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    taken.add(free)
    return free


def _action_of(subscription: Subscription) -> str:
    word = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+", "_", subscription.action).lower().strip("_")
    return "attach" if word in ("attach", "attach_device") else word


def _mapping(subscription: Subscription, name: str) -> str:
    action = _action_of(subscription)
    lines = [f"  # {note}" for note in _notes(subscription, action, name)]
    lines += [
        f"  - name: {_scalar(name)}",
        f"    action: {_scalar(action)}",
        f"    trigger: {_trigger(subscription.trigger)}",
    ]
    lines += [] if subscription.enabled else ["    enabled: false"]
    lines += ["    fields:"] if subscription.fields else ["    fields: {}"]
    for key, value in subscription.fields.items():
        lines.append(f"      {_scalar(key)}: {_value(_short(value))}")
    return "\n".join(lines) + "\n"


def _notes(subscription: Subscription, action: str, name: str) -> Iterator[str]:
    if name != subscription.name:
        yield f"renamed: another mapping is called {json.dumps(subscription.name, ensure_ascii=False)}"
    if action not in ACTIONS:
        yield f"there is no action {json.dumps(subscription.action)} here: choose {', '.join(ACTIONS)}"
    else:
        for key in subscription.fields:
            if key not in field_names(action):
                yield f"the action {action} has no field {json.dumps(key)}: remove it"
    try:
        parse_trigger(subscription.trigger)
    except LanguageError as error:
        for fault in error.faults:
            yield from f"trigger: {fault.message}; {fault.help}".splitlines()


def _trigger(text: str) -> str:
    """Write a trigger bare where YAML allows it, since that is how it reads best."""
    safe = re.fullmatch(r"[A-Za-z(][^#:\n\t{}\[\]&*!|>%@`]*", text) and text == text.strip()
    return text if safe else json.dumps(text, ensure_ascii=False)


def _short(value: JSON) -> JSON:
    """Write paths and templates as the YAML shorthands, and escape the texts that would be taken for one."""
    if isinstance(value, dict):
        path, template = value.get("@path"), value.get("@template")
        if len(value) == 1 and isinstance(path, str) and "$." not in path[2:] and path not in ("", "$"):
            return path if path.startswith("$.") else f"$.{path}"
        if len(value) == 1 and isinstance(template, str) and "{{" in template and not template.startswith("$."):
            return template
        return {
            key: item if key in ("@path", "@template", "@liquid", "@literal") else _short_options(key, item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_short(item) for item in value]
    if isinstance(value, str) and (value.startswith("$.") or "{{" in value):
        return {"@literal": value}
    return value


def _short_options(key: str, value: JSON) -> JSON:
    """Shorten what a directive's options hold, but not its literal texts: patterns, separators, the path of @arrayPath."""
    if key == "@replace" and isinstance(value, dict):
        return {name: _short(item) if name == "value" else item for name, item in value.items()}
    if key == "@flatten" and isinstance(value, dict):
        return {name: item if name == "separator" else _short(item) for name, item in value.items()}
    if key == "@arrayPath" and isinstance(value, list):
        return [value[at] if at == 0 and isinstance(value[at], str) else _short(value[at]) for at in range(len(value))]
    return _short(value)


def _value(value: JSON) -> str:
    """Write a value on one line: plain scalars bare, everything else as YAML's flow style, which JSON is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _scalar(value)


def _scalar(value: JSON) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\x7f").replace("\u0085", "\\u0085")
