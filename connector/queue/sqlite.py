"""The durable queue: one SQLite file in a folder. What it has answered survives the process and a power cut.

It fills the Queue protocol; beside that it purges what is old, says how old the oldest job is, and takes another
ordering. The folder must be locked by its caller (folder.FolderLock): jobs that are `sending` when it opens belong to
a process that has ended, and can be claimed again at once, in doubt.
"""

import asyncio
import math
import os
import random
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, Self

from connector.errors import UsageError
from connector.queue import (
    NO_NOTE,
    WINDOW,
    Cause,
    Filtered,
    Full,
    Job,
    Known,
    Ledger,
    Note,
    Ordering,
    Receipt,
    Settled,
    Tally,
    add_up,
)
from connector.queue.checkpoints import Checkpoints
from connector.queue.disk import MIN_FREE, Disk
from connector.queue.hashes import GATHERED
from connector.queue.operations import Claim, Delay, End, HandBack, Hold, Operation, Put, Release
from connector.queue.purge import PurgeFiltered, PurgeJobs
from connector.queue.session import Session
from connector.queue.statements import SQL, key_hash
from connector.queue.store import FILE, connect, explain, explained, is_busy, is_corrupt, open_store
from connector.queue.writer import Writer
from connector.values import dump_json

CAPACITY: Final = 1_000_000
RETENTION: Final = 7 * 86_400.0  # seconds for which a finished job is kept
DEAD_RETENTION: Final = 30 * 86_400.0  # and a dead letter
_RELEASED_AT_ONCE: Final = 500  # held jobs in one transaction: a few ms
_ROOM_POLL: Final = 0.25  # seconds between two looks for room that another process, or the disk, may give
_BUSY_POLL: Final = 0.003
_SAMPLES: Final = 4  # events that are read now and then, to see whether the file is still what was written
_ENTER: Final = ("enter_lanes_ready", "enter_lanes_sending", "enter_lanes_held", "line_up")


async def open_sqlite(
    folder: str | os.PathLike[str],
    *,
    capacity: int = CAPACITY,
    window: float = WINDOW,
    retention: float = RETENTION,
    dead_retention: float = DEAD_RETENTION,
    ordering: Ordering = "none",
    min_free: int = MIN_FREE,
    gathered: int = GATHERED,
    step: Callable[[str], None] | None = None,
) -> "SqliteQueue":
    """Open the queue of a folder, which its caller has locked; make it, bring it up to date and recover if need be.

    `capacity` is how many jobs may wait. A key is not accepted twice within `window`; a finished job is kept for
    `retention`, a dead letter for `dead_retention` (seconds both, at least the window). Below `min_free` bytes of free
    disk nothing is accepted. `gathered`: see hashes. `step` is called with `put.written`, `put.committed` (before
    anybody is answered) and so on for `claim` and `settle`. Raises UsageError with the path and what to do.
    """
    file = Path(folder).absolute() / FILE
    database = open_store(folder)
    with explained(file):
        _recover(database, ordering)
        session = Session(database, capacity=capacity, window=window, ordering=ordering, gathered=gathered)
        session.hashes.make_up()
    keep = (max(retention, window), max(dead_retention, window))
    disk = Disk(folder, min_free, asyncio.get_running_loop().time)
    return SqliteQueue(session, file, disk, keep=keep, step=step)


