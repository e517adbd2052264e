"""A request's body becomes jobs: opened, stamped as Segment stamps what it takes in, and routed to the mappings.

In: the path and body of a request, and when it came. Out: the jobs to be queued, and why every other event makes none.
No input makes it raise. It reads no request, checks no credential (webhooks) and puts nothing into a queue (http).
"""

from collections.abc import Callable
from typing import Final

import msgspec

from connector.destination import Destination
from connector.events import (
    BOM,
    EVENT_TYPES,
    MAX_DEPTH,
    OPEN_DEPTH,
    ROUTE_TYPES,
    Discard,
    Event,
    Fields,
    Reader,
    TooDeepError,
    event_reader,
    gunzip,
    has_type,
    open_json,
    route_word,
)
from connector.language.triggers import trigger_reads
from connector.nesting import cut_below, is_deeper
from connector.queue import Filtered, Job, account_of, new_job
from connector.routes import Match, Routes
from connector.sources.stamping import STAMPED, Envelope, Stamp, envelope_of
from connector.values import load_json

WEBHOOK: Final = "webhook"
_LONGEST_ID: Final = 100  # characters that are kept of what cannot become an event


class Limits(msgspec.Struct, frozen=True):
    """What a sender may send: bytes of an event and of a body, zipped or not, and events of a body.

    Segment allows 32 KB, 500 KB and 2,500. Its SDKs know of the 500 KB and exceed them now and then by the envelope or
    by letters that take more than a byte, and drop what is refused; so a body may be twice as large here.
    `body_timeout` is how many seconds a client may take for a body; `memory` how many bytes all bodies may hold that
    are being read or queued.
    """

    event: int = 32 * 1024
    body: int = 1_000_000
    events: int = 2_500
    body_timeout: float = 30.0
    memory: int = 64_000_000


DEFAULT_LIMITS: Final = Limits()


class Taken(msgspec.Struct, frozen=True):
    """What a body holds. `events` counts all that it has; `filtered` has the discards too, in front.

    `fault`: the body is unreadable or too large, nothing of it can be used. `write_key` is what the body gives as such,
    and `types` are the types of its events, without what was discarded.
    """

    jobs: list[Job] = []
    filtered: list[Filtered] = []
    events: int = 0
    discards: list[Discard] = []
    fault: Discard | None = None
    write_key: str = ""
    types: frozenset[str] = frozenset()


class _Opened(msgspec.Struct, frozen=True):
    """A body that is open: the texts of its events, what it says for all, and the type that its route gives."""

    items: list[bytes]
    envelope: Envelope
    kind: str | None = None
    write_key: str = ""
    discard: Discard | None = None
    is_batch: bool = True


