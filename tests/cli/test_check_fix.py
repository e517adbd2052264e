"""`check --fix` and `--diff`: what is mended, what stays byte for byte, and what is never touched."""

import os
from pathlib import Path

import pytest

from connector.destination import mappings_folder
from tests.cli.command import call, write_config

WRONG = """\
# a comment
destination: rupt
settings:
  client_id: ${RUPT_CLIENT_ID}   # of the dashboard
  new_account_url: https://app.example.com/sign-up
  device_identity: strcit
mappings:

  - name: One
    actionSlug: atach   # as Segment calls it
    subscribe: not type = 'page' AND name == "x"   # keep me
    enabled: Yes
    mapping:
      acount:   user-1
      emial: "{{$.context.traits.email}} x"
      phone: {"@iff": {exists: $.userId, then: a, elze: b}}
      metadata: {"@case": {operator: lowr, value: a}}
      limit_config: {overall_device_limit: 3}
"""
RIGHT = """\
# a comment
destination: rupt
settings:
  client_id: ${RUPT_CLIENT_ID}   # of the dashboard
  new_account_url: https://app.example.com/sign-up
  device_identity: strict
mappings:

  - name: One
    action: attach   # as Segment calls it
    trigger: 'type != "page" and name = "x"'   # keep me
    enabled: true
    fields:
      account:   user-1
      email: "{{context.traits.email}} x"
      phone: {"@if": {exists: $.userId, then: a, else: b}}
      metadata: {"@case": {operator: lower, value: a}}
      limit_config: {overall_device_limit: 3}
"""
QUOTES = "{name: A, action: attach, trigger: type = 'page', fields: {account: a}}"


def write(folder: Path, text: str) -> Path:
    """Write a destination file byte for byte."""
    file = folder / "rupt.yaml"
    file.write_bytes(text.encode())
    return file


def test_errors_and_warnings_are_mended_together(tmp_path: Path) -> None:
    """A file that does not load becomes right by its fixes alone, and what they do not touch stays as it is."""
    config = write(tmp_path, WRONG)
    done = call("check", "-c", config, "--fix")
    assert config.read_text() == RIGHT
    assert done.code == 0
    assert f"fixed {config}:10:5 unknown_key: write 'action' for 'actionSlug'" in " ".join(done.err.split())


@pytest.mark.parametrize(
    ("trigger", "account"),
    [
        ('type = "identify" and traits.vip != true', "a"),
        ('type = "identify" and traits.vip != false', "a"),
        ('type = "track" and event != ["a", "b"]', "a"),
        ('type = "track" and event not in ["a", "b"]', "a"),
        ('type = "page"', "$.anonymousId"),
        ('type = "page"', "$.context.traits.id"),
        ('type = "track" and event = "a" and event = "a"', "a"),
    ],
)
def test_no_fix_writes_what_is_then_warned_of(trigger: str, account: str, tmp_path: Path) -> None:
    """What all fixes make of a file passes --strict."""
    config = write_config(
        tmp_path, f"{{name: A, action: attach, trigger: '{trigger}', fields: {{account: {account}}}}}"
    )
    assert call("check", "-c", config, "--strict").code in (1, 2)
    done = call("check", "-c", config, "--fix", "--unsafe-fixes", "--strict")
    assert (done.code, "warning[" in done.err) == (0, False)


