"""The settings of a destination file: each is registered once with what it takes; read into a frozen Settings.

In: the `settings` part of a document. Out: Settings, and every problem with its place. Environment variables of the
process are not settings: those are in config. What a setting is for stands in schemas/destination.schema.json.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import msgspec

from connector.documents import Document, Part
from connector.errors import Path, Problem, closest
from connector.positions import a_type, quoted, shown
from connector.values import JSON, type_name

DAY: Final = 86_400.0
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": DAY}
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:ms|s|m|h|d))+")
_DURATION_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_LONGEST: Final = 100 * 365 * DAY  # a century: what is meant for ever is none
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_URL: Final = re.compile(r"https?://[^\s/?#]+(?:[/?#]\S*)?", re.IGNORECASE)
_PORT: Final = re.compile(r"^(?:https?://)?[^/?#]*?:(\d+)(?:[/?#]|$)", re.IGNORECASE)
_HOST: Final = re.compile(r"[^\s/?#:@]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")


class Delivery(msgspec.Struct, frozen=True):
    """How requests are delivered: how many at once and a second; seconds for one; attempts and seconds for all.

    `first_retry` is the longest wait before the second attempt, in seconds; it grows with each further one.
    """

    concurrency: int = 64
    timeout: float = 10.0
    attempts: int = 10
    window: float = 14_400.0
    first_retry: float = 1.0
    rate: float | None = None


_SECRET: Final = frozenset({"client_id", "api_secret"})


class Settings(msgspec.Struct, frozen=True):
    """A destination's settings. `max_event_age` is in seconds, None for any age. Credentials are in no repr."""

    client_id: str
    new_account_url: str
    logout_url: str | None = None
    success_url: str | None = None
    suspended_url: str | None = None
    upgrade_url: str | None = None
    domain: str | None = None
    api_secret: str | None = None
    device_identity: Literal["auto", "strict", "optional"] = "auto"
    max_event_age: float | None = DAY
    in_doubt: Literal["send", "hold"] = "send"
    ordering: Literal["none", "account"] = "none"
    consent_categories: tuple[str, ...] = ()
    debug: bool = False
    delivery: Delivery = Delivery()

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name not in _SECRET)
        return f"Settings({', '.join(shown)})"


class Wrong(msgspec.Struct, frozen=True):
    """A value that a setting does not take: what it must be, and what to write."""

    must: str
    help: str = ""


Taken: TypeAlias = "JSON | Wrong"
Reader: TypeAlias = Callable[[JSON], Taken]


class Setting(msgspec.Struct, frozen=True):
    """One setting: its name, the types it takes, and what takes the file's value or says what is wrong with it."""

    name: str
    types: tuple[str, ...]
    read: Reader
    required: bool = False
    secret: bool = False


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
        wanted = f"{', '.join(choices[:-1])} or {choices[-1]}"
        near = closest(value, choices) if isinstance(value, str) else ""
        return Wrong(f"must be {wanted}", near or f"write {wanted}")

    return read


def count(*, least: int, most: int) -> Reader:
    """Take a whole number."""

    def read(value: JSON) -> Taken:
        number = _number(value)
        if isinstance(number, int) and least <= number <= most:
            return number
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


_TEXT, _FLAG, _NUMBER_TYPE, _TIME = ("string",), ("boolean",), ("number",), ("string", "number")
SETTINGS: Final = (
    Setting("client_id", _TEXT, read_credential, required=True),
    Setting("new_account_url", _TEXT, read_url, required=True),
    Setting("logout_url", _TEXT, read_url),
    Setting("success_url", _TEXT, read_url),
    Setting("suspended_url", _TEXT, read_url),
    Setting("upgrade_url", _TEXT, read_url),
    Setting("domain", _TEXT, read_domain),
    Setting("api_secret", _TEXT, read_credential, secret=True),
    Setting("device_identity", _TEXT, one_of("auto", "strict", "optional")),
    Setting("max_event_age", _TIME, duration(may_be_none=True)),
    Setting("in_doubt", _TEXT, one_of("send", "hold")),
    Setting("ordering", _TEXT, one_of("none", "account")),
    Setting("consent_categories", ("string", "array"), read_texts),
    Setting("debug", _FLAG, read_flag),
)
DELIVERY: Final = (
    Setting("concurrency", _NUMBER_TYPE, count(least=1, most=1_024)),
    Setting("timeout", _TIME, duration()),
    Setting("attempts", _NUMBER_TYPE, count(least=1, most=1_000)),
    Setting("window", _TIME, duration()),
    Setting("first_retry", _TIME, duration()),
    Setting("rate", _NUMBER_TYPE, read_rate),
)


