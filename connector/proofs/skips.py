"""Whether an action skips every event of a mapping: asked of the action itself, with the most that can be mapped.

In: a mapping and its proof. Out: the reason of a skip that is certain. Nothing is sent.
"""

from typing import Final, cast

from connector.actions import ACTIONS, Options, Unfit
from connector.language.directives import Call, Constant, Fields, Items, Node, PathText, TemplateText
from connector.mappings import Mapping
from connector.proofs.judging import FieldSchema, action_schema
from connector.proofs.rows import FieldProof
from connector.schemas import checker
from connector.values import JSON

_EVENT: Final[dict[str, JSON]] = {  # one that has all that an action looks for by itself
    "type": "page",
    "userId": "user-42",
    "anonymousId": "54bbee5b-5e73-4d73-878e-3c5cb8eb0bf8",
    "context": {"page": {"path": "/"}, "rupt": {"fingerprint": "f"}, "device": {"id": "d", "type": "ios"}},
}
_EXAMPLES: Final[dict[str, JSON]] = {
    "string": "text",
    "number": 1,
    "boolean": True,
    "object": {"key": "text"},
    "array": ["text"],
}


def certain_skip(mapping: Mapping, proofs: tuple[FieldProof, ...]) -> str:
    """Give the reason for which an action skips every event that a mapping takes; empty where it may send one."""
    is_known = all(field.whole and (field.passes or not field.required) for field in proofs)
    if not isinstance(mapping.fields, Fields) or not is_known:
        return ""
    never = {field.name for field in proofs if not (field.passes or field.fails or field.refused)}
    schema = action_schema(mapping.action)
    fields = {name: node for name, node in mapping.fields.fields if name not in never}
    payload = {name: _most(node, schema.properties[name]) for name, node in fields.items()}
    checked = checker(mapping.action).check(payload)
    if checked.problems:
        return ""
    build = ACTIONS[mapping.action].compile(Options(), frozenset(checked.payload))
    made = build(checked.payload, _EVENT)
    return made.reason if isinstance(made, Unfit) else ""


def _most(node: Node, schema: FieldSchema | None) -> JSON:
    """Give the value of a node that is written in the file, else one that the schema has for an example."""
    match node:
        case Constant(value):
            return value
        case Fields(fields):
            below = {} if schema is None else schema.properties
            return {key: _most(item, below.get(key)) for key, item in fields}
        case Items(items):
            return [_most(item, None if schema is None else schema.items) for item in items]
        case PathText() | TemplateText() | Call():
            return _example(schema)


def _example(schema: FieldSchema | None) -> JSON:
    if schema is None:
        return "text"
    if schema.examples:
        return cast(JSON, schema.examples[0])
    return schema.enum[0] if schema.enum else _EXAMPLES[schema.type[0]]
