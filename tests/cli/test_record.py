"""`record`: events with pseudonyms for version control, and what is said of them."""

import gzip
import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.command import SDK, Screen, call, lines, page, start, write_config, write_events

MAPPING = '{name: Gold, action: attach, trigger: properties.tariff = "gold", fields: {account: $.userId}}'
ENV = {"RUPT_RECORD_KEY": "a key that only tests have"}


def test_events_are_recorded_with_pseudonyms(tmp_path: Path) -> None:
    """The words say how many events were written, and that all take the same branches; replay reads the file."""
    config, out = write_config(tmp_path, "preset: attach-device", MAPPING), tmp_path / "out.ndjson"
    done = call("record", "--from", SDK, "--out", out, "--config", config, env=ENV)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "24 events, all take the same branches through 2 mappings"
    assert "ada@" not in out.read_text(encoding="utf-8").lower()
    before = call("replay", "--dry-run", "--json", SDK, "--config", config).rows
    after = call("replay", "--dry-run", "--json", out, "--config", config).rows
    assert [row["outcome"] for row in before] == [row["outcome"] for row in after]
    assert call("record", "--from", SDK, "--out", out, "--config", config).code == 2


def test_what_was_kept_is_told_with_its_place(tmp_path: Path) -> None:
    """Values that stay because a mapping compares them are told as the comparison, with file, line and column."""
    config = write_config(tmp_path, MAPPING)
    source = write_events(tmp_path / "events.ndjson", page(1, properties={"tariff": "gold"}), page(2))
    done = call("record", "--from", source, "--out", tmp_path / "out.ndjson", "--config", config)
    assert "1 kind of values kept, in whole or in part, because a mapping compares them:\n" in done.out
    assert '  properties.tariff = "gold"' in done.out
    assert "rupt.yaml:6:" in done.out
    assert "The key was random and is forgotten" in done.out
    assert max(map(len, done.out.replace(str(tmp_path), "").splitlines())) <= 80
    assert "\x1b" not in done.out


def test_a_screen_gets_colour(tmp_path: Path) -> None:
    """On a terminal the last words are coloured."""
    config = write_config(tmp_path)
    done = call("record", "--from", SDK, "--out", tmp_path / "o", "--config", config, stdout=Screen())
    assert "\x1b[32m24 events, all take the same branches through 1 mapping\x1b[0m" in done.out


def test_a_sample_is_the_fewest_events(tmp_path: Path) -> None:
    """Of many events alike one is kept, and the counts say so."""
    config = write_config(tmp_path, "preset: attach-device", "preset: conversions")
    source = write_events(tmp_path / "events.ndjson", *(page(number) for number in range(100)))
    done = call(
        "record", "--from", source, "--out", tmp_path / "o", "--config", config, "--sample", "--json", "--force"
    )
    (row,) = done.rows
    assert (row["read"], row["written"], row["mappings"], row["proven"]) == (100, 1, 2, True)


def test_an_event_that_takes_another_way_is_left_out(tmp_path: Path) -> None:
    """It is told with where it stands, mapping, clause and place but without a value; the exit code is 1 unless that is
    allowed."""
    liquid = "{% assign rest = properties.n | modulo: 997 %}{% if rest == 3 %}yes{% endif %}"
    fields = f"{{account: $.userId, metadata: {{odd: {{'@liquid': '{liquid}'}}}}}}"
    config = write_config(tmp_path, f"{{name: Odd, action: attach, trigger: 'type = \"page\"', fields: {fields}}}")
    source = write_events(tmp_path / "e.ndjson", page(1, userId="user-of-ada", properties={"n": 9_973}), page(2))
    base = ("record", "--from", source, "--out", tmp_path / "o", "--config", config, "--force")
    done = call(*base, env=ENV)
    assert done.code == 1
    words = " ".join(done.out.split())
    assert re.match(rf"left out {re.escape(str(source))}:1: Odd: @liquid ", words)
    assert re.search(r"text became empty text; with pseudonyms its messageId is [a-z]-\d", words)
    assert "2 events read, 1 left out; 1 written" in done.out
    assert "9973" not in done.out
    assert call(*base, "--skip-unfaithful", env=ENV).code == 0
    (row,) = call(*base, "--json", env=ENV).rows
    (unfaithful,) = row["unfaithful"]
    assert (row["leftOut"], unfaithful["mapping"], unfaithful["at"]) == (1, "Odd", f"{source}:1")


def test_the_own_output_is_never_a_source(tmp_path: Path) -> None:
    """In a folder that is read the file that is written is left out; named as a source, or as the config, it stays."""
    config, folder = write_config(tmp_path), tmp_path / "in"
    folder.mkdir()
    source, out = write_events(folder / "events.ndjson", page(1), page(2)), folder / "recording.ndjson"
    base = ("record", "--from", folder, "--config", config, "--force", "--json", "--out")
    assert [call(*base, out).rows[0]["read"] for _ in range(2)] == [2, 2]
    before = source.read_bytes()
    for named in (source, folder / "ev*.ndjson"):
        done = call("record", "--from", named, "--config", config, "--force", "--out", source)
        assert done.code == 2
        assert str(source) in done.err
    done = call(*base, config)
    assert (done.code, "this is what is read" in done.err) == (2, True)
    assert source.read_bytes() == before


