"""What differs between two destination files, with its places."""

from pathlib import Path

from connector.comparison.versions import Edit
from tests.comparison.versions import compared, mapping


def one(edits: tuple[Edit, ...]) -> Edit:
    """Give the only edit."""
    (edit,) = edits
    return edit


def test_equal_files_have_no_edits(tmp_path: Path) -> None:
    """Two files that say the same differ in nothing, be they written otherwise."""
    long = '{account: {"@path": "$.userId"}, email: {"@template": "{{properties.email}}"}}'
    short = '{email: "{{properties.email}}", account: $.userId}'
    assert compared(tmp_path, mapping(fields=long), mapping(' type   =  "page"', short)).edits == ()


def test_the_innermost_node_of_a_field_is_the_edit(tmp_path: Path) -> None:
    """An edit of one branch of an @if is told with the path to the branch, and what stands there in both files."""
    before = "{account: $.userId, email: {'@if': {exists: $.a, then: $.a, else: $.b}}}"
    edit = one(compared(tmp_path, mapping(fields=before), mapping(fields=before.replace("$.b", "$.c"))).edits)
    assert (edit.kind, edit.name, edit.inside) == ("field", "email", "@if.else")
    assert edit.old is not None
    assert edit.new is not None
    assert (edit.old.text, edit.new.text) == ("else: $.b", "else: $.c")
    assert (edit.new.file, edit.new.line) == ("new/rupt.yaml", 7)


def test_keys_of_metadata_are_compared_one_by_one(tmp_path: Path) -> None:
    """In an object of the payload an added key, a removed one and a changed one are three edits."""
    before, after = "{account: $.userId, metadata: {a: $.a, b: $.b}}", "{account: $.userId, metadata: {c: $.c, b: $.x}}"
    edits = compared(tmp_path, mapping(fields=before), mapping(fields=after)).edits
    assert [(edit.name, edit.old is None, edit.new is None) for edit in edits] == [
        ("metadata.c", True, False),
        ("metadata.b", False, False),
        ("metadata.a", False, True),
    ]


def test_a_mapping_of_another_name_that_does_the_same_is_renamed(tmp_path: Path) -> None:
    """A mapping that is gone and one that is new make one pair when trigger, fields and action are the same."""
    comparison = compared(tmp_path, (mapping(), mapping(name="Two")), (mapping(name="Other"), mapping(name="Two")))
    assert [(edit.kind, edit.before, edit.after) for edit in comparison.edits] == [("renamed", "One", "Other")]
    assert [pair.name for pair in comparison.pairs] == ["Other", "Two"]


def test_mappings_without_a_partner_are_added_and_removed(tmp_path: Path) -> None:
    """Another name and another trigger is another mapping."""
    comparison = compared(tmp_path, mapping(), mapping('type = "track"', name="Other"))
    assert [(edit.kind, edit.mapping) for edit in comparison.edits] == [("added", "Other"), ("removed", "One")]


def test_settings_are_told_with_values_and_lines(tmp_path: Path) -> None:
    """A setting that was not there before has its default as the old value; a secret has no value."""
    after = ("api_secret: s-1", "delivery: {attempts: 3}")
    found = compared(tmp_path, mapping(), mapping(), after=after).settings
    assert found["delivery.attempts"].before == "10 (default)"
    assert found["delivery.attempts"].after == "3"
    assert found["api_secret"].after == "(hidden)"
    place = found["api_secret"].new
    assert place is not None
    assert (place.line, place.text) == (6, "api_secret")


def test_a_switch_is_an_edit(tmp_path: Path) -> None:
    """A mapping that was switched off is told as such."""
    assert one(compared(tmp_path, mapping(), mapping(enabled="false")).edits).kind == "disabled"


def test_a_secret_field_is_masked_where_it_stands(tmp_path: Path) -> None:
    """A text that is written under a secret field is in no place."""
    fields = "{account: $.userId, secret: a-token-of-somebody}"
    edit = one(compared(tmp_path, mapping(), mapping(fields=fields)).edits)
    assert "a-token-of-somebody" not in str(edit)
