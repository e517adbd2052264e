"""The settings of a destination file: what each takes, what it gives, and what is wrong where."""

import pytest

from connector.documents import read_document
from connector.errors import Problem
from connector.setting_kinds import read_duration
from connector.settings import DELIVERY, SETTINGS, Delivery, Settings, read_settings
from connector.values import JSON

URL = "https://app.example.com/sign-up"


def read(text: str, **environment: str) -> tuple[Settings | None, list[Problem]]:
    """Read what stands under `settings`, after the two that must be there."""
    head = "settings:\n  client_id: an-id\n  new_account_url: https://app.example.com/sign-up\n"
    lines = "".join(f"  {line}\n" for line in text.splitlines())
    return read_settings(read_document((head + lines).encode(), file="f.yaml", environment=environment))


def value_of(text: str, **environment: str) -> object:
    """Give the value of the one setting in a text."""
    found, problems = read(text, **environment)
    assert problems == []
    return getattr(found, text.partition(":")[0])


def test_defaults() -> None:
    """Two settings must be there; the others have the defaults of the design."""
    found, problems = read("")
    assert problems == []
    assert found == Settings("an-id", URL)
    assert found is not None
    assert (found.max_event_age, found.device_identity, found.in_doubt) == (86_400.0, "auto", "send")
    assert found.delivery == Delivery(concurrency=64, timeout=10.0, attempts=10, window=14_400.0, rate=None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("logout_url: http://localhost:8080/out?x=1", "http://localhost:8080/out?x=1"),
        ("logout_url: HTTPS://app.example.com", "HTTPS://app.example.com"),
        ("upgrade_url:", None),
        ("domain: rupt.example.com", "rupt.example.com"),
        ("domain: localhost:8080", "localhost:8080"),
        ("domain: https://rupt.example.com/base", "https://rupt.example.com/base"),
        ("api_secret: s", "s"),
        ("device_identity: strict", "strict"),
        ("max_event_age: 90m", 5_400.0),
        ("max_event_age: 1h30m", 5_400.0),
        ("max_event_age: 1.5h", 5_400.0),
        ("max_event_age: 7d", 604_800.0),
        ("max_event_age: 250ms", 0.25),
        ("max_event_age: 60", 60.0),
        ("max_event_age: none", None),
        ("max_event_age:", 86_400.0),
        ("in_doubt: hold", "hold"),
        ("consent_categories: [advertising, analytics]", ("advertising", "analytics")),
        ("consent_categories: advertising", ("advertising",)),
        ("debug: true", True),
    ],
)
def test_values(text: str, value: object) -> None:
    """Each setting gives what the text says, durations in seconds; one that is left empty has its default."""
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("debug: ${X:-true}", True),
        ("max_event_age: ${X:-3600}", 3_600.0),
        ("max_event_age: ${X:-1h}", 3_600.0),
        ("api_secret: ${X:-12345}", "12345"),
        ("consent_categories: ['${X:-a}']", ("a",)),
    ],
)
def test_a_variable_gives_what_the_setting_takes(text: str, value: object) -> None:
    """A value from a variable is a text, taken for a number or a boolean only where the setting is one."""
    assert value_of(text) == value


