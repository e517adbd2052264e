"""What tests found, written into their files: only the expectations change, and afterwards every test passes."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.destination import load, mappings_folder
from connector.testing import Update, gather, run_group, write_updates
from connector.values import JSON
from connector.yaml_writing import SPARING
from tests.cli.command import page, write_config, write_events

MAPPING = """\
name: Mine
    action: attach
    trigger: type = "page"  # pages
    fields: {account: $.userId, email: $.properties.email, metadata: $.properties.more, secret: $.properties.token}
    tests:
"""


def update(config: Path) -> list[Update]:
    """Run all tests of a destination and write what they found."""
    return write_updates([result for group in gather(str(config), [], {}, load) for result in run_group(group)])


def updated(folder: Path, tests: str) -> tuple[str, list[Update]]:
    """Update tests, written as a block, and give how they are written now."""
    config = write_config(folder, MAPPING + tests)
    updates = update(config)
    text = config.read_text(encoding="utf-8")
    assert text.startswith(config.read_text(encoding="utf-8").partition("    tests:\n")[0])
    return text.partition("    tests:\n")[2].removesuffix("\n"), updates


def test_only_expectations_change(tmp_path: Path) -> None:
    """Values are replaced where they stand; comments, quotes and layout stay, byte for byte."""
    before = """\
      # the first
      - name: one   # its name
        event: {type: page, userId: u1, anonymousId: a, properties: {email: a@example.com}}
        expect:
          account: u2   # who
          # and the address
          email: "b@example.com"
          phone: null
      - {name: two, event: {type: page, userId: u1}, expect: {  account: 'u9' }}  # flow"""
    after = before.replace("u2", "u1").replace("b@", "a@").replace("u9", "u1")
    text, updates = updated(tmp_path, before)
    assert text == after
    assert [update.why_not for update in updates] == ["", ""]


def test_comments_stay_with_their_keys(tmp_path: Path) -> None:
    """Where an object differs in one key only that one changes, whatever the order of keys in the event."""
    event = 'event: {type: page, userId: u1, properties: {more: {a: "1", b: "2", c: "3"}}}'
    before = f"""\
      - {event}
        expect:
          metadata:
            # why c matters
            c: "3" # third
            b: "x" # second
            a: "1" # first"""
    text, updates = updated(tmp_path, before)
    assert text == before.replace('"x"', '"2"')
    changed = [line for line in updates[0].result.diff[2:] if line[:1] in "+-"]
    assert changed == ["-    b: x", '+    b: "2"']


def test_an_event_by_anchor(tmp_path: Path) -> None:
    """An event that several tests share by an anchor is not touched, and does not stop an update."""
    before = """\
      - name: one
        event: &page {type: page, userId: u1}
        expect: {account: x}
      - name: two
        expect: {account: y}
        event: *page
      - {name: three, event: *page, expect_filtered: true}"""
    text, updates = updated(tmp_path, before)
    after = before.replace("account: x", "account: u1").replace("account: y", "account: u1")
    assert text == after.replace("expect_filtered: true", "expect_skipped: no_device")
    assert [one.why_not for one in updates] == ["", "", ""]


def test_an_expectation_by_anchor(tmp_path: Path) -> None:
    """An expectation that several tests share by an anchor is left to a person, who is told of it."""
    before = """\
      - {event: {type: page, userId: u1}, expect: &it {account: x}}
      - {event: {type: page, userId: u2}, expect: *it}
      - {event: {type: page, userId: u3}, expect: {account: x}}"""
    text, updates = updated(tmp_path, before)
    assert text == before.replace("expect: {account: x}", "expect: {account: u3}")
    assert [one.why_not for one in updates] == [
        "it has the anchor &it, which is used elsewhere too; write it out by hand",
        "it is an alias; write it out by hand",
        "",
    ]


