"""`test`: what it prints of tests that pass and fail, what it writes, and its exit codes."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connector.cli.trial_coverage import percent
from tests.cli.command import Done, Screen, call, page, write_config, write_events

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


def test_an_update_is_offered_once(tmp_path: Path) -> None:
    """After tests that fail it is said once that --update takes over what was found, and after one nothing of it."""
    config = write_config(tmp_path, MINE + WRONG + WRONG.replace("wrong", "worse"))
    assert call("test", "--config", config).err.count("`test --update`") == 1
    assert "--update" not in call("test", "--config", config, "--update").err
    assert "--update" not in call("test", "--config", config).err


def test_a_place_is_told_once(tmp_path: Path) -> None:
    """Several differences at one place stand under it together."""
    body = "expect_request: {body: {user: u}}"
    config = write_config(
        tmp_path, f"{MINE}      - {{name: body, event: {{type: page, userId: u, anonymousId: a}}, {body}}}\n"
    )
    done = call("test", "--config", config)
    assert done.out.count("--> ") == 1
    assert done.out.count("        body.") > 2


def test_a_long_difference_is_cut(tmp_path: Path) -> None:
    """Of a difference some forty lines are shown, and how many more there are."""
    write_events(tmp_path / "some.jsonl", *(page(number) for number in range(30)))
    (tmp_path / "rows.ndjson").write_bytes(b"")
    test = "      - {name: rows, events: some.jsonl, expect_rows: rows.ndjson}\n"
    done = call("test", "--config", write_config(tmp_path, MINE + test))
    assert len(done.out.splitlines()) < 50
    assert done.out.splitlines()[-2].endswith(" more lines; --update writes them")


def test_a_mapping_that_a_test_file_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping without tests beside it that a test file names has none here, which is not to say that it has none."""
    write_config(tmp_path, MINE, OTHER)
    (tmp_path / "rupt_test.yaml").write_text(SUITE.replace("type: page", "type: track").replace("Mine", "Other"))
    monkeypatch.chdir(tmp_path)
    assert "rupt.yaml: Other  none here\n" in call("test").out


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
    assert (done.code, done.err.splitlines()[0]) == (1, "3 tests, 2 passed, 1 failed")


def test_some_tests(tmp_path: Path) -> None:
    """--only takes the tests of a mapping, -k those with a text in their name; to find none is an error."""
    config = write_config(tmp_path, MINE + WRONG, OTHER)
    assert call("test", "--config", config, "-k", "FIN").out.endswith("1 test, 1 passed\n")
    assert call("test", "--config", config, "--only", "Mine").code == 1
    for words, told in ((["--only", "Other"], "is there, but has no tests"), (["-k", "nothing"], "no such test")):
        done = call("test", "--config", config, *words)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
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


KEYED = """\
name: Keyed
    action: attach
    trigger: type = "page"
    fields: {account: $.userId, metadata: {env: "${DEPLOY_KEY}"}}
"""
KEYED_SUITE = """\
tests:
  - {name: m, mapping: Keyed, event: {type: page, userId: u, anonymousId: a}, expect: {metadata: {env: x}}}
  - {name: u, mapping: Keyed, event: {type: page, userId: u, anonymousId: a}, expect_request: {url: x}}
  - {name: r, mapping: Keyed, events: events.jsonl, expect_rows: rows.ndjson}
"""
VARIABLES = {"DEPLOY_KEY": 'a-deploy-"key"-1', "RUPT_DOMAIN": "https://rupt.hidden.example.com"}


