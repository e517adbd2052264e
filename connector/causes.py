"""Why a job did not arrive: a short stable code, the field at fault, and where that stands in the destination file.

In: a job's state, reason and problems as the store keeps them, and the mapping as it is now. Out: findings, with
sentences that name no person, and places. Nothing is guessed: a field is told where the schema or Rupt's words name it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination
from connector.destination import Mapping as Mapped
from connector.errors import ResolveError
from connector.language.compiler import compile_mapping
from connector.language.directives import Fields
from connector.reason_names import OTHER, reason_name
from connector.redaction import redact
from connector.schemas import flat_schema
from connector.values import JSON

REQUIRED: Final = "required"
TYPE: Final = "type"
ENUM: Final = "enum"
RESOLVE: Final = "resolve"
DROPPED: Final = "dropped"
NOWHERE: Final = "-"

_MISSING: Final = re.compile(r"(.+) is missing the required field '(.+)'\.", re.DOTALL)
_TYPE: Final = re.compile(r"(.+?) must be (?:an? .+|null) but it was (?:an? )?\w+\.", re.DOTALL)
_ENUM: Final = re.compile(r"(.+?) must be one of: .+\.", re.DOTALL)
_UNTITLED: Final = re.compile(r"The value at (/.+)", re.DOTALL)
_ROOT: Final = "The root value"
_SETTING: Final = re.compile(r"\bsettings\.[a-z_]+")
_SETTING_OF: Final = {"stale": "settings.max_event_age", "no_device": "settings.device_identity"}
_FIELD_OF: Final = {"device_not_addressable": "device", "account_not_addressable": "account"}
_DROPPED: Final = "dropped by hand"
# Of Rupt's own words: keys of a request, and what gives them where that has another name.
_REFUSALS: Final = frozenset({"200", "400", "409", "422"})
_BY_PATH: Final = "detach"  # its path names a device: when Rupt finds nothing there, it is that one
_WIRE: Final = {"user": "account"}
_WORDY: Final = frozenset({"user", "page", "event", "client", "version", "device", "secret", "account"})
_WORD: Final = re.compile(r"""(["'`]?)(?<![\w-])([A-Za-z_]+)(?![\w-])((?:\.[A-Za-z_]\w*|\[\d*\])*)(["'`]?)""")
_DIRECTIVE: Final = re.compile(r"@[a-z]+[A-Za-z]*")
_MARK: Final = re.compile(r"\[[a-z]+\]")  # of what was taken out of the words


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: `field` is a payload field such as `groups.id`, or a setting such as settings.domain.

    It is empty where none can be told.
    """

    code: str
    field: str = ""
    sentence: str = ""


Findings: TypeAlias = tuple[Finding, ...]


def find(state: str, reason: str, problems: Iterable[str], action: str | None) -> Findings:
    """Say what is wrong with a job, each thing once; without its action no field of a payload can be told."""
    found = [_of_problem(problem, action) for problem in problems] if state == "invalid" else []
    if found:
        return tuple({(one.code, one.field): one for one in found}.values())
    code = DROPPED if reason == _DROPPED else reason_name(reason) or OTHER
    return (Finding(code, _field_of(code, reason, action), redact(reason)),)


def _of_problem(problem: str, action: str | None) -> Finding:
    shown = _shown(problem)
    if match := _MISSING.fullmatch(problem):
        return Finding(REQUIRED, _missing_field(match[1], match[2], action), shown)
    for code, pattern in ((ENUM, _ENUM), (TYPE, _TYPE)):
        if match := pattern.fullmatch(problem):
            return Finding(code, _field_called(match[1], action), shown)
    name = reason_name(problem)  # of what cannot be an event; else the mapping could not be resolved
    return Finding(RESOLVE if name == OTHER else name, "", shown)


def _shown(problem: str) -> str:
    """Take out of a problem what could name a person; a directive's name at its start is not taken for an address."""
    name, space, rest = problem.partition(" ")
    return f"{name} {redact(rest)}" if space and _DIRECTIVE.fullmatch(name) else redact(problem)


# Which field it is


def _missing_field(where: str, name: str, action: str | None) -> str:
    if where == _ROOT:
        return name if action is None or name in _fields(flat_schema(action)) else ""
    above = _field_called(where, action)
    return f"{above}.{name}" if above else ""


def _field_called(name: str, action: str | None) -> str:
    """Give the field that a sentence names by its title, or by its place where the schema gives no title."""
    if action is None:
        return ""
    if match := _UNTITLED.fullmatch(name):
        return ".".join(_without_positions(match[1].split("/")[1:], flat_schema(action)))
    return titles(action).get(name, "")


@cache
def titles(action: str) -> Mapping[str, str]:
    """Give the fields of an action by their titles, nested ones with dots; a title of several fields names none."""
    found: dict[str, str] = {}
    for title, field in _titled(flat_schema(action), ()):
        found[title] = field if found.get(title, field) == field else ""
    return found


def _titled(schema: JSON, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, field in _fields(schema).items():
        inner = (*path, name)
        if isinstance(field, dict) and isinstance(title := field.get("title"), str):
            yield title, ".".join(inner)
        yield from _titled(field, inner)
        if isinstance(field, dict) and "items" in field:  # the elements of a list are called as the list is
            yield from _titled(field["items"], inner)


def _fields(schema: JSON) -> dict[str, JSON]:
    fields = schema.get("properties") if isinstance(schema, dict) else None
    return fields if isinstance(fields, dict) else {}


def _without_positions(path: Iterable[str], schema: JSON) -> Iterator[str]:
    for key in path:
        if key not in _fields(schema) and key.isdecimal() and isinstance(schema, dict) and "items" in schema:
            schema = schema["items"]
        else:
            schema = _fields(schema).get(key)
            yield key


def _field_of(code: str, reason: str, action: str | None) -> str:
    if setting := _SETTING.search(reason):
        return setting[0]
    if code in _SETTING_OF or code in _FIELD_OF:
        return _SETTING_OF.get(code, _FIELD_OF.get(code, ""))
    if code == "404" and action == _BY_PATH:
        return "device"
    said = reason.partition(": ")[2]
    return _named_field(said, action) if code in _REFUSALS and action else ""


def _named_field(said: str, action: str) -> str:
    """Give the field that Rupt's words name, if they name exactly one.

    A word that is also plain English counts at the start, in quotes, or with a key behind a dot.
    """
    schema = flat_schema(action)
    known = {**{name: name for name in _fields(schema)}, **_WIRE}
    found = set()
    for match in _WORD.finditer(_MARK.sub("", said)):
        opening, word, rest, closing = match.groups()
        if word in known and (word not in _WORDY or match.start() == 0 or rest or (opening and opening == closing)):
            path = (known[word] + re.sub(r"\[\d*\]", "", rest)).split(".")
            found.add(".".join(_known_part(path, schema)))
    return found.pop() if len(found) == 1 else ""


def _known_part(path: Iterable[str], schema: JSON) -> Iterator[str]:
    """Follow a path as far as the schema knows it."""
    for key in path:
        items = schema.get("items") if isinstance(schema, dict) else None
        schema = _fields(schema).get(key) or _fields(items).get(key)
        if schema is None:
            return
        yield key


def failing_field(mapping: Mapped, event: dict[str, JSON]) -> str:
    """Give the field that cannot be made of an event, the first there is; empty when all can."""
    for name, node in mapping.fields.fields if isinstance(mapping.fields, Fields) else ():
        try:
            compile_mapping(Fields(((name, node),), mapping.fields.path))(event)
        except ResolveError:
            return name
    return ""


# Where it stands


def mappings_of(destination: Destination | None) -> dict[str, Mapped]:
    """Give the mappings of a destination by their names; none without one."""
    return {mapping.name: mapping for mapping in destination.mappings} if destination else {}


def place_of(destination: Destination | None, mapping: Mapped | None, field: str) -> str:
    """Say where a field, a setting or, without either, the mapping itself stands; `-` where it does not."""
    if destination is not None and field.startswith("settings."):
        return _setting_place(destination, field)
    if mapping is None:
        return NOWHERE
    path = tuple(field.split(".")) if field else ()
    name = path[0] if path else ""
    if name and name not in mapping.draft.fields:
        part = mapping.draft.cleared.get(name)
        return str(part.location()) if part else str(mapping.location(("fields",)))
    return str(mapping.location(("fields", *path)) if path else mapping.location())


def _setting_place(destination: Destination, field: str) -> str:
    for mapping in destination.mappings:
        document = mapping.draft.part.document
        if document.file == destination.file:
            return str(document.location(tuple(field.split("."))))
    return destination.file  # all of its mappings stand in other files
