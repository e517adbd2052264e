"""A data folder is locked, private, made and brought up to date, or refused with what happened and what to do."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connector.errors import UsageError
from connector.queue.folder import FolderLock
from connector.queue.migrations import create, migrate, newest, version_of
from connector.queue.sqlite import open_sqlite
from connector.queue.statements import SCHEMA, SQL, key_hash, read_statements
from connector.queue.store import FILE, MARK, connect, explained, open_store
from tests.queue.queue_suite import NOW, job, total

HOLDER = """
import sys
from connector.queue.folder import FolderLock
with FolderLock(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start a process that has locked a folder, and wait until it has."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def refusal(folder: Path) -> str:
    """Open a queue that must be refused, and say how."""
    with pytest.raises(UsageError) as refused:
        asyncio.run(open_sqlite(folder, min_free=0))
    return str(refused.value)


def fill(folder: Path) -> Path:
    """Make a queue with some jobs in a folder; give its file."""

    async def scenario() -> None:
        async with await open_sqlite(folder, min_free=0) as queue:
            await queue.put([job(f"m{number}") for number in range(200)], now=NOW)

    folder.mkdir(exist_ok=True)
    asyncio.run(scenario())
    return folder / FILE


def test_second_process(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    """A second process is told which one has the folder, and what to do."""
    with pytest.raises(UsageError, match=rf"data is in use by process {holder.pid}; stop it first, or give another"):
        FolderLock(tmp_path / "data").take()


def test_lock_is_given_back(tmp_path: Path) -> None:
    """A lock that was given back can be taken again; taking one's own again is nothing."""
    with FolderLock(tmp_path) as lock:
        lock.take()
        assert lock.holder() == os.getpid()
        with pytest.raises(UsageError, match="in use"):
            FolderLock(tmp_path).take()
    with FolderLock(tmp_path):
        pass


def test_standby(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    """A standby takes the folder over as soon as the first process has ended, however it ends."""

    async def scenario() -> None:
        lock = FolderLock(tmp_path / "data")
        waiting = asyncio.ensure_future(lock.wait(poll=0.005))
        await asyncio.wait([waiting], timeout=0.05)
        assert not waiting.done()
        holder.send_signal(signal.SIGKILL)
        await asyncio.wait_for(waiting, timeout=10)
        assert lock.holder() == os.getpid()
        lock.release()

    asyncio.run(scenario())


def test_nobody_else_may_read(tmp_path: Path) -> None:
    """The folder and every file in it are for their owner only: events name people."""
    folder = tmp_path / "new" / "data"

    async def scenario() -> None:
        with FolderLock(folder):
            async with await open_sqlite(folder, min_free=0) as queue:
                await queue.put([job("a")], now=NOW)
                assert folder.stat().st_mode & 0o777 == 0o700
                modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
                assert modes == dict.fromkeys([FILE, f"{FILE}-wal", f"{FILE}-shm", "lock"], 0o600)

    asyncio.run(scenario())


def test_not_a_folder(tmp_path: Path) -> None:
    """A file in the folder's place is refused, and stays."""
    place = tmp_path / "data"
    place.write_text("mine")
    with pytest.raises(UsageError, match=r"data: this is no folder, or stands in a file; give another --data"):
        FolderLock(place).take()
    assert place.read_text() == "mine"


def test_read_only_folder(nobody: None) -> None:
    """A folder that cannot be written is refused, with or without a queue in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o500)
        with pytest.raises(UsageError, match=r"lock: it cannot be written; give this user the folder, or"):
            FolderLock(folder).take()
        assert "cannot be written" in refusal(folder)
        folder.chmod(0o700)


def test_reading_where_nothing_can_be_written(nobody: None) -> None:
    """Who only reads can do so in a folder that cannot be written; who wants to write is told what to do."""
    with tempfile.TemporaryDirectory() as name:
        file = fill(Path(name))
        file.chmod(0o400)
        file.parent.chmod(0o500)
        with closing(connect(file.parent)) as database:
            assert database.execute("SELECT count(*) FROM jobs").fetchone() == (200,)
            with (
                pytest.raises(UsageError, match="the file cannot be written; give this user the folder"),
                explained(file),
            ):
                database.execute("DELETE FROM jobs")
        assert os.listdir(name) == [FILE]
        file.parent.chmod(0o700)


READER = """
import os, sys
from connector.queue.store import connect
if os.geteuid() == 0:
    os.seteuid(65_534)
print(connect(sys.argv[1]).execute("SELECT count(*) FROM jobs").fetchall())
"""


def test_reading_beside_a_server_where_nothing_can_be_written() -> None:
    """While a server has the folder, who may only read sees what it has committed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        async def scenario() -> None:
            async with await open_sqlite(folder, min_free=0) as queue:
                await queue.put([job("a")], now=NOW)
                for path in (*folder.iterdir(), folder):
                    path.chmod(0o555)
                command = [sys.executable, "-c", READER, name]
                done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
                assert (done.stdout, done.stderr) == ("[(1,)]\n", "")
                folder.chmod(0o700)

        asyncio.run(scenario())


def test_a_log_that_cannot_be_read_in_place(nobody: None) -> None:
    """A copy without the index of its log is refused where that cannot be made: events would be missing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        async def scenario() -> None:
            async with await open_sqlite(folder / "data", min_free=0) as queue:
                await queue.put([job("a")], now=NOW)
                (folder / "copy").mkdir()
                for part in (FILE, f"{FILE}-wal"):
                    shutil.copy(folder / "data" / part, folder / "copy" / part)

        (folder / "data").mkdir()
        asyncio.run(scenario())
        (folder / "copy").chmod(0o500)
        with pytest.raises(UsageError, match="copy the folder to where this user may write, and name the copy"):
            connect(folder / "copy")
        (folder / "copy").chmod(0o700)


def test_foreign_file(tmp_path: Path) -> None:
    """A SQLite file of somebody else's is refused, and not changed."""
    file = tmp_path / FILE
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    before = file.read_bytes()
    assert (
        refusal(tmp_path)
        == f"{file}: no queue of ours, or its beginning is damaged; move it away, or give another --data"
    )
    assert file.read_bytes() == before


def test_damaged_beginning(tmp_path: Path) -> None:
    """A file whose beginning is damaged is refused, and not changed."""
    file = fill(tmp_path)
    data = b"\x00" * 100 + file.read_bytes()[100:]
    file.write_bytes(data)
    assert "its beginning is damaged; move it away" in refusal(tmp_path)
    assert file.read_bytes() == data


def test_cut_file(tmp_path: Path) -> None:
    """A file that has lost its end is refused as damaged, and not changed."""
    file = fill(tmp_path)
    file.write_bytes(file.read_bytes()[:8_192])
    assert "the file is damaged; stop the server, keep a copy, and let `sqlite3 queue.db .recover`" in refusal(tmp_path)
    assert file.stat().st_size == 8_192


def test_later_version(tmp_path: Path) -> None:
    """A file that a later version made is refused, and not changed."""
    file = fill(tmp_path)
    with sqlite3.connect(file) as database:
        database.execute(f"PRAGMA user_version = {newest() + 1}")
    database.close()
    assert f"a later rupt-connector has made it (schema {newest() + 1}, this one knows {newest()})" in refusal(tmp_path)


def test_no_queue_to_read(tmp_path: Path) -> None:
    """Who only reads is told that there is no queue, and none is made."""
    with pytest.raises(UsageError, match="there is no queue in this folder; name the --data of a server"):
        connect(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_creation(tmp_path: Path) -> None:
    """A file that its maker was killed over before anything was in it is made anew."""
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA application_id = {MARK}")
    database.close()
    fill(tmp_path)


def test_migration(tmp_path: Path) -> None:
    """An older file is brought to the newest version, one after the other, and keeps its rows."""
    older = ("CREATE TABLE later (x); INSERT INTO later VALUES (1)", "ALTER TABLE later ADD COLUMN y DEFAULT 2")
    fill(tmp_path)
    database = open_store(tmp_path, older)
    assert version_of(database) == newest(older) == 3
    assert database.execute("SELECT x, y FROM later").fetchall() == [(1, 2)]
    assert database.execute("SELECT count(*) FROM jobs").fetchone() == (200,)
    assert migrate(database, older) == 3
    database.close()


def test_failed_migration(tmp_path: Path) -> None:
    """A migration that fails leaves its version as it was, whole."""
    fill(tmp_path)
    with pytest.raises(UsageError, match=r"queue\.db: no such table: nowhere"):
        open_store(tmp_path, ("CREATE TABLE later (x); INSERT INTO nowhere VALUES (1)",))
    database = connect(tmp_path)
    assert version_of(database) == 1
    assert database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'later'").fetchone() == (0,)
    database.close()


def test_a_saved_file_of_version_1() -> None:
    """The schema of version 1 is what it was when the first file was made; a change needs a migration and a version."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    create(database, now=NOW)
    columns = {
        table: [row[1] for row in database.execute(f"PRAGMA table_xinfo({table})")]
        for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    }
    database.close()
    assert newest() == 1
    assert {table: len(names) for table, names in columns.items()} == {
        "meta": 2,
        "mappings": 2,
        "tallies": 4,
        "events": 7,
        "hashes": 2,
        "jobs": 17,
        "attempts": 13,
        "filtered": 7,
    }


def test_statements_are_cut() -> None:
    """A file of statements is cut at its names; what stands above the first is a comment."""
    text = "-- why\n\n-- name: one\nSELECT 1;\n\n-- name: two\nSELECT\n  2;\n"
    assert read_statements(text) == {"one": "SELECT 1", "two": "SELECT\n  2"}


def test_no_statement_walks_over_all_jobs() -> None:
    """Every statement finds its jobs and events by an index: none reads a table of them from end to end."""
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    walks = [
        (name, step)
        for name, statement in SQL.items()
        if not statement.startswith("PRAGMA")
        for *_, step in database.execute(f"EXPLAIN QUERY PLAN {statement}", [1] * _parameters(statement)).fetchall()
        if step in ("SCAN jobs", "SCAN j", "SCAN events", "SCAN e", "SCAN attempts")
    ]
    database.close()
    assert walks == []


def _parameters(statement: str) -> int:
    numbers = [int(part[0]) for part in statement.split("?")[1:] if part[:1].isdigit()]
    return max(numbers, default=statement.count("?"))


def test_hash_of_a_key() -> None:
    """The hash of a text is the same in every process and version: it stands in files."""
    assert key_hash("") == -5426141060434712860
    assert key_hash("ajs-next-1700000000000-é") == 1_700_000_000 << 32 | -7019772936641312407 & 0xFFFF_FFFF


def test_hashes_of_one_time_stand_together() -> None:
    """Ids that have their time in them, as Segment's JavaScript SDKs make them, have hashes in that order."""
    ids = [
        f"{kind}-next-17000000{second}000-{tail}"
        for second in (10, 11, 20)
        for kind in ("ajs", "node")
        for tail in "abc"
    ]
    hashes = [key_hash(name) for name in ids]
    assert len(set(hashes)) == len(ids)
    assert max(hashes[:6]) < min(hashes[6:12]) <= max(hashes[6:12]) < min(hashes[12:])
    assert key_hash("ajs-next-no time, and not enough digits-x") != key_hash("ajs-next-")


def test_total_after_all(tmp_path: Path) -> None:
    """What was filled is there for who opens the file next."""
    fill(tmp_path)

    async def scenario() -> None:
        async with await open_sqlite(tmp_path, min_free=0) as queue:
            assert (await total(queue)).waiting == 200

    asyncio.run(scenario())
