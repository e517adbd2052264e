"""Changes of a file's text that put another text, value or key in one place and leave everything else as it is.

In: a file's source and a place in it. Out: edits, or none where they would change the meaning of anything else: what
they give is read again and compared. Quotes, escapes, folded lines and comments stay. No file is opened here.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
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
    """Say whether the file, changed, holds the value in its place and else what it held."""
    before, after = _read(source, ()), _read(source, changes)
    if before is None or after is None or not path:
        return False
    return _put(before, path, value) and _value(before) == _value(after)


def _renames(source: Source, changes: Sequence[Change], path: Path, name: str) -> bool:
    before, after = _read(source, ()), _read(source, changes)
    if before is None or after is None or not path:
        return False
    above = _at(_value(before), path[:-1])
    if not isinstance(above, dict) or name in above or path[-1] not in above:
        return False
    above[name] = above.pop(str(path[-1]))
    return _value(before) == _value(after)


def _read(source: Source, changes: Sequence[Change]) -> Composed | None:
    """Read the text with no variable set: what they hold does not matter."""
    if len(source.text) > _LARGEST:
        return None
    try:
        return compose(make_source(source.file, applied(source.text, changes)), {})
    except DestinationError:
        return None


def _value(composed: Composed) -> JSON:
    return composed.root[0] if composed.root else None


def _at(value: JSON, path: Path) -> JSON:
    for key in path:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _put(composed: Composed, path: Path, value: JSON) -> bool:
    above, key = _at(_value(composed), path[:-1]), path[-1]
    if isinstance(above, dict) and isinstance(key, str) and key in above:
        above[key] = value
        return True
    if isinstance(above, list) and isinstance(key, int) and key < len(above):
        above[key] = value
        return True
    return False
