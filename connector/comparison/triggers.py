"""Which parts of an edited trigger decide that an event is taken now, or no longer.

In: two trees of triggers, and events that one of them takes. Out: Changes, the smallest parts that were edited. One
decides when without it the event would fare otherwise; where none does alone, those that are enough alone decide.
"""

from collections.abc import Collection, Iterator
from typing import Final, TypeAlias

import msgspec

from connector.comparison.trees import shape
from connector.language.triggers import And, Not, Or, Trigger, clauses, compile_trigger, field_of, operands
from connector.values import JSON


class Change(msgspec.Struct, frozen=True, eq=False):
    """A part of a trigger that was edited; `old` is None where it was added, `new` where it was taken out."""

    old: Trigger | None
    new: Trigger | None


class _Joined(msgspec.Struct, frozen=True, eq=False):
    """Parts of which all must hold, or one; those that were added or taken out are among them."""

    all: bool
    parts: tuple["_Mixed", ...]


class _Negated(msgspec.Struct, frozen=True, eq=False):
    part: "_Mixed"


_Mixed: TypeAlias = Change | _Joined | _Negated | Trigger
"""Both triggers in one tree: what is a Trigger in it is the same in both."""
_Known: TypeAlias = dict[tuple[int, int], _Mixed]
_Seen: TypeAlias = dict[int, bool]
"""Which parts hold for an event, by their ids."""


class Decider:
    """Compares two triggers; `changes` are all that was edited."""

    def __init__(self, old: Trigger, new: Trigger) -> None:
        self._mixed = _mix(old, new, {})
        self.changes: Final = tuple(_changes(self._mixed))
        self._compiled = {id(part): compile_trigger(part) for part in _parts_of(self._mixed)}
        self._decided: dict[tuple[bool, ...], tuple[Change, ...]] = {}

    def decide(self, event: dict[str, JSON]) -> tuple[Change, ...]:
        """Find the edits that decide on an event that just one of the triggers holds for."""
        if len(self.changes) <= 1:
            return self.changes
        seen = {number: holds(event) for number, holds in self._compiled.items()}
        key = tuple(seen.values())
        if key not in self._decided:
            self._decided[key] = tuple(self._decisive(seen))
        return self._decided[key]

    def _decisive(self, seen: _Seen) -> Collection[Change]:
        everything = set(self.changes)
        old, new = _holds(self._mixed, seen, everything), _holds(self._mixed, seen, ())
        needed = [one for one in self.changes if _holds(self._mixed, seen, {one}) != new]
        enough = needed or [one for one in self.changes if _holds(self._mixed, seen, everything - {one}) != old]
        return enough or [one for one in self.changes if _side(one.old, seen) != _side(one.new, seen)]


def _holds(mixed: _Mixed, seen: _Seen, undone: Collection[Change]) -> bool | None:
    """Say whether the new trigger holds with some edits undone; None for a part that is not there then."""
    match mixed:
        case Change(old, new):
            return _side(old if mixed in undone else new, seen)
        case _Joined(is_all, parts):
            found = [holds for part in parts if (holds := _holds(part, seen, undone)) is not None]
            return all(found) if is_all else any(found)
        case _Negated(part):
            return not _holds(part, seen, undone)
        case _:
            return seen[id(mixed)]


def _side(part: Trigger | None, seen: _Seen) -> bool | None:
    return None if part is None else seen[id(part)]


def _changes(mixed: _Mixed) -> Iterator[Change]:
    match mixed:
        case Change():
            yield mixed
        case _Joined(_, parts):
            for part in parts:
                yield from _changes(part)
        case _Negated(part):
            yield from _changes(part)
        case _:
            pass


def _parts_of(mixed: _Mixed) -> Iterator[Trigger]:
    """List the parts that are looked at whole: those that are the same in both triggers, and both sides of changes."""
    match mixed:
        case Change(old, new):
            yield from (part for part in (old, new) if part is not None)
        case _Joined(_, parts):
            for part in parts:
                yield from _parts_of(part)
        case _Negated(part):
            yield from _parts_of(part)
        case _:
            yield mixed


# ------------------------------------------------------------------------------------------------- two trees in one


def _mix(old: Trigger, new: Trigger, known: _Known) -> _Mixed:
    """Put two triggers into one tree in which as few clauses as can be are changed."""
    key = id(old), id(new)
    if key not in known:
        known[key] = new if shape(old) == shape(new) else min(_ways(old, new, known), key=_cost)
    return known[key]


def _ways(old: Trigger, new: Trigger, known: _Known) -> Iterator[_Mixed]:
    if isinstance(old, Not) and isinstance(new, Not):
        yield _Negated(_mix(old.part, new.part, known))
        return
    for kind in (And, Or):
        if isinstance(old, kind) or isinstance(new, kind):
            before, after = _parts(old, kind), _parts(new, kind)
            if pairs := _pair(before, after):
                mixed = (_mix(one, other, known) for one, other in pairs)
                lost, added = (Change(part, None) for part in before), (Change(None, part) for part in after)
                yield _Joined(kind is And, (*mixed, *lost, *added))
    yield Change(old, new)


def _parts(tree: Trigger, kind: type[And | Or]) -> list[Trigger]:
    return list(tree.parts) if isinstance(tree, kind) else [tree]


def _pair(before: list[Trigger], after: list[Trigger]) -> list[tuple[Trigger, Trigger]]:
    """Take parts out of both lists that are meant to be one: equal ones, then those that read the same fields."""
    pairs = []
    for key in (shape, _make, _reads):
        waiting: dict[object, list[Trigger]] = {}
        for part in reversed(after):
            waiting.setdefault(key(part), []).append(part)
        pairs += [(old, found.pop()) for old in before if (found := waiting.get(key(old)))]
        _take_out(pairs, before, after)
    others = {id(part): _reads(part) for part in after}
    for old in before:
        reads = _reads(old)
        new = next((part for part in after if id(part) in others and not reads.isdisjoint(others[id(part)])), None)
        if new is not None:
            del others[id(new)]
            pairs.append((old, new))
    _take_out(pairs, before, after)
    return pairs


def _take_out(pairs: list[tuple[Trigger, Trigger]], before: list[Trigger], after: list[Trigger]) -> None:
    taken = {id(part) for pair in pairs for part in pair}
    before[:] = [part for part in before if id(part) not in taken]
    after[:] = [part for part in after if id(part) not in taken]


def _make(tree: Trigger) -> object:
    return _reads(tree), type(tree), getattr(tree, "operator", None), getattr(tree, "negated", None)


def _reads(tree: Trigger) -> frozenset[tuple[object, ...]]:
    return frozenset(field_of(operand).keys for clause in clauses(tree) for operand in operands(clause))


def _cost(mixed: _Mixed) -> int:
    """Count the clauses that were changed."""
    return sum(
        len(tuple(clauses(part))) for change in _changes(mixed) for part in (change.old, change.new) if part is not None
    )