class SqliteQueue:
    """Fills the Queue protocol from a SQLite file. For one event loop; made by `open_sqlite`."""

    def __init__(
        self,
        session: Session,
        file: Path,
        disk: Disk,
        *,
        keep: tuple[float, float],
        step: Callable[[str], None] | None,
    ) -> None:
        self._session, self._file, self._disk, self._keep = session, file, disk, keep
        self._reader = connect(file.parent, read_only=True)
        self._checkpoints = Checkpoints(connect(file.parent))
        self._writer = Writer(session, file, disk, self._checkpoints, after=self._committed, step=step)
        self._watchers: list[Callable[[], None]] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Write what was asked for, and close the file."""
        await self._writer.close()
        self._checkpoints.close()
        self._reader.close()
        self._session.database.close()

    @property
    def broken(self) -> UsageError | None:
        """Why the file cannot be used any more, which every method raises then; None when all is well."""
        return self._writer.broken

    @property
    def full(self) -> Full | None:
        """What a put would be refused for at this moment; None when it would be taken."""
        if not self._disk.has_room():
            return Full(self._session.books.waiting, self._session.capacity, "disk")
        if self._session.books.waiting >= self._session.capacity:
            return Full(self._session.books.waiting, self._session.capacity)
        return None

    @property
    def commits(self) -> int:
        """How many transactions were written since it was opened."""
        return self._writer.commits

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Accept jobs, or refuse all of them: `capacity` jobs are waiting, or the disk has too little room."""
        if self._writer.broken is None and not self._disk.has_room():
            return Full(self._session.books.waiting, self._session.capacity, "disk")
        receipt: Receipt | Full = await self._writer.do(Put(jobs, filtered, now))
        return receipt

    async def room(self) -> None:
        """Wait until fewer than `capacity` jobs are waiting and the disk has room."""
        while not self._has_room():
            self._changed.clear()
            try:
                async with asyncio.timeout(_ROOM_POLL):
                    await self._changed.wait()
            except TimeoutError:
                await self._writer.do(Operation())  # what another process has changed is seen by a transaction

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Take jobs whose lease ran out or whose time has come, then fresh ones; none while the disk is full."""
        if self._disk.failed and self._writer.broken is None:
            return []
        jobs: list[Job] = await self._writer.do(Claim(limit, now, lease))
        return jobs

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """End a claimed job, and write its attempt down."""
        return bool(await self._writer.do(End(job, state, now, note)))

    async def bury(self, job: Job, *, now: float, note: Note = NO_NOTE) -> bool:
        """End a claimed job as a dead letter, which can be sent again."""
        return bool(await self._writer.do(End(job, "dead", now, note)))

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:  # noqa: ARG002
        """Let a claimed job wait until `at`, and write its attempt down."""
        return bool(await self._writer.do(Delay(job, at, note)))

    async def hold(self, job: Job, cause: Cause, *, now: float, note: Note = NO_NOTE) -> bool:
        """Let a claimed job wait until it is released."""
        return bool(await self._writer.do(Hold(job, cause, now, note)))

    async def release(
        self, cause: Cause, *, now: float, limit: int | None = None, mappings: Collection[str] | None = None
    ) -> int:
        """Let held jobs wait again, the one that was held first in front.

        Many are released in several steps, so that nobody else waits long; each is done whole.
        """
        left, released = math.inf if limit is None else limit, 0
        while left > 0:
            asked = int(min(left, _RELEASED_AT_ONCE))
            count = await self._writer.do(Release(cause, now, asked, mappings))
            released, left = released + count, left - count
            if count < asked:
                break
        return released

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Put claimed jobs back to the front of the line."""
        await self._writer.do(HandBack(jobs))

    async def due(self) -> float | None:
        """Look at the front of each line; 0 stands for a fresh job."""
        lease = "next_free_lease" if self._session.ordering == "account" else "next_lease"
        times = [row[0] for name in (lease, "next_ready") for row in await self._read(name)]
        return min((time for time in times if time is not None), default=None)

    async def counts(self) -> Ledger:
        """Read the tallies; they are of all time, whatever was purged."""
        tallies: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for mapping, what, count in await self._read("tallies"):
            tallies[mapping][what] = count
        return add_up({mapping: Tally(**tally) for mapping, tally in sorted(tallies.items())})

    async def oldest(self) -> float | None:
        """Say when the oldest of the waiting jobs was accepted; of many that wait for a time, the next 1,000 count."""
        times = [row[0] for name in ("oldest_fresh", "oldest_later") for row in await self._read(name)]
        return min((time for time in times if time is not None), default=None)

    async def known(self, jobs: Sequence[Job]) -> dict[str, Known]:
        """Say, by its key, what became of each job that was accepted before, the last time it was."""
        hashes = [key_hash(job.message_id) for job in jobs]
        newest = self._session.hashes.find(hashes)
        keys = {(job.message_id, job.mapping): job.key for job in jobs}
        rows = await self._read("known_jobs", dump_json(hashes).decode(), dump_json(newest).decode())
        return {keys[row[:2]]: Known(*row[2:]) for row in rows if row[:2] in keys}

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` after every commit that left more to claim, and when another process has written."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)

    async def set_ordering(self, ordering: Ordering) -> None:
        """Keep the order of accounts from now on, or do not; nothing else is written meanwhile."""
        if ordering == self._session.ordering:
            return

        def change(database: sqlite3.Connection) -> None:
            _set_ordering(database, ordering)
            self._session.ordering = ordering

        await self._writer.do_alone(change)

    async def purge(self, now: float) -> int:
        """Forget finished jobs and filtered events whose retention is over, some at a time; say how many rows.

        It looks at some of the file before, and raises UsageError when that is not there or damaged.
        """
        self.look()
        await self._sample()
        keep, keep_dead = self._keep
        jobs, purged = PurgeJobs(0, now - keep, now - keep_dead), 0
        while True:
            purged += int(await self._writer.do(jobs))
            if jobs.last is None:
                break
            jobs = PurgeJobs(jobs.last, now - keep, now - keep_dead)
        while count := int(await self._writer.do(PurgeFiltered(now - keep))):
            purged += count
        return purged

    def look(self) -> None:
        """See whether the file is still where it was opened: some µs. Raises UsageError, as all else does from then."""
        if not self._writer.look() and self._writer.broken is not None:
            raise self._writer.broken

    # From here on: how it is done.

    async def _sample(self) -> None:
        """Read the last event and some others from the file, not from memory, which hides what happened to the file."""
        self._reader.execute("PRAGMA shrink_memory")
        last = self._session.next_event - 1
        for number in (last, *(random.randint(0, last) for _ in range(_SAMPLES))):
            await self._read("sample", str(number))

    def _has_room(self) -> bool:
        return self._session.books.waiting < self._session.capacity and self._disk.has_room()

    def _committed(self, has_more: bool) -> None:
        self._changed.set()
        if has_more:
            for wake in list(self._watchers):
                wake()

    async def _read(self, name: str, *values: str) -> list[tuple[Any, ...]]:
        """Ask the file what is committed, on a connection that no commit keeps waiting."""
        if self._writer.broken is not None:
            raise self._writer.broken
        while True:
            try:
                return self._reader.execute(SQL[name], values).fetchall()
            except sqlite3.Error as error:
                if is_corrupt(error) and self._writer.broken is None:
                    self._writer.fail(explain(error, self._file))
                if not is_busy(error):
                    raise explain(error, self._file) from None
            await asyncio.sleep(_BUSY_POLL)


def _recover(database: sqlite3.Connection, ordering: Ordering) -> None:
    """Let what a process that has ended was sending be claimed at once, and see to the ordering."""
    database.execute("BEGIN IMMEDIATE")
    database.execute(SQL["recover"])
    (kept,) = database.execute(SQL["ordering"]).fetchone()
    if kept != ordering:
        _set_ordering(database, ordering)
    database.execute("COMMIT")


def _set_ordering(database: sqlite3.Connection, ordering: Ordering) -> None:
    for name in _ENTER if ordering == "account" else ("leave_lanes",):
        database.execute(SQL[name])
    database.execute(SQL["set_ordering"], (ordering,))
