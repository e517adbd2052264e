"""Which events of a recording are taken."""

from collections.abc import Iterator

import pytest

from connector.events import Discard, Event
from connector.replay.selection import Selection, select
from connector.replay.summary import Summary
from connector.sources.files import Located
from connector.values import JSON

BROKEN: Located = ("f", 1, Discard("bad_request", "no JSON"))


def event(message_id: str, timestamp: JSON = None) -> Located:
    """Make an event of a time."""
    return "f", 1, Event("page", message_id, {"timestamp": timestamp}, b"")


def taken(items: list[Located], selection: Selection) -> tuple[list[str], int]:
    """Select, and name what is taken and count what is left out."""
    summary = Summary()
    found = [item for _, _, item in select(iter(items), selection, summary)]
    return [item.message_id if isinstance(item, Event) else item.reason for item in found], summary.left_out


def test_everything_is_taken_by_default() -> None:
    """Without a range or a limit the recording is handed through as it is."""
    items = iter([event("a")])
    assert select(items, Selection(), Summary()) is items


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(since=100.0), ["b", "c"]),
        (Selection(until=100.0), ["a"]),
        (Selection(since=100.0, until=200.0), ["b"]),
        (Selection(since=100.0, limit=1), ["b"]),
    ],
)
def test_a_range_has_its_start_and_not_its_end(selection: Selection, expected: list[str]) -> None:
    """An event at `since` is taken and one at `until` is not."""
    items = [event("a", "1970-01-01T00:01:39.999Z"), event("b", "1970-01-01T00:01:40Z"), event("c", 200)]
    assert taken(items, selection)[0] == expected


def test_an_event_without_a_time_is_outside_of_any_range() -> None:
    """What has no readable time is left out of a range, and counted."""
    assert taken([event("a"), event("b", "yesterday"), event("c", 200)], Selection(since=0.0)) == (["c"], 2)
    assert taken([event("a"), event("b", "yesterday")], Selection(limit=5)) == (["a", "b"], 0)


def test_discards_pass_and_do_not_count() -> None:
    """What could not be read is handed on, whatever the range, and uses up no limit."""
    items = [BROKEN, event("a"), BROKEN, event("b"), BROKEN]
    assert taken(items, Selection(limit=2)) == (["bad_request", "a", "bad_request", "b"], 0)
    assert taken([BROKEN], Selection(since=0.0))[0] == ["bad_request"]


@pytest.mark.parametrize("limit", [0, 1])
def test_nothing_is_read_beyond_the_limit(limit: int) -> None:
    """When there are enough events the next one is not asked for: it may be long in coming."""

    def recording() -> Iterator[Located]:
        if limit:
            yield event("a")
        raise AssertionError("asked for more")

    assert len(list(select(recording(), Selection(limit=limit), Summary()))) == limit
