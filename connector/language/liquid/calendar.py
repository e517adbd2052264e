"""The calendar of the Liquid date filters: names, and days and times counted in milliseconds; no zones, no present."""

from datetime import date
from typing import Final

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
DAY: Final = 86_400_000  # milliseconds
CYCLE: Final = 146_097  # days in 400 years, after which the calendar repeats


def count_clock(hour: int, minute: int, second: int, thousandths: int) -> int | None:
    """Count milliseconds from midnight to a time, 24:00 allowed; None when there is no such time."""
    past_midnight = hour == 24 and minute == second == thousandths == 0
    if not past_midnight and not (hour < 24 and minute < 60 and second < 60 and thousandths < 1000):
        return None
    return ((hour * 60 + minute) * 60 + second) * 1000 + thousandths


def count_days(year: int, month: int, day: int) -> int:
    """Count milliseconds from 1970 to a day; a 31st that the month has not runs over into the next."""
    cycle, rest = divmod(year - 2000, 400)
    days = (date(2000 + rest, month, 1) - date(1970, 1, 1)).days + day - 1
    return (days + cycle * CYCLE) * DAY
