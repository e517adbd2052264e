"""Tests of recordings: what must hold for each event of a file, and rows that are kept beside it."""

import gzip
from pathlib import Path

import pytest

from connector.destination import load
from connector.testing import Result, gather, run_group
from tests.cli.command import lines, page, write_config, write_events

MAPPING = """\
name: Mine
    action: attach
    trigger: type = "page"
    fields: {account: $.userId, email: $.properties.email}
    tests:
"""


def run(folder: Path, *tests: str) -> list[Result]:
    """Run tests beside one mapping, each written as one flow object."""
    config = write_config(folder, MAPPING + "".join(f"      - {{name: it, {test}}}\n" for test in tests))
    (group,) = gather(str(config), [], {}, load)
    return list(run_group(group))


def texts(folder: Path, test: str) -> str:
    """Give what is said of one test; nothing when it passes."""
    (result,) = run(folder, test)
    return "\n".join(result.texts)


def test_each_event_must_hold(tmp_path: Path) -> None:
    """What is expected must hold for each event of the recording, whose path starts at the YAML file's folder."""
    (tmp_path / "events").mkdir()
    write_events(tmp_path / "events" / "some.jsonl", page(1), page(1, messageId="m-2"))
    assert texts(tmp_path, "events: events/some.jsonl, expect: {account: user-1}") == ""
    assert texts(tmp_path, "events: events, expect: {account: user-1}, expect_request: {method: POST}") == ""


def test_a_recording_may_be_gzipped(tmp_path: Path) -> None:
    """Any recording that a replay reads will do, a gzipped one too."""
    (tmp_path / "some.gz").write_bytes(gzip.compress(lines(page(1))))
    assert texts(tmp_path, "events: some.gz, expect: {account: user-1}") == ""


def test_which_event_differs(tmp_path: Path) -> None:
    """A difference names the event, its file and its line; of many, some are told and the rest counted."""
    write_events(tmp_path / "some.jsonl", *(page(number) for number in range(6)))
    told = texts(tmp_path, "events: some.jsonl, expect: {account: user-1}").split("\n")
    assert told[0] == 'm-0 (some.jsonl:1): account: expected "user-1", found "user-0"'
    assert told[1].startswith("m-2 (some.jsonl:3): ")
    assert told[3:] == ["2 further events of some.jsonl differ"]


def test_some_events_of_a_recording(tmp_path: Path) -> None:
    """With `only` these events alone are tested, and whatever else stands in the file does not matter."""
    write_events(tmp_path / "some.jsonl", page(1), page(2), {"type": "page"}, page(3))
    assert texts(tmp_path, "events: some.jsonl, only: m-2, expect: {account: user-2}") == ""
    assert texts(tmp_path, "events: some.jsonl, only: [m-2], expect: {account: user-2}") == ""


UNUSABLE = [
    ("events: nowhere.jsonl, expect: {}", "no such file or folder"),
    ("events: empty.jsonl, expect: {}", "empty.jsonl holds no event, empty.jsonl:1: no_events: the file is empty"),
    ("events: some.jsonl, only: [m-1, m-9], expect: {}", "some.jsonl has no event m-9"),
    ("events: broken.jsonl, expect: {}", "broken.jsonl holds no event, broken.jsonl:1: bad_request: the text ends"),
    ("events: mixed.jsonl, expect: {}", "mixed.jsonl:2 is no event: bad_request: not JSON"),
    ("events: empty.jsonl, expect_rows: rows.ndjson", "empty.jsonl holds no event"),
    ("events: some.jsonl, expect_rows: broken.jsonl", "holds other things than rows: line 1"),
    ("events: some.jsonl, expect_rows: some2.jsonl", "holds other things than rows"),
    ("events: some.jsonl, expect_rows: folder", "cannot be read"),
    ("events: some.jsonl, expect_rows: rows.ndjson", "rows.ndjson does not exist"),
]


@pytest.mark.parametrize(("test", "text"), UNUSABLE)
def test_what_does_not_serve(test: str, text: str, tmp_path: Path) -> None:
    """A recording without an event, or without the one that is chosen, and rows that are none are failures."""
    write_events(tmp_path / "some.jsonl", page(1))
    write_events(tmp_path / "some2.jsonl", page(1))
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "broken.jsonl").write_bytes(b"{no json\n")
    (tmp_path / "mixed.jsonl").write_bytes(lines(page(1)) + b"{no json\n")
    (tmp_path / "folder").mkdir()
    assert text in texts(tmp_path, test)


