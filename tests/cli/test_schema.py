"""`schema`: the JSON Schemas and the reference of the directives."""

import json

import pytest

from connector.cli.schema import NAMES
from connector.language.builtins import DIRECTIVES
from connector.schemas import load_schema
from tests.cli.command import call


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
