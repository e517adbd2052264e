"""Which events of a recording are taken: by time, and how many."""

from collections.abc import Iterable, Iterator

import msgspec

from connector.events import Event, event_time
from connector.replay.summary import Summary
from connector.sources.files import Located
from connector.values import JSON


class Selection(msgspec.Struct, frozen=True):
    """Which events of a recording are taken: within a time range (seconds since the epoch), at most `limit`."""

    since: float | None = None
    until: float | None = None
    limit: int | None = None


def select(items: Iterator[Located], selection: Selection, summary: Summary) -> Iterator[Located]:
    """Take what a selection takes; what has no time of its own is left out of a time range. Discards always pass."""
    return items if selection == Selection() else _selected(items, selection, summary)


def _selected(items: Iterable[Located], selection: Selection, summary: Summary) -> Iterator[Located]:
    """Take events, and ask for no more once there are enough: the next one may be long in coming."""
    if selection.limit == 0:
        return
    taken, ranged = 0, selection.since is not None or selection.until is not None
    for located in items:
        item = located[2]
        if isinstance(item, Event):
            if ranged and not _within(item.data, selection):
                summary.left_out += 1
                continue
            taken += 1
        yield located
        if taken == selection.limit:
            return


def _within(event: dict[str, JSON], selection: Selection) -> bool:
    at = event_time(event)
    if at is None:
        return False
    return (selection.since is None or at >= selection.since) and (selection.until is None or at < selection.until)
