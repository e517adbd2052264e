"""Paths into an event: `$.context.traits.email`, `a[0].b`, `['k k']`, `.length`; text to keys, keys to a closure.

The reading rules are those of Segment's published runtime (`get` of actions-core), so a falsy value on the way is the
answer (`userId.x` of an empty userId is the empty text), lists and texts have `length`, and a missing key is MISSING.
"""

import re
import sys
from collections.abc import Callable
from typing import Final, TypeAlias

from connector.errors import Fault, LanguageError
from connector.values import MISSING, Value, utf16_length

Keys: TypeAlias = tuple[str, ...]
Resolver: TypeAlias = Callable[[Value], Value]

_SEPARATOR: Final = re.compile(r"""\[(?=["'0-9])|\.|(?<=["'0-9])\]+""")
_QUOTES: Final = re.compile("['\"]")
_INDEX: Final = re.compile("0|[1-9][0-9]{0,9}")
_PLAIN: Final = re.compile(r"[^\s.\[\]'\"]+")
_HIGH, _LOW = "\ud800", "\udfff"


def parse_path(text: str) -> Keys:
    """Split a path into keys; `$.` in front is optional, no key at all means the whole event.

    Raises LanguageError for spellings that Segment would read as a key nobody has: `$`, `a[*]`, `a..b`.
    """
    rest = text.replace("$.", "", 1)
    if rest == "$":
        raise LanguageError(Fault("path_root", "'$' alone is read as a key of that name", "write '$.'", end=len(text)))
    if ".." in text:
        at = text.index("..")
        raise LanguageError(
            Fault("path_empty_key", "a key is missing between two dots", "remove a dot", (), at, at + 2)
        )
    _refuse_brackets(text)
    return split_path(rest)


def split_path(path: str) -> Keys:
    """Split any text into keys, `$.` not being special, without an error: as Segment's runtime reads a path."""
    if path == ".":
        return ()
    return tuple(sys.intern(_QUOTES.sub("", key)) for key in _SEPARATOR.split(path) if key)  # found by identity


def quote_keys(keys: Keys) -> str:
    """Write keys as a path that reads them: `context.traits.email`, `items[0].id`, `['k k']`."""
    written = ""
    for key in keys:
        if _INDEX.fullmatch(key):
            written += f"[{key}]"
        elif _PLAIN.fullmatch(key):
            written += f".{key}" if written else key
        else:
            written += f"['{key}']"
    return written


def _refuse_brackets(text: str) -> None:
    separators = {at for match in _SEPARATOR.finditer(text) for at in range(*match.span())}
    for at, char in enumerate(text):
        if char in "[]" and at not in separators:
            message = f"'{char}' here would be part of a key's name"
            help = "write a position [0] or a quoted key ['k k']; use @arrayPath for every item of a list"
            raise LanguageError(Fault("path_bracket", message, help, (), at, at + 1))


def compile_path(keys: Keys) -> Resolver:
    """Compile keys into a closure that reads them from a value; the common depths of an event are unrolled."""
    if not keys:
        return lambda value: value
    if len(keys) == 1:
        return _read_one(keys)
    if len(keys) == 2:
        return _read_two(keys)
    if len(keys) == 3:
        return _read_three(keys)
    return lambda value: walk(value, keys)


def _read_one(keys: Keys) -> Resolver:
    (first,) = keys

    def read(value: Value) -> Value:
        return value.get(first, MISSING) if type(value) is dict else walk(value, keys)

    return read


def _read_two(keys: Keys) -> Resolver:
    first, second = keys

    def read(value: Value) -> Value:
        if type(value) is dict:
            inner = value.get(first, MISSING)
            if type(inner) is dict:
                return inner.get(second, MISSING)
        return walk(value, keys)

    return read


def _read_three(keys: Keys) -> Resolver:
    first, second, third = keys

    def read(value: Value) -> Value:
        if type(value) is dict:
            inner = value.get(first, MISSING)
            if type(inner) is dict:
                inner = inner.get(second, MISSING)
                if type(inner) is dict:
                    return inner.get(third, MISSING)
        return walk(value, keys)

    return read


def walk(value: Value, keys: Keys) -> Value:
    """Read keys one after the other from any value, as JavaScript's `value && value[key]`."""
    for key in keys:
        if type(value) is dict:
            value = value.get(key, MISSING)
        elif not value and not isinstance(value, list):
            return value
        elif isinstance(value, list | str):
            value = _item(value, key)
        else:
            return MISSING
    return value


def _item(value: list[Value] | str, key: str) -> Value:
    if isinstance(value, str):
        if key == "length":
            return utf16_length(value)
        value = code_units(value)
    if key == "length":
        return len(value)
    if _INDEX.fullmatch(key) and int(key) < len(value):
        return value[int(key)]
    return MISSING


def code_units(text: str) -> list[Value]:
    """Split a text as JavaScript indexes it; half of a character beyond U+FFFF is U+FFFD, for no JSON can hold it."""
    if text.isascii():
        return list(text)
    units = text.encode("utf-16-le", "surrogatepass")
    chars = (chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2))
    return ["\ufffd" if _HIGH <= char <= _LOW else char for char in chars]
