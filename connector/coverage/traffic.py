"""Which fields the events of the traffic have, and which of them no mapping reads; disabled ones read nothing.

Positions in lists are folded into one (`products[].sku`), and so are keys beyond a number (`.*`): what is remembered
has a bound, however many events there are. Only names of fields are kept, no values.
"""

from collections.abc import Iterator
from typing import Final

from connector.coverage.report import Unread
from connector.destination import Destination
from connector.events import EVENT_TYPES
from connector.language.paths import Keys, quote_keys
from connector.values import JSON

_ITEMS: Final = "[]"
_OTHERS: Final = "*"
_MOST_KEYS: Final = 200  # of one object that are told apart
_MOST_PLACES: Final = 5_000
_DEEPEST: Final = 12  # levels; what is further down counts as one value
# What senders add by themselves to carry an event: nobody misses it in a mapping.
_ENVELOPE: Final[tuple[Keys, ...]] = (
    *((key,) for key in ("messageId", "type", "channel", "version", "writeKey", "projectId", "integrations")),
    *((key,) for key in ("timestamp", "originalTimestamp", "sentAt", "receivedAt", "_metadata")),
    *(("context", key) for key in ("library", "protocols", "consent", "userAgentData")),
)


class _Place:
    """A key of the events seen so far; `last` is the event that had it last, so that a list's items count once.

    `read`: it is read with all below it; `measured`: only its length is, what is in it is not.
    """

    __slots__ = ("below", "events", "last", "measured", "read", "types")

    def __init__(self) -> None:
        self.below: dict[str, _Place] = {}
        self.read = self.measured = False
        self.events = self.last = 0
        self.types: set[str] = set()


class Traffic:
    """Remembers the fields of events that were seen."""

    def __init__(self, destination: Destination) -> None:
        self.events = 0
        reads = destination.only(mapping.name for mapping in destination.mappings if mapping.enabled).event_reads
        self.reads_all = reads is None
        self._places = 0
        self._type = ""
        self._root = _Place()
        for keys in (*_ENVELOPE, *(reads or ())):
            self._mark_read(keys)

    def _mark_read(self, keys: Keys) -> None:
        place = self._root
        for key in keys:
            place.measured = place.measured or key == "length"
            place = place.below.setdefault(_ITEMS if key.isdecimal() else key, _Place())
        place.read = True

    def see(self, event: dict[str, JSON]) -> None:
        """Look at one whole event."""
        self.events += 1
        if self.reads_all:
            return
        kind = event.get("type")
        self._type = kind if isinstance(kind, str) and kind in EVENT_TYPES else ""
        self._look_into(self._root, event, _DEEPEST)

    def _look_into(self, place: _Place, value: dict[str, JSON], levels: int) -> None:
        for key, item in value.items():
            below = place.below.get(key) or self._grow(place, key)
            if not below.read:
                self._look_at(below, item, levels - 1)

    def _look_at(self, place: _Place, value: JSON, levels: int) -> None:
        if value is None or value in ({}, []):
            return  # there is nothing to read
        if levels and isinstance(value, dict):
            self._look_into(place, value, levels)
        elif levels and isinstance(value, list):
            items = place.below.get(_ITEMS) or self._grow(place, _ITEMS)
            for item in () if items.read else value:
                self._look_at(items, item, levels - 1)
        elif place.last != self.events:
            place.last = self.events
            place.events += 1
            if self._type not in place.types:
                place.types.add(self._type)

    def _grow(self, place: _Place, key: str) -> _Place:
        """Remember a new key, or give the place of all that are too many."""
        if self._places >= _MOST_PLACES or len(place.below) >= _MOST_KEYS:
            key = _OTHERS
        if key not in place.below:
            place.below[key] = _Place()
            self._places += 1
        return place.below[key]

    def unread(self) -> tuple[Unread, ...]:
        """List the fields that were seen and are not read, the commonest first."""
        found = [
            Unread(_path_text(path), place.events, tuple(sorted(filter(None, place.types))))
            for path, place in _leaves(self._root, ())
        ]
        return tuple(sorted(found, key=lambda field: (-field.events, field.path)))


def _leaves(place: _Place, path: Keys) -> Iterator[tuple[Keys, _Place]]:
    for key, below in place.below.items():
        if below.events and not (below.read or below.measured):
            yield (*path, key), below
        yield from _leaves(below, (*path, key))


def _path_text(path: Keys) -> str:
    text = ""
    for key in path:
        written = _ITEMS if key == _ITEMS else quote_keys((key,))
        text += f".{written}" if text and not written.startswith("[") else written
    return text
