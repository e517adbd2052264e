"""`why`: the whole life of an event in words and in JSON, and what to do when nothing is known of it."""

from pathlib import Path

import pytest

from connector.queue import Filtered
from connector.queue.sqlite import SqliteQueue
from tests.cli.command import Done, call
from tests.queue.stored import LEASE, NOW, build, event, job_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a store with a job in each state."""
    return build(tmp_path / "data")


def why(folder: Path, name: str, *args: str) -> Done:
    """Ask."""
    return call("why", name, "--data", folder, *args)


def test_the_life_of_a_dead_letter(folder: Path) -> None:
    """It is told when the event came, who took it, each attempt with what was sent and answered, and how it ended."""
    done = why(folder, "dead")
    assert done.code == 0
    first, _, mapping, attempt, sent, end = done.out.splitlines()
    assert first.startswith("dead  received 20")
    assert first.endswith("Z, taken by Attach Device")
    assert mapping == "  Attach Device"
    assert attempt.startswith("    attempt 1  20")
    assert attempt.endswith("Z  400 bad request, after 12 ms")
    assert sent == '      POST /v2/device/attach  {"user":"user-42","email":"ada@example.com","page":"/home"}'
    assert end.startswith("    dead 20")
    assert end.endswith("Z: 400 bad request")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("delivered", "200, after 12 ms"),
        ("skipped", "Z: stale: it is too old"),
        ("invalid", "      Account must be a string."),
        ("retried", "in doubt: it may have landed"),
        ("retried", "waiting: timeout: no answer in time; next attempt at"),
        ("refused", "it goes on by itself when that is mended"),
        ("doubtful", "`jobs retry` sends it again"),
        ("gone", "it goes on when the destination file is mended"),
        ("sending", "no answer came in time: it is claimed again, in doubt"),
        ("waiting", "waiting; it is sent as soon as its turn comes"),
        ("unwanted", "filtered: NO_MATCHING_MAPPING: no trigger holds for it"),
    ],
)
def test_where_an_event_is(name: str, words: str, folder: Path) -> None:
    """Each state says why, and what happens next."""
    done = why(folder, name)
    assert done.code == 0
    assert words in done.out


def test_a_life_as_json(folder: Path) -> None:
    """With --json a life is one line for each time that the event came; the event itself is not in it."""
    (row,) = why(folder, "retried", "--json").rows
    assert list(row) == ["messageId", "receivedAt", "forgotten", "jobs"]
    (job,) = row["jobs"]
    assert (job["state"], job["inDoubt"], job["mapping"]) == ("waiting", True, "Attach Device")
    assert job["nextAt"] > row["receivedAt"]
    (attempt,) = job["attempts"]
    assert attempt["request"]["path"] == "/v2/device/attach"
    assert (attempt["failure"], attempt["inDoubt"], attempt["latency"]) == ("timeout", True, 0.012)
    (row,) = why(folder, "unwanted", "--json").rows
    assert (row["state"], row["mapping"], row["reason"]) == ("filtered", None, "NO_MATCHING_MAPPING")


def test_an_attempt_that_a_crash_cut_off(folder: Path) -> None:
    """What was being sent when the process died is told as an attempt in doubt, once it is claimed again."""

    async def claim(queue: SqliteQueue) -> None:
        await queue.claim(1, now=NOW + 300, lease=LEASE)

    build(folder, claim)
    assert "no answer was recorded" in why(folder, "sending").out
    assert "in doubt: it may have landed" in why(folder, "sending").out


def test_an_event_that_waits_for_its_account(tmp_path: Path) -> None:
    """In order of accounts, a later event says that an earlier one goes first."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([job_of(event("first")), job_of(event("second"))], now=NOW)

    folder = build(tmp_path, fill, ordering="account")
    assert "an earlier event of the same account goes first" in why(folder, "second").out


def test_a_discard_tells_its_detail(tmp_path: Path) -> None:
    """An event that was discarded at the door is told with what was wrong with it."""

    async def fill(queue: SqliteQueue) -> None:
        await queue.put([], now=NOW, filtered=[Filtered("m-1", "id_not_string", detail="userId must be a string")])

    done = why(build(tmp_path, fill), "m-1")
    assert done.out.endswith("filtered: id_not_string: an id that is no text (userId must be a string)\n")


def test_a_detail_goes_before_words_that_are_too_general(tmp_path: Path) -> None:
    """What was discarded for a reason that stands for much, or is new, is told by its detail alone."""

    async def fill(queue: SqliteQueue) -> None:
        found = (
            Filtered("m-1", "bad_request", detail="it is too large"),
            Filtered("m-2", "new_name", detail="so it is"),
        )
        await queue.put([], now=NOW, filtered=[*found, Filtered("m-3", "bad_request")])

    folder = build(tmp_path, fill)
    assert why(folder, "m-1").out.endswith("filtered: bad_request: it is too large\n")
    assert why(folder, "m-2").out.endswith("filtered: new_name: so it is\n")
    assert why(folder, "m-3").out.endswith("filtered: bad_request: it cannot be read as JSON, or is no object\n")


def test_nothing_is_known(folder: Path) -> None:
    """Of an unknown id it is said so, with what else may be, and the exit code is 1."""
    done = why(folder, "m-unknown")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("nothing is known of 'm-unknown' in ")
    for words in ("did its sender get a 200?", "--retention", "jobs list --state filtered", "--data DIR"):
        assert words in done.err
