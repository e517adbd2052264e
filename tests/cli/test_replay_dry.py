"""`replay --dry-run`: which events are taken, what is said of them, and the rows, byte for byte."""

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.command import ROOT, SDK, Done, call, lines, page, write_config, write_events

GOLDEN = ROOT / "tests" / "cli" / "golden"
SECRETS = {"RUPT_CLIENT_ID": "client-1", "RUPT_API_SECRET": "hunter2"}
NO_DEVICE = "no_device: the event names no device (context.rupt, context.device or anonymousId)"
NO_ACCOUNT = "The root value is missing the required field 'account'."
FILTERED: tuple[str | None, str, str | None] = (None, "filtered", "NO_MATCHING_MAPPING")


def replay(config: Path, *args: str | Path, stdin: bytes = b"") -> Done:
    """Run a dry run that prints rows."""
    return call("replay", "--dry-run", "--json", "--config", config, *args, stdin=stdin)


def ids(done: Done) -> list[str]:
    """Name the events of the rows."""
    assert done.code == 0
    return [row["messageId"] for row in done.rows]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A destination file that takes every page, however old."""
    return write_config(tmp_path, settings=["max_event_age: none"])


# The contract


@pytest.mark.parametrize("name", ["presets", "design/rupt"])
def test_the_recorded_requests_become_the_golden_rows(name: str) -> None:
    """The ten recorded requests become the same bytes in every run.

    A golden file is made anew with: rupt-connector replay --dry-run --json tests/samples/sdk --config NAME.yaml
    """
    done = call("replay", "--dry-run", "--json", SDK, "--config", GOLDEN / f"{name}.yaml", env=SECRETS)
    assert done.code == 0
    assert done.out == (GOLDEN / f"{name}.ndjson").read_text(encoding="utf-8")
    assert "hunter2" not in done.out + done.err


Row: TypeAlias = tuple[str | None, str, str | None]  # mapping, outcome, reason
ON_IDENTIFY: Row = ("Attach Device on identify", "skipped", NO_DEVICE)
ATTACH: Row = ("Attach Device", "skipped", NO_DEVICE)
UPDATE: Row = ("Update User", "planned", None)
SERVER: list[tuple[str, list[Row]]] = [
    ("identify", [ON_IDENTIFY, UPDATE]),
    ("page", [ATTACH]),
    ("track Trial Started", [("Conversions", "skipped", NO_DEVICE)]),
    ("group", [UPDATE]),
    ("screen", [("Attach Device on screen", "skipped", NO_DEVICE)]),
    ("alias", [FILTERED]),
]
RECORDED: dict[str, list[tuple[str, list[Row]]]] = {
    "01-analytics-python-v1-batch": SERVER,
    "02-analytics-python-v1-batch": SERVER,
    "03-analytics-node-next-v1-batch": [
        ("identify", [ON_IDENTIFY, UPDATE]),
        ("page", [ATTACH]),
        ("track Signed Up", [("Conversions", "invalid", NO_ACCOUNT)]),
        ("group", [UPDATE]),
    ],
    "04-analytics-next-v1-p": [("page", [("Attach Device", "invalid", NO_ACCOUNT)])],
    "05-analytics-next-v1-i": [("identify", [("Attach Device on identify", "planned", None), UPDATE])],
    "06-analytics-next-v1-t": [("track Order Completed", [FILTERED])],
    "07-analytics-next-v1-g": [("group", [UPDATE])],
    "08-analytics-next-v1-a": [("alias", [FILTERED])],
    "09-analytics-next-v1-s": [("screen", [("Attach Device on screen", "planned", None)])],
    "10-analytics-next-v1-b": [("track A", [FILTERED]), ("track B", [FILTERED])],
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_each_recorded_request_becomes(name: str) -> None:
    """Under all presets together, each event of each recorded request becomes this and nothing else."""
    done = call("replay", "--dry-run", "--json", SDK / f"{name}.json", "--config", GOLDEN / "presets.yaml", env=SECRETS)
    found: dict[str, list[Row]] = {}
    for row in done.rows:
        reason = row.get("reason") or next(iter(row.get("problems", ())), None)
        found.setdefault(row["messageId"], []).append((row["mapping"], row["outcome"], reason))
    assert list(found.values()) == [rows for _, rows in RECORDED[name]]
    assert done.err.startswith(f"{len(RECORDED[name])} event")


def test_rows_are_in_the_order_of_the_input_and_of_the_file(tmp_path: Path) -> None:
    """Rows come event by event, and for one event mapping by mapping, in the destination file's order."""
    both = [f'{{name: {name}, action: attach, trigger: type = "page", fields: {{account: $.userId}}}}' for name in "BA"]
    config = write_config(tmp_path, *both, settings=["max_event_age: none"])
    done = replay(config, "-", stdin=lines(page(2), page(1)))
    assert [(row["messageId"], row["mapping"]) for row in done.rows] == [
        ("m-2", "B"),
        ("m-2", "A"),
        ("m-1", "B"),
        ("m-1", "A"),
    ]


