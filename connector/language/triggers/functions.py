"""The functions of a trigger, one entry each: its name, what it takes and gives, and examples that run as tests.

Names and meanings are those of Segment's documentation of its filter language. Where that is silent, a value that a
function cannot take gives null, which then equals nothing but null. No function raises, whatever the event holds.
"""

import math
import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from connector.values import MISSING, Value, stringify, text_of

Kind: TypeAlias = Literal["text", "number", "boolean", "list", "null"]
Example: TypeAlias = tuple[Value, Value]

_WORD_START: Final = re.compile(r"(?<!\S)\S")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_EXACT_DIGITS: Final = 300  # a longer integer is read as a float: nobody counts so far, and int() has a limit
_TYPE_NAMES: Final = {str: "string", int: "number", float: "number", bool: "bool", list: "list", dict: "object"}


class Function(msgspec.Struct, frozen=True):
    """One function of one argument. `takes` are the kinds it is for; `examples` are pairs of argument and result."""

    name: str
    summary: str
    takes: frozenset[Kind]
    gives: Kind
    call: Callable[[Value], Value]
    examples: tuple[Example, ...]


def _on_text(change: Callable[[str], str]) -> Callable[[Value], Value]:
    return lambda value: change(value) if type(value) is str else None


def _length(value: Value) -> Value:
    if type(value) is str:
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if type(value) is list:
        return len(value)
    return 0 if value is None or value is MISSING else None


def _title(text: str) -> str:
    return _WORD_START.sub(lambda match: match.group().upper(), text)


def _typeof(value: Value) -> Value:
    return _TYPE_NAMES.get(type(value), "null")


def _boolean(value: Value) -> Value:
    return bool(value) and value != "false"


def _string(value: Value) -> Value:
    if value is None or value is MISSING:
        return None
    if not isinstance(value, list | dict):
        return text_of(value)
    try:
        return stringify(value)
    except RecursionError:  # an event nested a thousand deep has no text worth comparing
        return None


def _number(value: Value) -> Value:
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str or not _NUMBER.fullmatch(value):
        return None
    if value.lstrip("+-").isdecimal() and len(value) < _EXACT_DIGITS:
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


_TEXT: Final[frozenset[Kind]] = frozenset({"text", "null"})
_ANY: Final[frozenset[Kind]] = frozenset({"text", "number", "boolean", "list", "null"})

FUNCTIONS: Final = {
    function.name: function
    for function in (
        Function(
            "length",
            "How many items a list has, or bytes a text; 0 for null.",
            frozenset({"text", "list", "null"}),
            "number",
            _length,
            (([1, 2], 2), ("a", 1), ("ア", 3), (None, 0)),
        ),
        Function(
            "lowercase", "The text in lower case.", _TEXT, "text", _on_text(str.lower), (("Ab C", "ab c"), (None, None))
        ),
        Function(
            "uppercase", "The text in upper case.", _TEXT, "text", _on_text(str.upper), (("Ab C", "AB C"), (None, None))
        ),
        Function(
            "snakecase",
            "The text with underscores for spaces.",
            _TEXT,
            "text",
            _on_text(lambda text: text.replace(" ", "_")),
            (("test string", "test_string"), (7, None)),
        ),
        Function(
            "kebabcase",
            "The text with dashes for spaces.",
            _TEXT,
            "text",
            _on_text(lambda text: text.replace(" ", "-")),
            (("test string", "test-string"), (None, None)),
        ),
        Function(
            "titlecase",
            "The text with a capital at the start of each word.",
            _TEXT,
            "text",
            _on_text(_title),
            (("test string", "Test String"), ("it's", "It's"), (None, None)),
        ),
        Function(
            "typeof",
            'The type: "string", "number", "bool", "list", "object" or "null".',
            _ANY,
            "text",
            _typeof,
            (("a", "string"), (1.5, "number"), (True, "bool"), ([], "list"), ({}, "object"), (None, "null")),
        ),
        Function(
            "bool",
            'False for false, null, 0, "", "false" and an empty list; else true.',
            _ANY,
            "boolean",
            _boolean,
            ((0, False), (2, True), ("false", False), ("no", True), ([], False), (None, False)),
        ),
        Function(
            "string",
            "The value as a text: 1.50 is 1.5, a list is its JSON; null stays null.",
            _ANY,
            "text",
            _string,
            ((1.50, "1.5"), (True, "true"), ("a", "a"), ([1, "b"], '[1,"b"]'), (None, None)),
        ),
        Function(
            "number",
            "The number that a text holds; null when it holds none.",
            frozenset({"text", "number", "null"}),
            "number",
            _number,
            (("42", 42), ("1.5", 1.5), (7, 7), ("seven", None), ("", None), (None, None)),
        ),
    )
}
TYPE_NAMES: Final = (*dict.fromkeys(_TYPE_NAMES.values()), "null")
