"""Mappings that make the same of the same events, so that everything is sent twice.

In: a destination. Out: a warning at the later one of each pair, or at the one whose events the other takes as well.
"""

from collections.abc import Iterator
from functools import lru_cache

from connector.destination import Destination
from connector.errors import Problem
from connector.language.triggers import trigger_reads
from connector.lints.reading import without_places
from connector.lints.satisfying import Spent, World, both, fails, holds
from connector.mappings import Mapping
from connector.positions import quoted
from connector.values import JSON


def check_overlaps(destination: Destination) -> Iterator[Problem]:
    """Warn of enabled mappings with an equal action and fields of which one takes all that the other takes."""
    alike: dict[object, list[Mapping]] = {}
    for mapping in destination.mappings:
        if mapping.enabled:
            others = alike.setdefault((mapping.action, without_places(mapping.fields)), [])
            yield from _first_overlap([other for other in others if _may_meet(mapping, other)], mapping)
            others.append(mapping)


def _may_meet(one: Mapping, other: Mapping) -> bool:
    """Say, without a search, whether one may take all that the other takes: they ask for the same fields, or fewer."""
    asked, too = trigger_reads(one.trigger), trigger_reads(other.trigger)
    if not (asked <= too or too <= asked):
        return False
    pairs = ((one.gate.types, other.gate.types), (one.gate.events, other.gate.events))
    return all(mine is None or theirs is None or mine & theirs for mine, theirs in pairs)


def _first_overlap(others: list[Mapping], mapping: Mapping) -> Iterator[Problem]:
    for other in others:
        within, around = _compared(mapping, other)
        if within and around:
            yield _problem(mapping, other, "take the same events")
        elif within:
            yield _problem(mapping, other, f"take an event: {quoted(other.name)} takes all that this one takes")
        elif around:
            yield _problem(other, mapping, f"take an event: {quoted(mapping.name)} takes all that this one takes")
        if within or around:
            return


def _compared(one: Mapping, other: Mapping) -> tuple[bool, bool]:
    """Say whether the second mapping takes all that the first takes, and the first all that the second takes."""
    try:
        first, second = _example(one), _example(other)
        if first is None or second is None:
            return False, False
        within = not one.matches(first) or other.matches(first)  # an event that only one takes says that it is not
        around = not other.matches(second) or one.matches(second)
        if not (within or around):
            return False, False
        world = World(one.trigger, other.trigger)
        within = within and not world.allows(both(holds(one.trigger), fails(other.trigger)))
        return within, around and not world.allows(both(holds(other.trigger), fails(one.trigger)))
    except Spent:
        return False, False


@lru_cache(maxsize=64)
def _example(mapping: Mapping) -> dict[str, JSON] | None:
    """Give an event that a mapping takes, None where it takes none. Raises Spent."""
    return World(mapping.trigger).example(holds(mapping.trigger))


def _problem(mapping: Mapping, other: Mapping, how: str) -> Problem:
    place = other.draft.part.child("name").location()
    message = f"{quoted(mapping.name)} and {quoted(other.name)} ({place}) {how}, with equal fields: it is sent twice"
    help = "remove one of them, switch it off with `enabled: false`, or narrow its trigger"
    return mapping.draft.part.child("name").problem("duplicate_mapping", message, help=help, severity="warning")
