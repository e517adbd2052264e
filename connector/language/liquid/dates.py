"""Dates of the Liquid filters: any value to a moment, as JavaScript's `new Date` reads it.

What names no zone is UTC; the machine's own zone and the present time play no part, so an event gives the same text
whenever and wherever it is replayed.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.errors import ResolveError
from connector.language.liquid.calendar import CYCLE, DAY, count_clock, count_days
from connector.language.liquid.loose_dates import read_loose_date
from connector.language.liquid.values import Word, to_number
from connector.values import MISSING, Value, text_of

_LAST_MOMENT: Final = 8.64e15  # ECMA-262 TimeClip, in milliseconds
_YEAR_2: Final = (date(2, 1, 1) - date(1970, 1, 1)).days * DAY
_YEAR_2400: Final = (date(2400, 1, 1) - date(1970, 1, 1)).days * DAY
_EPOCH_INCYCLE: Final = (date(1970, 1, 1) - date(2000, 1, 1)).days


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time as it is shown: milliseconds since 1970 already moved by `offset`, minutes west of UTC."""

    milliseconds: int
    offset: float = 0.0
    zone: str = "UTC"

    @property
    def day(self) -> date:
        """The calendar day, its year brought into 2000 to 2399; `year` has the true one."""
        return date(2000, 1, 1) + timedelta(days=self._days % CYCLE)

    @property
    def year(self) -> int:
        """The true year."""
        return self.day.year + 400 * (self._days // CYCLE)

    @property
    def _days(self) -> int:
        return self.milliseconds // DAY + _EPOCH_INCYCLE

    @property
    def clock(self) -> tuple[int, int, int, int]:
        """Hours, minutes, seconds and milliseconds of the day."""
        seconds, thousandths = divmod(self.milliseconds % DAY, 1000)
        return seconds // 3600, seconds // 60 % 60, seconds % 60, thousandths


def read_moment(value: Value, zone: Value = MISSING) -> Moment | None:
    """Read a value as a date: seconds since 1970, or a text as JavaScript reads it. None when it is no date.

    `zone` is a name (Europe/Paris) or JavaScript's minutes west of UTC. Raises ResolveError for an unknown zone, and
    for `now` and `today`, whose answer would be another at every replay.
    """
    milliseconds = _read_milliseconds(value)
    if math.isnan(milliseconds) or abs(milliseconds) > _LAST_MOMENT:
        return None
    utc = int(milliseconds)
    if zone is MISSING or zone is None:
        return Moment(utc)
    offset = _zone_offset(zone, utc) if isinstance(zone, str) else to_number(zone)
    shown = utc - offset * 60_000
    if math.isnan(shown) or abs(shown) > _LAST_MOMENT:
        return None
    return Moment(int(shown), offset, zone if isinstance(zone, str) else "")


def _read_milliseconds(value: Value) -> float:
    if value is None or value is MISSING or isinstance(value, Word):
        return math.nan
    if value in ("now", "today"):
        raise ResolveError(f"the date {value!r} would be another at every replay; format the event's timestamp")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float) or (isinstance(value, str) and value.isascii() and value.isdigit()):
        return to_number(value) * 1000
    return _parse(text_of(value))


def _zone_offset(name: str, utc: int) -> float:
    try:
        zone = ZoneInfo(name)
        there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=_within_calendar(utc))).astimezone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ResolveError("there is no time zone of the name given; write one such as Europe/Paris") from None
    return -(there.utcoffset() or timedelta()).total_seconds() / 60


def _within_calendar(utc: int) -> int:
    """Bring a moment beyond Python's calendar to one with the same offset: rules repeat with the calendar."""
    return max(_YEAR_2, utc) if utc < _YEAR_2400 else _YEAR_2400 + (utc - _YEAR_2400) % (CYCLE * DAY)


_ISO: Final = re.compile(
    r"([0-9]{4}|[+-][0-9]{6})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?(Z|([+-])([0-9]{2}):?([0-9]{2}))?)?",
    re.IGNORECASE,
)


def _parse(text: str) -> float:
    match = _ISO.fullmatch(text)
    moment = _iso_moment(match) if match and match[1] != "-000000" else math.nan
    return read_loose_date(text) if math.isnan(moment) else moment


def _iso_moment(match: re.Match[str]) -> float:
    year, month, day = (int(part or "1") for part in match.groups()[:3])
    hour, minute, second = (int(part or "0") for part in match.groups()[3:6])
    thousandths = int((match[7] or "0")[:3].ljust(3, "0"))
    offset = int(match[10]) * 60 + int(match[11]) if match[9] else 0
    if not (1 <= month <= 12 and 1 <= day <= 31 and int(match[10] or 0) < 24 and int(match[11] or 0) < 60):
        return math.nan
    clock = count_clock(hour, minute, second, thousandths)
    east = -offset if match[9] == "-" else offset
    return math.nan if clock is None else count_days(year, month, day) + clock - east * 60_000
