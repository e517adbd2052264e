"""What a trigger is once it is read: frozen nodes, each with the place in the text where it stands.

Compiling, explaining, indexing and coverage read the tree. `text[node.start:node.end]` is a node's own spelling.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

import msgspec

from connector.language.paths import Keys

Scalar: TypeAlias = str | int | float | bool | None
Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]


class Constant(msgspec.Struct, frozen=True):
    """A text, number, true, false or null that stands in the trigger."""

    value: Scalar
    start: int
    end: int


class Choices(msgspec.Struct, frozen=True):
    """A list that stands in the trigger: `["a", "b"]`."""

    items: tuple[Constant, ...]
    start: int
    end: int


class Field(msgspec.Struct, frozen=True):
    """A field of the event; `keys` lead to it from the event's root."""

    keys: Keys
    start: int
    end: int


class Call(msgspec.Struct, frozen=True):
    """A function of an operand: `lowercase(event)`. `name` is a key of FUNCTIONS."""

    name: str
    argument: "Operand"
    start: int
    end: int


Operand: TypeAlias = Field | Call


class Compare(msgspec.Struct, frozen=True):
    """`operand operator value`."""

    operand: Operand
    operator: Operator
    value: Constant | Choices
    start: int
    end: int


class Contains(msgspec.Struct, frozen=True):
    """`contains(operand, "text")`, or with `!` directly before it: `negated`."""

    operand: Operand
    part: Constant
    negated: bool
    start: int
    end: int


class Match(msgspec.Struct, frozen=True):
    """`match(operand, "pattern")`, or with `!` directly before it: `negated`."""

    operand: Operand
    pattern: Constant
    negated: bool
    start: int
    end: int


class Member(msgspec.Struct, frozen=True):
    """`operand in ["a", "b"]`, or `"a" in properties.list`."""

    item: Operand | Constant
    choices: Choices | Operand
    start: int
    end: int


class Not(msgspec.Struct, frozen=True):
    """`!( … )`: true where the part is not, so also where the field is missing."""

    part: "Trigger"
    start: int
    end: int


class And(msgspec.Struct, frozen=True):
    """All parts hold; read from left to right until one does not."""

    parts: tuple["Trigger", ...]
    start: int
    end: int


class Or(msgspec.Struct, frozen=True):
    """One part holds; read from left to right until one does."""

    parts: tuple["Trigger", ...]
    start: int
    end: int


Clause: TypeAlias = Compare | Contains | Match | Member
Trigger: TypeAlias = Clause | Not | And | Or


def clauses(tree: Trigger) -> Iterator[Clause]:
    """List a trigger's clauses, the parts that look at a value, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from clauses(part)
        case Not(part):
            yield from clauses(part)
        case _:
            yield tree


def operands(clause: Clause) -> Iterator[Operand]:
    """List what a clause reads from the event: one operand, or two for `field in field`."""
    if isinstance(clause, Member):
        yield from (side for side in (clause.item, clause.choices) if isinstance(side, Field | Call))
    else:
        yield clause.operand


def field_of(operand: Operand) -> Field:
    """Go through an operand's functions to the field that they are applied to."""
    while isinstance(operand, Call):
        operand = operand.argument
    return operand
