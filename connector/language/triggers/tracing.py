"""A trigger at work on one event: what each part of it saw, and whether it held.

In: a tree, then an event's data. Out: a tree of the same shape. A clause is decided by the very closure that routes
events; here it is asked even where the parts before it have decided already, and that is told.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from connector.language.triggers.closures import compile_operand, compile_trigger
from connector.language.triggers.tree import And, Not, Or, Trigger, operands
from connector.values import JSON, Value


class Seen(msgspec.Struct, frozen=True):
    """What a part of a trigger saw and said.

    `values` are what a clause's operands gave, in the order of `operands(clause)`, MISSING where there is nothing;
    `parts` are those of `and`, `or` and `!`. `reached` is false where the parts before had decided already.
    """

    node: Trigger
    holds: bool
    values: tuple[Value, ...] = ()
    parts: tuple["Seen", ...] = ()
    reached: bool = True

    def __repr__(self) -> str:
        return f"Seen({self.node!r}, {self.holds})"  # the values are a person's


_Look: TypeAlias = Callable[[dict[str, JSON], bool], Seen]


def compile_trigger_trace(tree: Trigger) -> Callable[[dict[str, JSON]], Seen]:
    """Compile a trigger into a function from an event's data to what every part of it saw."""
    look = _compile(tree)
    return lambda event: look(event, True)


def _compile(tree: Trigger) -> _Look:
    match tree:
        case And(parts):
            return _joined(tree, [_compile(part) for part in parts], deciding=False)
        case Or(parts):
            return _joined(tree, [_compile(part) for part in parts], deciding=True)
        case Not(part):
            look = _compile(part)

            def look_not(event: dict[str, JSON], reached: bool) -> Seen:
                inner = look(event, reached)
                return Seen(tree, not inner.holds, parts=(inner,), reached=reached)

            return look_not
        case _:
            holds, reads = compile_trigger(tree), [compile_operand(operand) for operand in operands(tree)]
            return lambda event, reached: Seen(
                tree, holds(event), tuple(read(event) for read in reads), reached=reached
            )


def _joined(tree: Trigger, looks: Sequence[_Look], *, deciding: bool) -> _Look:
    """Read parts from left to right; the first that gives `deciding` decides for all."""

    def look(event: dict[str, JSON], reached: bool) -> Seen:
        parts: list[Seen] = []
        open = True
        for part in looks:
            seen = part(event, reached and open)
            parts.append(seen)
            open = open and seen.holds is not deciding
        return Seen(tree, not deciding if open else deciding, parts=tuple(parts), reached=reached)

    return look
