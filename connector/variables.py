"""Variables in a text: `${NAME}` and `${NAME:-default}` become the environment's values; `$${` is a plain `${`.

Comes in a text as written and the environment as a mapping; goes out the filled text with a place for each variable.
`{{...}}` and `{%...%}` are never touched. What the environment holds is never printed: see `redact`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from connector.errors import Fault, closest

# Inside the braces of a template stand no braces but those of a variable, so that no text is looked through twice.
_TOKEN: Final = re.compile(
    r"\{\{(?:\$\{[^{}]*\}|[^{}])*\}\}"
    r"|\{%(?:\$\{[^{}]*\}|[^{}%]|%(?!\}))*%\}"
    r"|(?P<escape>\$\$\{)(?!\{)"
    r"|(?P<open>\$\{)(?!\{)(?:(?P<name>[A-Za-z_]\w*)(?::-(?P<default>(?:\{\{[^{}]*\}\}|[^{}])*))?\})?",
    re.ASCII,
)
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")  # how Python reads a byte that is not UTF-8
_WITHOUT: Final = "commands that send nothing take --allow-unset, and test files `environment: {NAME: value}`"
_SHORT: Final = 4
_TELLING: Final = 10  # so many characters of a value in a row give it away


class Piece(msgspec.Struct, frozen=True):
    """A part of a filled text that was written otherwise: `start` to `end` there, `written` the slice it came from.

    `name` is the variable whose value it is; empty for a default and for an escape, which stand in the file anyway.
    """

    start: int
    end: int
    written: tuple[int, int]
    name: str
    value: str

    def __repr__(self) -> str:
        return f"Piece({self.start}, {self.end})"


class Filled(msgspec.Struct, frozen=True):
    """A text after its variables were filled in. Where there are `faults`, the text is as it was written."""

    written: str
    text: str
    pieces: tuple[Piece, ...]
    faults: tuple[Fault, ...] = ()

    def __repr__(self) -> str:
        return "Filled(…)"

    def written_span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a span of the filled text into one of the written text; a value counts as its whole variable."""
        first, last = start, end
        for piece in self.pieces:
            low, high = piece.written
            if start >= piece.start:
                first = low if start < max(piece.end, piece.start + 1) else high + start - piece.end
            if end > piece.start:
                last = high if end <= piece.end else high + end - piece.end
        return first, max(first, last)


class StandIns(dict[str, str]):
    """An environment that has a value for every name: what is unset and has no default is filled with `stand_in`.

    For work that sends nothing, where the secrets of production are not to be had.
    """

    @staticmethod
    def stand_in(name: str) -> str:
        """Make a value that does as a text and as a URL, and leads nowhere (RFC 2606)."""
        return f"https://unset.invalid/{name}"


def fill(written: str, environment: Mapping[str, str]) -> Filled:
    """Fill the variables of a text; unset and misspelt ones become faults with offsets in the text as written."""
    parts: list[str] = []
    pieces: list[Piece] = []
    faults: list[Fault] = []
    at = length = 0
    for match in _TOKEN.finditer(written):
        if not (match["escape"] or match["open"]):
            continue
        value = "${" if match["escape"] else _look_up(match, environment, faults)
        before = written[at : match.start()]
        length += len(before)
        is_secret = match["name"] is not None and bool(environment.get(match["name"]))
        pieces.append(Piece(length, length + len(value), match.span(), match["name"] if is_secret else "", value))
        parts += [before, value]
        at, length = match.end(), length + len(value)
    text = "".join([*parts, written[at:]])
    return Filled(written, written, (), tuple(faults)) if faults else Filled(written, text, tuple(pieces))


def escaped(text: str) -> str:
    """Write a text so that `fill` gives it back, whatever looks like a variable in it."""
    return _TOKEN.sub(lambda found: f"${found[0]}" if found["escape"] or found["open"] else found[0], text)


def _look_up(match: re.Match[str], environment: Mapping[str, str], faults: list[Fault]) -> str:
    name, default = match["name"], match["default"]
    start, end = match.span()
    if name is None:
        help = "write ${NAME} or ${NAME:-default}; write $${ for the two characters themselves"
        faults.append(Fault("bad_variable", "'${' starts a variable, but none follows", help, (), start, end))
        return ""
    value = environment.get(name)
    if value is not None and _LONE_SURROGATE.search(value):
        help = "set it again, as UTF-8"
        faults.append(Fault("bad_variable", f"the value of the variable {name} is not UTF-8", help, (), start, end))
    elif value is None and default is None and isinstance(environment, StandIns):
        return environment.stand_in(name)
    elif value is None and default is None:
        help = f"set {name} in the environment, or write a default: ${{{name}:-default}}; {_WITHOUT}"
        help = f"{near} Or {help}" if (near := closest(name, environment)) else help
        faults.append(Fault("unset_variable", f"the environment has no variable {name}", help, (), start, end))
    return (value or default or "") if default is not None else (value or "")


def redact(message: str, pieces: Iterable[Piece]) -> str:
    """Put the variables' names where a message shows their values, whole or in part."""
    secrets = sorted((piece for piece in pieces if piece.name), key=lambda piece: -len(piece.value))
    for piece in secrets:
        pattern = re.escape(piece.value)
        if len(piece.value) < _SHORT:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        message = re.sub(pattern, lambda _, name=piece.name: f"${{{name}}}", message)  # type: ignore[misc]
    if any(_tells(message, piece.value) for piece in secrets):
        return "this text is not right once its variables are filled in"
    return message


def _tells(message: str, value: str) -> bool:
    return any(value[at : at + _TELLING] in message for at in range(len(value) - _TELLING + 1))
