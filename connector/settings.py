"""The settings of a destination file: each is registered once with what it takes; read into a frozen Settings.

In: the `settings` part of a document. Out: Settings, and every problem with its place. Environment variables of the
process are not settings: those are in config. The schema for editors is made of the same registrations.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from connector.documents import Document, Part
from connector.errors import Fix, Path, Problem, closest, nearest
from connector.positions import a_type, quoted, shown
from connector.setting_kinds import (
    CREDENTIAL,
    DAY,
    DOMAIN,
    FLAG,
    RATE,
    TEXTS,
    URL,
    Kind,
    Wrong,
    choice_kind,
    count_kind,
    duration_kind,
)
from connector.values import JSON, type_name
from connector.yaml_text import read_plain

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")


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


class Setting(msgspec.Struct, frozen=True):
    """One setting: its name, what it takes, and what it is for. `examples` are for who writes it in an editor."""

    name: str
    kind: Kind
    summary: str
    required: bool = False
    secret: bool = False
    examples: tuple[JSON, ...] = ()


DELIVERY_SUMMARY: Final = "How requests are delivered."
SETTINGS: Final = (
    Setting(
        "client_id",
        CREDENTIAL,
        "The client id of your Rupt project. Keep it out of the file: ${RUPT_CLIENT_ID} is filled in from the "
        "environment.",
        required=True,
        examples=("${RUPT_CLIENT_ID}",),
    ),
    Setting(
        "new_account_url",
        URL,
        "Where a user may go to make an account of their own. Rupt is told only that there is such a URL.",
        required=True,
        examples=("https://app.example.com/sign-up",),
    ),
    Setting(
        "logout_url",
        URL,
        "Where a user is sent after being logged out. Rupt is told only whether there is such a URL.",
        examples=("https://app.example.com/logout",),
    ),
    Setting(
        "success_url",
        URL,
        "Where a user is sent after passing a challenge.",
        examples=("https://app.example.com/welcome",),
    ),
    Setting("suspended_url", URL, "Where a suspended user is sent.", examples=("https://app.example.com/suspended",)),
    Setting(
        "upgrade_url",
        URL,
        "Where a user may get a plan with more people or devices.",
        examples=("https://app.example.com/plans",),
    ),
    Setting(
        "domain",
        DOMAIN,
        "Where Rupt's API is reached in place of api.rupt.dev: a proxy of yours, or a stand-in for tests. "
        "A bare host gets https://.",
        examples=("http://localhost:8080",),
    ),
    Setting(
        "api_secret",
        CREDENTIAL,
        "The API secret of your Rupt project, which the action update_user needs. Keep it out of the file: "
        "${RUPT_API_SECRET} is filled in from the environment.",
        secret=True,
        examples=("${RUPT_API_SECRET}",),
    ),
    Setting(
        "device_identity",
        choice_kind(
            {
                "auto": "From context.rupt, a mobile device's id, or anonymousId; an event with none of them is "
                "skipped with that reason.",
                "strict": "From context.rupt or a mobile device's id only; an event with neither is skipped with "
                "that reason.",
                "optional": "As auto, but an event with none is sent all the same, with a warning: what Rupt makes "
                "of it is not known.",
            }
        ),
        "Which device an attach names when its mapping names none.",
    ),
    Setting(
        "max_event_age",
        duration_kind(may_be_none=True),
        "Events older than this are skipped: Rupt takes every attach for an access now. With none, events of "
        "any age are sent.",
    ),
    Setting(
        "ordering",
        choice_kind(
            {
                "none": "No order: every event is delivered as soon as it can be.",
                "account": "An event waits for the earlier ones of its userId (else its anonymousId); other accounts "
                "do not.",
            }
        ),
        "Whether the events of one account are delivered one after the other, in the order in which they came.",
    ),
    Setting(
        "in_doubt",
        choice_kind(
            {
                "send": "It is sent again: to Rupt, repeating an attach or update is normal.",
                "hold": "It is kept until somebody decides.",
            }
        ),
        "What becomes of a request that may or may not have arrived, after a crash or a timeout.",
    ),
    Setting(
        "consent_categories",
        TEXTS,
        "Consent categories that must all be true in an event's context.consent.categoryPreferences; an event without "
        "consent passes.",
        examples=(["advertising", "analytics"],),
    ),
    Setting("debug", FLAG, "Prints each request and answer, without credentials."),
)
DELIVERY: Final = (
    Setting(
        "concurrency", count_kind(least=1, most=1_024), "How many requests are under way at a time, from 1 to 1024."
    ),
    Setting("timeout", duration_kind(), "How long one request may take; after that it is in doubt."),
    Setting(
        "attempts",
        count_kind(least=1, most=1_000),
        "How often a request is tried at most, the first time included, from 1 to 1000.",
    ),
    Setting("window", duration_kind(), "For how long a request is tried again after the first time."),
    Setting(
        "first_retry",
        duration_kind(),
        "The longest wait before a request is tried a second time. With each further try it doubles in a replay, up to "
        "half an hour, and is four times as long in the server, up to an hour.",
    ),
    Setting("rate", RATE, "How many requests a second are sent at most; without it, as many as go.", examples=(50,)),
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
    value = setting.kind.read(written)
    if isinstance(value, Wrong) and part.is_filled:
        value = setting.kind.read(plain(written))
    if not isinstance(value, Wrong):
        found[setting.name] = value
    elif not part.is_broken:
        found_there = a_type(written) if setting.secret and written else shown(written)
        what = f"which the value of {part.written} is not" if part.is_filled else f"not {found_there}"
        code = "wrong_value" if type_name(written) in setting.kind.types else "wrong_type"
        message = f"{'.'.join(map(str, path))} {value.must}, {what}"
        fix = part.turned_into(value.raw, read_plain(value.raw)) if value.raw and not part.is_filled else None
        problems.append(part.problem(code, message, help=value.help, fix=fix))


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
            fix=_renamed(Part(document, (*path, key)), elsewhere.get(key) or nearest(key, names)),
        )
        for key in (given if isinstance(given, dict) else ())
        if key not in names and not document.is_merge_key((*path, key))
    ]


def _renamed(part: Part, key: str) -> Fix | None:
    return part.renamed(key) if key else None


def _known_key(key: str, known: list[str], elsewhere: Mapping[str, str]) -> str:
    if key in elsewhere:
        return f"write {elsewhere[key]!r}, as it is called here"
    return closest(key, known) or f"known are {', '.join(known)}"