class Intake:
    """Takes bodies in for one destination; replaced whole when the destination's file changes.

    `new_id` makes a messageId for an event that has none. `types` are those that some mapping could take.
    """

    def __init__(self, destination: Destination, *, new_id: Callable[[], str], limits: Limits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.types = _types_taken(destination)
        self._new_id = new_id
        self._reader = event_reader(destination.event_reads)
        self._match = Routes(destination).match
        # What a trigger reads of what is stamped has to be stamped before; else only what makes a job need be.
        reads = {keys[0] for mapping in destination.mappings for keys in trigger_reads(mapping.trigger) if keys}
        self._routes_early = reads.isdisjoint(STAMPED)

    def take(self, path: str, body: bytes, *, received_at: float) -> Taken:
        """Make the jobs of a request to `path`; `received_at` is in seconds since the epoch."""
        word = route_word(path)
        if word == "m":  # the browser SDK's own metrics, no events
            return Taken()
        try:
            opened = self._open(word, body)
        except ValueError as error:
            return Taken(fault=Discard("bad_request", str(error)))
        if len(opened.items) > self.limits.events:
            detail = f"the batch holds {len(opened.items):,} events, more than {self.limits.events:,}"
            return Taken(fault=Discard("bad_request", detail), write_key=opened.write_key)
        relayed = word == WEBHOOK
        stamp = Stamp(received_at, opened.envelope, self._new_id, kind=opened.kind, relayed=relayed)
        sorting = _Sorting(opened, stamp, received_at, self._match, deletes=relayed)
        if opened.discard:
            sorting.discard(opened.discard)
        self._sort(opened, sorting)
        return sorting.taken()

    def _sort(self, opened: _Opened, sorting: "_Sorting") -> None:
        plain = self._reader.plain if self._routes_early and not opened.envelope.shared else None
        for sorting.number, raw in enumerate(opened.items, 1):
            if unfit := self._unfit(raw):
                sorting.discard(unfit)
                continue
            event = plain(raw) if plain is not None else None
            try:
                if event is not None:
                    sorting.route(event, stamped=False)
                else:
                    sorting.stamp_and_route(raw, self._reader)
            except ValueError as error:
                sorting.discard(Discard("bad_request", str(error), _id_in(raw)))

    def _unfit(self, raw: bytes) -> Discard | None:
        largest = self.limits.event
        if len(raw) > largest:
            return Discard("event_too_large", f"the event has {len(raw):,} bytes, more than {largest:,}", _id_in(raw))
        return _too_deep(raw)

    def _open(self, word: str, body: bytes) -> _Opened:
        """Open a body; raises ValueError when it is too large or cannot be read."""
        limit = self.limits.body
        if len(body) > limit:
            raise ValueError(f"the body has {len(body):,} bytes, more than {limit:,}")
        text = gunzip(body, limit=limit).removeprefix(BOM).strip()
        try:
            return self._open_text(word, text)
        except TooDeepError:  # what is cut is still deeper than an event may be, and so the others alone are taken
            return self._open_text(word, cut_below(text, OPEN_DEPTH))

    def _open_text(self, word: str, text: bytes) -> _Opened:
        found = open_json(text)
        if isinstance(found, list):
            return _opened_list(found, Envelope())
        if found is None:
            return _Opened([], Envelope(), discard=Discard("bad_request", "expected an event object or a batch"))
        write_key = _text(found, "writeKey")
        if "batch" in found and not has_type(found):
            return _opened_batch(found, write_key)
        return _Opened([text], Envelope(), ROUTE_TYPES.get(word), write_key, is_batch=False)


def _types_taken(destination: Destination) -> frozenset[str]:
    taken: set[str] = set()
    for mapping in destination.mappings:
        if mapping.enabled:
            taken |= EVENT_TYPES if mapping.gate.types is None else mapping.gate.types
    return frozenset(taken)


def _opened_batch(fields: Fields, write_key: str) -> _Opened:
    items = open_json(bytes(fields["batch"]))
    if isinstance(items, list):
        return _opened_list(items, envelope_of(fields), write_key)
    found = "an object" if items is not None else "neither an array nor an object"
    return _Opened(
        [], Envelope(), write_key=write_key, discard=Discard("bad_request", f"batch must be an array, found {found}")
    )


def _opened_list(items: list[msgspec.Raw], envelope: Envelope, write_key: str = "") -> _Opened:
    empty = None if items else Discard("empty_batch", "the batch holds no events")
    return _Opened([bytes(item) for item in items], envelope, write_key=write_key, discard=empty)


def _too_deep(raw: bytes) -> Discard | None:
    """Say that an event is too deep, wherever it is: not only where somebody reads it."""
    if not is_deeper(raw, MAX_DEPTH):
        return None
    return Discard("nested_too_deeply", f"the event is nested more than {MAX_DEPTH} levels deep", _id_in(raw))


def _id_in(raw: bytes) -> str | None:
    """Find the messageId in a text that cannot become an event."""
    try:
        found = open_json(cut_below(raw, 1))
        own = _text(found, "messageId") if isinstance(found, dict) else ""
    except ValueError:
        return None
    return own if 0 < len(own) <= _LONGEST_ID else None


def _text(fields: Fields, key: str) -> str:
    raw = fields.get(key)
    value = None if raw is None else load_json(bytes(raw))
    return value if isinstance(value, str) else ""


class _Sorting:
    """The events of one body on their way: each becomes jobs, or is filtered, or discarded."""

    def __init__(self, opened: _Opened, stamp: Stamp, received_at: float, match: Match, *, deletes: bool) -> None:
        self.number = 0
        self._opened, self._stamp, self._received_at, self._match = opened, stamp, received_at, match
        self._deletes = deletes
        self._jobs: list[Job] = []
        self._filtered: list[Filtered] = []
        self._discards: list[Discard] = []
        self._types: set[str] = set()

    def discard(self, found: Discard) -> None:
        """Note what cannot become an event, and where in a batch it stood."""
        if self._opened.is_batch and self.number:
            found = Discard(found.reason, f"item {self.number}: {found.detail}", found.message_id)
        self._discards.append(found)

    def stamp_and_route(self, raw: bytes, reader: Reader) -> None:
        """Take an event that lacks something, or whose stamps decide where it goes, or that is none at all.

        Raises ValueError, as `route` does, when the event's text cannot be read; its message is without values.
        """
        stamped = self._stamp.apply(raw)
        if stamped is not None and self._opened.envelope.shared and (unfit := _too_deep(stamped)):
            self.discard(unfit)
            return
        item = reader.read(raw if stamped is None else stamped)
        if isinstance(item, Event):
            self.route(item, stamped=True)
        else:
            self.discard(item)

    def route(self, event: Event, *, stamped: bool) -> None:
        """Make an event's jobs, or note why there are none."""
        if event.type == "delete" and not self._deletes:
            detail = "delete events come from webhooks only"
            self.discard(Discard("UNSUPPORTED_EVENT_TYPE", detail, event.message_id))
            return
        self._types.add(event.type)
        found = self._match(event.data)
        if isinstance(found, str):
            self._filtered.append(Filtered(event.message_id, found))
            return
        raw = event.raw if stamped else self._stamp.apply(event.raw)
        assert raw is not None  # it is an event, and so an object
        account = account_of(event.data)
        self._jobs += [new_job(event.message_id, mapping.name, raw, self._received_at, account) for mapping in found]

    def taken(self) -> Taken:
        """Give all that was found."""
        discarded = [Filtered(found.message_id or "", found.reason, "", found.detail) for found in self._discards]
        return Taken(
            self._jobs,
            discarded + self._filtered,
            len(self._opened.items),
            self._discards,
            write_key=self._opened.write_key,
            types=frozenset(self._types),
        )
