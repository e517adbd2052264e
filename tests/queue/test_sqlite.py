"""The SQLite queue does what every queue does, and keeps it: over restarts, crashes and a full disk."""

import asyncio
import resource
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from connector.errors import UsageError
from connector.queue import Attempt, Filtered, Full, Note, Ordering, Receipt, Tally, new_job
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.queue.statements import SQL
from connector.rupt import Request, Response
from tests.queue.queue_suite import LEASE, NOW, WINDOW, QueueMachine, QueueSuite, claim_one, doubtful, job, total


@asynccontextmanager
async def open_durable(*, capacity: int, window: float, ordering: Ordering = "none") -> AsyncIterator[SqliteQueue]:
    """Open a queue in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        async with await open_sqlite(folder, capacity=capacity, window=window, ordering=ordering, min_free=0) as queue:
            yield queue


class TestSqliteQueue(QueueSuite):
    """The suite, over SQLite."""

    opened = staticmethod(open_durable)


class SqliteMachine(QueueMachine):
    """The state machine, over SQLite."""

    open = staticmethod(open_durable)


TestSqliteMachine = SqliteMachine.TestCase
TestSqliteMachine.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def run_on(folder: Path, scenario: Callable[[SqliteQueue], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Open the queue of a folder, run a scenario on it, and close it."""

    async def run() -> None:
        async with await open_sqlite(folder, **{"min_free": 0, "window": WINDOW, **options}) as queue:
            await scenario(queue)

    asyncio.run(run())


def rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask the file of a folder."""
    with sqlite3.connect(folder / "queue.db") as database:
        found = database.execute(statement).fetchall()
    database.close()
    return found


def audit(folder: Path) -> list[tuple[Any, ...]]:
    """Compare every tally with the rows that it counts; give the differences."""
    said = {(mapping, what): count - purged for mapping, what, count, purged in rows(folder, "SELECT * FROM tallies")}
    counted: dict[tuple[int, str], int] = {}
    for mapping, state, number, doubts in rows(
        folder, "SELECT mapping, state, count(*), sum(doubts) FROM jobs GROUP BY mapping, state"
    ):
        for what, count in ((state, number), ("accepted", number), ("in_doubt", doubts)):
            counted[mapping, what] = counted.get((mapping, what), 0) + count
    for mapping, number in rows(folder, "SELECT mapping, sum(count) FROM filtered GROUP BY mapping"):
        for what in ("accepted", "filtered"):
            counted[mapping, what] = counted.get((mapping, what), 0) + number
    return [key for key in said.keys() | counted.keys() if said.get(key, 0) != counted.get(key, 0)]


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    """What was put, settled, retried, held, buried and filtered is there after a restart, with the ledger."""

    async def before(queue: SqliteQueue) -> None:
        await queue.put([job(name) for name in "abcde"], now=NOW, filtered=[Filtered("z", "NO_MATCHING_MAPPING")])
        done, later, held, dead = await queue.claim(4, now=NOW, lease=LEASE)
        await queue.settle(done, "delivered", now=NOW)
        await queue.retry(later, at=NOW + 30, now=NOW)
        await queue.hold(held, "refused", now=NOW, note=Note("401"))
        await queue.bury(dead, now=NOW, note=Note("400"))

    async def after(queue: SqliteQueue) -> None:
        assert await total(queue) == Tally(6, delivered=1, filtered=1, dead=1, waiting=2, held=1)
        assert await queue.put([job("a"), job("d")], now=NOW + 1) == Receipt(0, (job("a").key, job("d").key))
        assert await queue.due() == 0
        assert [one.message_id for one in await queue.claim(9, now=NOW + 30, lease=LEASE)] == ["b", "e"]
        assert await queue.release("refused", now=NOW) == 1

    run_on(tmp_path, before)
    run_on(tmp_path, after)
    assert audit(tmp_path) == []


def test_what_a_dead_process_was_sending(tmp_path: Path) -> None:
    """A job that was being sent when the process ended is claimed at once, in doubt, and its attempt is on record."""

    async def before(queue: SqliteQueue) -> None:
        await queue.put([job("a"), job("b")], now=NOW)
        await claim_one(queue)

    async def after(queue: SqliteQueue) -> None:
        assert await queue.due() == 0
        again = await claim_one(queue, NOW + 1)
        assert (again.message_id, again.attempts, again.in_doubt) == ("a", 2, True)
        assert (await total(queue)).in_doubt == 1

    run_on(tmp_path, before)
    run_on(tmp_path, after)
    assert rows(tmp_path, "SELECT job, number, at, failure, in_doubt FROM attempts") == [(64, 1, NOW, "lost", 1)]
    assert audit(tmp_path) == []


def test_an_old_claim_is_not_good_after_a_restart(tmp_path: Path) -> None:
    """What a process claimed before it ended cannot be settled after it: another may be sending it."""

    async def scenario() -> None:
        async with await open_sqlite(tmp_path, min_free=0) as queue:
            await queue.put([job("a")], now=NOW)
            old = await claim_one(queue)
        async with await open_sqlite(tmp_path, min_free=0) as queue:
            assert not await queue.settle(old, "delivered", now=NOW)
            await queue.settle(await claim_one(queue), "delivered", now=NOW)

    asyncio.run(scenario())


def test_one_commit_for_many(tmp_path: Path) -> None:
    """What many ask for at the same time shares one commit; each gets its own answer."""

    async def scenario(queue: SqliteQueue) -> None:
        puts = [queue.put([job(f"m{number}"), job("same")], now=NOW) for number in range(100)]
        receipts = await asyncio.gather(*puts)
        assert queue.commits == 1
        assert sorted(receipt.accepted for receipt in receipts if isinstance(receipt, Receipt)) == [1] * 99 + [2]
        claimed = await asyncio.gather(*(queue.claim(1, now=NOW, lease=LEASE) for _ in range(50)))
        assert len({one.key for jobs in claimed for one in jobs}) == 50
        assert all(await asyncio.gather(*(queue.settle(one, "delivered", now=NOW) for jobs in claimed for one in jobs)))
        assert queue.commits == 3

    run_on(tmp_path, scenario)


def test_nothing_to_do_costs_no_commit(tmp_path: Path) -> None:
    """A claim that finds nothing and a put of what is known write nothing to the disk."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.claim(9, now=NOW, lease=LEASE)
        assert queue.commits == 0
        await queue.put([job("a")], now=NOW)
        await queue.put([job("a")], now=NOW)
        assert queue.commits == 1

    run_on(tmp_path, scenario)


