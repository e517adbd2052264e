"""What Segment adds to an event when it takes it in: its ids, its times, and what a batch says for all of its events.

In: an event's JSON text and what came with it. Out: the text that the queue keeps, with each of its own keys once. The
values inside are not encoded anew: what nobody stamps stays as its sender wrote it.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from connector.events import Fields, corrected_timestamp, merge_objects, open_json
from connector.values import JSON, dump_json, load_json

STAMPED: Final = frozenset({"messageId", "timestamp", "originalTimestamp", "receivedAt", "sentAt", "writeKey"})
_SHARED: Final = ("context", "integrations")
_NOTHING: Final = (b"null", b'""')
_encode: Final[Callable[[Fields], bytes]] = msgspec.json.Encoder().encode


class Envelope(msgspec.Struct, frozen=True):
    """What a batch says for all of its events: context and integrations by name, and when it was sent."""

    shared: Fields = {}
    sent_at: msgspec.Raw | None = None


def envelope_of(fields: Fields) -> Envelope:
    """Take what is for all events out of a batch; an empty object says nothing."""
    shared: Fields = {
        key: fields[key] for key in _SHARED if key in fields and bytes(fields[key]) not in (b"null", b"{}")
    }
    return Envelope(shared, _given(fields, "sentAt"))


class Stamp:
    """Stamps the events of one body, which came at `received_at` seconds since the epoch.

    `kind` is the type of an event that has none. With `relayed` an event that Segment has stamped keeps its times: it
    may come hours after Segment received it, and its device's clock is corrected already.
    """

    def __init__(
        self,
        received_at: float,
        envelope: Envelope,
        new_id: Callable[[], str],
        *,
        kind: str | None = None,
        relayed: bool = False,
    ) -> None:
        received = corrected_timestamp(None, sent_at=None, received_at=received_at)
        self._received_at, self._received = received_at, msgspec.Raw(dump_json(received))
        self._shared, self._sent_at = envelope.shared, envelope.sent_at
        self._new_id, self._kind, self._relayed = new_id, kind, relayed

    def apply(self, raw: bytes) -> bytes | None:
        """Give an event's text with all that it lacks; None when it is no object. Raises ValueError as open_json."""
        fields = open_json(raw)
        if not isinstance(fields, dict):
            return None
        fields.pop("writeKey", None)  # the SDK's credential is no part of the event
        if self._kind is not None and _given(fields, "type") is None:
            fields["type"] = msgspec.Raw(dump_json(self._kind))
        for key, value in self._shared.items():
            fields[key] = _merged(fields.get(key), value)
        if _given(fields, "messageId") is None:
            fields["messageId"] = msgspec.Raw(dump_json(self._new_id()))
        self._set_times(fields)
        return _encode(fields)

    def _set_times(self, fields: Fields) -> None:
        said = _given(fields, "originalTimestamp") or _given(fields, "timestamp")
        sent_at = _given(fields, "sentAt") or self._sent_at
        if sent_at is not None:
            fields["sentAt"] = sent_at
        if self._relayed and _given(fields, "receivedAt") and _given(fields, "timestamp"):
            return
        fields["receivedAt"] = fields["timestamp"] = self._received
        if said is not None:
            fields["originalTimestamp"] = said
            text = corrected_timestamp(_value(said), sent_at=_value(sent_at), received_at=self._received_at)
            fields["timestamp"] = self._received if text is None else msgspec.Raw(dump_json(text))


def _given(fields: Fields, key: str) -> msgspec.Raw | None:
    """Give a field's text; None where there is none, or null, or an empty text."""
    raw = fields.get(key)
    return None if raw is None or (len(raw) < 5 and bytes(raw) in _NOTHING) else raw


def _value(raw: msgspec.Raw | None) -> JSON:
    return None if raw is None else load_json(bytes(raw))


def _merged(own: msgspec.Raw | None, shared: msgspec.Raw) -> msgspec.Raw:
    if own is None or bytes(own) == b"null":
        return shared
    merged = merge_objects(load_json(bytes(own)), load_json(bytes(shared)))
    return msgspec.Raw(dump_json(merged))
