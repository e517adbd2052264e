"""What happens to an open queue when its folder is taken away, its file is overwritten, or its disk is full."""

import asyncio
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.errors import UsageError
from connector.queue import Full, Receipt
from connector.queue.disk import Disk
from connector.queue.folder import FolderLock
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.queue.store import FILE
from tests.queue.queue_suite import LEASE, NOW, claim_one, job, total
from tests.queue.test_sqlite import audit, no_room, rows, run_on

GONE = r"it was removed, moved or replaced while it was in use"


def remove(folder: Path) -> None:
    """Remove the folder with all in it."""
    shutil.rmtree(folder)


def move(folder: Path) -> None:
    """Move the folder elsewhere."""
    folder.rename(folder.with_name("elsewhere"))


def replace(folder: Path) -> None:
    """Put a copy in the file's place."""
    shutil.copy(folder / FILE, folder / "copy")
    (folder / "copy").rename(folder / FILE)


def remove_log(folder: Path) -> None:
    """Remove the write-ahead log alone."""
    (folder / f"{FILE}-wal").unlink()


def remove_lock(folder: Path) -> None:
    """Remove the lock alone: another process could take the folder then."""
    (folder / "lock").unlink()


@pytest.mark.parametrize("harm", [remove, move, replace, remove_log, remove_lock])
def test_nothing_is_acknowledged_after_the_folder_is_taken_away(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """From the moment on nothing is accepted and nothing given out; whoever watches is woken, to learn why."""
    folder = tmp_path / "data"

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        woken: list[str] = []
        queue.watch(lambda: woken.append("woken"))
        harm(folder)
        with pytest.raises(UsageError, match=GONE):
            await queue.put([job("b")], now=NOW)
        assert woken == ["woken"]
        assert queue.broken is not None
        with pytest.raises(UsageError, match=GONE):
            await queue.claim(1, now=NOW, lease=LEASE)
        with pytest.raises(UsageError, match=GONE):
            await queue.counts()

    with FolderLock(folder):
        run_on(folder, scenario)


def test_the_folder_is_taken_away_while_nothing_comes(tmp_path: Path) -> None:
    """A claim that finds nothing notices it, and so does what the server does now and then by itself."""

    async def claiming(queue: SqliteQueue) -> None:
        move(tmp_path / "one")
        with pytest.raises(UsageError, match=GONE):
            await queue.claim(1, now=NOW, lease=LEASE)

    async def purging(queue: SqliteQueue) -> None:
        remove(tmp_path / "two")
        with pytest.raises(UsageError, match=rf"two/queue\.db: {GONE}"):
            queue.look()
        with pytest.raises(UsageError, match=GONE):
            await queue.purge(NOW)

    for name, scenario in (("one", claiming), ("two", purging)):
        (tmp_path / name).mkdir()
        run_on(tmp_path / name, scenario)


def test_a_second_queue_in_the_place_of_the_first(tmp_path: Path) -> None:
    """What was made where the folder had been is not touched when the first queue ends; what was moved is kept."""
    folder = tmp_path / "data"
    folder.mkdir()

    async def scenario() -> None:
        first = await open_sqlite(folder, min_free=0)
        await first.put([job("a")], now=NOW)
        move(folder)
        folder.mkdir()
        async with await open_sqlite(folder, min_free=0) as second:
            await second.put([job("b"), job("c")], now=NOW)
            with pytest.raises(UsageError, match=GONE):
                await first.put([job("d")], now=NOW)
            await first.close()
            assert (folder / f"{FILE}-wal").exists()
            assert await second.put([job("e")], now=NOW) == Receipt(1)

    asyncio.run(scenario())
    assert rows(folder, "SELECT message_id FROM events") == [("b",), ("c",), ("e",)]
    assert rows(tmp_path / "elsewhere", "SELECT message_id FROM events WHERE id = 1") == [("a",)]


def test_it_is_full_until_something_was_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A full disk is told of once and stays full for whoever asks, until a commit says that there is room again."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        with no_room(tmp_path):
            seen = set()
            for number in range(8):
                assert await queue.put([job(f"b{number}")], now=NOW) == Full(1, 1_000_000, "disk")
                await queue.put([], now=NOW)  # which writes nothing, and so says nothing
                seen.add(queue.full)
                await asyncio.sleep(0.04)
            assert seen == {Full(1, 1_000_000, "disk")}
            assert await queue.claim(1, now=NOW, lease=LEASE) == []
        woken = asyncio.Event()
        queue.watch(woken.set)
        await asyncio.wait_for(woken.wait(), timeout=5)  # nobody asks, and yet it finds out
        assert queue.full is None
        assert (await claim_one(queue)).message_id == "a"
        assert await queue.put([job("c")], now=NOW) == Receipt(1)
        assert (await total(queue)).accepted == 2

    with caplog.at_level(logging.WARNING, "connector.queue.writer"):
        run_on(tmp_path, scenario)
    told = [record.getMessage().split("queue.db ")[1] for record in caplog.records]
    assert told == [
        "cannot be written: the disk is full; it is tried again until there is room",
        "can be written again",
    ]
    assert audit(tmp_path) == []


def test_closing_while_the_disk_is_full(tmp_path: Path) -> None:
    """A queue that is closed while it waits for room tries nothing more."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        with no_room(tmp_path):
            assert isinstance(await queue.put([job("b")], now=NOW), Full)
            await queue.close()
            await asyncio.sleep(1.1)  # longer than until the next try

    run_on(tmp_path, scenario)


def test_what_is_overwritten_from_outside_is_noticed(tmp_path: Path) -> None:
    """The look at some rows, now and then, reads the file and not the memory: damage ends the queue."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job(f"m{number}") for number in range(500)], now=NOW)
        await queue.purge(NOW)
        assert (await total(queue)).waiting == 1_000
        file = tmp_path / FILE
        for path in (file, tmp_path / f"{FILE}-wal"):
            size = path.stat().st_size
            with path.open("r+b") as damaged:
                damaged.write(b"\xff" * size)
        with pytest.raises(UsageError, match=r"queue\.db: (the file is damaged|no queue of ours, or its beginning)"):
            await queue.purge(NOW)
        with pytest.raises(UsageError):
            await queue.put([job("b")], now=NOW)

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job(f"n{number}") for number in range(500)], now=NOW)

    run_on(tmp_path, fill)
    run_on(tmp_path, scenario)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a file system that has no room at all")
@pytest.mark.parametrize(("has_room", "failed"), [(True, False), (False, True)])
def test_a_little_room_is_not_enough(tmp_path: Path, has_room: bool, failed: bool) -> None:
    """A write that was done after one that failed says that there is room again, unless the file system says no."""
    disk = Disk(tmp_path if has_room else "/proc", 0, lambda: 0.0)
    disk.write_failed()
    assert (disk.failed, disk.has_room()) == (True, False)
    disk.write_succeeded()
    assert (disk.failed, disk.has_room()) == (failed, not failed)
