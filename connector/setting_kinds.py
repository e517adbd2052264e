"""The kinds of settings: what each takes from a file, what it says of the rest, and how an editor knows it.

In: a value of YAML. Out: the value to use, or Wrong. Which settings there are, and what they are for, stands elsewhere.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.errors import closest, listed, nearest
from connector.values import JSON

DAY: Final = 86_400.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": DAY}
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|s|m|h|d))+")
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_LONGEST: Final = 100 * 365 * DAY  # a century: what is meant for ever is none
_URL: Final = re.compile(r"[hH][tT][tT][pP][sS]?://[^\s/?#]+(?:[/?#]\S*)?")
_PORT: Final = re.compile(r"^(?:https?://)?[^/?#]*?:(\d+)(?:[/?#]|$)", re.IGNORECASE)
_HOST: Final = re.compile(r"[^\s/?#:@]+(?::[0-9]+)?|\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")


class Wrong(msgspec.Struct, frozen=True):
    """A value that a setting does not take: what it must be, and what to write, `raw` in YAML where it is clear."""

    must: str
    help: str = ""
    raw: str = ""


Taken: TypeAlias = "JSON | Wrong"
Reader: TypeAlias = Callable[[JSON], Taken]


class Kind(msgspec.Struct, frozen=True):
    """A kind of setting: the types it takes, what takes a value, and the same as JSON Schema, for editors.

    The schema leaves to the reader what a pattern cannot say: ports, a longest duration. `note` says how it is written.
    """

    types: tuple[str, ...]
    read: Reader
    schema: dict[str, JSON]
    note: str = ""


def read_text(value: JSON) -> Taken:
    """Take a text that is not empty."""
    if isinstance(value, str) and value.strip():
        return value
    return _not_a_text(value)


def read_credential(value: JSON) -> Taken:
    """Take a text that can stand in a header; white space around it, as files of secrets end with, is none of it."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return _not_a_text(value)
    if text.isascii() and text.isprintable():
        return text
    return Wrong("must have no characters but those that a header can carry", "copy it again")


def _not_a_text(value: JSON) -> Wrong:
    return Wrong("must be a text that is not empty", "" if isinstance(value, str) else "put it in quotes")


def read_url(value: JSON) -> Taken:
    """Take an http or https URL."""
    if isinstance(value, str) and _URL.fullmatch(value):
        return value
    return Wrong("must be an http or https URL", "write https://app.example.com/path")


def read_domain(value: JSON) -> Taken:
    """Take a host, with a port or without, or a URL; one with a user and password would put them into requests."""
    if isinstance(value, str) and "@" not in value and (_URL.fullmatch(value) or _HOST.fullmatch(value)):
        port = _PORT.search(value)
        return (
            Wrong("must name a port up to 65535", "write localhost:8080") if port and int(port[1]) > 65_535 else value
        )
    return Wrong("must be a host or an http or https URL", "write rupt.example.com or http://localhost:8080")


def read_flag(value: JSON) -> Taken:
    """Take true or false."""
    if isinstance(value, bool):
        return value
    return Wrong("must be true or false", "write true or false, without quotes; yes, no, on and off are texts")


def read_texts(value: JSON) -> Taken:
    """Take one text or a list of texts."""
    texts: list[JSON] = value if isinstance(value, list) else [value]
    if all(isinstance(text, str) and text for text in texts):
        return texts
    return Wrong("must be a list of texts", "write [advertising, analytics]")


def one_of(*choices: str) -> Reader:
    """Take one of a few words."""

    def read(value: JSON) -> Taken:
        if value in choices:
            return value
        wanted = listed(choices, "or")
        near = closest(value, choices) if isinstance(value, str) else ""
        clear = nearest(value, choices) if isinstance(value, str) else ""
        return Wrong(f"must be {wanted}", near or f"write {wanted}", clear)

    return read


def count(*, least: int, most: int) -> Reader:
    """Take a whole number."""

    def read(value: JSON) -> Taken:
        number = _number(value)
        if number is not None and number == number // 1 and least <= number <= most:
            return int(number)  # YAML's 5.0 is one too
        return Wrong(f"must be a whole number from {least:,} to {most:,}", "write a number without quotes")

    return read


def read_rate(value: JSON) -> Taken:
    """Take a number above 0."""
    number = _number(value)
    return number if number is not None and number > 0 else Wrong("must be a number above 0", "write 50 or 0.5")


def duration(*, may_be_none: bool = False) -> Reader:
    """Take seconds, or a text such as 24h, 90m, 1h30m, 7d, 250ms, and give seconds; `none` gives null where it may."""

    def read(value: JSON) -> Taken:
        if may_be_none and value == "none":
            return None
        seconds = read_duration(value) if isinstance(value, str) else _number(value)
        if seconds is not None and 0 < seconds <= _LONGEST:
            return float(seconds)
        none = " or none" if may_be_none else ""
        return Wrong(
            f"must be a duration from above 0 to a century{none}", f"write 24h, 90m, 10s, 7d, a number of seconds{none}"
        )

    return read


def read_duration(text: str) -> float | None:
    """Read a duration such as 24h or 1h30m in seconds; None when the text is none, be it a number without a unit."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def _number(value: JSON) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


# The kinds


def choice_kind(words: Mapping[str, str]) -> Kind:
    """Make the kind of a setting that takes one of a few words, each with what it means."""
    schema: dict[str, JSON] = {"enum": [*words], "enumDescriptions": [*words.values()]}
    return Kind(("string",), one_of(*words), schema)


def count_kind(*, least: int, most: int) -> Kind:
    """Make the kind of a setting that takes a whole number."""
    return Kind(("number",), count(least=least, most=most), {"type": "integer", "minimum": least, "maximum": most})


def duration_kind(*, may_be_none: bool = False) -> Kind:
    """Make the kind of a setting that takes a duration."""
    pattern = f"^(?=.*[1-9]){_DURATION.pattern}$" + ("|^none$" if may_be_none else "")
    shapes: list[JSON] = [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": pattern}]
    note = f"A duration such as 24h, 90m, 1h30m, 10s, 7d, or a number of seconds{', or none' if may_be_none else ''}."
    return Kind(("string", "number"), duration(may_be_none=may_be_none), {"anyOf": shapes}, note)


def _matching(pattern: str) -> dict[str, JSON]:
    return {"type": "string", "pattern": pattern}


_WORDS: Final[list[JSON]] = [
    {"type": "array", "items": {"type": "string", "minLength": 1}},
    {"type": "string", "minLength": 1},
]
CREDENTIAL: Final = Kind(("string",), read_credential, _matching(r"^\s*[!-~]([ -~]*[!-~])?\s*$"))
URL: Final = Kind(("string",), read_url, _matching(f"^{_URL.pattern}$"))
DOMAIN: Final = Kind(("string",), read_domain, _matching(rf"^(?!.*@)({_URL.pattern}|{_HOST.pattern})$"))
FLAG: Final = Kind(("boolean",), read_flag, {"type": "boolean"})
TEXTS: Final = Kind(("string", "array"), read_texts, {"anyOf": _WORDS})
RATE: Final = Kind(("number",), read_rate, {"type": "number", "exclusiveMinimum": 0})
