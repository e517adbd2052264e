"""`demo`: the main job from nothing."""

import socket
from pathlib import Path

import pytest

from tests.cli.command import Done, call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The empty folder that the demo runs in."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def done(folder: Path) -> Done:
    """The demo, run once, where the environment names a proxy at which nobody listens."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        patch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed.getsockname()[1]}")
        patch.chdir(folder)
        return call("demo", env={})


def test_it_succeeds_and_says_nothing_on_standard_error(done: Done) -> None:
    """The demo ends with 0, and all that it tells is data."""
    assert (done.code, done.err) == (0, "")


def test_it_counts_what_was_planned_and_delivered(done: Done) -> None:
    """What the dry run plans is what the delivery delivers, refusals or not."""
    assert "24 events, taken 19 times by mappings: 17 planned, 2 invalid, 9 filtered" in done.out
    assert "24 events, taken 19 times by mappings: 17 delivered, 2 invalid, 9 filtered" in done.out
    assert "was sent 19 requests: it refused 2, which were sent again, and knows\n3 users" in done.out


def test_it_says_what_became_of_each_event(done: Done) -> None:
    """Each event is told with what became of it, among them one that was sent again and one that is invalid."""
    told = done.out.split("3. The same events")[1].split("24 events")[0]
    assert told.count("delivered") == 17 + 1  # and in the heading
    assert told.count("filtered: no trigger holds for it") == 9
    assert told.count("at attempt 2") == 2
    assert "invalid by Attach Device: The root value is missing the required field 'account'." in told


def test_it_shows_no_credential(done: Done) -> None:
    """The stand-in's client id and secret are in no output."""
    assert "demo-client" not in done.out
    assert "demo-secret" not in done.out


def test_it_leaves_no_file(done: Done, folder: Path) -> None:
    """The folder that it ran in stays empty."""
    assert done.code == 0
    assert list(folder.iterdir()) == []


def test_it_plans_an_edit(done: Done) -> None:
    """The edit is told with its line, and the one event for which something else becomes of it."""
    told = done.out.split("4. A page")[1]
    assert "1 of 4 mappings changes; of 24 events 1 (4.2 %) becomes something else" in told
    assert "+ new.yaml:12  userId != null" in told
    assert "     - invalid: The root value is missing the required field 'account'." in told
