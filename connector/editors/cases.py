"""The parts of the editors' schemas that describe tests: in a destination file, and in *_test.yaml files.

In: the registered keys of tests. Out: definitions of JSON Schema, with the rules that hold between keys.
"""

from collections.abc import Iterable
from itertools import combinations
from typing import Final, cast

from connector.case_keys import CASE_KEYS, SUITE_KEYS, CaseKey
from connector.cases import EXPECTATIONS, OUTCOMES
from connector.editors.spelling import Schema, filled_with
from connector.values import JSON

_EVENT: Final[Schema] = {"type": "page", "userId": "user-42"}
_MEANINGS: Final = {key.name: key for key in CASE_KEYS}
_FITTING: Final = ("expect_request", "expect_skipped")  # what may be expected beside a payload


def case_definition(*, in_suite: bool) -> Schema:
    """Make the definition of one test."""
    keys = [key for key in CASE_KEYS if in_suite or not key.of_suites]
    names = {key.name for key in keys}
    return {
        "title": "Test",
        "description": "An event, and what must become of it. Nothing is sent.",
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in keys},
        "dependentRequired": {"only": ["events"], "expect_rows": ["events"]},
        "allOf": [
            _one_of_events(),
            {"anyOf": [{"required": [name]} for name in EXPECTATIONS if name in names]},
            *_clashes(),
            *(_suite_rules() if in_suite else []),
        ],
        "defaultSnippets": [_snippet(in_suite=in_suite)],
    }


def suite_properties() -> Schema:
    """Make the properties of a *_test.yaml file."""
    properties: Schema = {key.name: _key(key) for key in SUITE_KEYS}
    cast(Schema, properties["tests"])["items"] = {"$ref": "#/$defs/test"}
    return properties


def _key(key: CaseKey) -> Schema:
    inserted: Schema = {}
    if key.name == "event":
        inserted = {**filled_with(_EVENT, "event"), "allOf": [{"$ref": "#/$defs/event"}]}
    return {"title": key.title, "description": key.description, **_described(dict(key.schema)), **inserted}


def _described(schema: Schema) -> Schema:
    """Put a key's description at the same key further down."""
    return {name: _described_part(name, inner) for name, inner in schema.items()}


def _described_part(name: str, inner: JSON) -> JSON:
    if name == "properties" and isinstance(inner, dict):
        return {key: {**_texts(key), **_described(cast(Schema, value))} for key, value in inner.items()}
    if isinstance(inner, list):
        return [_described(item) if isinstance(item, dict) else item for item in inner]
    return _described(inner) if isinstance(inner, dict) else inner


def _texts(key: str) -> Schema:
    known = _MEANINGS.get(key)
    return {"title": known.title, "description": known.description} if known else {}


def _one_of_events() -> Schema:
    return {"oneOf": [{"required": ["event"]}, {"required": ["events"]}], "errorMessage": "Needs event or events."}


def _clashes() -> Iterable[Schema]:
    """Forbid each pair of keys that expect different outcomes."""
    pairs = [*combinations(OUTCOMES, 2), *(("expect", name) for name in OUTCOMES if name not in _FITTING)]
    for one, other in pairs:
        message = f"A test expects one thing: {one} and {other} are two."
        yield {"not": {"required": [one, other]}, "errorMessage": message}


def _suite_rules() -> Iterable[Schema]:
    """A test of the whole destination says which mappings take the event, or that none does."""
    of_one = [name for name in EXPECTATIONS if name not in ("expect_filtered", "expect_rows", "expect_mappings")]
    without_mapping: Schema = {"not": {"required": ["mapping"]}}
    yield {
        "if": without_mapping,
        "then": {
            "not": {"anyOf": [{"required": [name]} for name in of_one]},
            "errorMessage": "What one mapping makes of the event needs mapping: NAME.",
        },
    }
    own: list[JSON] = [{"required": [name]} for name in ("mapping", *EXPECTATIONS[:5])]
    yield {
        "if": {"required": ["expect_mappings"]},
        "then": {
            "not": {"anyOf": own},
            "errorMessage": "expect_mappings is for the whole destination, and says all there is to say of it.",
        },
    }


def _snippet(*, in_suite: bool) -> Schema:
    expected: Schema = (
        {"expect_mappings": ["${2:Attach Device}"]} if in_suite else {"expect": {"account": "${2:user-42}"}}
    )
    return {
        "label": "test",
        "description": "A test: an event, and what must become of it.",
        "body": {"name": "${1:a page view attaches the device}", "event": {**_EVENT}, **expected},
    }