def test_one_bad_operation_spoils_no_other(tmp_path: Path) -> None:
    """What cannot be written fails alone; all others that would have shared its transaction are done."""
    bad = new_job("bad", "half a pair: \ud800", b"{}", NOW)

    async def scenario(queue: SqliteQueue) -> None:
        puts = [queue.put([one], now=NOW) for one in (job("a"), bad, job("b"))]
        first, second, third = await asyncio.gather(*puts, return_exceptions=True)
        assert (first, third) == (Receipt(1), Receipt(1))
        assert isinstance(second, UnicodeEncodeError)
        assert (await total(queue)).accepted == 2

    run_on(tmp_path, scenario)


def test_a_cancelled_claim(tmp_path: Path) -> None:
    """Jobs that were claimed for somebody who is gone by then are handed back."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        for turns in range(3):
            claiming = asyncio.ensure_future(queue.claim(1, now=NOW, lease=LEASE))
            for _ in range(turns):
                await asyncio.sleep(0)
            claiming.cancel()
            await asyncio.gather(claiming, return_exceptions=True)
        assert (await claim_one(queue)).attempts == 1

    run_on(tmp_path, scenario)


def test_the_steps_are_told(tmp_path: Path) -> None:
    """Each step is told before its commit and after it, before anybody is answered."""
    told: list[str] = []

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        told.append("answered")
        await queue.settle(await claim_one(queue), "delivered", now=NOW)

    run_on(tmp_path, scenario, step=told.append)
    put, *others = [f"{name}.{what}" for name in ("put", "claim", "settle") for what in ("written", "committed")]
    assert told == [put, others[0], "answered", *others[1:]]


def test_attempts_are_written_down(tmp_path: Path) -> None:
    """An attempt is kept with what was sent and what came back, without a credential or what names a person in it."""
    request = Request("POST", "/v2/device/attach", {"user": "user-42"}, token="a-signed-token")
    refusal = Response(500, {}, b'{"message":"no such user-42, token a-signed-token, mail ada@example.com"}')

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        failed = Note("500 again", attempt=Attempt(NOW + 1, 0.5, request, refusal, "500 again"))
        await queue.retry(await claim_one(queue), at=NOW, now=NOW, note=failed)
        await queue.retry(await claim_one(queue), at=NOW, now=NOW, note=doubtful())
        done = Response(
            200, {}, b'{"success":true,"device_id":"d1","new_device":true,"metadata":{"mail":"ada@example.com"}}'
        )
        attempt = Note(attempt=Attempt(NOW + 3, 0.5, request, done))
        await queue.settle(await claim_one(queue), "delivered", now=NOW + 4, note=attempt)

    run_on(tmp_path, scenario)
    found = rows(tmp_path, "SELECT number, at, path, body, status, failure, answer, reason, in_doubt FROM attempts")
    sent = '{"user":"user-42"}'
    assert found == [
        (1, NOW + 1, "/v2/device/attach", sent, 500, None, found[0][6], "500 again", 0),
        (2, NOW, "/v2/device/attach", sent, None, "timeout", "no answer", "timeout", 1),
        (3, NOW + 3, "/v2/device/attach", sent, 200, None, '{"device_id":"d1","new_device":true}', "", 0),
    ]
    assert not any(word in found[0][6] for word in ("user-42", "signed", "ada@"))
    assert rows(tmp_path, "SELECT state, due, reason FROM jobs") == [("delivered", NOW + 4, "")]


def test_problems_and_reasons_are_kept(tmp_path: Path) -> None:
    """A job keeps why it ended, and what was wrong with it."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        await queue.settle(await claim_one(queue), "invalid", now=NOW, note=Note("wrong", ("one", 'two "2"')))

    run_on(tmp_path, scenario)
    assert rows(tmp_path, "SELECT reason, problems FROM jobs") == [("wrong", '["one","two \\"2\\""]')]


