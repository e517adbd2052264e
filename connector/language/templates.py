"""Templates: `{{path}}` and `{{{path}}}` in a text; text to pieces, pieces to a closure that gives a text.

Placeholders are found where Segment's published runtime finds them: triple braces first, and then double braces in the
result, so a `{{path}}` that an event's value brings in through triple braces is itself filled in.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from connector.errors import Fault, LanguageError
from connector.language.paths import Keys, Resolver, compile_path, parse_path, split_path
from connector.values import MISSING, Value, text_of

_TRIPLE: Final = re.compile(r"\{\{\{([^}]+)\}\}\}")
_DOLLAR: Final = re.compile(r"(\{\{\s*)\$\.")
_DOUBLE: Final = re.compile(r"\{\{([^}]+)\}\}")


class Placeholder(msgspec.Struct, frozen=True):
    """One placeholder: the keys it reads, whether its braces are triple, and where it stands in the text."""

    keys: Keys
    triple: bool
    start: int
    end: int


Piece: TypeAlias = str | Placeholder


def parse_template(text: str) -> tuple[Piece, ...]:
    """Split a template into texts and placeholders. Raises LanguageError with all faults of all its paths."""
    pieces: list[Piece] = []
    faults: list[Fault] = []
    for piece, match in _split(text):
        pieces.append(piece)
        if match is not None:
            try:
                pieces.append(_placeholder(match))
            except LanguageError as error:
                faults += error.faults
    if faults:
        raise LanguageError(*faults)
    return tuple(piece for piece in pieces if piece != "")


def _split(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    at = 0
    for triple in (*_TRIPLE.finditer(text), None):
        until = triple.start() if triple else len(text)
        for double in _DOUBLE.finditer(text, at, until):
            yield text[at : double.start()], double
            at = double.end()
        yield text[at:until], triple
        at = triple.end() if triple else until


def _placeholder(match: re.Match[str]) -> Placeholder:
    inner = match[1].strip()
    start = match.start(1) + match[1].index(inner)
    if inner.startswith("$."):
        help = f"write {{{{{inner[2:]}}}}}"
        message, instead = "a template's path has no '$.' in front", _DOLLAR.sub(r"\1", match.string)
        fault = Fault("template_dollar", message, help, (), start, start + 2, instead)
        raise LanguageError(fault)
    try:
        return Placeholder(parse_path(inner), match.re is _TRIPLE, *match.span())
    except LanguageError as error:
        moved = [Fault(f.code, f.message, f.help, (), start + f.start, start + f.end) for f in error.faults]
        raise LanguageError(*moved) from None


def compile_template(text: str, pieces: tuple[Piece, ...]) -> Resolver:
    """Compile a template into a closure; missing and null insert nothing, numbers and lists print as in JavaScript."""
    if any(isinstance(piece, Placeholder) and piece.triple for piece in pieces):
        return _compile_two_passes(text)
    makers = [(p, None) if isinstance(p, str) else ("", compile_path(p.keys)) for p in pieces]

    def render(event: Value) -> Value:
        return "".join([text if read is None else insert(read(event)) for text, read in makers])

    return render


def _compile_two_passes(text: str) -> Resolver:
    """Compile a template with triple braces, whose values are read again for double ones; paths are read once."""

    def render(event: Value) -> Value:
        def fill(match: re.Match[str]) -> str:
            return insert(_reader(match[1].strip())(event))

        return _DOUBLE.sub(fill, _TRIPLE.sub(fill, text))

    return render


@lru_cache(maxsize=1024)
def _reader(path: str) -> Resolver:
    return compile_path(split_path(path))


def insert(value: Value) -> str:
    """Print a value as a template inserts it: nothing for missing and null, else as JavaScript's `String(value)`."""
    if type(value) is str:
        return value
    return "" if value is None or value is MISSING else text_of(value)
