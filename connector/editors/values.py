"""The part of the editors' schema that says how a field is filled: shorthands, and every directive with its options.

In: the register of directives. Out: definitions of JSON Schema, each with what an editor shows and inserts.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from connector.editors.spelling import Schema, example_of, filled_with
from connector.language.directives import Directive, Option
from connector.values import JSON
from connector.yaml_writing import shorten

SHORTHAND: Final = r"^\$\.|\{\{|\$\{"
VARIABLE: Final = r"\$\{"
ONLY_DIRECTIVES: Final[Schema] = {"if": {"type": "object"}, "then": {"$ref": "#/$defs/directive"}}
_ANY_VALUE: Final = (
    "A value, or how to make it: $.path reads it from the event, {{path}} puts it into a text, a directive does more."
)
_NOT_GIVEN: Final[list[JSON]] = [None, False, 0, ""]


def value_definitions(directives: Iterable[Directive]) -> Schema:
    """Make the definitions `value`, `object`, `shorthand`, `variable`, `nothing` and one of each named directive.

    They have no descriptions of their own: editors would show those in place of what is said of a key.
    """
    known = list(directives)
    return {
        **{_definition_of(directive): _options(directive) for directive in known if directive.form == "named"},
        "value": _value(known),
        "object": {
            "type": ["object", "string"],
            "pattern": SHORTHAND,
            "allOf": [{"$ref": "#/$defs/value"}],
        },
        "directive": {
            "$comment": "An object that is a directive, for a place where no other object fits.",
            "minProperties": 1,
            "propertyNames": {"pattern": "^(@|_metadata$)", "patternErrorMessage": "A directive is needed here."},
        },
        "shorthand": {
            "$comment": "$.path for a @path, {{path}} in a text for a @template, ${NAME} from the environment.",
            "type": "string",
            "pattern": SHORTHAND,
        },
        "variable": {
            "$comment": "${NAME} or ${NAME:-default}, filled in from the environment.",
            "type": "string",
            "pattern": VARIABLE,
        },
        "nothing": {
            "$comment": "null, which is as good as leaving the key out; written so that nobody is offered it.",
            "not": {"type": ["string", "number", "boolean", "object", "array"]},
        },
    }


def _value(directives: list[Directive]) -> Schema:
    each: list[JSON] = [{"required": [directive.name]} for directive in directives]
    return {
        "properties": {
            **{directive.name: _property(directive) for directive in directives},
            "_metadata": {
                "title": "_metadata",
                "description": "Notes of Segment's web form beside a directive, which are not read.",
                "type": ["object", "string", "number", "boolean", "array", "null"],
            },
        },
        "patternProperties": {"^([^@]|$)": {"description": _ANY_VALUE, "allOf": [{"$ref": "#/$defs/value"}]}},
        "additionalProperties": False,
        "items": {
            "allOf": [{"$ref": "#/$defs/value"}]
        },  # were it the reference alone, servers would follow it for ever
        "if": {"type": "object", "anyOf": each},
        "then": {"propertyNames": {"pattern": "^(@|_metadata$)"}, "oneOf": each},
    }


def _property(directive: Directive) -> Schema:
    """Make what stands under a directive's name. Named options are referred to, so that an example is inserted."""
    text: Schema = {
        "title": directive.name,
        "description": directive.summary,
        "markdownDescription": "\n\n".join(_explained(directive)),
        **filled_with(_example(directive), directive.name),
    }
    match directive.form:
        case "bare":
            shape = _shape(directive.options[0])
            return {**text, "description": f"{directive.summary} {directive.options[0].summary}", **shape}
        case "named":
            return {**text, "type": "object", "allOf": [{"$ref": f"#/$defs/{_definition_of(directive)}"}]}
        case "positional":
            return {**text, "type": "array", "allOf": [_positions(directive)]}


def _example(directive: Directive) -> JSON:
    """Give what stands under the directive in its first example; a text that it reads as it stands is left so."""
    written = directive.examples[0].mapping
    assert isinstance(written, dict)
    inner = written[directive.name]
    if directive.form == "bare":
        return inner if isinstance(inner, str) else shorten(inner)
    short = shorten({directive.name: inner})
    return short[directive.name] if isinstance(short, dict) else short


def _explained(directive: Directive) -> Iterator[str]:
    yield directive.summary
    if directive.form == "bare":
        yield directive.options[0].summary
    else:
        names = (f"* `{option.name}`: {option.summary}" for option in directive.options)
        yield "\n".join(names)
    for example in directive.examples:
        note = f", {example.note}" if example.note else ""
        yield f"For example{note}:\n\n{example_of(_spelled(example.mapping))}"


def _spelled(mapping: JSON) -> JSON:
    """Keep an example of @path, @template and @literal as it is: shortened it would show the shorthand alone."""
    is_short = isinstance(mapping, dict) and isinstance(next(iter(mapping.values())), str)
    return mapping if is_short else shorten(mapping)


def _definition_of(directive: Directive) -> str:
    return f"options of {directive.name}"


def _options(directive: Directive) -> Schema:
    given: Schema = {
        "title": directive.name,
        "type": "object",
        "properties": {option.name: _option(option, directive) for option in directive.options},
        "additionalProperties": False,
    }
    if required := [option.name for option in directive.options if option.required]:
        given["required"] = [*required]
    if directive.one_of:
        given["oneOf"] = [{"required": [name]} for name in directive.one_of]
    return given


def _positions(directive: Directive) -> Schema:
    return {
        "prefixItems": [_option(option, directive) for option in directive.options],
        "items": False,
        "minItems": sum(option.required for option in directive.options),
        "maxItems": len(directive.options),
    }


def _option(option: Option, directive: Directive) -> Schema:
    text: Schema = {"title": f"{directive.name} {option.name}", "description": option.summary}
    shape = _shape(option)
    if option.default is not None:
        text["default"] = option.default
    elif not option.choices and (found := [*_written(option, directive)]):
        text |= filled_with(found[0], option.name)
    return {**text, **shape}


def _written(option: Option, directive: Directive) -> Iterator[JSON]:
    """Find what the directive's examples write for an option."""
    for example in directive.examples:
        short = shorten(example.mapping)
        inner = short.get(directive.name) if isinstance(short, dict) else None
        if isinstance(inner, dict) and option.name in inner:
            yield inner[option.name]


def _shape(option: Option) -> Schema:
    shape = _kind(option)
    if option.longest is not None:
        shape["maxLength"] = option.longest
    if option.shortest:
        shape["minLength"] = option.shortest
    if option.truthy:
        shape["not"] = {"enum": _NOT_GIVEN}
    return shape


def _kind(option: Option) -> Schema:
    anything: list[JSON] = [{"$ref": "#/$defs/value"}]
    match option.kind:
        case "value":
            return {"allOf": anything}
        case "object":
            return {"type": ["object", "string"], "allOf": [{"$ref": "#/$defs/object"}]}
        case "objects":
            return {"type": "array", "items": {"$ref": "#/$defs/object"}}
        case "choice":
            return {"type": "string", "enum": [*option.choices]}
        case "flag":
            return {"type": "boolean"}
        case _:
            if option.dynamic:
                return {"type": ["string", "object"], "allOf": anything, **ONLY_DIRECTIVES}
            return {"type": ["string", "null"] if option.default == "" else "string"}
