"""Triggers, and parts of triggers, that hold never, always, or without any effect.

In: a mapping. Out: warnings at the smallest part that is to blame. What is said holds for every event that Segment's
specification allows; where it would take too long to tell, nothing is said.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from connector.errors import Fix, Problem, closest, nearest
from connector.events import EVENT_TYPES
from connector.language.triggers import (
    And,
    Clause,
    Compare,
    Constant,
    Field,
    Member,
    Not,
    Or,
    Trigger,
    clauses,
    field_of,
    operands,
)
from connector.language.triggers.tree import Choices
from connector.lints.satisfying import FIELD_TYPES, Spent, World, differ, fails, holds
from connector.mappings import Mapping
from connector.positions import quoted

_TYPE: Final = ("type",)
_JOINT: Final = re.compile(r"\s+(?:and|or)\s+")  # and no parenthesis


def check_holding(mapping: Mapping) -> Iterator[Problem]:
    """Warn of what of a mapping's trigger never holds, always holds or changes nothing."""
    checker = _Checker(mapping)
    yield from checker.types()
    try:
        yield from checker.parts()
    except Spent:
        return


@lru_cache(maxsize=64)
def taken_types(mapping: Mapping) -> frozenset[str]:
    """Give the types of events that a trigger can let through: at least those."""
    try:
        return frozenset(World(mapping.trigger).types(holds(mapping.trigger)))
    except Spent:
        return mapping.gate.types & EVENT_TYPES if mapping.gate.types is not None else EVENT_TYPES


