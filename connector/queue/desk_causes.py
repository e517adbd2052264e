"""Why jobs are where they are: those alike counted together, and how named jobs stand now.

In: a desk and a choice, or numbers of jobs. Out: groups of jobs of one mapping, state and reason, and whereabouts. What
a reason means is not told here, and no event is read.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from connector.queue import Cause
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Choice, JobState, as_json, choice_values, chosen_events
from connector.queue.desk_life import problems_of

_SLICE: Final = 20_000  # jobs that are grouped at once
_AT_ONCE: Final = 1_000  # jobs that are looked up at once
_SAMPLES: Final = 3


class Alike(msgspec.Struct, frozen=True):
    """Jobs that are where they are for the same reason: how many, since when the first and the last, and three of them.

    The same mapping, state and reason may come again in a further group. Times are when a job ended or was held.
    """

    mapping: str
    state: JobState
    cause: Cause | None
    reason: str
    problems: tuple[str, ...]
    count: int
    first: float
    last: float
    numbers: tuple[int, ...]


class Whereabouts(msgspec.Struct, frozen=True):
    """How a job stands now; `attempts` are the claims of its present series, `due` and `blocked` as in JobLife."""

    number: int
    mapping: str
    state: JobState
    cause: Cause | None
    reason: str
    problems: tuple[str, ...]
    attempts: int
    due: float
    blocked: bool


def alike_jobs(desk: Desk, choice: Choice, *, at_once: int = _SLICE) -> Iterator[Alike]:
    """Group the chosen jobs, `at_once` of them at a time, all of one moment of the store."""
    with desk.reading():
        values = choice_values(choice)
        if choice.message_ids:
            values["events"], tail = chosen_events(desk, choice), "from_events chosen"
        elif choice.account is None and choice.since is None and choice.until is None:
            tail = "from_jobs"  # events need not be looked at: they are most of the file
        else:
            tail = "from_all chosen"
        left = choice.limit
        while left is None or left > 0:
            values["limit"] = at_once if left is None else min(at_once, left)
            rows = desk.ask(f"alike {tail} together", **values).fetchall()
            yield from map(_alike, rows)
            if not rows or rows[0][-2] < at_once:
                return
            left = None if left is None else left - rows[0][-2]
            values["after"] = rows[0][-1]


def _alike(row: tuple[Any, ...]) -> Alike:
    mapping, state, cause, reason, problems, count, first, last, numbers, _, _ = row
    some = tuple(map(int, str(numbers).split(",")[:_SAMPLES]))
    return Alike(mapping, state, cause, reason, problems_of(problems), count, first, last, some)


def standings(desk: Desk, numbers: Sequence[int]) -> Iterator[Whereabouts]:
    """Say how jobs stand, in the order given; what is gone by now is left out."""
    for start in range(0, len(numbers), _AT_ONCE):
        with desk.reading():
            rows = desk.ask("standings", jobs=as_json(numbers[start : start + _AT_ONCE])).fetchall()
        for number, mapping, state, cause, reason, problems, attempts, due, blocked in rows:
            yield Whereabouts(
                number, mapping, state, cause, reason, problems_of(problems), attempts, due, bool(blocked)
            )


def lanes(desk: Desk, numbers: Sequence[int]) -> dict[int, str]:
    """Give the accounts within which jobs keep their order; none of those that keep none."""
    found = dict[int, str]()
    for start in range(0, len(numbers), _AT_ONCE):
        with desk.reading():
            found.update(desk.ask("lanes", jobs=as_json(numbers[start : start + _AT_ONCE])).fetchall())
    return found


def message_ids(desk: Desk, numbers: Sequence[int]) -> tuple[str, ...]:
    """Give the messageIds of jobs, in the order given."""
    with desk.reading():
        return tuple(name for (name,) in desk.ask("names", jobs=as_json(numbers)))
