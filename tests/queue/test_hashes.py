"""Events are found by their messageId wherever their hashes are: in memory, on their way to the table, in it."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.queue import Receipt
from connector.queue.desk import Desk
from connector.queue.sqlite import SqliteQueue, open_sqlite
from tests.queue.queue_suite import LEASE, NOW, WINDOW, job
from tests.queue.test_sqlite import audit, rows, run_on

GATHERED = 8  # so that every fifth put or so ends a merge
MANY = 60
STRAYS = "SELECT * FROM hashes WHERE event NOT IN (SELECT id FROM events)"
MISSING = """SELECT id FROM events WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'mark')
AND NOT EXISTS (SELECT 1 FROM hashes WHERE hashes.hash = events.hash AND hashes.event = events.id)"""


def names(count: int, first: int = 0) -> list[str]:
    """Make messageIds whose hashes come in no order."""
    return [str(UUID(int=number)) for number in range(first, first + count)]


def mark(folder: Path) -> int:
    """Say up to which event all are in the table."""
    ((value,),) = rows(folder, "SELECT value FROM meta WHERE name = 'mark'")
    return int(value)


async def put(queue: SqliteQueue, *ids: str, mapping: str = "Pages", now: float = NOW) -> list[bool]:
    """Put the job of each id; say which of them were new."""
    jobs = [job(name, mapping) for name in ids]
    receipt = await queue.put(jobs, now=now)
    assert isinstance(receipt, Receipt)
    return [each.key not in receipt.duplicates for each in jobs]


async def deliver(queue: SqliteQueue, count: int, *, now: float = NOW) -> None:
    """Deliver the next jobs."""
    for claimed in await queue.claim(count, now=now, lease=LEASE):
        assert await queue.settle(claimed, "delivered", now=now)


def test_duplicates_at_every_point_of_a_merge(tmp_path: Path) -> None:
    """Whatever was put is known at once and ever after, and nothing else is."""

    async def scenario(queue: SqliteQueue) -> None:
        marks = set()
        for number, name in enumerate(names(MANY)):
            assert await put(queue, name) == [True]
            assert not any(await put(queue, *names(number + 1)))
            assert len(await queue.known([job(each, "Pages") for each in names(number + 3)])) == number + 1
            marks.add(mark(tmp_path))
        assert len(marks) >= 4

    run_on(tmp_path, scenario, gathered=GATHERED)
    assert rows(tmp_path, STRAYS) == rows(tmp_path, MISSING) == audit(tmp_path) == []


def test_a_process_is_killed_at_every_point_of_a_merge(tmp_path: Path) -> None:
    """What a killed process leaves is gone on with: everything is known, and the merge ends."""
    data, halves = tmp_path / "data", set[bool]()

    async def look(left: Path, count: int) -> None:
        halves.add(bool(rows(left, f"SELECT 1 FROM hashes WHERE event > {mark(left)} LIMIT 1")))
        async with await open_sqlite(left, min_free=0, window=WINDOW, gathered=GATHERED) as queue:
            assert not any(await put(queue, *names(count)))
            assert all(await put(queue, *names(2 * GATHERED, 1_000)))
            assert not any(await put(queue, *names(count)))
            for name in names(2 * GATHERED, 2_000):
                await put(queue, name)
        assert mark(left) > count
        assert rows(left, STRAYS) == rows(left, MISSING) == []

    async def scenario(queue: SqliteQueue) -> None:
        for number, name in enumerate(names(MANY // 2)):
            await put(queue, name)
            await look(Path(shutil.copytree(data, tmp_path / f"killed-{number}")), number + 1)

    data.mkdir()
    run_on(data, scenario, gathered=GATHERED)
    assert halves == {True, False}


def test_many_short_lives(tmp_path: Path) -> None:
    """Processes that end before their merge does leave no more than is gathered to read when the next one opens."""
    for name in names(3 * GATHERED):

        async def scenario(queue: SqliteQueue, name: str = name) -> None:
            assert await put(queue, name) == [True]

        run_on(tmp_path, scenario, gathered=GATHERED)
        assert rows(tmp_path, "SELECT max(id) FROM events")[0][0] - mark(tmp_path) <= GATHERED
    assert mark(tmp_path) > GATHERED
    run_on(tmp_path, lambda queue: _all_known(queue, names(3 * GATHERED)), gathered=GATHERED)


async def _all_known(queue: SqliteQueue, ids: list[str]) -> None:
    assert not any(await put(queue, *ids))


@settings(max_examples=40, deadline=None)
@given(
    before=st.integers(1, 30), delivered=st.integers(0, 30), between=st.integers(0, 20), after=st.sampled_from([0, 40])
)
def test_purge_at_any_point_of_a_merge(before: int, delivered: int, between: int, after: int) -> None:
    """What is purged is forgotten in memory and in the table, and what is not purged stays known."""

    async def scenario() -> None:
        async with await open_sqlite(folder, min_free=0, window=WINDOW, retention=WINDOW, gathered=GATHERED) as queue:
            for name in names(before):
                await put(queue, name)
            await deliver(queue, delivered)
            later = NOW + WINDOW + 1
            for name in names(between, 1_000):
                await put(queue, name, now=later)
            purged = min(before, delivered)
            await asyncio.gather(queue.purge(later), put(queue, *names(2, 2_000), now=later))
            for name in names(after, 3_000):
                await put(queue, name, now=later)
            assert rows(folder, STRAYS) == rows(folder, MISSING) == audit(folder) == []
            assert await put(queue, *names(before), now=later) == [number < purged for number in range(before)]
            assert not any(await put(queue, *names(between, 1_000), *names(2, 2_000), *names(after, 3_000), now=later))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(scenario())


def test_a_number_is_not_given_twice(tmp_path: Path) -> None:
    """After all events were purged the next one has a number after the mark, so that it is found when it is opened."""

    async def scenario(queue: SqliteQueue) -> None:
        for name in names(MANY):
            await put(queue, name)
        await deliver(queue, MANY)
        assert await queue.purge(NOW + WINDOW + 1) == MANY

    run_on(tmp_path, scenario, gathered=GATHERED, retention=WINDOW)
    assert rows(tmp_path, "SELECT * FROM hashes") == []
    last = mark(tmp_path)
    assert last > 0

    async def again(queue: SqliteQueue) -> None:
        assert await put(queue, "a") == [True]

    run_on(tmp_path, again, gathered=GATHERED)
    assert rows(tmp_path, "SELECT id FROM events") == [(last + 1,)]
    run_on(tmp_path, lambda queue: _all_known(queue, ["a"]), gathered=GATHERED)


def test_events_with_the_same_hash(tmp_path: Path) -> None:
    """A messageId that comes again, for other mappings or after its window, is several events, all of them found."""

    async def scenario(queue: SqliteQueue) -> None:
        later = NOW + WINDOW + 1
        for number, name in enumerate(names(MANY)):
            assert await put(queue, name, mapping="A") == [True]
            for old in names(number + 1)[-3 * GATHERED :: 5]:
                assert await put(queue, old, mapping=f"B{number}") == [True]
                assert await put(queue, old, mapping=f"B{number}") == [False]
                assert await put(queue, old, mapping="A", now=later) == [False]  # it still waits
        await deliver(queue, 1_000)
        for name in names(MANY):
            assert await put(queue, name, mapping="A", now=later) == [True]
            assert await put(queue, name, mapping="A", now=later) == [False]
        with Desk(tmp_path) as desk:
            asked = (
                "SELECT message_id, json_group_array(id) FROM (SELECT * FROM events ORDER BY id) GROUP BY message_id"
            )
            for name, numbers in rows(tmp_path, asked):
                assert str(desk.events_called(name)).replace(" ", "") == numbers

    run_on(tmp_path, scenario, gathered=GATHERED, capacity=10_000)
    assert rows(tmp_path, STRAYS) == rows(tmp_path, MISSING) == []


def test_a_transaction_is_given_up(tmp_path: Path) -> None:
    """What was put in a transaction that failed is not known; what is put again is, and the merge goes on."""

    async def scenario(queue: SqliteQueue) -> None:
        for number in range(MANY):
            good, bad = names(1, number)[0], job(f"bad-{number}", "half a pair: \ud800")
            results = await asyncio.gather(
                put(queue, good), queue.put([bad], now=NOW), put(queue, f"second-{number}"), return_exceptions=True
            )
            assert results[0] == results[2] == [True]
            assert isinstance(results[1], Exception)
            assert not any(await put(queue, *names(number + 1), f"second-{number}"))

    run_on(tmp_path, scenario, gathered=GATHERED)
    assert rows(tmp_path, STRAYS) == rows(tmp_path, MISSING) == audit(tmp_path) == []
    assert mark(tmp_path) > MANY


def test_another_process_writes_meanwhile(tmp_path: Path) -> None:
    """A desk that changes the file between any two puts changes nothing in what is known, and finds every event."""

    async def scenario(queue: SqliteQueue) -> None:
        with Desk(tmp_path) as desk:
            for number, name in enumerate(names(MANY)):
                assert await put(queue, name) == [True]
                with desk.writing():
                    desk.ask("fill_free", name="x", length=number)
                assert not any(await put(queue, *names(number + 1)))
                with desk.reading():
                    assert [len(desk.events_called(each)) for each in names(number + 2)] == [1] * (number + 1) + [0]

    run_on(tmp_path, scenario, gathered=GATHERED)
