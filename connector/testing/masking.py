"""Variables of the environment in what tests print and write: `${NAME}` stands for the value, in kept rows too.

In: the files of a destination and what fills their variables. Out: a Mask. A value that the test file itself gives is
no secret and stays; so does a short one, which would be found in too much.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from connector.drafts import read_source
from connector.hiding import hide, may_hold_secrets
from connector.values import JSON, dump_json, load_json
from connector.variables import StandIns

_NAME: Final = re.compile(rb"\$\{([A-Za-z_]\w*)", re.ASCII)
_TELLING: Final = 8  # characters of a value; a shorter one is found in too much
_OF_VALUES: Final = ("payload", "request", "problems", "warnings", "reason")  # of a row: what a mapping makes


class Mask(msgspec.Struct, frozen=True):
    """The variables that files name, with the values that they are filled with."""

    variables: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"Mask({', '.join(name for name, _ in self.variables)})"

    def joined(self, other: "Mask") -> "Mask":
        """Give a mask of the variables of both; one that has two values is known by either."""
        return Mask(tuple(dict.fromkeys([*self.variables, *other.variables])))

    def text(self, text: str) -> str:
        """Put the names of variables where a text shows their values, be it as JSON."""
        for name, value in self._telling():
            if value in text or (value := dump_json(value).decode()[1:-1]) in text:
                text = text.replace(value, f"${{{name}}}")
        return text

    def rows(self, raw: bytes) -> bytes:
        """Put the names of variables into what mappings made, in lines of rows, and hide what looks secret there."""
        values = [dump_json(value)[1:-1] for _, value in self._telling()]
        if not may_hold_secrets(raw) and not any(value in raw for value in values):
            return raw
        return b"".join(self._row(line, values) for line in raw.splitlines(keepends=True))

    def _row(self, line: bytes, values: list[bytes]) -> bytes:
        if not may_hold_secrets(line) and not any(value in line for value in values):
            return line
        row = load_json(line)
        assert isinstance(row, dict)
        row |= {key: self._value(hide(row[key], "", frozenset())) for key in _OF_VALUES if key in row}
        return dump_json(row) + b"\n"

    def _value(self, value: JSON) -> JSON:
        if isinstance(value, dict):
            return {key: self._value(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _telling(self) -> list[tuple[str, str]]:
        found = [(name, value) for name, value in self.variables if len(value) >= _TELLING]
        return sorted(found, key=lambda pair: -len(pair[1]))


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
