"""What a command may touch: three streams and the environment, given by the caller."""

from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO, TextIO

import msgspec


class Streams(msgspec.Struct, frozen=True):
    """Data goes to `stdout` (bytes), words go to `stderr`; `env` is read for settings and colour, never printed.

    Data that cannot be written raises OSError. Words that nobody takes any more are let go: no work ends for them.
    """

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: TextIO
    env: Mapping[str, str]

    def say(self, text: str = "") -> None:
        """Write a line of words; what the stream's encoding does not have is escaped."""
        with suppress(OSError):
            self.stderr.write(encodable(text, self.stderr.encoding) + "\n")
            self.stderr.flush()

    def print(self, text: str) -> None:
        """Write a line of data."""
        self.stdout.write(encodable(text).encode() + b"\n")
        self.stdout.flush()

    def print_json(self, value: object, *, pretty: bool = False) -> None:
        """Write a value as one line of JSON, or over several lines for a person."""
        raw = msgspec.json.encode(value)
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
