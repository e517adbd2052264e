"""The filters of `@liquid`: plain functions of a value and arguments, by name in FILTERS, as liquidjs 10.27.2 has them.

An optional argument that is MISSING takes its default, as in JavaScript. No filter changes what it is given.
"""

import hashlib
import hmac
import math
import re
import sys
from collections.abc import Callable
from typing import Final

from connector.language.liquid import encodings, texts
from connector.language.liquid.dates import Moment, read_moment
from connector.language.liquid.formats import DEFAULT_FORMAT, format_moment
from connector.language.liquid.values import (
    NAME_CHAR,
    cut,
    is_equal,
    is_true,
    is_truthy,
    or_default,
    plain,
    read_item,
    read_member,
    read_root,
    refuse_beyond,
    split_units,
    to_amount,
    to_list,
    to_number,
    to_position,
    to_text,
)
from connector.values import MISSING, Value, text_of, utf16_length

# Numbers: JavaScript's, so all arithmetic is that of 64-bit floats.


def _divide(value: Value, by: Value, whole: Value = MISSING) -> Value:
    over, under = to_amount(value), to_amount(by)
    quotient = over / under if under else _divide_by_zero(over, under)
    return _floor(quotient) if to_amount(whole) else quotient


def _divide_by_zero(over: float, zero: float) -> float:
    return math.copysign(math.inf, over) * math.copysign(1, zero) if over else math.nan


def _floor(number: float) -> float:
    return float(math.floor(number)) if math.isfinite(number) else number


def _ceil(number: float) -> float:
    return float(math.ceil(number)) if math.isfinite(number) else number


def _modulo(value: Value, by: Value) -> Value:
    """Give the remainder with the divisor's sign."""
    under = to_amount(by)
    return _remainder(_remainder(to_amount(value), under) + under, under)


def _remainder(over: float, under: float) -> float:
    return math.fmod(over, under) if under and math.isfinite(over) else math.nan


def _round(value: Value, digits: Value = MISSING) -> Value:
    """Round as liquidjs does: a half goes up, and a hair's breadth below a half counts as a half."""
    power = _power_of_ten(to_amount(or_default(digits, 0)))
    rounded = _floor(to_amount(value) * power * (1 + sys.float_info.epsilon) + 0.5)
    if power:
        return rounded / power if math.isfinite(power) else math.nan
    return math.copysign(math.inf, rounded) if rounded else math.nan


def _power_of_ten(digits: float) -> float:
    try:
        return math.pow(10, digits)
    except OverflowError:
        return math.inf


# Lists.


def _join(value: Value, separator: Value = MISSING) -> Value:
    items, given = to_list(value), plain(separator)
    mark = " " if given is None or given is MISSING else to_text(given)
    refuse_beyond(len(items) * len(mark))
    return mark.join("" if item is None or item is MISSING else text_of(item) for item in items)


def _item(value: Value, position: int) -> Value:
    value = plain(value)
    if isinstance(value, list):
        return read_item(value, position)
    return read_item(split_units(value), position) if isinstance(value, str) and value else ""


def _slice(value: Value, begin: Value, length: Value = MISSING) -> Value:
    value = plain(value)
    if value is None or value is MISSING:
        return []
    size = len(value) if isinstance(value, list) else utf16_length(to_text(value))
    count = or_default(length, 1)
    start = _add(size, begin) if to_number(begin) < 0 else begin
    if to_number(start) < 0 or to_number(count) < 0:
        return [] if isinstance(value, list) else ""
    first, last = to_position(to_number(start)), to_position(to_number(_add(start, count)))
    return value[first:last] if isinstance(value, list) else cut(to_text(value), first, last)


def _add(one: Value, other: Value) -> Value:
    """Add as JavaScript's `+`, which `slice` uses: 3 and "1" make "31"."""
    joins = isinstance(plain(one), str | list | dict) or isinstance(plain(other), str | list | dict)
    return text_of(plain(one)) + text_of(plain(other)) if joins else to_number(one) + to_number(other)


_STEP: Final = re.compile(rf"""\[\s*(?:"([^"]*)"|'([^']*)'|(-?[0-9]+))\s*\]|(?:^|\.)({NAME_CHAR}+)""")


def _where(value: Value, name: Value, expected: Value = MISSING) -> Value:
    keys = _split_property(to_text(name))
    return [item for item in to_list(value) if _holds(_read_property(item, keys), expected)]


def _holds(value: Value, expected: Value) -> bool:
    return is_true(value) if expected is MISSING else is_equal(value, expected)


def _split_property(text: str) -> list[str | int]:
    keys: list[str | int] = []
    at = 0
    while match := _STEP.match(text, at):
        keys.append(int(match[3]) if match[3] else match[1] or match[2] or match[4] or "")
        at = match.end()
    return keys


def _read_property(item: Value, keys: list[str | int]) -> Value:
    if not keys:
        return MISSING
    value = read_root(item, str(keys[0]))
    for key in keys[1:]:
        value = read_member(value, key)
    return value


def _sum(value: Value, name: Value = MISSING) -> Value:
    keys = to_text(name).split(".") if is_truthy(name) else []
    total = 0.0  # one after the other: Python's own sum() rounds more finely than JavaScript's
    for item in to_list(value):
        found = item
        for key in keys:
            found = read_member(found, key)
        total += to_amount(found)
    return total


