"""An account forgotten: which events are its own, what stays, and that not a byte of it is left in the files."""

import asyncio
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from connector.queue import Attempt, Job, Note, new_job
from connector.queue.desk import Desk
from connector.queue.desk_audit import audit
from connector.queue.desk_forget import FORGOTTEN, Forgotten, find_events, forget
from connector.queue.desk_jobs import Choice, job_numbers
from connector.queue.desk_life import life_of
from connector.queue.desk_moves import put_back, total
from connector.queue.records import attempt_cells
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.queue.store import FILE
from connector.rupt import Request, Response
from connector.values import JSON
from tests.queue.stored import LEASE, MAPPING, NOW, OK, build, claim_one, event, job_of, tried

ACCOUNT = "user-to-forget-73"
EMAIL = "somebody-to-forget@example.com"
LATER = NOW + 300
OTHER = {"context": {"traits": {"email": "ada@example.com"}}}


def its_event(name: str, **more: Any) -> dict[str, Any]:
    """Make an event that names the account's e-mail address."""
    return event(name, **{"user": ACCOUNT, "context": {"traits": {"email": EMAIL}}, **more})


def forgotten(folder: Path, account: str = ACCOUNT, now: float = LATER) -> Forgotten:
    """Forget an account."""
    with Desk(folder) as desk:
        return forget(desk, find_events(desk, account), now=now)


def traces(folder: Path, words: Iterable[str] = (ACCOUNT, EMAIL)) -> list[tuple[str, str]]:
    """Search every file of a folder for words."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [(file.name, word) for file in files for word in words if word.encode() in file.read_bytes()]


async def story(queue: SqliteQueue) -> None:
    """Let events of the account be delivered, dead, held and waiting, between those of somebody else."""
    note = tried(Response(400, {}, b""), "400 bad request", user=ACCOUNT)
    for name in ("delivered", "dead", "held", "waiting"):
        await queue.put([job_of(event(f"other-{name}", "user-42"))], now=NOW)
        await queue.put([job_of(its_event(name)), job_of(its_event(name), "Update User")], now=NOW)
    jobs = {(job.message_id, job.mapping): job for job in await queue.claim(9, now=NOW, lease=LEASE)}
    for (name, _), job in jobs.items():
        if name == "delivered":
            await queue.settle(job, "delivered", now=NOW, note=tried(OK, user=ACCOUNT))
        elif name == "dead":
            await queue.bury(job, now=NOW, note=note)
        elif name == "held":
            await queue.hold(job, "refused", now=NOW, note=note)
        else:
            await queue.hand_back([job])


def test_nothing_of_it_is_left_in_the_files(tmp_path: Path) -> None:
    """Events, bodies and accounts are gone from every file, those of others stay, and the ledger balances."""
    build(tmp_path, story)
    assert traces(tmp_path) != []
    assert forgotten(tmp_path) == Forgotten(events=4, requests=6, unfinished=4)
    assert traces(tmp_path) == []
    assert traces(tmp_path, ["user-42"]) != []
    with Desk(tmp_path) as desk:
        found = audit(desk, deep=True)
        life = life_of(desk, "dead").events[0]
        other = life_of(desk, "other-dead").events[0]
    assert found.balances
    assert (found.ledger.total.accepted, found.ledger.total.skipped) == (12, 4)
    assert life.raw is None
    assert [(job.state, job.tries[0].status, job.tries[0].body) for job in life.jobs] == [("dead", 400, None)] * 2
    assert other.raw is not None


def test_a_reason_that_quotes_is_cut(tmp_path: Path) -> None:
    """Of the reasons of its jobs and attempts only the stable beginning stays: Rupt's words may quote anything."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(its_event(name)) for name in ("dead", "again")], now=NOW)
        await queue.put([job_of(event("other", "user-42"))], now=NOW)
        note = tried(Response(400, {}, b""), f"400 bad request: no {ACCOUNT}: none", user=ACCOUNT)
        await queue.bury(await claim_one(queue, "dead"), now=NOW, note=note)
        await queue.retry(await claim_one(queue, "again"), at=LATER, now=NOW, note=note)
        await queue.bury(await claim_one(queue, "other"), now=NOW, note=Note("400 bad request: for good"))

    build(tmp_path, fill)
    forgotten(tmp_path)
    assert traces(tmp_path) == []
    with Desk(tmp_path) as desk:
        (dead,), (again,), (other,) = (life_of(desk, name).events[0].jobs for name in ("dead", "again", "other"))
    assert (dead.reason, dead.tries[0].reason) == ("400 bad request", "400 bad request")
    assert (again.reason, again.tries[0].reason) == (FORGOTTEN, "400 bad request")
    assert other.reason == "400 bad request: for good"


