"""From payload to wire: phone numbers to E.164, metadata to texts, groups to a list with ids.

Each function gives what can be sent; what had to be left out it says in a warning, without the value.
"""

import importlib
import re
from functools import cache, lru_cache
from types import ModuleType
from typing import Final
from urllib.parse import quote

from connector.values import JSON, number_text, stringify

_is_e164: Final = re.compile(r"\+[1-9][0-9]{6,14}").fullmatch
PHONE_WARNING: Final = "phone left out: not an international number, write it with + and the country code"
GROUP_WARNING: Final = "group left out: it has no id"


def fill_person(body: dict[str, JSON], payload: dict[str, JSON]) -> tuple[str, ...]:
    """Put email, phone, metadata and groups into a body in wire form, and say what was left out."""
    warnings: tuple[str, ...] = ()
    if "email" in payload:
        body["email"] = payload["email"]
    if "phone" in payload:
        if phone := phone_of(str(payload["phone"])):
            body["phone"] = phone
        else:
            warnings = (PHONE_WARNING,)
    if (metadata := payload.get("metadata")) and (texts := metadata_of(metadata)):  # type: ignore[arg-type]  # an object
        body["metadata"] = texts
    if "groups" in payload:
        groups, lost = groups_of(payload["groups"])
        warnings += lost
        if groups:
            body["groups"] = groups
    return warnings


def url_segment(identifier: JSON) -> str | None:
    """Encode an id as one segment of a URL; None for `.` and `..`, which no encoding keeps from being resolved."""
    text = str(identifier)
    return None if text in (".", "..") else quote(text, safe="")


def phone_of(text: str) -> str | None:
    """Convert a phone number to E.164, the only form that Rupt takes; None when it cannot be."""
    return text if _is_e164(text) else _parse_phone(text)


@lru_cache(maxsize=4096)
def _parse_phone(text: str) -> str | None:
    phonenumbers = _phonenumbers()
    international = re.sub(r"^\s*00", "+", text)
    try:
        number = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@cache
def _phonenumbers() -> ModuleType:
    """Import the library when the first number needs it: most traffic is E.164 already, and start-up time counts."""
    return importlib.import_module("phonenumbers")


def metadata_of(values: dict[str, JSON]) -> dict[str, JSON]:
    """Convert metadata to Rupt's map of texts: numbers and booleans as JavaScript prints them, the rest as JSON."""
    for value in values.values():
        if type(value) is not str:
            return {key: _metadata_text(value) for key, value in values.items() if value is not None}
    return values


def _metadata_text(value: JSON) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return str(stringify(value))  # type: ignore[arg-type]  # JSON is a Value without MISSING; containers are invariant


def groups_of(groups: JSON) -> tuple[list[JSON], tuple[str, ...]]:
    """Convert one group or a list of them to a list in which every group has an id, with warnings for the others."""
    found: list[JSON] = []
    warnings: list[str] = []
    for group in groups if isinstance(groups, list) else [groups]:
        made = _group_of(group)
        found += [made] if made else []
        warnings += [] if made else [GROUP_WARNING]
    return found, tuple(warnings)


def _group_of(group: JSON) -> dict[str, JSON] | None:
    if not isinstance(group, dict) or group.get("id") in (None, ""):
        return None
    made = dict(group)
    made["id"] = _metadata_text(group["id"])
    if isinstance(metadata := group.get("metadata"), dict):
        made["metadata"] = metadata_of(metadata)
    return {key: value for key, value in made.items() if value is not None}