def test_variables_of_the_destination_are_not_shown_or_written(tmp_path: Path) -> None:
    """Values of variables in the destination's files stay out of every output and file; their names stand for them."""
    config = write_config(tmp_path, KEYED, settings=["domain: ${RUPT_DOMAIN}"])
    suite = tmp_path / "rupt_test.yaml"
    suite.write_text(KEYED_SUITE)
    write_events(tmp_path / "events.jsonl", page(1))
    for options in (["--junit", str(tmp_path / "junit.xml")], ["--json"], ["--update"], ["--update", "--json"]):
        done = call("test", "--config", config, *options, env=VARIABLES)
        assert done.code == 1
        assert "${DEPLOY_KEY}" in done.out
        files = "".join(file.read_text(encoding="utf-8") for file in tmp_path.iterdir())
        for secret in ("a-deploy-", "rupt.hidden"):
            assert secret not in done.out + done.err + files
    assert "the value of the variable DEPLOY_KEY" in done.out
    rows = (tmp_path / "rows.ndjson").read_text(encoding="utf-8")
    assert '"url":"${RUPT_DOMAIN}/v2/device/attach"' in rows
    done = call("test", "--config", config, "-k", "r", env={**VARIABLES, "RUPT_DOMAIN": "https://other.example.com"})
    assert (done.code, done.out.splitlines()[-1]) == (0, "1 test, 1 passed")


def test_rows_with_stand_ins(tmp_path: Path) -> None:
    """Rows that were written with the variables of one machine pass with stand-ins on another."""
    config = write_config(tmp_path, KEYED, settings=["domain: ${RUPT_DOMAIN}"])
    (tmp_path / "rupt_test.yaml").write_text(KEYED_SUITE)
    write_events(tmp_path / "events.jsonl", page(1))
    call("test", "--config", config, "--update", "-k", "r", env=VARIABLES)
    assert call("test", "--config", config, "--allow-unset", "-k", "r", env={}).code == 0


def test_a_variable_of_the_test_file_is_written(tmp_path: Path) -> None:
    """What the test file itself gives a variable is no secret: it is shown and written."""
    config = write_config(tmp_path, KEYED)
    suite = tmp_path / "rupt_test.yaml"
    suite.write_text("environment: {DEPLOY_KEY: the-key-of-tests}\n" + KEYED_SUITE)
    assert 'found {"env":"the-key-of-tests"}' in call("test", "--config", config, "-k", "m", env={}).out.replace(
        "\n", " "
    ).replace("          ", "")
    assert call("test", "--config", config, "-k", "m", "--update", env={}).code == 0
    assert "{metadata: {env: the-key-of-tests}}" in suite.read_text()


MADE = """\
name: Made
    action: attach
    trigger: type = "page"
    fields:
      account: $.userId
      email: $.properties.email
      metadata:
        up: {"@case": {operator: upper, value: "${KEY}"}}
        json: {"@json": {mode: encode, value: ["${KEY}", "a"]}}
        put: {"@replace": {pattern: "-", replacement: "+", value: "${KEY}"}}
        part: "of {{userId}} with ${SHORT}"
        short: "${SHORT}"
        n: $.properties.n
"""
MADE_SUITE = """\
tests:
  - name: meta
    mapping: Made
    event: &one {type: page, userId: u, anonymousId: a, properties: {n: 71, email: pro@acme.com}}
    expect: {metadata: {up: X}}
  - {name: body, mapping: Made, event: *one, expect_request: {body: {metadata: {part: X}}}}
  - {name: rows, mapping: Made, events: events.jsonl, expect_rows: rows.ndjson}
  - {name: n, mapping: Made, event: *one, expect: {email: x@acme.com}}
"""


def made(folder: Path, *options: str, **env: str) -> Done:
    """Run the tests of a mapping that makes other texts of variables; SHORT is 71 where it is not told."""
    config = write_config(folder, MADE)
    if not (folder / "rupt_test.yaml").exists():
        (folder / "rupt_test.yaml").write_text(MADE_SUITE)
    write_events(folder / "events.jsonl", {**page(1), "properties": {"n": 71}})
    return call("test", "--config", config, *options, env={"KEY": "se-cret", "SHORT": "71", **env})


@pytest.mark.parametrize("options", [["--junit", "JUNIT"], ["--json"], ["--update"], ["--update", "--json"]])
def test_what_is_made_of_a_variable_is_not_shown_or_written(options: list[str], tmp_path: Path) -> None:
    """What directives make of a variable stays out of every output and file, however short it is."""
    done = made(tmp_path, *(str(tmp_path / "junit.xml") if option == "JUNIT" else option for option in options))
    assert done.code == 1
    files = "".join(file.read_text(encoding="utf-8") for file in tmp_path.iterdir())
    for secret in ("se-cret", "SE-CRET", "se+cret", "with 71", '"short":"71"', "short: '71'", 'short: "71"'):
        assert secret not in done.out + done.err + files
    assert "of u with ${SHORT}" in done.out


