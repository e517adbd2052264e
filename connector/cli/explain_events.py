"""The event that `explain` is asked about: a file, standard input, JSON, or a messageId that is looked up.

In: what the command line said. Out: whole events, what could not be read as one, and words on where they were found.
The queue of a server is only read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from connector.cli.reasons import discard_in_words
from connector.cli.store import moment, open_store
from connector.cli.streams import Streams
from connector.config import DEFAULT_DATA
from connector.errors import UsageError
from connector.events import Discard, Event, Item, event_reader
from connector.queue.desk_life import Life, life_of
from connector.queue.store import FILE
from connector.sources.files import read_events

_READER: Final = event_reader(None)


class Wanted(msgspec.Struct, frozen=True):
    """What the command line said: EVENT, and where to look for it as a messageId."""

    event: str
    paths: tuple[str, ...]
    data: str | None


class Found(msgspec.Struct, frozen=True):
    """Events to explain, what is no event and why, and what to say of where they were or why they are not kept."""

    events: list[Event]
    faults: list[str] = []
    notes: list[str] = []


def find_events(streams: Streams, wanted: Wanted) -> Found:
    """Find the event. Raises UsageError, which says what was tried, when there is none."""
    if not wanted.paths and (text := _text(streams, wanted.event)) is not None:
        return _read(text)
    if wanted.paths:
        return _in_recordings(streams, wanted)
    return _in_store(streams, wanted)


def _text(streams: Streams, event: str) -> bytes | None:
    """Give the text of an event that stands in a file, on standard input or on the command line; None for a name."""
    if event == "-":
        return streams.stdin.read()
    if event.lstrip().startswith(("{", "[")):
        return event.encode("utf-8", "surrogateescape")
    try:
        file = Path(event)
        return file.read_bytes() if file.exists() else None
    except (OSError, ValueError) as error:  # ValueError: a NUL
        words = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{event}: {words}; give a file, -, the JSON of an event, or a messageId") from None


def _read(text: bytes) -> Found:
    items = list(_READER.unpack(text))
    events = [item for item in items if isinstance(item, Event)]
    return Found(events, [f"{item.reason}: {item.detail}" for item in items if isinstance(item, Discard)])


def _in_recordings(streams: Streams, wanted: Wanted) -> Found:
    """Look through recordings until the messageId is found."""
    count = 0
    for file, line, item in _located(streams, wanted.paths):
        count += 1
        if isinstance(item, Event) and item.message_id == wanted.event:
            whole = _READER.read(item.raw)
            if isinstance(whole, Event):
                return Found([whole], notes=[f"{wanted.event}: found at {file}:{line}"])
    where = ", ".join(wanted.paths)
    raise UsageError(f"no event with the messageId {wanted.event!r} is among the {count:,} in {where}")


def _located(streams: Streams, paths: tuple[str, ...]) -> Iterator[tuple[str, int, Item]]:
    return read_events(paths, reads=frozenset(), stdin=streams.stdin)


def _in_store(streams: Streams, wanted: Wanted) -> Found:
    folder = Path(wanted.data or streams.env.get("RUPT_DATA") or DEFAULT_DATA)
    if wanted.data is None and not (folder / FILE).is_file():
        raise UsageError(
            f"{wanted.event!r} is no file and no JSON, and as a messageId it cannot be looked up:\n"
            f"  there is no queue in {folder}; name the folder of a server with --data, or recordings with --in"
        )
    with open_store(streams, wanted.data) as desk:
        life = life_of(desk, wanted.event)
    if not life.events and not life.filtered:
        raise UsageError(
            f"{wanted.event!r} is no file and no JSON, and nothing is known of such a messageId in {folder}:\n"
            "  it may never have come, or be too old; name another folder with --data, or recordings with --in"
        )
    return Found(
        [event for one in life.events if one.raw is not None for event in _stored(one.raw)],
        notes=list(_words(life, folder)),
    )


def _stored(raw: bytes) -> Iterator[Event]:
    item = _READER.read(raw)
    if isinstance(item, Event):
        yield item


def _words(life: Life, folder: Path) -> Iterator[str]:
    """Say when the event came, or why it is not there to be explained."""
    name = life.message_id
    for event in life.events:
        if event.raw is None:
            yield f"{name}: received {moment(event.received_at)}, but its content was erased: it has been forgotten"
        else:
            yield f"{name}: as received {moment(event.received_at)} in {folder}; `why {name}` tells what became of it"
    for one in life.filtered:
        why = discard_in_words(one.reason, one.detail)
        yield f"{name}: not taken {moment(one.at)}, so it was not kept: {why}\n  look for it in a recording with --in"