def test_problems_that_still_hold(tmp_path: Path) -> None:
    """Of a list of problems the texts that still hold stay as they are written."""
    before = """\
      - event: {type: page}
        expect_invalid:
          - required field # short on purpose
          - another thing"""
    text, updates = updated(tmp_path, before)
    assert text == before.replace("\n          - another thing", "")
    assert [one.why_not for one in updates] == [""]


def test_another_outcome(tmp_path: Path) -> None:
    """Where another thing became of the event, the key is another one, in the same place."""
    text, _ = updated(
        tmp_path,
        "      - {name: a, event: {type: page, userId: u1}, expect_filtered: true}\n"
        "      - {name: b, expect: {account: x}, event: {type: track}}\n"
        "      - {name: c, event: {type: page}, expect: {account: u1}, expect_request: {method: POST}}",
    )
    assert text == (
        "      - {name: a, event: {type: page, userId: u1}, expect_skipped: no_device}\n"
        "      - {name: b, expect_filtered: true, event: {type: track}}\n"
        "      - {name: c, event: {type: page}, "
        "expect_invalid: \"The root value is missing the required field 'account'.\"}"
    )


def test_nothing_changes_when_all_passes(tmp_path: Path) -> None:
    """Where every test passes nothing is written, not even the same again."""
    config = write_config(tmp_path, MAPPING + "      - {event: {type: page, userId: u1}, expect: {account: u1}}")
    before = os.stat(config)
    assert update(config) == []
    assert os.stat(config) == before


def test_a_byte_order_mark_and_permissions_stay(tmp_path: Path) -> None:
    """What an editor has put before the text, its line ends and its permissions stay as they are."""
    config = write_config(tmp_path, MAPPING + "      - {event: {type: page, userId: u1}, expect: {account: u2}}")
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes().replace(b"\n", b"\r\n"))
    config.chmod(0o640)
    before = config.read_bytes()
    assert [one.why_not for one in update(config)] == [""]
    assert config.read_bytes() == before.replace(b"u2", b"u1")
    assert config.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in tmp_path.iterdir()] == ["rupt.yaml"]


def test_a_preset_of_the_connector_is_not_edited(tmp_path: Path) -> None:
    """A test that comes with the connector is left alone, with the reason."""
    config = write_config(tmp_path, "{preset: attach-device, enabled: true}")
    groups = gather(str(config), [], {}, load)
    results = [result for group in groups for result in run_group(group)]
    assert str(mappings_folder()) in results[0].case.part.document.file
    failed = run_group(groups[0])
    broken = [type(one)(one.group, one.planned, ("it",), ("it",), (), {"name": "x"}) for one in failed]  # type: ignore[arg-type]
    updates = write_updates(broken)
    assert {one.why_not for one in updates} == {"the test comes with the connector, and its presets are not edited"}


