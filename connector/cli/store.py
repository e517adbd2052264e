"""What the commands on a store share: which folder, how moments and tables are printed, how a person is asked."""

import io
import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from connector.cli.painting import columns_of
from connector.cli.streams import Streams, on_one_line
from connector.config import DEFAULT_DATA
from connector.errors import UsageError
from connector.queue.desk import Desk

_ENDLESS: Final = 1_000_000  # columns of no terminal: a table takes what it needs

data_option = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(),
    help=f"The folder of the queue; else the variable RUPT_DATA.  [default: {DEFAULT_DATA}]",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def open_store(streams: Streams, data: str | None) -> Desk:
    """Open the queue in the folder that was given, or that the environment names."""
    return Desk(Path(data or streams.env.get("RUPT_DATA") or DEFAULT_DATA))


def moment(seconds: float) -> str:
    """Print a time: 2026-11-21T08:00:00.000Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def agree(streams: Streams, question: str, *, yes: bool) -> bool:
    """Ask a person before something that cannot be undone. Raises UsageError when nobody is there to ask."""
    if yes:
        return True
    if not (streams.is_terminal and streams.stdin.isatty()):
        raise UsageError(f"{question} Nobody can be asked here: give --yes")
    streams.say(f"{question} [y/N]")
    return streams.stdin.readline().strip().lower() in (b"y", b"yes")


def room(streams: Streams) -> int | None:
    """Say how many columns the terminal has that data goes to; None off a terminal, where any line is short enough."""
    return columns_of(streams.stdout, streams.env) if streams.stdout.isatty() else None


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    """Draw a table without colour, as wide as it takes: nothing in it is cut. `numbers`: all columns but the first."""
    drawn = Table(box=box.SIMPLE, pad_edge=False)
    for place, name in enumerate(columns):
        drawn.add_column(name, justify="right" if numbers and place else "left", no_wrap=True)
    for row in rows:
        drawn.add_row(*map(on_one_line, row))
    console = Console(file=io.StringIO(), width=_ENDLESS, no_color=True, highlight=False, markup=False, emoji=False)
    console.print(drawn)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def fits(text: str, columns: int | None) -> bool:
    """Whether every line of a text has room."""
    return columns is None or all(cell_len(line) <= columns for line in text.splitlines())


def folded(text: str, columns: int, indent: int) -> list[str]:
    """Break a line where there is no room; nothing of it is cut. What is narrower than a word breaks it."""
    space = " " * indent
    lines = textwrap.wrap(
        on_one_line(text),
        max(columns, indent + 20),
        initial_indent=space,
        subsequent_indent=f"{space}  ",
        break_on_hyphens=False,
    )
    return lines or [space]
