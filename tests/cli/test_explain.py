"""`explain`: which mappings take an event, why the others do not, and what comes out."""

import json
from pathlib import Path

import pytest

from tests.cli.command import SDK, call, lines, page, write_config

MAPPINGS = (
    "preset: attach-device",
    '{name: Off, action: attach, trigger: type = "page", enabled: false, fields: {account: $.userId}}',
    '{name: Other, action: attach, trigger: type = "track", fields: {account: $.userId}}',
    '{name: Secret, action: attach, trigger: type = "page", fields: {account: $.userId, secret: $.properties.token}}',
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A destination file with a mapping of every kind."""
    return write_config(tmp_path, *MAPPINGS)


def test_each_mapping_is_explained(config: Path) -> None:
    """Each mapping is told with what it makes of the event, or why it does not take it: its trigger, or its switch."""
    done = call("explain", json.dumps(page(1)), "--config", config)
    assert (done.code, done.err) == (0, "")
    told = done.out.split("\n\n")
    assert told[0] == "page Home  m-1"
    assert told[1].startswith("Attach Device: would be sent\n  payload\n    {\n")
    assert "  POST https://api.rupt.dev/v2/device/attach\n" in told[1]
    assert '"fingerprint": "anon-1"' in told[1]
    assert told[2] == "Off: not taken\n  it is switched off (enabled: false)"
    assert told[3] == 'Other: not taken\n  its trigger does not hold: type = "track"'


def test_json_prints_a_row_for_each_mapping(config: Path) -> None:
    """With --json every mapping is a row of the same form as those of replay."""
    done = call("explain", json.dumps(page(1)), "--config", config, "--json")
    assert [(row["mapping"], row["outcome"], row.get("reason")) for row in done.rows] == [
        ("Attach Device", "planned", None),
        ("Off", "filtered", "DISABLED"),
        ("Other", "filtered", "NO_MATCHING_MAPPING"),
        ("Secret", "planned", None),
    ]
    assert done.rows[0]["payload"]["account"] == "user-1"
    assert done.rows[0]["request"]["body"]["user"] == "user-1"


def test_a_signed_token_is_never_shown(config: Path) -> None:
    """The field `secret` is hidden in the payload, and the request shows no header."""
    event = json.dumps(page(1, properties={"token": "tok-secret"}))
    for option in ([], ["--json"]):
        done = call("explain", event, "--config", config, *option)
        assert "[redacted]" in done.out
        assert "tok-secret" not in done.out + done.err


def test_an_invalid_payload_is_shown(config: Path) -> None:
    """For a payload that does not pass, the problems and what it was are shown: that tells the field at fault."""
    event = page(1, userId=None, context={"traits": {"email": "ada@example.com"}})
    done = call("explain", json.dumps(event), "--config", config)
    assert done.code == 0
    assert "Attach Device: invalid\n  The root value is missing the required field 'account'.\n  payload\n" in done.out
    assert '"email": "ada@example.com"' in done.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"integrations": {"Rupt": False}}, "the event's integrations object keeps it from Rupt"),
        ({"context": {"consent": {"categoryPreferences": {"ads": False}}}}, "the event's consent preferences keep it"),
    ],
)
def test_an_event_that_is_kept_from_rupt(more: dict[str, object], words: str, tmp_path: Path) -> None:
    """What keeps an event from Rupt as a whole is told in words for every mapping."""
    config = write_config(tmp_path, settings=["consent_categories: [ads]"])
    assert words in call("explain", json.dumps(page(1, **more)), "--config", config).out


def test_what_is_skipped_says_why(config: Path) -> None:
    """A mapping that makes no request of an event says why."""
    done = call("explain", json.dumps(page(1, anonymousId=None)), "--config", config)
    assert "Attach Device: skipped\n  no_device: the event names no device" in done.out


def test_an_event_may_come_from_a_file_or_standard_input(config: Path, tmp_path: Path) -> None:
    """A file, -, and the JSON itself are the same; a file may be of any recorded form."""
    file = tmp_path / "event.json"
    file.write_bytes(lines(page(1)))
    expected = call("explain", json.dumps(page(1)), "--config", config)
    assert call("explain", file, "--config", config) == expected
    assert call("explain", "-", "--config", config, stdin=lines(page(1))) == expected
    batch = call("explain", SDK / "03-analytics-node-next-v1-batch.json", "--config", config)
    assert batch.code == 0
    assert "page Pricing  node-next-" in batch.out
    assert "track Signed Up  node-next-" in batch.out


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ("{", "not an event that can be sent: bad_request: not JSON"),
        ("[]", "not an event that can be sent: empty_batch"),
        ('{"type": "page"}', "not an event that can be sent: no_user_anon_id"),
        ('{"type": "bus", "userId": "u"}', "not an event that can be sent: UNSUPPORTED_EVENT_TYPE"),
        ("/nowhere.json", "/nowhere.json: No such file or directory; give a file, - or the JSON of an event"),
    ],
)
def test_what_is_no_event_is_wrong_usage(event: str, words: str, config: Path) -> None:
    """What cannot be read as an event ends with 2 and says why."""
    done = call("explain", event, "--config", config)
    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_of_a_batch_the_good_events_are_explained(config: Path) -> None:
    """An item of a batch that is no event is told at the end, after the others were explained."""
    done = call("explain", json.dumps({"batch": [page(1), {"type": "page"}, page(2)]}), "--config", config, "--json")
    assert done.code == 2
    assert {row["messageId"] for row in done.rows} == {"m-1", "m-2"}
    assert "no_user_anon_id: item 2" in done.err


def test_a_stale_event_is_explained_as_if_it_were_new(config: Path) -> None:
    """How old an event is does not matter here: the question is what the mappings make of it."""
    done = call("explain", json.dumps(page(1, timestamp="2001-01-01T00:00:00Z")), "--config", config)
    assert "Attach Device: would be sent" in done.out
