"""Blocks of lines in columns: where it stands in the file, what it is, the value that it had.

In: entries. Out: lines on a Painter, no wider than it is; a long value is cut and its length told.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from connector.cli.explain_shapes import Shown
from connector.cli.painting import Line, Painter, cells, padded, plain, wrapped
from connector.cli.places import short_file
from connector.cli.streams import Streams, on_one_line
from connector.values import dump_json

_NARROWEST: Final = 20  # columns for a value
_BELOW: Final = 4  # columns by which a value that stands below its name is indented
_LEAST_KEPT: Final = 4  # characters of a value that is cut


class Marks(msgspec.Struct, frozen=True):
    """The signs that not every encoding has."""

    yes: str = "✓"
    no: str = "✗"
    unasked: str = "·"
    more: str = "…"
    to: str = "→"


ASCII_MARKS: Final = Marks("+", "x", "-", "...", "->")


def marks_of(streams: Streams) -> Marks:
    """Choose signs that a terminal has: its locale names the encoding; where none does, and in files, it is UTF-8."""
    env = streams.env
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ".UTF-8"
    is_utf8 = "UTF8" in locale.upper().replace("-", "")
    return Marks() if is_utf8 or not streams.stdout.isatty() else ASCII_MARKS


class Entry(msgspec.Struct, frozen=True):
    """A line of a block: `at` is its place (file:line:column), `left` what it is, `value` what it had.

    `lead` stands before the value, `note` behind it. Without any of them `left` has the whole width.
    """

    left: Line
    indent: int = 0
    at: str = ""
    value: Shown = UNSET
    lead: str = ""
    note: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing at the right."""
        return self.value is UNSET and not self.note


def print_block(painter: Painter, marks: Marks, entries: Sequence[Entry], file: str, *, indent: int = 4) -> str:
    """Print entries in columns; where the file changes from `file`, that is said first. Give the last file."""
    gutter = max((len(_line_column(entry.at)) for entry in entries), default=0)
    start = indent + gutter + 2 if gutter else indent
    column = _value_column(entries, start, painter.columns)
    last = ""
    for entry in entries:
        if entry.at and (here := entry.at.rsplit(":", 2)[0]) != file:
            file = here
            painter.print(" " * indent, ("dim", f"in {short_file(file)}"))
        at = "" if entry.at == last else _line_column(entry.at).rjust(gutter)
        last = entry.at
        for line in _lines(entry, marks, column - start, painter.columns - start):
            painter.print(("dim", padded(" " * indent + at, start)), *line)
            at = ""
    return file


def _value_column(entries: Sequence[Entry], start: int, columns: int) -> int:
    """Find the column where values start: behind the longest left part that leaves enough room for them."""
    widest = start + max(_NARROWEST, (columns - start) * 3 // 5)
    lefts = [start + _width(entry) for entry in entries if not entry.is_plain]
    return max((left for left in lefts if left <= widest), default=start + _NARROWEST) + 2


def _width(entry: Entry) -> int:
    return entry.indent + cells(plain(entry.left))


def _lines(entry: Entry, marks: Marks, column: int, room: int) -> Iterator[Line]:
    """Give an entry's lines. A value for which its column is too narrow stands below, where there is more room."""
    if entry.is_plain:
        yield from wrapped(entry.left, room, indent=entry.indent)
        return
    whole, below = _right(entry), entry.indent + _BELOW
    fits = cells(whole) <= room - column
    if _width(entry) + 2 <= column and (fits or below >= column):
        yield " " * entry.indent, *entry.left, " " * (column - _width(entry)), _right(entry, room - column, marks)
        return
    yield from wrapped(entry.left, room, indent=entry.indent)
    at = column if fits else below
    yield from wrapped((_right(entry, max(room - at, _NARROWEST), marks),), room, indent=at)


def _right(entry: Entry, room: int = 0, marks: Marks | None = None) -> str:
    """Write what stands at the right; with `marks` the value is cut to what `room` leaves for it.

    A value that would fit without its note is kept whole: the note then goes on in a further line.
    """
    if entry.value is UNSET:
        return f"{entry.lead}{entry.note}"
    note = f" {entry.note}" if entry.note and entry.note[0] not in ",;" else entry.note
    value = on_one_line(dump_json(entry.value).decode())
    if marks is not None and cells(value) + cells(entry.lead) > room:
        value = cut(value, max(room - cells(entry.lead) - cells(note), _LEAST_KEPT), marks)
    return f"{entry.lead}{value}{note}"


def cut(text: str, width: int, marks: Marks) -> str:
    """Cut a text to so many columns, and tell how long it was; where that would be no shorter, it stays whole."""
    shown = on_one_line(text)
    if cells(shown) <= width:
        return shown
    tail = f"{marks.more} ({len(text):,} characters)"
    room = max(_LEAST_KEPT, width - len(tail))
    keep = room
    while cells(shown[:keep]) > room and keep > 1:
        keep -= 1
    is_shorter = cells(shown[:keep]) + len(tail) < cells(shown)
    return shown[:keep] + tail if is_shorter else shown


def _line_column(at: str) -> str:
    return ":".join(at.rsplit(":", 2)[1:])