def test_rows_with_what_is_made_of_variables(tmp_path: Path) -> None:
    """In rows a variable is its name, what was made of it is hidden, and what a path read stays, however alike."""
    assert made(tmp_path, "--update", "-k", "rows").code == 0
    (row,) = [json.loads(line) for line in (tmp_path / "rows.ndjson").read_text(encoding="utf-8").splitlines()]
    wanted = {
        "up": "[redacted]",
        "json": "[redacted]",
        "put": "[redacted]",
        "part": "of user-1 with ${SHORT}",
        "short": "${SHORT}",
        "n": "71",
    }
    assert row["request"]["body"]["metadata"] == wanted
    assert {**row["payload"]["metadata"], "n": "71"} == wanted
    assert made(tmp_path, "-k", "rows", KEY="other-key", SHORT="6").code == 0


def test_a_made_value_is_refused_with_the_reason(tmp_path: Path) -> None:
    """An update that would write what came of a variable is refused, and it is said of which."""
    first, second = made(tmp_path, "--update", "--json", "-k", "y").rows[:1] + made(tmp_path, "--json").rows[:1]
    assert first["notWritten"] == "it would hold the value of the variable SHORT; write it by hand"
    assert "[redacted]" in second["differences"][0]["message"]


@pytest.mark.parametrize("variables", [{"SHORT": "true"}, {"KEY": "acme.com"}, {"KEY": "ro@acme"}])
def test_a_text_that_is_like_a_variable_is_shown_and_written(variables: dict[str, str], tmp_path: Path) -> None:
    """What an author wrote and what a path read is no variable, whatever the values of variables are."""
    done = made(tmp_path, "-k", "n", **variables)
    assert 'expected "x@acme.com", found "pro@acme.com"' in done.out
    assert made(tmp_path, "-k", "n", "--update", **variables).code == 0
    assert "expect: {email: pro@acme.com}" in (tmp_path / "rupt_test.yaml").read_text(encoding="utf-8")


def test_a_recorded_text_that_is_like_a_variable_is_shown(tmp_path: Path) -> None:
    """What a recorded event holds is no variable either, in what is told and in rows that are kept."""
    suite = (
        "tests:\n  - {name: r, mapping: Made, events: events.jsonl, expect: {account: x}, expect_rows: rows.ndjson}\n"
    )
    (tmp_path / "rupt_test.yaml").write_text(suite)
    assert 'expected "x", found "user-1"' in made(tmp_path, KEY="user-1").out
    (tmp_path / "rupt_test.yaml").write_text(suite.replace("expect: {account: x}, ", ""))
    assert made(tmp_path, "--update", KEY="user-1").code == 0
    assert '"user":"user-1"' in (tmp_path / "rows.ndjson").read_text(encoding="utf-8")


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def test_a_token_of_a_recording_is_not_shown_or_written(tmp_path: Path) -> None:
    """A web token that a mapping copies from a recorded event is hidden everywhere, and a person must write it."""
    mapping = MINE.replace("$.properties.email", "$.properties.email, metadata: {t: $.context.token}")
    config = write_config(tmp_path, mapping)
    suite = tmp_path / "rupt_test.yaml"
    suite.write_text(
        "tests:\n  - {name: t, events: events.jsonl, expect_mappings: {Mine: {expect: {metadata: {t: x}}}}}\n"
    )
    write_events(tmp_path / "events.jsonl", page(1, context={"token": TOKEN}))
    junit = tmp_path / "junit.xml"
    for options in ([], ["--json"], ["--junit", str(junit)], ["--update"]):
        done = call("test", "--config", config, *options)
        assert done.code == 1
        assert "eyJ" not in done.out + done.err
    assert "left alone  t" in done.out
    assert "eyJ" not in junit.read_text() + suite.read_text()


