"""Jobs moved by hand: put back to be sent again, or ended; each with its counters and its place in its account's line.

In: numbers of jobs, and the time. Out: how many were moved, by the state they were in, and why others were left. What
changed between the choice and the move is looked at again: a job that a server has claimed meanwhile is left to it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import Any, Final, Literal, TypeAlias

import msgspec

from connector.queue import State
from connector.queue.books import Books
from connector.queue.desk import Desk
from connector.queue.records import attempt_id, lost_cells
from connector.queue.statements import SQL

DROPPED: Final = "dropped by hand"
Left: TypeAlias = Literal["changed", "in_flight", "forgotten"]
"""Why a job was left: it is in another state by now, a server is sending it, its event was erased."""


class Moved(msgspec.Struct, frozen=True):
    """How many jobs were moved, by the state they were in, and how many were left; `numbers` are those put back."""

    moved: Counter[State]
    left: Counter[Left]
    numbers: tuple[int, ...] = ()


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where a job is before it is moved."""

    number: int
    state: State
    mapping: int
    cause: str | None
    due: float
    lane: str | None
    claim: int
    claimed_at: float | None
    is_forgotten: bool


def put_back(desk: Desk, numbers: Sequence[int], states: Collection[str], *, now: float) -> Iterator[Moved]:
    """Let jobs in these states wait again with a new series of attempts, some at a time.

    What was held in doubt is in doubt no more; another doubt stays.
    """
    with desk.reading():
        turns = count(desk.first(SQL["last_turn"]) + 1)  # a server may give the same ones: no harm, due comes first

    def change(some: Sequence[int]) -> Moved:
        moved, left, books, back = Counter[State](), Counter[Left](), desk.books(), list[int]()
        for number in some:
            job = standing(desk, number)
            if job is None or job.state not in states or job.is_forgotten:
                left["forgotten" if job is not None and job.is_forgotten else "changed"] += 1
                continue
            _rejoin(desk, job, turn=next(turns), now=now)
            books.move(job.mapping, job.state, "waiting")
            moved[job.state] += 1
            back.append(number)
        books.write()
        return Moved(moved, left, tuple(back))

    return desk.in_slices(numbers, change)


def _rejoin(desk: Desk, job: Standing, *, turn: int, now: float) -> None:
    desk.run(SQL["release"], now, turn, job.cause == "in_doubt", job.number)
    (lane,) = desk.ask("rejoin", job=job.number).fetchone()
    desk.run(SQL["block"], job.number)
    if lane is not None:
        desk.ask("block_later", lane=lane, job=job.number)


def drop(desk: Desk, numbers: Sequence[int], states: Collection[str], *, now: float) -> Iterator[Moved]:
    """End jobs in these states as skipped, some at a time; what a server is sending is left to it."""

    def change(some: Sequence[int]) -> Moved:
        moved, left, books = Counter[State](), Counter[Left](), desk.books()
        for number in some:
            job = standing(desk, number)
            if job is None or job.state not in states:
                left["changed"] += 1
            elif is_in_flight(job.state, job.due, now):
                left["in_flight"] += 1
            else:
                end(desk, job, DROPPED, books, now=now)
                moved[job.state] += 1
        books.write()
        return Moved(moved, left)

    return desk.in_slices(numbers, change)


def is_in_flight(state: str, due: float, now: float) -> bool:
    """Whether a server is sending a job; one whose lease ran out is nobody's."""
    return state == "sending" and due > now


def standing(desk: Desk, number: int) -> Standing | None:
    """Look where a job is; None when it is gone."""
    row = desk.ask("standing", job=number).fetchone()
    return None if row is None else _standing(number, row)


def _standing(number: int, row: tuple[Any, ...]) -> Standing:
    state, mapping, cause, due, lane, claim, claimed_at, forgotten = row
    return Standing(number, state, mapping, cause, due, lane, claim, claimed_at, bool(forgotten))


def end(desk: Desk, job: Standing, reason: str, books: Books, *, now: float) -> None:
    """End a job as skipped, within a transaction, and tell the ledger.

    One that was being sent when its process died goes on record as in doubt.
    """
    lost = job.state == "sending"
    if lost:
        at = job.due if job.claimed_at is None else job.claimed_at
        desk.run(SQL["attempt"], attempt_id(job.number, job.claim), *lost_cells(at))
        books.add(job.mapping, "in_doubt")
    desk.ask("end_by_hand", job=job.number, now=now, reason=reason, lost=lost)
    if job.lane is not None:
        desk.run(SQL["unblock"], job.lane)
    books.move(job.mapping, job.state, "skipped")


def count_waiting(desk: Desk) -> int:
    """Say how many jobs wait now, as the ledger has it."""
    with desk.reading():
        return desk.first(SQL["waiting"])


def total(parts: Iterator[Moved]) -> Moved:
    """Add up the slices."""
    moved, left, numbers = Counter[State](), Counter[Left](), list[int]()
    for part in parts:
        moved.update(part.moved)
        left.update(part.left)
        numbers += part.numbers
    return Moved(moved, left, tuple(numbers))
