"""`serve` as a whole: a real process on a real folder, the stand-in for Rupt behind it, and the commands beside it."""

import json
import signal
import socket
from pathlib import Path

import pytest

from tests.cli.command import Done, call, page, write_config, write_events
from tests.cli.serving import Serving, serving, started
from tests.cli.standing import Standing, standing

FAST = "delivery: {first_retry: 10ms}"
SECOND = '{name: Second, action: attach, trigger: type = "page", fields: {account: $.userId}}'


def configure(folder: Path, rupt: Standing, *mappings: str, settings: tuple[str, ...] = (FAST,)) -> Path:
    """Write a destination file that delivers to the stand-in, events of any age."""
    given = (f"domain: {rupt.url}", "max_event_age: none", *settings)
    return write_config(folder, *mappings, settings=given)


def send(server: Serving, *numbers: int) -> None:
    """Send pages as a batch, which is accepted."""
    answer = server.ask("/v1/batch", {"batch": [page(number) for number in numbers], "writeKey": "key-1"})
    assert (answer.status, answer.body) == (200, {"success": True})


def ask(data: Path, *args: str | Path) -> Done:
    """Run a command on the server's folder."""
    return call(args[0], *args[1:], "--data", data)


def test_from_request_to_rupt(tmp_path: Path) -> None:
    """What is posted is delivered, and `why`, `audit`, /metrics and the log tell so."""
    with standing() as rupt, serving(configure(tmp_path, rupt), tmp_path / "data") as server:
        send(server, 1, 2)
        rupt.wait_for_answers(2)
        server.wait_until("/metrics", 'delivered_jobs_total{mapping="Attach Device"} 2.0')
        why = ask(tmp_path / "data", "why", "m-1")
        assert (why.code, "delivered" in why.out) == (0, True)
        audit = ask(tmp_path / "data", "audit", "--json")
        assert audit.code == 0
        assert server.end() == 0
    assert rupt.users() == {"user-1", "user-2"}
    assert server.lines[-1]["event"] == "stopped"


def test_what_was_accepted_survives_sigkill(tmp_path: Path) -> None:
    """After a SIGKILL right behind the 200 the next server takes the folder over and delivers."""
    data = tmp_path / "data"
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, data, "--deliver", "false") as server:
            send(server, 1, 2, 3)
            server.end(signal.SIGKILL)
        with serving(config, data) as server:
            rupt.wait_for_answers(3)
            assert server.end() == 0
    assert ask(data, "audit").code == 0


def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """SIGTERM waits for the answers of what is in flight, exits 0, and nothing is in doubt."""
    with standing(rates="latency=0.3") as rupt, serving(configure(tmp_path, rupt), tmp_path / "data") as server:
        send(server, 1, 2, 3)
        rupt.wait_for_calls(1)
        assert server.end() == 0
    found = {row["state"] for row in ask(tmp_path / "data", "jobs", "list", "--json").rows}
    assert found <= {"delivered", "waiting"}
    assert "delivered" in found


def test_a_deadline_hands_back_what_does_not_end(tmp_path: Path) -> None:
    """What is not answered within --stop-within waits again, in doubt, and the exit code is 0 all the same."""
    with standing(rates="slow=5") as rupt:
        with serving(configure(tmp_path, rupt), tmp_path / "data", "--stop-within", "200ms") as server:
            send(server, 1)
            rupt.wait_for_calls(1)
            assert server.end() == 0
        (job,) = ask(tmp_path / "data", "jobs", "list", "--json").rows
        assert (job["state"], job["inDoubt"]) == ("waiting", True)


