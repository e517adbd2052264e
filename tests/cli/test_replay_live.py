"""`replay` that delivers: to a stand-in for Rupt that does what is asked of it, and what is not."""

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.command import Done, call, lines, page, start, write_config, write_events
from tests.cli.standing import Standing, standing

QUICK = "delivery: {first_retry: 1ms, attempts: 3}"


def replay(rupt: Standing, folder: Path, *args: str | Path, events: int = 5, settings: tuple[str, ...] = ()) -> Done:
    """Deliver pages to a stand-in, with retries that do not wait."""
    config = write_config(folder, settings=[f"domain: {rupt.url}", "max_event_age: none", QUICK, *settings])
    return call("replay", "-", "--config", config, *args, stdin=lines(*map(page, range(events))))


# What becomes of a delivery


def test_all_delivered_is_a_success(tmp_path: Path) -> None:
    """Every event reaches the stand-in once, the summary says so, and the exit code is 0."""
    with standing(client_id="client-1") as rupt:
        done = replay(rupt, tmp_path)
        assert rupt.answered() == {f"user-{number}": 1 for number in range(5)}
    assert done.code == 0
    assert done.err == f"sending to {rupt.url}; events of any age are sent, and Rupt takes each for an access now\n"
    assert done.out.startswith("5 events: 5 delivered\n")


def test_rows_tell_what_was_sent_and_answered(tmp_path: Path) -> None:
    """With --json each delivery is a row with its payload, request, access state and attempts, on standard output."""
    with standing() as rupt:
        done = replay(rupt, tmp_path, "--json", events=1)
    (row,) = done.rows
    assert list(row) == ["messageId", "mapping", "outcome", "payload", "request", "access", "attempts"]
    assert (row["messageId"], row["outcome"], row["attempts"]) == ("m-0", "delivered", 1)
    assert row["request"]["url"] == f"{rupt.url}/v2/device/attach"
    assert row["access"]["new_device"] is True
    assert row["access"]["limit_exceeded"] is False
    assert done.err.endswith("1 event: 1 delivered\nRupt says of the accesses: 1 from a new device\n")


@pytest.mark.parametrize("fault", ["429=0", "500", "503", "408", "reset", "not-json", "truncated", "accept-500"])
def test_what_fails_for_a_while_is_sent_again(fault: str, tmp_path: Path) -> None:
    """After a fault that passes, the delivery is made again and succeeds; the row counts its attempts."""
    with standing(fault, fault) as rupt:
        done = replay(rupt, tmp_path, "--json", events=1)
        assert rupt.stand.counts["requests"] == 3
        assert rupt.users() == {"user-0"}
    assert done.code == 0
    (row,) = done.rows
    assert (row["outcome"], row["attempts"]) == ("delivered", 3)


@pytest.mark.parametrize("fault", ["reset", "not-json", "truncated", "accept-500", "accept-reset"])
def test_what_may_have_landed_is_told(fault: str, tmp_path: Path) -> None:
    """A delivery of which one attempt may have landed without an answer is marked as such."""
    with standing(fault) as rupt:
        (row,) = replay(rupt, tmp_path, "--json", events=1).rows
    assert (row["outcome"], row["inDoubt"]) == ("delivered", True)


@pytest.mark.parametrize("fault", ["reset", "accept-500"])
def test_what_may_have_landed_can_be_held(fault: str, tmp_path: Path) -> None:
    """With in_doubt: hold such a delivery is not made again; it is held, counts as failed, and says how to send it."""
    with standing(fault) as rupt:
        done = replay(rupt, tmp_path, events=1, settings=("in_doubt: hold",))
        assert rupt.stand.counts["requests"] == 1
    assert done.code == 4
    assert done.out.startswith("1 event: 1 held\n")
    assert "in doubt, it may have landed" in done.out
    assert "1 delivery was held, since they may have landed; with settings.in_doubt: send they are sent" in done.err


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    """After a 429 nothing is sent again before the time that it asks for."""
    with standing("429=1") as rupt:
        assert replay(rupt, tmp_path, events=1).code == 0
        first, second = rupt.stand.requests
    assert second.time - first.time >= 0.99


