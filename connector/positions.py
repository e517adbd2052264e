"""Where things stand in a file: offsets of its text become line, column and the line itself in a Problem.

`align` walks the raw slice of a YAML text (quotes, escapes, folded lines) and its decoded text together, so that a
place inside the decoded text can be shown in the file. Nothing here parses YAML or opens a file.
"""

import bisect
import re
from typing import Final

import msgspec

from connector.errors import Problem
from connector.values import JSON, number_text, type_name

_LONGEST_SHOWN: Final = 400  # a longer line is not printed: it would fill the screen
_LONGEST_QUOTED: Final = 60
_BREAK: Final = re.compile(r"\r\n?|\n")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
# A value behind a key such as api_secret, unless it is a path or a variable without a default.
_SECRET: Final = re.compile(r"""(?i)(secret\w*["']?\s*:\s*)(?!["']?\$\.|["']?\$\{\w+\})("[^"]*"?|'[^']*'?|[^\s].*)""")

_USER: Final = re.compile(r"(?<=://)[^/\s@]+(?=@)")  # of a URL
_FOLD: Final = r"(?P<fold>[ \t]*(?:\r\n?|\n)(?:[ \t]*(?:\r\n?|\n))*[ \t]*)"
_JOIN: Final = r"(?P<join>\\(?:\r\n?|\n)(?:[ \t]*(?:\r\n?|\n))*[ \t]*)"
_ESCAPE: Final = r"(?P<escape>\\(?:x.{2}|u.{4}|U.{8}|.))"
_TOKENS: Final = {
    "": re.compile(rf"{_FOLD}|[ \t]+|[^ \t\r\n]+"),
    "'": re.compile(rf"{_FOLD}|(?P<escape>'')|[ \t]+|[^ \t\r\n']+"),
    '"': re.compile(rf"{_JOIN}|{_ESCAPE}|{_FOLD}|[ \t]+|[^ \t\r\n\\]+"),
}


class Location(msgspec.Struct, frozen=True):
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Source(msgspec.Struct, frozen=True):
    """A file's text, and where each of its lines starts."""

    file: str
    text: str
    starts: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Source({self.file!r})"

    def location(self, offset: int) -> Location:
        """Turn an offset into line and column; an offset behind the text is its end."""
        at = min(max(offset, 0), len(self.text))
        line = bisect.bisect_right(self.starts, at)
        return Location(self.file, line, at - self.starts[line - 1] + 1)

    def line_end(self, offset: int) -> int:
        """Give the offset at which the line of `offset` ends, its break not counted."""
        line = bisect.bisect_right(self.starts, offset)
        if line == len(self.starts):
            return len(self.text)
        following = self.starts[line]
        return following - (2 if self.text[following - 2 : following] == "\r\n" else 1)

    def problem(
        self, code: str, message: str, start: int, end: int, *, help: str = "", line_until: int | None = None
    ) -> Problem:
        """Show the slice from `start` to `end`, as far as it stands on its first line. Secrets in the line are masked.

        With `line_until` the line is shown only up to that offset.
        """
        at = self.location(start)
        first, last = self.starts[at.line - 1], self.line_end(start)
        line = self.text[first : last if line_until is None else min(last, line_until)]
        behind = self.location(max(end, start + 1))
        return Problem(
            code,
            printable(message),
            self.file,
            at.line,
            at.column,
            max(1, min(end, last) - start),
            printable(_masked(line)) if len(line) <= _LONGEST_SHOWN else "",
            printable(help),
            end_line=behind.line,
            end_column=behind.column,
        )


def make_source(file: str, text: str) -> Source:
    """Find the lines of a text; `file` is only what problems print."""
    return Source(file, text, (0, *(match.end() for match in _BREAK.finditer(text))))


def quoted(text: str) -> str:
    """Print a text of the file inside a message: in quotes, control characters escaped, cut after 60 characters."""
    return repr(text if len(text) <= _LONGEST_QUOTED else f"{text[: _LONGEST_QUOTED - 1]}…")


def a_type(value: JSON) -> str:
    """Name a value's type with its article, in the words of the file: a text, an object, a list, a number, null."""
    name = {"string": "text", "array": "list", "boolean": f"{value}".lower()}.get(type_name(value), type_name(value))
    return name if name in ("null", "true", "false") else f"an {name}" if name[0] in "aeiou" else f"a {name}"


def shown(value: JSON) -> str:
    """Print a value of the file inside a message: a short text or number itself, of anything else its type.

    The user and password of a URL are masked.
    """
    if isinstance(value, str):
        return quoted(_USER.sub(lambda match: "*" * len(match[0]), value))
    return number_text(value) if isinstance(value, int | float) and not isinstance(value, bool) else a_type(value)


def printable(text: str) -> str:
    """Replace what would move a terminal's cursor or colour it; the length stays."""
    return _CONTROL.sub("\ufffd", text)


def _masked(line: str) -> str:
    line = _SECRET.sub(lambda match: match[1] + "*" * len(match[2]), line)
    return _USER.sub(lambda match: "*" * len(match[0]), line)


def align(raw: str, text: str, style: str) -> list[int]:
    """Give for each offset of a decoded `text`, its end included, the offset in the `raw` slice it was read from.

    `style` is the scalar's first character as YAML has it: `'`, `"`, `|`, `>`, or nothing for a plain one. Where the
    walk does not come out even, every offset is 0.
    """
    offsets = _align_block(raw, text) if style in ("|", ">") else _align_flow(raw, style)
    return offsets if len(offsets) == len(text) + 1 else [0] * (len(text) + 1)


def _align_flow(raw: str, style: str) -> list[int]:
    offsets: list[int] = []
    last = len(raw) - len(style)
    for match in _TOKENS[style].finditer(raw, len(style), last):
        kind = match.lastgroup
        if kind is None:
            offsets += range(*match.span())
        elif kind == "escape":
            offsets.append(match.start())
        else:
            offsets += [match.start()] * _folded(len(_BREAK.findall(match[0])), joined=kind == "join")
    return [*offsets, last]


def _folded(breaks: int, *, joined: bool) -> int:
    """Count the characters that line breaks become: one is a space, each further one a newline (YAML 1.2, 6.5)."""
    return breaks - 1 if joined or breaks > 1 else 1


def _align_block(raw: str, text: str) -> list[int]:
    offsets: list[int] = []
    indent = _block_indent(raw, text)
    header = _BREAK.search(raw)
    at = end = header.end() if header else len(raw)
    while at < len(raw):
        found = _BREAK.search(raw, at)
        until = found.start() if found else len(raw)
        content = raw[at + indent : until]
        if content:
            while len(offsets) < len(text) and not text.startswith(content, len(offsets)):
                offsets.append(end)  # a break, folded or kept, stands at the end of the line before
            offsets += range(at + indent, until)
            end = until
        at = found.end() if found else until
    return offsets + [end] * (len(text) + 1 - len(offsets))


def _block_indent(raw: str, text: str) -> int:
    """Count the spaces that the block does not count: those of its first line with content, less those in the text."""
    body = raw[found.end() :] if (found := _BREAK.search(raw)) else ""
    line = next((line for line in _BREAK.split(body) if line.strip(" ")), "")
    first = text.lstrip("\n")
    return max(0, _leading_spaces(line) - _leading_spaces(first))


def _leading_spaces(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