def test_nothing_is_left_while_a_server_runs(tmp_path: Path) -> None:
    """The files are clean while a server has them open, also of what it has purged before."""

    async def serve() -> None:
        async with await open_sqlite(tmp_path, min_free=0, retention=0, dead_retention=0, window=1.0) as queue:
            for number in range(60):
                await queue.put([job_of(its_event(f"old-{number}", note="x" * 5_000))], now=NOW - 1000)
            for job in await queue.claim(60, now=NOW - 1000, lease=LEASE):
                await queue.settle(job, "delivered", now=NOW - 900, note=tried(OK, user=ACCOUNT))
            assert await queue.purge(NOW - 500) == 60
            await story(queue)
            done = await asyncio.to_thread(forgotten, tmp_path)
            assert (done.events, done.clean) == (4, True)
            assert traces(tmp_path) == []
            await queue.put([job_of(event("after"))], now=LATER)
            assert (await queue.counts()).balances

    asyncio.run(serve())


def test_unused_pages_are_overwritten(tmp_path: Path) -> None:
    """What somebody else has deleted before, and left in unused pages of the file, is gone too."""
    build(tmp_path, story)
    file = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    file.execute("PRAGMA secure_delete = FAST")  # as the server has it
    text = f"{EMAIL} {ACCOUNT} " * 20_000
    columns = "(at, mapping, count, reason, detail, message_ids)"
    file.execute(f"INSERT INTO filtered {columns} VALUES (0, 1, 1, '', ?, '[]')", (text,))
    file.execute("DELETE FROM filtered WHERE at = 0")
    file.close()
    forgotten(tmp_path)
    assert traces(tmp_path) == []
    with Desk(tmp_path) as desk:
        assert audit(desk, deep=True).balances


def test_what_was_forgotten_is_not_sent(tmp_path: Path) -> None:
    """Unfinished jobs end as skipped with the reason, can be claimed by nobody, and cannot be put back."""
    build(tmp_path, story)
    forgotten(tmp_path)
    with Desk(tmp_path) as desk:
        jobs = life_of(desk, "waiting").events[0].jobs
        assert {(job.state, job.reason) for job in jobs} == {("skipped", FORGOTTEN)}
        numbers = job_numbers(desk, Choice(("skipped", "dead")))
        assert total(put_back(desk, numbers, ("skipped", "dead"), now=LATER)).left["forgotten"] == len(numbers) == 6
    found: list[Job] = []

    async def claim(queue: SqliteQueue) -> None:
        found.extend(await queue.claim(100, now=LATER, lease=LEASE))

    build(tmp_path, claim)
    assert {job.account for job in found} == {"user-42"}


def test_a_forgotten_event_is_known_again(tmp_path: Path) -> None:
    """When a sender sends a forgotten event once more within the window, it is a duplicate."""
    build(tmp_path, story)
    forgotten(tmp_path)
    accepted: list[int] = []

    async def again(queue: SqliteQueue) -> None:
        receipt = await queue.put([job_of(its_event("delivered"))], now=NOW + 10)
        accepted.append(receipt.accepted)  # type: ignore[union-attr]  # there is room

    build(tmp_path, again)
    assert accepted == [0]


