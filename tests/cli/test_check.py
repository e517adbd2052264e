"""`check`: what it finds, how it prints it, and its exit codes."""

import json
from pathlib import Path

import pytest

from connector.codes import CODES, SEVERITIES
from tests.cli.command import Screen, Terminal, call, write_config

FAILING = """\
name: Mine
    action: attach
    trigger: type = "page"
    fields: {account: user-1}
    tests:
      - {name: fine, event: {type: page, userId: u}, expect: {account: user-1}}
      - {name: wrong, event: {type: page, userId: u}, expect: {account: v}}"""
GOOD = '{name: A, action: attach, trigger: type = "page", enabled: false, fields: {account: a}}'
QUOTES = "{name: A, action: attach, trigger: type = 'page', fields: {account: a}}"


def words(text: str) -> str:
    """Give a text in one line, however it was broken."""
    return " ".join(text.split())


def test_a_file_without_problems_passes(tmp_path: Path) -> None:
    """A good file is named with its mappings and tests on standard output."""
    other = '{name: B, action: attach, trigger: type = "page", fields: {account: b}}'
    config = write_config(tmp_path, GOOD, other)
    done = call("check", "--config", config)
    verdict, counts = done.out.splitlines()
    assert (done.code, verdict, done.err) == (0, f"{config}: 2 mappings (1 switched off), no tests", "")
    assert counts == "2 notes (--notes prints them)"


def test_every_problem_is_reported_with_its_place(tmp_path: Path) -> None:
    """A file that does not load has all its problems printed, each with line, caret and help, and ends with 2."""
    config = write_config(tmp_path, "{name: A, action: attach, trigger: type = page, fields: {acount: $.userId}}")
    done = call("check", "--config", config)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("error[") == 3
    assert f"--> {config}:6:47\n" in done.err
    assert "did you mean 'account'?" in done.err
    assert done.err.endswith("3 problems; --fix mends 2 of them\n")


def test_a_test_that_fails_is_no_problem_of_the_file(tmp_path: Path) -> None:
    """A test in the file that fails is told with what was expected and found, and ends with 1."""
    config = write_config(tmp_path, FAILING)
    done = call("check", "--config", config)
    assert (done.code, done.out) == (1, f"{config}: 1 mapping, 1 of 2 tests passes\n1 error\n")
    assert "error[test_failed]: the test 'wrong' of 'Mine' fails: account:" in words(done.err)
    assert f"--> {config}:12:" in done.err
    assert "help: `rupt-connector test` shows the difference; with --update it takes over" in words(done.err)


def test_warnings_are_no_failure_unless_asked(tmp_path: Path) -> None:
    """Warnings are printed and counted and end with 0, with --strict they end with 1."""
    config = write_config(tmp_path, QUOTES)
    done = call("check", "-c", config)
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 warning, 1 note (--notes prints it); --fix mends 1 of them")
    assert done.err.startswith("warning[segment_reads_otherwise]: Segment takes the single quotes")
    assert """  fix: write 'type = "page"' (--fix)\n""" in done.err
    assert call("check", "-c", config, "--strict")[:2] == (1, done.out)
    assert call("check", "-c", write_config(tmp_path, GOOD), "--strict").code == 0


def test_errors_come_first(tmp_path: Path) -> None:
    """A failing test is printed before the warnings, wherever it stands."""
    config = write_config(tmp_path, QUOTES, FAILING)
    done = call("check", "-c", config)
    assert done.err.index("error[test_failed]") < done.err.index("warning[segment_reads_otherwise]")
    assert done.out.endswith("1 error, 1 warning, 1 note (--notes prints it); --fix mends 1 of them\n")


def test_notes_are_printed_when_asked_for(tmp_path: Path) -> None:
    """Notes are in the text with --notes only, and always in json; they never fail anything."""
    config = write_config(tmp_path, GOOD)
    assert "no_tests" not in call("check", "-c", config).err
    done = call("check", "-c", config, "--notes", "--strict")
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 note")
    assert "note[no_tests]: 'A' has no tests" in done.err
    assert [row["code"] for row in call("check", "-c", config, "--format", "json").rows] == ["no_tests"]


def test_what_the_schema_makes_of_a_field_is_proven(tmp_path: Path) -> None:
    """What can be proven of a mapping's fields without an event stands beside the other warnings."""
    config = write_config(tmp_path, '{name: A, action: attach, trigger: type = "page", fields: {account: $.userId}}')
    assert "proof_required" in {row["code"] for row in call("check", "-c", config, "--format", "json").rows}


