"""The tests inside a destination file: which pass, and what is said of those that fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.destination import load
from connector.expectations import Failed, run_tests

HEAD = """\
destination: rupt
settings: {client_id: an-id, new_account_url: https://app.example.com/sign-up, api_secret: s}
mappings:
"""
MAPPING = """\
  - name: One
    action: attach
    trigger: type = "page"
    fields:
      account: $.userId
      email: $.properties.email
      metadata: {plan: $.properties.plan, tags: $.properties.tags}
      limit_config: {overall_device_limit: $.properties.limit}
      secret: $.properties.token
      include_page: $.properties.with_page
    tests:
"""
Run = Callable[..., tuple[int, list[Failed]]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run tests, each written as one flow object, of one mapping."""

    def run(*tests: str, mapping: str = MAPPING) -> tuple[int, list[Failed]]:
        path = tmp_path / "rupt.yaml"
        path.write_text(HEAD + mapping + "".join(f"      - {test}\n" for test in tests), encoding="utf-8")
        return run_tests(load(path, {}))

    return run


def difference(run: Run, event: str, expected: str) -> str:
    """Give what is said of the one test of an event; nothing when it passes."""
    count, failed = run(f"{{name: it, event: {event}, {expected}}}")
    assert count == 1
    return "; ".join(failure.problem.message.removeprefix("the test 'it' of 'One' fails: ") for failure in failed)


PAGE = "{type: page, userId: u1, properties: {email: a@example.com, plan: pro, limit: 3, tags: [1, {a: b}]}}"
ONE = "{type: page, userId: u1, properties: {limit: 1}}"

PASSING = [
    (PAGE, "expect: {account: u1, email: a@example.com}"),
    (PAGE, "expect: {}"),
    (PAGE, "expect: {metadata: {tags: [1, {a: b}], plan: pro}}"),
    (PAGE, "expect: {metadata: {tags: [1.0, {a: b}], plan: pro}, limit_config: {overall_device_limit: 3.0}}"),
    (PAGE, "expect: {phone: null, secret: null}"),
    ("{type: page, userId: u1}", "expect: {account: u1, email: null}"),
    ("{type: page, userId: u1}", "expect_skipped: true"),
    ("{type: page, userId: u1}", "expect_skipped: no_device"),
    ("{type: page}", "expect_invalid: true"),
    ("{type: page}", "expect_invalid: missing the required field 'account'"),
    ("{type: track, userId: u1}", "expect_filtered: true"),
    ("{type: track, userId: u1}", "expect_filtered: NO_MATCHING_MAPPING"),
]


@pytest.mark.parametrize(("event", "expected"), PASSING)
def test_what_passes(event: str, expected: str, run: Run) -> None:
    """A test passes when its event becomes what it expects; fields that it does not name may be there."""
    assert difference(run, event, expected) == ""


FAILING = [
    (PAGE, "expect: {account: u2}", 'account: expected "u2", found "u1"'),
    (PAGE, "expect: {phone: '+1'}", 'phone: expected "+1", found none'),
    (PAGE, "expect: {email: null}", 'email: expected none, found "a@example.com"'),
    (PAGE, "expect: {account: x, email: y}", 'account: expected "x", found "u1"; email: expected "y", found "a@e'),
    (PAGE, "expect: {metadata: {plan: pro}}", 'metadata: expected {"plan":"pro"}, found {"plan":"pro","tags"'),
    (PAGE, "expect: {limit_config: {overall_device_limit: '3'}}", 'expected {"overall_device_limit":"3"}, found'),
    (ONE, "expect: {limit_config: {overall_device_limit: true}}", 'expected {"overall_device_limit":true}, found'),
    (PAGE, "expect: {metadata: {plan: pro, tags: [1]}}", "metadata: expected"),
    ("{type: page}", "expect: {account: u1}", "expected a payload, found invalid: The root value is missing the req"),
    ("{type: track}", "expect: {account: u1}", "expected a payload, found filtered: NO_MATCHING_MAPPING, the trigger"),
    ("{type: page}", "expect_skipped: true", "expected skipped, found invalid: The root value"),
    ("{type: page, userId: u1}", "expect_skipped: stale", "expected a reason with 'stale', found skipped: no_device"),
    ("{type: page, userId: u1}", "expect_invalid: true", "expected invalid, found skipped: no_device"),
    ("{type: page}", "expect_invalid: a word", "expected a reason with 'a word', found invalid: The root value"),
    ("{type: page, userId: u1}", "expect_filtered: true", "expected filtered, found skipped: no_device"),
    ("{type: track}", "expect_filtered: CONSENT", "expected a reason with 'CONSENT', found filtered: NO_MATCHING"),
    ("{type: track}", "expect_invalid: true", "expected invalid, found filtered: NO_MATCHING_MAPPING"),
]


@pytest.mark.parametrize(("event", "expected", "message"), FAILING)
def test_what_fails(event: str, expected: str, message: str, run: Run) -> None:
    """A test that fails says what was expected and what was found, for every field."""
    assert message in difference(run, event, expected)


def test_a_request_where_none_was_expected(run: Run) -> None:
    """A test that expects a skip fails for an event from which a request is made."""
    event = "{type: page, userId: u1, anonymousId: a1}"
    assert difference(run, event, "expect_skipped: true") == "expected skipped, found a request to send"


def test_where_a_failure_is_shown(run: Run) -> None:
    """A failure is a problem at the field that differs, in the file, with its line."""
    _, (failure,) = run("{name: it, event: {type: page, userId: u1}, expect: {account: u1, email: x@example.com}}")
    problem = failure.problem
    assert (failure.mapping, failure.test) == ("One", "it")
    assert (problem.code, problem.line, problem.severity) == ("test_failed", 15, "error")
    assert problem.source[problem.column - 1 :].startswith("x@example.com")


def test_a_secret_is_not_shown(run: Run) -> None:
    """A field that no output may show is not shown by a test that fails either."""
    event = "{type: page, userId: u1, properties: {token: found-token}}"
    _, (failure,) = run(f"{{name: it, event: {event}, expect: {{secret: expected-token}}}}")
    assert failure.problem.message.endswith('secret: expected "[redacted]", found "[redacted]"')


def test_all_mappings_are_tested(run: Run) -> None:
    """Tests of all mappings run, of disabled ones too, and each is counted."""
    second = MAPPING.replace("One", "Two").replace("action: attach", "action: attach\n    enabled: false")
    one = "      - {event: {type: page, userId: u1}, expect: {account: u1}}\n"
    count, failed = run("{event: {type: page}, expect: {account: u1}}", mapping=MAPPING + one + second)
    assert (count, [(failure.mapping, failure.test) for failure in failed]) == (2, [("Two", "test 1")])


def test_an_event_that_cannot_be_resolved(run: Run) -> None:
    """An event on which a directive cannot work is invalid, with the reason."""
    each = '{"@arrayPath": [$.properties.tags, {"@transform": {apply: {a: 1}, mapping: {b: 1}}}]}'
    event = "{type: page, userId: u1, properties: {tags: [1]}}"
    test = f"{{event: {event}, expect_invalid: '@transform works on an object'}}"
    assert run(test, mapping=MAPPING.replace("$.properties.tags", each)) == (1, [])
