"""The proof as a table: a row for each field, and what the command prints of it."""

from pathlib import Path

import pytest

from connector.cli.painting import cells
from connector.destination import load, preset_names
from connector.proofs import ProofRow, proof_rows, prove
from tests.cli.command import call, write_config

FIELDS = """\
name: Mine
    action: attach
    trigger: type = "page"
    fields:
      account: $.userId
      email: $.context.traits.email
      phone: $.userId.phone
      tolerance: {"@if": {exists: $.name, then: strict, else: $.context.ip}}
      groups: {id: $.properties.team, name: "Team {{properties.team}}"}
      metadata: {plan: $.context.traits.plan}
      secret: {"@if": {exists: $.context.page, then: $.context.page, else: "{{name}}"}}"""


def rows(folder: Path, mapping: str = FIELDS) -> dict[str, ProofRow]:
    """Load a destination with one mapping and give its rows by field."""
    return {row.field: row for row in proof_rows(load(write_config(folder, mapping), {}))}


def test_a_row_tells_types_and_place(tmp_path: Path) -> None:
    """Each field has its JSON types, or any for all of them, and the place where it is filled."""
    found = rows(tmp_path)
    assert {name: row.types for name, row in found.items()} == {
        "account": ("string",),
        "email": ("any",),
        "phone": ("string",),
        "tolerance": ("string",),
        "groups": ("object",),
        "groups.id": ("any",),
        "groups.name": ("string",),
        "metadata": ("object",),
        "secret": ("object", "string"),
    }
    assert [(row.line, row.column) for row in found.values()][:3] == [(10, 16), (11, 14), (12, 14)]
    assert found["groups.id"].line == 14


def test_a_row_tells_when_a_field_is_left_out(tmp_path: Path) -> None:
    """An optional field is left out where it has no value, a required one makes the event invalid there."""
    found = rows(tmp_path)
    assert found["account"].invalid == ("when `$.userId` is missing, null or empty",)
    assert found["account"].left_out == ()
    assert found["account"].required
    assert found["email"].left_out == ("when `$.context.traits.email` is missing, null or empty",)
    assert found["email"].invalid == ("when it is a list of several or an object",)
    assert found["metadata"].left_out == ()


def test_a_row_tells_what_a_branch_gives(tmp_path: Path) -> None:
    """A branch whose value never passes is told with its condition."""
    assert rows(tmp_path)["secret"].invalid == ("when `$.context.page` is an object: it is an object, not a text",)


@pytest.mark.parametrize(
    ("asked", "types"), [("!= null", ("any but null",)), ('!= ""', ("any",)), ('= "x"', ("string",))]
)
def test_a_field_of_any_type_says_whether_it_can_be_null(asked: str, types: tuple[str, ...], tmp_path: Path) -> None:
    """What can be of all types is any, and any but null where the trigger asks for it; not a list of all types."""
    trigger = f'type = "page" and userId != null and context.x {asked}'
    mapping = f"{{name: A, action: attach, trigger: '{trigger}', fields: {{account: $.userId, email: $.context.x}}}}"
    assert rows(tmp_path, mapping)["email"].types == types


def test_a_field_without_a_value_has_no_types(tmp_path: Path) -> None:
    """A field that no event can fill has the types never."""
    mapping = "{name: A, action: attach, trigger: 'type = \"track\"', fields: {account: $.event, phone: $.type.x}}"
    assert rows(tmp_path, mapping)["phone"].types == ("never",)


NOTHING = """\
name: Nobody
    action: attach
    trigger: type = "page" and event = "Home"
    fields: {account: $.event}"""


def test_a_mapping_that_takes_nothing_has_a_row_that_says_so(tmp_path: Path) -> None:
    """Of a trigger that never holds nothing is proven, and that is not passed over in silence."""
    (row,) = rows(tmp_path, NOTHING).values()
    assert row.takes_nothing
    assert (row.mapping, row.field, row.types, row.line) == ("Nobody", "", (), 8)


def test_check_prints_what_takes_nothing(tmp_path: Path) -> None:
    """A mapping that takes no event stands in the proof with that word."""
    done = call("check", "--proof", "--config", write_config(tmp_path, NOTHING, FIELDS))
    assert done.out.startswith("Nobody  attach\n  takes no event, so nothing is proven of it  line 8\n")
    assert "\n\nMine  attach\n  account" in done.out


def test_check_prints_when_a_template_gives_its_own_text_alone(tmp_path: Path) -> None:
    """A required field that names nobody for some events says for which."""
    mapping = "{name: A, action: attach, trigger: 'type = \"page\"', fields: {account: 'user-{{userId}}'}}"
    done = call("check", "--proof", "--config", write_config(tmp_path, mapping))
    assert done.out.splitlines()[2] == "           no more than its own text when `$.userId` is missing or null"


def test_a_long_name_keeps_the_columns(tmp_path: Path) -> None:
    """The types stand in one column, however long a field's name is."""
    mapping = "{name: A, action: attach, trigger: 'type = \"page\"', fields: {account: x, email: $.name, limit_config: "
    mapping += "{overall_device_limit: $.properties.limit, people_limit: $.context.page}}}"
    done = call("check", "--proof", "--config", write_config(tmp_path, mapping))
    lines = [line for line in done.out.splitlines()[1:] if line[2] != " "]
    assert len(lines) == 5
    assert {line[:37].rstrip() + "|" for line in lines} >= {"  limit_config.overall_device_limit|", "  account|"}
    assert all(line[35:37] == "  " and line[37] != " " for line in lines)
    assert all(cells(line) <= 80 for line in done.out.splitlines())


def test_check_prints_the_proof(tmp_path: Path) -> None:
    """`check --proof` prints a block for each mapping, within 80 columns."""
    done = call("check", "--proof", "--config", write_config(tmp_path, FIELDS))
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "Mine  attach"
    assert lines[1].startswith("  account      string  ")
    assert lines[2] == "               invalid when `$.userId` is missing, null or empty"
    assert all(cells(line) <= 80 for line in lines)


def test_check_prints_the_proof_as_json(tmp_path: Path) -> None:
    """With --format json each field is one line."""
    done = call("check", "--proof", "--format", "json", "--config", write_config(tmp_path, FIELDS))
    assert done.code == 0
    assert [row["field"] for row in done.rows][:2] == ["account", "email"]
    assert done.rows[1]["left_out"] == ["when `$.context.traits.email` is missing, null or empty"]


def test_the_proof_has_no_other_form(tmp_path: Path) -> None:
    """A form that the proof does not have is a wrong usage."""
    done = call("check", "--proof", "--format", "sarif", "--config", write_config(tmp_path))
    assert done.code == 2
    assert "--proof has no sarif: write text or json" in done.err


def test_check_tells_what_is_proven(tmp_path: Path) -> None:
    """`check` itself tells what the proof has found, its notes with --notes."""
    mapping = (
        "{name: A, action: attach, trigger: 'type = \"page\"', fields: {account: x, email: $.context.traits.email}}"
    )
    done = call("check", "--notes", "--config", write_config(tmp_path, mapping))
    said = " ".join(done.err.split())
    assert "note[proof_optional]: email can be missing or null when `$.context.traits.email` is missing or null" in said


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_has_no_warning(name: str, tmp_path: Path) -> None:
    """What the proof warns of in a preset is said by a test of the preset to be meant."""
    destination = load(write_config(tmp_path, f"preset: {name}", settings=["api_secret: s"]), {})
    assert [problem for problem in prove(destination) if problem.severity == "warning"] == []
