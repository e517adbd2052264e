"""Segment's subscriptions, as its interfaces give them in JSON, to a destination file in YAML with comments.

Takes `{partnerAction, subscribe, mapping}` and the public API's `{actionSlug, trigger, settings}`, alone or anywhere in
what the interfaces wrap them in. What has no place here stands in the file as a comment that says why; nothing is lost.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from connector.actions import ACTIONS
from connector.errors import LanguageError, UsageError
from connector.language.triggers import parse_trigger
from connector.schemas import field_names
from connector.values import JSON, load_json, type_name
from connector.yaml_writing import STRICT, UNPRINTABLE, shorten, write_quoted, write_trigger

MOST_MAPPINGS: Final = 50
_ALIASES: Final = {"attach_device": "attach", "detach_device": "detach"}
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


# Reading


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
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            if isinstance(_slug(item), str):
                yield item
            else:
                waiting += reversed(item.values())


def _slug(value: dict[str, JSON]) -> JSON:
    return value.get("partnerAction", value.get("actionSlug"))


def _subscription(value: dict[str, JSON]) -> Subscription:
    action = str(_slug(value))
    fields: JSON = value.get("mapping", value.get("settings")) or {}
    if isinstance(fields, str):
        fields = _decoded(fields)
    if not isinstance(fields, dict):
        raise UsageError(f"the mapping of a subscription must be an object, not {type_name(fields)}")
    trigger, name = value.get("subscribe", value.get("trigger")), value.get("name")
    return Subscription(
        name=name if isinstance(name, str) and name.strip() else _title(action),
        action=action,
        trigger=trigger if isinstance(trigger, str) else "",
        enabled=value.get("enabled") is not False,
        fields=fields,
    )


def _decoded(text: str) -> JSON:
    """Read a mapping that an interface gives as a JSON text."""
    try:
        return load_json(text)
    except ValueError as error:
        raise UsageError(f"the mapping of a subscription is a text that is not JSON: {error}") from None


def _title(slug: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])", slug)
    return " ".join(word.capitalize() for word in words if word) or "Unnamed"


# Writing


def write_destination(subscriptions: list[Subscription]) -> str:
    """Write the YAML of a destination with these subscriptions as its mappings, in their order.

    Raises UsageError for a mapping that nests too deeply to be written.
    """
    count = len(subscriptions)
    lines = [_HEAD.format(count=f"{count} mapping{'' if count == 1 else 's'}")]
    actions = [_action_of(subscription) for subscription in subscriptions]
    if any(ACTIONS[action].needs_secret for action in actions if action in ACTIONS):
        lines.append("  api_secret: ${RUPT_API_SECRET}\n")
    if sum(action in ACTIONS for action in actions) > MOST_MAPPINGS:
        lines.append(f"# A destination takes at most {MOST_MAPPINGS} mappings: split this file.\n")
    lines.append("mappings:\n")
    taken: set[str] = set()
    for subscription in subscriptions:
        try:
            lines.append(_mapping(subscription, _free_name(subscription.name, taken)))
        except RecursionError:
            raise UsageError(f"the mapping of {subscription.name!r} nests too deeply") from None
    return "".join(lines)


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    taken.add(free)
    return free


def _action_of(subscription: Subscription) -> str:
    word = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", subscription.action).lower().strip("_")
    return _ALIASES.get(word, word)


def _mapping(subscription: Subscription, name: str) -> str:
    """Write one mapping; one whose action is not here becomes a comment as a whole."""
    action = _action_of(subscription)
    is_known = action in ACTIONS
    notes = [f"  # {UNPRINTABLE.sub(' ', note)}" for note in _notes(subscription, action, name)]
    lines = [
        f"- name: {STRICT.scalar(name)}",
        f"  action: {STRICT.scalar(action if is_known else subscription.action)}",
        f"  trigger: {write_trigger(subscription.trigger)}",
        *([] if subscription.enabled else ["  enabled: false"]),
        *_fields(subscription.fields, field_names(action) if is_known else tuple(subscription.fields)),
    ]
    indent = "  " if is_known else "  # "
    return "\n".join([*notes, *(indent + line for line in lines)]) + "\n"


def _fields(fields: dict[str, JSON], known: tuple[str, ...]) -> Iterator[str]:
    yield "  fields:" if any(key in known for key in fields) else "  fields: {}"
    for key, value in fields.items():
        yield f"    {'' if key in known else '# '}{STRICT.pair(key, shorten(value))}"


def _notes(subscription: Subscription, action: str, name: str) -> Iterator[str]:
    if name != subscription.name:
        yield f"renamed: another mapping is called {write_quoted(subscription.name)}"
    if action not in ACTIONS:
        yield f"left out: there is no action {write_quoted(subscription.action)} here, choose {', '.join(ACTIONS)}"
    else:
        for key in subscription.fields:
            if key not in field_names(action):
                yield f"left out: the action {action} has no field {write_quoted(key)}"
    try:
        parse_trigger(subscription.trigger)
    except LanguageError as error:
        for fault in error.faults:
            yield f"trigger: {fault.message}; {fault.help}"
