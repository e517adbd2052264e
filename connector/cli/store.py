"""What the commands on a store share: which folder, how moments and tables are printed, how a person is asked."""

import io
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table

from connector.cli.streams import Streams
from connector.config import DEFAULT_DATA
from connector.errors import UsageError
from connector.queue.desk import Desk

_WIDE: Final = 200  # columns of a table that no terminal shows

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


def counted(number: int, noun: str) -> str:
    """Say how many: 1 job, 2,000 jobs."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(streams: Streams, columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    """Draw a table without colour; the last column is folded where there is no room. `numbers`: all but the first."""
    width = shutil.get_terminal_size().columns if streams.stdout.isatty() else _WIDE
    drawn = Table(box=box.SIMPLE, pad_edge=False)
    for place, name in enumerate(columns):
        last = place == len(columns) - 1
        drawn.add_column(
            name,
            justify="right" if numbers and place else "left",
            overflow="fold",
            no_wrap=(numbers and place > 0) or not (last or place == 0),
        )
    for row in rows:
        drawn.add_row(*row)
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, markup=False, emoji=False)
    console.print(drawn)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
