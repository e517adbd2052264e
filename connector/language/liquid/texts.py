"""The text filters of `@liquid`: cut, strip, replace, split and count, as liquidjs 10.27.2 has them.

Any value in, its text changed out, cut and counted in UTF-16 code units.
"""

import re
from typing import Final

from connector.language.liquid.values import (
    SPACE_RUN,
    SPACES,
    cut,
    is_truthy,
    join_units,
    or_default,
    refuse_beyond,
    split_units,
    to_number,
    to_position,
    to_text,
)
from connector.values import MISSING, Value, utf16_length


def capitalize(value: Value) -> Value:
    """Make the first letter upper case and the rest lower; beyond U+FFFF a first letter stays."""
    text = to_text(value)
    first = text[:1] if text[:1] > "\uffff" else text[:1].upper()
    return first + text[1:].lower()


def strip_left(value: Value, chars: Value = MISSING) -> Value:
    """Take white space, or any of the characters given, off the start."""
    return to_text(value).lstrip(_marks(chars))


def strip_right(value: Value, chars: Value = MISSING) -> Value:
    """Take white space, or any of the characters given, off the end."""
    return to_text(value).rstrip(_marks(chars))


def strip(value: Value, chars: Value = MISSING) -> Value:
    """Take white space, or any of the characters given, off both ends."""
    return to_text(value).strip(_marks(chars))


def _marks(chars: Value) -> str:
    """Give what to strip; liquidjs compares halves with whole characters, so those beyond U+FFFF are never found."""
    return "".join(char for char in to_text(chars) if char <= "\uffff") if is_truthy(chars) else SPACES


def strip_newlines(value: Value) -> Value:
    """Take out line feeds, with a carriage return in front of them."""
    return re.sub("\r?\n", "", to_text(value))


def normalize_whitespace(value: Value) -> Value:
    """Put one space for each run of white space."""
    return SPACE_RUN.sub(" ", to_text(value))


def replace(value: Value, pattern: Value, replacement: Value = MISSING) -> Value:
    """Replace a text wherever it stands; the empty text stands between any two code units."""
    text, find, put = to_text(value), to_text(pattern), to_text(replacement)
    if find:
        refuse_beyond(text.count(find) * len(put))
        return text.replace(find, put)
    text = split_units(text)
    refuse_beyond(len(text) * len(put))
    return join_units(put.join(text))


def replace_first(value: Value, pattern: Value, replacement: Value = MISSING) -> Value:
    """Replace the first place of a text."""
    return to_text(value).replace(to_text(pattern), to_text(replacement), 1)


def replace_last(value: Value, pattern: Value, replacement: Value = MISSING) -> Value:
    """Replace the last place of a text."""
    text, find = to_text(value), to_text(pattern)
    at = text.rfind(find)
    return text if at < 0 else text[:at] + to_text(replacement) + text[at + len(find) :]


def remove_first(value: Value, part: Value) -> Value:
    """Take a text out where it stands first."""
    return replace_first(value, part)


def remove_last(value: Value, part: Value) -> Value:
    """Take a text out where it stands last."""
    return replace_last(value, part)


def split(value: Value, separator: Value) -> Value:
    """Split a text into a list; empty texts at its end are left out."""
    text, mark = to_text(value), to_text(separator)
    parts: list[Value] = [*(text.split(mark) if mark else split_units(text))]
    while parts and parts[-1] == "":
        parts.pop()
    return parts


def truncate(value: Value, length: Value = MISSING, ending: Value = MISSING) -> Value:
    """Cut a text to a length, ending included; what is no longer stays as it is, a number a number."""
    text, most, end = to_text(value), to_number(or_default(length, 50)), to_text(or_default(ending, "..."))
    if utf16_length(text) <= most:
        return value
    return cut(text, 0, to_position(most - utf16_length(end))) + end


def truncate_words(value: Value, words: Value = MISSING, ending: Value = MISSING) -> Value:
    """Keep the first words; liquidjs puts the ending already when there are just as many."""
    parts, wanted = SPACE_RUN.split(to_text(value)), to_number(or_default(words, 15))
    wanted = 1 if wanted <= 0 else wanted
    kept = " ".join(parts[: to_position(wanted)])
    return kept + to_text(or_default(ending, "...")) if len(parts) >= wanted else kept


_CJK: Final = "\u4e00-\u9fff\uf900-\ufaff\u3400-\u4dbf\u3040-\u30ff\uac00-\ud7af"
_CJK_CHAR: Final = re.compile(f"[{_CJK}]")
_OTHER_WORD: Final = re.compile(f"[^{_CJK}{SPACES}]+")


def count_words(value: Value, mode: Value = MISSING) -> Value:
    """Count words between white space; in mode `cjk`, or `auto` where there are any, each CJK character is a word."""
    text = to_text(value).strip(SPACES)
    if text and (mode == "cjk" or (mode == "auto" and _CJK_CHAR.search(text))):
        return len(_CJK_CHAR.findall(text)) + len(_OTHER_WORD.findall(text))
    return len(SPACE_RUN.split(text)) if text else 0
