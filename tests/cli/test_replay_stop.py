"""A replay that is stopped, killed or doubled: nothing is lost, and nothing is sent twice that need not be."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import Done, Process, call, lines, page, start, write_config, write_events
from tests.cli.standing import Standing, standing

EVENTS = 60
USERS = {f"user-{number}" for number in range(EVENTS)}


def prepare(rupt: Standing, folder: Path, *settings: str) -> list[str]:
    """Write a recording and its destination file; give the command line that replays it with a checkpoint."""
    events = write_events(folder / "events.ndjson", *map(page, range(EVENTS)))
    settings = (f"domain: {rupt.url}", "max_event_age: none", "delivery: {first_retry: 1ms}", *settings)
    config = write_config(folder, settings=settings)
    return ["replay", "--config", str(config), "--concurrency", "10", "--checkpoint", str(folder / "cp"), str(events)]


@contextmanager
def in_flight(rupt: Standing, command: list[str]) -> Iterator[Process]:
    """Run a replay until ten of its requests have been carried out and wait for their answers, which never come."""
    with start(*command) as process:
        assert process.read_word_line().startswith("sending to ")
        rupt.wait_for_calls(10)
        yield process


def resume(rupt: Standing, command: list[str]) -> Done:
    """Run the same command again, with a stand-in that answers at once."""
    rupt.stand.faults.set_rates("")
    return call(*command, "--json")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_what_is_in_flight(number: int, tmp_path: Path) -> None:
    """After Ctrl-C the answers in flight are waited for, it says how to go on, and going on sends each event once."""
    with standing(rates="latency=0.2") as rupt:
        command = prepare(rupt, tmp_path)
        with start(*command) as process:
            rupt.wait_for_answers(10)
            process.send_signal(number)
            done = process.finish()
        first = rupt.users()
        assert 10 <= len(first) < EVENTS
        assert resume(rupt, command).code == 0
        assert rupt.answered() == dict.fromkeys(USERS, 1)
    assert done.code == 130
    assert "requests in flight; Ctrl-C again does not wait\n" in done.err
    assert done.err.endswith(f"stopped before the end\nto go on:\n  rupt-connector {' '.join(command)}\n")
    assert done.out.startswith(f"{EVENTS} events: {len(first)} delivered, {EVENTS - len(first)} waiting\n")


def test_what_says_how_to_go_on_does_go_on(tmp_path: Path) -> None:
    """The command that is printed, run as it is printed, sends the rest."""
    with standing("", "", "401") as rupt:
        command = prepare(rupt, tmp_path)
        done = call(*command, "--since", "2026-11-21", "--limit", "5", "--allow-stale", "--only", "Attach Device")
        assert done.code == 3
        printed = done.err.splitlines()[-1].split()
        assert printed[:2] == ["rupt-connector", "replay"]
        assert {"--since", "--limit", "--allow-stale", "--only", "--checkpoint", "--concurrency"} <= set(printed)
        words = done.err.splitlines()[-1].strip().replace("'Attach Device'", "Attach_Device").split()[1:]
        again = call(*(word.replace("_", " ") if word == "Attach_Device" else word for word in words))
        assert again.code == 0
        assert rupt.users() == {f"user-{number}" for number in range(5)}
        assert rupt.stand.counts["200"] == 5


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    """The second Ctrl-C gives up the answers in flight; those deliveries are in doubt, and made again."""
    with standing(rates="accept-latency=20") as rupt:
        command = prepare(rupt, tmp_path)
        with in_flight(rupt, command) as process:
            process.send_signal(signal.SIGINT)
            assert (
                process.read_word_line() == "stopping: waiting for 10 requests in flight; Ctrl-C again does not wait\n"
            )
            process.send_signal(signal.SIGINT)
            done = process.finish()
        assert done.code == 130
        assert "not waiting for 10 requests: what was sent may have landed\n" in done.err
        check_nothing_is_lost(rupt, resume(rupt, command))


def test_a_killed_replay_loses_nothing(tmp_path: Path) -> None:
    """After a kill only what was in flight may come twice, and that is told."""
    with standing(rates="accept-latency=20") as rupt:
        command = prepare(rupt, tmp_path)
        with in_flight(rupt, command) as process:
            process.send_signal(signal.SIGKILL)
            assert process.finish().code == -signal.SIGKILL
        check_nothing_is_lost(rupt, resume(rupt, command))


def check_nothing_is_lost(rupt: Standing, resumed: Done) -> None:
    """Check that all users are known, and that what came twice is what is told as in doubt."""
    assert resumed.code == 0
    assert rupt.users() == USERS
    doubtful = {row["payload"]["account"] for row in resumed.rows if row.get("inDoubt")}
    assert len(doubtful) == 10
    delivered = {row["payload"]["account"] for row in resumed.rows if row["outcome"] == "delivered"}
    assert delivered == USERS
    assert "10 deliveries were in flight when an earlier run ended, and may have landed then: sent again" in resumed.err


def test_what_is_in_doubt_can_be_held(tmp_path: Path) -> None:
    """With in_doubt: hold what was in flight is not sent again; the rest is."""
    with standing(rates="accept-latency=20") as rupt:
        command = prepare(rupt, tmp_path, "in_doubt: hold")
        with in_flight(rupt, command) as process:
            process.send_signal(signal.SIGKILL)
            process.finish()
        first = rupt.users()
        resumed = resume(rupt, command)
        assert resumed.code == 4
        held = {f"user-{row['messageId'][2:]}" for row in resumed.rows if row["outcome"] == "held"}
        assert held == first
        assert rupt.users() == USERS
        assert len(rupt.stand.requests) == EVENTS - 10
        assert "10 deliveries were in flight when an earlier run ended, and may have landed then\n" in resumed.err
        assert "10 deliveries were held, since they may have landed; with settings.in_doubt: send" in resumed.err
        still = call(*command, "--json")
        assert {row["outcome"] for row in still.rows} == {"held", "skipped"}


def test_a_third_run_has_nothing_to_do(tmp_path: Path) -> None:
    """What was delivered is skipped with that reason, in every later run."""
    with standing() as rupt:
        command = prepare(rupt, tmp_path)
        assert call(*command).code == 0
        again = call(*command, "--json")
        assert again.code == 0
        assert {(row["outcome"], row["reason"]) for row in again.rows} == {
            ("skipped", "delivered_before: the checkpoint says that an earlier run delivered it")
        }
        assert rupt.answered() == dict.fromkeys(USERS, 1)


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    """A dead letter of one run is sent by the next, and the first one says so."""
    with standing("400") as rupt:
        command = prepare(rupt, tmp_path)
        done = call(*command)
        assert done.code == 4
        assert f"to try the 1 that failed once more:\n  rupt-connector {' '.join(command)}\n" in done.err
        assert call(*command).code == 0
        assert rupt.users() == USERS
        assert rupt.stand.counts["200"] == EVENTS


def test_two_replays_cannot_share_a_checkpoint(tmp_path: Path) -> None:
    """A second replay over a checkpoint in use ends with 2, sends nothing, and says why."""
    with standing(rates="accept-latency=20") as rupt:
        command = prepare(rupt, tmp_path)
        with in_flight(rupt, command) as process:
            done = call(*command)
            process.send_signal(signal.SIGKILL)
            process.finish()
        assert len(rupt.users()) == 10
    assert (done.code, done.out) == (2, "")
    used = "another replay is using it; wait until that ends, or name another file"
    assert done.err == f"error: --checkpoint {tmp_path / 'cp'}: {used}\n"


def test_a_checkpoint_belongs_to_one_destination(tmp_path: Path) -> None:
    """What a stand-in was sent does not count for Rupt: another address or client id is refused."""
    with standing() as rupt, standing() as other:
        command = prepare(rupt, tmp_path)
        assert call(*command).code == 0
        prepare(other, tmp_path)
        done = call(*command)
        assert (done.code, other.users()) == (2, set())
        assert done.err == (
            f"error: --checkpoint {tmp_path / 'cp'}: it belongs to a replay to {rupt.url}; name another file\n"
        )


@pytest.mark.parametrize("content", [b"just words, and enough of them to fill a page" * 100, b"x"])
def test_a_file_of_something_else_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    """A file that is no checkpoint is refused and left as it is."""
    (tmp_path / "cp").write_bytes(content)
    with standing() as rupt:
        done = call(*prepare(rupt, tmp_path))
        assert rupt.users() == set()
    assert done.code == 2
    assert "this file is not a checkpoint; name another file" in done.err
    assert (tmp_path / "cp").read_bytes() == content


def test_without_a_checkpoint_it_says_what_a_new_run_does(tmp_path: Path) -> None:
    """Stopped without a checkpoint, it says that a new run sends again what was delivered."""
    with standing("", "", "403") as rupt:
        command = prepare(rupt, tmp_path)
        at = command.index("--checkpoint")
        done = call(*command[:at], *command[at + 2 :], "--concurrency", "1")
    assert done.code == 3
    assert "this sends the 2 that were delivered again; with --checkpoint FILE from the start it would not" in done.err


def test_silent_standard_input_does_not_keep_it_alive(tmp_path: Path) -> None:
    """Ctrl-C ends a replay whose standard input stays open and says nothing more."""
    with standing() as rupt:
        prepare(rupt, tmp_path)
        with start("replay", "-", "--config", tmp_path / "rupt.yaml", stdin=subprocess.PIPE) as process:
            process.write(lines(page(1)))
            rupt.wait_for_answers(1)
            process.send_signal(signal.SIGINT)
            done = process.finish()
    assert done.code == 130
    assert done.out.startswith("1 event: 1 delivered\n")
    assert "\nstopped before the end\nto start again, with the same recording on standard input:\n" in done.err
    assert "Fatal" not in done.err


def test_ctrl_c_ends_a_dry_run(tmp_path: Path) -> None:
    """A dry run ends at once, with a word and no traceback."""
    config = write_config(tmp_path, settings=["max_event_age: none"])
    with start("replay", "--dry-run", "--json", "-", "--config", config, stdin=subprocess.PIPE) as process:
        process.write(lines(*map(page, range(120))))  # more than one write of rows, and less than a pipe holds
        assert process.read_data_line().startswith('{"messageId":"m-0"')
        process.send_signal(signal.SIGINT)
        done = process.finish()
    assert (done.code, done.err) == (130, "interrupted\n")
