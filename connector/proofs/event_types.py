"""What an event may hold: the event schema as a tree of kinds, and what each type of event must have.

In: `schemas/event.schema.json`. Out: frozen values. Keys that the schema does not name are free: they may be anything.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final, cast

import msgspec

from connector.language.paths import Keys
from connector.proofs.kinds import (
    ALL,
    BOOLEAN,
    EMPTY,
    FALSE,
    LIST,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    TRUE,
    ZERO,
)
from connector.schemas import load_schema
from connector.values import JSON

_KINDS: Final = {
    "string": EMPTY | TEXT,
    "number": ZERO | NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "array": LIST,
    "null": NULL,
}
_Object = dict[str, JSON]


class Place(msgspec.Struct, frozen=True):
    """What may stand at a place of an event: its kinds, and the places in it if it is an object.

    `others` is what stands at keys that are not named; None: anything.
    """

    kinds: int = ALL
    inner: "dict[str, Place]" = {}
    others: "Place | None" = None

    def child(self, key: str) -> "Place":
        """Give the place under a key of the object."""
        return self.inner.get(key) or self.others or ANYTHING


ANYTHING: Final = Place()


class Model(msgspec.Struct, frozen=True):
    """Events: their places, their types, and what stands in every event of some types.

    `needs` are pairs of types and the path of a text that is not empty there; of each pair in `either` one is.
    """

    root: Place
    types: frozenset[str]
    needs: tuple[tuple[frozenset[str], Keys], ...]
    either: tuple[tuple[Keys, Keys], ...]


@cache
def event_model() -> Model:
    """Read the event schema, once in a process."""
    schema = load_schema("event")
    definitions = cast(_Object, schema["$defs"])
    root = _place(schema, definitions, required=True)
    types = frozenset(cast(list[str], cast(_Object, cast(_Object, schema["properties"])["type"])["enum"]))
    needs: list[tuple[frozenset[str], Keys]] = []
    either: list[tuple[Keys, Keys]] = []
    for rule in cast(list[_Object], schema["allOf"]):
        chosen = _types_of(cast(_Object, rule["if"]))
        for branch, of in (("then", chosen), ("else", types - chosen)):
            given = _resolved(cast(_Object, rule.get(branch, {})), definitions)
            needs += [(of, (name,)) for name in _needed(given)]
            ways = cast(list[_Object], given.get("anyOf", []))
            options = [_needed(_resolved(way, definitions)) for way in ways]
            if len(options) == 2:
                either.append(((options[0][0],), (options[1][0],)))
    return Model(root, types, tuple(needs), tuple(either))


def _types_of(condition: _Object) -> frozenset[str]:
    kind = cast(_Object, cast(_Object, condition["properties"])["type"])
    return frozenset(cast(list[str], kind.get("enum", [kind.get("const")])))


def _needed(schema: _Object) -> list[str]:
    return cast(list[str], schema.get("required", []))


def _resolved(schema: _Object, definitions: _Object) -> _Object:
    named = schema.get("$ref")
    if not isinstance(named, str):
        return schema
    return {**cast(_Object, definitions[named.removeprefix("#/$defs/")]), **schema}


def _place(schema: _Object, definitions: _Object, *, required: bool = False) -> Place:
    schema = _resolved(schema, definitions)
    kinds = _kinds(schema) | (0 if required else NOTHING)
    needed = _needed(schema)
    inner = {
        name: _place(cast(_Object, field), definitions, required=name in needed)
        for name, field in cast(_Object, schema.get("properties", {})).items()
    }
    others = schema.get("additionalProperties")
    return Place(kinds, inner, _place(others, definitions) if isinstance(others, dict) else None)


def _kinds(schema: _Object) -> int:
    if "enum" in schema:
        return TEXT
    given = schema["type"]
    return sum(_KINDS[str(name)] for name in (given if isinstance(given, list) else [given]))


def step(kinds: int, place: Place, key: str) -> tuple[int, Place]:
    """Read a key from values of these kinds, as the runtime walks a path: what is falsy on the way is the answer."""
    found = kinds & (NOTHING | NULL | EMPTY | FALSE | ZERO)
    below = ANYTHING
    if kinds & OBJECT:
        below = place.child(key)
        found |= below.kinds
    if kinds & (TRUE | NUMBER):
        found |= NOTHING
    if kinds & TEXT:
        found |= NUMBER if key == "length" else TEXT | NOTHING if key.isdecimal() else NOTHING
    if kinds & LIST:
        found |= NUMBER | ZERO if key == "length" else ALL if key.isdecimal() else NOTHING
        below = ANYTHING if key.isdecimal() else below
    return found, below


def walk_kinds(kinds: int, place: Place, keys: Iterable[str]) -> int:
    """Read keys one after the other from values of these kinds."""
    for key in keys:
        kinds, place = step(kinds, place, key)
    return kinds
