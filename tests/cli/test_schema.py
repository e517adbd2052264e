"""`schema`: the JSON Schemas, written for editors or printed, and the reference of the directives."""

import json
import os
from pathlib import Path

import pytest

from connector.cli.schema import NAMES
from connector.editors import SCHEMAS
from connector.language.builtins import DIRECTIVES
from connector.schemas import load_schema
from tests.cli.command import call

FILES = [f"{name}.schema.json" for name in SCHEMAS]
MODELINE = "# yaml-language-server: $schema={}\n"


@pytest.mark.parametrize("name", NAMES)
def test_each_schema_is_printed(name: str) -> None:
    """Each schema comes out as JSON over several lines, the very one that is used."""
    done = call("schema", name)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == load_schema(name)
    assert done.out.startswith('{\n  "$schema": "https://json-schema.org/draft/2020-12/schema"')


def test_the_destination_file_comes_first() -> None:
    """Without a name it is the schema of a destination file, which editors use."""
    assert call("schema") == call("schema", "destination")


def test_an_unknown_name_is_told() -> None:
    """A name that no schema has ends with 2, and with the name that is near."""
    done = call("schema", "atach")
    assert (done.code, done.err) == (2, "error: there is no schema 'atach'; did you mean 'attach'?\n")


def test_a_folder_is_written_once(tmp_path: Path) -> None:
    """Into a folder both schemas are written, and said; when they are up to date nothing is done or said."""
    done = call("schema", "--write", tmp_path)
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [f"{tmp_path / name} written" for name in FILES]
    assert [json.loads((tmp_path / name).read_text()) for name in FILES] == [make() for make in SCHEMAS.values()]
    assert call("schema", "--write", tmp_path) == (0, "", "")
    assert call("schema", "--check", tmp_path) == (0, "", "")


def test_what_is_stale_is_found_and_written_again(tmp_path: Path) -> None:
    """--check ends with 1 and writes nothing while a schema is another than it should be; --write mends that one."""
    call("schema", "--write", tmp_path)
    stale = tmp_path / "tests.schema.json"
    stale.write_text('{"$id": "urn:rupt-connector:schema:tests"}')
    done = call("schema", "--check", tmp_path)
    assert done.code == 1
    assert done.err == f"{stale} is missing or not up to date\n  help: rupt-connector schema --write {tmp_path}\n"
    assert call("schema", "--write", tmp_path).err == f"{stale} written\n"
    assert call("schema", "--check", tmp_path).code == 0


def test_the_first_line_of_a_file_says_where(tmp_path: Path) -> None:
    """For a destination file they are written to where its first line looks for them."""
    file = tmp_path / "rupt.yaml"
    file.write_text(MODELINE.format("editor/mine.schema.json"))
    assert call("schema", "--write", file).code == 0
    assert sorted(path.name for path in (tmp_path / "editor").iterdir()) == ["mine.schema.json", "tests.schema.json"]


def test_the_file_of_init_finds_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`init` and then `schema --write` are all that an editor needs; rupt.yaml is taken without being named."""
    monkeypatch.chdir(tmp_path)
    call("init")
    assert call("schema", "--write").err == "".join(f"{name} written\n" for name in FILES)
    assert call("schema", "--check").code == 0


def test_a_file_without_such_a_line_is_told_to_have_one(tmp_path: Path) -> None:
    """Where no line leads an editor to the schema, the line to write is said."""
    file = tmp_path / "rupt.yaml"
    file.write_text("destination: rupt\n")
    done = call("schema", "--write", file)
    assert done.code == 0
    assert done.err.endswith(f"first line of {file}, so that editors find it:\n  {MODELINE.format(FILES[0])}")


def test_a_test_file_names_the_schema_of_tests(tmp_path: Path) -> None:
    """For a *_test.yaml it is the schema of tests that its first line names, or that it is told to name."""
    file = tmp_path / "pages_test.yaml"
    file.write_text("tests: []\n")
    assert call("schema", "--write", file).err.endswith(f"  {MODELINE.format('tests.schema.json')}")
    file.write_text(MODELINE.format("other/mine.json"))
    assert call("schema", "--write", file).code == 0
    assert json.loads((tmp_path / "other" / "mine.json").read_text())["$id"] == "urn:rupt-connector:schema:tests"
    assert call("schema", "--check", tmp_path / "other" / "mine.json").code == 0
    assert (tmp_path / "other" / "destination.schema.json").exists()


@pytest.mark.parametrize("name", ["z.json", "z.yaml"])
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_is_no_file_is_left_alone(kind: str, name: str, tmp_path: Path) -> None:
    """A device that never ends and a pipe that nobody writes to end with 2 at once."""
    if kind == "device":
        (tmp_path / name).symlink_to("/dev/zero")
    else:
        os.mkfifo(tmp_path / name)
    done = call("schema", "--check", tmp_path / name)
    assert (done.code, "is no file" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rupt.yaml", MODELINE.format("https://example.com/x.json"), "which cannot be written; name a folder"),
        ("destination.schema.json", "{}", "is no schema of destination that rupt-connector has written"),
        ("destination.schema.json", '{"$id": "urn:rupt-connector:schema:event"}', "is no schema of destination that"),
        ("a_test.yaml", MODELINE.format("destination.schema.json"), "is the name of the schema of destination"),
        ("other.yaml", None, "No such file or directory; name a destination file or a folder"),
    ],
)
def test_what_cannot_be_written_is_said(name: str, text: str | None, words: str, tmp_path: Path) -> None:
    """A schema on the web, a file that is something else and one that is missing end with 2, and nothing is written."""
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    done = call("schema", "--write", file)
    assert done.code == 2
    assert words in done.err
    assert [path.name for path in tmp_path.iterdir()] == ([name] if text is not None else [])


def test_the_reference_names_every_directive_and_option() -> None:
    """--directives tells each directive with its summary, options and examples."""
    done = call("schema", "--directives")
    assert (done.code, done.err) == (0, "")
    parts = dict(part.split("  ", 1) for part in done.out.split("\n\n"))
    assert list(parts) == [directive.name for directive in DIRECTIVES]
    for directive in DIRECTIVES:
        text = parts[directive.name]
        assert text.startswith(directive.summary)
        assert all(option.summary in text for option in directive.options)
        assert text.count(" gives ") >= len(directive.examples)
        if directive.form != "bare":
            assert all(f"    {option.name}: " in text for option in directive.options)


def test_the_reference_as_json_is_one_directive_a_line() -> None:
    """--directives --json gives the same as data: name, summary, options, examples."""
    rows = call("schema", "--directives", "--json").rows
    assert [row["name"] for row in rows] == [directive.name for directive in DIRECTIVES]
    for row, directive in zip(rows, DIRECTIVES, strict=True):
        assert [option["name"] for option in row["options"]] == [option.name for option in directive.options]
        assert len(row["examples"]) == len(directive.examples)
