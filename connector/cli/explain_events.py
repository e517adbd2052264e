"""The event that `explain` is asked about: a file, standard input, JSON, or a messageId that is looked up.

In: what the command line said. Out: whole events, what could not be read as one, and words on where they were found.
The queue of a server is only read.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from connector.cli.reasons import discard_in_words
from connector.cli.store import moment, open_store
from connector.cli.streams import Streams
from connector.config import DEFAULT_DATA
from connector.errors import UsageError
from connector.events import Event, Item, Reads, event_reader
from connector.queue.desk_life import Life, life_of
from connector.queue.store import FILE
from connector.sources.files import STDIN, read_events

_READER: Final = event_reader(None)


class Wanted(msgspec.Struct, frozen=True):
    """What the command line said: EVENT, and where to look for it as a messageId."""

    event: str
    paths: tuple[str, ...]
    data: str | None


class Found(msgspec.Struct, frozen=True):
    """Events to explain, read one by one, and what to say of where they were or why they are not kept.

    `faults` fills while the events are gone through: what is no event, and why.
    """

    events: Iterable[Event]
    faults: list[str] = []
    notes: list[str] = []


def find_events(streams: Streams, wanted: Wanted) -> Found:
    """Find the event. Raises UsageError, which says what was tried, and SourceError where a file cannot be opened."""
    if wanted.paths:
        return _in_recordings(streams, wanted)
    if wanted.event.lstrip().startswith(("{", "[")):
        return _read(("", item) for item in _READER.unpack(wanted.event.encode("utf-8", "surrogateescape")))
    if wanted.event == STDIN or _is_file(wanted.event):
        located = _located(streams, (wanted.event,))
        return _read((f"{file}:{line}: ", item) for file, line, item in located)
    return _in_store(streams, wanted)


def _is_file(event: str) -> bool:
    """Say whether it is a file that is meant, and not a messageId."""
    try:
        if Path(event).is_dir():
            raise UsageError(f"{event}: Is a directory; give a file, -, the JSON of an event, or a messageId")
        return Path(event).exists()
    except (OSError, ValueError) as error:  # ValueError: a NUL
        words = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{event}: {words}; give a file, -, the JSON of an event, or a messageId") from None


def _read(items: Iterable[tuple[str, Item]]) -> Found:
    """Take the events of a source; what is none goes to the faults, with its place."""
    faults: list[str] = []

    def events() -> Iterator[Event]:
        for place, item in items:
            if isinstance(item, Event):
                yield item
            else:
                faults.append(f"{place}{item.reason}: {item.detail}")

    return Found(events(), faults)


def _in_recordings(streams: Streams, wanted: Wanted) -> Found:
    """Look through recordings until the messageId is found."""
    count = 0
    for file, line, item in _located(streams, wanted.paths, frozenset()):
        count += 1
        if isinstance(item, Event) and item.message_id == wanted.event:
            whole = _READER.read(item.raw)
            if isinstance(whole, Event):
                return Found([whole], notes=[f"{wanted.event}: found at {file}:{line}"])
    where = ", ".join(wanted.paths)
    raise UsageError(f"no event with the messageId {wanted.event!r} is among the {count:,} in {where}")


def _located(streams: Streams, paths: tuple[str, ...], reads: Reads = None) -> Iterator[tuple[str, int, Item]]:
    return read_events(paths, reads=reads, stdin=streams.stdin)


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
