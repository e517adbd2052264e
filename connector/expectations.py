"""The tests of a destination, run: what became of an event, compared with what was expected of it.

A test's event goes through its mapping alone: trigger, fields, schema, request. `expect` compares the payload's fields,
so it also holds for an event that names no device; nothing is ever sent and no clock is read.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from connector.cases import Case, Expected
from connector.destination import Destination, Mapping, Settings
from connector.errors import Path, Problem
from connector.pipeline import Invalid, Plan, Planned, Skipped, compile_plan
from connector.routes import NO_MATCHING_MAPPING
from connector.rows import REDACTED, requests_base
from connector.schemas import write_only_names
from connector.values import JSON, dump_json, type_name

Finder: TypeAlias = Callable[[dict[str, JSON]], Plan | None]
"""From an event's data to what its mapping makes of it; None where the mapping does not take it."""


class Difference(msgspec.Struct, frozen=True):
    """Something that is not as expected: `path` leads from the test to the expectation."""

    path: Path
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """What comparing came to: no difference where the test passes.

    `given` are the expectations as the file has them, by their keys, and `made` as they would have to be to hold, both
    as they may be printed. `written` is what to write into the file in their place; None where a person must.
    """

    differences: tuple[Difference, ...] = ()
    given: dict[str, JSON] = {}
    made: dict[str, JSON] = {}
    written: dict[str, JSON] | None = None


class Failed(msgspec.Struct, frozen=True):
    """A test that failed: a problem at its place in the file, which says what was expected and what was found."""

    mapping: str
    test: str
    problem: Problem


def run_tests(destination: Destination) -> tuple[int, list[Failed]]:
    """Run the tests beside every mapping, disabled ones too; give how many there were and what failed.

    Tests of recordings are left out, for nothing is opened here; connector.testing runs all.
    """
    count, failed = 0, []
    for mapping in destination.mappings:
        find, base = compile_finder(mapping, destination.settings), requests_base(destination.settings)
        for case in mapping.tests:
            if case.event is None or case.expected is None:
                continue
            count += 1
            verdict = compare(mapping, case.expected, find(case.event), base)
            failed += [_failed(mapping, case, difference) for difference in verdict.differences]
    return count, failed


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


def compare(mapping: Mapping, expected: Expected, found: Plan | None, base: str) -> Verdict:
    """Compare what a mapping made of an event with what was expected; `base` is where requests go."""
    hidden = frozenset(write_only_names(mapping.action))
    given = {key: value for key, value in _value(expected).items() if key in _KEYS}
    if reason := _wrong_outcome(expected, found):
        kept = given if _payload(found) is not None else {}
        payload, differences = _compare_payload(kept.get("expect"), _payload(found), hidden)
        made: dict[str, JSON] = {"expect": payload} if payload is not None else {}
        made |= _outcome_keys(found, given, hidden)
        at = next((key for key in given if key != "expect" and (kept or "expect" not in given)), "expect")
        return _verdict([Difference((at,), reason)], given, made, hidden, differences)
    made = dict(given)
    made["expect"], differences = _compare_payload(expected.payload, _payload(found), hidden)
    if expected.payload is None:
        del made["expect"]
    if expected.request is not None and isinstance(found, Planned):
        made["expect_request"], more = _compare_request(expected.request, found, base)
        differences += more
    return _verdict(differences, given, made, hidden, differences)


def _verdict(
    differences: list[Difference],
    given: dict[str, JSON],
    made: dict[str, JSON],
    hidden: frozenset[str],
    fields: list[Difference],
) -> Verdict:
    has_secret = any(difference.path[-1] in hidden for difference in fields)
    written = None if has_secret else made
    return Verdict(tuple(differences), _printable(given, hidden), _printable(made, hidden), written)


def _printable(keys: dict[str, JSON], hidden: frozenset[str]) -> dict[str, JSON]:
    payload = keys.get("expect")
    if not isinstance(payload, dict) or hidden.isdisjoint(payload):
        return keys
    shown: JSON = {name: REDACTED if name in hidden else value for name, value in payload.items()}
    return {**keys, "expect": shown}


_KEYS: Final = ("expect", "expect_request", "expect_skipped", "expect_invalid", "expect_filtered")


def _value(expected: Expected) -> dict[str, JSON]:
    value = expected.part.value
    return value if isinstance(value, dict) else {}