def test_a_comment_allows_a_warning(tmp_path: Path) -> None:
    """`# check: allow CODE` keeps a warning from being given, and one that allows nothing is a warning."""
    config = write_config(tmp_path, f"{QUOTES} # check: allow segment_reads_otherwise")
    assert call("check", "-c", config, "--strict").code == 0
    idle = write_config(tmp_path, f"{GOOD} # check: allow segment_reads_otherwise")
    assert "warning[unused_allow]" in call("check", "-c", idle, "--strict").err


def test_no_line_is_broken_or_coloured_for_nobody(tmp_path: Path) -> None:
    """Off a terminal nothing is coloured, and words keep within 80 columns; on one the severity has a colour."""
    config = write_config(
        tmp_path, '{name: A, action: attach, trigger: type = "page" and event = "X", fields: {account: a}}'
    )
    plain = call("check", "-c", config)
    assert "\x1b" not in plain.err + plain.out
    said = [line for line in plain.err.splitlines() if "|" not in line and "-->" not in line]
    assert max(map(len, said)) <= 80
    screen = call("check", "-c", config, stdout=Screen(), stderr=Terminal(), env={"TERM": "xterm"})
    assert "\x1b[33mwarning[never_holds]\x1b[0m" in screen.err


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
        assert (row["line"], row["column"]) < (row["endLine"], row["endColumn"])
        assert row["severity"] == SEVERITIES[row["code"]]


