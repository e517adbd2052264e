"""`twin`: the stand-in as a command."""

import http.client
import json
import signal
import socket
from pathlib import Path

import pytest

from connector.twin import MENU
from tests.cli.command import call, page, start, write_config, write_events


def test_it_says_where_it_listens_and_logs_requests(tmp_path: Path) -> None:
    """On a free port it tells its address, takes a replay, logs each request as a line of JSON, and ends at Ctrl-C."""
    events = write_events(tmp_path / "events.ndjson", page(1), page(2))
    with start("twin", "--port", "0", "--client-id", "client-1") as process:
        announced = process.read_word_line()
        assert announced.startswith("stand-in for Rupt: http://127.0.0.1:")
        config = write_config(tmp_path, settings=[f"domain: {announced.split()[3]}"])
        assert call("replay", events, "--config", config, "--allow-stale", "--concurrency", "1").code == 0
        process.send_signal(signal.SIGINT)
        done = process.finish()
    assert (done.code, done.err) == (0, "")
    assert [(row["status"], row["user"]) for row in done.rows] == [(200, "user-1"), (200, "user-2")]
    assert "client-1" not in done.out


def test_the_log_may_go_to_a_file(tmp_path: Path) -> None:
    """With --log the requests are appended to a file, and standard output stays empty."""
    log = tmp_path / "requests.ndjson"
    log.write_text('{"earlier": true}\n')
    with start("twin", "--port", "0", "--log", log) as process:
        connection = http.client.HTTPConnection(process.read_word_line().split()[3].removeprefix("http://"), timeout=5)
        connection.request("GET", "/nowhere")
        assert connection.getresponse().status == 404
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert process.finish()[:2] == (0, "")
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first == {"earlier": True}
    assert (second["path"], second["status"]) == ("/nowhere", 404)


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        ("nope", "unknown fault 'nope': the menu is latency, STATUS, reset"),
        ("lantency", "unknown fault 'lantency': did you mean 'latency'?"),
        ("429:2", "the rate in '429:2' is not a number from 0 to 1"),
        ("500:0.6,reset:0.6", "add up to more than 1"),
    ],
)
def test_faults_that_are_not_on_the_menu_are_wrong_usage(faults: str, words: str) -> None:
    """What --faults cannot be read from ends with 2 before anything listens."""
    done = call("twin", "--port", "0", "--faults", faults)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_a_port_that_is_taken_is_said() -> None:
    """Where it cannot listen, it says where and why."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = call("twin", "--port", str(port))
    assert done.code == 2
    assert done.err == f"error: the stand-in cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_log_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A log in a folder that is not there ends with 2."""
    done = call("twin", "--port", "0", "--log", tmp_path / "none" / "log")
    assert (done.code, done.err) == (2, f"error: --log {tmp_path}/none/log: No such file or directory\n")


def test_the_help_prints_the_menu() -> None:
    """The help tells every fault there is."""
    done = call("twin", "--help")
    for name, words in MENU.items():
        assert f"  {name:14} {words}" in done.out
