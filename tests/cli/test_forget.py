"""`forget`: what is stored of an account is erased when it is meant, and counted without a value."""

import io
from pathlib import Path

from connector.queue.sqlite import SqliteQueue
from tests.cli.command import call
from tests.queue.stored import NOW, build, event, job_of


def test_an_account_is_forgotten(tmp_path: Path) -> None:
    """Its events are erased and counted, and named nowhere; the ledger balances, and `why` says what happened."""
    folder = build(tmp_path)
    done = call("forget", "--account", "user-of-gone", "--yes", "--data", folder)
    assert done.code == 0
    assert done.out == "1 event erased, 0 sent requests of them; 1 job will not be sent any more\n"
    assert "user-of-gone" not in done.out + done.err
    assert call("audit", "--data", folder).code == 0
    life = call("why", "gone", "--data", folder).out
    assert "its content was erased: it has been forgotten" in life
    assert "skipped" in life
    (row,) = call("forget", "--account", "anon-of-dead", "--yes", "--json", "--data", folder).rows
    assert row == {"events": 1, "requests": 1, "unfinished": 0, "in_flight": 0, "clean": True}


def test_it_is_asked_first(tmp_path: Path) -> None:
    """Off a terminal nothing is erased without --yes; an account of which nothing is stored needs no question."""
    folder = build(tmp_path)
    done = call("forget", "--account", "user-of-dead", "--data", folder)
    assert done.code == 2
    assert "Erase 1 stored event for good? Nobody can be asked here: give --yes" in done.err
    assert call("forget", "--account", "nobody", "--data", folder).out.startswith("0 events erased")
    assert len(call("jobs", "list", "--json", "--account", "user-of-dead", "--data", folder).rows) == 1


def test_what_is_being_sent_is_told(tmp_path: Path) -> None:
    """An event in flight is left, which is said, and the exit code is 1."""

    async def fly(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("m-1"))], now=NOW)
        await queue.claim(1, now=NOW, lease=86_400)

    err = io.StringIO()
    done = call("forget", "--account", "user-42", "--yes", "--data", build(tmp_path, fly), stderr=err)
    assert done.code == 1
    assert done.err == "1 event left: being sent at this moment; run it again in a minute\n"


def test_nobody_cannot_be_forgotten(tmp_path: Path) -> None:
    """An empty id is wrong usage: it names nobody."""
    done = call("forget", "--account", "", "--yes", "--data", build(tmp_path))
    assert done.code == 2
    assert "--account names nobody" in done.err
