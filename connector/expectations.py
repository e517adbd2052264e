"""The tests that stand in a destination file beside the mapping they test: run, and what went otherwise told.

A test's event goes through its mapping alone: trigger, fields, schema, request. `expect` compares the payload's fields,
so it also holds for an event that names no device; nothing is ever sent and no clock is read.
"""

from collections.abc import Iterator

import msgspec

from connector.destination import Case, Destination, Mapping
from connector.errors import Problem
from connector.pipeline import Invalid, Plan, Planner, Skipped, compile_plan
from connector.values import JSON, dump_json


class Failed(msgspec.Struct, frozen=True):
    """A test that failed: a problem at its place in the file, whose help says what was found."""

    mapping: str
    test: str
    problem: Problem


def run_tests(destination: Destination) -> tuple[int, list[Failed]]:
    """Run every test of every mapping; give how many there were and those that failed."""
    count, failed = 0, []
    for mapping in destination.mappings:
        plan = compile_plan(mapping, destination.settings)
        for case in mapping.tests:
            count += 1
            failed += [_failed(mapping, case, difference) for difference in _differences(mapping, plan, case)]
    return count, failed


def _failed(mapping: Mapping, case: Case, difference: str) -> Failed:
    message = f"the test {case.name!r} of {mapping.name!r} fails: {difference}"
    return Failed(mapping.name, case.name, case.part.problem("test_failed", message))


def _differences(mapping: Mapping, plan: Planner, case: Case) -> Iterator[str]:
    if not mapping.matches(case.event):
        if case.outcome != "filtered":
            yield f"the trigger does not hold for its event, expected {case.outcome}"
        return
    found = plan(case.event, None)
    if case.outcome == "planned":
        yield from _payload_differences(found, case.payload)
    elif case.outcome == "filtered":
        yield "the trigger holds for its event, expected that it does not"
    elif (case.outcome == "invalid") != isinstance(found, Invalid) or (case.outcome == "skipped") != isinstance(
        found, Skipped
    ):
        yield f"expected {case.outcome}, found {_told(found)}"
    elif case.reason and case.reason not in _told(found):
        yield f"expected a reason with {case.reason!r}, found {_told(found)}"


def _payload_differences(found: Plan, expected: dict[str, JSON]) -> Iterator[str]:
    payload = found.payload
    if isinstance(found, Invalid) or payload is None:
        yield f"expected a payload, found {_told(found)}"
        return
    for name, value in expected.items():
        if value is None:
            if name in payload:
                yield f"{name}: expected none, found {_shown(payload[name])}"
        elif name not in payload:
            yield f"{name}: expected {_shown(value)}, found none"
        elif dump_json(payload[name]) != dump_json(value):
            yield f"{name}: expected {_shown(value)}, found {_shown(payload[name])}"


def _told(plan: Plan) -> str:
    match plan:
        case Invalid(problems):
            return f"invalid: {' '.join(problems)}"
        case Skipped(reason):
            return f"skipped: {reason}"
        case _:
            return "a request to send"


def _shown(value: JSON) -> str:
    return dump_json(value).decode()
