"""A stream of JSON text in chunks, cut into its values, those of a list one by one, in bounded memory.

Brackets and strings are counted and nothing is decoded: whether a value is JSON is for its reader to say. Where a value
does not end as it should, the text is taken up again at the next place that looks like that value's start.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Final

import msgspec

from connector.events import MAX_BYTES


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A value's text and the line it starts on, or what is wrong from there; `cut` when the stream ended too early."""

    line: int
    raw: bytes
    fault: str = ""
    cut: bool = False


def split_values(chunks: Iterable[bytes], *, line: int = 1, limit: int = MAX_BYTES) -> Iterator[Piece]:
    """Cut a stream into pieces: values that stand one after another, and the elements of outermost lists.

    `line` is the number of the stream's first line. A value of more than `limit` bytes is a fault. Commas between
    values are allowed and may be missing. Where the chunks are cut makes no difference.
    """
    return _Splitter(chunks, line, limit).pieces()


def is_document(first: bytes, second: bytes) -> bool:
    """Tell a text over several lines from lines that are values of their own, when `first` alone is not JSON.

    `first` begins with `{`; `second` is the next line that is not blank. A line that ends inside an open object or list
    is a document's, unless the next line begins an object where the open one cannot have it.
    """
    opened, last, values = bytearray(), 0, 0
    for token in _TOKEN.finditer(first):
        last = token[0][0]
        if token[0] == b'"':
            return False  # a string cannot go on in the next line
        if last in b"{[":
            opened.append(last)
        elif last in b"}]" and opened:
            opened.pop()
            values += not opened
        if values and opened:
            return True  # one value after another
    if not opened:
        return False
    expected = b":" if opened[-1:] == b"{" else b"[,"
    return not second.startswith(b"{") or last in expected


# Strings, and all else but brackets. A raw newline is not allowed in a string and shows that a quote is missing:
# without that rule one missing quote would turn the rest of the stream inside out.
_STRING: Final = rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"'
_QUIET: Final = rb'(?:[^"{}\[\]]*+' + _STRING + rb')*+[^"{}\[\]]*+'
_LEVELS: Final = 8  # a value of up to so many levels, and wholly in the buffer, is found by one regular expression


def _nested(levels: int) -> bytes:
    inner = _QUIET
    for _ in range(levels):
        inner = rb"%s(?:[{\[]%s[}\]]%s)*+" % (_QUIET, inner, _QUIET)
    return inner


@cache
def _whole_value(*, in_list: bool) -> re.Pattern[bytes]:
    """Compile, where it is needed, for it takes some milliseconds: a value whose outermost brackets are a pair.

    Where a closing bracket is missing inside, the outermost ones are the first not to be. A list that is not in a list
    is opened, and so no value.
    """
    inner = _nested(_LEVELS - 1)
    return re.compile(rb"[\s,]*+(\{%s\}%s)" % (inner, rb"|\[%s\]" % inner if in_list else b""))


_QUIET_RUN: Final = re.compile(_QUIET)
_STRING_REST: Final = re.compile(rb'[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+')
_BETWEEN: Final = re.compile(rb"[\s,]*+")
_SCRAP: Final = re.compile(rb'(?:[^"\n,\[\]{}]++|%s|"[^\n,\[\]{}]*+)++' % _STRING)
_TOKEN: Final = re.compile(rb'%s|["{}\[\]:,]|[^\s"{}\[\]:,]++' % _STRING)
_INDENT: Final = re.compile(rb"([ \t]*)[,\[]?[ \t]*")
_OPENING: Final = re.compile(rb'\{\s{0,64}"[^"\\\n]{0,64}"')

_MAX_OPEN: Final = 10_000  # brackets; far beyond what a reader takes, and far below what would take long to count
_SCRAP_BYTES: Final = 65_536
_LEAD_BYTES: Final = 64  # what is kept of the line before a value: its indentation is how the next one is recognised
_KEPT_BYTES: Final = 512  # more than any such mark is long
_ENDS_EARLY: Final = "the text ends inside an object or list"


