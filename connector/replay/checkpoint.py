"""A file that remembers what a replay has delivered, so that the next run goes on without sending it again.

A job is noted before its request leaves and again when it has been delivered. What was only noted when the process died
may have landed: the next run takes it as in doubt. It survives the process, not a power cut of the last moments.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Self

from connector.errors import UsageError
from connector.queue import NO_NOTE, Cause, Job, Note, Settled
from connector.queue.memory import MemoryQueue

_MARK: Final = 0x52757074  # "Rupt": SQLite's application_id, by which the file is known as ours
_SENDING, _DELIVERED = 0, 1
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS jobs (key TEXT PRIMARY KEY, state INTEGER NOT NULL) WITHOUT ROWID"


class Checkpoint:
    """The keys of jobs by state, in one SQLite file; to be used as a context."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._file = sqlite3.connect(path, isolation_level=None)
            self._check()
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise UsageError(f"--checkpoint {path}: {error}; name another file") from None

    def _check(self) -> None:
        """Refuse a file of somebody else's, and a second replay over the same file."""
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        if mark not in (0, _MARK) or (mark == 0 and Path(self._path).stat().st_size):
            raise UsageError(f"--checkpoint {self._path}: this file is not a checkpoint; name another file")
        self._file.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._file.execute(f"PRAGMA application_id={_MARK}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def states(self, keys: Sequence[str]) -> dict[str, bool]:
        """Look keys up: True when delivered, False when in doubt; the others are not there."""
        marks = ",".join("?" * len(keys))
        rows = self._file.execute(f"SELECT key, state FROM jobs WHERE key IN ({marks})", list(keys))
        return {key: state == _DELIVERED for key, state in rows}

    def begin(self, keys: Iterable[str]) -> None:
        """Note that requests are about to leave."""
        self._file.executemany("INSERT OR IGNORE INTO jobs VALUES (?, ?)", [(key, _SENDING) for key in keys])

    def finish(self, key: str) -> None:
        """Note that a job was delivered."""
        self._file.execute("UPDATE jobs SET state = ? WHERE key = ?", (_DELIVERED, key))

    def forget(self, keys: Iterable[str]) -> None:
        """Note that jobs were surely not delivered."""
        self._file.executemany("DELETE FROM jobs WHERE key = ? AND state = ?", [(key, _SENDING) for key in keys])


class CheckpointedQueue(MemoryQueue):
    """A queue in memory that notes in a checkpoint what is sent and delivered."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self._checkpoint = checkpoint

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim jobs, and note them before anything is sent."""
        jobs = await super().claim(limit, now=now, lease=lease)
        if jobs:
            self._checkpoint.begin(job.key for job in jobs)
        return jobs

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """Settle a job; what was delivered is never sent again."""
        done = await super().settle(job, state, now=now, note=note)
        if state == "delivered":
            self._checkpoint.finish(job.key)
        else:
            self._clear(job, note)
        return done

    async def bury(self, job: Job, *, now: float, note: Note = NO_NOTE) -> bool:
        """Bury a job; the next run tries it again."""
        self._clear(job, note)
        return await super().bury(job, now=now, note=note)

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:
        """Let a job wait; if the process ends before its time, the next run sends it."""
        self._clear(job, note)
        return await super().retry(job, at=at, now=now, note=note)

    async def hold(self, job: Job, cause: Cause, *, now: float, note: Note = NO_NOTE) -> bool:
        """Hold a job; the next run tries it again."""
        self._clear(job, note)
        return await super().hold(job, cause, now=now, note=note)

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Give back jobs that were not tried."""
        given = list(jobs)
        for job in given:
            self._clear(job, NO_NOTE)
        await super().hand_back(given)

    def _clear(self, job: Job, note: Note) -> None:
        if not (job.in_doubt or note.in_doubt):
            self._checkpoint.forget([job.key])
