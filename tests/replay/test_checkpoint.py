"""The checkpoint: what it remembers from run to run, and what it refuses."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from connector.errors import UsageError
from connector.queue import Attempt, Job, Note, new_job
from connector.replay.checkpoint import Checkpoint, CheckpointedQueue
from connector.rupt import Failure, Request

ADDRESS = "https://api.rupt.dev"
JOBS = [new_job(f"m-{number}", "Attach Device", b"{}", 0.0) for number in range(3)]
KEYS = [job.key for job in JOBS]
REQUEST = Request("POST", "/v2/device/attach", {})
LOST = Note(attempt=Attempt(0.0, 0.0, REQUEST, Failure("timeout", "no answer in time"), "timeout", in_doubt=True))


def open_checkpoint(folder: Path, *, address: str = ADDRESS, client_id: str = "client-1") -> Checkpoint:
    """Open the checkpoint of a folder."""
    return Checkpoint(str(folder / "cp"), address=address, client_id=client_id)


async def claim_all(queue: CheckpointedQueue) -> list[Job]:
    """Put all jobs and claim them."""
    await queue.put(JOBS, now=0.0)
    return await queue.claim(10, now=0.0, lease=60.0)


def test_an_earlier_run_is_told_from_this_one(tmp_path: Path) -> None:
    """What this run delivers is delivered, and for the next run delivered before; what nobody sent is not there."""
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS[:2])
        checkpoint.finish(KEYS[0])
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "delivered"}
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "delivered_before", KEYS[1]: "in_doubt"}


def test_what_was_in_doubt_and_is_delivered_is_done(tmp_path: Path) -> None:
    """A job that an earlier run left in doubt is in doubt until it is delivered."""
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS[:1])
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS[:1])
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "in_doubt"}
        checkpoint.finish(KEYS[0])
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "delivered"}


def test_a_refusal_now_does_not_clear_a_doubt_of_then(tmp_path: Path) -> None:
    """Forgetting is for what this run has sent: what an earlier run may have landed stays in doubt."""
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS[:1])
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS[:2])
        checkpoint.forget(KEYS[0])
        checkpoint.forget(KEYS[1])
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "in_doubt"}


def test_each_way_out_of_the_queue_is_noted(tmp_path: Path) -> None:
    """Delivered is remembered; skipped, dead, held, handed back and put off are not, unless they may have landed."""

    async def scenario(queue: CheckpointedQueue) -> None:
        first, second, third = await claim_all(queue)
        await queue.settle(first, "delivered", now=1.0)
        await queue.bury(second, now=1.0)
        await queue.retry(third, at=1.0, now=1.0, note=LOST)
        (again,) = await queue.claim(1, now=2.0, lease=60.0)
        await queue.hold(again, "refused", now=2.0)

    with open_checkpoint(tmp_path) as checkpoint:
        asyncio.run(scenario(CheckpointedQueue(checkpoint)))
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.look_up(KEYS) == {KEYS[0]: "delivered_before", KEYS[2]: "in_doubt"}


def test_what_was_surely_not_sent_is_forgotten(tmp_path: Path) -> None:
    """A job that was skipped, put off or handed back is as if it had never been claimed."""

    async def scenario(queue: CheckpointedQueue) -> None:
        first, second, third = await claim_all(queue)
        await queue.settle(first, "skipped", now=1.0)
        await queue.retry(second, at=9.0, now=1.0)
        await queue.hand_back([third])

    with open_checkpoint(tmp_path) as checkpoint:
        asyncio.run(scenario(CheckpointedQueue(checkpoint)))
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.look_up(KEYS) == {}


@pytest.mark.parametrize("message_id", ["a\0b", "\ud800", "☕", "x' OR 1=1 --"])
def test_any_message_id_is_its_own(message_id: str, tmp_path: Path) -> None:
    """Keys are kept as they are, whatever JSON allows in them."""
    key, *others = (new_job(name, "M", b"", 0.0).key for name in (message_id, message_id + "x", "a", "a\0c"))
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin([key])
        checkpoint.finish(key)
        assert checkpoint.look_up([key, *others]) == {key: "delivered"}


def test_another_destination_is_refused(tmp_path: Path) -> None:
    """A checkpoint with deliveries is for one address and one client id; the client id itself is not in the file."""
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS)
        checkpoint.finish(KEYS[0])
    with pytest.raises(UsageError, match=r"belongs to a replay to https://api\.rupt\.dev; name another file"):
        open_checkpoint(tmp_path, address="http://127.0.0.1:8787")
    with pytest.raises(UsageError, match="belongs to a replay with another client id; name another file"):
        open_checkpoint(tmp_path, client_id="client-2")
    assert b"client-1" not in (tmp_path / "cp").read_bytes()


def test_an_empty_checkpoint_is_for_anybody(tmp_path: Path) -> None:
    """After a run that delivered nothing, as with a wrong client id, the right one can use the same file."""
    with open_checkpoint(tmp_path) as checkpoint:
        checkpoint.begin(KEYS)
        for key in KEYS:
            checkpoint.forget(key)
    with open_checkpoint(tmp_path, client_id="client-2") as checkpoint:
        assert checkpoint.look_up(KEYS) == {}


def test_a_second_one_at_a_time_is_refused(tmp_path: Path) -> None:
    """While a checkpoint is open nobody else can open it; afterwards it can be opened."""
    with open_checkpoint(tmp_path), pytest.raises(UsageError, match="another replay is using it; wait"):
        open_checkpoint(tmp_path)
    with open_checkpoint(tmp_path) as checkpoint:
        assert checkpoint.look_up(KEYS) == {}


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    """An SQLite file of another program is refused and not changed."""
    other = sqlite3.connect(tmp_path / "cp")
    other.execute("CREATE TABLE jobs (key TEXT)")
    other.commit()
    other.close()
    before = (tmp_path / "cp").read_bytes()
    with pytest.raises(UsageError, match="this file is not a checkpoint; name another file"):
        open_checkpoint(tmp_path)
    assert (tmp_path / "cp").read_bytes() == before


@pytest.mark.parametrize("name", ["none/cp", "."])
def test_a_place_that_cannot_hold_it_is_said(name: str, tmp_path: Path) -> None:
    """A missing folder, or a folder in its place, is an error with what to look at."""
    with pytest.raises(UsageError, match="it cannot be opened; is there such a folder, and may you write in it"):
        Checkpoint(str(tmp_path / name), address=ADDRESS, client_id="c")


def test_a_name_is_a_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SQLite would take for a database in memory is a file all the same."""
    monkeypatch.chdir(tmp_path)
    with Checkpoint(":memory:", address=ADDRESS, client_id="c") as checkpoint:
        checkpoint.begin(KEYS)
    assert (tmp_path / ":memory:").is_file()