def test_what_was_written_and_what_is_left_are_counted(tmp_path: Path) -> None:
    """--fix ends with how many problems it mended and how many are left, whether the file loads then or not."""
    wrong = "{name: B, action: attach, trigger: 'type = \"page\"', fields: {acount: a, nothing: b}}"
    done = call("check", "-c", write_config(tmp_path, QUOTES, wrong), "--fix")
    assert (done.code, done.err.splitlines()[-1]) == (2, "1 problem fixed, 1 is left")
    fine = "{name: B, action: attach, trigger: 'type = \"page\"', fields: {account: $.userId}}"
    done = call("check", "-c", write_config(tmp_path, QUOTES, fine), "--fix")
    told = " ".join(done.out.split("\n", 1)[1].split())
    assert told == "1 problem fixed, left: 1 warning, 2 notes (--notes prints them); --unsafe-fixes mends 1 of them"


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_and_byte_order_marks_stay(ends: str, tmp_path: Path) -> None:
    """A file of another system keeps its line ends, and the mark that it begins with."""
    config = write(tmp_path, "\ufeff" + WRONG.replace("\n", ends))
    call("check", "-c", config, "--fix")
    assert config.read_bytes().decode() == "\ufeff" + RIGHT.replace("\n", ends)


def test_mending_once_is_enough(tmp_path: Path) -> None:
    """What was mended is not mended again: the second time there is nothing to fix, and nothing is written."""
    config = write(tmp_path, WRONG)
    call("check", "-c", config, "--fix")
    before = config.stat()
    done = call("check", "-c", config, "--fix")
    assert done.err.startswith("nothing to fix\n")
    assert config.stat().st_ino == before.st_ino


def test_diff_writes_nothing(tmp_path: Path) -> None:
    """--diff prints what would change as a unified diff, ends with 1, and leaves the file alone."""
    config = write(tmp_path, WRONG)
    done = call("check", "-c", config, "--diff")
    assert (done.code, config.read_text()) == (1, WRONG)
    assert done.out.startswith(f"--- {config}\n+++ {config}\n@@ ")
    assert "\n-    enabled: Yes\n" in done.out
    assert "\n+    enabled: true\n" in done.out
    assert done.err.endswith("in 1 file; nothing was written\n")
    assert call("check", "-c", write_config(tmp_path), "--fix", "--dry-run").code == 0


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    """A mended file has the mode that it had, and a link still leads to it."""
    config = write_config(tmp_path, QUOTES)
    config.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(config)
    assert call("check", "-c", link, "--fix").code == 0
    assert 'type = "page"' in config.read_text()
    assert (link.is_symlink(), config.stat().st_mode & 0o777) == (True, 0o640)
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "rupt.yaml"]


def test_all_files_of_a_destination_are_mended(tmp_path: Path) -> None:
    """Included files and presets of one's own are mended too."""
    preset = "name: P\naction: attach\ntrigger: type = 'screen'\nfields: {account: p}\n"
    (tmp_path / "preset.yaml").write_text(preset)
    (tmp_path / "more.yaml").write_text(f"mappings:\n  - {QUOTES}\n  - preset: ./preset.yaml\n")
    config = write_config(tmp_path, '{name: B, action: attach, trigger: type = "page", fields: {account: b}}')
    config.write_text(config.read_text() + "include: [more.yaml]\n")
    assert call("check", "-c", config, "--fix").code == 0
    assert 'type = "page"' in (tmp_path / "more.yaml").read_text()
    assert 'type = "screen"' in (tmp_path / "preset.yaml").read_text()


def test_presets_of_the_connector_are_never_touched(tmp_path: Path) -> None:
    """What comes with the connector stays as it is, whatever is made of it."""
    files = {file: file.read_bytes() for file in mappings_folder().glob("*.yaml")}
    mappings = [f"{{preset: {file.stem}, name: {file.stem}, trigger: type = 'alias'}}" for file in files]
    config = write_config(tmp_path, *mappings, settings=["api_secret: s3cret-1"])
    call("check", "-c", config, "--fix")
    assert {file: file.read_bytes() for file in files} == files
    assert "type = 'alias'" not in config.read_text()


