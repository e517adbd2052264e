from collections import Counter
from random import Random

import pytest

from connector.errors import UsageError
from connector.twin import MENU, Fault, Faults, parse_fault, parse_faults, parse_rates


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("503", Fault("503", "status", 503)),
        ("429", Fault("429", "status", 429, 1.0)),
        ("429=2.5", Fault("429=2.5", "status", 429, 2.5)),
        ("accept-500", Fault("accept-500", "status", 500, accepts=True)),
        (" reset ", Fault("reset", "reset")),
        ("accept-reset", Fault("accept-reset", "reset", accepts=True)),
        ("latency", Fault("latency", "latency", 0, 0.2)),
        ("latency=2", Fault("latency=2", "latency", 0, 2.0)),
        ("success:false", Fault("success-false", "success-false")),
        ("not-json", Fault("not-json", "not-json")),
        ("truncated", Fault("truncated", "truncated", accepts=True)),
        ("slow=3", Fault("slow=3", "slow", 0, 3.0, accepts=True)),
    ],
)
def test_every_entry_of_the_menu_is_read(text: str, fault: Fault) -> None:
    """A name, with a time where one makes sense, and with accept- when the call is to be carried out first."""
    assert parse_fault(text) == fault


@pytest.mark.parametrize("text", ["", "200", "600", "lateny", "reset=1", "latency=", "429=-1", "accept-", "x" * 50])
def test_what_is_not_on_the_menu_is_an_error(text: str) -> None:
    """The error names what was written."""
    with pytest.raises(UsageError, match="fault"):
        parse_fault(text)


def test_a_misspelt_fault_is_answered_with_the_nearest() -> None:
    """Otherwise the menu is shown."""
    with pytest.raises(UsageError, match="did you mean 'latency'"):
        parse_fault("latecny")
    with pytest.raises(UsageError, match=", ".join(MENU)):
        parse_fault("!")


def test_rates_are_read() -> None:
    """A fault without a rate comes every time."""
    assert parse_rates("429=2:0.1, latency=0.5,success:false:0.2") == (
        (parse_fault("429=2"), 0.1),
        (parse_fault("latency=0.5"), 1.0),
        (parse_fault("success-false"), 0.2),
    )
    assert parse_rates("") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("429:2", "not a number from 0 to 1"),
        ("429:often", "not a number from 0 to 1"),
        ("429:nan", "not a number from 0 to 1"),
        ("latency:2", "for seconds write latency=2"),
        ("429:0.6,500:0.6", "add up to more than 1"),
        ("nothing:0.1", "unknown fault"),
    ],
)
def test_a_wrong_rate_is_an_error(text: str, words: str) -> None:
    """The error says what to write instead."""
    with pytest.raises(UsageError, match=words):
        parse_rates(text)


def test_faults_come_as_often_as_their_rates_say() -> None:
    """Over many requests the shares are near the rates; latency comes beside other faults."""
    faults = Faults("429:0.2,reset:0.1,latency:0.5", random=Random(7))
    counts = Counter(fault.name for _ in range(10_000) for fault in faults.take(None))
    assert counts["429"] == pytest.approx(2_000, rel=0.1)
    assert counts["reset"] == pytest.approx(1_000, rel=0.1)
    assert counts["latency"] == pytest.approx(5_000, rel=0.1)


def test_chance_is_the_same_in_two_runs() -> None:
    """The random generator is the only source of chance."""
    one, other = (Faults("429:0.3,500:0.3", random=Random(3)) for _ in range(2))
    assert [one.take(None) for _ in range(50)] == [other.take(None) for _ in range(50)]


def test_a_request_has_at_most_one_failure() -> None:
    """Even when the rates fill everything, only one comes, and always one."""
    faults = Faults("429:0.5,500:0.5", random=Random(0))
    assert {len(faults.take(None)) for _ in range(1_000)} == {1}


def test_a_header_comes_before_the_line_and_the_line_before_chance() -> None:
    """The line is used up one request at a time; an empty text in it is a request without a fault."""
    faults = Faults("500")
    faults.add("429", "", "latency=0,reset")
    assert faults.waiting() == ["429", "", "latency=0,reset"]
    assert faults.take("404") == parse_faults("404")
    assert faults.take(None) == parse_faults("429")
    assert faults.take(None) == ()
    assert faults.take(None) == parse_faults("latency=0,reset")
    assert faults.take(None) == parse_faults("500")


def test_rates_can_be_taken_away() -> None:
    """Without rates nothing goes wrong."""
    faults = Faults("500")
    faults.set_rates("")
    assert faults.take(None) == ()
