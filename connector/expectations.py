"""The tests of a destination, run: what became of an event, compared with what was expected of it.

A test's event goes through its mapping alone: trigger, fields, schema, request. `expect` compares the payload's fields,
so it also holds for an event that names no device; nothing is ever sent and no clock is read.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import msgspec

from connector.cases import Case
from connector.destination import Destination, Mapping, Settings
from connector.errors import Problem
from connector.hiding import Hiding
from connector.pipeline import Plan, compile_plan
from connector.rows import requests_base
from connector.values import JSON
from connector.verdicts import Difference, compare

Finder: TypeAlias = Callable[[dict[str, JSON]], Plan | None]
"""From an event's data to what its mapping makes of it; None where the mapping does not take it."""


class Failed(msgspec.Struct, frozen=True):
    """A test that failed: a problem at its place in the file, which says what was expected and what was found."""

    mapping: str
    test: str
    problem: Problem


def run_tests(destination: Destination) -> tuple[int, list[Failed]]:
    """Run the tests beside every mapping, disabled ones too; give how many there were and what failed.

    Tests of recordings are left out, for nothing is opened here; connector.testing runs all.
    """
    count, failed, hiding = 0, [], Hiding(destination)
    for mapping in destination.mappings:
        find, base = compile_finder(mapping, destination.settings), requests_base(destination.settings)
        for case in mapping.tests:
            if case.event is None or case.expected is None:
                continue
            count += 1
            verdict = compare(mapping, case.expected, find(case.event), base, partial(hiding.texts, case.event))
            failed += [_failed(mapping, case, difference) for difference in verdict.differences]
    return count, failed


def recorded_tests(destination: Destination) -> int:
    """Count the tests beside mappings that `run_tests` leaves out, because they need a recording."""
    return sum(case.event is None or case.expected is None for one in destination.mappings for case in one.tests)


def compile_finder(mapping: Mapping, settings: Settings) -> Finder:
    """Compile what finds out what a mapping makes of an event."""
    plan, matches = compile_plan(mapping, settings), mapping.matches
    return lambda event: plan(event, None) if matches(event) else None


def case_problem(case: Case, mapping: str, difference: Difference) -> Problem:
    """Make a problem of a difference, at its place in the file."""
    of = f" of {mapping!r}" if mapping else ""
    message = f"the test {case.name!r}{of} fails: {difference.message}"
    return case.part.child(*difference.path).problem("test_failed", message)


def _failed(mapping: Mapping, case: Case, difference: Difference) -> Failed:
    return Failed(mapping.name, case.name, case_problem(case, mapping.name, difference))