def test_events_are_stored_once(tmp_path: Path) -> None:
    """An event that several mappings take is stored once; filtered ones are stored together, by reason."""

    async def scenario(queue: SqliteQueue) -> None:
        filtered = [Filtered("x", "no"), Filtered("y", "no"), Filtered("z", "other", "one", "why")]
        await queue.put([job("a", f"mapping {number}") for number in range(70)], now=NOW, filtered=filtered)

    run_on(tmp_path, scenario)
    assert rows(tmp_path, "SELECT id, message_id FROM events") == [(1, "a"), (2, "a")], "64 jobs have room in one"
    assert rows(tmp_path, "SELECT event, count(*) FROM jobs GROUP BY event") == [(1, 64), (2, 6)]
    kept = rows(
        tmp_path, "SELECT name, count, reason, detail, message_ids FROM filtered JOIN mappings ON mapping = mappings.id"
    )
    assert kept == [("", 2, "no", "", '["x","y"]'), ("one", 1, "other", "why", '["z"]')]


def test_purge(tmp_path: Path) -> None:
    """What ended longer ago than it is kept is forgotten with its events; the ledger stays, and what waits stays."""

    async def scenario(queue: SqliteQueue) -> None:
        filtered = [Filtered("x", "no"), Filtered("y", "no")]
        await queue.put([job(f"m{number}") for number in range(300)], now=NOW, filtered=filtered)
        for one in await queue.claim(250, now=NOW, lease=LEASE):
            await queue.settle(one, "delivered", now=NOW, note=doubtful())
        await queue.bury(await claim_one(queue), now=NOW)
        before = await queue.counts()
        assert await queue.purge(NOW + WINDOW - 1) == 0, "the window goes on"
        assert await queue.purge(NOW + 2 * WINDOW) == 251, "250 jobs, and one row of filtered events"
        assert await queue.purge(NOW + 2 * WINDOW) == 0
        assert await queue.counts() == before
        assert await queue.purge(NOW + 3 * WINDOW) == 1, "the dead letter"
        assert await queue.put([job("m0"), job("m299")], now=NOW + 3 * WINDOW) == Receipt(1, (job("m299").key,))

    run_on(tmp_path, scenario, retention=WINDOW, dead_retention=3 * WINDOW)
    assert audit(tmp_path) == []
    assert rows(tmp_path, "SELECT count(*) FROM events") == [(50,)]
    assert rows(tmp_path, "SELECT count(*) FROM attempts") == rows(tmp_path, "SELECT count(*) FROM filtered") == [(0,)]


