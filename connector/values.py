"""JSON values as the language sees them: what JavaScript's makers of events would print, compare and measure.

In and out are plain Python values of JSON. Nothing here reads a file, knows an event or raises on odd input.
"""

import json
import re
from enum import Enum
from math import isfinite
from typing import Final, TypeAlias

import msgspec

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"


class Missing(Enum):
    """The type of MISSING, which is not null: an absent key, JavaScript's `undefined`."""

    MISSING = "missing"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing.MISSING

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | Missing | None"

_encode = msgspec.json.Encoder().encode
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TOO_LONG: Final = "a number of more than 4,300 digits"  # Python reads no longer one
_EXPONENT_FROM: Final = 21  # ECMAScript Number::toString: from 1e21 on the text has an exponent ...
_FRACTION_ZEROS: Final = -7  # ... and below 1e-6.


def load_json(text: bytes | str) -> JSON:
    """Parse one JSON text as JavaScript's `JSON.parse` would, but for two repairs that lose nothing.

    A lone surrogate becomes U+FFFD, as Go's and Segment's decoders have it, and an integer keeps all its digits.
    Raises ValueError with the position in the text.
    """
    try:
        return msgspec.json.decode(text)  # type: ignore[no-any-return]
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start} is 0x{error.object[error.start]:02x}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (msgspec.DecodeError, ValueError) as error:
        return _load_json_with_surrogates(text, error)


def _load_json_with_surrogates(text: bytes | str, first: Exception) -> JSON:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} at character {error.pos}") from None
    except ValueError as error:
        raise ValueError(_TOO_LONG if "digits" in str(error) else str(error) or str(first)) from None
    return _without_surrogates(value)


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")


def _without_surrogates(value: JSON) -> JSON:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON.stringify has no infinity either
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_LONE_SURROGATE.sub("\ufffd", key): _without_surrogates(item) for key, item in value.items()}
    return value


def dump_json(value: object) -> bytes:
    """Print a value of JSON compactly; keys keep their order."""
    return _encode(value)


def type_name(value: object) -> str:
    """Name a value's JSON type as JSON Schema does: string, number, boolean, null, array, object; or missing."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case Missing():
            return "missing"
        case _:
            return "array"


def number_text(number: int | float) -> str:
    """Print a number as JavaScript does (ECMA-262 Number::toString): 10, 2.5, 1e+21, 1e-7.

    An integer keeps every digit, also beyond 2^53: an id must not change on its way.
    """
    if isinstance(number, int):
        return str(number)
    if not isfinite(number):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(number), "NaN")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent_text = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole + fraction) - len(digits)
    point = len(whole) - leading_zeros + int(exponent_text or 0)  # the value is 0.DIGITS x 10^point
    digits = digits.rstrip("0")
    return sign + _place_point(digits, point)


def _place_point(digits: str, point: int) -> str:
    if len(digits) <= point <= _EXPONENT_FROM:
        return digits + "0" * (point - len(digits))
    if 0 < point <= _EXPONENT_FROM:
        return f"{digits[:point]}.{digits[point:]}"
    if _FRACTION_ZEROS < point - 1 < 0:
        return "0." + "0" * -point + digits
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"


def text_of(value: Value) -> str:
    """Print any value as JavaScript's `String(value)`: lists joined by commas, objects as `[object Object]`."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return number_text(value)
        case None:
            return "null"
        case Missing():
            return "undefined"
        case dict():
            return "[object Object]"
        case _:
            return ",".join("" if item is None or item is MISSING else text_of(item) for item in value)


def utf16_length(text: str) -> int:
    """Count a string's UTF-16 code units: JavaScript's `length`."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def ordered_keys(keys: list[str]) -> list[str]:
    """Order an object's keys as JavaScript keeps them: array indices first, ascending, then the rest as they came."""
    if not any(key.isdecimal() for key in keys):
        return keys
    indices = sorted((key for key in keys if _is_index(key)), key=int)
    return indices + [key for key in keys if not _is_index(key)]


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0") and int(key) < 2**32 - 1


def stringify(value: Value) -> str | Missing:
    """Print a value as `JSON.stringify` does; MISSING gives MISSING, inside objects it is left out, in lists null."""
    if value is MISSING:
        return MISSING
    return _stringify(value)


def _stringify(value: Value) -> str:
    match value:
        case str():
            return _encode(_LONE_SURROGATE.sub("\ufffd", value)).decode()
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case int() | float():
            text = number_text(value)
            return "null" if text.lstrip("-") in ("NaN", "Infinity") else text
        case Missing():
            return "null"
        case dict():
            present = (key for key in ordered_keys(list(value)) if value[key] is not MISSING)
            return "{" + ",".join(f"{_stringify(key)}:{_stringify(value[key])}" for key in present) + "}"
        case _:
            return "[" + ",".join(map(_stringify, value)) + "]"
