"""What a command may touch: three streams and the environment, given by the caller."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import BinaryIO, Final, TextIO
from unicodedata import category

import msgspec

# What a terminal obeys, what shows text in another order or not at all, and line ends of another kind.
_OBEYED: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


class Streams(msgspec.Struct, frozen=True):
    """Data goes to `stdout` (bytes), words go to `stderr`; `env` is read for settings and colour, never printed.

    Data that cannot be written raises OSError. Words that nobody takes any more are let go: no work ends for them.
    """

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: TextIO
    env: Mapping[str, str]

    def say(self, text: str = "") -> None:
        """Write a line of words, or several; what the encoding does not have and what a terminal obeys is escaped."""
        self.put_words(_escaped(text, kept="\t\n"))

    def put_words(self, text: str) -> None:
        """Write a line of words in which the caller has escaped what a terminal obeys."""
        with suppress(OSError):
            self.stderr.write(encodable(text, self.stderr.encoding) + "\n")
            self.stderr.flush()

    def print(self, text: str) -> None:
        """Write a line of data, or several; what a terminal obeys is escaped."""
        self.stdout.write(encodable(_escaped(text, kept="\t\n")).encode() + b"\n")
        self.stdout.flush()

    def print_json(self, value: object, *, pretty: bool = False) -> None:
        """Write a value as one line of JSON, or over several lines for a person."""
        raw = msgspec.json.encode(value)
        if not raw.isascii():
            raw = _escaped(raw.decode(), _in_json).encode()
        self.stdout.write((msgspec.json.format(raw, indent=2) if pretty else raw) + b"\n")
        self.stdout.flush()

    @property
    def is_terminal(self) -> bool:
        """Whether words go to a person's terminal: only then there is a progress bar."""
        return self.stderr.isatty()

    @property
    def has_colour(self) -> bool:
        """Whether words may be coloured: on a terminal that does not refuse it (https://no-color.org)."""
        return self.is_terminal and not self.env.get("NO_COLOR") and self.env.get("TERM") != "dumb"


def encodable(text: str, encoding: str | None = None) -> str:
    r"""Write as `\udcff` and the like what an encoding (UTF-8) does not have: bytes of file names that are no text."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)


def on_one_line(text: str) -> str:
    r"""Write as `\r\n`, `\x1b` and the like what of a foreign text would end a line or be obeyed by a terminal."""
    return _escaped(text)


def _in_text(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def _in_json(letter: str) -> str:
    units = letter.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _escaped(text: str, escape: Callable[[str], str] = _in_text, *, kept: str = "") -> str:
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in kept or category(letter) not in _OBEYED else escape(letter)
        for letter in text
    )