def test_what_fails_every_time_is_dead(tmp_path: Path) -> None:
    """After its attempts a delivery is given up: told with message and reason, counted, and the exit code is 4."""
    with standing(rates="500") as rupt:
        done = replay(rupt, tmp_path, events=2)
        assert rupt.stand.counts["requests"] == 6
    assert done.code == 4
    assert "m-1: Attach Device: dead: 500 Rupt's own error: the stand-in was asked for a 500; gave up" in done.err
    assert done.out.startswith("2 events: 2 dead\n")
    assert "gave up after 3 attempts" in " ".join(done.out.split())


def test_a_run_that_waits_says_why(tmp_path: Path) -> None:
    """Off a terminal too, the first failure of each kind is told at once, and told only once."""
    with standing("503", "503", "reset") as rupt:
        done = replay(rupt, tmp_path, events=3)
    assert done.code == 0
    assert done.err.count("is sent again later (said once)") == 2


def test_a_refusal_of_one_event_is_dead_at_once(tmp_path: Path) -> None:
    """What Rupt will never take is given up after one attempt, and the others are delivered."""
    with standing("success-false", "400") as rupt:
        done = replay(rupt, tmp_path, "--json", events=4)
        assert rupt.stand.counts["requests"] == 4
    assert done.code == 4
    assert sorted(row["outcome"] for row in done.rows) == ["dead", "dead", "delivered", "delivered"]
    reasons = {row["reason"][:3] for row in done.rows if row["outcome"] == "dead"}
    assert reasons == {"200", "400"}


def test_many_dead_letters_are_told_a_few_times(tmp_path: Path) -> None:
    """Of each reason the first ten are told one by one; with --json none is, since each has a row."""
    with standing(rates="400") as rupt:
        done = replay(rupt, tmp_path, events=30)
        assert done.err.count("dead: 400 bad request") == 10
        assert done.err.count("(more of these are only counted)") == 1
        assert "dead:" not in replay(rupt, tmp_path, "--json", events=30).err


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("401", "401 no valid client id: check settings.client_id"),
        ("403", "403 not permitted"),
        ("428", "428 needs a Rupt subscription"),
    ],
)
def test_a_refused_configuration_stops_everything(fault: str, words: str, tmp_path: Path) -> None:
    """Nothing is given up: deliveries are held, it says why and how to go on, and the exit code is 3."""
    with standing(rates=fault) as rupt:
        done = replay(rupt, tmp_path, "--concurrency", "2", events=50)
        assert rupt.stand.counts["requests"] <= 4
        assert rupt.users() == set()
    assert done.code == 3
    assert re.match(r"50 events: [1-4] held, 4[6-9] waiting\n", done.out)
    assert f"stopped: Rupt refuses the configuration: {words}" in done.err
    assert "no delivery was given up; put that right first\nto go on, with the same recording" in done.err
    assert f"  rupt-connector replay --config {tmp_path / 'rupt.yaml'} --concurrency 2 -\n" in done.err


def test_after_a_refusal_the_same_command_goes_on(tmp_path: Path) -> None:
    """With a checkpoint, a run that was refused half-way is taken up where it stopped."""
    with standing("", "", "", "401") as rupt:
        first = replay(rupt, tmp_path, "--concurrency", "1", "--checkpoint", tmp_path / "cp")
        assert (first.code, len(rupt.users())) == (3, 3)
        assert f"--checkpoint {tmp_path / 'cp'}" in first.err
        second = replay(rupt, tmp_path, "--checkpoint", tmp_path / "cp")
        assert rupt.users() == {f"user-{number}" for number in range(5)}
        assert rupt.stand.counts["200"] == 5
    assert second.code == 0
    assert second.out.startswith("5 events: 2 delivered, 3 skipped\n")
    assert "delivered_before: the checkpoint says that an earlier run delivered it" in " ".join(second.out.split())


def test_nobody_who_listens_is_a_failure(tmp_path: Path) -> None:
    """An address where nobody answers ends with 4 after the attempts, and says what went wrong."""
    with standing() as rupt:
        pass
    done = replay(rupt, tmp_path, events=1)
    assert done.code == 4
    assert "m-0: Attach Device: dead: network: connection refused; gave up after 3 attempts" in done.err


