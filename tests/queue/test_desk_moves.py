"""Jobs moved by hand: put back, dropped, and what the ledger, the order of accounts and a running server make of it."""

import asyncio
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from connector.queue import Job, Note
from connector.queue.desk import SLICE, Desk
from connector.queue.desk_audit import Audit, audit
from connector.queue.desk_jobs import Choice, JobRow, job_numbers, list_jobs
from connector.queue.desk_life import life_of
from connector.queue.desk_moves import DROPPED, Moved, drop, put_back, total
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.rupt import Response
from tests.queue.stored import LEASE, NOW, OK, build, claim_one, event, job_of, tried

LATER = NOW + 300  # when no lease of the fixtures runs any more
ALL: Final = ("waiting", "sending", "held", "delivered", "skipped", "invalid", "dead")


def retry(folder: Path, *states: str, message_ids: tuple[str, ...] = (), now: float = LATER) -> Moved:
    """Put jobs back."""
    with Desk(folder) as desk:
        numbers = job_numbers(desk, Choice(states, message_ids))  # type: ignore[arg-type]
        return total(put_back(desk, numbers, states, now=now))


def dropped(folder: Path, *states: str, message_ids: tuple[str, ...] = (), now: float = LATER) -> Moved:
    """Drop jobs."""
    with Desk(folder) as desk:
        numbers = job_numbers(desk, Choice(states, message_ids))  # type: ignore[arg-type]
        return total(drop(desk, numbers, states, now=now))


def look(folder: Path) -> tuple[Audit, dict[str, JobRow]]:
    """Audit a store, and list its jobs by messageId."""
    with Desk(folder) as desk:
        return audit(desk), {job.message_id: job for job in list_jobs(desk, Choice(ALL))}


def claim_all(folder: Path, now: float = LATER) -> list[Job]:
    """Open the store as a server does, and claim what can be claimed."""
    found: list[Job] = []

    async def claim(queue: SqliteQueue) -> None:
        found.extend(await queue.claim(100, now=now, lease=LEASE))

    build(folder, claim)
    return found


def test_a_retry_begins_a_new_series(tmp_path: Path) -> None:
    """Dead and held jobs wait again without reason and cause, with no attempt counted, and the ledger balances."""
    build(tmp_path)
    assert retry(tmp_path, "dead", "held").moved == Counter(held=3, dead=1)
    found, jobs = look(tmp_path)
    assert found.balances
    assert found.ledger.total.waiting == 6
    assert {jobs[name].state for name in ("dead", "refused", "doubtful", "gone")} == {"waiting"}
    assert (jobs["dead"].reason, jobs["dead"].cause, jobs["dead"].tries) == ("", None, 1)
    (dead,) = [job for job in claim_all(tmp_path) if job.message_id == "dead"]
    assert (dead.attempts, dead.first_at) == (1, LATER)


def test_invalid_and_skipped_jobs_can_be_sent_again(tmp_path: Path) -> None:
    """A retry of what was invalid or skipped forgets the problems of then."""
    build(tmp_path)
    retry(tmp_path, "invalid", "skipped")
    found, jobs = look(tmp_path)
    assert found.balances
    assert (jobs["invalid"].state, jobs["invalid"].problems) == ("waiting", ())


def test_only_what_was_held_in_doubt_is_released_from_it(tmp_path: Path) -> None:
    """Who retries a job that is held in doubt has decided; a dead letter that is in doubt stays so."""

    async def doubtful(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("held")), job_of(event("dead"))], now=NOW)
        held, dead = await claim_one(queue, "held"), await claim_one(queue, "dead")
        note = tried(Response(500, {}, b""), "500", in_doubt=True)
        await queue.hold(held, "in_doubt", now=NOW, note=note)
        await queue.bury(dead, now=NOW, note=note)

    build(tmp_path, doubtful)
    retry(tmp_path, "held", "dead")
    assert {job.message_id: job.in_doubt for job in claim_all(tmp_path)} == {"held": False, "dead": True}
    assert look(tmp_path)[0].ledger.total.in_doubt == 2


def test_a_retry_looks_again(tmp_path: Path) -> None:
    """A job that is in another state by the time it would be moved is left."""
    build(tmp_path)
    with Desk(tmp_path) as desk:
        numbers = job_numbers(desk, Choice(("dead",)))
        assert total(put_back(desk, numbers, ("dead",), now=LATER)).moved == Counter(dead=1)
        assert total(put_back(desk, numbers, ("dead",), now=LATER)).left == Counter(changed=1)
        assert audit(desk).balances


def test_a_drop_ends_jobs(tmp_path: Path) -> None:
    """Waiting, held and dead jobs end as skipped with the reason, and are not claimed any more."""
    build(tmp_path)
    assert dropped(tmp_path, "waiting", "held", "dead").moved == Counter(held=3, waiting=2, dead=1)
    found, jobs = look(tmp_path)
    assert found.balances
    assert {(jobs[name].state, jobs[name].reason, jobs[name].due) for name in ("waiting", "gone", "dead")} == {
        ("skipped", DROPPED, LATER)
    }
    assert [job.message_id for job in claim_all(tmp_path)] == ["sending"]


