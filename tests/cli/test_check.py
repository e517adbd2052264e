"""`check`: what it finds, how it prints it, and its exit codes."""

import json
from pathlib import Path

import pytest

from connector.codes import CODES
from tests.cli.command import call, write_config

FAILING = """\
name: Mine
    action: attach
    trigger: type = "page"
    fields: {account: $.userId}
    tests:
      - {name: fine, event: {type: page, userId: u}, expect: {account: u}}
      - {name: wrong, event: {type: page, userId: u}, expect: {account: v}}"""


def test_a_file_without_problems_passes(tmp_path: Path) -> None:
    """A good file is named with its mappings and tests on standard output."""
    config = write_config(
        tmp_path,
        '{name: A, action: attach, trigger: type = "page", enabled: false, fields: {account: $.userId}}',
        '{name: B, action: attach, trigger: type = "page", fields: {account: $.userId}}',
    )
    assert call("check", "--config", config) == (0, f"{config}: 2 mappings (1 switched off), no tests\n", "")


def test_every_problem_is_reported_with_its_place(tmp_path: Path) -> None:
    """A file that does not load has all its problems printed, each with line, caret and help, and ends with 2."""
    config = write_config(tmp_path, "{name: A, action: attach, trigger: type = page, fields: {acount: $.userId}}")
    done = call("check", "--config", config)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("error[") == 3
    assert f"--> {config}:6:47\n" in done.err
    assert "did you mean 'account'?" in done.err
    assert done.err.endswith("3 problems, nothing was done\n")


def test_a_test_that_fails_is_no_problem_of_the_file(tmp_path: Path) -> None:
    """A test in the file that fails is told with what was expected and found, and ends with 1."""
    config = write_config(tmp_path, FAILING)
    done = call("check", "--config", config)
    assert (done.code, done.out) == (1, f"{config}: 1 mapping, 1 of 2 tests passes\n")
    assert "error[test_failed]: the test 'wrong' of 'Mine' fails: account: expected \"v\", found \"u\"" in done.err
    assert f"--> {config}:12:" in done.err


@pytest.mark.parametrize(("mapping", "code"), [(FAILING, 1), ("{name: A, action: attach, trigger: type = page}", 2)])
def test_json_is_one_problem_a_line(mapping: str, code: int, tmp_path: Path) -> None:
    """With --format json each problem is one line with its code, message and place; the exit codes stay."""
    config = write_config(tmp_path, mapping)
    done = call("check", "--config", config, "--format", "json")
    assert done.code == code
    assert done.rows
    for row in done.rows:
        assert row["code"] in CODES
        assert row["file"] == str(config)
        assert row["line"] >= 6
        assert row["severity"] == "error"


def test_sarif_names_rules_and_places(tmp_path: Path) -> None:
    """With --format sarif the problems are one SARIF log: rules with their words, results with their regions."""
    config = write_config(tmp_path, "{name: A, action: attach, trigger: type = page}")
    done = call("check", "--config", config, "--format", "sarif")
    assert done.code == 2
    log = json.loads(done.out)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == {"required_field", "trigger_unquoted"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == str(config)
    (trigger,) = [result for result in run["results"] if result["ruleId"] == "trigger_unquoted"]
    region = trigger["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 47, "endColumn": 51}


def test_sarif_of_a_good_file_has_no_results(tmp_path: Path) -> None:
    """A good file gives a log without results, so that a code host takes older ones away."""
    done = call("check", "--config", write_config(tmp_path), "--format", "sarif")
    assert done.code == 0
    assert json.loads(done.out)["runs"][0]["results"] == []


def test_codes_lists_every_code() -> None:
    """--codes needs no file, and prints a line for each code that a problem can have."""
    done = call("check", "--codes", "--config", "/nowhere")
    assert done.code == 0
    assert [line.split("  ", 1)[0] for line in done.out.splitlines()] == list(CODES)


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """A problem on a line with a secret shows neither the secret nor what a variable holds."""
    settings = ["api_secret: {key: hunter2-in-file}", "debug: ${FLAG}"]
    done = call("check", "-c", write_config(tmp_path, settings=settings), env={"FLAG": "hunter2-in-env"})
    assert done.code == 2
    assert "settings.api_secret must be a text" in done.err
    assert "hunter2" not in done.err
