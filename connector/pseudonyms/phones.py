"""Phone numbers to others of the same country and length: a valid one stays valid, any other stays what it was.

In: a text that begins with + or 00. Out: the same text with other digits behind the country code.
"""

import importlib
import re
from collections.abc import Callable
from functools import cache, lru_cache
from types import ModuleType
from typing import Final, TypeAlias

_TRIES: Final = 48  # numbers that are looked at before one more digit stays; of most countries every third is valid
_MOST_KEPT: Final = 6  # digits behind the country code that may stay, where few beginnings are in use
_LEAST_DRAWN: Final = 4  # digits at the end that never stay
_DIGIT: Final = re.compile(r"[0-9]")
_Kind: TypeAlias = tuple[object, ...]


def other_phone(text: str, digits: Callable[[str], str]) -> str:
    """Give another number of the same kind; `digits` gives other digits, as many, and walks on when called again."""
    kind, kept = _kind(text)
    number = "".join(_DIGIT.findall(text))
    for stays in range(kept, min(kept + _MOST_KEPT, len(number) - _LEAST_DRAWN) + 1):
        rest = number[stays:]
        for _ in range(_TRIES):
            rest = digits(rest)
            made = _filled(text, number[:stays] + rest)
            if rest != number[stays:] and _kind(made) == (kind, kept):
                return made
    return _filled(text, number[:kept] + digits(number[kept:]))


def _filled(text: str, digits: str) -> str:
    left = iter(digits)
    return _DIGIT.sub(lambda _: next(left), text)


@lru_cache(maxsize=4096)
def _kind(text: str) -> tuple[_Kind, int]:
    """Say all that Rupt and its library see in a number, and how many digits of the text are its country code."""
    phonenumbers = _phonenumbers()
    international = re.sub(r"^\s*00", "+", text)
    prefix = 2 if international != text else 0
    try:
        number = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException as error:
        return (error.error_type,), prefix
    code = number.country_code
    kind = (
        code,
        phonenumbers.is_possible_number_with_reason(number),
        phonenumbers.is_valid_number(number),
        number.italian_leading_zero,
        len(phonenumbers.national_significant_number(number)),
    )
    return kind, prefix + len(str(code))


@cache
def _phonenumbers() -> ModuleType:
    """Import the library when the first number is met: it is slow to load."""
    return importlib.import_module("phonenumbers")
