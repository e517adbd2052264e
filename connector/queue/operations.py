"""What can be done to the durable queue, each as an object: made, written with others in one transaction, and done.

An operation prepares what it can when it is made. `write` runs its statements in a transaction that somebody else has
begun, and may run again when that was given up; `done` is called after the commit. Neither waits for anything.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, ClassVar, Final

import msgspec

from connector.queue import Cause, Filtered, Full, Job, Note, Receipt, State
from connector.queue.records import (
    Cell,
    attempt_cells,
    attempt_id,
    filtered_cells,
    lost_cells,
    problem_cell,
)
from connector.queue.session import Claimed, Session
from connector.queue.statements import SQL, key_hash

PLACES: Final = 64  # jobs that an event's number leaves room for
_FIRST: Final = 1e-9  # a time to be due at; 0 is that of fresh jobs
_to_json = msgspec.json.Encoder().encode


class Operation:
    """One step. `rank` is its place among those of one transaction, `step` its name for whoever watches the steps."""

    rank: ClassVar[int] = 0
    step: ClassVar[str] = ""
    is_optional: ClassVar[bool] = False  # nothing is lost when it is not done
    result: Any = None

    def write(self, session: Session) -> None:
        """Run the statements, and set the result; by itself it only sees what other processes have changed."""

    def done(self, session: Session) -> None:
        """Note what was kept: nothing, for most."""

    def refuse(self, session: Session) -> None:
        """Set the result for a disk that is full, where the operation is optional."""


class Probe(Operation):
    """Writes what stands there already, to see whether there is room."""

    is_optional = True

    def write(self, session: Session) -> None:
        """Change nothing, which SQLite writes all the same."""
        session.database.execute(SQL["set_ordering"], (session.ordering,))


class Put(Operation):
    """Accepts jobs and counts filtered events; the result is a Receipt, or Full."""

    rank, step, is_optional = 1, "put", True

    def __init__(self, jobs: Sequence[Job], filtered: Sequence[Filtered], now: float) -> None:
        self._jobs, self._now = jobs, now
        self._hashes = [key_hash(job.message_id) for job in jobs]
        self._filtered = filtered_cells(filtered) if filtered else []

    def write(self, session: Session) -> None:
        """Look the keys up, and insert what is new; nothing when no more jobs may wait."""
        if self._jobs and session.books.waiting >= session.capacity:
            self.result = Full(session.books.waiting, session.capacity)
            return
        duplicates = self._insert(session) if self._jobs else []
        for mapping, count, reason, detail, ids in self._filtered:
            number = session.books.mapping(mapping)
            session.database.execute(SQL["put_filtered"], (self._now, number, count, reason, detail, ids))
            session.books.add(number, "accepted", count)
            session.books.add(number, "filtered", count)
        self.result = Receipt(len(self._jobs) - len(duplicates), tuple(duplicates))
        session.has_more = session.has_more or self.result.accepted > 0

    def refuse(self, session: Session) -> None:
        """Accept nothing: the sender still has it."""
        self.result = Full(session.books.waiting, session.capacity, "disk")

    def _insert(self, session: Session) -> list[str]:
        known = self._look_up(session)
        duplicates: list[str] = []
        events: list[tuple[Cell, ...]] = []
        hashes: list[tuple[int, int]] = []
        rows: list[tuple[Cell, ...]] = []
        before: Job | None = None
        for job, hashed in zip(self._jobs, self._hashes, strict=True):
            if job.key in known:
                duplicates.append(job.key)
                continue
            known.add(job.key)
            mapping = session.books.mapping(job.mapping)
            if before is None or not _is_same_event(job, before) or rows[-1][0] == session.next_event * PLACES - 1:
                events.append(
                    (session.next_event, hashed, self._now, job.accepted_at, job.message_id, job.account, job.raw)
                )
                hashes.append((hashed, session.next_event))
                number = session.next_event * PLACES
                session.next_event += 1
            else:
                number += 1
            rows.append((number, mapping, session.lane(job)))
            session.books.add(mapping, "accepted")
            session.books.add(mapping, "waiting")
            before = job
        session.database.executemany(SQL["put_event"], events)
        session.hashes.add(hashes)
        if session.ordering == "account":
            session.database.executemany(SQL["put_job_in_lane"], rows)
        else:
            session.database.executemany(SQL["put_job"], [row[:2] for row in rows])
        return duplicates

    def _look_up(self, session: Session) -> set[str]:
        """Give the keys that were accepted within the window, or are not finished."""
        known: set[str] = set()
        numbers = session.hashes.find(self._hashes)
        found = session.database.execute(SQL["hashed_events"], (_to_json(self._hashes).decode(),))
        numbers.extend(number for (number,) in found)
        if not numbers:
            return known
        asked = {job.message_id for job in self._jobs}
        events = session.database.execute(SQL["known_events"], (_to_json(numbers).decode(),)).fetchall()
        for event, put_at, message_id in events:
            if message_id in asked:  # or else two of them have the same hash
                is_recent = put_at > self._now - session.window
                for mapping, is_unfinished in session.database.execute(SQL["jobs_of_event"], (event,)):
                    if is_recent or is_unfinished:
                        known.add(_key(session.books.names[mapping], message_id))
        return known


def _is_same_event(job: Job, before: Job) -> bool:
    return (
        job.message_id == before.message_id
        and job.raw == before.raw
        and job.account == before.account
        and job.accepted_at == before.accepted_at
    )


def _key(mapping: str, message_id: str) -> str:
    return f"{len(mapping)}:{mapping}:{message_id}"


class Claim(Operation):
    """Takes jobs to send; the result is a list of them."""

    rank, step, is_optional = 2, "claim", True

    def __init__(self, limit: int, now: float, lease: float) -> None:
        self.limit, self._now, self._lease = limit, now, lease
        self._claims: list[tuple[str, Claimed]] = []

    def write(self, session: Session) -> None:
        """Take expired leases first, then what is due, then what is fresh, each in its order."""
        self.result, self._claims = [], []
        if session.may_have_expired(self._now):
            self._take_expired(session)
        if session.may_be_due(self._now):
            self._take_due(session)
        until = self._now + self._lease
        for row in session.take_fresh(self.limit - len(self.result)):
            session.later("lease", (until, self._now, 0, row[0]))
            self._add(session, row, 0)
        if self._claims:
            session.lease_ends(until)

    def _take_expired(self, session: Session) -> None:
        """Take jobs whose lease ran out; of their attempts nothing will be known but that they may have landed."""
        rows = self._take(session, "expired", doubt=1)
        lost = [(attempt_id(row[0], row[4]), *lost_cells(row[10] or 0.0)) for row in rows]
        session.database.executemany(SQL["attempt_if_none"], lost)
        session.look_again("next_lease")

    def _take_due(self, session: Session) -> None:
        self._take(session, "due", doubt=0)
        session.look_again("next_retry")

    def _take(self, session: Session, line: str, *, doubt: int) -> list[tuple[Any, ...]]:
        limit = max(0, self.limit - len(self.result))
        rows = session.database.execute(SQL[line], (self._now, limit)).fetchall()
        until = self._now + self._lease
        session.database.executemany(SQL["lease"], [(until, self._now, doubt, row[0]) for row in rows])
        for row in rows:
            self._add(session, row, doubt)
        return rows

    def _add(self, session: Session, row: tuple[Any, ...], doubt: int) -> None:
        number, mapping, attempts, first_at, claim, in_doubt, message_id, account, received_at, raw = row[:10]
        name = session.books.names[mapping]
        key = _key(name, message_id)
        first_at = self._now if first_at is None else first_at
        has_doubt = bool(in_doubt or doubt)
        raw = b"" if raw is None else raw
        job = Job(key, message_id, name, raw, received_at, attempts + 1, has_doubt, first_at, claim + 1, account)
        self.result.append(job)
        self._claims.append((key, Claimed(number, claim + 1, mapping)))
        if doubt:
            session.books.add(mapping, "in_doubt")
        else:
            session.books.move(mapping, "waiting", "sending")

    def done(self, session: Session) -> None:
        """Know the claims, until they are given back."""
        session.claimed.update(self._claims)

    def refuse(self, session: Session) -> None:  # noqa: ARG002
        """Claim nothing: it could not be written down that it is being sent."""
        self.result = []


class Give(Operation):
    """What is common to giving a claimed job back; the result says whether the claim was still good."""

    def __init__(self, job: Job, note: Note) -> None:
        self._job, self._doubt, self._reason = job, int(note.in_doubt), note.reason
        self._problems = problem_cell(note.problems)
        self._attempt = attempt_cells(note.attempt) if note.attempt is not None else None

    def write(self, session: Session) -> None:
        """Move the job and write down its attempt, if this claim of it is the last."""
        held = session.claimed.get(self._job.key)
        self.result = held is not None and held.claim == self._job.claim and self._give(session, held)

    def _give(self, session: Session, held: Claimed) -> bool:
        if not self._move(session, (self._doubt, self._reason, self._problems, held.id, held.claim), held):
            return False  # another process has taken it away
        if self._doubt:
            session.books.add(held.mapping, "in_doubt")
        if self._attempt is not None:
            session.later("attempt", (attempt_id(held.id, held.claim), *self._attempt))
        return True

    def _move(self, session: Session, cells: tuple[Cell, ...], held: Claimed) -> bool:
        raise NotImplementedError

    def done(self, session: Session) -> None:
        """Forget the claim."""
        held = session.claimed.get(self._job.key)
        if held is not None and held.claim == self._job.claim:
            del session.claimed[self._job.key]


class End(Give):
    """Ends a claimed job as delivered, skipped, invalid or dead."""

    step = "settle"

    def __init__(self, job: Job, state: State, now: float, note: Note) -> None:
        super().__init__(job, note)
        self._state, self._now = state, now

    def _move(self, session: Session, cells: tuple[Cell, ...], held: Claimed) -> bool:
        if not session.database.execute(SQL["end"], (self._state, self._now, *cells)).rowcount:
            return False
        session.books.move(held.mapping, "sending", self._state)
        lane = session.lane(self._job)
        if lane is not None and session.database.execute(SQL["unblock"], (lane,)).rowcount:
            session.has_more = True
            session.retry_is_due(0.0)  # it may be any job of the lane
        return True


class Delay(Give):
    """Lets a claimed job wait until a time."""

    step = "settle"

    def __init__(self, job: Job, at: float, note: Note) -> None:
        super().__init__(job, note)
        self._at = max(at, _FIRST)

    def _move(self, session: Session, cells: tuple[Cell, ...], held: Claimed) -> bool:
        if not session.database.execute(SQL["retry"], (self._at, session.next_turn(), *cells)).rowcount:
            return False
        session.books.move(held.mapping, "sending", "waiting")
        session.retry_is_due(self._at)
        session.has_more = True
        _line_up(session, self._job, held.id)
        return True


class Hold(Give):
    """Lets a claimed job wait until it is released."""

    step = "settle"

    def __init__(self, job: Job, cause: Cause, now: float, note: Note) -> None:
        super().__init__(job, note)
        self._cause, self._now = cause, now

    def _move(self, session: Session, cells: tuple[Cell, ...], held: Claimed) -> bool:
        row = (self._now, session.next_turn(), *cells, self._cause)
        if not session.database.execute(SQL["hold"], row).rowcount:
            return False
        session.books.move(held.mapping, "sending", "held")
        return True


class HandBack(Operation):
    """Puts claimed jobs that were not tried back to the front of the line."""

    step = "settle"

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = list(jobs)
        self._given: list[str] = []

    def write(self, session: Session) -> None:
        """Put the last one back first, so that the first one stands in front of it."""
        self._given = []
        for job in reversed(self._jobs):
            held = session.claimed.get(job.key)
            if held is None or held.claim != job.claim:
                continue
            if session.database.execute(SQL["hand_back"], (session.front - 1, held.id, held.claim)).rowcount:
                session.front -= 1
                session.books.move(held.mapping, "sending", "waiting")
                session.has_more = True
                self._given.append(job.key)
                _line_up(session, job, held.id)

    def done(self, session: Session) -> None:
        """Forget the claims."""
        for key in self._given:
            session.claimed.pop(key, None)


class Release(Operation):
    """Lets some held jobs wait again, the oldest first; the result is how many."""

    def __init__(self, cause: Cause, now: float, limit: int, mappings: Collection[str] | None) -> None:
        self._cause, self._now, self._limit = cause, max(now, _FIRST), limit
        self._mappings = None if mappings is None else _to_json(sorted(mappings)).decode()

    def write(self, session: Session) -> None:
        """Find them and move them."""
        if self._mappings is None:
            rows = session.database.execute(SQL["held"], (self._cause, self._limit)).fetchall()
        else:
            rows = session.database.execute(SQL["held_of"], (self._cause, self._mappings, self._limit)).fetchall()
        ends_doubt = int(self._cause == "in_doubt")
        moves = [(self._now, session.next_turn(), ends_doubt, number) for number, _ in rows]
        session.database.executemany(SQL["release"], moves)
        if session.ordering == "account":
            session.database.executemany(SQL["block"], [(number,) for number, _ in rows])
        for _, mapping in rows:
            session.books.move(mapping, "held", "waiting")
        if rows:
            session.retry_is_due(self._now)
            session.has_more = True
        self.result = len(rows)


def _line_up(session: Session, job: Job, number: int) -> None:
    """Let a job that waits again stand behind an earlier one of its account: there is one when the order is new."""
    if session.lane(job) is not None:
        session.database.execute(SQL["block"], (number,))
