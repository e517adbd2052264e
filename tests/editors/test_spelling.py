"""How an editor is shown a value: titles, YAML over several lines, and snippets that an editor inserts as they are."""

import pytest

from connector.documents import read_document
from connector.editors.spelling import example_of, filled_with, snippet_of, snippet_text, title_of, yaml_of
from connector.values import JSON


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("client_id", "Client ID"),
        ("new_account_url", "New Account URL"),
        ("api_secret", "API Secret"),
        ("page", "Page"),
    ],
)
def test_a_key_as_a_title(name: str, title: str) -> None:
    """Words are capitalized, abbreviations are written in capitals."""
    assert title_of(name) == title


VALUES: list[tuple[JSON, str]] = [
    ("$.userId", "$.userId"),
    (12, "12"),
    ("12", '"12"'),
    ([], "[]"),
    ({"a": {"b": 1}}, "a: {b: 1}"),
    (
        {"a": {"first": "a value that is long", "second": "another"}},
        "a:\n  first: a value that is long\n  second: another",
    ),
    ([{"a": 1}, ["b"]], "- {a: 1}\n- [b]"),
]


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_a_value_as_yaml(value: JSON, text: str) -> None:
    """What is short stands on one line, what is long over several; both are read as the same value."""
    assert yaml_of(value) == text
    assert read_document(text.encode(), file="a.yaml", environment={}).value == value


def test_an_item_that_is_too_long_is_broken() -> None:
    """An item of a list keeps its lines together behind its dash."""
    item: JSON = {"first": "x" * 40, "second": "y" * 40}
    assert yaml_of([item]) == f"- first: {'x' * 40}\n  second: {'y' * 40}"


def test_an_example_is_a_block_of_markdown() -> None:
    """An example is shown as code."""
    assert example_of({"a": 1}) == "```yaml\na: 1\n```"


def test_a_snippet_is_inserted_as_it_stands() -> None:
    """What an editor would take for a place to fill in is escaped; keys and texts have the quotes that YAML needs."""
    assert snippet_text("$.a}\\") == "\\$.a\\}\\\\"
    assert snippet_of({"@path": ["$.a", 1, True, "no"]}) == {'"@path"': ["\\$.a", 1, True, '"no"']}


def test_a_value_that_needs_quotes_is_a_snippet() -> None:
    """A plain value is an example, which editors insert; one in quotes, a list or an object is written out for them."""
    assert filled_with("plain", "key") == {"examples": ["plain"]}
    assert filled_with(5, "key") == {"examples": [5]}
    assert filled_with("12", "key") == {"defaultSnippets": [{"label": "key: an example", "body": '"12"'}]}
    assert filled_with(["a"], "key") == {"defaultSnippets": [{"label": "key: an example", "body": ["a"]}]}