def test_invalid_payloads_are_failures(tmp_path: Path) -> None:
    """An event that makes no valid payload is not sent, the exit code is 4, and it says how to see which."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        done = call("replay", "-", "--config", config, stdin=lines(page(1, userId=None), page(2)))
        assert rupt.users() == {"user-2"}
    assert done.code == 4
    assert done.out.startswith("2 events: 1 delivered, 1 invalid\n")
    assert "to see which events are invalid, add --dry-run --json" in done.err


# What is said before and after


def test_stale_events_are_announced_and_skipped(tmp_path: Path) -> None:
    """Before anything is sent it says where to, and what becomes of old events; those are skipped."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: 90m"])
        old = lines(page(1, timestamp="2020-01-01T00:00:00Z"))
        done = call("replay", "-", "--config", config, stdin=old)
        assert rupt.stand.counts["requests"] == 0
        announced = f"sending to {rupt.url}; events older than 1.5 h are skipped (--allow-stale sends them too)\n"
        assert (done.code, done.err) == (0, announced)
        assert "stale: the event is older than max_event_age" in done.out
        assert call("replay", "-", "--config", config, "--allow-stale", stdin=old).code == 0
        assert rupt.stand.counts["requests"] == 1


def test_the_access_states_are_told_in_plain_words(tmp_path: Path) -> None:
    """How many accesses are over the device limit, from a new device or of a suspended user is said in words."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        events = [page(number, userId="ada") for number in range(5)] + [page(4, messageId="again", userId="ada")]
        done = call("replay", "-", "--config", config, "--concurrency", "1", stdin=lines(*events))
        assert done.out.endswith("Rupt says of the accesses: 3 over their device limit, 5 from a new device\n")
        rupt.stand.twin.suspend("ada")
        done = call("replay", "-", "--config", config, stdin=lines(page(1, userId="ada")))
        assert done.out.endswith("Rupt says of the accesses: 1 over their device limit, 1 of a suspended user\n")


def test_duplicates_are_skipped(tmp_path: Path) -> None:
    """An event that stands in a recording twice is sent once, and told as a duplicate."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        done = call("replay", "-", "--json", "--config", config, stdin=lines(page(1), page(2), page(1)))
        assert rupt.answered() == {"user-1": 1, "user-2": 1}
    (row,) = (row for row in done.rows if row["outcome"] == "skipped")
    assert row == {
        "messageId": "m-1",
        "mapping": "Attach Device",
        "outcome": "skipped",
        "reason": "duplicate: the same messageId, or without one the same content, came before for this mapping",
    }


