"""The summary as a table of 80 columns or more: mappings down, outcomes across, then reasons and access states."""

import io
import re
from collections import Counter

from rich import box
from rich.console import Console
from rich.table import Table

from connector.cli.summary import MOST_REASONS, OUTCOMES, access, headline, reasons
from connector.replay.summary import Summary


def render(summary: Summary, mappings: list[str], *, width: int = 80) -> str:
    """Print the summary without colour."""
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, markup=False, emoji=False)
    console.print(headline(summary))
    if any(mapping for mapping, _, _ in summary.outcomes):
        console.print(_by_mapping(summary, mappings))
    if found := list(reasons(summary)):
        console.print(_reasons(found))
    if said := access(summary):
        console.print(said)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO given above
    return re.sub(r"\n{3,}", "\n\n", "".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def _by_mapping(summary: Summary, mappings: list[str]) -> Table:
    counts = Counter[tuple[str, str]]()
    for (mapping, outcome, _), number in summary.outcomes.items():
        counts[mapping, outcome] += number
    shown = [outcome for outcome in OUTCOMES if any(counts[mapping, outcome] for mapping in mappings)]
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("mapping", overflow="fold")
    for outcome in shown:
        longest = max(len(outcome), *(len(f"{counts[mapping, outcome]:,}") for mapping in mappings))
        table.add_column(outcome, justify="right", min_width=longest)  # a number is never cut
    for mapping in mappings:
        table.add_row(
            mapping, *(f"{counts[mapping, outcome]:,}" if counts[mapping, outcome] else "-" for outcome in shown)
        )
    return table


def _reasons(found: list[tuple[int, str, str]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("events", justify="right")
    table.add_column("outcome")
    table.add_column("reason", overflow="fold")
    for number, outcome, reason in found[:MOST_REASONS]:
        table.add_row(f"{number:,}", outcome, reason)
    if len(found) > MOST_REASONS:
        rest = found[MOST_REASONS:]
        table.add_row(f"{sum(number for number, _, _ in rest):,}", "", f"{len(rest)} more reasons")
    return table
