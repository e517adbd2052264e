"""Values as a Liquid template sees them: what prints, counts, is true, equal, less or a member of what.

The rules are liquidjs 10.27.2's, and below them JavaScript's; texts are measured and cut in UTF-16 code units.
Any value in, a plain value out; only `refuse_beyond` raises.
"""

import math
import re
import sys
from typing import Final

from connector.errors import ResolveError
from connector.values import MISSING, Value, text_of

# What JavaScript's `\s` and `trim()` take for white space; Python's own sets differ from it.
SPACES: Final = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" + (
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
SPACE_RUN: Final = re.compile(f"[{SPACES}]+")
NAME_CHAR: Final = "(?:[0-9A-Za-z_?-]|[^\x00-\x7f" + SPACES.strip() + "\u201c\u201d])"
MOST: Final = 1_000_000  # characters and list items that one rendering may make; Segment's own limit is a hundred times
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_OTHER_BASE: Final = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_INDEX: Final = re.compile("0|[1-9][0-9]{0,9}")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BEYOND_BMP: Final = re.compile("[\U00010000-\U0010ffff]")


class Word(dict[str, Value]):
    """`nil`, `empty` or `blank` as written in a template: liquidjs has an object for each, which stands for `plain`."""

    __slots__ = ("plain",)

    def __init__(self, plain: str | None) -> None:
        super().__init__()
        self.plain = plain


NIL: Final = Word(None)
EMPTY: Final = Word("")
BLANK: Final = Word("")


def plain(value: Value) -> Value:
    """Give what a word stands for, anything else as it is."""
    return value.plain if isinstance(value, Word) else value


def to_text(value: Value) -> str:
    """Print a value as `{{ value }}` does: nothing for null and missing, lists without a comma, objects unreadably."""
    value = plain(value)
    if type(value) is str:
        return value
    if value is None or value is MISSING:
        return ""
    return "".join(map(to_text, value)) if isinstance(value, list) else text_of(value)


def to_number(value: Value) -> float:
    """Convert as JavaScript's `Number(value)`; what is no number is NaN."""
    match plain(value):
        case bool() | None as known:
            return 1.0 if known else 0.0
        case float() as number:
            return number
        case int() as whole:
            return _float(whole)
        case str() as text:
            return _text_number(text.strip(SPACES))
        case list() as items:
            return to_number(text_of(items))
        case _:
            return math.nan


def _float(whole: int) -> float:
    try:
        return float(whole)
    except OverflowError:
        return math.inf if whole > 0 else -math.inf


def _text_number(text: str) -> float:
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _OTHER_BASE.fullmatch(text):
        return _float(int(text, 0))
    known = {"": 0.0, "Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}
    return known.get(text, math.nan)


def to_amount(value: Value) -> float:
    """Convert as the arithmetic filters do: what is no number counts as 0."""
    number = to_number(value)
    return 0.0 if math.isnan(number) else number


def to_list(value: Value) -> list[Value]:
    """Give a list as it is, nothing for null and missing, and any other value as a list of one."""
    value = plain(value)
    if value is None or value is MISSING:
        return []
    return value if isinstance(value, list) else [value]


def is_true(value: Value) -> bool:
    """Say whether a condition holds: everything does but false, null and missing."""
    value = plain(value)
    return value is not False and value is not None and value is not MISSING


def is_truthy(value: Value) -> bool:
    """Say what JavaScript itself takes for true: not 0, NaN and the empty text either, but `nil` and empty lists."""
    if isinstance(value, float):
        return not (value == 0 or math.isnan(value))
    return isinstance(value, list | dict) or bool(value)


def is_equal(left: Value, right: Value) -> bool:
    """Compare as `==`: strictly by type, lists item by item, objects only with themselves."""
    if isinstance(left, Word):
        return _is_word(left, right)
    if isinstance(right, Word):
        return _is_word(right, left)
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(is_equal, left, right))
    if _is_number(left) and _is_number(right):
        return left == right
    return left is right or (isinstance(left, str) and isinstance(right, str) and left == right)


