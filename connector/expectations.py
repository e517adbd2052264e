"""The tests that stand in a destination file beside the mapping they test: run, and what went otherwise told.

A test's event goes through its mapping alone: trigger, fields, schema, request. `expect` compares the payload's fields,
so it also holds for an event that names no device; nothing is ever sent and no clock is read.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from connector.destination import Case, Destination, Mapping
from connector.errors import Path, Problem
from connector.pipeline import Invalid, Plan, Planner, Skipped, compile_plan
from connector.routes import NO_MATCHING_MAPPING
from connector.rows import printable
from connector.values import JSON, dump_json, type_name

_Difference: TypeAlias = tuple[Path, str]  # where in the test it was expected, and what was found


class Failed(msgspec.Struct, frozen=True):
    """A test that failed: a problem at its place in the file, which says what was expected and what was found."""

    mapping: str
    test: str
    problem: Problem


def run_tests(destination: Destination) -> tuple[int, list[Failed]]:
    """Run every test of every mapping, disabled ones too; give how many there were and what failed."""
    count, failed = 0, []
    for mapping in destination.mappings:
        plan = compile_plan(mapping, destination.settings)
        for case in mapping.tests:
            count += 1
            failed += [_failed(mapping, case, path, text) for path, text in _differences(mapping, plan, case)]
    return count, failed


def _failed(mapping: Mapping, case: Case, path: Path, difference: str) -> Failed:
    message = f"the test {case.name!r} of {mapping.name!r} fails: {difference}"
    return Failed(mapping.name, case.name, case.part.child(*path).problem("test_failed", message))


def _differences(mapping: Mapping, plan: Planner, case: Case) -> Iterator[_Difference]:
    found = plan(case.event, None) if mapping.matches(case.event) else None
    if case.outcome == "planned":
        yield from _payload_differences(mapping.action, found, case.payload)
    elif case.outcome != _outcome(found):
        yield (f"expect_{case.outcome}",), f"expected {case.outcome}, found {_told(found)}"
    elif case.reason not in _told(found):
        yield (f"expect_{case.outcome}",), f"expected a reason with {case.reason!r}, found {_told(found)}"


def _payload_differences(action: str, found: Plan | None, expected: dict[str, JSON]) -> Iterator[_Difference]:
    if found is None or isinstance(found, Invalid) or found.payload is None:
        yield ("expect",), f"expected a payload, found {_told(found)}"
        return
    for name, value in expected.items():
        if name not in found.payload:
            if value is not None:
                yield ("expect", name), f"{name}: expected {_shown(action, name, value)}, found none"
        elif value is None or not _is_same(found.payload[name], value):
            there = _shown(action, name, found.payload[name])
            yield ("expect", name), f"{name}: expected {_shown(action, name, value)}, found {there}"


def _is_same(found: JSON, expected: JSON) -> bool:
    """Compare as JSON: the order of keys does not matter, 1 is 1.0, and true is not 1."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(_is_same(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_is_same, found, expected))
    return type_name(found) == type_name(expected) and found == expected


def _outcome(plan: Plan | None) -> str:
    match plan:
        case None:
            return "filtered"
        case Invalid():
            return "invalid"
        case Skipped():
            return "skipped"
        case _:
            return "planned"


def _told(plan: Plan | None) -> str:
    match plan:
        case None:
            return f"filtered: {NO_MATCHING_MAPPING}, the trigger does not hold for its event"
        case Invalid(problems):
            return f"invalid: {' '.join(problems)}"
        case Skipped(reason):
            return f"skipped: {reason}"
        case _:
            return "a request to send"


def _shown(action: str, name: str, value: JSON) -> str:
    """Print a field's value, but for one that no output may show."""
    return "none" if value is None else dump_json(printable(action, {name: value})[name]).decode()
