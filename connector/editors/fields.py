"""The part of the editors' schema that holds the fields of each action, as a mapping fills them.

In: an action's own schema, and the fields of the presets as examples. Out: definitions of JSON Schema.
"""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from connector.editors.spelling import Schema, example_of, filled_with
from connector.editors.values import ONLY_DIRECTIVES, SHORTHAND
from connector.values import JSON

_VALUE: Final[Schema] = {"$ref": "#/$defs/value"}
_EMPTY_OR_SHORTHAND: Final = f"^$|{SHORTHAND}"  # an empty text is as good as none
_NUMBER: Final = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_ONE_SCALAR: Final[Schema] = {  # which becomes that scalar
    "minItems": 1,
    "maxItems": 1,
    "items": {"not": {"type": ["object", "array"]}},
}
_KEPT: Final = ("title", "description", "deprecated")


def field_definition(action: str, schema: Schema, written: Mapping[str, JSON]) -> Schema:
    """Make the definition of an action's fields; `written` has an example of some."""
    fields = _properties(schema, schema)
    return {
        "title": f"Fields of {action}",
        "description": schema["description"],
        "type": ["object", "null"],
        "properties": {name: _field(name, field, schema, written.get(name)) for name, field in fields.items()},
        "additionalProperties": False,
    }


def payload_definition(action: str, schema: Schema) -> Schema:
    """Make the definition of what a test expects of an action: the same fields, filled already."""
    fields = _properties(schema, schema)
    return {
        "title": f"Payload of {action}",
        "description": "Fields that the payload must have; with null a field must not be there.",
        "type": "object",
        "properties": {name: {**_texts(field), **_examples(name, field)} for name, field in fields.items()},
    }


def _examples(name: str, field: Schema) -> Schema:
    examples = cast(list[JSON], field.get("examples", []))
    return filled_with(examples[0], name) if examples else {"type": field["type"]}


def _properties(node: Schema, schema: Schema) -> dict[str, Schema]:
    """Give the properties of a part of an action's schema, following its reference."""
    name = str(node.get("$ref", "")).removeprefix("#/$defs/")
    named = cast(Schema, cast(Schema, schema["$defs"])[name]) if name else node
    return cast(dict[str, Schema], {**node, **named}.get("properties", {}))


def _texts(field: Schema) -> Schema:
    texts: Schema = {key: field[key] for key in _KEPT if key in field}
    if field.get("deprecated"):
        texts["deprecationMessage"] = field["description"]
    return texts


def _field(name: str, field: Schema, schema: Schema, written: JSON) -> Schema:
    """Make one field: the types that it takes as they are, a shorthand, or a directive, which is an object."""
    kinds = _kinds(field)
    return {**_texts(field), **_inserted(name, field, written), **_shape(field, kinds, _inner(field, schema))}


def _kinds(field: Schema) -> list[str]:
    kind = field["type"]
    return cast(list[str], kind if isinstance(kind, list) else [kind])


def _inserted(name: str, field: Schema, written: JSON) -> Schema:
    """Say how the field is filled: as a preset does, else with an example of its own schema."""
    examples = cast(list[JSON], field.get("examples", []))
    if "enum" in field or field["type"] == "boolean" or "properties" in field:
        return {}
    example = written if written is not None else examples[0] if examples else f"$.properties.{name}"
    text = f"{field['description']}\n\nFor example:\n\n{example_of(example)}"
    return {"markdownDescription": text, **filled_with(example, name)}


def _inner(field: Schema, schema: Schema) -> list[JSON]:
    inner = _properties(field, schema)
    parts: Schema = {name: _field(name, item, schema, None) for name, item in inner.items()}
    found: Schema = {"properties": parts} if parts else {}
    if isinstance(items := field.get("items"), dict):
        own = _properties(items, schema)
        named: Schema = {name: _field(name, item, schema, None) for name, item in own.items()}
        found["items"] = {"type": ["object", "string"], "pattern": _EMPTY_OR_SHORTHAND, "properties": named}
    return [found] if found else []


def _shape(field: Schema, kinds: Iterable[str], inner: list[JSON]) -> Schema:
    whole: list[JSON] = [*inner, _VALUE]  # what is said first is shown
    known = set(kinds)
    if "object" in known:
        types: list[JSON] = [*(kind for kind in ("object", "array") if kind in known), "string", "null"]
        return {"type": types, "pattern": _EMPTY_OR_SHORTHAND, "allOf": whole}
    text: Schema = {"type": "string", "pattern": _EMPTY_OR_SHORTHAND}
    shape: Schema = {"allOf": whole, **ONLY_DIRECTIVES}
    if "enum" in field:
        return {**shape, "anyOf": [{"enum": field["enum"]}, text, {"type": ["object", "null"]}]}
    if "boolean" in known:
        number: Schema = {"type": "integer", "minimum": 0, "maximum": 1}
        words: Schema = {**text, "pattern": f"^(true|false)$|{_EMPTY_OR_SHORTHAND}"}
        return {**shape, "anyOf": [{"type": ["boolean", "object", "null"]}, words, number]}
    if "number" in known:
        whole.append({"if": {"type": "string"}, "then": {"pattern": f"{_NUMBER}|{SHORTHAND}"}})
    whole.append({"if": {"type": "array"}, "then": _ONE_SCALAR})
    return shape
