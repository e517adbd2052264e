"""The README as data: its blocks in order with their places, its tables and code spans; and a shell to run it in."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
README: Final = ROOT / "README.md"
PATIENCE: Final = 60.0  # seconds for one command
_FENCE: Final = re.compile(r"^```(\w*)\s*$")
_PROMPT: Final = "$ "


class Block(NamedTuple):
    """A fenced block: its language, lines, the heading above it, and the line of the README where it starts."""

    language: str
    lines: tuple[str, ...]
    heading: str
    line: int

    @property
    def text(self) -> str:
        """Give the block as one text."""
        return "\n".join(self.lines) + "\n"

    @property
    def file(self) -> str:
        """Give the file that the block is, when its first line is a comment with nothing but a file's name."""
        named = re.fullmatch(r"# ([\w./-]+\.(?:ya?ml|json|ndjson))", self.lines[0])
        return named[1] if named else ""


class Command(NamedTuple):
    """A line of a console block that starts with `$ `, without its comment, and what is shown below it."""

    text: str
    shown: tuple[str, ...]


def read_blocks(text: str) -> list[Block]:
    """List the fenced blocks of a text."""
    blocks: list[Block] = []
    heading, language, start, held = "", None, 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if language is None and fence:
            language, start, held = fence[1], number, []
        elif language is not None and line == "```":
            blocks.append(Block(language, tuple(held), heading, start))
            language = None
        elif language is not None:
            held.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    assert language is None, f"the block at line {start} does not end"
    return blocks


def prose_of(text: str) -> str:
    """Give a text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def spans_of(text: str) -> list[str]:
    """List the code spans of a text, each on one line."""
    return [re.sub(r"\s+", " ", span).replace("\\|", "|") for span in re.findall(r"`([^`]+)`", prose_of(text))]


def commands_of(block: Block) -> list[Command]:
    """List the commands of a console block; a line that ends with a backslash goes on in the next."""
    found: list[tuple[str, list[str]]] = []
    for line in re.sub(r"\\\n\s*", "", block.text).splitlines():
        if line.startswith(_PROMPT):
            found.append((re.sub(r"\s+#\s.*$", "", line.removeprefix(_PROMPT)), []))
        else:
            assert found, f"line {block.line}: output without a command above it"
            found[-1][1].append(line)
    return [Command(text, tuple(shown)) for text, shown in found]


def table_rows(text: str, heading: str) -> Iterator[list[str]]:
    """List the cells of each row of the first table under a heading."""
    after = text.split(f"# {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\|\n)+", after, flags=re.MULTILINE)
    assert table, f"no table under {heading!r}"
    for row in table[0].splitlines()[2:]:
        yield [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def is_shown(shown: tuple[str, ...], output: str) -> bool:
    """Say whether an output is what is shown: a line `...` stands for any lines, `...` at a line's end for its rest."""
    pattern = "".join(_pattern(line) for line in shown)
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in output.splitlines())) is not None


def _pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    if line.endswith("..."):
        return re.escape(line.removesuffix("...")) + r".*\n"
    return re.escape(line.rstrip()) + r"\n"


class Shell:
    """Runs command lines in a folder, with `rupt-connector` on the path and nothing of ours in the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        bin = folder.parent / "bin"
        bin.mkdir()
        program = bin / "rupt-connector"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m connector "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RUPT_", "TWIN_"))}
        self.env = {**kept, "PATH": f"{bin}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}

    def run(self, line: str) -> tuple[int, str]:
        """Run a line in sh; give the exit code, and data and words as they came."""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout.decode()

    def start(self, line: str) -> "subprocess.Popen[str]":
        """Start a line that does not end; its data and words come together."""
        return subprocess.Popen(
            ["sh", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