def test_rows_that_are_kept(tmp_path: Path) -> None:
    """Rows are compared with what a dry run prints for this mapping alone, and a difference is shown in YAML."""
    write_events(tmp_path / "some.jsonl", page(1), {**page(2), "type": "track", "event": "x"}, {"type": "page"})
    test = "events: some.jsonl, expect_rows: rows.ndjson"
    (result,) = run(tmp_path, test)
    assert result.rows
    assert [b'"planned"' in row for row in result.rows.splitlines()] == [True, False, False]
    assert b'"at":"some.jsonl:3"' in result.rows
    (tmp_path / "rows.ndjson").write_bytes(result.rows)
    assert texts(tmp_path, test) == ""
    (tmp_path / "rows.ndjson").write_bytes(result.rows.replace(b"user-1", b"user-7"))
    (result,) = run(tmp_path, test)
    assert result.rows
    assert result.texts == ("row 1 differs from that in rows.ndjson",)
    assert "-  account: user-7" in result.diff
    assert "+  account: user-1" in result.diff
    (tmp_path / "rows.ndjson").write_bytes(result.rows.replace(b"m-", b"n-"))
    assert texts(tmp_path, test) == "2 rows differ from those in rows.ndjson, from row 1 on: 2 added, 2 gone"


def test_rows_of_long_recordings(tmp_path: Path) -> None:
    """Of many rows that differ a diff shows some, and says how many more there are."""
    write_events(tmp_path / "some.jsonl", *(page(number) for number in range(40)))
    (tmp_path / "rows.ndjson").write_bytes(b"")
    (result,) = run(tmp_path, "events: some.jsonl, expect_rows: rows.ndjson")
    assert result.texts == ("40 rows more than in rows.ndjson, from row 1 on",)
    assert result.diff[-1] == "… and 20 further rows"


def test_rows_of_a_mapping_that_is_off(tmp_path: Path) -> None:
    """A mapping that is switched off is tested as if it were on."""
    write_events(tmp_path / "some.jsonl", page(1))
    mapping = MAPPING.replace("action", "enabled: false\n    action")
    config = write_config(tmp_path, mapping + "      - {events: some.jsonl, expect_rows: rows.ndjson}\n")
    (group,) = gather(str(config), [], {}, load)
    (result,) = run_group(group)
    assert b'"planned"' in (result.rows or b"")


def test_rows_written_otherwise(tmp_path: Path) -> None:
    """Rows are compared as JSON: white space and the order of keys do not matter."""
    write_events(tmp_path / "some.jsonl", page(1, type="track", event="x"))
    row = '{"outcome": "filtered", "reason": "NO_MATCHING_MAPPING", "mapping": null, "messageId": "m-1"}\n\n'
    (tmp_path / "rows.ndjson").write_text(row)
    assert texts(tmp_path, "events: some.jsonl, expect_rows: rows.ndjson") == ""


def test_what_became_of_rows_is_summed_up(tmp_path: Path) -> None:
    """Where rows came, went or have another outcome, the counts of each are told before the diff."""
    write_events(tmp_path / "some.jsonl", *(page(number) for number in range(6)))
    test = "events: some.jsonl, expect_rows: rows.ndjson"
    (tmp_path / "rows.ndjson").write_bytes(b"")
    (result,) = run(tmp_path, test)
    assert result.rows
    rows = result.rows.splitlines(keepends=True)
    gone = rows[5].replace(b"m-5", b"m-9")
    changed = [rows[0].replace(b'"planned"', b'"invalid"'), rows[1].replace(b"user-1", b"user-9"), *rows[2:4], gone]
    (tmp_path / "rows.ndjson").write_bytes(b"".join(changed))
    assert texts(tmp_path, test) == (
        "1 row more than in rows.ndjson, from row 1 on: 2 added, 1 gone, 1 invalid → planned, 1 changed otherwise"
    )


def test_a_messageid_that_is_not_there(tmp_path: Path) -> None:
    """Of a messageId in `only` that the recording lacks the nearest is offered, or those that it has are named."""
    write_events(tmp_path / "some.jsonl", *({**page(number), "messageId": f"page-{number}"} for number in (7, 8)))
    test = "events: some.jsonl, only: [{}], expect_filtered: true"
    assert "has no event pgae-7; did you mean 'page-7'?" in texts(tmp_path, test.format("pgae-7"))
    assert "has no event nope; it has page-7 and page-8" in texts(tmp_path, test.format("nope"))
