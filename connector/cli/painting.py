"""Lines for a person: aligned, within the columns there are, and coloured on a terminal only.

In: parts of lines, each with a style or none. Out: what a stream gets: what a terminal obeys is escaped in every part,
so the only codes on the screen are those that a style stands for.
"""

import os
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import BinaryIO, Final, Literal, TextIO, TypeAlias
from unicodedata import combining, east_asian_width

from connector.cli.streams import Streams, encodable, on_one_line

Style: TypeAlias = Literal["bold", "dim", "red", "green", "yellow", "blue", "cyan"]
Part: TypeAlias = str | tuple[Style, str]
Line: TypeAlias = tuple[Part, ...]
"""A line to print: `(("red", "invalid"), " by Attach Device")`."""

_CODES: Final[dict[Style, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
}
USUAL_COLUMNS: Final = 80


class Painter:
    """Prints lines of data to standard output, or with `words` to standard error.

    `columns` is how wide they should be, 80 off a terminal.
    """

    def __init__(self, streams: Streams, *, words: bool = False) -> None:
        stream = streams.stderr if words else streams.stdout
        self.columns = columns_of(stream, streams.env)
        self._streams, self._words = streams, words
        env = streams.env
        self._coloured = stream.isatty() and not env.get("NO_COLOR") and env.get("TERM") != "dumb"

    def print(self, *parts: Part) -> None:
        """Print one line."""
        text = "".join(self._painted(part) for part in parts).rstrip()
        if self._words:
            self._streams.put_words(text)
            return
        self._streams.stdout.write(encodable(text).encode() + b"\n")
        self._streams.stdout.flush()

    def wrap(self, *parts: Part, indent: int = 0, hang: int = 2) -> None:
        """Print a paragraph that breaks between words; further lines are indented by `hang` more."""
        for line in wrapped(parts, self.columns, indent=indent, hang=hang):
            self.print(*line)

    def _painted(self, part: Part) -> str:
        if isinstance(part, str):
            return on_one_line(part)
        style, text = part
        return f"\x1b[{_CODES[style]}m{on_one_line(text)}\x1b[0m" if self._coloured and text else on_one_line(text)


def columns_of(stream: TextIO | BinaryIO, env: Mapping[str, str]) -> int:
    """Say how many columns a report may use: what the terminal has, 80 where there is none."""
    if not stream.isatty():
        return USUAL_COLUMNS
    if (told := env.get("COLUMNS", "")).isdecimal() and int(told):
        return int(told)
    with suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    return USUAL_COLUMNS


def counted(number: int, noun: str) -> str:
    """Say how many: 1 job, 2,000 jobs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def plain(line: Line) -> str:
    """Give the text of a line without its styles."""
    return "".join(part if isinstance(part, str) else part[1] for part in line)


def cells(text: str) -> int:
    """Say how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def padded(text: str, width: int) -> str:
    """Fill a text up with spaces to so many columns."""
    return text + " " * max(0, width - cells(text))


def wrapped(parts: Line, columns: int, *, indent: int = 0, hang: int = 2) -> Iterator[Line]:
    """Break a line between words so that each piece fits; a word that is longer than a line is broken.

    Styles stay with their words. Spaces between words become one where a line is broken, and stay elsewhere.
    """
    text = on_one_line(plain(parts))
    if cells(text) + indent <= columns:
        yield (" " * indent, *parts)
        return
    styles = [style for part in parts for style in _styles(part)]
    at = 0
    width = max(20, columns - indent)
    for number, piece in enumerate(_pieces(text, width, hang)):
        start = text.index(piece, at)
        at = start + len(piece)
        yield (" " * (indent + (hang if number else 0)), *_restyled(piece, styles[start:at]))


def _styles(part: Part) -> list[Style | None]:
    if isinstance(part, str):
        return [None] * len(on_one_line(part))
    return [part[0]] * len(on_one_line(part[1]))


def _pieces(text: str, width: int, hang: int) -> list[str]:
    lines = textwrap.wrap(
        text,
        width,
        subsequent_indent=" " * hang,
        break_on_hyphens=False,
        replace_whitespace=False,
        expand_tabs=False,
    )
    return [line.strip() for line in lines]


def _restyled(text: str, styles: list[Style | None]) -> Iterator[Part]:
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or styles[at] != styles[start]:
            style = styles[start]
            yield text[start:at] if style is None else (style, text[start:at])
            start = at
