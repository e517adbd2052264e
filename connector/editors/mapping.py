"""The part of the editors' schema that describes a mapping: its keys, and the fields of the action that it names.

In: the registered keys, actions, presets and functions. Out: a definition of JSON Schema.
"""

from collections.abc import Iterator
from typing import Final

from connector.actions import ACTIONS, Action
from connector.drafts import MAPPING_KEYS
from connector.editors.guides import TRIGGER_EXAMPLES, trigger_guide
from connector.editors.presets import Preset, written_fields
from connector.editors.spelling import Schema, snippet_of, snippet_text, title_of
from connector.language.triggers import FUNCTIONS
from connector.schemas import required_names
from connector.values import JSON

_REQUIRED: Final = ("name", "action", "trigger", "fields")  # unless there is a preset
_VARIABLE: Final[Schema] = {"$ref": "#/$defs/variable"}
_NOTHING: Final[Schema] = {"$ref": "#/$defs/nothing"}
_GIVEN: Final[Schema] = {"not": {"enum": [None, ""]}, "doNotSuggest": True}
_TEXT: Final[Schema] = {"type": "string", "pattern": r"\S"}


def mapping_definition(presets: tuple[Preset, ...]) -> Schema:
    """Make the definition of a mapping."""
    shapes = _shapes(presets)
    properties: Schema = {
        key: {"title": title_of(key), "description": summary, **shapes[key]} for key, summary in MAPPING_KEYS.items()
    }
    without_preset: Schema = {"not": {"properties": {"preset": {"type": "string"}}, "required": ["preset"]}}
    needed: Schema = {
        "required": [*_REQUIRED],
        "properties": dict.fromkeys(_REQUIRED, _GIVEN),
    }
    rules = (rule for name in ACTIONS for rule in _rules(name, presets))
    return {
        "title": "Mapping",
        "description": "Which events become which action, and how its fields are filled.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "allOf": [{"if": without_preset, "then": needed}, *rules],
        "defaultSnippets": [*_snippets(presets)],
    }


def _shapes(presets: tuple[Preset, ...]) -> dict[str, Schema]:
    actions: Schema = {
        "enum": [*ACTIONS],
        "enumDescriptions": [action.summary for action in ACTIONS.values()],
    }
    known: Schema = {
        "enum": [preset.name for preset in presets],
        "enumDescriptions": [preset.description for preset in presets],
    }
    own_file: Schema = {"type": "string", "pattern": r"/|\.ya?ml$|\$\{"}
    return {
        "name": {"anyOf": [_TEXT, _NOTHING]},
        "description": {"anyOf": [_TEXT, _NOTHING]},
        "preset": {"anyOf": [known, own_file, _NOTHING]},
        "action": {"anyOf": [actions, _VARIABLE, _NOTHING]},
        "enabled": {"anyOf": [{"type": "boolean"}, _VARIABLE, _NOTHING], "default": True},
        "trigger": {
            "markdownDescription": trigger_guide(MAPPING_KEYS["trigger"], FUNCTIONS.values()),
            "anyOf": [_TEXT, _NOTHING],
            "defaultSnippets": [{"label": example, "body": snippet_text(example)} for example in TRIGGER_EXAMPLES],
        },
        "fields": {"type": ["object", "null"]},
        "tests": {"type": ["array", "null"], "items": {"$ref": "#/$defs/test"}},
    }


def _rules(action: str, presets: tuple[Preset, ...]) -> Iterator[Schema]:
    """Say which fields there are when this is the action, or else that of the preset, and which there must be."""
    named: Schema = {"properties": {"action": {"const": action}}, "required": ["action"]}
    own: list[JSON] = [preset.name for preset in presets if preset.action == action]
    started: Schema = {
        "properties": {"preset": {"enum": own}},
        "required": ["preset"],
        "not": {"properties": {"action": {"type": "string"}}, "required": ["action"]},
    }
    case: Schema = {"properties": {"expect": {"allOf": [{"$ref": f"#/$defs/{action}_payload"}], "doNotSuggest": True}}}
    filled: Schema = {
        "fields": {"allOf": [{"$ref": f"#/$defs/{action}_fields"}], "doNotSuggest": True},
        "tests": {"items": case, "doNotSuggest": True},
    }
    yield {"if": {"anyOf": [named, started]}, "then": {"properties": filled}}
    alone: Schema = {**named, "not": {"properties": {"preset": {"type": "string"}}, "required": ["preset"]}}
    required = required_names(action)
    needed: Schema = {
        "required": [*required],
        "properties": dict.fromkeys(required, _GIVEN),
    }
    yield {"if": alone, "then": {"properties": {"fields": {**needed, "doNotSuggest": True}}}}


def _snippets(presets: tuple[Preset, ...]) -> Iterator[Schema]:
    for action in ACTIONS.values():
        yield {
            "label": f"mapping: {action.name}",
            "description": action.summary,
            "body": {
                "name": f"${{1:{action.summary.partition(':')[0]}}}",
                "action": action.name,
                "trigger": '${2:type = "page"}',
                "fields": _required_fields(action, presets),
            },
        }
    yield {
        "label": "mapping: preset",
        "description": MAPPING_KEYS["preset"],
        "body": {"preset": f"${{1|{','.join(preset.name for preset in presets)}|}}"},
    }


def _required_fields(action: Action, presets: tuple[Preset, ...]) -> JSON:
    written = written_fields(presets, action.name)
    return snippet_of({name: written.get(name) for name in required_names(action.name)})
