"""Dates that are not ISO 8601: `Oct 9, 2026 5:30 PM`, `9 Oct 2026 12:00 GMT+2`, `10/9/2026`, read as V8 reads them.

V8 takes words before the first number, remarks in parentheses and most marks for nothing; a date of one or two parts is
completed from 1 January 2001. What names no zone is UTC.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from connector.language.liquid.calendar import MONTHS, count_clock, count_days
from connector.language.liquid.values import SPACES

_GAPS: Final = SPACES.replace("\u2028", "").replace("\u2029", "")  # V8 takes those two for letters
_TOKEN: Final = re.compile(
    rf"(?P<number>[0-9]+)|(?P<space>[{_GAPS}])|(?P<word>[^\x00-@{_GAPS}]+)|(?P<sign>[+-])|(?P<mark>[:.)])|(?P<other>.)",
    re.DOTALL,
)
_ISO_START: Final = re.compile(
    "([0-9]{4}|[+-][0-9]{6})(?![0-9])(?:-(?:(0[1-9]|1[0-2])(?![0-9])(?:-(?:(0[1-9]|[12][0-9]|3[01])(?![0-9]))?)?)?)?"
)
_ZONES: Final = {"utc": 0, "ut": 0, "gmt": 0, "z": 0} | {
    zone: hours
    for at, name in enumerate(("e", "c", "m", "p"))
    for zone, hours in ((f"{name}st", -5 - at), (f"{name}dt", -4 - at))
}
_MONTH_NUMBERS: Final = {name[:3].lower(): at for at, name in enumerate(MONTHS, 1)}
_Token: TypeAlias = tuple[str, str]  # what it is, and its text
_END: Final[_Token] = ("end", "")
_AHEAD: Final = 4  # so many tokens decide what a part of a date is


def read_loose_date(text: str) -> float:
    """Read a date as V8's fallback for what is not ISO 8601: milliseconds since 1970, NaN when it is no date."""
    return _Reading().read(text)


@dataclass(slots=True)
class _Reading:
    """What has been read of a date: up to three numbers of the day, up to four of the time, and an offset."""

    days: list[int] = field(default_factory=list)
    month: int | None = None
    times: list[int] = field(default_factory=list)
    noon: int | None = None
    sign: int | None = None
    hours: int | None = None
    minutes: int | None = None

    def read(self, text: str) -> float:
        start = _ISO_START.match(text)
        if start:
            self.days = [int(part) for part in start.groups() if part]
        rest = _without_remarks(text[start.end() if start else 0 :])
        tokens = [(str(match.lastgroup), match[0]) for match in _TOKEN.finditer(rest)] + [_END] * _AHEAD
        at, seen = 0, bool(self.days)
        while tokens[at][0] != "end":
            step = self.take(tokens[at : at + _AHEAD], seen=seen)
            if step == 0:
                return math.nan
            seen = seen or tokens[at][0] == "number" or (tokens[at][0] == "sign" and self.sign is not None)
            at += step
        return self.moment()

    def take(self, tokens: list[_Token], *, seen: bool) -> int:
        """Take one part from the front; gives how many tokens it had, 0 when this is no date."""
        kind, text = tokens[0]
        if kind == "number":
            return self.take_number(text, tokens[1:])
        if kind == "word":
            return self.take_word(text.lower(), tokens[1][0], tokens[1][1], seen=seen)
        if kind == "sign" and (self.hours == self.minutes == 0 or self.times):
            return self.take_offset(text, tokens[1:])
        return 0 if seen and (kind == "sign" or text == ")") else 1

    def take_number(self, text: str, after: list[_Token]) -> int:
        number, (kind, following) = int(text.lstrip("0")[:9] or 0), after[0]
        if following == ":":
            return self.take_hour(number, after[1:])
        if following == "." and self.expects_time(number):
            return self.take_thousandths(number, after[1])
        skipped = 1 + (following == ".")
        if self.hours is not None and self.minutes is None and number < 60:
            self.minutes = number
            return skipped
        if self.expects_time(number):
            self.times += [number, 0, 0, 0][: 4 - len(self.times)]
            ends = kind in ("end", "space", "sign") or following in ("Z", "z")
            return skipped if ends else 0
        if len(self.days) == 3:
            return 0
        self.days.append(number)
        return skipped + (after[skipped - 1][1] == "-")

    def take_hour(self, number: int, after: list[_Token]) -> int:
        if after[0][1] == ":":
            if self.times:
                return 0
            self.times += [number, 0]
            return 3
        if len(self.times) == 4:
            return 0
        self.times.append(number)
        return 2 + (after[0][1] == ".")

    def take_thousandths(self, number: int, after: _Token) -> int:
        kind, digits = after
        if kind != "number":
            return 0
        self.times += [number, int(digits[:3].ljust(3, "0"))]
        self.times += [0] * (4 - len(self.times))
        return 3

    def expects_time(self, number: int) -> bool:
        return 0 < len(self.times) < 4 and number < (60, 60, 1000)[len(self.times) - 1]

    def take_word(self, word: str, kind: str, following: str, *, seen: bool) -> int:
        if word in ("am", "pm") and self.times:
            self.noon = 12 * (word == "pm")
        elif word[:3] in _MONTH_NUMBERS:
            self.month = _MONTH_NUMBERS[word[:3]]
            return 1 + (following == "-")
        elif word in _ZONES and seen:
            self.sign, self.hours, self.minutes = (-1 if _ZONES[word] < 0 else 1), abs(_ZONES[word]), 0
        elif seen or kind == "number":
            return 0
        return 1

    def take_offset(self, sign: str, after: list[_Token]) -> int:
        self.sign = -1 if sign == "-" else 1
        digits = after[0][1] if after[0][0] == "number" else ""
        taken = 1 + bool(digits)
        number = int(digits[:9] or 0)
        if after[taken - 1][1] == ":":
            self.hours, self.minutes = number, None
        elif len(digits) in (1, 2):
            self.hours, self.minutes = number, 0
        elif len(digits) in (3, 4):
            self.hours, self.minutes = divmod(number, 100)
        else:
            return 0
        return taken

    def moment(self) -> float:
        found = self.calendar_day()
        clock = self.clock()
        if found is None or clock is None:
            return math.nan
        east = (self.sign or 0) * ((self.hours or 0) * 60 + (self.minutes or 0))
        return count_days(*found) + clock - east * 60_000

    def calendar_day(self) -> tuple[int, int, int] | None:
        if not self.days:
            return None
        first, second, third = (*self.days, 1, 1)[:3]
        if self.month is None:
            year, month, day = (third, first, second) if 1 <= first <= 31 else (first, second, third)
        else:
            month = self.month
            day, year = (first, second) if 1 <= first <= 31 else (second, first)
        year += 2000 if 0 <= year < 50 else 1900 if 50 <= year < 100 else 0
        return (year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None

    def clock(self) -> int | None:
        hour, minute, second, thousandths = (*self.times, 0, 0, 0, 0)[:4]
        if self.noon is not None:
            if hour > 12:
                return None
            hour = hour % 12 + self.noon
        return count_clock(hour, minute, second, thousandths)


def _without_remarks(text: str) -> str:
    """Put one character without meaning in place of each `(remark)`, nested ones and an open one included."""
    kept, depth = [], 0
    for char in text:
        if char == "(":
            kept += ["\x00"] if not depth else []
            depth += 1
        elif not depth:
            kept.append(char)
        elif char == ")":
            depth -= 1
    return "".join(kept)
