"""What an event may hold: the event schema as a tree, and what each type of event has and must have.

In: `schemas/event.schema.json`, the one definition of an event. Out: frozen values. Keys that the schema does not name
are free: they may be anything.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final, cast

import msgspec

from connector.language.paths import Keys
from connector.schemas import load_schema
from connector.values import JSON

_EVENTS: Final = "x-event-types"  # JSON Schema has no word for: only these events have it

_Object = dict[str, JSON]


class Known(msgspec.Struct, frozen=True):
    """A place of an event: its JSON types (`string`; none: any of them), and the places in it if it is an object.

    `choices` are the only texts that it may be, none for any.
    `required`: it is in every event. `others` is what stands at keys that are not named; None: anything. `events` are
    the types of events that have it by Segment's specification; none: all.
    """

    types: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    inner: "dict[str, Known]" = {}
    others: "Known | None" = None
    required: bool = False
    events: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Say whether it holds a text or nothing."""
        return bool(self.types) and set(self.types) <= {"string", "null"}


class EventModel(msgspec.Struct, frozen=True):
    """Events: their places, their types, and what stands in every event of some types.

    `needs` are pairs of types and the path of a text that is not empty there; of each pair in `either` one is.
    """

    root: Known
    types: frozenset[str]
    needs: tuple[tuple[frozenset[str], Keys], ...]
    either: tuple[tuple[Keys, Keys], ...]

    def at(self, keys: Iterable[str]) -> Known | None:
        """Give the place at a path, None where the schema names none."""
        place: Known | None = self.root
        for key in keys:
            place = None if place is None else place.inner.get(key)
        return place


@cache
def event_model() -> EventModel:
    """Read the event schema, once in a process."""
    schema = load_schema("event")
    definitions = cast(_Object, schema["$defs"])
    root = _known(schema, definitions, required=True)
    types = frozenset(root.inner["type"].choices)
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
    return EventModel(root, types, tuple(needs), tuple(either))


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


def _known(schema: _Object, definitions: _Object, *, required: bool = False) -> Known:
    schema = _resolved(schema, definitions)
    needed = _needed(schema)
    inner = {
        name: _known(cast(_Object, field), definitions, required=name in needed)
        for name, field in cast(_Object, schema.get("properties", {})).items()
    }
    others = schema.get("additionalProperties")
    return Known(
        _json_types(schema),
        tuple(cast(list[str], schema.get("enum", []))),
        inner,
        _known(others, definitions) if isinstance(others, dict) else None,
        required,
        tuple(cast(list[str], schema.get(_EVENTS, []))),
    )


def _json_types(schema: _Object) -> tuple[str, ...]:
    given = "string" if "enum" in schema else schema.get("type", [])
    return tuple(cast(list[str], given if isinstance(given, list) else [given]))
