"""The progress bar: on a terminal alone, and what it says there."""

import io
import os
import pty
import re
import threading
from pathlib import Path

import pytest

from connector.cli.progress import open_progress
from connector.cli.progress_bar import open_bar
from connector.cli.streams import Streams
from connector.sources.files import Progress as Reading
from tests.cli.command import Terminal, call, page, start, write_config, write_events
from tests.cli.standing import standing


def streams(stderr: io.StringIO, stdout: io.BytesIO | None = None) -> Streams:
    """Make streams whose words go to `stderr`."""
    return Streams(io.BytesIO(), stdout or io.BytesIO(), stderr, {"TERM": "xterm", "COLUMNS": "120"})


def plain(text: str) -> str:
    """Take the terminal's own codes out of a text."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def read_half() -> Reading:
    """Make a recording of 1,000 bytes of which half is read."""
    reading = Reading()
    reading.total, reading._finished = 1_000, 500
    return reading


def test_a_terminal_shows_share_rate_and_time_left() -> None:
    """On a terminal the bar shows how much is done, events, events a second, the time left, and what failed."""
    terminal, now = Terminal(), [100.0]
    with open_bar(streams(terminal), read_half(), monotonic=lambda: now[0]) as bar:
        now[0] += 10
        bar.show(20_000, words="3 failed")
    assert " 50%  20,000 events  2,000/s  0:10 left  3 failed" in plain(terminal.getvalue())


def test_a_delivery_counts_what_is_settled() -> None:
    """What is read but not settled is not done: share, rate and time left count what is."""
    terminal, now = Terminal(), [0.0]
    with open_bar(streams(terminal), read_half(), monotonic=lambda: now[0]) as bar:
        now[0] = 3_000.0
        bar.show(20_000, settled=0.5)
    assert " 25%  20,000 events  3/s  2:30:00 left" in plain(terminal.getvalue())


def test_standard_input_has_no_share() -> None:
    """Where it is not known how much there is, events are counted."""
    terminal, now = Terminal(), [0.0]
    with open_bar(streams(terminal), Reading(), monotonic=lambda: now[0]) as bar:
        now[0] = 10.0
        bar.show(500)
    text = plain(terminal.getvalue())
    assert "500 events  50/s" in text
    assert "left" not in text
    assert "%" not in text


def test_words_stay_above_the_bar() -> None:
    """What is said while the bar is shown stays on the terminal, as it is."""
    terminal = Terminal()
    long = "stdin:1: bad_request: [bold]not markup[/bold] " + "x" * 200
    with open_bar(streams(terminal), read_half()) as bar:
        bar.say(long)
    assert long + "\n" in plain(terminal.getvalue())


def test_nothing_is_shown_off_a_terminal() -> None:
    """In a file or a pipe there is no bar, only the words that are said."""
    words = io.StringIO()
    with open_progress(streams(words), read_half(), rows=False) as progress:
        progress.show(20_000)
        progress.say("something")
    assert words.getvalue() == "something\n"


def test_rows_on_the_same_terminal_leave_no_place_for_a_bar() -> None:
    """When rows go to the terminal too, there is no bar between them."""

    class Screen(io.BytesIO):
        def isatty(self) -> bool:
            return True

    for rows, shown in ((True, False), (False, True)):
        terminal = Terminal()
        with open_progress(streams(terminal, Screen()), read_half(), rows=rows) as progress:
            progress.show(20_000)
        assert bool(terminal.getvalue()) == shown


def test_a_dry_run_leaves_the_terminal_clean(tmp_path: Path) -> None:
    """On a terminal a dry run takes its bar away, and its words are the same as elsewhere."""
    config = write_config(tmp_path, settings=["max_event_age: none"])
    events = write_events(tmp_path / "events.ndjson", *map(page, range(300)))
    done = call("replay", "--dry-run", "--json", events, "--config", config, stderr=Terminal())
    assert plain(done.err).strip().endswith("300 events: 300 planned")
    assert done.out.count("\n") == 300


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_delivery_on_a_real_terminal(term: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose standard error is a terminal shows events and rate; a dumb one is left alone."""
    monkeypatch.setenv("TERM", term)
    master, slave = pty.openpty()
    seen = bytearray()

    def look() -> None:
        while chunk := _read(master):
            seen.extend(chunk)

    with standing(rates="latency=0.05") as rupt:
        config = write_config(tmp_path, settings=[f"domain: {rupt.url}", "max_event_age: none"])
        events = write_events(tmp_path / "events.ndjson", *map(page, range(60)))
        looking = threading.Thread(target=look)
        looking.start()
        with start("replay", events, "--config", config, "--concurrency", "4", stderr=slave) as process:
            os.close(slave)
            assert process.finish().out.startswith("60 events: 60 delivered")
        looking.join()
    os.close(master)
    text = seen.decode()
    assert "sending to http://127.0.0.1:" in text
    assert ("\x1b" in text) == (term == "xterm")
    if term == "xterm":
        assert re.search(r"\d+%  60 events  \d+/s", plain(text))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4_096)
    except OSError:  # Linux says so when the last process has closed the other end
        return b""
