"""The desk: a store that is opened, refused, read at one moment, and counted against its own rows."""

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from connector.errors import UsageError
from connector.queue import Filtered
from connector.queue.desk import Desk
from connector.queue.desk_audit import Difference, Imbalance, audit
from connector.queue.desk_jobs import Choice, list_filtered, list_jobs, stored_jobs
from connector.queue.desk_life import life_of
from connector.queue.sqlite import SqliteQueue
from connector.queue.store import FILE
from tests.queue.stored import MAPPING, NOW, OK, build, claim_one, event, job_of, tried

ALL = ("waiting", "sending", "held", "delivered", "skipped", "invalid", "dead")


def names(folder: Path, **chosen: object) -> list[str]:
    """List the messageIds of chosen jobs."""
    choice = Choice(**{"states": ALL, **chosen})  # type: ignore[arg-type]
    with Desk(folder) as desk:
        return [job.message_id for job in list_jobs(desk, choice)]


# Opening


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Without a folder or a queue in it the error names the path and what to do, and nothing is made."""
    with pytest.raises(UsageError, match=r"nowhere: there is no queue .*--data"):
        Desk(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="there is no queue in this folder"):
        Desk(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be one" * 100])
def test_a_file_that_is_no_queue(content: bytes, tmp_path: Path) -> None:
    """A file that is something else is refused and left as it is."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UsageError, match=r"queue\.db: .*no queue of ours"):
        Desk(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_newer_schema(tmp_path: Path) -> None:
    """A store that a later version has made is refused."""
    build(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(UsageError, match="a later rupt-connector has made it"):
        Desk(tmp_path)


def test_a_damaged_file(tmp_path: Path) -> None:
    """Damage that is met while reading is told, with what to do."""
    build(tmp_path)
    with open(tmp_path / FILE, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)
    with Desk(tmp_path) as desk, pytest.raises(UsageError, match=r"queue\.db: the file is damaged"):
        audit(desk)


def test_a_write_waits_its_time(tmp_path: Path) -> None:
    """A write that gets no turn ends in an error that says why, and has changed nothing."""
    build(tmp_path)
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Desk(tmp_path, patience=0.01) as desk, pytest.raises(UsageError, match="another process"), desk.writing():
        pass
    other.close()


# Which jobs


def test_jobs_are_chosen(tmp_path: Path) -> None:
    """State, reason, problem, account, messageId and limit choose together; the oldest come first."""
    build(tmp_path)
    assert names(tmp_path, states=("held",)) == ["refused", "doubtful", "gone"]
    assert names(tmp_path, reason="NO ANSWER in") == ["retried", "doubtful"]
    assert names(tmp_path, reason="must be a string") == ["invalid"]
    assert names(tmp_path, account="user-of-dead") == ["dead"]
    assert names(tmp_path, message_ids=("gone", "dead", "unknown")) == ["dead", "gone"]
    assert names(tmp_path, message_ids=("gone", "dead"), states=("held",)) == ["gone"]
    assert names(tmp_path, mapping="Another") == []
    assert names(tmp_path, limit=2) == ["delivered", "skipped"]


def test_jobs_are_chosen_by_time(tmp_path: Path) -> None:
    """`since` is the first moment that is taken, `until` the first that is not."""

    async def fill(queue: SqliteQueue) -> None:
        for number in range(3):
            await queue.put([job_of(event(f"m-{number}"), at=NOW + number)], now=NOW)

    build(tmp_path, fill)
    assert names(tmp_path, since=NOW + 1) == ["m-1", "m-2"]
    assert names(tmp_path, until=NOW + 1) == ["m-0"]


def test_filtered_events_are_listed(tmp_path: Path) -> None:
    """What made no job is listed each with its reason; an account chooses none of them."""

    async def fill(queue: SqliteQueue) -> None:
        filtered = [Filtered(f"f-{number}", "bad_request", detail="no object") for number in range(3)]
        await queue.put([], now=NOW, filtered=[*filtered, Filtered("f-9", "NO_MATCHING_MAPPING")])

    build(tmp_path, fill)
    with Desk(tmp_path) as desk:
        found = [one.message_id for one in list_filtered(desk, Choice(("filtered",), reason="bad", limit=2))]
        assert found == ["f-0", "f-1"]
        assert list(list_filtered(desk, Choice(("filtered",), account="user-42"))) == []
        assert [one.reason for one in list_filtered(desk, Choice(("filtered",), ("f-9",)))] == ["NO_MATCHING_MAPPING"]


def test_a_stored_job_has_its_event_and_last_request(tmp_path: Path) -> None:
    """What a retry would be planned from: the event as it came, and the last request that was made of it."""
    build(tmp_path)
    with Desk(tmp_path) as desk:
        (dead,) = list_jobs(desk, Choice(("dead",)))
        (stored,) = stored_jobs(desk, [dead.number])
        assert list(stored_jobs(desk, [dead.number + 1_000_000])) == []
    assert stored is not None
    assert stored.job is not None
    assert stored.job.key == job_of(event("dead")).key
    assert stored.last is not None
    assert (stored.last.status, stored.last.path) == (400, "/v2/device/attach")


# The life of an event


def test_an_event_that_came_twice(tmp_path: Path) -> None:
    """A messageId that was accepted again after the window has two lives, the older first."""

    async def fill(queue: SqliteQueue) -> None:
        for at in (NOW - 200_000, NOW):
            await queue.put([job_of(event("m-1"), at=at)], now=at)
            await queue.settle(await claim_one(queue, "m-1", at), "delivered", now=at, note=tried(OK))

    build(tmp_path, fill)
    with Desk(tmp_path) as desk:
        life = life_of(desk, "m-1")
    assert [one.received_at for one in life.events] == [NOW - 200_000, NOW]
    assert [job.state for one in life.events for job in one.jobs] == ["delivered", "delivered"]


def test_an_id_that_is_part_of_another(tmp_path: Path) -> None:
    """A filtered event is found by its whole id only, whatever characters are in it."""
    strange = 'a"b\\é'

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([], now=NOW, filtered=[Filtered("m-10", "x"), Filtered(strange, "y")])

    build(tmp_path, fill)
    with Desk(tmp_path) as desk:
        assert life_of(desk, "m-1").filtered == ()
        assert [one.reason for one in life_of(desk, strange).filtered] == ["y"]
        assert life_of(desk, "\udcff").events == ()  # an argument of bytes that are no text


def test_no_repr_names_a_person(tmp_path: Path) -> None:
    """What prints a life in a log by accident prints no event and no request."""
    build(tmp_path)
    with Desk(tmp_path) as desk:
        assert "ada@example.com" not in repr(life_of(desk, "dead"))


# The audit


def tamper(folder: Path, statement: str) -> None:
    """Change the file behind the ledger's back."""
    file = sqlite3.connect(folder / FILE)
    with file:
        file.execute(statement)
    file.close()


def test_a_store_balances(tmp_path: Path) -> None:
    """With a job in every state the counters agree with one another and with the rows, before and after a purge."""

    async def purge(queue: SqliteQueue) -> None:
        await queue.purge(NOW + 8 * 86_400)

    build(tmp_path)
    with Desk(tmp_path) as desk:
        before = audit(desk, deep=True)
    build(tmp_path, purge)
    with Desk(tmp_path) as desk:
        after = audit(desk, deep=True)
    assert before.balances
    assert after.balances
    assert after.ledger == before.ledger
    assert before.ledger.total.accepted == 11
    assert after.ledger.total.delivered == 1
    assert names(tmp_path, states=("delivered",)) == []


def test_an_empty_store_balances(tmp_path: Path) -> None:
    """A store that nothing was put into balances."""

    async def nothing(_: SqliteQueue) -> None:
        pass

    build(tmp_path, nothing)
    with Desk(tmp_path) as desk:
        assert audit(desk).balances


def test_a_counter_that_is_wrong(tmp_path: Path) -> None:
    """A tally that was changed is named, with what it says and what the rows say."""
    build(tmp_path)
    tamper(tmp_path, "UPDATE tallies SET count = count + 2 WHERE what = 'dead'")
    with Desk(tmp_path) as desk:
        found = audit(desk)
    assert found.imbalances == (Imbalance(MAPPING, 10, 12),)
    assert found.differences == (Difference(MAPPING, "dead", 3, 1, 0),)
    assert not found.balances


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM events WHERE message_id = 'dead'", "jobs whose event is gone"),
        ("DELETE FROM jobs WHERE state = 'dead'", "attempts whose job is gone"),
        ("UPDATE events SET raw = NULL WHERE message_id = 'waiting'", "unfinished jobs whose event was erased"),
        ("DELETE FROM mappings WHERE name = ''", "rows whose mapping is gone"),
    ],
)
def test_a_row_out_of_place(statement: str, words: str, tmp_path: Path) -> None:
    """Rows that belong to nothing are counted."""
    build(tmp_path)
    tamper(tmp_path, statement)
    with Desk(tmp_path) as desk:
        assert Counter(dict(audit(desk).strays))[words] >= 1
