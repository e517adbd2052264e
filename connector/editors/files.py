"""The whole schemas: of a destination file, a file that it includes, a preset, and a *_test.yaml file.

In: what is registered. Out: one JSON Schema each, complete in itself. What a file is, its keys tell.
"""

from typing import Final, cast

from connector.actions import ACTIONS
from connector.destination import MOST_MAPPINGS
from connector.drafts import DESTINATION_KEYS, INCLUDED_KEYS, MAPPING_KEYS
from connector.editors.cases import case_definition, suite_properties
from connector.editors.fields import field_definition, payload_definition
from connector.editors.mapping import mapping_definition
from connector.editors.presets import Preset, read_presets, written_fields
from connector.editors.settings import settings_definition
from connector.editors.spelling import Schema, title_of
from connector.editors.values import value_definitions
from connector.language.builtins import DIRECTIVES
from connector.schemas import load_schema
from connector.values import JSON

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_MODELINE: Final = (
    "Write this on its first line, and the editor completes and explains every key: "
    "# yaml-language-server: $schema={name}.schema.json"
)
_ANY_TYPE: Final = ("string", "number", "object", "array", "boolean", "null")
_NAMES: Final[Schema] = {"type": "string", "minLength": 1}


def destination_schema() -> Schema:
    """Make the schema of destination files, included files and presets."""
    presets = read_presets()
    return {
        "$schema": _DRAFT,
        "$id": "urn:rupt-connector:schema:destination",
        "title": "Destination file",
        "description": "A destination file, a file that it includes, or a preset. "
        + _MODELINE.format(name="destination"),
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in ("destination", "settings")]},
        "then": {"$ref": "#/$defs/destination_file"},
        "else": {
            "if": {"anyOf": [{"required": [key]} for key in MAPPING_KEYS if key not in INCLUDED_KEYS]},
            "then": {"$ref": "#/$defs/mapping"},
            "else": {"$ref": "#/$defs/included_file"},
        },
        "$defs": {
            "destination_file": _destination_file(),
            "included_file": _included_file(),
            "settings": settings_definition(DESTINATION_KEYS["settings"]),
            "mapping": mapping_definition(presets),
            "test": case_definition(in_suite=False),
            **_action_definitions(presets),
            **value_definitions(DIRECTIVES),
            "event": event_definition(),
        },
    }


def tests_schema() -> Schema:
    """Make the schema of *_test.yaml files."""
    return {
        "$schema": _DRAFT,
        "$id": "urn:rupt-connector:schema:tests",
        "title": "Tests",
        "description": f"Tests of a destination, in a file of their own. {_MODELINE.format(name='tests')}",
        "type": "object",
        "required": ["tests"],
        "additionalProperties": False,
        "properties": suite_properties(),
        "$defs": {"test": case_definition(in_suite=True), "event": event_definition()},
    }


def _destination_file() -> Schema:
    shapes: dict[str, Schema] = {
        "destination": {"anyOf": [{"const": "rupt"}, {"$ref": "#/$defs/variable"}], "examples": ["rupt"]},
        "settings": {"$ref": "#/$defs/settings"},
        **_lists(),
    }
    return {
        "title": "Destination file",
        "description": "Settings, and at most 50 mappings.",
        "type": "object",
        "required": ["destination", "settings"],
        "additionalProperties": False,
        "properties": _keys(DESTINATION_KEYS, shapes),
    }


def _included_file() -> Schema:
    """Make the definition of an included file, and of one that holds nothing yet: it offers what may come first.

    The keys of other kinds of file stand here for that alone: where one is written, this definition does not count.
    """
    first = {**DESTINATION_KEYS, **MAPPING_KEYS}
    own = _keys(INCLUDED_KEYS, {"description": {"type": ["string", "null"]}, **_lists()})
    others: Schema = {
        key: {"title": title_of(key), "description": summary, "type": _type_of(key)}
        for key, summary in first.items()
        if key not in INCLUDED_KEYS
    }
    return {
        "title": "Included file",
        "description": "Mappings that a destination file includes.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**others, **own},
    }


def _type_of(key: str) -> str:
    return {"settings": "object", "fields": "object", "tests": "array", "enabled": "boolean"}.get(key, "string")


def _lists() -> dict[str, Schema]:
    several: JSON = {"type": "array", "items": _NAMES}
    return {
        "include": {"anyOf": [several, _NAMES, {"$ref": "#/$defs/nothing"}], "examples": [["mappings/*.yaml"]]},
        "mappings": {"type": ["array", "null"], "items": {"$ref": "#/$defs/mapping"}, "maxItems": MOST_MAPPINGS},
    }


def _keys(texts: dict[str, str], shapes: dict[str, Schema]) -> Schema:
    return {key: {"title": title_of(key), "description": text, **shapes[key]} for key, text in texts.items()}


def _action_definitions(presets: tuple[Preset, ...]) -> Schema:
    found: Schema = {}
    for action in ACTIONS:
        schema = load_schema(action)
        found[f"{action}_fields"] = field_definition(action, schema, written_fields(presets, action))
        found[f"{action}_payload"] = payload_definition(action, schema)
    return found


def event_definition() -> Schema:
    """Make the definition of an event in a test: the keys of the event's own schema, none of which is demanded.

    A test may hold any event, also one that no SDK would send.
    """
    event = load_schema("event")
    named = cast(Schema, event["$defs"])
    keys = cast(Schema, event["properties"])
    properties: Schema = {key: _loose(cast(Schema, inner), named) for key, inner in keys.items()}
    return {"type": "object", "properties": properties}


def _loose(node: Schema, named: Schema) -> Schema:
    """Keep the texts and keys of a part of an event's schema, the type that is meant first among all types."""
    node = {**cast(Schema, named.get(str(node.get("$ref", "")).removeprefix("#/$defs/"), {})), **node}
    found: Schema = {key: node[key] for key in ("title", "description", "examples") if key in node}
    if isinstance(keys := node.get("properties"), dict):
        found["properties"] = {key: _loose(cast(Schema, inner), named) for key, inner in keys.items()}
    if "enum" in node:
        words: Schema = {"enum": node["enum"]}
        return {**found, "anyOf": [words, {"not": words}]}
    own = node.get("type", "string")
    return {**found, "type": [*dict.fromkeys([*(own if isinstance(own, list) else [own]), *_ANY_TYPE])]}
