"""What the one writing connection of a durable queue knows between its transactions: its books, its claims, its turns.

It holds nothing that the file does not say, or that may not be lost: when a transaction is given up, or another process
has written, it is read again.
"""

import math
import sqlite3
from collections import defaultdict, deque
from typing import Any, TypeAlias

import msgspec

from connector.queue import Job, Ordering
from connector.queue.books import Books
from connector.queue.hashes import GATHERED, Hashes
from connector.queue.statements import SQL

Row: TypeAlias = tuple[Any, ...]


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A job that this process is sending: its number, which claim of it, and its mapping's number."""

    id: int
    claim: int
    mapping: int


class Session:
    """One connection at work. `claimed` are the jobs being sent, by key; only a commit changes it.

    `next_event` numbers the next event, `front` the turn of the last job that was put in front of the fresh ones.
    """

    def __init__(
        self,
        database: sqlite3.Connection,
        *,
        capacity: int,
        window: float,
        ordering: Ordering,
        gathered: int = GATHERED,
    ) -> None:
        self.database, self.capacity, self.window, self.ordering = database, capacity, window, ordering
        self.books = Books(database)
        self.hashes = Hashes(database, gathered=gathered)
        self.claimed: dict[str, Claimed] = {}
        self.has_more = False  # to claim than before the open transaction
        self.wanted = 0  # fresh jobs that the claims of the open transaction still ask for, together
        self._fresh: deque[Row] = deque()
        self._later: defaultdict[str, list[Row]] = defaultdict(list)
        self.next_event = 0
        self.front = self.number("first_turn")
        self._last_turn = self.number("last_turn")
        self._soonest_end = -math.inf  # no lease ends before it
        self._soonest_retry = -math.inf  # and nothing is to be retried before this
        self._version = -1
        self.read()

    def number(self, name: str) -> int:
        """Run a statement that gives one number."""
        (found,) = self.database.execute(SQL[name]).fetchone()
        return int(found)

    def read(self) -> None:
        """Read again what another process may have changed, or what was not kept."""
        self.books.read()
        self.hashes.read()
        self.next_event = self.number("last_event") + 1
        self._soonest_end = self._soonest_retry = -math.inf
        self._version = self.number("foreign_change")
        self.has_more = False

    def begin(self, wanted: int = 0) -> None:
        """See whether another process has written since the last transaction; it may have given us more to claim.

        `wanted` is how many jobs all claims of this transaction ask for: they are looked for once.
        """
        self.has_more, self.wanted = False, wanted
        self._fresh.clear()
        self._later.clear()
        if self.number("foreign_change") != self._version:
            self.read()
            self.has_more = True

    def later(self, name: str, row: Row) -> None:
        """Run a statement at the end of the transaction, with all rows that there are for it by then."""
        self._later[name].append(row)

    def end(self) -> None:
        """Run what was left for the end, and write the books and some hashes."""
        self.catch_up()
        self.hashes.write()
        self.books.write()

    def committed(self) -> None:
        """Note that the transaction is in the file."""
        self.hashes.committed(self.next_event - 1)

    def catch_up(self) -> None:
        """Run what was left for the end now: what follows builds on it."""
        for name, rows in self._later.items():
            self.database.executemany(SQL[name], rows)
        self._later.clear()

    def take_fresh(self, limit: int) -> list[Row]:
        """Give fresh jobs, in their order; nothing may become fresh, or end to be, while the transaction claims."""
        if not self._fresh and self.wanted > 0:
            self._fresh.extend(self.database.execute(SQL["fresh"], (max(self.wanted, limit),)))
        self.wanted = 0
        return [self._fresh.popleft() for _ in range(min(limit, len(self._fresh)))]

    def lane(self, job: Job) -> str | None:
        """Say in which line a job waits, when accounts are kept in order."""
        return job.account or None if self.ordering == "account" else None

    def next_turn(self) -> int:
        """Number a job that waits for its time, or is held."""
        self._last_turn += 1
        return self._last_turn

    # So that most claims need not look at leases and retries at all.

    def may_have_expired(self, now: float) -> bool:
        """Whether a lease may have run out by now."""
        return now >= self._soonest_end

    def may_be_due(self, now: float) -> bool:
        """Whether the time of a retry may have come."""
        return now >= self._soonest_retry

    def look_again(self, name: str) -> None:
        """Find out when the next lease ends (`next_lease`) or the next retry is due (`next_retry`)."""
        (soonest,) = self.database.execute(SQL[name]).fetchone()
        soonest = math.inf if soonest is None else soonest
        if name == "next_lease":
            self._soonest_end = soonest
        else:
            self._soonest_retry = soonest

    def lease_ends(self, at: float) -> None:
        """Note that a lease ends at a time."""
        self._soonest_end = min(self._soonest_end, at)

    def retry_is_due(self, at: float) -> None:
        """Note that a job is to be claimed again at a time."""
        self._soonest_retry = min(self._soonest_retry, at)