def test_an_edit_takes_effect(tmp_path: Path) -> None:
    """An edited mapping file is used for what comes next, without a restart."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, tmp_path / "data") as server:
            send(server, 1)
            rupt.wait_for_answers(1)
            configure(tmp_path, rupt, "preset: attach-device", SECOND)
            server.wait_for("the edited destination file is in effect", mappings=2)
            send(server, 2)
            rupt.wait_for_answers(3)
            assert server.end() == 0


def test_a_bad_edit_is_refused(tmp_path: Path) -> None:
    """A bad edit is told in the log and in /readyz with its place, what was before stays; its repair ends that."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        good = config.read_bytes()
        with serving(config, tmp_path / "data") as server:
            configure(tmp_path, rupt, "preset: attach-devise")
            problem = server.wait_for("problem of the destination file")
            assert problem["at"].endswith("rupt.yaml:9:13")
            ready = server.ask("/readyz")
            (reason,) = ready.body["reasons"]
            assert (ready.status, reason["reason"]) == (200, "edit_refused")
            assert reason["problems"][0]["at"] == problem["at"]
            send(server, 1)
            rupt.wait_for_answers(1)
            config.write_bytes(good)
            server.wait_until("/readyz", '"reasons":[]')
            assert server.end() == 0


def test_sighup_loads_the_file_again(tmp_path: Path) -> None:
    """SIGHUP loads the file at once, changed or not."""
    with standing() as rupt, serving(configure(tmp_path, rupt), tmp_path / "data") as server:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("the edited destination file is in effect")
        assert server.end() == 0


def test_dead_letters_go_through_the_mapping_as_it_is_now(tmp_path: Path) -> None:
    """What Rupt refused is mended by an edit: jobs retry --dry-run says so, and jobs retry sends it."""
    data, broken = tmp_path / "data", '{name: M, action: attach, trigger: type = "page", fields: {account: $.nobody}}'
    with standing() as rupt:
        config = configure(tmp_path, rupt, broken)
        with serving(config, data) as server:
            send(server, 1)
            server.wait_for("invalid", mapping="M")
            configure(tmp_path, rupt, broken.replace("$.nobody", "$.userId"))
            server.wait_for("the edited destination file is in effect")
            rehearsal = ask(data, "jobs", "retry", "--state", "invalid", "--dry-run", "--config", config, "--json")
            assert [row["outcome"] for row in rehearsal.rows] == ["planned"]
            assert ask(data, "jobs", "retry", "--state", "invalid").code == 0
            rupt.wait_for_answers(1)
            assert server.end() == 0
    assert rupt.users() == {"user-1"}


def test_a_mapping_that_is_gone_holds_its_jobs(tmp_path: Path) -> None:
    """Jobs of a mapping that an edit removed are held with that reason, and sent when it is back."""
    data = tmp_path / "data"
    with standing() as rupt:
        config = configure(tmp_path, rupt, SECOND)
        with serving(config, data, "--deliver", "false") as server:
            send(server, 1)
            server.end()
        with serving(configure(tmp_path, rupt), data) as server:
            assert server.wait_for("held")["reason"] == "mapping_gone"
            configure(tmp_path, rupt, "preset: attach-device", SECOND)
            rupt.wait_for_answers(1)
            assert server.end() == 0