def _wrong_outcome(expected: Expected, found: Plan | None) -> str:
    """Say why an event became another thing than was expected; nothing when it did not."""
    if expected.outcome == "planned":
        if expected.payload is not None and _payload(found) is None:
            return f"expected a payload, found {told(found)}"
        is_missing = expected.request is not None and not isinstance(found, Planned)
        return f"expected a request, found {told(found)}" if is_missing else ""
    if expected.outcome != outcome_of(found):
        return f"expected {expected.outcome}, found {told(found)}"
    missing = [reason for reason in expected.reasons if reason not in told(found)]
    problems = found.problems if isinstance(found, Invalid) else ()
    if expected.is_whole:
        missing = [text for text in expected.reasons if not any(text in problem for problem in problems)]
    if missing:
        return f"expected a reason with {' and '.join(map(repr, missing))}, found {told(found)}"
    unnamed = [problem for problem in problems if not any(text in problem for text in expected.reasons)]
    return f"expected no other problem, found {' '.join(unnamed)}" if expected.is_whole and unnamed else ""


def _outcome_keys(found: Plan | None, given: dict[str, JSON], hidden: frozenset[str]) -> dict[str, JSON]:
    """Write what became of an event as the keys of a test that expects it; `given` are those that it has now."""
    match found:
        case None:
            return {"expect_filtered": True}
        case Invalid(problems):
            return {"expect_invalid": problems[0] if len(problems) == 1 else list(problems)}
        case Skipped(reason):
            return {"expect_skipped": reason.partition(":")[0]}
        case _ if "expect_request" in given:
            return {"expect_request": _request(found)}
        case _:
            shown: JSON = {name: value for name, value in found.payload.items() if name not in hidden}
            return {} if "expect" in given else {"expect": shown}


def _request(found: Planned) -> dict[str, JSON]:
    return {"method": found.request.method, "path": found.request.path, "body": found.request.body}


def _payload(found: Plan | None) -> dict[str, JSON] | None:
    return None if found is None or isinstance(found, Invalid) else found.payload


def _compare_payload(
    expected: JSON, payload: dict[str, JSON] | None, hidden: frozenset[str]
) -> tuple[JSON, list[Difference]]:
    if not isinstance(expected, dict) or payload is None:
        return None, []
    made: dict[str, JSON] = {}
    differences = []
    for name, value in expected.items():
        if is_same(payload.get(name), value):
            made[name] = value
            continue
        made[name] = payload.get(name)
        found = _shown(payload.get(name), is_hidden=name in hidden)
        message = f"{name}: expected {_shown(value, is_hidden=name in hidden)}, found {found}"
        differences.append(Difference(("expect", name), message))
    return made, differences


def _compare_request(expected: dict[str, JSON], found: Planned, base: str) -> tuple[dict[str, JSON], list[Difference]]:
    there: dict[str, JSON] = {**_request(found), "url": base + found.request.path}
    made: dict[str, JSON] = {}
    differences = []
    for key, value in expected.items():
        body = there[key]
        if not isinstance(body, dict) or not isinstance(value, dict):
            made[key] = body
            if body != value:
                message = f"{key}: expected {_shown(value)}, found {_shown(body)}"
                differences.append(Difference(("expect_request", key), message))
            continue
        made[key] = _body_made(value, body)
        differences += _body_differences(value, body)
    return made, differences


def _body_made(expected: dict[str, JSON], body: dict[str, JSON]) -> dict[str, JSON]:
    """Write a body in the order of the expected one, with its nulls for keys that are not there."""
    made = {
        key: value if is_same(value, body.get(key)) else body[key]
        for key, value in expected.items()
        if key in body or value is None
    }
    return {**made, **{key: value for key, value in body.items() if key not in expected}}


def _body_differences(expected: dict[str, JSON], body: dict[str, JSON]) -> Iterator[Difference]:
    for key in (*expected, *(key for key in body if key not in expected)):
        if not is_same(expected.get(key), body.get(key)):
            path = ("expect_request", "body", key) if key in expected else ("expect_request", "body")
            message = f"body.{key}: expected {_shown(expected.get(key))}, found {_shown(body.get(key))}"
            yield Difference(path, message)


def is_same(found: JSON, expected: JSON) -> bool:
    """Compare as JSON: the order of keys does not matter, 1 is 1.0, and true is not 1."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(is_same(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(is_same, found, expected))
    return type_name(found) == type_name(expected) and found == expected


def outcome_of(plan: Plan | None) -> str:
    """Name what became of an event."""
    match plan:
        case None:
            return "filtered"
        case Invalid():
            return "invalid"
        case Skipped():
            return "skipped"
        case _:
            return "planned"


def told(plan: Plan | None) -> str:
    """Say what became of an event."""
    match plan:
        case None:
            return f"filtered: {NO_MATCHING_MAPPING}, the trigger does not hold for its event"
        case Invalid(problems):
            return f"invalid: {' '.join(problems)}"
        case Skipped(reason):
            return f"skipped: {reason}"
        case _:
            return "a request to send"


def _shown(value: JSON, *, is_hidden: bool = False) -> str:
    """Print a value, but for one that no output may show."""
    return "none" if value is None else dump_json(REDACTED if is_hidden else value).decode()
