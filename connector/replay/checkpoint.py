"""A file that remembers what a replay has delivered, so that the next run goes on without sending it again.

A job is noted before its request leaves and again when it has been delivered. What was only noted when the process died
may have landed: the next run takes it as in doubt. It survives the process, not a power cut of the last moments.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias

from connector.errors import UsageError
from connector.queue import NO_NOTE, Cause, Job, Note, Ordering, Settled
from connector.queue.memory import CAPACITY, MemoryQueue

Known: TypeAlias = Literal["delivered_before", "delivered", "in_doubt"]
"""An earlier run delivered a job, this one did, or an earlier run ended before its answer came."""

_MARK: Final = 0x52757074  # "Rupt": SQLite's application_id, by which the file is known as ours
_SENDING, _DELIVERED = 0, 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY, address TEXT NOT NULL, client TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (key BLOB PRIMARY KEY, state INTEGER NOT NULL, run INTEGER NOT NULL) WITHOUT ROWID;
"""
_WORDS: Final = {
    sqlite3.SQLITE_BUSY: "another replay is using it; wait until that ends, or name another file",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; is there such a folder, and may you write in it?",
    sqlite3.SQLITE_NOTADB: "this file is not a checkpoint; name another file",
    sqlite3.SQLITE_READONLY: "it cannot be written",
    sqlite3.SQLITE_FULL: "it cannot be written: the disk is full",
}


class Checkpoint:
    """The keys of jobs by state, in one SQLite file; to be used as a context.

    `address` is where requests go and `client_id` who sends them: what a stand-in was sent does not count as delivered
    to Rupt. Everything raises UsageError when the file cannot be used.
    """

    def __init__(self, path: str, *, address: str, client_id: str) -> None:
        self._path = path
        with self._errors():
            # An absolute path, since SQLite takes `:memory:` and the like for something else than files.
            self._file = sqlite3.connect(Path(path).absolute(), timeout=0.0, isolation_level=None)
        try:
            with self._errors():
                self._open()
                self._run = self._begin_run(address, hashlib.blake2b(client_id.encode(), digest_size=8).hexdigest())
        except UsageError:
            self._file.close()
            raise

    def _open(self) -> None:
        """Refuse a file of somebody else's, and a second replay over the same file."""
        (mark,) = self._file.execute("PRAGMA application_id").fetchone()
        if mark not in (0, _MARK) or (mark == 0 and os.path.getsize(self._path)):
            raise UsageError(f"--checkpoint {self._path}: {_WORDS[sqlite3.SQLITE_NOTADB]}")
        for setting in ("locking_mode=EXCLUSIVE", f"application_id={_MARK}", "journal_mode=WAL", "synchronous=NORMAL"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.executescript(_SCHEMA)

    def _begin_run(self, address: str, client: str) -> int:
        last = self._file.execute("SELECT address, client FROM runs ORDER BY run DESC LIMIT 1").fetchone()
        if last not in (None, (address, client)) and self._file.execute("SELECT 1 FROM jobs LIMIT 1").fetchone():
            other = f"to {last[0]}" if last[0] != address else "with another client id"
            raise UsageError(f"--checkpoint {self._path}: it belongs to a replay {other}; name another file")
        run = self._file.execute("INSERT INTO runs (address, client) VALUES (?, ?)", (address, client)).lastrowid
        assert run is not None
        return run

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            words = _WORDS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error))
            raise UsageError(f"--checkpoint {self._path}: {words}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def look_up(self, keys: Iterable[str]) -> dict[str, Known]:
        """Look keys up; those of which nothing is known, and those that this run is sending, are not there."""
        known: dict[str, Known] = {}
        with self._errors():
            for key in keys:
                found = self._file.execute("SELECT state, run FROM jobs WHERE key = ?", (_blob(key),)).fetchone()
                if found == (_DELIVERED, self._run):
                    known[key] = "delivered"
                elif found is not None and found[1] != self._run:
                    known[key] = "delivered_before" if found[0] == _DELIVERED else "in_doubt"
        return known

    def begin(self, keys: Sequence[str]) -> None:
        """Note that requests are about to leave; what an earlier run left in doubt stays so."""
        with self._errors():
            self._file.execute("BEGIN")
            rows = [(_blob(key), _SENDING, self._run) for key in keys]
            self._file.executemany("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?)", rows)
            self._file.execute("COMMIT")

    def finish(self, key: str) -> None:
        """Note that a job was delivered."""
        with self._errors():
            self._file.execute("REPLACE INTO jobs VALUES (?, ?, ?)", (_blob(key), _DELIVERED, self._run))

    def forget(self, key: str) -> None:
        """Note that a job was surely not delivered in this run."""
        with self._errors():
            row = (_blob(key), _SENDING, self._run)
            self._file.execute("DELETE FROM jobs WHERE key = ? AND state = ? AND run = ?", row)


def _blob(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")  # a text column would refuse what JSON lets a messageId be


class CheckpointedQueue(MemoryQueue):
    """A queue in memory that notes in a checkpoint what is sent and delivered."""

    def __init__(self, checkpoint: Checkpoint, *, capacity: int = CAPACITY, ordering: Ordering = "none") -> None:
        super().__init__(capacity=capacity, ordering=ordering)
        self._checkpoint = checkpoint

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim jobs, and note them before anything is sent."""
        jobs = await super().claim(limit, now=now, lease=lease)
        if jobs:
            self._checkpoint.begin([job.key for job in jobs])
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
        """Forget that a job was sent, but not when one of its attempts may have landed."""
        if not (job.in_doubt or note.in_doubt):
            self._checkpoint.forget(job.key)
