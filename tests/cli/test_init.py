"""`init`: a first destination file that can be used as it is."""

import os
import re
from pathlib import Path

import pytest

from connector.cli.init import FIRST
from tests.cli.command import call, page, write_events


def test_what_it_writes_passes_check(tmp_path: Path) -> None:
    """The file loads with nothing but a client id, and the tests in it pass."""
    file = tmp_path / "rupt.yaml"
    done = call("init", file)
    assert (done.code, done.out) == (0, "")
    assert f"{file} written. Next:" in done.err
    assert f"rupt-connector check --config {file}" in done.err
    checked = call("check", "--config", file)
    assert (checked.code, checked.err) == (0, "")
    assert re.fullmatch(rf"{file}: 3 mappings, all \d+ tests pass\n\d+ notes \(--notes prints them\)\n", checked.out)


def test_without_a_client_id_it_says_what_to_set(tmp_path: Path) -> None:
    """The one thing that is missing is named, at its place in the file."""
    file = tmp_path / "rupt.yaml"
    call("init", file)
    done = call("check", "--config", file, env={})
    assert done.code == 2
    assert "error[unset_variable]: the environment has no variable RUPT_CLIENT_ID" in done.err
    assert done.err.endswith("1 problem\n")


def test_the_file_is_ready_for_events(tmp_path: Path) -> None:
    """A page that happens now becomes an attach by the file as it is written."""
    file = tmp_path / "rupt.yaml"
    call("init", file)
    events = write_events(tmp_path / "events.ndjson", page(1))
    done = call("replay", "--dry-run", "--json", "--allow-stale", events, "--config", file)
    assert [(row["mapping"], row["outcome"]) for row in done.rows] == [("Attach Device", "planned")]


def test_the_commented_settings_are_right(tmp_path: Path) -> None:
    """A setting that stands in the file as a comment can be switched on by removing the #."""
    file = tmp_path / "rupt.yaml"
    call("init", file)
    text = re.sub(r"^  # (?=\w+: )", "  ", file.read_text(), flags=re.MULTILINE)
    assert text.count("\n  api_secret:") == text.count("\n  max_event_age:") == 1
    file.write_text(text)
    assert call("check", "--config", file, env={"RUPT_CLIENT_ID": "c", "RUPT_API_SECRET": "s"}).code == 0


def test_an_existing_file_is_never_touched(tmp_path: Path) -> None:
    """A file that is there stays as it is, and the command ends with 2."""
    file = tmp_path / "rupt.yaml"
    file.write_text("mine")
    done = call("init", file)
    assert (done.code, file.read_text()) == (2, "mine")
    assert f"{file} is there already; name another file or move it away" in done.err


@pytest.mark.parametrize("name", ["missing/rupt.yaml", "."])
def test_what_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    """A folder that is not there, or a folder in place of a file, ends with 2 and no traceback."""
    done = call("init", tmp_path / name)
    assert done.code == 2
    assert done.err.startswith("error: ")


@pytest.mark.parametrize("name", ["a b'c.yaml", "a{0}$(b)#.yaml", "line\nbreak.yaml", os.fsdecode(b"\xff.yaml")])
def test_any_name_makes_a_good_file(name: str, tmp_path: Path) -> None:
    """The file's name stands in its comments without harm, whatever it is."""
    assert call("init", tmp_path / name).code == 0
    assert call("check", "--config", tmp_path / name).code == 0


def test_the_template_names_only_commands_there_are() -> None:
    """Every command and option that the comments name exists."""
    for command in re.findall(r"^#.*?rupt-connector (\S+)", FIRST, flags=re.MULTILINE):
        assert call(command, "--help").code == 0