def test_what_is_being_sent_is_left(tmp_path: Path) -> None:
    """A job in flight is not dropped; when its lease has run out it is, and goes on record as in doubt."""
    build(tmp_path)
    assert dropped(tmp_path, "sending", now=NOW + 2).left == Counter(in_flight=1)
    assert dropped(tmp_path, "sending", now=LATER).moved == Counter(sending=1)
    found, jobs = look(tmp_path)
    assert found.balances
    assert found.ledger.total.in_doubt == 3
    assert jobs["sending"].in_doubt
    with Desk(tmp_path) as desk:
        (lost,) = life_of(desk, "sending").events[0].jobs[0].tries
    assert (lost.failure, lost.in_doubt, lost.body) == ("lost", True, None)


def test_a_dropped_job_is_no_news(tmp_path: Path) -> None:
    """Its event is known as before: when it comes again within the window, it is a duplicate."""
    build(tmp_path)
    dropped(tmp_path, "waiting", message_ids=("waiting",))
    duplicates: list[str] = []

    async def again(queue: SqliteQueue) -> None:
        receipt = await queue.put([job_of(event("waiting"))], now=NOW + 10)
        duplicates.extend(receipt.duplicates)  # type: ignore[union-attr]  # there is room

    build(tmp_path, again)
    assert len(duplicates) == 1


def test_many_jobs_are_moved_in_slices(tmp_path: Path) -> None:
    """However many are moved, the store balances after each transaction."""
    count = 2 * SLICE + 1

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event(f"m-{number}")) for number in range(count)], now=NOW)

    build(tmp_path, fill)
    with Desk(tmp_path) as desk, Desk(tmp_path) as other:
        slices = drop(desk, job_numbers(desk, Choice(("waiting",))), ("waiting",), now=LATER)
        seen = [(sum(part.moved.values()), audit(other)) for part in slices]
    assert [number for number, _ in seen] == [SLICE, SLICE, 1]
    assert all(found.balances for _, found in seen)
    assert [found.ledger.total.skipped for _, found in seen] == [SLICE, 2 * SLICE, count]


# The order of accounts


def claimed(folder: Path) -> list[str]:
    """Claim what can be claimed of a store that keeps the order of accounts."""
    found: list[str] = []

    async def claim(queue: SqliteQueue) -> None:
        found.extend(job.message_id for job in await queue.claim(100, now=LATER, lease=LEASE))

    build(folder, claim, ordering="account")
    return found


async def one_account(queue: SqliteQueue) -> None:
    """Put three jobs of one account, of which the first is dead, and one of another."""
    await queue.put([job_of(event(name)) for name in ("first", "second", "third")], now=NOW)
    await queue.put([job_of(event("other", "user-1"))], now=NOW)
    await queue.bury(await claim_one(queue, "first"), now=NOW, note=Note("400"))


def test_a_retry_goes_before_later_jobs_of_its_account(tmp_path: Path) -> None:
    """A dead letter that is put back is first in its account's line again, and the others wait for it."""
    build(tmp_path, one_account, ordering="account")
    retry(tmp_path, "dead")
    assert look(tmp_path)[1]["second"].blocked
    assert sorted(claimed(tmp_path)) == ["first", "other"]


def test_a_drop_lets_the_next_of_its_account_go(tmp_path: Path) -> None:
    """When the first of a line is dropped, the next one can be claimed."""
    build(tmp_path, one_account, ordering="account")
    dropped(tmp_path, "waiting", message_ids=("second",))
    assert sorted(claimed(tmp_path)) == ["other", "third"]


# Beside a running server


class Server(threading.Thread):
    """A queue in a thread of its own that takes, claims and settles until it is told to stop."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._told_to_end = threading.Event()
        self.ready = threading.Event()
        self.rounds = 0

    def run(self) -> None:
        """Serve."""
        asyncio.run(self._serve())

    def end(self) -> None:
        """Stop serving, and wait until it has ended."""
        self._told_to_end.set()
        self.join()

    async def _serve(self) -> None:
        async with await open_sqlite(self._folder, min_free=0) as queue:
            while not self._told_to_end.is_set():
                await self._round(queue)
                self.rounds += 1
                self.ready.set()

    async def _round(self, queue: SqliteQueue) -> None:
        start = self.rounds * 6
        await queue.put([job_of(event(f"m-{start + number}")) for number in range(6)], now=LATER)
        jobs = await queue.claim(5, now=LATER, lease=LEASE)
        for place, job in enumerate(jobs):
            if place < 2:
                await queue.settle(job, "delivered", now=LATER, note=tried(OK))
            elif place == 2:
                await queue.hold(job, "refused", now=LATER, note=Note("401"))
            else:
                await queue.bury(job, now=LATER, note=tried(Response(400, {}, b""), "400"))


def test_everything_balances_beside_a_server(tmp_path: Path) -> None:
    """While a server takes and settles, jobs are listed, put back and dropped, and every look at the store balances."""
    tmp_path.mkdir(exist_ok=True)
    server = Server(tmp_path)
    server.start()
    server.ready.wait(10)
    moved = Counter[str]()
    try:
        for turn in range(30):
            moved["put back"] += sum(retry(tmp_path, "dead", "held", now=LATER).moved.values())
            found, jobs = look(tmp_path)
            assert found.balances
            assert len(jobs) >= found.ledger.total.dead
            if turn % 3 == 0:
                moved["dropped"] += sum(dropped(tmp_path, "waiting", "dead", now=LATER).moved.values())
                assert look(tmp_path)[0].balances
    finally:
        server.end()
    found, _ = look(tmp_path)
    assert found.balances
    assert server.rounds > 10
    assert moved["put back"] > 10
    assert moved["dropped"] > 10
    assert found.ledger.total.accepted == 6 * server.rounds
