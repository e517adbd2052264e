"""Formats of the Liquid date filters, such as `%Y-%m-%d`: a moment and a format in, a text out.

The codes are liquidjs 10.27.2's; names are English and `%x` is American whatever the machine's language.
"""

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

from connector.errors import ResolveError
from connector.language.liquid.calendar import DAYS, MONTHS
from connector.language.liquid.dates import Moment

DEFAULT_FORMAT: Final = "%A, %B %-e, %Y at %-l:%M %P %z"
_WIDEST: Final = 1_000  # of a padded field: liquidjs would let one code print a hundred million characters
_CODE: Final = re.compile("%([-_0^#:]+)?([0-9]+)?[EO]?([^\n\r\u2028\u2029])")

_Print: TypeAlias = Callable[[Moment], str | int]


def format_moment(moment: Moment, format: str) -> str:
    """Print a moment; an unknown code stays as it is written. Raises ResolveError for a field of absurd width."""
    return "".join([part if isinstance(part, str) else part(moment) for part in _split(format)])


@lru_cache(maxsize=256)
def _split(format: str) -> tuple[str | Callable[[Moment], str], ...]:
    parts: list[str | Callable[[Moment], str]] = []
    at = 0
    for match in _CODE.finditer(format):
        parts += [format[at : match.start()], _field(match)]
        at = match.end()
    return (*parts, format[at:])


def _field(match: re.Match[str]) -> str | Callable[[Moment], str]:
    flags, width, code = match[1] or "", int((match[2] or "0")[:9]), match[3]
    if width > _WIDEST:
        raise ResolveError(f"the date format {match[0]!r} is wider than {_WIDEST} characters")
    print_code = _zone_printer(code, flags) or _fraction_printer(code, width) or _CODES.get(code)
    if print_code is None:
        return match[0]
    change = str.upper if "^" in flags else _change_case if "#" in flags else str
    least = 0 if "-" in flags else width or _WIDTHS.get(code, 0)
    fill = " " if "_" in flags else "0" if "0" in flags or code not in _SPACED else " "
    return lambda moment: change(str(print_code(moment))).rjust(least, fill)


def _zone_printer(code: str, flags: str) -> _Print | None:
    if code == "z":
        return lambda moment: _offset(moment, ":" if ":" in flags else "")
    if code == "Z":
        return lambda moment: moment.zone or _offset(moment, ":" if ":" in flags else "")
    return None


def _fraction_printer(code: str, width: int) -> _Print | None:
    if code != "N":
        return None
    digits = width or 9
    return lambda moment: f"{moment.clock[3]:03d}"[:digits].ljust(digits, "0")


def _offset(moment: Moment, colon: str) -> str:
    hours, minutes = divmod(abs(moment.offset), 60)
    return f"{'-' if moment.offset > 0 else '+'}{hours:02.0f}{colon}{minutes:02.0f}"


def _change_case(text: str) -> str:
    return text.upper() if re.search("[a-z]", text) else text.lower()


def _day_of_year(moment: Moment) -> int:
    return moment.day.timetuple().tm_yday


def _weekday(moment: Moment) -> int:
    return moment.day.isoweekday() % 7  # 0 is Sunday


def _week(moment: Moment, first: int) -> int:
    """Count weeks that begin on a weekday; liquidjs counts the days before the first of them as week 1 or 0."""
    january = moment.day.replace(month=1, day=1).isoweekday() % 7
    return (_day_of_year(moment) + first - _weekday(moment) - (7 - january + first)) // 7 + 1


def _ordinal(moment: Moment) -> str:
    day = moment.day.day
    return "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _hour(moment: Moment) -> int:
    return moment.clock[0] % 12 or 12


def _american_date(moment: Moment) -> str:
    return f"{moment.day.month}/{moment.day.day}/{moment.year}"


def _american_time(moment: Moment) -> str:
    _, minute, second, _ = moment.clock
    return f"{_hour(moment)}:{minute:02d}:{second:02d} {'AM' if moment.clock[0] < 12 else 'PM'}"


_SPACED: Final = frozenset("aAbBceklpP")
_WIDTHS: Final = dict.fromkeys("deHIklmMSUW", 2) | dict.fromkeys("jL", 3)
_CODES: Final[dict[str, _Print]] = {
    "a": lambda moment: DAYS[_weekday(moment)][:3],
    "A": lambda moment: DAYS[_weekday(moment)],
    "b": lambda moment: MONTHS[moment.day.month - 1][:3],
    "B": lambda moment: MONTHS[moment.day.month - 1],
    "c": lambda moment: f"{_american_date(moment)}, {_american_time(moment)}",
    "C": lambda moment: int(str(moment.year)[:2]),
    "d": lambda moment: moment.day.day,
    "e": lambda moment: moment.day.day,
    "h": lambda moment: MONTHS[moment.day.month - 1][:3],
    "H": lambda moment: moment.clock[0],
    "I": _hour,
    "j": _day_of_year,
    "k": lambda moment: moment.clock[0],
    "l": _hour,
    "L": lambda moment: moment.clock[3],
    "m": lambda moment: moment.day.month,
    "M": lambda moment: moment.clock[1],
    "n": lambda _: "\n",
    "p": lambda moment: "AM" if moment.clock[0] < 12 else "PM",
    "P": lambda moment: "am" if moment.clock[0] < 12 else "pm",
    "q": _ordinal,
    "s": lambda moment: math.floor(moment.milliseconds / 1000 + 0.5),
    "S": lambda moment: moment.clock[2],
    "t": lambda _: "\t",
    "u": lambda moment: moment.day.isoweekday(),
    "U": lambda moment: _week(moment, 0),
    "w": _weekday,
    "W": lambda moment: _week(moment, 1),
    "x": _american_date,
    "X": _american_time,
    "y": lambda moment: str(moment.year)[2:4],
    "Y": lambda moment: moment.year,
    "%": lambda _: "%",
}
