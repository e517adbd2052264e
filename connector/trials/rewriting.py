"""A YAML file with some of its values replaced: their own text changes, and every other character stays.

In: a Document and the new values by path. Out: the new text, which was read again and says what it must. It writes no
file. What cannot be replaced safely (an alias, a value with a variable in it) raises UnwritableError.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.documents import Document, read_document
from connector.errors import ConnectorError, DestinationError, Path
from connector.trials.yaml_lines import block_lines, flow_text, scalar_text
from connector.values import JSON
from connector.yaml_text import Place, properties_length

_WIDEST: Final = 100  # columns up to which an object or list is written on one line where it could be over several
_SHORTEST: Final = 4  # characters of a variable's value that are known again
_Change: TypeAlias = "tuple[int, int, str]"


class UnwritableError(ConnectorError):
    """A value cannot be replaced by a program: the message says why, and `path` which."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(why)
        self.path = path


def rewrite(document: Document, values: Mapping[Path, JSON], environment: Mapping[str, str]) -> str:
    """Put values at paths of a document. Raises UnwritableError where the file would not say what it must."""
    changes: list[_Change] = []
    wanted = document.value
    for path, value in values.items():
        place, exact = document.find(path)
        if not exact:
            raise UnwritableError(path, "it is not there")
        writer = _Writer(document, path)
        changes += writer.replace(place, document.get(path), value)
        wanted = _with(wanted, path, value)
    _refuse_variables(document, changes, next(iter(values), ()))
    text = _changed(document.source.text, sorted(set(changes)))
    return _checked(text, document, wanted, next(iter(values), ()), environment)


def _refuse_variables(document: Document, changes: list[_Change], path: Path) -> None:
    """See that no value of the environment comes into the file."""
    pieces = (piece for filled in document.filled.values() for piece in filled.pieces)
    for piece in pieces:
        shown = piece.name and len(piece.value) >= _SHORTEST and any(piece.value in text for _, _, text in changes)
        if shown:
            raise UnwritableError(path, f"it would hold the value of the variable {piece.name}; write it by hand")


def _checked(text: str, document: Document, wanted: JSON, path: Path, environment: Mapping[str, str]) -> str:
    why = "the file would not say what it must; write it by hand"
    try:
        again = read_document(text.encode(), file=document.file, environment=environment)
    except DestinationError:
        raise UnwritableError(path, why) from None
    if _plainly(again.value) != _plainly(wanted):
        raise UnwritableError(path, why)
    return text


def _plainly(value: JSON) -> bytes:
    return msgspec.json.encode(value)


def _changed(text: str, changes: list[_Change]) -> str:
    parts, at = [], 0
    for start, end, new in changes:
        if start < at:
            raise UnwritableError((), "two tests want it otherwise: it is an alias, or the test of two mappings")
        parts += [text[at:start], new]
        at = end
    return "".join([*parts, text[at:]])


def _with(value: JSON, path: Path, new: JSON) -> JSON:
    """Give a value with another one at a path; keys stand in the order in which the file will have them."""
    if not path:
        return new
    key = path[0]
    if isinstance(value, dict):
        return {name: _with(inner, path[1:], new) if name == key else inner for name, inner in value.items()}
    assert isinstance(value, list)
    return [_with(inner, path[1:], new) if at == key else inner for at, inner in enumerate(value)]


