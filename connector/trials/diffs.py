"""What was expected and what was found, as the lines of a unified diff in YAML."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Final

from connector.values import JSON
from connector.yaml_writing import SHOWN

MOST_ROWS: Final = 20  # rows of a recording that a diff shows


def diff_values(given: JSON, made: JSON) -> list[str]:
    """Make the lines of a unified diff of two values; nothing when they print the same."""
    return _unified(list(SHOWN.block(given)), list(SHOWN.block(made)))


def diff_rows(expected: Sequence[JSON], found: Sequence[JSON], start: int) -> list[str]:
    """Make the lines of a unified diff of rows, the first of which have the number `start`; some are enough."""
    before, after = (list(_row_lines(rows[:MOST_ROWS], start)) for rows in (expected, found))
    lines = _unified(before, after)
    more = max(len(expected), len(found)) - MOST_ROWS
    return [*lines, f"… and {more:,} further row{'' if more == 1 else 's'}"] if more > 0 else lines


def _row_lines(rows: Sequence[JSON], start: int) -> Iterator[str]:
    for at, row in enumerate(rows, start):
        yield f"# row {at:,}"
        yield from SHOWN.block(row)


def _unified(before: list[str], after: list[str]) -> list[str]:
    return list(difflib.unified_diff(before, after, "expected", "found", lineterm="", n=3))
