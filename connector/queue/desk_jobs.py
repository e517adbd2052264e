"""Jobs chosen by state, reason, mapping, account and time: looked at, put back to be sent again, or dropped.

In: a desk and a choice. Out: rows without the event, or what was done with how many. What a retry sends is told where
the destination is known; here an event is only handed out.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec

from connector.queue import Cause, Job, State, new_job
from connector.queue.desk import Desk
from connector.queue.desk_life import FilteredLife, Try, names_of, problems_of, try_of

JobState: TypeAlias = Literal["waiting", "sending", "held", "delivered", "skipped", "invalid", "dead"]
_ENDLESS: Final = -1  # SQLite's way to say that there is no limit
_AT_ONCE: Final = 64  # events that are read at once: they may be large


class Choice(msgspec.Struct, frozen=True):
    """Which jobs are meant: those of all these properties. None, and no messageIds, is any.

    `reason` is a text within the reason or a problem, in any case; `since` and `until` are when the event was received.
    `limit` takes the oldest.
    """

    states: tuple[State, ...]
    message_ids: tuple[str, ...] = ()
    mapping: str | None = None
    account: str | None = None
    reason: str | None = None
    since: float | None = None
    until: float | None = None
    limit: int | None = None


class JobRow(msgspec.Struct, frozen=True):
    """A job without its event. `due` is as in JobLife; `tries` counts the attempts that are on record."""

    number: int
    message_id: str
    mapping: str
    state: JobState
    cause: Cause | None
    reason: str
    problems: tuple[str, ...]
    in_doubt: bool
    due: float
    blocked: bool
    received_at: float
    tries: int


class Stored(msgspec.Struct, frozen=True):
    """A job as a planner takes it, why it is where it is, and its last attempt that sent anything.

    `job` is None when its event was forgotten.
    """

    number: int
    message_id: str
    mapping: str
    state: JobState
    cause: Cause | None
    reason: str
    problems: tuple[str, ...]
    job: Job | None
    last: Try | None


def list_jobs(desk: Desk, choice: Choice) -> Iterator[JobRow]:
    """Give the chosen jobs, in the order in which they came; all of one moment of the store."""
    with desk.reading():
        for row in _found(desk, "listing", choice):
            yield _job_row(row)


def count_jobs(desk: Desk, choice: Choice) -> int:
    """Count the chosen jobs, whatever the limit."""
    with desk.reading():
        return sum(1 for _ in _found(desk, "numbers", msgspec.structs.replace(choice, limit=None)))


def job_numbers(desk: Desk, choice: Choice) -> list[int]:
    """Give the numbers of the chosen jobs, in the order in which they came."""
    with desk.reading():
        return [number for (number,) in _found(desk, "numbers", choice)]


def list_filtered(desk: Desk, choice: Choice) -> Iterator[FilteredLife]:
    """Give the events that were filtered; since nothing of theirs is kept, an account chooses none."""
    if choice.account is not None:
        return
    wanted, left = set(choice.message_ids), choice.limit
    values = {"mapping": choice.mapping, "since": choice.since, "until": choice.until, "reason": choice.reason}
    with desk.reading():
        for at, mapping, reason, detail, _, names in desk.ask("filtered_rows", message_id=None, **values):
            for name in names_of(names):
                if left == 0:
                    return
                if not wanted or name in wanted:
                    yield FilteredLife(name, at, mapping, reason, detail)
                    left = None if left is None else left - 1


def stored_jobs(desk: Desk, numbers: Sequence[int]) -> Iterator[Stored]:
    """Give jobs with their events, in the order given and some at a time; those that are gone by now are left out."""
    for start in range(0, len(numbers), _AT_ONCE):
        with desk.reading():
            rows = desk.ask("stored_jobs", jobs=as_json(numbers[start : start + _AT_ONCE])).fetchall()
        yield from map(_stored, rows)


def _stored(row: tuple[Any, ...]) -> Stored:
    number, mapping, state, cause, reason, problems, message_id, received_at, account, raw, *attempt = row
    job = None if raw is None else new_job(message_id, mapping, raw, received_at, account)
    last = None if attempt[0] is None else try_of(tuple(attempt))
    return Stored(number, message_id, mapping, state, cause, reason, problems_of(problems), job, last)


def as_json(numbers: Iterable[int]) -> str:
    """Print numbers for a statement that takes many."""
    return msgspec.json.encode(list(numbers)).decode()


def _found(desk: Desk, head: str, choice: Choice) -> Iterator[tuple[Any, ...]]:
    values = choice_values(choice)
    if not choice.message_ids:
        return desk.ask(f"{head} from_all chosen", **values)
    return desk.ask(f"{head} from_events chosen", events=chosen_events(desk, choice), **values)


def chosen_events(desk: Desk, choice: Choice) -> str:
    """Give the numbers of the events that a choice names."""
    return as_json(sorted({number for name in choice.message_ids for number in desk.events_called(name)}))


def choice_values(choice: Choice) -> dict[str, object]:
    """Give what the statements take that look for chosen jobs."""
    return {
        "after": -1,
        "states": msgspec.json.encode(choice.states).decode(),
        "mapping": choice.mapping,
        "account": choice.account,
        "reason": choice.reason,
        "since": choice.since,
        "until": choice.until,
        "limit": _ENDLESS if choice.limit is None else choice.limit,
    }


def _job_row(row: tuple[Any, ...]) -> JobRow:
    number, message_id, mapping, state, cause, reason, problems, in_doubt, due, blocked, received_at, tries = row
    found = problems_of(problems)
    return JobRow(
        number, message_id, mapping, state, cause, reason, found, bool(in_doubt), due, bool(blocked), received_at, tries
    )
