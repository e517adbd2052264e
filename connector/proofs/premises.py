"""What a trigger proves of the events that it lets through: one or several Facts, of which one holds for each event.

In: the tree of a trigger. Out: its cases, at most `MOST`; what cannot be said exactly is left open, never guessed.
"""

from typing import Final, cast

from connector.language.paths import Keys
from connector.language.triggers import (
    And,
    Choices,
    Clause,
    Compare,
    Constant,
    Contains,
    Field,
    Holds,
    Match,
    Member,
    Not,
    Or,
    Trigger,
    compile_trigger,
    field_of,
    operands,
)
from connector.language.triggers.tree import Call, Operand
from connector.proofs.facts import Facts, first_facts, joined, with_needs
from connector.proofs.kinds import BITS, LIST, NOTHING, NUMBER, OBJECT, ONE_VALUE, SAMPLES, TEXT
from connector.values import JSON

MOST: Final = 8
_BY_KIND: Final = {  # kinds beyond those of one value for which a function gives one and the same
    "typeof": TEXT | NUMBER | LIST | OBJECT,
    "bool": NUMBER,
    "length": NUMBER | OBJECT,
    "number": LIST | OBJECT,
    "string": 0,
    "lowercase": NUMBER | LIST | OBJECT,
    "uppercase": NUMBER | LIST | OBJECT,
    "snakecase": NUMBER | LIST | OBJECT,
    "kebabcase": NUMBER | LIST | OBJECT,
    "titlecase": NUMBER | LIST | OBJECT,
}


def premises(trigger: Trigger) -> list[Facts]:
    """Give the cases in which a trigger holds; none when it never does."""
    return [known for facts in _after(trigger, True, [first_facts()]) if (known := with_needs(facts)) is not None]


def _after(tree: Trigger, holds: bool, cases: list[Facts]) -> list[Facts]:
    """Give the cases in which a part of a trigger holds, or does not, of those before it."""
    match tree:
        case Not(part):
            return _after(part, not holds, cases)
        case And(parts) | Or(parts):
            if isinstance(tree, And) == holds:
                for part in parts:
                    cases = _after(part, holds, cases)
                return cases
            return _few([case for part in parts for case in _after(part, holds, cases)])
        case _:
            return [case for facts in cases if (case := _after_clause(tree, holds, facts)) is not None]


def _few(cases: list[Facts]) -> list[Facts]:
    """Make one of cases that differ in texts alone, and of all when they are too many."""
    found: list[Facts] = []
    for case in cases:
        alike = next((at for at, other in enumerate(found) if _is_alike(case, other)), None)
        if alike is None:
            found.append(case)
        else:
            found[alike] = joined(found[alike], case)
    while len(found) > MOST:
        found[-2:] = [joined(found[-2], found[-1])]
    return found


def _is_alike(one: Facts, other: Facts) -> bool:
    return one.kinds == other.kinds and one.texts.keys() == other.texts.keys()


def _after_clause(clause: Clause, holds: bool, facts: Facts) -> Facts | None:
    if isinstance(clause, Member) and isinstance(clause.choices, Field | Call):
        if not holds or not isinstance(clause.choices, Field):
            return facts
        return facts.where(clause.choices.keys, LIST, stated=False)
    (operand,) = operands(clause)
    keys, test = field_of(operand).keys, compile_trigger(clause)
    kinds = sum(bit for bit in BITS if facts.at(keys) & bit and _may_be(clause, operand, test, bit, holds))
    texts = facts.texts.get(keys)
    if texts is not None:
        texts = frozenset(text for text in texts if test(_event(keys, text)) is holds)
    elif isinstance(operand, Field):
        texts = _named_texts(clause, holds)
    known = facts if texts is None else facts.only_texts(keys, texts)
    return known.where(keys, kinds if texts is None or texts else kinds & ~TEXT, stated=False)


def _may_be(clause: Clause, operand: Operand, test: Holds, bit: int, holds: bool) -> bool:
    """Say whether for a value of one kind a clause may hold, or may not hold."""
    same = ONE_VALUE
    if isinstance(operand, Call):
        same |= _BY_KIND[operand.name] if isinstance(operand.argument, Field) else 0
    else:
        same |= _alike_in(clause)
    return not bit & same or test(_event(field_of(operand).keys, SAMPLES[bit])) is holds


def _alike_in(clause: Clause) -> int:
    """Give the kinds for which a clause on a field itself holds, or does not, whatever the value is."""
    every = TEXT | NUMBER | LIST | OBJECT
    match clause:
        case Contains() | Match():
            return every & ~TEXT
        case Compare(_, _, Choices()):
            return every & ~LIST
        case Compare(_, _, Constant(str())):
            return every & ~TEXT
        case Compare(_, _, Constant(bool() | None)):
            return every
        case Compare():
            return every & ~NUMBER
        case _:
            return LIST | OBJECT


def _named_texts(clause: Clause, holds: bool) -> frozenset[str] | None:
    """Give the only texts, but the empty one, that a field can have after a clause; None where it may be any."""
    match clause:
        case Compare(_, "=", Constant(str(text))) if holds:
            return frozenset({text} - {""})
        case Compare(_, "!=", Constant(str(text))) if not holds:
            return frozenset({text} - {""})
        case Member(_, Choices(items)) if holds:
            return frozenset(item.value for item in items if isinstance(item.value, str) and item.value)
        case _:
            return None


def _event(keys: Keys, value: object) -> dict[str, JSON]:
    """Make an event that has a value at a path; missing is not there at all."""
    if value is SAMPLES[NOTHING]:
        return {}
    for key in reversed(keys):
        value = {key: value}
    return cast(dict[str, JSON], value)