def test_a_second_server_is_refused(tmp_path: Path) -> None:
    """A folder is one server's: a second one says which process has it and ends with 2."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, tmp_path / "data") as first, started(config, tmp_path / "data") as second:
            assert second.finish() == 2
            assert f"is in use by process {first.process.pid}" in second.other[0]


@pytest.mark.parametrize("deliver", ["true", "false"])
def test_a_folder_that_is_removed(tmp_path: Path, deliver: str) -> None:
    """When its folder is removed nothing is acknowledged any more, and the server ends with 2 and says why."""
    with standing() as rupt, serving(configure(tmp_path, rupt), tmp_path / "data", "--deliver", deliver) as server:
        send(server, 1)
        (tmp_path / "data").rename(tmp_path / "moved")
        assert server.finish() == 2
    assert "it was removed, moved or replaced while it was in use" in "".join(server.other)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_standby_takes_over(tmp_path: Path, how: int) -> None:
    """With --wait a second server waits, and takes over when the first has ended, however that was."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with (
            serving(config, tmp_path / "data", "--deliver", "false") as first,
            started(config, tmp_path / "data", "--wait") as second,
        ):
            send(first, 1)
            second.wait_for("waiting for the folder")
            first.end(how)
            second.url = second.wait_for("listening")["url"]
            rupt.wait_for_answers(1)
            assert second.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_standby_is_stopped(tmp_path: Path, number: int) -> None:
    """A standby passes over SIGHUP, and a signal to stop ends it in order."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, tmp_path / "data"), started(config, tmp_path / "data", "--wait") as second:
            second.wait_for("waiting for the folder")
            second.process.send_signal(signal.SIGHUP)
            assert second.end(number) == 0


def test_a_standby_takes_over_with_the_file_as_it_is_then(tmp_path: Path) -> None:
    """What was edited while a standby waited is in effect from its first event on."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with (
            serving(config, tmp_path / "data") as first,
            started(config, tmp_path / "data", "--wait") as second,
        ):
            second.wait_for("waiting for the folder")
            configure(tmp_path, rupt, "preset: attach-device", SECOND)
            first.end()
            assert second.wait_for("listening")["mappings"] == 2
            assert second.end() == 0


def test_a_mapping_put_back_while_no_server_ran(tmp_path: Path) -> None:
    """Jobs that were held because their mapping was gone are sent by the next server that has it."""
    data = tmp_path / "data"
    with standing() as rupt:
        both = configure(tmp_path, rupt, "preset: attach-device", SECOND)
        with serving(both, data, "--deliver", "false") as server:
            send(server, 1)
            server.end()
        with serving(configure(tmp_path, rupt), data) as server:
            server.wait_for("held")
            assert server.end() == 0
        with serving(configure(tmp_path, rupt, "preset: attach-device", SECOND), data) as server:
            rupt.wait_for_answers(2)
            assert server.end() == 0
    assert ask(data, "jobs", "list", "--state", "held", "--json").rows == []


def test_a_refusal_that_comes_after_its_repair(tmp_path: Path) -> None:
    """What the version before an edit still had in flight, and Rupt refused, is sent by the version after it."""
    data = tmp_path / "data"
    with standing(rates="latency=2", client_id="right") as rupt:
        config = configure(tmp_path, rupt)
        wrong = config.read_text(encoding="utf-8")
        with serving(config, data) as server:
            send(server, 1, 2)
            server.wait_until("/metrics", "rupt_connector_in_flight_requests 2.0")
            config.write_text(wrong.replace("client_id: client-1", "client_id: right"), encoding="utf-8")
            server.wait_for("the edited destination file is in effect")
            rupt.wait_for_answers(4)
            assert server.end() == 0
    assert rupt.users() == {"user-1", "user-2"}


def test_a_pause_is_told(tmp_path: Path) -> None:
    """That Rupt is down is told in /readyz, which still says that events are taken."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
    with serving(config, tmp_path / "data") as server:
        send(server, *range(40))
        server.wait_until("/readyz", '"reason":"circuit_open"')
        assert server.ask("/readyz").body["ready"] is True
        assert server.end() == 0


def test_a_credential_with_a_line_break(tmp_path: Path) -> None:
    """A client id that ends with a line break, as files of secrets do, is used without it."""
    with standing(client_id="client-1") as rupt:
        config = configure(tmp_path, rupt)
        text = config.read_text(encoding="utf-8").replace("client_id: client-1", "client_id: ${RUPT_CLIENT_ID}")
        config.write_text(text, encoding="utf-8")
        with serving(config, tmp_path / "data", env={"RUPT_CLIENT_ID": "client-1\n"}) as server:
            send(server, 1)
            rupt.wait_for_answers(1)
            assert server.end() == 0
    assert rupt.users() == {"user-1"}


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """A port that somebody else has is said so, with what to do, and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken, standing() as rupt:
        port = str(taken.getsockname()[1])
        with started(configure(tmp_path, rupt), tmp_path / "data", "--port", port) as server:
            assert server.finish() == 2
        assert f"cannot listen on 127.0.0.1:{port}" in server.other[0]