def test_a_fix_that_fails_a_test_is_not_kept(tmp_path: Path) -> None:
    """What a test in the file relies on is not mended away, and the other fixes are kept."""
    test = "{event: {type: page, userId: u}, expect: {account: userId}}"
    relied = f'{{name: B, action: attach, trigger: type = "page", fields: {{account: userId}}, tests: [{test}]}}'
    config = write_config(tmp_path, QUOTES, relied)
    done = call("check", "-c", config, "--fix")
    assert done.code == 0
    assert "fields: {account: userId}" in config.read_text()
    assert "type = 'page'" not in config.read_text()


def test_variables_stay_in_a_mended_text(tmp_path: Path) -> None:
    """A trigger with a variable is mended around it, and what the variable holds is neither written nor printed."""
    trigger = "\"name = '${PAGE}' or name = 'x'\""
    config = write_config(tmp_path, f"{{name: A, action: attach, trigger: {trigger}, fields: {{account: a}}}}")
    done = call("check", "-c", config, "--fix", env={"PAGE": "hidden-name"})
    assert "hidden-name" not in config.read_text() + done.err + done.out
    assert 'name = \\"${PAGE}\\" or name = \\"x\\"' in config.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'type = ''page'''", "'type = \"page\"'"),
        ("\"type = 'page'\"", '"type = \\"page\\""'),
        (">-\n        type = 'page'\n        and name = 'x'", '>-\n        type = "page"\n        and name = "x"'),
        ("|\n        type = 'page'\n", '|\n        type = "page"\n'),
        ("type = 'page'\n        and name = 'x'", 'type = "page"\n        and name = "x"'),
        ("&t type = 'page'", '&t type = "page"'),
    ],
)
def test_every_way_to_quote_is_kept(before: str, after: str, tmp_path: Path) -> None:
    """A text is mended in the quotes, or the block, that it stands in."""
    lines = "name: A\n    action: attach\n    fields: {account: a}\n    trigger: "
    config = write_config(tmp_path, lines + before)
    assert call("check", "-c", config, "--fix").code == 0
    assert config.read_text().rstrip().endswith((lines + after).rstrip())


def test_what_would_send_something_else_waits_to_be_asked(tmp_path: Path) -> None:
    """A fix that takes other events is offered and left alone, until --unsafe-fixes asks for it."""
    config = write_config(tmp_path, '{name: A, action: attach, trigger: type = "pgae", fields: {account: a}}')
    before = config.read_bytes()
    done = call("check", "-c", config, "--fix")
    assert "fix: write" in done.err
    assert "(--unsafe-fixes)" in done.err
    assert config.read_bytes() == before
    assert done.out.endswith("--unsafe-fixes mends 1 of them\n")
    assert call("check", "-c", config, "--fix", "--unsafe-fixes").code == 0
    assert b'type = "page"' in config.read_bytes()


def test_unsafe_fixes_alone_are_wrong_usage(tmp_path: Path) -> None:
    """The option says how far --fix goes, and does nothing by itself."""
    done = call("check", "-c", write_config(tmp_path), "--unsafe-fixes")
    assert (done.code, done.err) == (2, "error: --unsafe-fixes goes with --fix or --diff\n")


RELIED = (
    '{{name: {name}, action: attach, trigger: type = "page", fields: {{account: userId}}, '
    "tests: [{{name: t, event: {{type: page, userId: u}}, expect: {{account: userId}}}}]}}"
)


def mapping_of(number: int) -> str:
    """Write a mapping with single quotes and an account of its own."""
    return f"{{name: M{number}, action: attach, trigger: type = 'page', fields: {{account: a{number}}}}}"


