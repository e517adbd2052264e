"""Which part of an edited trigger decides that an event is taken now, or no longer.

In: two trees of triggers and an event that one of them takes. Out: the innermost parts that differ and decide.
"""

from typing import TypeAlias

from connector.comparison.trees import shape
from connector.language.triggers import And, Not, Or, Trigger, compile_trigger
from connector.values import JSON

Decided: TypeAlias = tuple[Trigger | None, Trigger | None]
"""The deciding part of the old and of the new trigger; None where there is none on that side."""


class Decider:
    """Compares two triggers; `decide` takes an event that just one of them holds for."""

    def __init__(self, old: Trigger, new: Trigger) -> None:
        self._old, self._new = old, new
        self._compiled = {id(part): compile_trigger(part) for tree in (old, new) for part in _all_parts(tree)}

    def decide(self, event: dict[str, JSON]) -> Decided:
        """Find the parts that decide. Both are the whole triggers where nothing smaller can be told."""
        return self._between(self._old, self._new, event)

    def _holds(self, part: Trigger, event: dict[str, JSON]) -> bool:
        return self._compiled[id(part)](event)

    def _between(self, old: Trigger, new: Trigger, event: dict[str, JSON]) -> Decided:
        if isinstance(old, Not) and isinstance(new, Not):
            return self._between(old.part, new.part, event)
        kind = And if isinstance(old, And) or isinstance(new, And) else Or
        before, after = _parts(old, kind), _parts(new, kind)
        if len(before) == len(after) == 1 and before[0] is old and after[0] is new:
            return old, new
        lost, added = _without(before, after), _without(after, before)
        if len(lost) == len(added) == 1 and self._holds(lost[0], event) != self._holds(added[0], event):
            return self._between(lost[0], added[0], event)
        return self._among(lost, added, kind is Or, event) or (old, new)

    def _among(
        self, lost: list[Trigger], added: list[Trigger], decisive: bool, event: dict[str, JSON]
    ) -> Decided | None:
        """Take the first part that decides alone, as a false one of `and` and a true one of `or` do."""
        old = next((part for part in lost if self._holds(part, event) is decisive), None)
        new = next((part for part in added if self._holds(part, event) is decisive), None)
        return None if old is None and new is None else (old, new)


def _parts(tree: Trigger, kind: type[And | Or]) -> list[Trigger]:
    return list(tree.parts) if isinstance(tree, kind) else [tree]


def _without(parts: list[Trigger], others: list[Trigger]) -> list[Trigger]:
    shapes = [shape(part) for part in others]
    return [part for part in parts if shape(part) not in shapes]


def _all_parts(tree: Trigger) -> list[Trigger]:
    match tree:
        case And(parts) | Or(parts):
            return [tree, *(inner for part in parts for inner in _all_parts(part))]
        case Not(part):
            return [tree, *_all_parts(part)]
        case _:
            return [tree]
