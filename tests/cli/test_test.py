"""`test`: what it prints of tests that pass and fail, what it writes, and its exit codes."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.command import Screen, call, page, write_config, write_events

MINE = """\
name: Mine
    action: attach
    trigger: type = "page"
    fields: {account: $.userId, email: $.properties.email, secret: $.properties.token}
    tests:
      - {name: fine, event: {type: page, userId: u}, expect: {account: u}}
"""
WRONG = "      - {name: wrong, event: {type: page, userId: u}, expect: {account: v}}\n"
OTHER = 'name: Other\n    action: attach\n    trigger: type = "track"\n    fields: {account: $.userId}\n'
SUITE = "tests:\n  - {name: whole, event: {type: page, userId: u}, expect_mappings: [Mine]}\n"


def test_all_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mapping and each test file has a line with how many tests pass, and a count ends the report."""
    write_config(tmp_path, MINE, OTHER)
    (tmp_path / "rupt_test.yaml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    assert call("test") == (
        0,
        "rupt.yaml: Mine   1 test passes\n"
        "rupt.yaml: Other  no tests\n"
        "rupt_test.yaml    1 test passes\n"
        "2 tests, 2 passed\n",
        "",
    )


def test_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure says its place, what was expected and found, and shows the difference; the exit code is 1."""
    write_config(tmp_path, MINE + WRONG)
    monkeypatch.chdir(tmp_path)
    done = call("test")
    assert done.code == 1
    assert done.out.splitlines() == [
        "rupt.yaml: Mine  1 of 2 tests fails",
        "  failed  wrong",
        "    --> rupt.yaml:12:73",
        '        account: expected "v", found "u"',
        "      --- expected",
        "      +++ found",
        "      @@ -1,2 +1,2 @@",
        "       expect:",
        "      -  account: v",
        "      +  account: u",
        "2 tests, 1 passed, 1 failed",
    ]


def test_within_eighty_columns(tmp_path: Path) -> None:
    """Off a terminal no line but one that cannot be broken is wider than 80 columns."""
    long = "a word " * 40
    config = write_config(tmp_path, MINE + WRONG.replace("account: v", f"account: '{long}'"))
    config.write_text(config.read_text(encoding="utf-8").replace("name: Mine", f"name: {long}"), encoding="utf-8")
    out = call("test", "-v", "--coverage", "--config", config).out
    assert out.count("a word") >= 80
    assert max(len(line) for line in out.splitlines() if str(tmp_path) not in line) <= 80


def test_colours_on_a_terminal_only(tmp_path: Path) -> None:
    """A diff is red and green on a terminal that takes colours, and plain elsewhere."""
    config = write_config(tmp_path, MINE + WRONG)
    out = call("test", "--config", config, stdout=Screen(), env={"TERM": "xterm"}).out
    assert "\x1b[31m-  account: v\x1b[0m" in out
    assert "\x1b[32m+  account: u\x1b[0m" in out
    assert "\x1b" not in call("test", "--config", config, stdout=Screen(), env={"NO_COLOR": "1"}).out


def test_nothing_of_an_event_is_obeyed(tmp_path: Path) -> None:
    """What a terminal obeys is escaped, wherever it comes from."""
    test = '      - {name: "a\\e[2J", event: {type: page, userId: "\\e[2J"}, expect: {account: v}}\n'
    config = write_config(tmp_path, MINE + test)
    out = call("test", "--config", config, stdout=Screen(), env={"NO_COLOR": "1"}).out
    assert "\x1b" not in out
    assert "a\\x1b[2J" in out


def test_each_test_is_named(tmp_path: Path) -> None:
    """With -v the tests that pass are named too."""
    assert "\n  passed  fine\n" in call("test", "-v", "--config", write_config(tmp_path, MINE)).out


def test_rows(tmp_path: Path) -> None:
    """With --json each test is one line, and the words go to standard error."""
    config = write_config(tmp_path, MINE + WRONG)
    (tmp_path / "rupt_test.yaml").write_text(SUITE)
    done = call("test", "--json", "--config", config)
    fine, wrong, whole = done.rows
    assert fine == {
        "file": str(config), "line": 11, "column": 16, "mapping": "Mine", "test": "fine", "outcome": "passed"
    }  # fmt: skip
    assert wrong["outcome"] == "failed"
    assert wrong["differences"] == [{"message": 'account: expected "v", found "u"', "at": f"{config}:12:73"}]
    assert wrong["diff"][-1] == "+  account: u"
    assert (whole["mapping"], whole["test"]) == (None, "whole")
    assert (done.code, done.err) == (1, "3 tests, 2 passed, 1 failed\n")


def test_some_tests(tmp_path: Path) -> None:
    """--only takes the tests of a mapping, -k those with a text in their name; to find none is an error."""
    config = write_config(tmp_path, MINE + WRONG, OTHER)
    assert call("test", "--config", config, "-k", "FIN").out.endswith("1 test, 1 passed\n")
    assert call("test", "--config", config, "--only", "Mine").code == 1
    for words in (["--only", "Other"], ["-k", "nothing"]):
        done = call("test", "--config", config, *words)
        assert (done.code, done.out) == (2, "")
        assert "there is no such test" in done.err
    done = call("test", "--config", config, "--only", "Mime")
    assert (done.code, "did you mean 'Mine'?" in done.err) == (2, True)


def test_no_tests(tmp_path: Path) -> None:
    """A destination without tests passes, and is told how to write one."""
    done = call("test", "--config", write_config(tmp_path, OTHER))
    assert (done.code, "write `tests:` under a mapping" in done.err) == (0, True)


def test_problems_of_test_files(tmp_path: Path) -> None:
    """A test file that cannot be read ends the run with 2, and every problem with its place."""
    config = write_config(tmp_path, MINE)
    (tmp_path / "rupt_test.yaml").write_text(SUITE.replace("Mine", "Mime") + "test: 1\n")
    done = call("test", "--config", config)
    assert done.code == 2
    assert "error[unknown_key]" in done.err
    assert f"--> {tmp_path}/rupt_test.yaml:3:1" in done.err


@pytest.mark.parametrize("environment", ["", "environment: {SECRET: a-secret}\n"])
def test_no_secret_is_needed(environment: str, tmp_path: Path) -> None:
    """Variables come from the test file, or stand-ins take their places with --allow-unset."""
    config = write_config(tmp_path, MINE, settings=["api_secret: ${SECRET}"])
    (tmp_path / "rupt_test.yaml").write_text(environment + SUITE)
    options = [] if environment else ["--allow-unset"]
    assert call("test", "--config", config, *options, env={}).code == 0
    assert (call("test", "--config", config, env={}).code == 2) == (not environment)


def test_an_update(tmp_path: Path) -> None:
    """--update writes what was found, says where, and then all tests pass."""
    config = write_config(tmp_path, MINE + WRONG + "      # the end\n")
    before = config.read_text(encoding="utf-8")
    done = call("test", "--config", config, "--update")
    assert done.code == 0
    assert done.out.startswith(f"rewritten  wrong\n  --> {config}:12:16\n")
    assert done.out.endswith("2 tests, 1 passed, 1 rewritten\n")
    assert config.read_text(encoding="utf-8") == before.replace("account: v", "account: u")
    assert call("test", "--config", config, "--update").out == "2 tests, 2 passed\n"


def test_an_update_that_cannot_be_made(tmp_path: Path) -> None:
    """What is left alone is told with the reason, no secret is shown, and the exit code is 1."""
    event = "{type: page, userId: u, properties: {token: found-token}}"
    config = write_config(tmp_path, MINE + f"      - {{name: s, event: {event}, expect: {{secret: wanted-token}}}}\n")
    for options in ([], ["--update"], ["--json"], ["--update", "--json"]):
        done = call("test", "--config", config, *options)
        assert done.code == 1
        assert "-token" not in done.out + done.err
    assert done.rows[-1]["notWritten"].startswith("a field that is never shown differs")


def test_a_variable_is_not_shown_or_written(tmp_path: Path) -> None:
    """The value of a variable is neither printed nor written into a file; its name is shown."""
    config = write_config(tmp_path, MINE + WRONG.replace("userId: u}", 'userId: "${ACCOUNT}"}'))
    before = config.read_bytes()
    for options in ([], ["--update"], ["--json"]):
        done = call("test", "--config", config, *options, env={"ACCOUNT": "a-secret-account"})
        assert done.code == 1
        assert "a-secret-account" not in done.out + done.err
        assert "${ACCOUNT}" in done.out
    assert config.read_bytes() == before


def test_junit(tmp_path: Path) -> None:
    """--junit writes XML with a suite for each file, and for each test its file, line, and failure with the diff."""
    name = '"a\\0b\\e <&> \\ud83d\\ude42 \\x85"'.replace("\\ud83d\\ude42", "🙂")
    config = write_config(tmp_path, MINE + WRONG.replace("wrong", name))
    (tmp_path / "rupt_test.yaml").write_text(SUITE)
    out = tmp_path / "junit.xml"
    assert call("test", "--config", config, "--junit", out).code == 1
    root = ElementTree.fromstring(out.read_bytes())
    assert root.attrib == {"name": "rupt-connector", "tests": "3", "failures": "1", "errors": "0", "skipped": "0"}
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == [str(config), str(tmp_path / "rupt_test.yaml")]
    fine, wrong = suites[0].findall("testcase")
    assert (fine.get("classname"), fine.get("line"), len(fine)) == (f"{config}.Mine", "11", 0)
    assert wrong.get("name") == "a\\x00b\\x1b <&> 🙂 \\x85"
    failure = wrong.find("failure")
    assert failure is not None
    assert failure.get("message") == 'account: expected "v", found "u"'
    assert (failure.text or "").startswith(f"{config}:12:")
    assert "+  account: u" in (failure.text or "")


def test_coverage(tmp_path: Path) -> None:
    """--coverage says how much of each mapping the tests have reached, and what they have not, with its place."""
    config = write_config(tmp_path, MINE)
    done = call("test", "--config", config, "--coverage")
    assert done.code == 0
    table = done.out.partition("\n\n")[2]
    assert table.startswith("coverage   reached       of        %\nMine ")
    assert "the trigger: did not hold" in table
    assert f"    in {config}\n        8:" in table


def test_coverage_that_is_too_low(tmp_path: Path) -> None:
    """--min-coverage ends with 1 where less is reached; a test of the whole destination counts for all mappings."""
    config = write_config(tmp_path, MINE)
    done = call("test", "--config", config, "--min-coverage", "100")
    assert done.code == 1
    assert done.err.endswith("below the 100 % of --min-coverage\n")
    assert call("test", "--config", config, "--min-coverage", "1").code == 0
    other = "tests:\n  - {name: no, event: {type: track, event: x, userId: u}, expect_mappings: []}\n"
    before = call("test", "--config", config, "--coverage").out
    (tmp_path / "rupt_test.yaml").write_text(other)
    after = call("test", "--config", config, "--coverage").out
    assert "did not hold" in before
    assert "did not hold" not in after


def test_fields_that_nobody_reads(tmp_path: Path) -> None:
    """With --traffic the fields of recorded events that no mapping reads are named, with how often they come."""
    config = write_config(tmp_path, MINE)
    events = write_events(tmp_path / "events.jsonl", page(1, properties={"plan": "pro"}), {"type": "page"})
    out = call("test", "--config", config, "--coverage", "--traffic", events).out
    assert "fields that no mapping reads, in 1 event\n" in out
    assert [line.split() for line in out.splitlines() if "properties.plan" in line] == [
        ["properties.plan", "1", "page"]
    ]
    rows = call("test", "--config", config, "--traffic", events, "--json").rows
    assert {"unread": "properties.plan", "events": 1, "types": ["page"]} in rows
    assert {row["kind"] for row in rows if "kind" in row} >= {"trigger", "rule"}


def test_json_of_an_update(tmp_path: Path) -> None:
    """With --json an update says of each test which file was written."""
    config = write_config(tmp_path, MINE + WRONG)
    done = call("test", "--config", config, "--update", "--json")
    assert [(row["test"], row["outcome"], row.get("wrote")) for row in map(json.loads, done.out.splitlines())] == [
        ("fine", "passed", None),
        ("wrong", "updated", str(config)),
    ]