def _is_word(word: Word, value: Value) -> bool:
    inner = plain(value)
    if word is NIL:
        return inner is None or inner is MISSING
    if word is BLANK and (inner is False or inner is None or inner is MISSING):
        return True
    if isinstance(value, Word):
        return False
    if word is BLANK and isinstance(inner, str):
        return not inner.strip(SPACES)
    return isinstance(inner, str | list | dict) and not inner


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def order(left: Value, right: Value) -> int | None:
    """Compare as `<` and its kin: -1 for less, 0 for as great, 1 for greater, None where all of them fail."""
    if isinstance(left, Word) or isinstance(right, Word):
        return None
    first, second = _primitive(left), _primitive(right)
    if isinstance(first, str) and isinstance(second, str):
        one, other = _units(first), _units(second)
        return (one > other) - (one < other)
    number, other_number = to_number(first), to_number(second)
    if math.isnan(number) or math.isnan(other_number):
        return None
    return (number > other_number) - (number < other_number)


def _primitive(value: Value) -> Value:
    return text_of(value) if isinstance(value, list | dict) else value


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def contains(whole: Value, part: Value) -> bool:
    """Say whether a list has an item, or a text a part; nothing else contains anything."""
    whole = plain(whole)
    if isinstance(whole, list):
        return any(is_equal(item, part) for item in whole)
    return isinstance(whole, str) and text_of(plain(part)) in whole


def read_member(value: Value, key: Value) -> Value:
    """Read `value.key` or `value[key]`: keys, positions also from the end, and `size`, `first` and `last`."""
    if value is None or value is MISSING:
        return value
    key = plain(key)
    if isinstance(value, list) and isinstance(key, int | float) and not isinstance(key, bool):
        return read_item(value, key)
    name = text_of(key)
    own = read_own(value, name)
    if own is not MISSING or isinstance(value, Word):
        return own
    if name == "size":
        return _size(value)
    if isinstance(value, list) and name in ("first", "last"):
        return read_item(value, 0 if name == "first" else -1)
    return MISSING


def read_own(value: Value, name: str) -> Value:
    """Read what JavaScript counts as a value's own: an object's keys, positions and `length` of lists and texts."""
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if not isinstance(value, list | str):
        return MISSING
    items = value if isinstance(value, list) else split_units(value)
    if name == "length":
        return len(items)
    return items[int(name)] if _INDEX.fullmatch(name) and int(name) < len(items) else MISSING


def read_item(items: list[Value] | str, position: int | float) -> Value:
    """Read the item at a position, below 0 from the end; MISSING when there is none."""
    place = position + len(items) if position < 0 else position
    return items[int(place)] if 0 <= place < len(items) and place == int(place) else MISSING


def read_root(scope: Value, name: str) -> Value:
    """Read a variable from an event, or from an item of a list; a missing `size` is 0, as liquidjs has it."""
    own = read_own(scope, name)
    return 0 if own is MISSING and name == "size" else own


def _size(value: Value) -> Value:
    if isinstance(value, str):
        return len(split_units(value))
    return len(value) if isinstance(value, list | dict) else MISSING


def split_units(text: str) -> str:
    """Write each character beyond U+FFFF as its two UTF-16 halves, so that Python counts as JavaScript does."""
    return _BEYOND_BMP.sub(_halves, text)


def _halves(match: re.Match[str]) -> str:
    code = ord(match[0]) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))


def join_units(text: str) -> str:
    """Put halves that stand together into one character again; a half alone stays."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def without_halves(text: str) -> str:
    """Replace halves that a cut left alone by U+FFFD, as every UTF-8 encoder does."""
    return _SURROGATE.sub("\ufffd", join_units(text))


def cut(text: str, start: int | None, end: int | None) -> str:
    """Take a slice of a text, its positions counted in UTF-16 code units."""
    return join_units(split_units(text)[start:end])


def or_default(value: Value, default: Value) -> Value:
    """Take an optional argument's default when it is MISSING, as JavaScript does for `undefined` alone."""
    return default if value is MISSING else value


def to_position(number: float) -> int:
    """Convert a number to a place to cut at: never below 0, NaN is 0."""
    return 0 if math.isnan(number) or number < 0 else int(min(number, sys.maxsize))


def refuse_beyond(size: float) -> None:
    """Raise ResolveError when something would hold more characters or items than a rendering may make."""
    if size > MOST:
        raise ResolveError(
            f"the Liquid template would make more than {MOST:,} characters or list items from this event"
        )
