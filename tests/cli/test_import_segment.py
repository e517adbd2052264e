"""`import-segment`: from Segment's JSON to a destination file that loads."""

import json
from pathlib import Path

from tests.cli.command import call

SUBSCRIPTIONS: list[dict[str, object]] = [
    {
        "partnerAction": "attach",
        "name": "Attach Device",
        "enabled": True,
        "subscribe": 'type = "page"',
        "mapping": {"account": {"@path": "$.userId"}},
    },
    {
        "actionSlug": "attach",
        "name": "On sign-up",
        "trigger": 'type = "track" and event = "Signed Up"',
        "settings": {"account": {"@path": "$.userId"}, "event": "sign_up"},
    },
]


def test_both_forms_become_a_file_that_passes_check(tmp_path: Path) -> None:
    """Subscriptions of both of Segment's forms become mappings of one file, which loads as it is."""
    source, out = tmp_path / "segment.json", tmp_path / "rupt.yaml"
    source.write_text(json.dumps(SUBSCRIPTIONS))
    done = call("import-segment", source, "--out", out)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{out}: 2 mappings written; next: rupt-connector check --config {out}\n"
    checked = call("check", "--config", out)
    assert (checked.code, checked.out.splitlines()[0]) == (0, f"{out}: 2 mappings, no tests")


def test_without_out_it_prints_the_file(tmp_path: Path) -> None:
    """From standard input to standard output it prints the same text."""
    out = tmp_path / "rupt.yaml"
    text = json.dumps(SUBSCRIPTIONS[0]).encode()
    done = call("import-segment", "-", stdin=text)
    assert (done.code, done.err) == (0, "")
    written = call("import-segment", "-", "-o", out, stdin=text)
    assert out.read_text() == done.out
    assert "1 mapping written" in written.err


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    """A file that is there stays as it is, and the command ends with 2."""
    out = tmp_path / "rupt.yaml"
    out.write_text("mine")
    done = call("import-segment", "-", "--out", out, stdin=json.dumps(SUBSCRIPTIONS).encode())
    assert (done.code, out.read_text()) == (2, "mine")
    assert done.err == f"error: {out}: File exists; choose another file\n"


def test_what_is_not_json_says_so(tmp_path: Path) -> None:
    """A file that is missing, no JSON, nested without end, or without subscriptions is wrong usage."""
    cases = {
        b"{": "standard input is not JSON: ",
        b"[" * 2_000 + b"]" * 2_000: "standard input is not JSON: nested too deeply",
        b"{}": "no subscription found: expected objects with partnerAction, subscribe and mapping",
    }
    for text, words in cases.items():
        done = call("import-segment", "-", stdin=text)
        assert (done.code, done.out) == (2, "")
        assert words in done.err
    missing = call("import-segment", tmp_path / "none.json")
    assert missing == (2, "", f"error: {tmp_path / 'none.json'}: No such file or directory\n")


def test_a_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    """Half a surrogate pair in a name ends in no traceback, and leaves no half-written file."""
    out = tmp_path / "rupt.yaml"
    text = json.dumps({**SUBSCRIPTIONS[0], "name": "\ud800"}).encode()
    done = call("import-segment", "-", "--out", out, stdin=text)
    assert (done.code == 0) == out.exists()