def test_a_stopped_recording_leaves_nothing(tmp_path: Path) -> None:
    """SIGTERM ends a recording as Ctrl-C does: no file is begun."""
    config, source = write_config(tmp_path), tmp_path / "pipe"
    os.mkfifo(source)
    command = ("record", "--from", source, "--config", config, "--out", tmp_path / "out.ndjson")
    with start(*command) as process, source.open("wb") as pipe:
        pipe.write(lines(page(1)))
        pipe.flush()
        process.send_signal(signal.SIGTERM)
        done = process.finish()
    assert (done.code, done.err) == (143, "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pipe", "rupt.yaml"]


def test_a_recording_is_printed(tmp_path: Path) -> None:
    """With - the data goes to standard output and all words to standard error; input may come from there too."""
    done = call("record", "--from", "-", "-o", "-", "-c", write_config(tmp_path), stdin=lines(page(1), page(2)))
    assert done.code == 0
    assert [row["type"] for row in done.rows] == ["page", "page"]
    assert "2 events, all take the same branches through 1 mapping" in done.err


def test_which_events_are_taken(tmp_path: Path) -> None:
    """Events are chosen by time, by number and by mapping; times can be moved."""
    config = write_config(tmp_path, "preset: attach-device", MAPPING)
    source = write_events(
        tmp_path / "events.ndjson",
        page(1, timestamp="2026-11-20T08:00:00.000Z"),
        page(2, properties={"tariff": "gold"}),
        page(3),
    )
    base = ("record", "--from", source, "--out", tmp_path / "o.gz", "--config", config, "--force")

    def times(*more: str) -> list[str]:
        assert call(*base, *more).code == 0
        return [json.loads(line)["timestamp"] for line in gzip.open(tmp_path / "o.gz")]

    now = "2026-11-21T08:00:00.000Z"
    assert times("--since", "2026-11-21") == [now, now]
    assert times("--limit", "1") == ["2026-11-20T08:00:00.000Z"]
    assert times("--only", "Gold") == [now]
    assert times("--only", "Gold", "--shift-time", "30d") == ["2026-10-22T08:00:00.000Z"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--only", "Attach Devise"), "did you mean 'Attach Device'?"),
        (("--shift-time", "soon"), "such as 30d"),
        (("--key-file", "nowhere.key"), "openssl rand -hex 32"),
        (("--out", "-", "--json"), "name a file"),
        (("--from", "nowhere.json"), "nowhere.json: no such file or folder"),
    ],
)
def test_wrong_arguments_are_told(tmp_path: Path, more: tuple[str, ...], words: str) -> None:
    """What is wrong with the command line is said with what to write, and nothing is written."""
    config = write_config(tmp_path)
    done = call("record", "--from", SDK, "--out", tmp_path / "o", "--config", config, *more)
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "o").exists()


def test_a_key_is_stable_and_never_printed(tmp_path: Path) -> None:
    """One key gives one file, from a file or the environment; a short one is refused, and none is shown."""
    config, key = write_config(tmp_path), tmp_path / "record.key"
    key.write_text(f"{ENV['RUPT_RECORD_KEY']}\n", encoding="utf-8")
    base = ("record", "--from", SDK, "--config", config)
    first = call(*base, "--out", tmp_path / "a", "--key-file", key)
    assert call(*base, "--out", tmp_path / "b", env=ENV).code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert ENV["RUPT_RECORD_KEY"] not in first.out + first.err
    key.write_text("short-key", encoding="utf-8")
    refused = call(*base, "--out", tmp_path / "c", "--key-file", key)
    assert refused.code == 2
    assert "less than 16 characters" in refused.err
    assert "short-key" not in refused.out + refused.err.replace(str(key), "")


def test_nothing_to_record_is_told(tmp_path: Path) -> None:
    """Without a readable event nothing is written: 4 for a wrong file, 1 where the choice leaves none."""
    config, bad = write_config(tmp_path), tmp_path / "bad.json"
    bad.write_text("not json\n", encoding="utf-8")
    done = call("record", "--from", bad, "--out", tmp_path / "o", "--config", config)
    assert done.code == 4
    assert "bad.json:1: bad_request" in done.err
    done = call("record", "--from", SDK, "--out", tmp_path / "o", "--config", config, "--until", "2020-01-01")
    assert done.code == 1
    assert "nothing was written" in done.out
    assert not (tmp_path / "o").exists()


def test_what_has_no_pseudonym_is_told(tmp_path: Path) -> None:
    """A text with digits that stayed, though no mapping compares it, is told with its place; no id of zeros is."""
    config = write_config(tmp_path, MAPPING)
    events = page(1, userId="cust-0", properties={"tariff": "gold", "code": "/oauth2", "zero": "0"})
    source, out = write_events(tmp_path / "events.ndjson", events), tmp_path / "out.ndjson"
    done = call("record", "--from", source, "--out", out, "--config", config)
    assert "Unchanged, though no mapping compares them: properties.code (1)" in done.out
    assert b"cust-0" not in out.read_bytes()
    (row,) = call("record", "--from", source, "--out", out, "--config", config, "--json", "--force").rows
    assert row["unchanged"] == {"properties.code": 1}
