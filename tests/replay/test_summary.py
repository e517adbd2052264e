"""What a replay comes to, counted and in words."""

from connector.cli.summary import access, headline, reasons
from connector.cli.summary_table import render
from connector.events import Discard
from connector.pipeline import Invalid, Planned, Skipped
from connector.replay.summary import MOST_SAMPLES, Summary, count_plan, discard_row
from connector.rupt import Request


def test_plans_are_counted_with_their_reasons() -> None:
    """A plan counts once, by its first problem or its reason; each warning counts beside it."""
    summary = Summary()
    count_plan(summary, "M", Planned({}, Request("POST", "/", {}), ("w1", "w2")))
    count_plan(summary, "M", Invalid(("p1", "p2")))
    count_plan(summary, "M", Skipped("s"))
    assert summary.outcomes == {("M", "planned", ""): 1, ("M", "invalid", "p1"): 1, ("M", "skipped", "s"): 1}
    assert summary.warnings == {("M", "w1"): 1, ("M", "w2"): 1}
    assert summary.count("planned", "skipped") == 2


def test_discards_are_told_a_few_times_and_counted_always() -> None:
    """Of each reason some are told one by one; every one is counted and has a row that says where it stands."""
    summary, told = Summary(), list[str]()
    for line in range(1, 2 * MOST_SAMPLES):
        row = discard_row(summary, "f", line, Discard("bad_request", "no JSON"), told.append)
        assert (row.at, row.outcome, row.reason) == (f"f:{line}", "discarded", "bad_request: no JSON")
    assert len(told) == MOST_SAMPLES
    assert told[0] == "f:1: bad_request: no JSON"
    assert told[-1] == "f:10: bad_request: no JSON (more of bad_request are only counted)"
    discard_row(summary, "f", 99, Discard("empty_batch", "none"), told.append)
    assert told[-1] == "f:99: empty_batch: none"
    assert summary.discards == {"bad_request": 19, "empty_batch": 1}


def test_the_headline_adds_up() -> None:
    """Where each event has one outcome the counts add up to the events, and nothing else is said."""
    summary = Summary(events=3)
    summary.outcomes["M", "delivered", ""] = 2
    summary.outcomes["", "filtered", "NO_MATCHING_MAPPING"] = 1
    assert headline(summary) == "3 events: 2 delivered, 1 filtered"


def test_the_headline_says_when_several_mappings_take_an_event() -> None:
    """Where events have several outcomes it says how often mappings took them, since the counts do not add up."""
    summary = Summary(events=1_200, left_out=1)
    summary.outcomes["M", "delivered", ""] = 1_200
    summary.outcomes["N", "skipped", "stale"] = 1_200
    summary.discards["bad_request"] = 1_000
    assert headline(summary) == (
        "1,200 events, taken 2,400 times by mappings: 1,200 delivered, 1,200 skipped, "
        "1,000 unreadable or discarded, 1 outside --since/--until"
    )


def test_nothing_is_nothing_to_do() -> None:
    """A run without events says so."""
    assert headline(Summary()) == "0 events: nothing to do"


def test_access_states_are_said_in_words() -> None:
    """What Rupt said of accesses is told in a sentence, in a fixed order, and not at all when it said nothing."""
    summary = Summary()
    assert access(summary) == ""
    summary.access.update({"suspended": 1, "new_device": 2_000, "limit_exceeded": 3})
    assert access(summary) == (
        "Rupt says of the accesses: 3 over their device limit, 2,000 from a new device, 1 of a suspended user"
    )


def test_reasons_come_by_weight_and_in_words() -> None:
    """Failures come first, then the most frequent reason, over all mappings; one that is a name is explained."""
    summary = Summary()
    summary.outcomes.update({("A", "skipped", "stale"): 2, ("B", "skipped", "stale"): 2, ("A", "delivered", ""): 9})
    summary.outcomes["", "filtered", "NO_MATCHING_MAPPING"] = 3
    summary.discards["bad_request"] = 1
    summary.warnings["A", "no phone"] = 2
    assert list(reasons(summary)) == [
        (1, "discarded", "bad_request: it cannot be read as JSON, or is no object"),
        (4, "skipped", "stale"),
        (3, "filtered", "NO_MATCHING_MAPPING: no trigger holds for it"),
        (2, "warning", "no phone"),
    ]


def test_the_table_never_cuts_a_number() -> None:
    """In 80 columns the names of mappings are folded, long reasons too, and every number stays whole."""
    summary, name = Summary(events=1), "Attach Device on identify, with a name that is longer than most of them all"
    for outcome in ("delivered", "skipped", "invalid", "dead", "held", "waiting"):
        summary.outcomes[name, outcome, f"{outcome} for a reason that takes more than one line to tell " * 2] = (
            1_234_567
        )
    text = render(summary, [name, "Other"])
    table, told = text.split("\n\n")[1:3]
    assert table.count("1,234,567") == told.count("1,234,567") == 6
    assert max(map(len, text.splitlines())) <= 80
    assert "\n\n\n" not in text


def test_only_the_first_reasons_are_listed() -> None:
    """When there are many reasons the last line says how many more there are, of how many events."""
    summary = Summary(events=78)
    for number in range(1, 13):
        summary.outcomes["M", "dead", f"reason {number}"] = number
    text = render(summary, ["M"])
    assert [f"reason {number}\n" in text for number in range(1, 13)] == [False] * 4 + [True] * 8
    assert text.rstrip().splitlines()[-1].split() == ["10", "4", "more", "reasons"]