# Any value.


def _default(value: Value, fallback: Value, *, allow_false: Value = MISSING) -> Value:
    value = plain(value)
    if isinstance(value, list | str):
        return value or fallback
    if value is False and is_truthy(allow_false):
        return value
    return value if is_true(value) else fallback


def _size(value: Value) -> Value:
    if isinstance(value, dict):
        length = value.get("length", MISSING)
        return length if is_truthy(length) else 0
    return utf16_length(value) if isinstance(value, str) else len(value) if isinstance(value, list) else 0


def _date(value: Value, format: Value = MISSING, zone: Value = MISSING) -> Value:
    moment, wanted = read_moment(value, zone), plain(format)
    if moment is None:
        return value
    return format_moment(moment, DEFAULT_FORMAT if wanted is None or wanted is MISSING else to_text(wanted))


def _long_date(month: str) -> Callable[..., Value]:
    def print_date(value: Value, type: Value = MISSING, style: Value = MISSING) -> Value:
        moment = read_moment(value)
        return value if moment is None else format_moment(moment, _long_format(moment, month, type, style))

    return print_date


def _long_format(moment: Moment, month: str, type: Value, style: Value) -> str:
    if type != "ordinal":
        return f"%d {month} %Y"
    return f"{month} {moment.day.day}%q, %Y" if style == "US" else f"{moment.day.day}%q {month} %Y"


FILTERS: Final[dict[str, Callable[..., Value]]] = {
    "abs": lambda value: abs(to_amount(value)),
    "append": lambda value, end: to_text(value) + to_text(end),
    "at_least": lambda value, least: max(to_amount(value), to_amount(least)),
    "at_most": lambda value, most: min(to_amount(value), to_amount(most)),
    "base64_decode": encodings.decode_base64,
    "base64_encode": encodings.encode_base64,
    "capitalize": texts.capitalize,
    "ceil": lambda value: _ceil(to_amount(value)),
    "cgi_escape": encodings.encode_cgi,
    "compact": lambda value: [item for item in to_list(value) if plain(item) is not None and item is not MISSING],
    "date": _date,
    "date_to_long_string": _long_date("%B"),
    "date_to_rfc822": lambda value: _date(value, "%a, %d %b %Y %H:%M:%S %z"),
    "date_to_string": _long_date("%b"),
    "date_to_xmlschema": lambda value: _date(value, "%Y-%m-%dT%H:%M:%S%:z"),
    "default": _default,
    "divided_by": _divide,
    "downcase": lambda value: to_text(value).lower(),
    "escape": encodings.escape,
    "escape_once": encodings.escape_once,
    "first": lambda value: _item(value, 0),
    "floor": lambda value: _floor(to_amount(value)),
    "hmac_sha256": lambda value, key: hmac.new(encodings.to_utf8(key), encodings.to_utf8(value), "sha256").hexdigest(),
    "inspect": encodings.print_json,
    "join": _join,
    "json": encodings.print_json,
    "jsonify": encodings.print_json,
    "last": lambda value: _item(value, -1),
    "lstrip": texts.strip_left,
    "minus": lambda value, other: to_amount(value) - to_amount(other),
    "modulo": _modulo,
    "normalize_whitespace": texts.normalize_whitespace,
    "number_of_words": texts.count_words,
    "plus": lambda value, other: to_amount(value) + to_amount(other),
    "pop": lambda value: to_list(value)[:-1],
    "prepend": lambda value, start: to_text(start) + to_text(value),
    "push": lambda value, item: [*to_list(value), item],
    "raw": lambda value: value,
    "remove": lambda value, part: to_text(value).replace(to_text(part), ""),
    "remove_first": texts.remove_first,
    "remove_last": texts.remove_last,
    "replace": texts.replace,
    "replace_first": texts.replace_first,
    "replace_last": texts.replace_last,
    "round": _round,
    "rstrip": texts.strip_right,
    "sha256": lambda value: hashlib.sha256(encodings.to_utf8(value)).hexdigest(),
    "shift": lambda value: to_list(value)[1:],
    "size": _size,
    "slice": _slice,
    "slugify": encodings.slugify,
    "split": texts.split,
    "strip": texts.strip,
    "strip_html": encodings.strip_html,
    "strip_newlines": texts.strip_newlines,
    "sum": _sum,
    "times": lambda value, other: to_amount(value) * to_amount(other),
    "to_integer": to_number,
    "truncate": texts.truncate,
    "truncatewords": texts.truncate_words,
    "unshift": lambda value, item: [item, *to_list(value)],
    "upcase": lambda value: to_text(value).upper(),
    "uri_escape": encodings.encode_uri,
    "url_decode": encodings.decode_url,
    "url_encode": encodings.encode_url,
    "where": _where,
    "xml_escape": encodings.escape,
}

DISABLED_FILTERS: Final = frozenset(
    {"array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp", "group_by"}
    | {"group_by_exp", "has", "has_exp", "map", "newline_to_br", "reject", "reject_exp", "reverse", "sort"}
    | {"sort_natural", "type", "uniq", "where_exp"}
)
UNREPEATABLE_FILTERS: Final = frozenset({"sample"})
