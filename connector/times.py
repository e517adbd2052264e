"""When an event happened: ISO 8601 texts and numbers in, seconds since 1970 or Segment's usual text out. No clock."""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from connector.values import JSON

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_END: Final = 253_402_300_800  # the year 10000
_MILLISECONDS_FROM: Final = 100_000_000_000  # a number from here on is in milliseconds: 1973 as such, 5138 as seconds


class Cutoff(msgspec.Struct, frozen=True):
    """A moment, as seconds since 1970 and as the text that SDKs send. Made by `cutoff_at`."""

    seconds: float
    text: str


def cutoff_at(seconds: float) -> Cutoff:
    """Make a Cutoff of seconds since 1970; its text is the first whole millisecond that is not before it."""
    return Cutoff(seconds, _time_text(math.ceil(round(seconds * 1000, 3)) / 1000) or "")


def is_before(data: dict[str, JSON], cutoff: Cutoff) -> bool:
    """Whether an event happened before `cutoff`; False when it has no readable time.

    A `timestamp` in the SDKs' form `2026-11-21T04:28:13.571Z` is compared as text and not read.
    """
    text = data.get("timestamp")
    if text.__class__ is str and len(text) == 24 and text[23] == "Z" and text[10] == "T":
        return text < cutoff.text
    seconds = event_time(data)
    return seconds is not None and seconds < cutoff.seconds


def event_time(data: dict[str, JSON]) -> float | None:
    """When an event happened, in seconds since 1970: its timestamp, else what the other times say; None if unreadable.

    `data` is a whole event or what any Reader left of it.
    """
    own = data.get("timestamp")
    if own is not None:
        return _seconds(own)
    return _corrected(*(_seconds(data.get(key)) for key in ("originalTimestamp", "sentAt", "receivedAt")))


def corrected_timestamp(original: JSON, *, sent_at: JSON, received_at: JSON) -> str | None:
    """Take a wrong device clock out of a time: `received_at - (sent_at - original)`, as `2026-11-21T04:28:13.571Z`.

    Without a readable `sent_at` or `received_at` there is no correction. Without `original` it is when the event was
    received, else sent. None when nothing can be read. The rule is Segment's.
    """
    seconds = _corrected(_seconds(original), _seconds(sent_at), _seconds(received_at))
    return None if seconds is None else _time_text(seconds)


def _corrected(original: float | None, sent: float | None, received: float | None) -> float | None:
    if original is None:
        return sent if received is None else received
    if sent is None or received is None:
        return original
    return received - (sent - original)


def _seconds(value: JSON) -> float | None:
    """Read ISO 8601 (without an offset it is UTC), or milliseconds or seconds since 1970 as a number or its digits."""
    if isinstance(value, str):
        return _seconds_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    return float(seconds) if 0 <= seconds < _SECONDS_END else None


def _seconds_of_text(text: str) -> float | None:
    if text.isdecimal() and text.isascii() and 9 <= len(text) <= 16:
        return _seconds(int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH).total_seconds()


def _time_text(seconds: float) -> str | None:
    try:
        moment = _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except OverflowError:
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
