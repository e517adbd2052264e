"""Dates and times moved by an amount: the text keeps its form.

In: a text of ISO 8601, or a number of seconds or milliseconds since 1970. Out: the same, so much later or earlier.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

DATE: Final = (
    r"(?<![0-9.-])[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?(?![0-9-])"
)
DAY: Final = 86_400
_is_date: Final = re.compile(DATE, re.IGNORECASE).fullmatch
_EPOCHS: Final = ((1e8, 4e9, 1), (1e11, 4e12, 1000))  # seconds and milliseconds of 1973 to 2096


def moved_text(text: str, seconds: float) -> str | None:
    """Move a date by whole days, a date and time by seconds; None for a text that is neither."""
    if not _is_date(text):
        return None
    if not seconds:
        return text
    is_date = len(text) == 10
    try:
        moment = datetime.fromisoformat(text[:19] if text[16:17] == ":" else text[:16]).replace(tzinfo=UTC)
        moment += timedelta(days=int(seconds / DAY)) if is_date else timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    day = f"{moment.year:04}-{moment:%m-%d}"
    if is_date:
        return day
    end = 19 if text[16:17] == ":" else 16
    return f"{day}{text[10]}{f'{moment:%H:%M:%S}'[: end - 11]}{text[end:]}"


def moved_number(number: float, seconds: float) -> float | None:
    """Move a moment in seconds or milliseconds since 1970; None for a number that is none."""
    for first, end, unit in _EPOCHS:
        if first <= number < end:
            made = number + seconds * unit
            return int(made) if isinstance(number, int) else made
    return None