def test_rows_hold_no_token(tmp_path: Path) -> None:
    """A web token, and what the name of its key calls secret, is neither in kept rows nor in their diff."""
    config = write_config(tmp_path, MINE.replace("$.properties.email", "$.properties.email, metadata: $.context"))
    (tmp_path / "rupt_test.yaml").write_text("tests: [{name: r, events: e.jsonl, expect_rows: rows.ndjson}]\n")
    write_events(tmp_path / "e.jsonl", page(1, context={"t": TOKEN, "my_password": "pass-1", "plan": "pro"}))
    (tmp_path / "rows.ndjson").write_text("")
    done = call("test", "--config", config)
    assert call("test", "--config", config, "--update").code == 0
    for text in (done.out, (tmp_path / "rows.ndjson").read_text()):
        assert "pro" in text
        assert "eyJ" not in text
        assert "pass-1" not in text
    assert call("test", "--config", config).code == 0


FILTERED = """\
tests:
  - name: blocked
    event: {type: page, userId: u, integrations: {All: false}}
    expect_filtered: FILTERED_BY_INTEGRATIONS_OBJECT
  - {name: discarded, event: {type: page}, expect_mappings: []}
"""


def test_what_reaches_no_mapping_is_not_covered(tmp_path: Path) -> None:
    """An event that is filtered before the mappings, or would be discarded, covers nothing of them."""
    config = write_config(tmp_path, OTHER.replace("track", "page"))
    (tmp_path / "rupt_test.yaml").write_text(FILTERED)
    write_events(tmp_path / "events.jsonl", page(1, integrations={"All": False}))
    rows = call("test", "--config", config, "--coverage", "--json").rows
    assert {row["hits"] for row in rows if "hits" in row} == {0}
    (tmp_path / "rupt_test.yaml").write_text("tests: [{name: r, events: events.jsonl, expect_rows: rows.ndjson}]\n")
    rows = call("test", "--config", config, "--coverage", "--json").rows
    assert {row["hits"] for row in rows if "hits" in row} == {0}


def test_an_event_counts_once(tmp_path: Path) -> None:
    """The events of a test that expects something of each, and keeps rows too, are counted once."""
    config = write_config(tmp_path, OTHER.replace("track", "page"))
    write_events(tmp_path / "events.jsonl", page(1))
    test = "{name: r, mapping: Other, events: events.jsonl, expect: {}, expect_rows: rows.ndjson}"
    (tmp_path / "rupt_test.yaml").write_text(f"tests: [{test}]\n")
    rows = call("test", "--config", config, "--coverage", "--json").rows
    assert {row["hits"] for row in rows if row.get("text") == "the trigger: held"} == {1}


def test_one_coverage_of_several_environments(tmp_path: Path) -> None:
    """Test files that load the destination with other variables are covered together, place by place."""
    mapping = """\
name: "A ${SUF:-x}"
    action: attach
    trigger: type = "track" and event = "${EV:-none}"
    fields: {account: $.userId}
"""
    config = write_config(tmp_path, mapping)
    for name, event in (("a", "a"), ("b", "b")):
        (tmp_path / f"{name}_test.yaml").write_text(
            f"environment: {{EV: {event}, SUF: {name}}}\n"
            f"tests: [{{event: {{type: track, userId: u, event: {event}}}, expect_mappings: [A {name}]}}]\n"
        )
    files = [tmp_path / "a_test.yaml", tmp_path / "b_test.yaml"]
    done = call("test", "--config", config, *files, "--coverage", "--json")
    assert done.code == 0
    items = [row for row in done.rows if "hits" in row]
    assert len({(row["kind"], row["text"], row["at"]) for row in items}) == len(items)
    assert [row["hits"] for row in items if row["text"] == "the trigger: held"] == [2]
    assert call("test", "--config", config, *files, "--coverage").code == 0


def test_a_printed_percentage_is_reached(tmp_path: Path) -> None:
    """The percentage that is printed is rounded down, so it can be the limit; what is no number cannot."""
    config = write_config(tmp_path, MINE)
    out = call("test", "--config", config, "--coverage").out
    (line,) = [line for line in out.splitlines() if line.startswith("all ")]
    reached, of, percent, sign = line.split()[1:]
    assert sign == "%"
    assert float(percent) <= 100 * int(reached) / int(of)
    assert call("test", "--config", config, "--min-coverage", percent).code == 0
    done = call("test", "--config", config, "--min-coverage", "nan")
    assert (done.code, "nan is not in the range" in done.err) == (2, True)


