"""Forgets finished jobs whose retention is over, some at a time: their attempts, their events, filtered ones too.

The tallies stay: they count what is purged. A job that is not finished is never forgotten.
"""

from typing import Any, Final

from connector.queue.operations import PLACES, Operation
from connector.queue.session import Session
from connector.queue.statements import SQL

SLICE: Final = 100  # rows that are looked at in one transaction: a few ms at most
_UNFINISHED: Final = frozenset({"waiting", "sending", "held"})


class PurgeJobs(Operation):
    """Forgets finished jobs after job number `after`: those that ended before `until`, dead ones before `dead_until`.

    The result is how many were forgotten; `last` is the number of the last that was looked at, None when all were.
    """

    rank, is_optional = 3, True

    def __init__(self, after: int, until: float, dead_until: float) -> None:
        self._after, self._until, self._dead_until = after, until, dead_until
        self.last: int | None = None

    def write(self, session: Session) -> None:
        """Look at the next jobs and delete what is old; stop at the first job that is younger than any that ended."""
        session.catch_up()  # a job that ends in this transaction may be old: its attempt goes with it
        rows = session.database.execute(SQL["old_jobs"], (self._after, SLICE)).fetchall()
        newest = max(self._until, self._dead_until)
        is_last = len(rows) < SLICE or rows[-1][5] > newest
        self.last = None if is_last else rows[-1][0]
        old = [row for row in rows if self._is_old(row)]
        numbers = [(row[0],) for row in old]
        session.database.executemany(SQL["forget_attempts"], numbers)
        session.database.executemany(SQL["forget_job"], numbers)
        events = {row[0] // PLACES: row[6] for row in old}
        session.hashes.remove([(hashed, event) for event, hashed in events.items() if _forget_event(session, event)])
        for _, mapping, state, _, doubts, *_ in old:
            session.books.purge(mapping, "accepted")
            session.books.purge(mapping, state)
            session.books.purge(mapping, "in_doubt", doubts)
        self.result = len(old)

    def refuse(self, session: Session) -> None:  # noqa: ARG002
        """Forget nothing: that too takes room, for a moment."""
        self.result, self.last = 0, None

    def _is_old(self, row: tuple[Any, ...]) -> bool:
        _, _, state, ended, *_ = row
        return state not in _UNFINISHED and ended <= (self._dead_until if state == "dead" else self._until)


def _forget_event(session: Session, event: int) -> bool:
    """Delete an event if none of its jobs is left; say whether it was."""
    return session.database.execute(SQL["forget_event"], (event,)).rowcount > 0


class PurgeFiltered(Operation):
    """Forgets what was filtered before `until`; the result is how many rows are gone, at most a slice."""

    rank, is_optional = 3, True

    def __init__(self, until: float) -> None:
        self._until = until

    def write(self, session: Session) -> None:
        """Delete the oldest rows."""
        rows = session.database.execute(SQL["old_filtered"], (SLICE,)).fetchall()
        old = [row for row in rows if row[3] <= self._until]
        session.database.executemany(SQL["forget_filtered"], [(row[0],) for row in old])
        for _, mapping, count, _ in old:
            session.books.purge(mapping, "accepted", count)
            session.books.purge(mapping, "filtered", count)
        self.result = len(old)

    def refuse(self, session: Session) -> None:  # noqa: ARG002
        """Forget nothing: that too takes room, for a moment."""
        self.result = 0