class _Splitter:
    """`text` is the buffer, `at` where it has been read to, `line` the line there."""

    def __init__(self, chunks: Iterable[bytes], line: int, limit: int) -> None:
        self.chunks = iter(chunks)
        self.text, self.at, self.line, self.limit = b"", 0, line, limit
        self.in_list = self.list_is_empty = False

    def pieces(self) -> Iterator[Piece]:
        while self._reach_something():
            byte = self.text[self.at : self.at + 1]
            if byte == b"[" and not self.in_list:
                self.in_list = self.list_is_empty = True
                self.at += 1
            elif byte == b"]" and self.in_list:
                yield from self._leave_list()
            elif byte not in (b"{", b"["):
                yield self._scrap()
            elif not (yield from self._whole_values()):
                yield from self._long_value()
        if self.in_list:
            yield Piece(self.line, b"", _ENDS_EARLY, cut=True)

    def _reach_something(self) -> bool:
        while True:
            self._advance_to(_BETWEEN.match(self.text, self.at).end())  # type: ignore[union-attr]  # matches always
            if self.at < len(self.text):
                return True
            if not self._fill():
                return False

    def _fill(self) -> bool:
        chunk = next(self.chunks, None)
        if chunk is None:
            return False
        lead = min(self.at, _LEAD_BYTES)
        self.text = self.text[self.at - lead :] + chunk
        self.at = lead
        return True

    def _advance_to(self, end: int) -> None:
        self.line += self.text.count(b"\n", self.at, end)
        self.at = end

    def _leave_list(self) -> Iterator[Piece]:
        if self.list_is_empty:
            yield Piece(self.line, b"[]")
        self.in_list = False
        self.at += 1

    def _scrap(self) -> Piece:
        """Take what is neither an object nor a list: a scalar, some words, or a bracket that closes nothing."""
        self.list_is_empty = False
        while len(self.text) - self.at < _SCRAP_BYTES and self._fill():
            pass
        line = self.line
        found = _SCRAP.match(self.text, self.at, self.at + _SCRAP_BYTES)
        if found is None:
            self.at += 1
            return Piece(line, b"", "a bracket closes that was not opened")
        self._advance_to(found.end())
        return Piece(line, found[0].rstrip())

    def _whole_values(self) -> Generator[Piece, None, bool]:
        """Yield all values that follow in the buffer and are not too deep; returns whether there was one."""
        self.list_is_empty = False
        match = _whole_value(in_list=self.in_list).match
        text, some = self.text, False
        while (found := match(text, self.at)) and found.end() - found.start(1) <= self.limit:
            self._advance_to(found.start(1))
            yield Piece(self.line, found[1])
            self._advance_to(found.end())
            some = True
        return some

    def _long_value(self) -> Iterator[Piece]:
        end, fault = self._scan()
        if fault:
            yield from self._take_up(end, fault)
        else:
            yield Piece(self.line, self.text[self.at : self.at + end])
            self._advance_to(self.at + end)

    def _scan(self) -> tuple[int, str]:
        """Find the end of the value at hand, filling the buffer: its length, or how far it goes and what is wrong."""
        offset, depth, in_string = 0, 0, False
        while True:
            stop = min(len(self.text), self.at + self.limit)
            run = (_STRING_REST if in_string else _QUIET_RUN).match(self.text, self.at + offset, stop)
            offset = run.end() - self.at if run else offset
            byte = self.text[self.at + offset : stop][:1]
            if not byte or (byte == b"\\" and self.at + offset + 1 == stop):
                if stop == self.at + self.limit:
                    return self.limit, f"a value of more than {self.limit:,} bytes"
                if not self._fill():
                    return offset, _ENDS_EARLY
                continue
            offset += 1
            if in_string and byte != b'"':
                return offset, "a line ends inside a string"
            in_string = byte == b'"' and not in_string
            depth += (byte in b"{[") - (byte in b"}]")
            if depth in (0, _MAX_OPEN):
                return offset, self._end_fault(byte, depth)

    def _end_fault(self, closing: bytes, depth: int) -> str:
        if depth:
            return f"more than {_MAX_OPEN:,} brackets are open"
        pair = self.text[self.at : self.at + 1] + closing
        return "" if pair in (b"{}", b"[]") else "the brackets do not match"

    def _take_up(self, end: int, fault: str) -> Iterator[Piece]:
        """Go on after a value that is broken at `end`: at the last of the places in it that look like its start.

        The text between two such places is handed on for its reader to judge.
        """
        mark = self._mark(end)
        places = [place.end() for place in mark.finditer(self.text, self.at + 1, self.at + end)]
        for start, stop in pairwise([self.at, *places]):
            yield Piece(self.line, self.text[start:stop].rstrip(b" \t\r\n,]["))
            self._advance_to(stop)
        if not places:
            line = self.line
            skipped = self._skip_to(mark, end)
            yield Piece(line, b"", f"{fault}; {skipped:,} bytes skipped", cut=fault is _ENDS_EARLY)

    def _skip_to(self, mark: re.Pattern[bytes], offset: int) -> int:
        skipped, start = 0, max(self.at + 1, self.at + offset - _KEPT_BYTES)
        while not (found := mark.search(self.text, start)):
            kept = max(start, len(self.text) - _KEPT_BYTES)
            skipped += kept - self.at
            self._advance_to(kept)
            if not self._fill():
                skipped += len(self.text) - self.at
                self._advance_to(len(self.text))
                return skipped
            start = self.at
        skipped += found.end() - self.at
        self._advance_to(found.end())
        return skipped

    def _mark(self, end: int) -> re.Pattern[bytes]:
        """Say how the next value will begin: at the same indentation, or after a comma with the same first key."""
        lead = self.text[max(0, self.at - _LEAD_BYTES) : self.at]
        _, newline, line = lead.rpartition(b"\n")
        indent = _INDENT.fullmatch(line)
        several_lines = self.text.find(b"\n", self.at, self.at + end) >= 0
        if several_lines and indent and (newline or len(lead) < _LEAD_BYTES):
            return re.compile(rb"\n%s(?:[,\[] ?)?(?=\{)" % re.escape(indent[1]))
        opening = _OPENING.match(self.text, self.at, self.at + end)
        same_key = rb"|,[ \t\r\n]{0,64}(?=%s)" % re.escape(opening[0]) if opening else b""
        return re.compile(rb"\n(?=\{)" + same_key)