def test_one_fix_that_is_refused_hinders_no_other(tmp_path: Path) -> None:
    """Of thirty fixes and two that would fail a test, the thirty are kept, and the two are told of with their tests."""
    mappings = [mapping_of(number) for number in range(30)]
    mappings[7:7] = [RELIED.format(name="R")]
    mappings.append(RELIED.format(name="S"))
    config = write_config(tmp_path, *mappings)
    done = call("check", "-c", config, "--fix", "--unsafe-fixes")
    said = " ".join(done.err.split())
    assert "type = 'page'" not in config.read_text()
    assert config.read_text().count("{account: userId}") == 4
    assert said.count("fixed ") == 30
    assert "literal_path: write '$.userId': the test 't' of 'R' would fail" in said
    assert "literal_path: write '$.userId': the test 't' of 'S' would fail" in said
    assert "of them" not in done.out
    again = call("check", "-c", config, "--fix", "--unsafe-fixes")
    assert "nothing to fix" not in again.err
    assert again.err.count("not mended") == 2
    assert "fixed" not in again.err


def test_a_good_fix_does_not_hide_a_bad_one(tmp_path: Path) -> None:
    """A fix that lets one test pass is no reason to keep one that lets another fail."""
    test = "{name: p, event: {type: page, userId: u}, expect: {account: u}}"
    wants = f'{{name: B, action: attach, trigger: type = "page", fields: {{account: userId}}, tests: [{test}]}}'
    config = write_config(tmp_path, wants, RELIED.format(name="R"))
    call("check", "-c", config, "--fix", "--unsafe-fixes")
    lines = config.read_text().splitlines()
    assert "{account: $.userId}" in next(line for line in lines if "name: B" in line)
    assert "{account: userId}" in next(line for line in lines if "name: R" in line)


@pytest.mark.parametrize(
    "text",
    [b"", "destination: rupt\n".encode("utf-16"), b"destination: rupt\nmappings: [{name: A, action: zzz}]\n"],
)
def test_diff_of_what_does_not_load(text: bytes, tmp_path: Path) -> None:
    """--diff of a file that does not load, mended or not, shows what is wrong and ends with 2."""
    config = tmp_path / "rupt.yaml"
    config.write_bytes(text)
    done = call("check", "-c", config, "--diff")
    assert done.code == 2
    assert "error[" in done.err
    assert done.err.endswith("the file would not load\n")
    assert call("check", "-c", tmp_path, "--diff").code == 2


@pytest.mark.parametrize("form", ["sarif", "json"])
def test_a_diff_has_no_other_form(form: str, tmp_path: Path) -> None:
    """--diff prints a diff: with another --format it is wrong usage."""
    done = call("check", "-c", write_config(tmp_path, QUOTES), "--diff", "--format", form)
    assert (done.code, done.out) == (2, "")
    assert f"--format {form} does not go with --diff" in done.err


@pytest.mark.parametrize(
    "trigger",
    [
        'type = "track" and event = "a" or event = "b"',
        'type = "track" and properties.x != false',
        'event != null and userId = "u"',
        'type = "track" event = "a"',
        "properties.paid",
        '(event = "a" or event = "b"',
    ],
)
def test_what_takes_a_decision_is_not_mended_unasked(trigger: str, tmp_path: Path) -> None:
    """A trigger that could be corrected in several ways stays as it is until --unsafe-fixes asks."""
    config = write_config(tmp_path, f"{{name: A, action: attach, trigger: '{trigger}', fields: {{account: a}}}}")
    before = config.read_bytes()
    done = call("check", "-c", config, "--fix")
    assert (done.code, config.read_bytes()) == (2, before)
    assert "--unsafe-fixes" in done.err
    assert call("check", "-c", config, "--fix", "--unsafe-fixes").code == 0


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    """Where one of two files is read-only, neither is written, and the message names it."""
    (tmp_path / "more.yaml").write_text(f"mappings:\n  - {QUOTES}\n")
    (tmp_path / "more.yaml").chmod(0o444)
    config = write_config(tmp_path, mapping_of(1))
    config.write_text(config.read_text() + "include: [more.yaml]\n")
    before = config.read_bytes()
    done = call("check", "-c", config, "--fix")
    assert done.code == 2
    assert f"{tmp_path / 'more.yaml'} is read-only, nothing was written" in done.err
    assert config.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["more.yaml", "rupt.yaml"]
