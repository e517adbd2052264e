"""An action's JSON Schema to a checker: a resolved payload in; the payload to send and every problem as a sentence out.

The order is Segment's: empty values are removed, the rest is converted to the types of the schema as AJV converts, and
what still does not fit is told in the words of Segment's runtime. A payload given is never changed; nothing is fetched.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Final, Literal, TypeAlias

import jsonschema_rs
import msgspec

from connector.values import JSON, MISSING, Missing, dump_json, load_json, number_text, type_name

_Maybe: TypeAlias = "JSON | Missing"  # what a conversion gives: MISSING where there is none

_PACKAGE: Final = Path(__file__).parent
_INTEGRAL_BELOW: Final = 1e21  # up to here JavaScript prints a whole number without an exponent


def schemas_folder() -> Path:
    """Find the folder of the schemas: inside an installed package, else beside the package in a source checkout."""
    installed = _PACKAGE / "_data" / "schemas"
    return installed if installed.is_dir() else _PACKAGE.parent / "schemas"


def load_schema(name: str) -> dict[str, JSON]:
    """Read `<name>.schema.json` as it stands in the folder; raises FileNotFoundError when there is none."""
    schema = load_json((schemas_folder() / f"{name}.schema.json").read_bytes())
    if not isinstance(schema, dict):
        raise TypeError(f"{name}.schema.json is not an object")
    return schema


# ---------------------------------------------------------------------------------------------- the schema of an action

Kind: TypeAlias = Literal["string", "number", "boolean", "object", "array"]


class _Schema(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A schema in the keywords that a check knows; one with any other does not load, so that none is overlooked."""

    type: tuple[Kind, ...]
    title: str = ""
    description: str = ""
    enum: tuple[str, ...] = ()
    properties: "dict[str, _Schema]" = {}
    required: tuple[str, ...] = ()
    additional_properties: bool = True
    items: "_Schema | None" = None
    write_only: bool = False
    deprecated: bool = False
    examples: tuple[object, ...] = ()


