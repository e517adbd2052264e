"""The tests inside a destination file: which pass, and what is said of those that fail."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from connector.destination import Destination, load
from connector.expectations import Failed, compile_finder, recorded_tests, run_tests
from connector.hiding import Hiding
from connector.verdicts import Verdict, compare
from connector.yaml_writing import SPARING

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
        return run_tests(load_tests(tmp_path, *tests, mapping=mapping))

    return run


def load_tests(folder: Path, *tests: str, mapping: str = MAPPING) -> Destination:
    """Load a destination of one mapping with these tests."""
    path = folder / "rupt.yaml"
    path.write_text(HEAD + mapping + "".join(f"      - {test}\n" for test in tests), encoding="utf-8")
    return load(path, {})


def difference(run: Run, event: str, expected: str) -> str:
    """Give what is said of the one test of an event; nothing when it passes."""
    count, failed = run(f"{{name: it, event: {event}, {expected}}}")
    assert count == 1
    return "; ".join(failure.problem.message.removeprefix("the test 'it' of 'One' fails: ") for failure in failed)


PAGE = "{type: page, userId: u1, properties: {email: a@example.com, plan: pro, limit: 3, tags: [1, {a: b}]}}"
ONE = "{type: page, userId: u1, properties: {limit: 1}}"
DEVICE = "{type: page, userId: u1, anonymousId: a1}"
WANTS = "callbacks: {on_challenge: false, limit_exceeded: false}, redirects: {new_account: true, logout: false}"
BODY = f"{{user: u1, limit_config: {{}}, fingerprint: a1, client: segment, {WANTS}}}"

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
    ("{type: page, userId: u1}", "expect: {account: u1}, expect_skipped: no_device"),
    ("{type: page}", "expect_invalid: [account]"),
    (DEVICE, "expect_request: {method: POST, path: /v2/device/attach}"),
    (DEVICE, "expect_request: {url: https://api.rupt.dev/v2/device/attach}"),
    (DEVICE, f"expect: {{account: u1}}, expect_request: {{body: {BODY}}}"),
    (DEVICE, f"expect_request: {{body: {BODY[:-1]}, phone: null}}}}"),
]


@pytest.mark.parametrize(("event", "expected"), PASSING)
def test_what_passes(event: str, expected: str, run: Run) -> None:
    """A test passes when its event becomes what it expects; fields that it does not name may be there."""
    assert difference(run, event, expected) == ""


BOTH = "{type: page, properties: {limit: x}}"
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
    ("{type: page}", "expect_invalid: 'invalid: '", "expected a reason with 'invalid: ', found invalid: The root"),
    ("{type: page, userId: u1}", "expect_skipped: skipped", "expected a reason with 'skipped', found skipped: no_dev"),
    ("{type: track}", "expect_filtered: CONSENT", "expected a reason with 'CONSENT', found filtered: NO_MATCHING"),
    ("{type: track}", "expect_invalid: true", "expected invalid, found filtered: NO_MATCHING_MAPPING"),
    ("{type: page}", "expect_invalid: [a word]", "expected a reason with 'a word', found invalid: The root"),
    (BOTH, "expect_invalid: [account]", "expected no other problem, found"),
    ("{type: page, userId: u1}", "expect_request: {method: POST}", "expected a request, found skipped: no_device"),
    (DEVICE, "expect_request: {method: GET}", 'method: expected "GET", found "POST"'),
    (DEVICE, "expect_request: {path: /v2}", 'path: expected "/v2", found "/v2/device/attach"'),
    (DEVICE, "expect_request: {url: /v2}", 'url: expected "/v2", found "https://api.rupt.dev/v2/device/attach"'),
    (
        DEVICE,
        "expect_request: {body: {user: u2}}",
        'body.user: expected "u2", found "u1"; body.limit_config: expected n',
    ),
    (DEVICE, f"expect_request: {{body: {BODY[:-1]}, phone: x}}}}", 'body.phone: expected "x", found none'),
    (DEVICE, f"expect_request: {{body: {BODY[:-1]}, user: null}}}}".replace("user: u1, ", ""), 'found "u1"'),
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


@pytest.mark.parametrize(
    ("event", "expected", "key"),
    [
        ("{type: page, userId: u1}", "expect: {account: u1}, expect_skipped: stale", "expect_skipped"),
        ("{type: page}", "expect: {account: u1}, expect_skipped: true", "expect"),
        ("{type: page}", "expect_request: {method: POST}", "expect_request"),
        ("{type: page, userId: u1}", "expect: {account: u1}, expect_request: {method: POST}", "expect_request"),
    ],
)
def test_which_expectation_is_shown(event: str, expected: str, key: str, tmp_path: Path) -> None:
    """Where another thing became of the event, the expectation that does not hold is shown."""
    (difference,) = verdict(tmp_path, event, expected).differences
    assert difference.path == (key,)


def test_a_secret_is_not_shown(run: Run) -> None:
    """A field that no output may show is not shown by a test that fails either."""
    event = "{type: page, userId: u1, properties: {token: found-token}}"
    _, (failure,) = run(f"{{name: it, event: {event}, expect: {{secret: expected-token}}}}")
    assert failure.problem.message.endswith('secret: expected and found differ in what is never shown: "[redacted]"')


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


def verdict(folder: Path, event: str, expected: str) -> Verdict:
    """Compare what one event became with what was expected of it."""
    destination = load_tests(folder, f"{{name: it, event: {event}, {expected}}}")
    (mapping,) = destination.mappings
    (case,) = mapping.tests
    assert case.event is not None
    assert case.expected is not None
    found = compile_finder(mapping, destination.settings)(case.event)
    secrets = partial(Hiding(destination).texts, case.event)
    return compare(mapping, case.expected, found, "https://api.rupt.dev", secrets)


MADE = [
    (PAGE, "expect: {account: x, phone: y}", {"expect": "{account: u1, phone: null}"}),
    (PAGE, "expect: {limit_config: {overall_device_limit: 3.0}, account: x}", {"expect": "limit: 3.0}, account: u1"}),
    ("{type: page}", "expect: {account: x}", {"expect_invalid": "missing the required field 'account'"}),
    ("{type: page}", "expect_invalid: [account, x]", {"expect_invalid": "[account]"}),
    (BOTH, "expect_invalid: [nothing, required field]", {"expect_invalid": "[required field, "}),
    ("{type: track}", "expect: {account: x}", {"expect_filtered": "true"}),
    ("{type: page, userId: u1}", "expect_filtered: true", {"expect_skipped": "no_device"}),
    ("{type: page, userId: u1}", "expect_skipped: stale", {"expect_skipped": "no_device"}),
    (DEVICE, "expect_skipped: true", {"expect": "account: u1"}),
    (DEVICE, "expect: {account: x}, expect_skipped: true", {"expect": "{account: u1}"}),
    (
        "{type: page, userId: u1}",
        "expect: {account: x}, expect_request: {method: POST}",
        {"expect": "{account: u1}", "expect_skipped": "no_device"},
    ),
    (
        DEVICE,
        "expect_request: {method: GET, body: {user: u1}}",
        {"expect_request": "{method: POST, body: {user: u1, l"},
    ),
]


@pytest.mark.parametrize(("event", "expected", "made"), MADE)
def test_what_would_pass(event: str, expected: str, made: dict[str, str], tmp_path: Path) -> None:
    """A comparison says how the test would have to be written to pass, and written so it passes."""
    found = verdict(tmp_path, event, expected)
    assert found.differences
    assert found.written is not None
    assert found.written.keys() == made.keys()
    assert all(text in SPARING.value(found.written[key]) for key, text in made.items())
    assert verdict(tmp_path, event, SPARING.value(found.written)[1:-1]).differences == ()


def test_a_secret_is_not_written(tmp_path: Path) -> None:
    """A field that no output may show is neither shown nor written; a person must write it."""
    event = "{type: page, userId: u1, properties: {token: found-token}}"
    found = verdict(tmp_path, event, "expect: {account: u1, secret: expected-token}")
    assert found.written is None
    assert "token" not in f"{found.given} {found.made}"
    assert "secret" not in str(verdict(tmp_path, event, "expect_filtered: true").written)


TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SECRETS = [
    (f"plan: {TOKEN}", "expect: {metadata: {plan: x}}"),
    (f"plan: {TOKEN}", "expect: {account: x, metadata: {tags: 1}}"),
    (f"plan: {TOKEN}", "expect: {account: u1}, expect_request: {body: {user: u1}}"),
    ("plan: own-secret-1, token: own-secret-1", "expect: {metadata: {plan: x}}"),
    ("plan: own-secret-1, token: own-secret-1", "expect_request: {body: {metadata: {plan: x}}}"),
]


@pytest.mark.parametrize(("properties", "expected"), SECRETS)
def test_a_secret_elsewhere_is_neither_shown_nor_written(properties: str, expected: str, tmp_path: Path) -> None:
    """A web token, and what a secret field is made of, is hidden wherever it stands, and a person must write it."""
    event = f"{{type: page, userId: u1, anonymousId: a1, properties: {{{properties}}}}}"
    found = verdict(tmp_path, event, expected)
    assert found.differences
    assert found.written is None
    assert "eyJ" not in str(found)
    assert "own-secret" not in str(found)
    (failure, *_) = run_tests(load_tests(tmp_path, f"{{name: it, event: {event}, {expected}}}"))[1]
    assert "eyJ" not in failure.problem.message
    assert "own-secret" not in failure.problem.message


def test_a_secret_is_left_out_of_a_payload(tmp_path: Path) -> None:
    """Where a payload is new in a test, it gets the fields that are no secrets."""
    event = f"{{type: page, userId: u1, anonymousId: a1, properties: {{plan: {TOKEN}, email: a@example.com}}}}"
    found = verdict(tmp_path, event, "expect_filtered: true")
    assert found.written is not None
    assert found.written["expect"] == {"account": "u1", "email": "a@example.com", "limit_config": {}}


def test_what_stays_may_be_secret(tmp_path: Path) -> None:
    """A secret that the file holds already does not stop the rest from being written."""
    event = f"{{type: page, userId: u1, properties: {{plan: {TOKEN}}}}}"
    found = verdict(tmp_path, event, f"expect: {{account: x, metadata: {{plan: {TOKEN}}}}}")
    assert found.written == {"expect": {"account": "u1", "metadata": {"plan": TOKEN}}}
    assert "eyJ" not in f"{found.given} {found.made}"


def test_tests_of_recordings_are_left_out(run: Run, tmp_path: Path) -> None:
    """Nothing is opened: a test that names a recording is not run, and not counted among those that were."""
    assert run("{events: nowhere.jsonl, expect: {account: u1}}") == (0, [])
    assert recorded_tests(load(tmp_path / "rupt.yaml", {})) == 1
