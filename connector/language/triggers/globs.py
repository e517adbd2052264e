"""Glob patterns of `match`: a pattern to pieces, pieces to a test of a text.

`*` any characters, `?` one, `[abc]` and `[a-z]` one of these, a backslash takes the next character literally; the whole
text must match, with case. What a comparison of text can do is done by one; the rest is a regular expression that never
goes back over a `*`, so its time grows with the text and not with a power of it.
"""

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from connector.errors import Fault, LanguageError


class Wild(Enum):
    """The two wild cards."""

    MANY = ".*"
    ONE = "."


class OneOf(msgspec.Struct, frozen=True):
    """One character of a list; `pattern` is the list as a regular expression."""

    pattern: str


Piece: TypeAlias = str | Wild | OneOf
Glob: TypeAlias = Callable[[str], bool]

_LEXEMES: Final = re.compile(
    r"\\(?P<escaped>.)|(?P<many>\*+)|(?P<one>\?)|\[(?P<items>(?:\\.|[^\]\\])*)\]|(?P<open>\[)|.", re.DOTALL
)
_LIST_ITEMS: Final = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)


def parse_glob(pattern: str) -> tuple[Piece, ...]:
    """Split a pattern into texts, wild cards and lists. Raises LanguageError with offsets in the pattern."""
    pieces: list[Piece] = []
    for piece in map(_piece, _LEXEMES.finditer(pattern)):
        if isinstance(piece, str) and pieces and isinstance(last := pieces[-1], str):
            pieces[-1] = last + piece
        else:
            pieces.append(piece)
    return tuple(pieces)


def _piece(lexeme: re.Match[str]) -> Piece:
    match lexeme.lastgroup:
        case "escaped":
            return lexeme["escaped"]
        case "many":
            return Wild.MANY
        case "one":
            return Wild.ONE
        case "items":
            return OneOf(f"[{''.join(_list_items(lexeme['items'], lexeme.start('items')))}]")
        case "open":
            raise _fault("has a '[' without its ']'", r"close it, or write \[ for the character", *lexeme.span())
        case _:
            return lexeme.group()


def _list_items(items: str, start: int) -> Iterator[str]:
    if not items:
        raise _fault("has an empty list, which matches nothing", "name its characters: [abc]", start - 1, start + 1)
    if items[0] in "!^":
        help = rf"put ! before match(...), or write [\{items[0]}...] for the character"
        raise _fault(f"cannot turn a list round with '{items[0]}'", help, start, start + 1)
    for item in _LIST_ITEMS.finditer(items):
        low, high = item[1][-1], item[2] and item[2][-1]
        if high and high < low:
            where = (start + item.start(), start + item.end())
            raise _fault(f"has a range that ends before it starts: {low}-{high}", f"write {high}-{low}", *where)
        yield re.escape(low) + (f"-{re.escape(high)}" if high else "")


def _fault(what: str, help: str, start: int, end: int) -> LanguageError:
    return LanguageError(Fault("trigger_pattern", f"the pattern {what}", help, (), start, end))


def compile_glob(pattern: str) -> Glob:
    """Compile a right pattern into a test of a text, by the cheapest means that its shape allows."""
    match parse_glob(pattern):
        case ():
            return lambda text: text == ""
        case (str(whole),):
            return lambda text: text == whole
        case (Wild.MANY,):
            return lambda text: True  # noqa: ARG005 - any text will do
        case (str(prefix), Wild.MANY):
            return lambda text: text.startswith(prefix)
        case (Wild.MANY, str(suffix)):
            return lambda text: text.endswith(suffix)
        case (Wild.MANY, str(middle), Wild.MANY):
            return lambda text: middle in text
        case pieces:
            matches = re.compile(_regex(pieces), re.DOTALL).fullmatch
            return lambda text: matches(text) is not None


def _regex(pieces: tuple[Piece, ...]) -> str:
    """Between two `*` the first place that fits is as good as any: an atomic group keeps it, and nothing is retried."""
    runs = [""]
    for piece in pieces:
        if piece is Wild.MANY:
            runs.append("")
        elif isinstance(piece, str):
            runs[-1] += re.escape(piece)
        else:
            runs[-1] += piece.value if isinstance(piece, Wild) else piece.pattern
    if len(runs) == 1:
        return runs[0]
    first, *middle, last = runs
    return first + "".join(f"(?>.*?{run})" for run in middle) + ".*" + last