def test_a_file_that_has_changed_is_left_alone(tmp_path: Path) -> None:
    """What somebody has written in the meantime is not overwritten."""
    config = write_config(tmp_path, MAPPING + "      - {event: {type: page, userId: u1}, expect: {account: u2}}")
    results = [result for group in gather(str(config), [], {}, load) for result in run_group(group)]
    config.write_text("# mine\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
    (one,) = write_updates(results)
    assert one.why_not == "the file has changed in the meantime"
    assert "u2" in config.read_text(encoding="utf-8")


def test_a_secret_is_not_written(tmp_path: Path) -> None:
    """A field that is never shown is left for a person, and the other tests of the file are written."""
    event = "{type: page, userId: u1, properties: {token: found-token}}"
    text, updates = updated(
        tmp_path,
        f"      - {{name: a, event: {event}, expect: {{secret: x}}}}\n"
        f"      - {{name: b, event: {event}, expect: {{account: x}}}}",
    )
    assert [bool(one.why_not) for one in updates] == [True, False]
    assert "secret: x" in text
    assert "expect: {account: u1}" in text


def test_events_that_differ(tmp_path: Path) -> None:
    """What does not hold for all events of a recording alike cannot be written."""
    write_events(tmp_path / "some.jsonl", page(1), page(2))
    _, (one,) = updated(tmp_path, "      - {events: some.jsonl, expect: {account: x}}")
    assert "the events differ among themselves" in one.why_not


def test_rows_are_written(tmp_path: Path) -> None:
    """A file of rows that is missing or differs is written, and then the test passes."""
    write_events(tmp_path / "some.jsonl", page(1), page(2))
    text, (one,) = updated(tmp_path, "      - {events: some.jsonl, expect_rows: rows.ndjson}")
    assert (one.file, one.why_not) == (str(tmp_path / "rows.ndjson"), "")
    assert (tmp_path / "rows.ndjson").read_bytes().count(b"\n") == 2
    assert text == "      - {events: some.jsonl, expect_rows: rows.ndjson}"
    assert update(tmp_path / "rupt.yaml") == []


def test_a_file_that_holds_no_rows_is_not_overwritten(tmp_path: Path) -> None:
    """Rows never take the place of a file that holds other things."""
    write_events(tmp_path / "some.jsonl", page(1))
    _, (one,) = updated(tmp_path, "      - {events: some.jsonl, expect_rows: rupt.yaml}")
    assert "holds other things than rows" in one.why_not
    assert (tmp_path / "rupt.yaml").read_bytes().startswith(b"destination: rupt\n")


TEXTS = st.one_of(
    st.sampled_from(["yes", "12", "a: b", "# a", "{{a}}", "${A}", "$.a", "", " x", "it's", 'say "it"', "x\ny", "u1"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
LEAVES: st.SearchStrategy[JSON] = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(-9, 9**20), st.just(1.5))
OBJECTS = st.dictionaries(TEXTS, st.one_of(LEAVES, st.dictionaries(TEXTS, LEAVES, max_size=3)), max_size=3)
EVENTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "track"])},
    optional={
        "userId": TEXTS,
        "anonymousId": TEXTS,
        "properties": st.fixed_dictionaries({}, optional={"email": LEAVES, "more": OBJECTS}),
    },
)
EXPECTED: st.SearchStrategy[dict[str, JSON]] = st.one_of(
    st.fixed_dictionaries({"expect": st.dictionaries(st.sampled_from(["account", "email", "metadata"]), LEAVES)}),
    st.fixed_dictionaries(
        {
            "expect": st.fixed_dictionaries({}, optional={"account": LEAVES, "metadata": OBJECTS}),
            "expect_request": st.fixed_dictionaries({"method": st.just("GET"), "body": OBJECTS}),
        }
    ),
    st.sampled_from([{"expect_filtered": True}, {"expect_invalid": ["a", "b"]}, {"expect_skipped": "stale"}]),
)


@settings(max_examples=80, deadline=None)
@given(tests=st.lists(st.tuples(EVENTS, EXPECTED, st.booleans()), min_size=1, max_size=4))
def test_after_an_update_everything_passes(
    tests: list[tuple[JSON, dict[str, JSON], bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever was expected of whatever events: after an update every test passes, and a second one changes nothing."""
    written = "".join(_written(event, expected, is_block=block) for event, expected, block in tests)
    config = write_config(
        tmp_path_factory.mktemp("update"), MAPPING + "      " + written.replace("\n", "\n      ").rstrip()
    )
    assert [one.why_not for one in update(config) if one.why_not] == []
    after = config.read_bytes()
    assert update(config) == []
    assert config.read_bytes() == after
    assert after.count(b"# an event") == after.count(b"# the end") == len(tests)


def _written(event: JSON, expected: dict[str, JSON], *, is_block: bool) -> str:
    """Write a test as a block or in flow style, with comments in it."""
    if not is_block:
        return f"- {SPARING.value({'name': 'it', 'event': event, **expected})} # an event\n# the end\n"
    lines = "\n  ".join(SPARING.block({"event": event, **expected}))
    return f"- name: it # an event\n  {lines}\n  # the end\n"
