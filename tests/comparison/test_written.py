"""What stands in the files in clear: constants, keys, and the texts of templates in what they made."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.comparison.edits import compare
from connector.comparison.versions import Version
from connector.comparison.written import Written, written_in
from connector.destination import load
from connector.documents import read_document
from tests.cli.command import write_config
from tests.comparison.versions import compared, mapping

BEFORE = '{account: $.userId, email: {"@if": {exists: $.name, then: "x", else: 7}}}'
AFTER = (
    '{account: $.userId, email: "a {{name}}{{userId}} b {{{type}}}", metadata: {"Kind Of": {"@liquid": "v{{ name }}"}}}'
)


def found(folder: Path, before: str, after: str, **more: Any) -> Written:
    """Collect what two versions of one mapping say."""
    return written_in(compared(folder, mapping(fields=before), mapping(fields=after, **more)))


def test_both_versions_are_read(tmp_path: Path) -> None:
    """Constants in directives, keys of objects, and templates, Liquid's too, with where they stand in the payload."""
    written = found(tmp_path, BEFORE, AFTER)
    assert {"x", 7, "page"} <= written.constants
    assert {"account", "email", "metadata", "Kind Of"} == written.keys
    assert written.templates == ((("email",), ("a ", " b ", "")), (("metadata", "Kind Of"), ("v", "")))


@pytest.mark.parametrize(
    "trigger",
    [
        'event = "Order Done"',
        'event in ["Order Done", "B"]',
        'contains(event, "Order Done")',
        'match(event, "Order Done")',
        '!(type = "page" and properties.list = ["Order Done"])',
    ],
)
def test_what_a_trigger_compares_with_is_read(tmp_path: Path, trigger: str) -> None:
    """An event's name that the trigger has is no secret."""
    assert "Order Done" in written_in(compared(tmp_path, mapping(), mapping(trigger))).constants


def test_what_a_variable_was_filled_in_for_is_not_clear(tmp_path: Path) -> None:
    """The value of a variable does not stand in the file."""
    fields = '{account: "${ONE}", email: "${TWO} {{name}}", phone: seen}'
    file = write_config(tmp_path, mapping('type = "page" and event = "${ONE}"', fields))
    values = {"ONE": "hidden-1", "TWO": "hidden-2"}
    document = read_document(file.read_bytes(), file=str(file), environment=values)
    one = Version(load(file, values), document)
    written = written_in(compare(one, one))
    assert "seen" in written.constants
    assert "hidden" not in repr(written)


def test_a_text_is_split_as_its_template_made_it(tmp_path: Path) -> None:
    """At even places stands what the file says; a text that no template there can have made is not split."""
    written = found(tmp_path, BEFORE, AFTER)
    assert written.parts("a Ada1 b page", ("email",)) == ["a ", "Ada1", " b ", "page", ""]
    assert written.parts("a b  b ", ("email",)) == ["a ", "b ", " b ", "", ""]
    assert written.parts("vHome", ("metadata", "Kind Of")) == ["v", "Home", ""]
    assert written.parts("a Ada", ("email",)) is None
    assert written.parts("a 1 b 2", ("phone",)) is None


def test_templates_without_a_word_split_nothing(tmp_path: Path) -> None:
    """Signs between values say nothing, and Liquid that decides may print anything."""
    fields = '{account: "{{userId}}-{{name}}", email: {"@liquid": "{% if name %}a{% endif %}b{{ name }}"}}'
    assert found(tmp_path, BEFORE, fields).templates == ()


@given(
    st.lists(st.text("ab ", max_size=3), min_size=2, max_size=4),
    st.lists(st.text("ab ", max_size=4), min_size=3, max_size=3),
)
def test_what_a_template_makes_is_always_split(texts: list[str], values: list[str]) -> None:
    """Whatever the values are, the parts make up the text, and those of the file are the template's."""
    texts = [texts[0], *(text or "-" for text in texts[1:-1]), texts[-1]]
    text = texts[0] + "".join(f"{value}{after}" for value, after in zip(values, texts[1:], strict=False))
    parts = Written(templates=(((), tuple(texts)),)).parts(text, ("any",))
    assert parts is not None
    assert ("".join(parts), parts[::2]) == (text, texts)
