"""Changes of a file's text that put another text, value or key in one place and leave everything else as it is.

In: a file's source and a place in it. Out: edits, or none where they would change the meaning of anything else: what
they give is read again and compared. Quotes, escapes, folded lines and comments stay. No file is opened here.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from connector.errors import DestinationError, Edit, Path
from connector.positions import Source, align, make_source
from connector.values import JSON
from connector.yaml_text import Composed, Place, compose, properties_length

Change: TypeAlias = tuple[int, int, str]
"""From, to, what shall stand there."""

_WORDS: Final = re.compile(r"\w+|\s+|.", re.DOTALL)
_LARGEST: Final = 200_000  # characters of a file in which edits are tried out
_ALIAS: Final = re.compile(r"(?:^|[\s\[{,])\*\w")
_BEFORE_BLOCK: Final = re.compile(r"(?:[ ]|-(?=[ ]))*")


def changes_between(old: str, new: str) -> Iterator[Change]:
    """List what turns one text into the other, word by word."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    starts = [0]
    for word in before:
        starts.append(starts[-1] + len(word))
    for kind, first, last, low, high in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield starts[first], starts[last], "".join(after[low:high])


def applied(text: str, changes: Sequence[Change]) -> str:
    """Make changes that do not overlap."""
    for start, end, instead in sorted(changes, reverse=True):
        text = text[:start] + instead + text[end:]
    return text


def rewrite_text(source: Source, place: Place, path: Path, old: str, new: str) -> tuple[Edit, ...]:
    """Let a scalar hold another text. `old` is what it holds as it was written, variables not filled in."""
    if place.style is None or place.start == place.end or old == new or new.count("${") > old.count("${"):
        return ()
    for changes in _ways_to_write(source, place, old, new):
        if _gives(source, changes, path, new):
            return _edits(source, changes)
    return ()


def rewrite_value(source: Source, place: Place, path: Path, raw: str, value: JSON) -> tuple[Edit, ...]:
    """Let a scalar be another value, which YAML writes as `raw`."""
    if place.style is None or place.start == place.end:
        return ()
    changes = [(place.start, place.end, raw)]
    return _edits(source, changes) if _gives(source, changes, path, value) else ()


def rename_key(source: Source, place: Place, path: Path, name: str) -> tuple[Edit, ...]:
    """Let a value have another key, where no other value has it."""
    if place.key is None:
        return ()
    start, end = place.key
    quote = source.text[start] if source.text[start] in "'\"" else ""
    for raw in (f"{quote}{name}{quote}", _in_double_quotes(name)):
        changes = [(start, end, raw)]
        if _renames(source, changes, path, name):
            return _edits(source, changes)
    return ()


def _ways_to_write(source: Source, place: Place, old: str, new: str) -> Iterator[list[Change]]:
    style = place.style or ""
    raw = source.text[place.start : place.end]
    start = place.start + properties_length(raw)
    offsets = [start + at for at in align(source.text[start : place.end], old, style)]
    changes = list(changes_between(old, new))
    if not any("\n" in text for _, _, text in changes):
        yield [(offsets[first], offsets[last], _escaped(text, style)) for first, last, text in changes]
    if style in ("|", ">"):
        return
    if "\n" not in new:
        yield [(start, place.end, "'" + new.replace("'", "''") + "'")]
    yield [(start, place.end, _in_double_quotes(new))]


def _escaped(text: str, style: str) -> str:
    if style == '"':
        return _in_double_quotes(text)[1:-1]
    return text.replace("'", "''") if style == "'" else text


def _in_double_quotes(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _edits(source: Source, changes: Sequence[Change]) -> tuple[Edit, ...]:
    return tuple(Edit(source.file, start, end, text) for start, end, text in changes)


# ------------------------------------------------------------------------------------------------------- trying it out


def _gives(source: Source, changes: Sequence[Change], path: Path, value: JSON) -> bool:
    """Say whether what stands around the place, changed, holds the value in its place and else what it held."""
    return _becomes(source, changes, path, lambda above: _replaced(above, path[-1], value))


def _renames(source: Source, changes: Sequence[Change], path: Path, name: str) -> bool:
    return _becomes(source, changes, path, lambda above: _renamed(above, path[-1], name))


def _becomes(source: Source, changes: Sequence[Change], path: Path, change: Callable[[JSON], JSON]) -> bool:
    """Compare what a changed text holds with what it held, `change` being made to the list or object of the place.

    The list or object is read by itself where it can be, for a file is long and has many places to be mended.
    """
    if not path:
        return False
    whole = _whole(source.text)
    if whole is None or whole.root is None:
        return False
    alone = None if _has_alias(source.text) else _alone(source, whole.root[1], path[:-1])
    if alone is None:
        wanted = _with(_value(whole), path[:-1], change)
        return wanted is not None and wanted == _value(_read(applied(source.text, changes)))
    text, shift = alone
    wanted = change(_value(_read(text)))
    moved = [(start + shift, end + shift, instead) for start, end, instead in changes]
    return wanted is not None and wanted == _value(_read(applied(text, moved)))


def _alone(source: Source, place: Place, path: Path) -> tuple[str, int] | None:
    """Give a list or object as a text that means the same by itself, and how far its places are moved in it.

    None where it has no line of its own to begin in, and no brackets around it.
    """
    for key in path:
        if key not in place.children:
            return None
        place = place.children[key]
    column = place.start - source.starts[source.location(place.start).line - 1]
    text = source.text[place.start : place.end]
    if _BEFORE_BLOCK.fullmatch(source.text[place.start - column : place.start]):
        return " " * column + text, column - place.start
    return (text, -place.start) if text[:1] in ("[", "{") and text[-1:] in ("]", "}") else None


@lru_cache(maxsize=8)
def _whole(text: str) -> Composed | None:
    """Read a file once for all of its fixes; what it gives is never changed."""
    return _read(text) if len(text) <= _LARGEST else None


@lru_cache(maxsize=8)
def _has_alias(text: str) -> bool:
    return _ALIAS.search(text) is not None


def _read(text: str) -> Composed | None:
    """Read a text with no variable set: what they hold does not matter."""
    try:
        return compose(make_source("", text), {})
    except DestinationError:
        return None


def _value(composed: Composed | None) -> JSON:
    return composed.root[0] if composed and composed.root else None


def _with(value: JSON, path: Path, change: Callable[[JSON], JSON]) -> JSON:
    """Give a value in which what stands at a path is changed; nothing where there is no such place."""
    if not path:
        return change(value)
    key = path[0]
    if isinstance(value, dict) and isinstance(key, str) and key in value:
        inner = _with(value[key], path[1:], change)
        return None if inner is None else {**value, key: inner}
    if isinstance(value, list) and isinstance(key, int) and key < len(value):
        inner = _with(value[key], path[1:], change)
        return None if inner is None else [*value[:key], inner, *value[key + 1 :]]
    return None


def _replaced(above: JSON, key: str | int, value: JSON) -> JSON:
    if isinstance(above, dict) and isinstance(key, str) and key in above:
        return {**above, key: value}
    if isinstance(above, list) and isinstance(key, int) and key < len(above):
        return [*above[:key], value, *above[key + 1 :]]
    return None


def _renamed(above: JSON, key: str | int, name: str) -> JSON:
    if not isinstance(above, dict) or name in above or key not in above:
        return None
    return {name if old == key else old: value for old, value in above.items()}
