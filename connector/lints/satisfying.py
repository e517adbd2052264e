"""Whether any event can make a trigger hold, decided over all answers that its clauses can have together.

In: trees of triggers. Out: for each type of event, whether some event of it can make a condition true. It is never
wrong when it says that none can; where the search grows too long it raises Spent, and nothing is to be said.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, cast

import msgspec

from connector.event_model import event_model
from connector.language.triggers import And, Clause, Constant, Member, Not, Or, Trigger, clauses, operands
from connector.lints.worlds import Answers, Key, Kind, Known, possible_answers, variable_of
from connector.values import JSON, MISSING, Value

TYPES: Final = tuple(sorted(event_model().types))
FIELD_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    name: place.events for name, place in event_model().root.inner.items() if place.events and place.is_text
}
"""The types of events that have a text, by Segment's specification; other texts of the root are in all of them."""

_FILLED: Final = frozenset((keys[0], kind) for kinds, keys in event_model().needs for kind in kinds)
# Events that have anything else there are not taken in; other texts of the schema are looked at by nobody.
_TEXTS: Final = frozenset({"userId", "anonymousId", "messageId", "name"})
_MOST_ANSWERS: Final = 2_000  # of one operand's clauses
_MOST_WORK: Final = 400_000  # clauses looked at, over all questions about a world

_TWO_FIELDS: Final = "two fields"  # no function has this name

Truth: TypeAlias = bool | None
"""True, false, or not decided yet."""

Condition: TypeAlias = Callable[["Assigned"], Truth]
Assigned: TypeAlias = dict[int, bool]
"""What clauses say, by `id(clause)`."""


class Spent(Exception):  # noqa: N818 - no error: the way out of a search, caught by who asked
    """The search has grown too long for an answer."""


class _Variable(msgspec.Struct, frozen=True):
    """An operand with the clauses that look at it, and what they can say together for each type, with a value."""

    key: Key
    clauses: tuple[Clause, ...]
    answers: Mapping[str, tuple[tuple[Answers, Value], ...]]


class World:
    """All events, as far as some trees can tell them apart. `loose`: any type of event may have any field."""

    def __init__(self, *trees: Trigger, loose: bool = False) -> None:
        found: dict[Key, list[Clause]] = {}
        for number, clause in enumerate(clause for tree in trees for clause in clauses(tree)):
            found.setdefault(_variable(clause, number), []).append(clause)
        self._loose = loose
        self._variables = [self._make(key, group) for key, group in found.items()]
        self._work = 0
        self._cost = 1 + sum(len(group) for group in found.values())

    def types(self, condition: Condition) -> Iterator[str]:
        """Give the types of the events that can make a condition true. Raises Spent."""
        for kind in TYPES:
            if self._search(condition, kind, {}, 0) is not None:
                yield kind

    def example(self, condition: Condition) -> dict[str, JSON] | None:
        """Give an event that most likely makes a condition true, None where none can. Raises Spent."""
        for kind in TYPES:
            found = self._search(condition, kind, {}, 0)
            if found is not None:
                event: dict[str, Value] = {"type": kind}
                for variable, value in zip(self._variables, reversed(found), strict=False):
                    _put(event, variable.key, value)
                return cast(dict[str, JSON], event)
        return None

    def allows(self, condition: Condition) -> bool:
        """Say whether an event can make a condition true. Raises Spent."""
        return next(self.types(condition), None) is not None

    def _make(self, key: Key, group: Sequence[Clause]) -> _Variable:
        if key[0] == _TWO_FIELDS:
            return _Variable(key, tuple(group), dict.fromkeys(TYPES, (((True,), MISSING), ((False,), MISSING))))
        name = key[key.index("") + 1 :]
        kinds = {kind: _kind(name, kind, loose=self._loose) for kind in TYPES}
        answers = {kind: self._answers(key, group, kind) for kind in frozenset(kinds.values())}
        return _Variable(key, tuple(group), {kind: answers[kinds[kind]] for kind in TYPES})

    def _answers(self, key: Key, group: Sequence[Clause], kind: Kind) -> tuple[tuple[Answers, Value], ...]:
        found = possible_answers(key, group, kind)
        if found is None or len(found) > _MOST_ANSWERS:
            raise Spent
        return tuple(sorted(found.items(), key=lambda pair: pair[0], reverse=True))

    def _search(self, condition: Condition, kind: str, assigned: Assigned, at: int) -> list[Value] | None:
        """Give the values that make a condition true, the last first; None where none do."""
        self._work += self._cost
        if self._work > _MOST_WORK:
            raise Spent
        truth = condition(assigned)
        if truth is not None or at == len(self._variables):
            return [] if truth is True else None
        variable = self._variables[at]
        for answers, value in variable.answers[kind]:
            said = {id(clause): answer for clause, answer in zip(variable.clauses, answers, strict=True)}
            found = self._search(condition, kind, assigned | said, at + 1)
            if found is not None:
                return [*found, value]
        return None


def _put(event: dict[str, Value], key: Key, value: Value) -> None:
    """Put a value where a field stands; what functions give is left out."""
    if key[0] or value is MISSING or key == ("", "type"):
        return
    *above, last = key[1:]
    for name in above:
        inner = event.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        event = inner
    event[last] = value


def _variable(clause: Clause, number: int) -> Key:
    """Name what a clause looks at; a comparison of two fields looks at something of its own."""
    if isinstance(clause, Member) and not isinstance(clause.item, Constant) and len(list(operands(clause))) > 1:
        return (_TWO_FIELDS, str(number))
    return variable_of(next(operands(clause)))


def _kind(keys: Sequence[str], kind: str, *, loose: bool) -> Kind:
    if tuple(keys) == ("type",):
        return Known(kind)
    if loose or len(keys) != 1:
        return "any"
    name = keys[0]
    if kind not in FIELD_TYPES.get(name, TYPES):
        return Known(MISSING)
    if (name, kind) in _FILLED:
        return "filled"
    return "text" if name in _TEXTS else "any"


def holds(tree: Trigger, assumed: Mapping[int, bool] | None = None) -> Condition:
    """Make the condition that a tree holds; `assumed` says what some of its parts are taken to be, by `id(part)`."""
    given = assumed or {}
    return lambda assigned: _truth(tree, given, assigned)


def fails(tree: Trigger) -> Condition:
    """Make the condition that a tree does not hold."""
    return lambda assigned: _not(_truth(tree, {}, assigned))


def differ(one: Condition, other: Condition) -> Condition:
    """Make the condition that of two conditions only one is true."""

    def differ(assigned: Assigned) -> Truth:
        first, second = one(assigned), other(assigned)
        return None if first is None or second is None else first is not second

    return differ


def both(one: Condition, other: Condition) -> Condition:
    """Make the condition that two conditions are true."""
    return lambda assigned: _all((one(assigned), other(assigned)))


def _truth(tree: Trigger, assumed: Mapping[int, bool], assigned: Assigned) -> Truth:
    known = assumed.get(id(tree))
    if known is not None:
        return known
    match tree:
        case And(parts):
            return _all(_truth(part, assumed, assigned) for part in parts)
        case Or(parts):
            return _not(_all(_not(_truth(part, assumed, assigned)) for part in parts))
        case Not(part):
            return _not(_truth(part, assumed, assigned))
        case _:
            return assigned.get(id(tree))


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _all(truths: Iterator[Truth] | tuple[Truth, ...]) -> Truth:
    decided: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is None:
            decided = None
    return decided