def test_a_row_holds_what_the_contract_says(config: Path) -> None:
    """A planned row is messageId, mapping, outcome, payload with the seeds' names, and the request that would leave."""
    (row,) = replay(config, "-", stdin=lines(page(1))).rows
    assert list(row) == ["messageId", "mapping", "outcome", "payload", "request"]
    assert row["payload"] == {"account": "user-1"}
    assert row["request"] == {
        "method": "POST",
        "url": "https://api.rupt.dev/v2/device/attach",
        "body": {
            "user": "user-1",
            "page": "/home",
            "fingerprint": "anon-1",
            "client": "segment",
            "callbacks": {"on_challenge": False, "limit_exceeded": False},
            "redirects": {"new_account": True, "logout": False},
        },
    }


# What is read


def test_files_folders_globs_and_standard_input(config: Path, tmp_path: Path) -> None:
    """Paths of every kind can stand side by side, and are read in their order."""
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    write_events(tmp_path / "folder" / "part-10.ndjson", page(3))
    write_events(tmp_path / "folder" / "part-2.ndjson", page(2))
    (tmp_path / "folder" / "deep" / "x.gz").write_bytes(gzip.compress(lines(page(1))))
    (tmp_path / "list.json").write_text(json.dumps([page(4), page(5)]))
    write_events(tmp_path / "glob-1.log", page(6))
    write_events(tmp_path / "glob-2.log", page(7))
    done = replay(
        config, tmp_path / "folder", tmp_path / "list.json", "-", tmp_path / "glob-*.log", stdin=lines(page(8))
    )
    assert ids(done) == [f"m-{number}" for number in (1, 2, 3, 4, 5, 8, 6, 7)]


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(config: Path, tmp_path: Path) -> None:
    """A line that is no event is reported with file and line, has a row of its own, and is counted; others go on."""
    file = tmp_path / "events.ndjson"
    file.write_bytes(lines(page(1)) + b"{broken\n" + lines({"type": "page"}, page(2)))
    done = replay(config, file)
    assert done.code == 0
    assert f"{file}:2: bad_request: not JSON" in done.err
    assert f"{file}:3: no_user_anon_id: neither userId nor anonymousId is there" in done.err
    assert [row["outcome"] for row in done.rows] == ["planned", "discarded", "discarded", "planned"]
    assert done.rows[1] == {
        "messageId": None,
        "mapping": None,
        "outcome": "discarded",
        "reason": done.rows[1]["reason"],
        "at": f"{file}:2",
    }
    assert done.err.endswith("2 events: 2 planned, 2 unreadable or discarded\n")


def test_many_bad_lines_are_told_a_few_times(config: Path) -> None:
    """Of each reason the first ten are told one by one, and the tenth says that the rest is only counted."""
    done = replay(config, "-", stdin=b"{broken\n" * 25)
    told = [line for line in done.err.splitlines() if "bad_request" in line]
    assert len(told) == 10
    assert told[0].startswith("stdin:1: ")
    assert told[-1].endswith("(more of bad_request are only counted)")
    assert "25 unreadable or discarded" in done.err
    assert len(done.rows) == 25


def test_paths_that_lead_nowhere_are_all_named(config: Path, tmp_path: Path) -> None:
    """When paths match nothing the command ends with 2 before it reads anything, and names each."""
    (tmp_path / "empty").mkdir()
    for option in (["--dry-run"], []):
        done = call("replay", *option, "/nowhere", tmp_path / "*.zzz", tmp_path / "empty", "--config", config)
        assert (done.code, done.out) == (2, "")
        assert "/nowhere: no such file or folder" in done.err
        assert f"{tmp_path}/*.zzz: matches no file" in done.err
        assert f"{tmp_path}/empty: the folder holds no files" in done.err
        assert "sending to" not in done.err