class _Checker:
    """One trigger; parts of which something was said already are let be."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._part = mapping.draft.parts["trigger"]
        self._text = mapping.trigger_text
        self._told: set[int] = set()

    def _warn(self, code: str, message: str, help: str, at: Trigger | Constant) -> Problem:
        return self._part.problem(code, message, start=at.start, end=at.end, help=help, severity="warning")

    def _source(self, node: Trigger) -> str:
        return quoted(self._text[node.start : node.end])

    def types(self) -> Iterator[Problem]:
        """Warn of types that no event has."""
        name = quoted(self._mapping.name)
        rest = "" if taken_types(self._mapping) else f", so {name} takes no event"
        for clause in clauses(self._mapping.trigger):
            for constant in _type_constants(clause):
                if isinstance(constant.value, str) and constant.value and constant.value not in EVENT_TYPES:
                    self._told.add(id(clause))
                    yield self._unknown_type(constant, constant.value, rest)

    def _unknown_type(self, constant: Constant, name: str, rest: str) -> Problem:
        known = sorted(EVENT_TYPES)
        near = name.lower() if name.lower() in EVENT_TYPES else nearest(name.lower(), known)
        quote = self._text[constant.start]
        fix = self._part.replaced(constant.start, constant.end, f"{quote}{near}{quote}") if near else None
        help = closest(name.lower(), known) or f"the types are {', '.join(known)}"
        message = f"no event has the type {quoted(name)}{rest}"
        return self._part.problem(
            "unknown_type",
            message,
            start=constant.start,
            end=constant.end,
            help=help,
            severity="warning",
            fix=fix and fix.unsafe(),
        )

    def parts(self) -> Iterator[Problem]:
        """Warn of parts that never hold, always hold or change nothing. Raises Spent."""
        tree = self._mapping.trigger
        world = World(tree)
        if not world.allows(holds(tree)):
            yield from self._never(world, tree, whole=True)
        elif not world.allows(fails(tree)):
            yield self._always(tree)
        else:
            yield from self._alone(world, tree)
            yield from self._without_effect(tree)

    def _never(self, world: World, node: Trigger, *, whole: bool) -> Iterator[Problem]:
        """Blame the smallest part: a clause, two clauses that exclude each other, or all of it."""
        if isinstance(node, Or):
            for part in node.parts:
                yield from self._never(world, part, whole=whole)
            return
        if isinstance(node, And):
            dead = next((part for part in node.parts if not world.allows(holds(part))), None)
            if dead is not None:
                yield from self._never(world, dead, whole=whole)
                return
        if id(node) in self._told:
            return
        self._told.add(id(node))
        what = f"the trigger of {quoted(self._mapping.name)}" if whole else "this part"
        one, other = _quarrel(world, node)
        message = f"{what} holds for no event"
        if one is not None and other is not None:
            message += f": {self._source(one)} and {self._source(other)} exclude each other"
            help = self._one_of(one, other) or _fact_about(And((one, other), one.start, other.end))
        else:
            help = _fact_about(node)
        yield self._warn("never_holds", message, help or "correct it, or remove it", other or node)

    def _one_of(self, one: Trigger, other: Trigger) -> str:
        """Say how to ask for either of two values that one field cannot have both."""
        match one, other:
            case Compare(first, "=", Constant()), Compare(second, "=", Constant()):
                field, values = self._text[first.start : first.end], (one.value, other.value)
                if field == self._text[second.start : second.end]:
                    listed = ", ".join(self._text[value.start : value.end] for value in values)
                    return f"it has one value at a time; for events with either write {field} in [{listed}]"
        return ""

    def _always(self, tree: Trigger) -> Problem:
        if isinstance(tree, Compare) and _is_idiom(tree):
            message = f"{quoted(self._mapping.name)} takes every event"
            help = "this is how to write it, when it is meant"
            return self._part.problem("takes_every_event", message, help=help, severity="note")
        message = f"the trigger of {quoted(self._mapping.name)} holds for every event"
        return self._warn("always_holds", message, 'if that is meant, write type != ""', tree)

    def _alone(self, world: World, node: Trigger) -> Iterator[Problem]:
        """Look for parts that by themselves hold never or always."""
        for part in _parts(node):
            if id(part) in self._told:
                continue
            if not world.allows(holds(part)):
                yield from self._never(world, part, whole=False)
                self._told.add(id(part))
            elif not world.allows(fails(part)):
                self._told.add(id(part))
                yield self._warn("always_holds", "this part holds for every event", "correct it, or remove it", part)
            else:
                yield from self._alone(world, part)

    def _without_effect(self, tree: Trigger) -> Iterator[Problem]:
        """Look for parts without which the trigger is the same, whatever fields events may have."""
        world, assumed = World(tree, loose=True), dict[int, bool]()
        waiting: list[Trigger] = [tree]
        while waiting:
            node = waiting.pop()
            for part in reversed(_parts(node)):
                if id(part) in self._told or isinstance(node, Not):
                    waiting.append(part)
                    continue
                trial = {**assumed, id(part): isinstance(node, And)}
                if world.allows(differ(holds(tree, assumed), holds(tree, trial))):
                    waiting.append(part)
                    continue
                assumed = trial
                message = f"{self._source(part)} changes nothing: without it the trigger takes the same events"
                problem = self._warn("redundant_part", message, "correct it, or remove it", part)
                yield replace(problem, fix=self._without_repetition(node, part))

    def _without_repetition(self, node: Trigger, part: Trigger) -> Fix | None:
        """Give the fix that removes a clause which stands before it in the same words."""
        parts, text = _parts(node), self._text
        at = next(at for at, other in enumerate(parts) if other is part)
        spelled = text[part.start : part.end]
        is_repeated = any(text[other.start : other.end] == spelled for other in parts[:at])
        if not is_repeated or not _JOINT.fullmatch(text, parts[at - 1].end, part.start):
            return None
        fix = self._part.replaced(parts[at - 1].end, part.end, "")
        return fix and Fix("remove the repetition", fix.edits)


def _parts(node: Trigger) -> tuple[Trigger, ...]:
    if isinstance(node, And | Or):
        return node.parts
    return (node.part,) if isinstance(node, Not) else ()


def _quarrel(world: World, node: Trigger) -> tuple[Trigger, Trigger] | tuple[None, None]:
    """Find two parts that cannot both hold."""
    parts = node.parts if isinstance(node, And) else ()
    for at, other in enumerate(parts):
        for one in parts[:at]:
            if not world.allows(holds(And((one, other), one.start, other.end))):
                return one, other
    return None, None


def _fact_about(node: Trigger) -> str:
    """Say which events have a field that is asked for, where only some have it."""
    names = {field_of(operand).keys[0] for clause in clauses(node) for operand in operands(clause)}
    facts = [
        f"only {' and '.join(FIELD_TYPES[name])} events have {name}" for name in sorted(names & FIELD_TYPES.keys())
    ]
    return "; ".join(facts) if "type" in names else ""


def _type_constants(clause: Clause) -> Iterator[Constant]:
    match clause:
        case Compare(Field(keys), _, Constant() as constant) if keys == _TYPE:
            yield constant
        case Member(Field(keys), Choices(items)) if keys == _TYPE:
            yield from items


def _is_idiom(clause: Compare) -> bool:
    """Recognize `type != ""`, which is how to say that every event is taken."""
    return (
        isinstance(clause.operand, Field)
        and clause.operand.keys == _TYPE
        and clause.operator == "!="
        and isinstance(clause.value, Constant)
        and clause.value.value == ""
    )
