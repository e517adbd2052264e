"""Variables of the environment in what tests print and write: `${NAME}` stands for the value, in kept rows too.

In: the files of a destination and what fills their variables. Out: a Mask. A value that the test file itself gives is
no secret and stays. In payloads the place counts (covers); elsewhere long values are found as whole words.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.covers import SHORTEST, joined, named
from connector.drafts import read_source
from connector.hiding import hide, may_hold_secrets
from connector.values import JSON, dump_json, load_json
from connector.variable_covers import Covers, converted, cover_field
from connector.variables import StandIns

_NAME: Final = re.compile(rb"\$\{([A-Za-z_]\w*)", re.ASCII)
_OF_VALUES: Final = ("payload", "request", "problems", "warnings", "reason")  # of a row: what a mapping makes
RowCovers: TypeAlias = Mapping[tuple[str, str], Covers]
"""The covers of payloads by the messageId and the name of the mapping."""


class Mask(msgspec.Struct, frozen=True):
    """The variables that files name, with the values that they are filled with."""

    variables: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Mask({', '.join(name for name, _ in self.variables)})"

    @property
    def names(self) -> frozenset[str]:
        """Name the variables."""
        return frozenset(name for name, _ in self.variables)

    def joined(self, other: "Mask") -> "Mask":
        """Give a mask of the variables of both; one that has two values is known by either."""
        return Mask(tuple(dict.fromkeys([*self.variables, *other.variables])))

    def without(self, *texts: str) -> "Mask":
        """Give a mask of the variables whose values do not stand in texts that somebody wrote."""
        return Mask(tuple(pair for pair in self.variables if not any(pair[1] in text for text in texts)))

    def text(self, text: str) -> str:
        """Put the names of variables where a text shows their values as whole words, be it as JSON."""
        for name, value in self._telling():
            for written in {value: None, dump_json(value).decode()[1:-1]: None}:
                text = named(text, written, name)
        return text

    def rows(self, raw: bytes, covers: RowCovers, masks: "Mapping[str, Mask]") -> bytes:
        """Put the names of variables into what mappings made, in lines of rows, and hide what looks secret there.

        `masks` are those for the rows of single events, by messageId.
        """
        values = [dump_json(value)[1:-1] for _, value in self._telling()]
        if not covers and not may_hold_secrets(raw) and not any(value in raw for value in values):
            return raw
        return b"".join(self._row(line, values, covers, masks) for line in raw.splitlines(keepends=True))

    def _row(self, line: bytes, values: list[bytes], covers: RowCovers, masks: "Mapping[str, Mask]") -> bytes:
        if not covers and not may_hold_secrets(line) and not any(value in line for value in values):
            return line
        row = load_json(line)
        assert isinstance(row, dict)
        shown = dict(row)
        shown = _covered(shown, covers.get((str(row["messageId"]), str(row["mapping"])), {}))
        mask = masks.get(str(row["messageId"]), self)
        shown |= {key: mask._value(hide(shown[key], "", frozenset())) for key in _OF_VALUES if key in shown}
        return line if shown == row else dump_json(shown) + b"\n"

    def _value(self, value: JSON) -> JSON:
        if isinstance(value, dict):
            return {key: self._value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _telling(self) -> list[tuple[str, str]]:
        found = [(name, value) for name, value in self.variables if len(value) >= SHORTEST]
        return sorted(found, key=lambda pair: -len(pair[1]))


def _covered(row: dict[str, JSON], covers: Covers) -> dict[str, JSON]:
    """Cover what a mapping made: its payload, and the body and the URL of its request."""
    payload, request = row.get("payload"), row.get("request")
    if not covers or not isinstance(payload, dict):
        return row
    found = {**row, "payload": {key: cover_field(covers, key).value(value) for key, value in payload.items()}}
    if isinstance(request, dict) and isinstance(body := request["body"], dict):
        sent = converted(covers, payload, body)
        shown: dict[str, JSON] = {key: cover_field(sent, key).value(value) for key, value in body.items()}
        url = joined(cover.flat() for cover in covers.values()).url(str(request["url"]))
        found["request"] = {**request, "url": url, "body": shown}
    return found


def mask_of(files: Iterable[str], environment: Mapping[str, str], own: Mapping[str, str] | None = None) -> Mask:
    """Make a mask of what the texts of files name; `own` are variables that are no secrets."""
    names = {match[1].decode() for file in files for match in _NAME.finditer(_read(file))}
    found = [(name, _value_of(name, environment)) for name in sorted(names) if name not in (own or {})]
    return Mask(tuple((name, value) for name, value in found if value))


def _read(file: str) -> bytes:
    try:
        return read_source(file)
    except (OSError, ValueError):
        return b""


def _value_of(name: str, environment: Mapping[str, str]) -> str:
    found = environment.get(name, "").rstrip("/")  # as a base URL is used
    return found or (environment.stand_in(name) if isinstance(environment, StandIns) else "")