def test_a_recording_twice_is_told_as_duplicates(config: Path, tmp_path: Path) -> None:
    """An event that came before is skipped for the same mapping, with that reason."""
    file = write_events(tmp_path / "events.ndjson", page(1))
    done = replay(config, file, "-", stdin=lines(page(1), page(2)))
    assert [row["outcome"] for row in done.rows] == ["planned", "skipped", "planned"]
    assert (
        done.rows[1]["reason"]
        == "duplicate: the same messageId, or without one the same content, came before for this mapping"
    )
    assert done.err.endswith("3 events: 2 planned, 1 skipped\n")


# What is taken


def test_only_takes_the_named_mappings(tmp_path: Path) -> None:
    """With --only, once or several times, events go through these mappings alone."""
    rule = '{{name: {0}, action: attach, trigger: type = "page", fields: {{account: $.userId}}}}'
    config = write_config(tmp_path, *map(rule.format, "ABC"), settings=["max_event_age: none"])
    done = replay(config, "-", "--only", "C", "--only", "A", stdin=lines(page(1)))
    assert [row["mapping"] for row in done.rows] == ["A", "C"]


def test_only_of_what_cannot_be_taken_is_wrong_usage(tmp_path: Path) -> None:
    """A mapping that is not there, or that is switched off, ends with 2; every such name is told."""
    off = '{name: Off, action: attach, trigger: type = "page", enabled: false, fields: {account: $.userId}}'
    config = write_config(tmp_path, "preset: attach-device", off)
    done = replay(config, "-", "--only", "Atach Device", "--only", "Off", "--only", "Zzz", "--only", "Attach Device")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: --only 'Atach Device': there is no such mapping; did you mean 'Attach Device'?\n"
        "--only 'Off': this mapping is switched off (enabled: false)\n"
        "--only 'Zzz': there is no such mapping; known are 'Attach Device', 'Off'\n"
    )


def at(number: int, time: str | None) -> dict[str, object]:
    """Make a page event of a time."""
    return page(number, timestamp=time)


TIMED = lines(
    at(1, "2026-11-20T23:59:59.999Z"),
    at(2, "2026-11-21T00:00:00Z"),
    at(3, "2026-11-21T09:30:00+01:00"),
    at(4, "2026-11-21T23:59:59.999Z"),
    at(5, "2026-11-22T00:00:00.000Z"),
    at(6, None),
)


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (["--since", "2026-11-21"], [2, 3, 4, 5]),
        (["--until", "2026-11-21"], [1]),
        (["--since", "2026-11-21", "--until", "2026-11-22"], [2, 3, 4]),
        (["--since", "2026-11-21T08:30:00Z", "--until", "2026-11-21T08:30:01Z"], [3]),
        (["--since", "2026-11-21T09:30+01:00", "--until", "2026-11-21T23:00"], [3]),
        (["--since", "20261122T000000Z"], [5]),
        (["--since", "2026-11-21", "--limit", "2"], [2, 3]),
    ],
)
def test_since_and_until_take_a_range(options: list[str], taken: list[int], config: Path) -> None:
    """Dates and times are UTC unless they say otherwise; since is included and until is not; no time is outside."""
    done = replay(config, "-", *options, stdin=TIMED)
    assert ids(done) == [f"m-{number}" for number in taken]
    assert "outside --since/--until" in done.err


def test_since_may_be_an_age(config: Path) -> None:
    """A duration is that long before now."""
    now = datetime.now(UTC)
    events = lines(
        at(1, (now - timedelta(hours=3)).isoformat()),
        at(2, (now - timedelta(minutes=80)).isoformat()),
        at(3, (now - timedelta(minutes=10)).isoformat()),
    )
    assert ids(replay(config, "-", "--since", "90m", stdin=events)) == ["m-2", "m-3"]
    assert ids(replay(config, "-", "--since", "1h30m", "--until", "1h", stdin=events)) == ["m-2"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--since", "yesterday"], "--since 'yesterday': write 2026-11-21, 2026-11-21T08:00:00Z, or 24h for that long"),
        (["--until", "2026-13-01"], "--until '2026-13-01': write"),
        (["--until", "-5m"], "--until '-5m': write"),
        (["--since", "90"], "--since '90': write"),
        (["--since", "2026-11-22", "--until", "2026-11-21"], "--since 2026-11-22 is not before --until 2026-11-21"),
    ],
)
def test_times_that_cannot_be_read_are_wrong_usage(options: list[str], words: str, config: Path) -> None:
    """What is no time, or a range that holds nothing, ends with 2 and says what to write."""
    done = replay(config, "-", *options)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