class _Writer:
    """Finds the changes of one value's text."""

    def __init__(self, document: Document, path: Path) -> None:
        self._document, self._path = document, path
        self._text = document.source.text
        self._break = "\r\n" if "\r\n" in self._text else "\n"

    def _refuse(self, why: str) -> UnwritableError:
        return UnwritableError(self._path, why)

    def replace(self, place: Place, old: JSON, new: JSON) -> Iterator[_Change]:
        """Replace a value by another: only what differs, as deep inside as it can be."""
        if _plainly(old) == _plainly(new):
            return
        filled = self._document.filled.get(place.start) if place.style is not None else None
        if filled and any(piece.name or piece.value != "${" for piece in filled.pieces):  # else it is only escaped
            raise self._refuse("it holds a variable; write it by hand")
        if isinstance(old, dict) and isinstance(new, dict) and old and new:
            yield from self._replace_keys(place, old, new)
        elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
            for at, (before, after) in enumerate(zip(old, new, strict=True)):
                child = self._own(place, place.children[at])
                yield from self.replace(child, before, after)
        else:
            yield self._whole(place, new)

    def _own(self, parent: Place, child: Place) -> Place:
        """Give a child that is written where it is used."""
        if child.start < max(parent.start, child.key[1] if child.key else 0):
            raise self._refuse("it is an alias; write it out by hand")
        return child

    def _whole(self, place: Place, new: JSON) -> _Change:
        """Replace all of a value's text; a block stays a block when the new value is an object or a list."""
        start, end = place.start + properties_length(self._text[place.start : place.end]), self._end(place)
        if place.style is not None:
            style = place.style if place.style in ("'", '"') else ""
            space = " " if place.start == place.end and self._text[start - 1 : start] not in " \n" else ""
            return start, end, space + self._short(new, style)
        if self._is_flow(place):
            return start, end, flow_text(new)
        if isinstance(new, dict | list) and new:
            indent = self._break + " " * self._column(start)
            return start, end, indent.join(block_lines(new))
        if place.key is None:
            return start, end, flow_text(new)
        colon = self._colon(place.key)
        comment = re.match(r"[ \t]*(#.*)", self._text[colon:start])
        return colon, end, f" {flow_text(new)}" + (f"  {comment[1].rstrip()}" if comment else "")

    def _short(self, value: JSON, style: str) -> str:
        return scalar_text(value, style) if isinstance(value, str) else flow_text(value)

    def _replace_keys(self, place: Place, old: dict[str, JSON], new: dict[str, JSON]) -> Iterator[_Change]:
        gone, added = [key for key in old if key not in new], [key for key in new if key not in old]
        if list(new) != _order(old, new, gone, added):
            yield self._whole(place, new)
            return
        for key, value in old.items():
            if key in new:
                yield from self.replace(self._own(place, place.children[key]), value, new[key])
        for before, after in zip(gone, added, strict=False):
            yield self._entry(place, before, after, new[after])
        yield from self._removals(place, gone[len(added) :])
        if more := added[len(gone) :]:
            yield self._addition(place, {key: new[key] for key in more})

    def _entry(self, place: Place, before: str, after: str, value: JSON) -> _Change:
        """Replace a key and its value by others, in the same place."""
        child = self._own(place, place.children[before])
        start, end = child.key or (0, 0)
        return start, max(end, self._end(child)), self._pair(place, after, value, self._column(start))

    def _pair(self, place: Place, key: str, value: JSON, column: int) -> str:
        short = flow_text({key: value})[1:-1]
        if self._is_flow(place) or len(short) + column <= _WIDEST:
            return short
        return (self._break + " " * column).join(block_lines({key: value}))

    def _addition(self, place: Place, pairs: dict[str, JSON]) -> _Change:
        last = self._own(place, next(reversed(place.children.values())))
        end = self._end(last)
        if self._is_flow(place):
            return end, end, ", " + flow_text(pairs)[1:-1]
        column = self._column(self._key(place, next(iter(place.children)))[0])
        line_end = self._document.source.line_end(end)
        lines = (self._pair(place, key, value, column) for key, value in pairs.items())
        return line_end, line_end, "".join(f"{self._break}{' ' * column}{line}" for line in lines)

    def _removals(self, place: Place, gone: list[str]) -> Iterator[_Change]:
        """Take keys and their values out, neighbours together."""
        names = list(place.children)
        at = 0
        while at < len(names):
            until = at
            while until < len(names) and names[until] in gone:
                until += 1
            if until > at and self._is_flow(place):
                yield self._flow_removal(place, names, at, until)
            elif until > at:
                yield self._block_removal(place, names, at, until)
            at = until + 1

    def _flow_removal(self, place: Place, names: list[str | int], at: int, until: int) -> _Change:
        if until < len(names):
            return self._key(place, names[at])[0], self._key(place, names[until])[0], ""
        return self._entry_end(place, names[at - 1]), self._entry_end(place, names[-1]), ""

    def _block_removal(self, place: Place, names: list[str | int], at: int, until: int) -> _Change:
        """Take whole lines, their comments too; what stands behind the dash of a list stays behind it."""
        start, end = self._key(place, names[at])[0], self._entry_end(place, names[until - 1])
        line_start = self._document.source.starts[self._document.source.location(start).line - 1]
        if not self._text[line_start:start].strip():
            line_end = self._document.source.line_end(end)
            return line_start, line_end + len(self._line_break(line_end)), ""
        following = self._key(place, names[until])[0] if until < len(names) else end
        return start, end if "#" in self._text[end:following] else following, ""

    def _entry_end(self, place: Place, name: str | int) -> int:
        child = self._own(place, place.children[name])
        return max(self._end(child), self._colon(self._key(place, name)))

    def _key(self, place: Place, name: str | int) -> tuple[int, int]:
        return place.children[name].key or (0, 0)

    def _line_break(self, at: int) -> str:
        found = re.compile(r"\r\n?|\n").match(self._text, at)
        return found[0] if found else ""

    def _is_flow(self, place: Place) -> bool:
        start = place.start + properties_length(self._text[place.start : place.end])
        return self._text[start : start + 1] in ("{", "[")

    def _column(self, offset: int) -> int:
        return self._document.source.location(offset).column - 1

    def _colon(self, key: tuple[int, int]) -> int:
        """Give the offset behind a key's colon."""
        return self._text.index(":", key[1]) + 1

    def _end(self, place: Place) -> int:
        """Give the offset at which a value's own text ends: no blank line and no comment behind it."""
        if place.style is not None:
            return place.start + len(self._text[place.start : place.end].rstrip())
        if self._is_flow(place):
            return place.end
        last = self._own(place, next(reversed(place.children.values())))
        return max(self._end(last), self._colon(last.key) if last.key else 0)


def _order(old: dict[str, JSON], new: dict[str, JSON], gone: list[str], added: list[str]) -> list[str]:
    """Say in which order the keys stand after what is gone was replaced, left out, and what is new added."""
    instead = dict(zip(gone, added, strict=False))
    kept = [instead.get(key, key) for key in old if key in new or key in instead]
    return [*kept, *added[len(gone) :]]
