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
_SIGNS: Final = (  # all that the library lets stand between digits
    r"\-x\u2010-\u2015\u2212\u30fc\uff0d-\uff0f \t\u00a0\u00ad\u200b\u2060\u3000()\uff08\uff09\uff3b\uff3d."
    r"\[\]/~\u2053\u223c\uff5e"
)
_BEFORE: Final = r"e?xt(?:ensi[o\u00f3]n?)?|[x#~]|int|\u0434\u043e\u0431|anexo"
_EXTENSION: Final = rf"(?:;ext=|[ \u00a0,]*(?:{_BEFORE})[:.]?[ \u00a0,-]*)[0-9]{{1,20}}#?"
PHONE: Final = rf"(?<![^\W_])(?:[+\uff0b]|00)[0-9][0-9{_SIGNS}]{{4,}}[0-9](?:{_EXTENSION})?(?![^\W_])"
_find_extension: Final = re.compile(f"{_EXTENSION}$", re.IGNORECASE).search
_Kind: TypeAlias = tuple[object, ...]


def other_phone(text: str, digits: Callable[[str], str]) -> str:
    """Give another number of the same kind; `digits` gives other digits, as many, and walks on when called again.

    What is behind an extension's sign changes by itself: without it the number is the same one.
    """
    if (extension := _find_extension(text)) and extension.start() > 0:
        head, tail = text[: extension.start()], extension[0]
        return other_phone(head, digits) + _filled(tail, digits("".join(_DIGIT.findall(tail))))
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