def test_delivery() -> None:
    """The delivery settings give numbers, and durations in seconds."""
    found, problems = read("delivery: {concurrency: 8.0, timeout: 5s, attempts: '${X:-3}', window: 1h, rate: 0.5}")
    assert problems == []
    assert found is not None
    assert found.delivery == Delivery(concurrency=8, timeout=5.0, attempts=3, window=3_600.0, rate=0.5)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("logout_url: app.example.com", "wrong_value", "must be an http or https URL, not 'app.example.com'"),
        ("logout_url: ftp://example.com", "wrong_value", "must be an http or https URL, not 'ftp://example.com'"),
        ("logout_url: https:// example.com", "wrong_value", "must be an http or https URL"),
        ("logout_url: 5", "wrong_type", "must be an http or https URL, not 5"),
        ("domain: rupt example", "wrong_value", "must be a host or an http or https URL"),
        ("api_secret: ''", "wrong_value", "must be a text that is not empty, not ''"),
        ("api_secret: 12345", "wrong_type", "must be a text that is not empty, not a number"),
        ('api_secret: "a\\u2028b"', "wrong_value", "must have no characters but those that a header can carry, not"),
        ("domain: localhost:99999", "wrong_value", "must name a port up to 65535, not 'localhost:99999'"),
        ("device_identity: sometimes", "wrong_value", "must be auto, strict or optional, not 'sometimes'"),
        ("device_identity: [auto]", "wrong_type", "must be auto, strict or optional, not a list"),
        ("max_event_age: 1 day", "wrong_value", "or none, not '1 day'"),
        ("max_event_age: '60'", "wrong_value", "or none, not '60'"),
        ("max_event_age: 0", "wrong_value", "or none, not 0"),
        ("max_event_age: true", "wrong_type", "or none, not true"),
        ("max_event_age: 999999999d", "wrong_value", "to a century"),
        ("in_doubt: keep", "wrong_value", "must be send or hold, not 'keep'"),
        ("consent_categories: {a: b}", "wrong_type", "must be a list of texts, not an object"),
        ("consent_categories: [1]", "wrong_value", "must be a list of texts, not a list"),
        ("debug: yes", "wrong_type", "must be true or false, not 'yes'"),
        ("debug: 'true'", "wrong_type", "must be true or false, not 'true'"),
        ("debug: ${X:-on}", "wrong_type", "must be true or false, which the value of '${X:-on}' is not"),
        ("delivery: fast", "wrong_type", "'delivery' must be an object, not 'fast'"),
        ("delivery: {concurrency: 0}", "wrong_value", "must be a whole number from 1 to 1,024, not 0"),
        ("delivery: {concurrency: 1.5}", "wrong_value", "must be a whole number from 1 to 1,024, not 1.5"),
        ("delivery: {timeout: none}", "wrong_value", "to a century, not 'none'"),
        ("delivery: {rate: -1}", "wrong_value", "must be a number above 0, not -1"),
        ("delivery: {concurency: 1}", "unknown_key", "there is no key 'concurency' in 'delivery'"),
        ("client_secret: s", "unknown_key", "there is no key 'client_secret' in 'settings'"),
    ],
)
def test_problems(text: str, code: str, message: str) -> None:
    """A setting that is wrong says what it must be and what it is."""
    found, problems = read(text)
    assert found is None
    assert [problem.code for problem in problems] == [code]
    assert message in problems[0].message


def test_every_problem_is_told() -> None:
    """One reading finds all that is wrong."""
    document = read_document(b"settings: {logout_url: x, debug: 1}", file="f.yaml", environment={})
    codes = [problem.code for problem in read_settings(document)[1]]
    assert sorted(codes) == ["missing_key", "missing_key", "wrong_type", "wrong_value"]


@pytest.mark.parametrize("text", ["api_secrte: sk_live_1", "api_secret: [sk_live_1]", "debug: {secret: sk_live_1}"])
def test_no_secret_is_shown(text: str) -> None:
    """What could be a secret stands in no problem, be its key misspelt."""
    _, problems = read(text)
    assert problems
    assert all("sk_live_1" not in problem.render() for problem in problems)


def test_no_credential_is_in_the_repr() -> None:
    """Settings can be printed."""
    settings = Settings("an-id", URL, api_secret="sk_live_1")
    assert "sk_live_1" not in repr(settings)
    assert "an-id" not in repr(settings)


def test_every_setting_is_registered() -> None:
    """Settings and Delivery have the registered settings, and no other."""
    assert {setting.name for setting in SETTINGS} | {"delivery"} == set(Settings.__struct_fields__)
    assert {setting.name for setting in DELIVERY} == set(Delivery.__struct_fields__)


@pytest.mark.parametrize(("text", "seconds"), [("24h", 86_400.0), ("1d12h", 129_600.0), ("60", None), ("", None)])
def test_read_duration(text: str, seconds: JSON) -> None:
    """A duration is numbers with units; a number alone is none."""
    assert read_duration(text) == seconds