def test_two_thirds(tmp_path: Path) -> None:
    """Two of three is 66.6, not 66.7."""
    assert [percent(reached, of) for reached, of in ((2, 3), (0, 0), (29, 100), (1, 1))] == [
        "66.6",
        "100.0",
        "29.0",
        "100.0",
    ]


def test_traffic_that_cannot_be_read(tmp_path: Path) -> None:
    """What is no event in the traffic is counted, and the first is told with its place."""
    config = write_config(tmp_path, MINE)
    events = tmp_path / "events.jsonl"
    write_events(events, page(1))
    events.write_bytes(events.read_bytes() + b"{broken\n{broken\n")
    done = call("test", "--config", config, "--traffic", events)
    assert f"2 places of the traffic are no event and not counted, first {events}:2: bad_request" in done.err


def test_rows_within_the_recording(tmp_path: Path) -> None:
    """A file of rows is no part of the recording beside which it stands: after one update the test passes."""
    (tmp_path / "rec").mkdir()
    write_events(tmp_path / "rec" / "events.jsonl", page(1))
    config = write_config(tmp_path, MINE)
    (tmp_path / "rupt_test.yaml").write_text(
        'tests:\n  - {name: r, events: "rec/*.jsonl", expect_rows: rec/rows.jsonl}\n'
        "  - {name: s, mapping: Mine, events: rec, expect_rows: rec/other.jsonl}\n"
    )
    done = call("test", "--config", config)
    assert (done.code, "rec/rows.jsonl does not exist; `test --update` writes it" in done.out) == (1, True)
    assert call("test", "--config", config, "--update").code == 0
    assert call("test", "--config", config).code == 0


def test_a_reason_is_told_once(tmp_path: Path) -> None:
    """Where the reason why a test is left alone is what is wrong with it, it is told once."""
    (tmp_path / "rupt_test.yaml").write_text("tests: [{mapping: Mine, events: nope.jsonl, expect: {}}]\n")
    out = call("test", "--config", write_config(tmp_path, MINE), "--update").out
    assert " ".join(out.split()).count("no such file or folder") == 1


def test_a_line_that_is_no_event(tmp_path: Path) -> None:
    """A recording with a line that is no event is left alone for this reason."""
    (tmp_path / "rupt_test.yaml").write_text("tests: [{mapping: Mine, events: e.jsonl, expect: {}}]\n")
    (tmp_path / "e.jsonl").write_bytes(write_events(tmp_path / "e.jsonl", page(1)).read_bytes() + b"{broken\n")
    row = call("test", "--config", write_config(tmp_path, MINE), "--update", "--json").rows[-1]
    assert row["notWritten"] == "e.jsonl:2 is no event: choose others with `only`"


def test_one_further_event(tmp_path: Path) -> None:
    """One further event differs, two differ."""
    (tmp_path / "rupt_test.yaml").write_text("tests: [{mapping: Mine, events: e.jsonl, expect: {account: x}}]\n")
    write_events(tmp_path / "e.jsonl", *(page(number) for number in range(4)))
    assert "1 further event of e.jsonl differs" in call("test", "--config", write_config(tmp_path, MINE)).out


@pytest.mark.parametrize("name", ["rupt.yaml", "rupt_test.yaml", "rec/events.jsonl", "nowhere/junit.xml"])
def test_a_report_takes_no_place(name: str, tmp_path: Path) -> None:
    """--junit does not overwrite a file that is read, and says where it cannot write."""
    config = write_config(tmp_path, MINE)
    (tmp_path / "rec").mkdir()
    write_events(tmp_path / "rec" / "events.jsonl", page(1))
    (tmp_path / "rupt_test.yaml").write_text(SUITE + "  - {events: rec, expect_filtered: true}\n")
    before = config.read_bytes(), (tmp_path / "rec" / "events.jsonl").read_bytes()
    done = call("test", "--config", config, "--junit", tmp_path / name)
    assert (done.code, "--junit" in done.err) == (2, True)
    assert (config.read_bytes(), (tmp_path / "rec" / "events.jsonl").read_bytes()) == before