def _flat(node: JSON, definitions: dict[str, JSON]) -> JSON:
    """Put definitions where they are referred to, and write every type as a list; keys that start with $ go."""
    if isinstance(node, list):
        return [_flat(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    named = definitions[str(node["$ref"]).removeprefix("#/$defs/")] if "$ref" in node else {}
    together = {**named, **node} if isinstance(named, dict) else node
    flat = {key: _flat(value, definitions) for key, value in together.items() if not key.startswith("$")}
    if isinstance(kind := flat.get("type"), str):
        flat["type"] = [kind]
    return flat


def _flat_schema(schema: dict[str, JSON]) -> dict[str, JSON]:
    definitions = schema.get("$defs")
    flat = _flat(schema, definitions if isinstance(definitions, dict) else {})
    return flat if isinstance(flat, dict) else {}


def _unchanging(flat: dict[str, JSON]) -> dict[str, JSON]:
    """Derive the schema of the payloads from which nothing is removed and in which nothing is converted.

    JSON Schema converts nothing, and an action's own schema takes neither null nor further keys: what is left to forbid
    are empty strings at the root.
    """
    properties = flat.get("properties")
    fields = properties if isinstance(properties, dict) else {}
    return {**flat, "properties": {name: _filled(field) for name, field in fields.items()}}


def _filled(field: JSON) -> JSON:
    return {**field, "minLength": 1} if isinstance(field, dict) else field


@cache
def _action_schema(action: str) -> _Schema:
    return msgspec.convert(_flat_schema(load_schema(action)), _Schema)


@cache
def flat_schema(action: str) -> dict[str, JSON]:
    """Give an action's schema with definitions where they are referred to, and every type as a list; not to change."""
    return _flat_schema(load_schema(action))


def field_names(action: str) -> tuple[str, ...]:
    """List an action's fields in the order of its schema."""
    return tuple(_action_schema(action).properties)


def required_names(action: str) -> tuple[str, ...]:
    """List the fields that an action cannot do without."""
    return _action_schema(action).required


@cache
def write_only_names(action: str) -> tuple[str, ...]:
    """List the fields that no output may show."""
    return tuple(name for name, field in _action_schema(action).properties.items() if field.write_only)


def label(action: str, name: str) -> str:
    """Give the name of a field as people read it: `include_page` of attach is `Include Page`."""
    return _action_schema(action).properties[name].title


# ------------------------------------------------------------------------------------------------------------ the check


class Checked(msgspec.Struct, frozen=True):
    """A payload after the check. It may be sent when there are no `problems`; each problem is a whole sentence.

    Where there are some, the fields without a problem are converted all the same, the others are as they were.
    """

    payload: dict[str, JSON]
    problems: tuple[str, ...] = ()


class Checker:
    """One action's compiled schema.

    Raises msgspec.ValidationError when the schema uses a keyword that a check does not know.
    """

    __slots__ = ("_schema", "_validate")

    def __init__(self, schema: dict[str, JSON]) -> None:
        flat = _flat_schema(schema)
        self._schema = msgspec.convert(flat, _Schema)
        self._validate: Callable[[object], bool] = jsonschema_rs.Draft202012Validator(_unchanging(flat)).is_valid

    def check(self, payload: dict[str, JSON]) -> Checked:
        """Remove what is empty, convert what can be, and tell all that is wrong with the rest.

        A payload with which nothing is to be done is given back itself, any other one as a new dict.
        """
        return Checked(payload) if self.is_ready(payload) else self.repair(payload)

    def is_ready(self, payload: dict[str, JSON]) -> bool:
        """Say whether a payload may be sent as it is; for one that may not, `repair` has to say what it becomes."""
        try:
            return self._validate(payload)
        except UnicodeEncodeError:  # a lone surrogate, which Python's strings can hold and the validator's cannot
            return False

    def repair(self, payload: dict[str, JSON]) -> Checked:
        """Do what `check` does, also for a payload that is ready."""
        schema, problems = self._schema, list[str]()
        kept = {key: value for key, value in _pruned_object(payload, schema).items() if value != ""}
        return Checked(_converted_object(kept, schema, "", problems), tuple(problems))


@cache
def checker(action: str) -> Checker:
    """Compile the checker of an action, once in a process; raises FileNotFoundError when there is no such action."""
    return Checker(load_schema(action))


# -------------------------------------------------------------------------------------------- what is empty is removed


def _pruned(value: JSON, schema: _Schema) -> _Maybe:
    """Remove null, and "" where no string may be, as deep as the schema describes the value.

    Segment's runtime leaves them in the objects of a list, where its validator then makes "" of null; here they go.
    """
    if isinstance(value, dict):
        return _pruned_object(value, schema) if schema.properties else value
    if isinstance(value, list):
        return value if schema.items is None else _pruned_list(value, schema.items)
    return MISSING if value is None or (value == "" and "string" not in schema.type) else value


def _pruned_object(value: dict[str, JSON], schema: _Schema) -> dict[str, JSON]:
    pruned: dict[str, JSON] = {}
    for key, item in value.items():
        field = schema.properties.get(key)
        left = item if field is None else _pruned(item, field)
        if left is not MISSING:
            pruned[key] = left
    return pruned


def _pruned_list(value: list[JSON], schema: _Schema) -> list[JSON]:
    pruned = (_pruned(item, schema) for item in value)
    return [item for item in pruned if item is not MISSING]


# ------------------------------------------------------------------------ the rest is converted, and what fails is told


def _converted(value: JSON, schema: _Schema, path: str, problems: list[str]) -> JSON:
    """Convert a value to its schema's type, and what is in it; what cannot be is left as it is and told."""
    fitting: _Maybe = value
    if type_name(value) not in schema.type:
        only = _only(value, schema)
        fitting = only if only is not value and type_name(only) in schema.type else _fitting(only, schema)
        if fitting is MISSING:
            problems.append(_type_problem(only, schema, path))
    if schema.enum and fitting not in schema.enum:
        problems.append(_enum_problem(schema, path))
    if isinstance(fitting, dict):
        return _converted_object(fitting, schema, path, problems)
    if isinstance(fitting, list) and schema.items is not None:
        below = schema.items
        return [_converted(item, below, f"{path}/{at}", problems) for at, item in enumerate(fitting)]
    return value if fitting is MISSING else fitting


def _converted_object(value: dict[str, JSON], schema: _Schema, path: str, problems: list[str]) -> dict[str, JSON]:
    """Convert an object's fields; problems in AJV's order: what is missing, then the fields as the schema has them."""
    fields = schema.properties
    converted = dict(value) if schema.additional_properties else {key: value[key] for key in value if key in fields}
    for name in schema.required:
        if name not in converted:
            problems.append(f"{_name(schema, path)} is missing the required field '{name}'.")
    for name, field in fields.items():
        if name in converted:
            converted[name] = _converted(converted[name], field, f"{path}/{name}", problems)
    return converted


def _only(value: JSON, schema: _Schema) -> JSON:
    """Take the one element of a list for the list, where the type is one that AJV converts to."""
    if isinstance(value, list) and len(value) == 1 and any(kind in _CONVERSIONS for kind in schema.type):
        return value[0]
    return value


def _fitting(value: JSON, schema: _Schema) -> _Maybe:
    """Convert to the first of the schema's types that takes the value, which is not of any of them."""
    for kind in schema.type:
        convert = _CONVERSIONS.get(kind)
        if convert is not None and (made := convert(value)) is not MISSING:
            return made
    return MISSING


def _to_string(value: JSON) -> _Maybe:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_text(value)
        case _:
            return MISSING


def _to_boolean(value: JSON) -> _Maybe:
    if value is None or value == "false":
        return False
    if value == "true":
        return True
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else MISSING


_JS_SPACE: Final = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\ufeff"
)
_JS_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_JS_BASED: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")


def _to_number(value: JSON) -> _Maybe:
    """Convert as JavaScript's `Number(value)`: blanks are 0, 0x10 is 16. Infinity is refused: it is no JSON."""
    if not isinstance(value, str):
        return MISSING if isinstance(value, dict | list) else int(value or 0)
    text = value.strip(_JS_SPACE)
    if _JS_BASED.fullmatch(text):
        whole = int(text, 0)
        return whole if whole < _INTEGRAL_BELOW else MISSING
    if not value or (text and not _JS_DECIMAL.fullmatch(text)):
        return MISSING
    number = float(text or 0)
    if number.is_integer() and abs(number) < _INTEGRAL_BELOW:
        return int(number)
    return number if isfinite(number) else MISSING


def _to_array(value: JSON) -> _Maybe:
    return MISSING if isinstance(value, dict) else [value]


_CONVERSIONS: Final[dict[Kind, Callable[[JSON], _Maybe]]] = {
    "string": _to_string,
    "number": _to_number,
    "boolean": _to_boolean,
    "array": _to_array,
}


# -------------------------------------------------------------------------------------------------- Segment's sentences


def _type_problem(found: JSON, schema: _Schema, path: str) -> str:
    return f"{_name(schema, path)} must be {_a(_either(schema.type))} but it was {_a(type_name(found))}."


def _enum_problem(schema: _Schema, path: str) -> str:
    allowed = _either([dump_json(value).decode() for value in schema.enum])
    return f"{_name(schema, path)} must be one of: {allowed}."


def _name(schema: _Schema, path: str) -> str:
    """Name a value by its schema's title, else by its place; the root has no name at Segment, whatever its title."""
    if not path:
        return "The root value"
    return schema.title or f"The value at {path}"


def _a(noun: str) -> str:
    if noun == "null":
        return noun
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _either(words: Sequence[str]) -> str:
    if len(words) <= 2:
        return " or ".join(words)
    return f"{', '.join(words[:-1])}, or {words[-1]}"