def test_a_wrong_file_at_the_start(tmp_path: Path) -> None:
    """A wrong destination file is refused with its problems before anything listens."""
    config = write_config(tmp_path, "preset: attach-devise")
    with started(config, tmp_path / "data") as server:
        assert server.finish() == 2
    assert "error[" in "".join(server.other)
    assert not (tmp_path / "data").exists()


def test_a_port_of_its_own_for_the_status(tmp_path: Path) -> None:
    """With --status-port the public port has no /metrics, and the other one has nothing else."""
    with standing() as rupt, serving(configure(tmp_path, rupt), tmp_path / "data", "--status-port", "0") as server:
        assert server.ask("/metrics").status == 404
        server.url = server.lines[0]["status"].removesuffix("/readyz")
        assert (server.ask("/readyz").status, server.ask("/v1/page", {}).status) == (200, 404)


def test_write_keys_and_secrets_stay_hidden(tmp_path: Path) -> None:
    """An unknown write key is refused; no key, secret or personal data is in the log, in /metrics or in /readyz."""
    env = {"RUPT_WRITE_KEYS": "key-1,key-2", "RUPT_WEBHOOK_SECRET": "hush-hush-secret"}
    with standing("400") as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, tmp_path / "data", "--log-level", "debug", env=env) as server:
            send(server, 1)
            assert server.ask("/v1/page", page(2, writeKey="key-of-a-stranger")).status == 401
            assert server.ask("/v1/webhook", page(3), {"X-Signature": "00"}).status == 401
            server.wait_for("dead")
            shown = json.dumps([server.ask("/metrics").body, server.ask("/readyz").body])
            assert server.end() == 0
    shown += json.dumps(server.lines) + "".join(server.other)
    for hidden in ("key-1", "key-2", "stranger", "hush", "user-1", "anon-1", "client-1"):
        assert hidden not in shown


def test_replay_uses_the_same_queue(tmp_path: Path) -> None:
    """A replay with --data skips what the server has delivered, says so, and sends the rest."""
    data = tmp_path / "data"
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, data) as server:
            send(server, 1)
            rupt.wait_for_answers(1)
            server.end()
        events = write_events(tmp_path / "events.jsonl", page(1), page(2))
        done = call("replay", events, "--config", config, "--data", data, "--json")
        assert done.code == 0
        rows = {row["messageId"]: (row["outcome"], row.get("reason", "")) for row in done.rows}
        assert rows["m-1"][0] == "skipped"
        assert rows["m-1"][1].startswith("delivered_before")
        assert rows["m-2"] == ("delivered", "")
    assert len(rupt.stand.requests) == 2
    assert ask(data, "audit").code == 0


def test_replay_into_a_folder_that_is_served(tmp_path: Path) -> None:
    """A replay does not share a folder with a server: it is told who has it, and sends nothing."""
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, tmp_path / "data"):
            events = write_events(tmp_path / "events.jsonl", page(1))
            done = call("replay", events, "--config", config, "--data", tmp_path / "data")
    assert (done.code, len(rupt.stand.requests)) == (2, 0)
    assert "is in use by process" in done.err


def test_an_interrupted_replay_goes_on(tmp_path: Path) -> None:
    """What an earlier run left in the folder is sent by the next replay, with what it reads itself."""
    data = tmp_path / "data"
    with standing() as rupt:
        config = configure(tmp_path, rupt)
        with serving(config, data, "--deliver", "false") as server:
            send(server, 1)
            server.end()
        events = write_events(tmp_path / "events.jsonl", page(2))
        done = call("replay", events, "--config", config, "--data", data)
    assert done.code == 0
    assert "1 job is still waiting in" in done.err
    assert rupt.users() == {"user-1", "user-2"}