def test_bad_lines_and_filtered_events_are_told(tmp_path: Path) -> None:
    """What is no event, and what no mapping takes, has its row and its count beside what is delivered."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        text = b"{broken\n" + lines(page(1), page(2, type="screen"))
        done = call("replay", "-", "--json", "--config", config, stdin=text)
    assert done.code == 0
    assert {row["outcome"] for row in done.rows} == {"discarded", "filtered", "delivered"}
    assert "stdin:1: bad_request: not JSON" in done.err
    assert "2 events: 1 delivered, 1 filtered, 1 unreadable or discarded\n" in done.err


def test_debug_prints_requests_and_answers_redacted(tmp_path: Path) -> None:
    """--debug shows each request and answer: no header, no secret, nothing that names a person or a device."""
    mappings = (
        'preset: attach-device\n    fields: {metadata: {plan: $.context.traits.plan}, secret: "tok-en"}',
        "preset: update-user",
    )
    with standing("500") as rupt:
        config = write_config(
            tmp_path, *mappings, settings=[f"domain: {rupt.url}", "api_secret: hunter2", "max_event_age: none", QUICK]
        )
        traits = {"email": "ada@example.com", "plan": "Ada Lovelace", "phone": "+14155550100"}
        events = lines(
            page(1, userId="ada-1", context={"traits": traits}),
            page(2, type="identify", userId="ada/2", traits=traits),
        )
        done = call("replay", "-", "--debug", "--concurrency", "1", "--config", config, stdin=events)
    assert done.code == 0
    told = [line for line in done.err.splitlines() if line[0] in "<>"]
    assert told[0] == (
        '> m-1 Attach Device: POST /v2/device/attach {"user":"[redacted]","email":"[redacted]","phone":"[redacted]",'
        '"metadata":{"plan":"[redacted]"},"page":"/home","fingerprint":"[redacted]","client":"segment",'
        '"callbacks":{"on_challenge":false,"limit_exceeded":false},"redirects":{"new_account":true,"logout":false}}'
    )
    assert told[1].startswith('< m-1 500 {"success":false,"message":"the stand-in was asked for a 500"} (')
    assert any(line.startswith("> m-2 Update User: POST /v3/user/[redacted]/update ") for line in told)
    assert any(line.startswith("< m-2 204 ") for line in told)
    for secret in ("hunter2", "tok-en", "client-1", "Lovelace", "ada@", "ada-1", "ada/2", "ada%2F2", "4155550100"):
        assert secret not in done.err


def test_debug_can_be_a_setting(tmp_path: Path) -> None:
    """settings.debug is the same as --debug."""
    with standing() as rupt:
        assert "> m-0 Attach Device: POST" in replay(rupt, tmp_path, events=1, settings=("debug: true",)).err


# How it is sent


def test_rate_spaces_requests(tmp_path: Path) -> None:
    """With --rate no more requests leave in a second than it says."""
    with standing() as rupt:
        assert replay(rupt, tmp_path, "--rate", "50", events=20).code == 0
        times = [seen.time for seen in rupt.stand.requests]
    assert 0.3 <= times[-1] - times[0] <= 5  # 19 steps of 20 ms


def test_concurrency_bounds_what_is_in_flight(tmp_path: Path) -> None:
    """With --concurrency 1 a request leaves when the one before it is answered; with more they overlap."""
    with standing(rates="latency=0.05") as rupt:
        replay(rupt, tmp_path, "--concurrency", "1")
        times = [seen.time for seen in rupt.stand.requests]
        assert all(later - earlier >= 0.049 for earlier, later in pairwise(times))
        rupt.stand.requests.clear()
        replay(rupt, tmp_path, "--concurrency", "5")
        times = [seen.time for seen in rupt.stand.requests]
    assert any(later - earlier < 0.049 for earlier, later in pairwise(times))


def test_only_since_and_limit_hold_for_delivery_too(tmp_path: Path) -> None:
    """What is selected for a dry run is selected for a delivery."""
    with standing() as rupt:
        options = ["--only", "Attach Device", "--since", "2026-11-21", "--until", "2026-11-22", "--limit", "2"]
        assert replay(rupt, tmp_path, *options).code == 0
        assert rupt.users() == {"user-0", "user-1"}


def test_a_reader_that_goes_away_stops_the_delivery(tmp_path: Path) -> None:
    """When nobody reads the rows any more, no further request leaves, it says how to go on, and ends with 141."""
    with standing(rates="latency=0.05") as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        events = write_events(tmp_path / "events.ndjson", *map(page, range(200)))
        command = ["replay", str(events), "--json", "--concurrency", "2", "--config", str(config)]
        with start(*command) as process:
            assert json.loads(process.read_data_line())["outcome"] == "delivered"
            process.close_output()
            done = process.finish()
        assert rupt.stand.counts["requests"] < 20
    assert done.code == 141
    assert "stopped before the end" in done.err
    assert "Traceback" not in done.err


def test_standard_input_is_sent_as_it_comes(tmp_path: Path) -> None:
    """An event that comes down a pipe is sent without waiting for the next, or for the pipe's end."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        with start("replay", "-", "--config", config, stdin=subprocess.PIPE) as process:
            for number in range(3):
                process.write(lines(page(number)))
                rupt.wait_for_answers(number + 1)


def test_limit_does_not_wait_for_more(tmp_path: Path) -> None:
    """A limit that is reached ends the replay, though the pipe stays open."""
    with standing() as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        with start("replay", "-", "--limit", "1", "--config", config, stdin=subprocess.PIPE) as process:
            process.write(lines(page(1)))
            assert process.finish().code == 0
