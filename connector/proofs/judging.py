"""What an action's schema makes of a value: left out, taken, converted or refused, kind by kind.

The rules are those of connector.schemas: what is empty is removed, then AJV's conversions, then type and enum.
"""

from functools import cache
from typing import Final

import msgspec

from connector.proofs.facts import Facts
from connector.proofs.kinds import (
    ABSENT,
    BITS,
    BOOLEAN,
    EMPTY,
    LIST,
    NUMBER,
    OBJECT,
    PRESENT,
    TEXT,
    ZERO,
)
from connector.proofs.shapes import Ref, Shape, Value, flat, kinds_of, texts_of
from connector.schemas import Checker, flat_schema
from connector.values import JSON

_TYPES: Final = {
    "string": EMPTY | TEXT,
    "number": ZERO | NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "array": LIST,
}
_CONVERTED: Final = {  # always, and perhaps, when a value is none of the types
    "string": (BOOLEAN | ZERO | NUMBER, 0),
    "number": (BOOLEAN, TEXT),
    "boolean": (ZERO, TEXT | NUMBER),
    "object": (0, 0),
    "array": (0, 0),
}


class FieldSchema(msgspec.Struct, frozen=True):
    """What a check knows of one field."""

    type: tuple[str, ...]
    enum: tuple[str, ...] = ()
    properties: "dict[str, FieldSchema]" = {}
    required: tuple[str, ...] = ()
    items: "FieldSchema | None" = None
    examples: tuple[object, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """The kinds of a value by what becomes of them; one that is both taken and refused depends on the value."""

    gone: int = 0
    taken: int = 0
    converted: int = 0
    refused: int = 0


@cache
def action_schema(action: str) -> FieldSchema:
    """Read the schema of an action, once in a process."""
    return msgspec.convert(flat_schema(action), FieldSchema)


def judge(value: Ref | Shape, facts: Facts, schema: FieldSchema, *, at_root: bool) -> Verdict:
    """Say what becomes of each kind that a value can have."""
    kinds = kinds_of(value, facts)
    gone = ABSENT | (EMPTY if at_root or "string" not in schema.type else 0)
    taken = converted = refused = 0
    for bit in BITS:
        if kinds & bit & ~gone:
            fits, converts, fails = _judge_kind(bit, value, facts, schema)
            taken |= bit if fits else 0
            converted |= bit if converts else 0
            refused |= bit if fails else 0
    return Verdict(kinds & gone, taken, converted, refused)


def _judge_kind(bit: int, value: Ref | Shape, facts: Facts, schema: FieldSchema) -> tuple[bool, bool, bool]:
    """Say whether a present value of one kind may be taken, converted, refused."""
    if any(bit & _TYPES[name] for name in schema.type):
        return _judge_fitting(bit, value, facts, schema)
    if bit == LIST:
        return _judge_list(value, facts, schema)
    known = _known(bit, value, facts) if "array" not in schema.type else []
    if known:
        passing = [converts(one, schema) for one in known]
        return False, any(passing), not all(passing)
    always = any(bit & _CONVERTED[name][0] for name in schema.type)
    perhaps = any(bit & _CONVERTED[name][1] for name in schema.type)
    if always:
        return False, True, bool(schema.enum)
    if "array" in schema.type and bit != OBJECT and (schema.items is None or bit & _TYPES[schema.items.type[0]]):
        return False, True, False
    return False, perhaps, True


def _known(bit: int, value: Ref | Shape, facts: Facts) -> list[JSON]:
    """List the values that one of this kind can be, where they are known; none where it can be any."""
    if bit == NUMBER and isinstance(value, Shape) and value.number is not None:
        return [value.number]
    return list(texts_of(value, facts) or ()) if bit == TEXT else []


def converts(value: JSON, schema: FieldSchema) -> bool:
    """Say whether a text or number passes a schema that takes no lists, as it is or converted."""
    return not _checker(schema.type, schema.enum).repair({"value": value}).problems


@cache
def _checker(types: tuple[str, ...], enum: tuple[str, ...]) -> Checker:
    field: dict[str, JSON] = {"type": [*types], **({"enum": [*enum]} if enum else {})}
    return Checker({"type": "object", "properties": {"value": field}})


def _judge_fitting(bit: int, value: Ref | Shape, facts: Facts, schema: FieldSchema) -> tuple[bool, bool, bool]:
    if bit & (EMPTY | TEXT) and schema.enum:
        texts = texts_of(value, facts) if bit == TEXT else frozenset({""})
        if texts is None:
            return True, False, True
        return bool(texts & set(schema.enum)), False, bool(texts - set(schema.enum))
    free = isinstance(value, Ref) or value.open
    if bit == OBJECT and schema.properties and free:
        return True, False, True
    unlisted = isinstance(value, Ref) or (value.items is None and value.item is None)
    return True, False, bit == LIST and schema.items is not None and unlisted


def _judge_list(value: Ref | Shape, facts: Facts, schema: FieldSchema) -> tuple[bool, bool, bool]:
    """A list of one counts as its item, where a type is one that is converted to."""
    if schema.type == ("object",):
        return False, False, True
    if isinstance(value, Ref) or value.items is None:
        return False, True, True
    if len(value.items) != 1:
        return False, False, True
    return False, *_judge_only(value.items[0], facts, schema)


def _judge_only(item: Value, facts: Facts, schema: FieldSchema) -> tuple[bool, bool]:
    """Say whether the one item of a list may pass, and may fail; null becomes an empty text, 0 or false.

    The empty text is no choice of any field.
    """
    passes = fails = False
    for known, inner in flat(item, facts):
        for bit in BITS:
            if kinds_of(inner, known) & bit:
                if bit & (ABSENT | LIST):
                    can, cannot = bool(bit & ABSENT) and not schema.enum, bool(bit & LIST or schema.enum)
                else:
                    fits, converted, cannot = _judge_kind(bit, inner, known, schema)
                    can = fits or converted
                passes, fails = passes or can, fails or cannot
    return passes, fails


def inner_values(value: Ref | Shape, schema: FieldSchema) -> list[tuple[str, Value, FieldSchema]]:
    """List what a value holds at the places that its schema knows, each with its name below the value's own."""
    if isinstance(value, Ref):
        return []
    found: list[tuple[str, Value, FieldSchema]] = []
    if value.kinds & OBJECT and "object" in schema.type:
        found += [
            (f".{name}", value.inner[name], below) for name, below in schema.properties.items() if name in value.inner
        ]
    if value.kinds & LIST and schema.items is not None:
        items = value.items if value.items is not None else (value.item,) if value.item is not None else ()
        found += [("[]", item, schema.items) for item in items]
    return found


def is_refused(verdict: Verdict) -> bool:
    """Say whether a value, whenever there is one, does not pass."""
    present = (verdict.taken | verdict.converted | verdict.refused) & PRESENT
    return bool(present) and not verdict.taken | verdict.converted
