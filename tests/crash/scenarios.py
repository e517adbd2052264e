"""What victims do until they are killed. Each is given a folder and says, word by word, what it was told is safe."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

from connector.queue import Attempt, Filtered, Job, Note, Ordering, Queue, Receipt, new_job
from connector.queue.folder import FolderLock
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.rupt import ATTACH_PATH, Request, Response
from tests.crash.promises import FORGOTTEN, say_moved, say_put

Say: TypeAlias = Callable[[str], object]

_PUTTERS: Final = 3
_PUTS: Final = 15  # of each
_WORKERS: Final = 2
_CLAIMS: Final = 25  # of each
_LONG_AGO: Final = 10 * 86_400.0  # seconds: longer than finished jobs are kept
_ANSWER: Final = Response(503, {}, b"unavailable")
_REQUEST: Final = Request("POST", ATTACH_PATH, {"user": "user-1"})


def insert_rows(folder: Path, say: Say, *, synchronous: str, rows: int) -> None:
    """Insert rows into a table of SQLite, a transaction each, and say each once it is committed."""
    with sqlite3.connect(folder / "rows.db", isolation_level=None) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute(f"PRAGMA synchronous={synchronous}")
        database.execute("PRAGMA wal_autocheckpoint=8")
        database.execute("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, text TEXT)")
        for _ in range(rows):
            database.execute("INSERT INTO rows (text) VALUES (?)", ["row " * 50])
            say(str(database.execute("SELECT max(number) FROM rows").fetchone()[0]))


def replace_file(folder: Path, say: Say, *, sync: str) -> None:
    """Replace a file by a new one in all the ways there are, and say each once it should be safe."""
    target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for number in range(3):
        name = f"{number}.new"
        file = os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=target)
        os.writev(file, [b"%d" % number, b" " * 2_000])
        os.pwrite(file, b"end", 2_000)
        if "file" in sync:
            os.fsync(os.dup(file))
        os.close(file)
        os.rename(folder / name, folder / "kept")
        if "folder" in sync:
            os.fsync(target)
        say(str(number))


def work_queue(folder: Path, say: Say, *, seed: int, series: int) -> None:
    """Put jobs into the queue of a folder and do with them all that a server does, without a server.

    Its jobs are named after the series, and some are of an earlier one: a sender that got no answer sends again.
    """
    asyncio.run(_work(folder / "data", say, Random(seed), series))


async def _work(folder: Path, say: Say, dice: Random, series: int) -> None:
    async with _open_queue(folder, dice) as queue, asyncio.TaskGroup() as group:
        for place in range(_PUTTERS):
            group.create_task(_put(queue, say, Random(dice.random()), series, place))
        for _ in range(_WORKERS):
            group.create_task(_deliver(queue, say, Random(dice.random())))
        group.create_task(_tidy_up(queue))


def put_once(folder: Path, say: Say) -> None:
    """Put the same three jobs as every time, and be killed as soon as that is answered."""

    async def put() -> None:
        async with _open_queue(folder / "data", Random(0)) as queue:
            jobs = [_job(Random(0), f"again-{number}", "Attach Device") for number in range(3)]
            await queue.put(jobs, now=time.time())
            say_put(say, [job.key for job in jobs])
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(put())


def reopen_queue(folder: Path) -> None:
    """Open the queue of a folder as a server does when it starts, and close it."""

    async def reopen() -> None:
        async with _open_queue(folder, Random(0)):
            pass

    asyncio.run(reopen())


@asynccontextmanager
async def _open_queue(folder: Path, dice: Random) -> AsyncIterator[SqliteQueue]:
    ordering: Ordering = "account" if dice.random() < 0.3 else "none"
    with FolderLock(folder):
        async with await open_sqlite(folder, ordering=ordering, min_free=0) as queue:
            yield queue


async def _tidy_up(queue: SqliteQueue) -> None:
    for _ in range(5):
        await queue.purge(time.time())
        await asyncio.sleep(0.005)


async def _put(queue: Queue, say: Say, dice: Random, series: int, place: int) -> None:
    for number in range(_PUTS):
        named = series if dice.random() < 0.8 else dice.randrange(series + 1)
        mapping = dice.choice(("Attach Device", "Update User", FORGOTTEN))
        jobs = [_job(dice, f"{named}-{place}-{number}-{part}", mapping) for part in range(dice.randrange(1, 12))]
        now = time.time() - _LONG_AGO * (mapping == FORGOTTEN)
        answer = await queue.put(jobs, now=now, filtered=[Filtered(f"f-{series}", "NO_MATCHING_MAPPING")])
        if isinstance(answer, Receipt):
            say_put(say, [job.key for job in jobs])


def _job(dice: Random, message_id: str, mapping: str) -> Job:
    raw = b'{"pad":"%s"}' % (b"x" * dice.randrange(20, 3_000))
    return new_job(message_id, mapping, raw, time.time(), f"account-{dice.randrange(9)}")


async def _deliver(queue: Queue, say: Say, dice: Random) -> None:
    for _ in range(_CLAIMS):
        jobs = await queue.claim(dice.randrange(1, 9), now=time.time(), lease=60.0)
        for job in jobs:
            say_moved(say, job, "sending")
        await asyncio.gather(*(_finish(queue, say, dice, job) for job in jobs))
        if dice.random() < 0.1:
            await queue.release("refused", now=time.time(), limit=3)
        await asyncio.sleep(0)


async def _finish(queue: Queue, say: Say, dice: Random, job: Job) -> None:
    now, fate = time.time() - _LONG_AGO * (job.mapping == FORGOTTEN), dice.random()
    note = Note("503 unavailable", attempt=Attempt(now, 0.01, _REQUEST, _ANSWER, "503 unavailable", fate < 0.1))
    if fate < 0.5:
        if await queue.settle(job, "delivered", now=now, note=note):
            say_moved(say, job, "delivered", tried=True)
    elif fate < 0.6:
        if await queue.bury(job, now=now, note=note):
            say_moved(say, job, "dead", tried=True)
    elif fate < 0.8:
        if await queue.retry(job, at=now + 0.01, now=now, note=note):
            say_moved(say, job, "waiting", tried=True)
    elif fate < 0.9:
        if await queue.hold(job, "refused", now=now, note=note):
            say_moved(say, job, "held", tried=True)
    elif fate < 0.95:
        say_moved(say, job, "waiting")  # before it: a kill right after it must find that this may have been done
        await queue.hand_back([job])
    # else it stays in flight until the kill
