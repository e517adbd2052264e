"""What a part of a mapping can give: a value of the event, a value of a known make, or one of several by condition.

A Ref keeps its link to the event, so that what is learned of the path later is learned of the value too.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from connector.errors import Path
from connector.language.paths import Keys
from connector.proofs.facts import Facts
from connector.proofs.kinds import ALL, EMPTY, FALSE, LIST, NOTHING, NULL, NUMBER, OBJECT, TEXT, TRUE, ZERO, kind_of
from connector.values import JSON


class Ref(msgspec.Struct, frozen=True):
    """The event's value at a path; no keys: the event."""

    keys: Keys


class Shape(msgspec.Struct, frozen=True, eq=False):
    """A value that the mapping makes. `texts` are the only texts that it can be, None for any; so is `number`.

    Of an object: `inner` by key, and whether other keys may be there (`open`). Of a list: `items` in order, or `item`,
    which each of them is. A `vague` one may have fewer kinds than it says.
    """

    kinds: int
    texts: frozenset[str] | None = None
    number: int | float | None = None
    inner: "dict[str, Value]" = {}
    open: bool = False
    items: "tuple[Value, ...] | None" = None
    item: "Value | None" = None
    vague: bool = False


class Case(msgspec.Struct, frozen=True, eq=False):
    """What is given where these facts hold; `path` leads to the node that gives it."""

    facts: Facts
    value: "Ref | Shape"
    path: Path


class Choice(msgspec.Struct, frozen=True, eq=False):
    """The value of the case that holds: one always does."""

    cases: tuple[Case, ...]


Value: TypeAlias = Ref | Shape | Choice
Found: TypeAlias = tuple[Facts, Ref | Shape]

GONE = Shape(NOTHING)
UNKNOWN = Shape(ALL, open=True, vague=True)


def constant(value: JSON) -> Shape:
    """Give the shape of a value that is written in the mapping."""
    match value:
        case str() if value:
            return Shape(TEXT, frozenset({value}))
        case int() | float() if not isinstance(value, bool):
            return Shape(kind_of(value), number=value)
        case dict():
            return Shape(OBJECT, inner={key: constant(item) for key, item in value.items()})
        case list():
            return Shape(LIST, items=tuple(map(constant, value)))
        case _:
            return Shape(kind_of(value))


def kinds_of(value: Ref | Shape, facts: Facts) -> int:
    """Give the kinds that a value can have."""
    return facts.at(value.keys) if isinstance(value, Ref) else value.kinds


def texts_of(value: Ref | Shape, facts: Facts) -> frozenset[str] | None:
    """Give the only texts that a value can be, None where it can be any."""
    return facts.texts.get(value.keys) if isinstance(value, Ref) else value.texts


def only(found: Found, kinds: int) -> Iterator[Found]:
    """Give a value as far as it has one of these kinds: once, or not at all."""
    facts, value = found
    if isinstance(value, Ref):
        left = facts.where(value.keys, kinds)
        if left is not None:
            yield left, value
    elif value.kinds & kinds:
        yield facts, value if value.kinds & kinds == value.kinds else replace(value, kinds=value.kinds & kinds)


def flat(value: Value, facts: Facts) -> Iterator[Found]:
    """Give what a value is in each of its cases that can be."""
    if not isinstance(value, Choice):
        yield facts, value
        return
    for case in value.cases:
        both = facts.under(case.facts)
        if both is not None:
            yield both, case.value


def read(value: Value, keys: Keys, facts: Facts) -> Iterator[Found]:
    """Read a path from a value, as the runtime walks it."""
    for known, inner in flat(value, facts):
        if isinstance(inner, Ref):
            yield known, Ref(inner.keys + keys)
        elif not keys:
            yield known, inner
        else:
            yield from _read_shape(inner, keys, known)


def _read_shape(shape: Shape, keys: Keys, facts: Facts) -> Iterator[Found]:
    if shape is UNKNOWN:
        yield facts, shape
        return
    first, rest = keys[0], keys[1:]
    if shape.kinds & OBJECT:
        if first in shape.inner:
            yield from read(shape.inner[first], rest, facts)
        if shape.open or first not in shape.inner:
            yield from read(UNKNOWN if shape.open else GONE, rest, facts)
    if shape.kinds & LIST:
        yield from read(_item(shape, first), rest, facts)
    falsy = shape.kinds & (NOTHING | NULL | EMPTY | FALSE | ZERO)
    if falsy:
        yield facts, Shape(falsy, vague=shape.vague)
    if shape.kinds & (TEXT | TRUE | NUMBER):
        yield facts, Shape(NOTHING | NUMBER | TEXT, vague=True)


def _item(shape: Shape, key: str) -> Value:
    if shape.items is not None and key.isdecimal():
        return shape.items[int(key)] if len(key) < 10 and int(key) < len(shape.items) else GONE
    return UNKNOWN if key.isdecimal() else Shape(NUMBER | ZERO, vague=True) if key == "length" else GONE