@pytest.mark.parametrize(
    "data",
    [
        event("m-1", None, anonymousId=ACCOUNT),
        event("m-1", "user-42", anonymousId=ACCOUNT),
        event("m-1", "user-42", previousId=ACCOUNT, type="alias"),
        event("m-1", ACCOUNT),
    ],
)
def test_an_event_that_names_it(data: dict[str, Any], tmp_path: Path) -> None:
    """An account is named as user, as device, or as a former id; text elsewhere in an event does not count."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(data), job_of(event("m-2", properties={"about": ACCOUNT}))], now=NOW)

    build(tmp_path, fill)
    assert forgotten(tmp_path) == Forgotten(events=1, unfinished=1)


def test_an_id_that_is_written_otherwise(tmp_path: Path) -> None:
    """An id of any characters is found, however its event's JSON writes them."""
    account = 'né "7"/\\'

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1", "user-42", anonymousId=account))], now=NOW)  # as ASCII, with escapes

    build(tmp_path, fill)
    assert forgotten(tmp_path, account).events == 1


def test_an_event_that_is_too_deep_to_be_read(tmp_path: Path) -> None:
    """An event that was taken, but cannot be read here, is the account's when it holds its id."""
    deep = "[" * 5_000 + "]" * 5_000
    jobs = [
        new_job(name, MAPPING, f'{{"anonymousId":"{account}","deep":{deep}}}'.encode(), NOW, "user-42")
        for name, account in (("m-1", ACCOUNT), ("m-2", "anon-2"))
    ]
    build(tmp_path, lambda queue: queue.put(jobs, now=NOW))
    assert forgotten(tmp_path) == Forgotten(events=1, unfinished=1)


@pytest.mark.parametrize(
    "request_made",
    [
        Request("POST", "/v2/device/attach", {"user": "a/b c"}),
        Request("POST", "/v3/user/a%2Fb%20c/update", {"email": "ada@example.com"}, auth="secret"),
    ],
)
def test_an_event_whose_request_named_it(request_made: Request, tmp_path: Path) -> None:
    """An event is an account's too when a request that was made of it names the account, by its path or its body."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)
        note = tried(OK)
        assert note.attempt is not None
        made = type(note)(attempt=type(note.attempt)(NOW, 0.1, request_made, OK))
        await queue.settle(await claim_one(queue, "m-1"), "delivered", now=NOW, note=made)

    build(tmp_path, fill)
    assert forgotten(tmp_path, "a/b c") == Forgotten(events=1, requests=1)
    assert traces(tmp_path, ["a%2Fb%20c", "a/b c", "ada@example.com"]) == []


def test_what_is_being_sent_is_left_and_said(tmp_path: Path) -> None:
    """An event in flight keeps its text until its lease has run out; then it can be erased."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(its_event("m-1")), job_of(its_event("m-2"))], now=NOW)
        await claim_one(queue, "m-1", NOW)

    build(tmp_path, fill)
    first = forgotten(tmp_path, now=NOW + 1)
    assert (first.events, first.in_flight, first.is_whole) == (1, 1, False)
    with Desk(tmp_path) as desk:
        assert life_of(desk, "m-1").events[0].raw is not None
        assert audit(desk).balances
    second = forgotten(tmp_path, now=NOW + LEASE + 1)
    assert (second.events, second.in_flight, second.is_whole) == (1, 0, True)
    assert traces(tmp_path) == []
    with Desk(tmp_path) as desk:
        assert audit(desk).balances


def test_a_stored_answer_repeats_nothing() -> None:
    """What Rupt says is stored without what it repeats of the request: no text of the body, and no id of the path."""
    body: dict[str, JSON] = {"user": "ada-account", "fingerprint": "anon-ada", "metadata": {"plan": "gold-plan"}}
    said = b'{"message":"refused: ada-account anon-ada gold-plan"}'
    attempt = Attempt(0.0, 0.1, Request("POST", "/v2/device/attach", body), Response(400, {}, said), "400 bad request")
    answer = attempt_cells(attempt)[7]
    assert isinstance(answer, str)
    assert "refused" in answer
    assert not [value for value in ("ada-account", "anon-ada", "gold-plan") if value in answer]