def test_json_has_the_fix(tmp_path: Path) -> None:
    """A fix is in the JSON as edits by line and column, which give the file that --fix writes."""
    config = write_config(tmp_path, QUOTES)
    (row,) = [row for row in call("check", "-c", config, "--format", "json").rows if "fix" in row]
    lines = config.read_text().splitlines()
    for edit in sorted(row["fix"]["edits"], key=lambda edit: -int(edit["column"])):
        assert edit["line"] == edit["endLine"]
        line = lines[edit["line"] - 1]
        lines[edit["line"] - 1] = line[: edit["column"] - 1] + edit["text"] + line[edit["endColumn"] - 1 :]
    assert call("check", "-c", config, "--fix").code == 0
    assert config.read_text().splitlines() == lines
    assert row["fix"]["title"] == """write 'type = "page"'"""


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
        assert place["physicalLocation"]["artifactLocation"] == {"uri": config.as_uri()}
    (trigger,) = [result for result in run["results"] if result["ruleId"] == "trigger_unquoted"]
    region = trigger["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 47, "endColumn": 51}
    (fix,) = trigger["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"] == config.as_uri()
    assert fix["properties"] == {"safe": True}
    assert all(replacement["deletedRegion"]["startLine"] == 6 for replacement in change["replacements"])


def test_sarif_has_the_level_of_each_problem(tmp_path: Path) -> None:
    """Warnings, and with --notes notes, are results of their level, by rules of that level."""
    done = call("check", "-c", write_config(tmp_path, QUOTES), "--format", "sarif", "--notes")
    (run,) = json.loads(done.out)["runs"]
    assert {result["ruleId"]: result["level"] for result in run["results"]} == {
        "segment_reads_otherwise": "warning",
        "no_tests": "note",
    }
    levels = {rule["id"]: rule["defaultConfiguration"]["level"] for rule in run["tool"]["driver"]["rules"]}
    assert levels == {result["ruleId"]: result["level"] for result in run["results"]}


def test_sarif_names_files_from_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder of a repository its files are named from its root, which the log names too."""
    repository, folder = tmp_path / "a repo", tmp_path / "a repo" / "conf ig"
    folder.mkdir(parents=True)
    (repository / ".git").mkdir()
    write_config(folder, QUOTES)
    monkeypatch.chdir(folder)
    (run,) = json.loads(call("check", "-c", "rupt.yaml", "--format", "sarif").out)["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "conf%20ig/rupt.yaml", "uriBaseId": "SRCROOT"}
    assert result["fixes"][0]["artifactChanges"][0]["artifactLocation"] == place
    assert run["originalUriBaseIds"] == {"SRCROOT": {"uri": f"{repository.as_uri()}/"}}


def test_sarif_explains_its_rules(tmp_path: Path) -> None:
    """Each rule of the log has a description and a help text."""
    (run,) = json.loads(call("check", "-c", write_config(tmp_path, QUOTES), "--format", "sarif").out)["runs"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["fullDescription"]["text"] == CODES["segment_reads_otherwise"]
    assert "check: allow segment_reads_otherwise" in rule["help"]["text"]


@pytest.mark.parametrize("form", ["sarif", "json"])
def test_a_file_that_is_missing_is_a_problem_for_programs(form: str, tmp_path: Path) -> None:
    """Programs get a log with cannot_read on standard output where the file cannot be opened."""
    done = call("check", "-c", tmp_path / "nothing.yaml", "--format", form)
    assert done.code == 2
    assert "cannot_read" in done.out
    assert done.out == "" or json.loads(done.out)


def test_long_lines_are_cut_around_the_carets(tmp_path: Path) -> None:
    """Of a line that is wider than the screen what stands around the carets is printed, and the carets below it."""
    text = '{name: A, action: attach, enabled: false, fields: {account: a}, description: "' + "x" * 90 + '", trigger: '
    config = write_config(tmp_path, text + "type = page}" + " # " + "y" * 90)
    done = call("check", "-c", config)
    lines = done.err.splitlines()
    assert max(len(line) for line in lines if "-->" not in line) <= 80
    at = next(number for number, line in enumerate(lines) if "^^^^" in line)
    start, end = lines[at].index("^"), lines[at].rindex("^") + 1
    assert lines[at - 1][start:end] == "page"
    assert lines[at - 1].startswith("6 | …")
    assert lines[at - 1].endswith("…")


def test_tests_of_recordings_are_counted(tmp_path: Path) -> None:
    """Tests that look at recordings are not run, and the verdict says how many there are and what runs them."""
    test = "{event: {type: page, userId: u}, expect: {account: u}}"
    recorded = "{name: r, events: e.jsonl, expect: {account: u}}"
    head = '{name: A, action: attach, trigger: type = "page", fields: {account: $.userId}'
    one = f"{head}, tests: [{test}, {recorded}]}}"
    (tmp_path / "e.jsonl").write_text('{"type": "page", "userId": "u"}\n')
    done = call("check", "-c", write_config(tmp_path, one))
    assert "its test passes (1 more on recordings: rupt-connector test)" in done.out


def test_sarif_of_a_good_file_has_no_results(tmp_path: Path) -> None:
    """A good file gives a log without results, so that a code host takes older ones away; notes are left out."""
    config = write_config(tmp_path, GOOD)
    done = call("check", "--config", config, "--format", "sarif")
    assert done.code == 0
    assert json.loads(done.out)["runs"][0]["results"] == []


def test_codes_lists_every_code() -> None:
    """--codes needs no file, and prints each code that a problem can have, in groups, with its words."""
    done = call("check", "--codes", "--config", "/nowhere")
    assert done.code == 0
    listed = [line.split()[0] for line in done.out.splitlines() if line.startswith("  ") and line[2] not in " ("]
    assert listed == list(CODES)
    assert max(map(len, done.out.splitlines())) <= 80


def test_codes_for_programs_and_for_a_readme() -> None:
    """--codes is JSON or tables of Markdown when asked for; no other form has meaning for it."""
    rows = call("check", "--codes", "--format", "json").rows
    assert {row["code"]: row["severity"] for row in rows} == dict(SEVERITIES)
    tables = call("check", "--codes", "--format", "markdown").out
    assert all(f"| `{code}` | " in tables for code in CODES)
    assert call("check", "--codes", "--format", "sarif").code == 2
    assert call("check", "--format", "markdown").code == 2


def test_no_secret_is_printed(tmp_path: Path) -> None:
    """A problem on a line with a secret shows neither the secret nor what a variable holds."""
    settings = ["api_secret: {key: hunter2-in-file}", "debug: ${FLAG}"]
    done = call("check", "-c", write_config(tmp_path, settings=settings), env={"FLAG": "hunter2-in-env"})
    assert done.code == 2
    assert "settings.api_secret must be a text" in done.err
    assert "hunter2" not in done.err


def test_the_environment_may_be_empty_when_asked(tmp_path: Path) -> None:
    """With --allow-unset a file is checked where no secret is set."""
    config = write_config(tmp_path, GOOD, settings=["logout_url: ${LOGOUT}"])
    refused = call("check", "-c", config, env={})
    assert refused.code == 2
    assert "commands that send nothing take --allow-unset" in words(refused.err)
    assert call("check", "-c", config, "--allow-unset", env={}).code == 0
