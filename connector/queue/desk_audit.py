"""Whether the ledger balances: what the counters say, what the rows say, and whether every row is in its place.

In: a desk. Out: the tallies and every difference, all of one moment. It mends nothing.
"""

from collections import Counter
from typing import Final, get_args

import msgspec

from connector.queue import Ledger, State, Tally, add_up
from connector.queue.desk import Desk

_STRAYS: Final = {
    "jobs_without_event": "jobs whose event is gone",
    "events_without_job": "events without a job",
    "attempts_without_job": "attempts whose job is gone",
    "rows_without_mapping": "rows whose mapping is gone",
    "unfinished_without_raw": "unfinished jobs whose event was erased",
}
_COUNTED: Final = ("accepted", *get_args(State), "in_doubt")


class Difference(msgspec.Struct, frozen=True):
    """A counter that is not what the rows come to: `rows` there are, and `purged` there were."""

    mapping: str
    what: str
    counter: int
    rows: int
    purged: int


class Imbalance(msgspec.Struct, frozen=True):
    """A mapping of which more or less was accepted than is in any state."""

    mapping: str
    accepted: int
    accounted: int


class Audit(msgspec.Struct, frozen=True):
    """What an audit found. `strays` are rows out of place, by what they are; `damage` is SQLite's own complaint."""

    ledger: Ledger
    imbalances: tuple[Imbalance, ...]
    differences: tuple[Difference, ...]
    strays: tuple[tuple[str, int], ...]
    damage: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """Whether all is as it should be."""
        return not (self.imbalances or self.differences or self.strays or self.damage)


def audit(desk: Desk, *, deep: bool = False) -> Audit:
    """Compare everything at one moment; `deep` also checks the structure of the file, which reads all of it."""
    with desk.reading():
        counters, purged = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for mapping, what, count, gone in desk.ask("tallies"):
            counters[mapping, what], purged[mapping, what] = count, gone
        rows = _count_rows(desk)
        strays = tuple((words, found) for name, words in _STRAYS.items() if (found := desk.number(name)))
        damage = desk.damage() if deep else ()
    ledger = _ledger(counters)
    return Audit(ledger, _imbalances(ledger), _differences(counters, rows, purged), strays, damage)


def _count_rows(desk: Desk) -> Counter[tuple[str, str]]:
    rows = Counter[tuple[str, str]]()
    for mapping, state, jobs, doubts in desk.ask("job_counts"):
        rows[mapping, state] += jobs
        rows[mapping, "accepted"] += jobs
        rows[mapping, "in_doubt"] += doubts
    for mapping, events in desk.ask("filtered_counts"):
        rows[mapping, "filtered"] += events
        rows[mapping, "accepted"] += events
    return rows


def _ledger(counters: Counter[tuple[str, str]]) -> Ledger:
    """Make the ledger that the counters say."""
    names = sorted({mapping for mapping, _ in counters})
    return add_up({name: Tally(**{what: counters[name, what] for what in _COUNTED}) for name in names})


def _imbalances(ledger: Ledger) -> tuple[Imbalance, ...]:
    found = (
        Imbalance(mapping, tally.accepted, sum(getattr(tally, state) for state in get_args(State)))
        for mapping, tally in ledger.mappings.items()
    )
    return tuple(one for one in found if one.accepted != one.accounted)


def _differences(
    counters: Counter[tuple[str, str]], rows: Counter[tuple[str, str]], purged: Counter[tuple[str, str]]
) -> tuple[Difference, ...]:
    places = sorted({*counters, *rows})
    found = (
        Difference(mapping, what, counters[mapping, what], rows[mapping, what], purged[mapping, what])
        for mapping, what in places
    )
    return tuple(one for one in found if one.counter != one.rows + one.purged)