def read_settings(document: Document) -> tuple[Settings | None, list[Problem]]:
    """Read the settings of a destination file; None where there are problems."""
    problems: list[Problem] = []
    found = _read_part(document, ("settings",), SETTINGS, ("delivery",), problems)
    delivery = _read_part(document, ("settings", "delivery"), DELIVERY, (), problems)
    if problems or document.broken:
        return None, problems
    return msgspec.convert({**found, "delivery": delivery}, Settings), problems


def _read_part(
    document: Document, path: Path, settings: Iterable[Setting], parts: tuple[str, ...], problems: list[Problem]
) -> dict[str, JSON]:
    given = document.get(path)
    known = {setting.name: setting for setting in settings}
    if not isinstance(given, dict | None):
        message = f"{path[-1]!r} must be an object, not {shown(given)}"
        problems.append(document.problem("wrong_type", message, path, help=f"write {next(iter(known))}: … under it"))
        return {}
    problems += unknown_keys(document, path, [*known, *parts], hide_values=True)
    found: dict[str, JSON] = {}
    for name, setting in known.items():
        if (given or {}).get(name) is not None:
            _read_value(document, (*path, name), setting, found, problems)
        elif setting.required and not document.is_broken((*path, name)):
            message = f"the setting {name!r} is missing"
            problems.append(document.problem("missing_key", message, (*path, name), help=f"write {name}: …"))
    return found


def _read_value(
    document: Document, path: Path, setting: Setting, found: dict[str, JSON], problems: list[Problem]
) -> None:
    part = Part(document, path)
    written = part.value
    value = setting.read(written)
    if isinstance(value, Wrong) and part.is_filled:
        value = setting.read(plain(written))
    if not isinstance(value, Wrong):
        found[setting.name] = value
    elif not part.is_broken:
        found_there = a_type(written) if setting.secret and written else shown(written)
        what = f"which the value of {part.written} is not" if part.is_filled else f"not {found_there}"
        code = "wrong_value" if type_name(written) in setting.types else "wrong_type"
        message = f"{'.'.join(map(str, path))} {value.must}, {what}"
        problems.append(part.problem(code, message, help=value.help))


def plain(value: JSON) -> JSON:
    """Take a text from a variable for the number, true or false that it looks like."""
    if value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def unknown_keys(
    document: Document,
    path: Path,
    known: Iterable[str],
    *,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
    hide_values: bool = False,
) -> list[Problem]:
    """Make a problem of every key at a path that is not known.

    `elsewhere` gives our name of a key that others name otherwise. With `hide_values` no value is shown.
    """
    given, names = document.get(path), list(known)
    where = f"in {quoted(str(path[-1]))}" if path and isinstance(path[-1], str) else "here"
    return [
        document.problem(
            "unknown_key",
            f"there is no key {quoted(key)} {where}",
            (*path, key),
            help=_known_key(key, names, elsewhere),
            at_key=True,
            line_until_key=hide_values,
        )
        for key in (given if isinstance(given, dict) else ())
        if key not in names
    ]


def _known_key(key: str, known: list[str], elsewhere: Mapping[str, str]) -> str:
    if key in elsewhere:
        return f"write {elsewhere[key]!r}, as it is called here"
    return closest(key, known) or f"known are {', '.join(known)}"
