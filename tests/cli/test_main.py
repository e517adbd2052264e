"""What all commands have in common: help, wrong usage, and streams that fail."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from connector.cli.main import COMMANDS
from tests.cli.command import ROOT, SDK, call, lines, page, start, write_config, write_events


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_prints_its_help(command: str) -> None:
    """The help of a command goes to standard output, begins with its usage, and is a success."""
    for option in ("--help", "-h"):
        done = call(command, option)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: rupt-connector {command} ")


def test_the_help_lists_commands_and_exit_codes() -> None:
    """The help of the whole names every command with a sentence, and what the exit codes mean."""
    done = call("--help")
    assert done.code == 0
    for command, words in COMMANDS.items():
        assert command in done.out
        assert " ".join(words.split()) in " ".join(done.out.split())
    assert "4 some deliveries failed" in " ".join(done.out.split())


def test_without_a_command_the_help_is_shown() -> None:
    """Calling the command alone shows its help as words, and is wrong usage."""
    done = call()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: rupt-connector ")


def test_the_version_is_printed() -> None:
    """The version is that of the installed package; from its source it says so."""
    try:
        expected = version("rupt-connector")
    except PackageNotFoundError:
        expected = "(not installed: run from its source)"
    assert call("--version")[:2] == (0, f"rupt-connector {expected}\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["chekc"], "there is no command 'chekc'; did you mean 'check'?\n  help: rupt-connector --help"),
        (["zzz"], "there is no command 'zzz'; the commands are init, check, test, explain"),
        (["--nope"], "No such option '--nope'"),
        (["replay"], "Missing argument 'PATHS...'.\n  help: rupt-connector replay --help"),
        (["replay", "x", "--dryrun"], "No such option '--dryrun'. Did you mean '--dry-run'?"),
        (["replay", "x", "--concurrency", "0"], "'--concurrency': 0 is not in the range 1<=x<=1024."),
        (["replay", "x", "--rate", "0"], "'--rate': 0.0 is not in the range x>0."),
        (["replay", "x", "--limit", "many"], "'--limit': 'many' is not a valid integer range."),
        (["check", "one", "two"], "unexpected extra arguments"),
        (["explain"], "Missing argument 'EVENT'"),
        (["schema", "nope"], "there is no schema 'nope'; the schemas are destination, tests"),
        (["twin", "--port", "66000"], "'--port': 66000 is not in the range 0<=x<=65535."),
    ],
)
def test_wrong_usage_says_what_is_wrong(args: list[str], words: str) -> None:
    """What cannot be understood ends with 2, one line that says why, and no data."""
    done = call(*args)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert words.lower() in done.err.lower()


@pytest.mark.parametrize("command", ["check", "explain", "replay"])
def test_a_missing_destination_file_leads_to_init(command: str, tmp_path: Path) -> None:
    """Where there is no destination file, the error names it and the command that writes one."""
    file = tmp_path / "rupt.yaml"
    done = call(command, *([] if command == "check" else [SDK]), "--config", file)
    assert (done.code, done.out) == (2, "")
    assert f"error[cannot_read]: there is no file {str(file)!r}" in done.err
    assert "help: rupt-connector init writes a first one; --config FILE names another" in done.err


def test_a_destination_file_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    """A destination file that is there but cannot be read is an error with its reason."""
    done = call("check", "--config", tmp_path)
    assert done.code == 2
    assert f"the file '{tmp_path}' cannot be read: Is a directory" in " ".join(done.err.split())


def test_a_destination_file_without_its_option(tmp_path: Path) -> None:
    """A destination file that is written as an argument is asked for as --config, where the command has that."""
    file = write_config(tmp_path)
    for command in ("check", "serve"):
        done = call(command, file)
        assert (done.code, done.out) == (2, "")
        assert done.err.endswith(f"\n  help: write rupt-connector {command} --config {file}\n")
    assert call("check", "extra").err.endswith("\n  help: rupt-connector check --help\n")


def test_all_problems_of_a_destination_file_come_at_once(tmp_path: Path) -> None:
    """A command that needs the destination file prints all of its problems, how many they are, and does nothing."""
    file = write_config(tmp_path, "{name: A, action: atach, trigger: type = page}", settings=["debug: perhaps"])
    done = call("replay", SDK, "--config", file)
    assert (done.code, done.out) == (2, "")
    assert "error[wrong_type]: settings.debug must be true or false" in done.err
    assert "error[unknown_action]" in done.err
    assert "error[trigger_unquoted]" in done.err
    assert done.err.endswith("3 problems, nothing was done\n")


def test_a_reader_that_goes_away_ends_a_command_quietly(tmp_path: Path) -> None:
    """When nobody reads the output any more, as with head, a command ends with 141 and no traceback."""
    write_events(tmp_path / "events.ndjson", *map(page, range(2_000)))
    config = write_config(tmp_path, settings=["max_event_age: none"])
    for command in (["schema", "destination"], ["replay", "--dry-run", "--json", "events.ndjson", "-c", str(config)]):
        with start(*command, cwd=tmp_path) as process:
            process.close_output()
            assert process.finish() == (141, "", "")


def test_a_full_disk_is_said() -> None:
    """Output that cannot be written is an error with its reason, not a traceback."""
    with open("/dev/full", "wb") as full, start("schema", stdout=full.fileno()) as process:
        done = process.finish()
    assert (done.code, done.err) == (2, "error: the output cannot be written: No space left on device\n")


def test_a_closed_standard_output_is_said() -> None:
    """A command that is started without a standard output says so and does nothing."""
    done = _shell("init --help >&-")
    assert done.returncode == 2
    assert done.stderr.startswith("error: the standard output is closed; send it to /dev/null")


def test_a_closed_standard_input_or_error_is_no_harm(tmp_path: Path) -> None:
    """Without standard input there is nothing to read, and without standard error nobody hears the words."""
    config = write_config(tmp_path)
    done = _shell(f"replay --dry-run --json --config {config} - <&-")
    assert done.returncode == 0
    assert "no_events: the file is empty" in done.stderr
    done = _shell(f"check --config {config} 2>&-")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{config}: 1 mapping, all ")


def _shell(command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        f"exec {sys.executable} -m connector {command}",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_file_name_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    """A recording whose name is not UTF-8 is read, and told of with its bytes escaped, in words and in rows."""
    name = os.fsdecode(bytes(tmp_path / "events-") + b"\xff.ndjson")
    Path(name).write_bytes(b"{not JSON}\n" + lines(page(1)))
    done = call("replay", name, "--dry-run", "--json", "--config", write_config(tmp_path))
    assert done.code == 0
    assert f"{tmp_path}/events-\\udcff.ndjson:1: bad_request" in done.err
    assert [row.get("at") for row in done.rows] == [f"{tmp_path}/events-\\udcff.ndjson:1", None]