@pytest.mark.parametrize(("limit", "taken"), [("0", []), ("2", ["m-0", "m-1"]), ("9", ["m-0", "m-1", "m-2"])])
def test_limit_takes_the_first_events(limit: str, taken: list[str], config: Path) -> None:
    """At most so many events are taken."""
    assert ids(replay(config, "-", "--limit", limit, stdin=lines(*map(page, range(3))))) == taken


def test_stale_events_are_skipped_unless_allowed(tmp_path: Path) -> None:
    """Events older than max_event_age are skipped with that reason; --allow-stale takes them."""
    config = write_config(tmp_path)
    events = lines(at(1, "2020-01-01T00:00:00Z"), at(2, datetime.now(UTC).isoformat()))
    done = replay(config, "-", stdin=events)
    assert [row["outcome"] for row in done.rows] == ["skipped", "planned"]
    assert done.rows[0]["reason"].startswith("stale: the event is older than max_event_age")
    assert [row["outcome"] for row in replay(config, "-", "--allow-stale", stdin=events).rows] == ["planned"] * 2


# What is told


def test_without_json_a_table_is_printed(tmp_path: Path) -> None:
    """The summary counts by mapping and outcome, and gives the reasons, in 80 columns and without colour."""
    long = "A mapping with a name that is much longer than anybody would ever want to call one in a table"
    config = write_config(
        tmp_path,
        "preset: attach-device",
        f'{{name: {long}, action: attach, trigger: type = "page", fields: {{account: $.properties.none}}}}',
        settings=["max_event_age: none"],
    )
    done = call("replay", "--dry-run", "--config", config, "-", stdin=lines(page(1), page(2), page(3, type="screen")))
    assert (done.code, done.err) == (0, "")
    text = done.out.splitlines()
    assert text[0] == "3 events, taken 4 times by mappings: 2 planned, 2 invalid, 1 filtered"
    assert text[2].split() == ["mapping", "planned", "invalid"]
    assert text[4].split() == ["Attach", "Device", "2", "-"]
    assert text[5].split()[-2:] == ["-", "2"]
    assert [line.split(maxsplit=2) for line in text if "NO_MATCHING" in line or "required field" in line] == [
        ["2", "invalid", NO_ACCOUNT],
        ["1", "filtered", "NO_MATCHING_MAPPING: no trigger holds for it"],
    ]
    assert max(map(len, text)) <= 80
    assert "\x1b" not in done.out


def test_a_file_of_something_else_is_a_failure(config: Path, tmp_path: Path) -> None:
    """A recording in which nothing could be read is most likely the wrong file, and must not look like success."""
    wrong = tmp_path / "events.csv"
    wrong.write_text("user,page\nada,/home\n", encoding="utf-8")
    done = call("replay", "--dry-run", "--config", config, wrong)
    assert done.code == 4
    assert f"{wrong}:1: bad_request" in done.err


def test_nothing_to_do_is_told(config: Path) -> None:
    """An empty recording is a file without events, and no failure."""
    done = call("replay", "--dry-run", "--config", config, "-")
    assert done.code == 0
    assert done.err == "stdin:1: no_events: the file is empty\n"
    assert done.out.startswith("0 events: 1 unreadable or discarded\n")


def test_a_checkpoint_is_not_looked_at(config: Path, tmp_path: Path) -> None:
    """A dry run says that it passes over --checkpoint, and makes no such file."""
    done = replay(config, "-", "--checkpoint", tmp_path / "cp", stdin=lines(page(1)))
    assert done.code == 0
    assert "a dry run does not look at --checkpoint: it shows what a first run would send" in done.err
    assert not (tmp_path / "cp").exists()


def test_any_length_of_file_takes_little_memory(config: Path, tmp_path: Path) -> None:
    """A recording of 200,000 events is read in far less memory than it is long."""
    file = tmp_path / "events.ndjson"
    line = json.dumps(page(0, context={"page": {"path": "/home"}, "padding": "x" * 400}))
    before, after = line.split('"m-0"')
    with file.open("w") as written:
        written.writelines(f'{before}"m-{number}"{after}\n' for number in range(200_000))
    measured = (
        "import resource, subprocess, sys\n"
        "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )  # in a small process of its own: a child's peak counts what its parent had when it was forked
    command = [sys.executable, "-m", "connector", "replay", "--dry-run", "--json", "--config", str(config), str(file)]
    done = subprocess.run(
        [sys.executable, "-c", measured, *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    code, kilobytes = map(int, done.stdout.split())
    assert code == 0
    assert "200,000 events: 200,000 planned" in done.stderr
    assert kilobytes < 150_000
