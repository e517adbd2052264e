"""Rows that a test keeps in a file, beside those that a dry run makes now: where they differ, and how that is told.

In: the file and the rows as bytes. Out: a difference, the lines of a diff, or nothing where they are the same as JSON.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from connector.cases import Case
from connector.testing.recordings import UnusableError, beside
from connector.trials.diffs import diff_rows
from connector.values import JSON, load_json
from connector.verdicts import is_same

_MOST_OUTCOMES: Final = 3  # changes of outcome that are told


def compare_rows(case: Case, raw: bytes) -> tuple[str, list[str]]:
    """Compare rows with those that a test keeps: a sentence, empty where they are the same, and the lines of a diff.

    Raises UnusableError when the file holds other things.
    """
    kept, found = _read(beside(case, case.rows)), raw.splitlines()
    if kept is None:
        return f"{case.rows} does not exist; `test --update` writes it", []
    start, end = _alike(kept, found)
    before = _parse(kept[start : len(kept) - end], case.rows, start + 1)
    after = _parse(found[start : len(found) - end], case.recording, start + 1)
    if is_same(before, after):
        return "", []
    words, summary = _rows_differ(before, after, case.rows, start + 1), _summary(before, after)
    return f"{words}: {summary}" if summary else words, diff_rows(before, after, start + 1)


def _read(file: str) -> list[bytes] | None:
    """Read the rows that a test expects, a line each; None when there is no such file. Raises UnusableError."""
    try:
        with open(file, "rb") as stream:
            return [line for line in stream.read().splitlines() if line.strip()]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableError(f"{file} cannot be read: {error.strerror}", "expect_rows") from None


def _parse(lines: Sequence[bytes], name: str, start: int) -> list[JSON]:
    """Parse rows from the row `start` on. Raises UnusableError when one is none."""
    rows: list[JSON] = []
    for at, line in enumerate(lines, start):
        try:
            row = load_json(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or "outcome" not in row:
            raise UnusableError(f"{name} holds other things than rows: line {at:,}", "expect_rows")
        rows.append(row)
    return rows


def _alike(kept: list[bytes], found: list[bytes]) -> tuple[int, int]:
    """Count the lines at the start and at the end that are the same, so that only the others are looked into."""
    most = min(len(kept), len(found))
    start = next((at for at in range(most) if kept[at] != found[at]), most)
    most -= start
    return start, next((at for at in range(most) if kept[-at - 1] != found[-at - 1]), most)


def _rows_differ(kept: list[JSON], found: list[JSON], name: str, start: int) -> str:
    """Count the rows that differ, and say from which on; where their number does too, that is told instead."""
    more = len(found) - len(kept)
    if more:
        rows = f"{abs(more):,} row{'' if abs(more) == 1 else 's'}"
        return f"{rows} {'more' if more > 0 else 'fewer'} than in {name}, from row {start:,} on"
    differing = [at for at, (one, other) in enumerate(zip(kept, found, strict=True), start) if not is_same(one, other)]
    if len(differing) == 1:
        return f"row {differing[0]:,} differs from that in {name}"
    return f"{len(differing):,} rows differ from those in {name}, from row {differing[0]:,} on"


def _summary(kept: list[JSON], found: list[JSON]) -> str:
    """Say how many rows came, went or changed, where that is more than their number; nothing else.

    A row is known by its event and its mapping, wherever it stands.
    """
    before, after = _by_event(kept), _by_event(found)
    pairs = [pair for key, rows in before.items() for pair in zip(rows, after.get(key, ()), strict=False)]
    added, gone = len(found) - len(pairs), len(kept) - len(pairs)
    outcomes = Counter((str(one["outcome"]), str(two["outcome"])) for one, two in pairs)
    moved = [(pair, count) for pair, count in outcomes.most_common() if pair[0] != pair[1]]
    others = sum(one["outcome"] == two["outcome"] and not is_same(one, two) for one, two in pairs)
    told = [f"{count:,} {words}" for count, words in ((added, "added"), (gone, "gone")) if count]
    told += [f"{count:,} {one} → {two}" for (one, two), count in moved[:_MOST_OUTCOMES]]
    if more := sum(count for _, count in moved[_MOST_OUTCOMES:]):
        told.append(f"{more:,} with another outcome")
    told += [f"{others:,} changed otherwise"] if others else []
    if not told:
        return "the same rows in another order"
    return ", ".join(told) if moved or len(told) > 1 else ""


def _by_event(rows: list[JSON]) -> dict[tuple[str, str], list[dict[str, JSON]]]:
    found = defaultdict[tuple[str, str], list[dict[str, JSON]]](list)
    for row in rows:
        assert isinstance(row, dict)
        found[str(row.get("messageId")), str(row.get("mapping"))].append(row)
    return found
