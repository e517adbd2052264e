"""What may stand at the places of an event, as kinds: what a path gives, read key by key as the runtime walks it.

In: the model of an event. Out: frozen values. Keys that the model does not name are free: they may be anything.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final

import msgspec

from connector.event_model import Known, event_model
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

_KINDS: Final = {
    "string": EMPTY | TEXT,
    "number": ZERO | NUMBER,
    "boolean": BOOLEAN,
    "object": OBJECT,
    "array": LIST,
    "null": NULL,
}


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


@cache
def event_place() -> Place:
    """Give the place of an event itself."""
    return _place(event_model().root)


def _place(known: Known) -> Place:
    inner = {name: _place(place) for name, place in known.inner.items()}
    others = None if known.others is None else _place(known.others)
    return Place(_kinds(known) | (0 if known.required else NOTHING), inner, others)


def _kinds(known: Known) -> int:
    if known.choices:
        return TEXT
    return sum(_KINDS[name] for name in known.types) if known.types else ALL


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