def test_another_process_changes_the_file(tmp_path: Path) -> None:
    """What another process changes is seen by the next step, and whoever watches is woken."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        await queue.bury(await claim_one(queue), now=NOW)
        other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
        other.executescript(
            "BEGIN; UPDATE jobs SET state = 'waiting', due = 1.0, attempts = 0, first_at = NULL;"
            "UPDATE tallies SET count = count - 1 WHERE what = 'dead';"
            "UPDATE tallies SET count = count + 1 WHERE what = 'waiting'; COMMIT;"
        )
        other.close()
        woken: list[str] = []
        queue.watch(lambda: woken.append("woken"))
        assert await queue.put([job("b")], now=NOW) == Full(1, 1)
        assert woken == ["woken"]
        assert (await claim_one(queue)).message_id == "a"

    run_on(tmp_path, scenario, capacity=1)
    assert audit(tmp_path) == []


def test_another_process_is_writing(tmp_path: Path) -> None:
    """While another process writes, a put waits without keeping the event loop, and is done when that has ended."""

    async def scenario(queue: SqliteQueue) -> None:
        other = sqlite3.connect(tmp_path / "queue.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        putting = asyncio.ensure_future(queue.put([job("a")], now=NOW))
        for _ in range(5):
            await asyncio.sleep(0.002)
        assert not putting.done()
        assert (await queue.counts()).total == Tally()
        other.execute("ROLLBACK")
        other.close()
        assert await asyncio.wait_for(putting, timeout=5) == Receipt(1)

    run_on(tmp_path, scenario)


@contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Let no file of this process become longer than the queue's log is: that is as a full disk to SQLite."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / "queue.db-wal").stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_disk_full(tmp_path: Path) -> None:
    """On a full disk puts are refused and nothing is claimed; what became of a job waits for room, and is written."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a"), job("b")], now=NOW)
        claimed = await claim_one(queue)
        with no_room(tmp_path):
            assert await queue.put([job("c")], now=NOW) == Full(1, 1_000_000, "disk")
            settling = asyncio.ensure_future(queue.settle(claimed, "delivered", now=NOW, note=doubtful()))
            assert await queue.claim(9, now=NOW, lease=LEASE) == []
            waiting = asyncio.ensure_future(queue.room())
            await asyncio.wait([settling, waiting], timeout=0.6)  # it is tried again meanwhile
            assert not settling.done()
            assert await queue.put([job("c")], now=NOW) == Full(1, 1_000_000, "disk")
        assert await asyncio.wait_for(settling, timeout=5)
        await asyncio.wait_for(waiting, timeout=5)
        assert await queue.put([job("c")], now=NOW) == Receipt(1)
        assert (await total(queue)) == Tally(3, delivered=1, waiting=2, in_doubt=1)

    run_on(tmp_path, scenario)
    assert audit(tmp_path) == []


def test_disk_full_when_it_closes(tmp_path: Path) -> None:
    """A queue that is closed while the disk is full says to whoever waits that it wrote nothing; all else is kept."""

    async def scenario(queue: SqliteQueue) -> None:
        await queue.put([job("a")], now=NOW)
        claimed = await claim_one(queue)
        with no_room(tmp_path):
            settling = asyncio.ensure_future(queue.settle(claimed, "delivered", now=NOW))
            await asyncio.wait([settling], timeout=0.1)
            await queue.close()
            with pytest.raises(UsageError, match="closed before"):
                await settling

    async def after(queue: SqliteQueue) -> None:
        assert (await claim_one(queue)).in_doubt

    run_on(tmp_path, scenario)
    run_on(tmp_path, after)


def test_disk_nearly_full(tmp_path: Path) -> None:
    """With less free room than asked for nothing is accepted, but what was accepted goes on."""

    async def scenario() -> None:
        async with await open_sqlite(tmp_path, min_free=0) as queue:
            await queue.put([job("a")], now=NOW)
        async with await open_sqlite(tmp_path, min_free=1 << 60) as queue:
            assert await queue.put([job("b")], now=NOW) == Full(1, 1_000_000, "disk")
            assert await queue.settle(await claim_one(queue), "delivered", now=NOW)

    asyncio.run(scenario())


def test_damage_while_it_runs(tmp_path: Path) -> None:
    """When the file turns out to be damaged, whoever asks for anything is told so; nothing is silent."""

    async def scenario() -> None:
        queue = await open_sqlite(tmp_path, min_free=0)
        await queue.put([job(f"m{number}") for number in range(3_000)], now=NOW)
        await queue.close()
        queue = await open_sqlite(tmp_path, min_free=0, gathered=100)  # after this it opens without reading events
        await queue.close()
        data = bytearray((tmp_path / "queue.db").read_bytes())
        for page in range(len(data) // 4096 // 3, len(data) // 4096 // 2):
            data[page * 4096 : page * 4096 + 512] = b"\xff" * 512
        (tmp_path / "queue.db").write_bytes(data)
        queue = await open_sqlite(tmp_path, min_free=0)
        woken: list[str] = []
        queue.watch(lambda: woken.append("woken"))
        with pytest.raises(UsageError, match=r"queue\.db: the file is damaged; stop the server"):
            await queue.claim(3_000, now=NOW, lease=LEASE)
        assert queue.broken is not None
        assert woken == ["woken"]
        with pytest.raises(UsageError, match="damaged"):
            await queue.put([job("a")], now=NOW)
        await queue.close()

    asyncio.run(scenario())


def test_every_statement_is_used() -> None:
    """No statement stands in the file for nothing."""
    code = "".join(file.read_text() for file in (Path(__file__).parents[2] / "connector" / "queue").glob("*.py"))
    assert [name for name in SQL if f'"{name}"' not in code] == []
