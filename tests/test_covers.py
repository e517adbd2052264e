"""What of a payload came from variables: by name where it is the value, hidden where something was made of it."""

from pathlib import Path

import pytest

from connector.covers import NO_COVER, Cover, cover_new, cover_of
from connector.destination import load
from connector.values import JSON
from connector.variable_covers import compile_covers
from tests.cli.command import page, write_config

NAMES = {"ONE": "1", "KEY": "se-cret", "MORE": "Up Case"}
EVENT = page(1, properties={"n": 1, "text": "1", "key": "se-cret", "list": [{"a": "1"}]})

# What a field is, and how it is shown.
CASES: list[tuple[str, JSON]] = [
    ('{a: "${ONE}", b: $.properties.text, c: $.properties.key}', {"a": "${ONE}", "b": "1", "c": "se-cret"}),
    ('"{{properties.text}}-${ONE}-{{properties.n}}"', "1-${ONE}-1"),
    ('"{{properties.key}} ${KEY}"', "se-cret ${KEY}"),
    ('{"@if": {exists: $.properties.n, then: "${ONE}", else: b}}', "${ONE}"),
    ('{"@if": {exists: "${KEY}", then: $.properties.key}}', "se-cret"),
    ('{"@merge": {direction: right, objects: [{a: "${ONE}"}, {b: $.properties.text}]}}', {"a": "${ONE}", "b": "1"}),
    ('{"@case": {operator: lower, value: "${MORE}"}}', "[redacted]"),
    ('{"@case": {operator: lower, value: "${MORE} ${KEY}"}}', "[redacted]"),
    ('{"@json": {mode: encode, value: {a: "${ONE}"}}}', "[redacted]"),
    ('{"@replace": {pattern: e, replacement: "${ONE}", value: $.properties.key}}', "[redacted]"),
    ('{"@liquid": "{{ properties.text }} ${KEY}"}', "1 ${KEY}"),
    ('{"@liquid": "{{ properties.text }} ${ONE}"}', "[redacted]"),
    ('{"@liquid": "{% capture it %}${KEY}{% endcapture %}{{ it | upcase }} ${KEY}"}', "[redacted]"),
    ('{"@arrayPath": [$.properties.list, {a: $.a, b: "${KEY}"}]}', [{"a": "1", "b": "${KEY}"}]),
    ('["${ONE}", "${KEY}"]', ["${ONE}", "${KEY}"]),
]


@pytest.mark.parametrize(("field", "shown"), CASES)
def test_what_is_shown_for_variables(field: str, shown: JSON, tmp_path: Path) -> None:
    """A variable's value is its name, what was made of it is hidden, and what a path read is shown."""
    text = f"{{name: One, action: attach, trigger: type = 'page', fields: {{account: u, metadata: {{x: {field}}}}}}}"
    (mapping,) = load(write_config(tmp_path, text), {"RUPT_CLIENT_ID": "c", **NAMES}).mappings
    find = compile_covers(mapping, frozenset(NAMES))
    assert find is not None
    payload = mapping.resolve(EVENT)
    assert find(EVENT).get("metadata", NO_COVER).value(payload["metadata"]) == {"x": shown}


def test_a_mapping_without_variables_has_no_covers(tmp_path: Path) -> None:
    """Where no field has a variable nothing is looked for."""
    text = "{name: One, action: attach, trigger: type = 'page', fields: {account: $.userId}}"
    (mapping,) = load(write_config(tmp_path, text), {"RUPT_CLIENT_ID": "c"}).mappings
    assert compile_covers(mapping, frozenset({"RUPT_CLIENT_ID"})) is None


def test_short_texts_count_as_a_whole() -> None:
    """A short text is found where it is all of a value, a number too; a long one inside of others."""
    cover = cover_of({"1": "${ONE}", "se-cret": "${KEY}"})
    assert cover.value(["1", 1, 1.5, "a 1", "x se-cret"]) == ["${ONE}", "${ONE}", 1.5, "a 1", "x ${KEY}"]
    assert cover.url("https://x/v3/se-cret/1/10") == "https://x/v3/${KEY}/${ONE}/10"


def test_what_a_file_says_already_is_not_covered() -> None:
    """Where a value is the same as another one it stays."""
    cover = Cover(keys={"a": cover_of({"1": "${ONE}"})})
    assert cover_new({"a": "1", "b": "1"}, {"a": "1"}, cover) == {"a": "1", "b": "1"}
    assert cover_new({"a": ["1", "2"]}, {"a": ["2"]}, cover) == {"a": ["${ONE}", "2"]}
