"""How a proof reads: paths, kinds and conditions as parts of an English sentence."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from connector.errors import listed
from connector.language.paths import Keys
from connector.proofs.judging import FieldSchema, converts
from connector.proofs.kinds import (
    ABSENT,
    EMPTY,
    FALSE,
    LIST,
    NUMBER,
    OBJECT,
    TEXT,
    ZERO,
    word_list,
    words,
)
from connector.proofs.rows import When

_PLAIN: Final = re.compile(r"[A-Za-z_][\w-]*|[0-9]+")
_TYPES: Final = {
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}
_MOST_TOLD: Final = 2  # ways
_MOST_NAMED: Final = 4  # paths of one
_MOST_TEXTS: Final = 8


def path_text(keys: Keys) -> str:
    """Spell a path as a mapping does, in the marks of code."""
    text = "".join(f".{key}" if _PLAIN.fullmatch(key) else f"['{key}']" for key in keys)
    return f"`${text if text.startswith('.') else f'.{text}'}`"


def both(parts: Sequence[str]) -> str:
    """Join parts of a sentence with commas and `and`; of many the first, and how many more there are."""
    if len(parts) > _MOST_NAMED:
        parts = [*parts[: _MOST_NAMED - 1], f"{len(parts) - _MOST_NAMED + 1} more"]
    return listed(parts)


def condition(when: When) -> str:
    """Say when: "`$.a` and `$.b` are both missing or null"; nothing when it is always so."""
    by_state: dict[str, list[str]] = {}
    for keys, kinds in when.conditions:
        by_state.setdefault(_state(kinds), []).append(path_text(keys))
    parts = [_are(paths, state) for state, paths in by_state.items()]
    if when.types is not None:
        parts.insert(0, f"the event is {listed([_a(name) for name in sorted(when.types)], 'or')} event")
    return " and ".join(parts)


def _are(paths: list[str], state: str) -> str:
    if len(paths) == 1:
        return f"{paths[0]} is {state}"
    return f"{both(paths)} are {'both' if len(paths) == 2 else 'all'} {state}"


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _state(kinds: int) -> str:
    if kinds & ABSENT:
        return words(kinds & ~(LIST if kinds & FALSE else 0))  # to `blank` a list of nothing is empty too
    if kinds & TEXT:
        return "there" if kinds & (EMPTY | FALSE | ZERO) else "filled"
    return words(kinds)


def conditions(whens: Iterable[When]) -> str:
    """Say of several ways when one of them is taken: `when …, or when …`; nothing when that is not known."""
    told = list(dict.fromkeys(condition(when) for when in merged(whens)))
    if "" in told or not told:
        return ""
    parts = [f"when {text}" for text in told[:_MOST_TOLD]]
    if len(told) > _MOST_TOLD:
        left = len(told) - _MOST_TOLD
        parts.append(f"in {left} more case{'' if left == 1 else 's'}")
    return ", or ".join(parts)


def merged(whens: Iterable[When]) -> list[When]:
    """Make one of two ways that differ in what one path is."""
    found: list[When] = []
    for when in whens:
        for at, other in enumerate(found):
            apart = [pair for pair in zip(when.conditions, other.conditions, strict=False) if pair[0] != pair[1]]
            is_alike = when.types == other.types and len(when.conditions) == len(other.conditions)
            if is_alike and len(apart) == 1 and apart[0][0][0] == apart[0][1][0]:
                (keys, kinds), (_, others) = apart[0]
                both = {**dict(other.conditions), keys: kinds | others}
                found[at] = replace(other, conditions=tuple(both.items()), kinds=when.kinds | other.kinds)
                break
        else:
            found.append(when)
    return found


def wanted(schema: FieldSchema) -> str:
    """Say what a field must be."""
    return listed(list(schema.enum) if schema.enum else [_TYPES[name] for name in schema.type], "or")


def refused_words(whens: Sequence[When], schema: FieldSchema) -> str:
    """Name what a schema refuses of kinds of which it takes some."""
    kinds = 0
    for when in whens:
        kinds |= when.kinds
    texts = [_text_words(whens, schema)] if kinds & (EMPTY | TEXT) else []
    numbers = ["a number other than 0 and 1"] if kinds & NUMBER and "boolean" in schema.type else []
    lists = ["a list of other values"] if kinds & LIST and "array" in schema.type else []
    lists = lists or (["a list of several"] if counts_as_its_item(whens, schema) else [])
    objects = ["an object with other values"] if kinds & OBJECT and "object" in schema.type else []
    named = (EMPTY | TEXT if texts else 0) | (NUMBER if numbers else 0)
    named |= (LIST if lists else 0) | (OBJECT if objects else 0)
    others = word_list(kinds & ~named)
    at = others.index("an object") if "an object" in others else len(others)
    return listed([*texts, *numbers, *others[:at], *lists, *others[at:], *objects], "or")


def counts_as_its_item(whens: Sequence[When], schema: FieldSchema) -> bool:
    """Say whether some of these are refused as lists of which a list of one would be taken for its item."""
    return any(map(_is_of_several, whens)) and not {"array", "object"} & set(schema.type)


def _is_of_several(when: When) -> bool:
    """Recognize a list of the event's, which may hold one item or more."""
    return bool(when.kinds & LIST) and when.source is not None


def failing_words(whens: Sequence[When], schema: FieldSchema) -> str:
    """Name what a schema never takes: its kinds, and texts by themselves where they are few."""
    kinds = 0
    for when in whens:
        kinds |= when.kinds
    named = _named_texts(whens, schema)
    if named:
        return listed([*named, *word_list(kinds & ~(EMPTY | TEXT))], "or")
    return refused_words(whens, schema) if schema.enum else words(kinds)


def _named_texts(whens: Sequence[When], schema: FieldSchema) -> list[str]:
    """Quote the texts that are refused, where all that there can be are known and a text may pass."""
    if not schema.enum and not {"boolean", "number"} & set(schema.type):
        return []
    found = [when.texts for when in whens if when.kinds & TEXT]
    texts = [sorted(known) for known in found if known is not None]
    told = dict.fromkeys(text for known in texts for text in known if not converts(text, schema))
    return [f'"{text}"' for text in told] if len(texts) == len(found) and len(told) <= _MOST_TEXTS else []


def _text_words(whens: Sequence[When], schema: FieldSchema) -> str:
    named = _named_texts(whens, schema)
    if named:
        return listed(named, "or")
    if schema.enum:
        return f"a text other than {listed(schema.enum, 'or')}"
    if schema.type == ("number",):
        return "a text that is no number"
    return "a text other than true and false" if schema.type == ("boolean",) else "a text"
