"""What has to change in the text of a YAML file so that a value in it becomes another: as little as can be.

In: a Document, the place of a value, the value and the new one. Out: slices of the text with what stands there instead.
Keys stay in the file's order. What cannot be replaced safely (an alias, a text with a variable) raises UnwritableError.
"""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, TypeAlias

import msgspec

from connector.documents import Document
from connector.errors import ConnectorError
from connector.values import JSON
from connector.yaml_text import Place, properties_length
from connector.yaml_writing import SPARING

Change: TypeAlias = "tuple[int, int, str]"

_WIDEST: Final = 100  # columns up to which an object or list is written on one line where it could be over several
_ANCHOR: Final = re.compile(r"&[^\s,\[\]{}]+")
_ALIAS: Final = re.compile(r"\s*\*[^\s,\[\]{}]+")
_COMMENT: Final = re.compile(r"[ \t]+#[^\r\n]*")


class UnwritableError(ConnectorError):
    """A value cannot be replaced by a program: the message says why."""


def is_equal(one: JSON, other: JSON) -> bool:
    """Compare as a file writes it: the order of keys does not matter, and 1 is not 1.0."""
    return msgspec.json.encode(one, order="deterministic") == msgspec.json.encode(other, order="deterministic")


class Changes:
    """Finds the changes of a value's text. `anchors` are those of what changes: an alias elsewhere would change too."""

    def __init__(self, document: Document) -> None:
        self.anchors: list[str] = []
        self._document = document
        self._text = document.source.text
        self._break = "\r\n" if "\r\n" in self._text else "\n"

    def replace(self, place: Place, old: JSON, new: JSON, *, is_test: bool = False) -> Iterator[Change]:
        """Replace a value by another: only what differs, as deep inside as it can be.

        A key of a test that goes makes room for one that comes; of other objects only where no comment belongs to it.
        """
        if is_equal(old, new):
            return
        properties = self._text[place.start : self._start(place)]
        self.anchors += _ANCHOR.findall(properties)
        filled = self._document.filled.get(place.start) if place.style is not None else None
        if filled and any(piece.name or piece.value != "${" for piece in filled.pieces):  # else it is only escaped
            raise UnwritableError("it holds a variable; write it by hand, with ${NAME} for the value")
        if isinstance(old, dict) and isinstance(new, dict) and not old.keys().isdisjoint(new):
            yield from self._replace_keys(place, old, new, is_test=is_test)
        elif isinstance(old, list) and isinstance(new, list) and old and new:
            yield from self._replace_items(place, old, new)
        else:
            yield self._whole(place, new)

    # ------------------------------------------------------------------------------------------------ whole values

    def _whole(self, place: Place, new: JSON) -> Change:
        """Replace all of a value's text; a block stays a block when the new value is an object or a list."""
        start, end = self._start(place), self._end(place)
        if place.style is not None:
            style = place.style if place.style in ("'", '"') else ""
            space = " " if place.start == place.end and self._text[start - 1 : start] not in " \n" else ""
            return start, end, space + (SPARING.scalar(new, style) if isinstance(new, str) else SPARING.value(new))
        if self._is_flow(place):
            return start, end, SPARING.value(new)
        end = self._comment_end(end)  # it was of the last line, which is no more
        if isinstance(new, dict | list) and new:
            indent = self._break + " " * self._column(start)
            return start, end, indent.join(SPARING.block(new))
        if place.key is None:
            return start, end, SPARING.value(new)
        colon = self._colon(place.key)
        comment = re.match(r"[ \t]*(#.*)", self._text[colon:start])
        return colon, end, f" {SPARING.value(new)}" + (f"  {comment[1].rstrip()}" if comment else "")

    # --------------------------------------------------------------------------------------------------- objects

    def _replace_keys(
        self, place: Place, old: dict[str, JSON], new: dict[str, JSON], *, is_test: bool
    ) -> Iterator[Change]:
        for key, value in old.items():
            if key in new and not is_equal(value, new[key]):
                yield from self.replace(self._own(place, key), value, new[key])
        gone, added = [key for key in old if key not in new], [key for key in new if key not in old]
        free = [key for key in gone if is_test or not self._has_comment(place, key)]
        instead = dict(zip(free, added, strict=False))
        for before, after in instead.items():
            yield self._entry(place, before, after, new[after])
        yield from self._removals(place, [key for key in gone if key not in instead])
        if more := added[len(instead) :]:
            last = next(key for key in reversed(old) if key in new or key in instead)
            yield self._addition(place, last, {key: new[key] for key in more})

    def _has_comment(self, place: Place, name: str) -> bool:
        """Say whether a comment stands in the lines of a key, or above it."""
        start, end = self._key(place, name)[0], self._entry_end(place, name)
        names = list(place.children)
        following = names[names.index(name) + 1 :][:1]
        if self._is_flow(place):
            until = self._key(place, following[0])[0] if following else place.end
            return "#" in self._text[start:until]
        first = self._line_start(start)
        is_above = self._above(first, start - first) < first
        return is_above or "#" in self._text[start : self._document.source.line_end(end)]

    def _entry(self, place: Place, before: str, after: str, value: JSON) -> Change:
        """Replace a key and its value by others, in the same place."""
        start, child = self._key(place, before)[0], place.children[before]
        end = self._entry_end(place, before)
        is_block = not self._is_alias(place, before) and child.style is None and not self._is_flow(child)
        end = self._comment_end(end) if is_block else end
        return start, end, self._pair(place, after, value, self._column(start))

    def _pair(self, place: Place, key: str, value: JSON, column: int) -> str:
        short = SPARING.value({key: value})[1:-1]
        if self._is_flow(place) or len(short) + column <= _WIDEST:
            return short
        return (self._break + " " * column).join(SPARING.block({key: value}))

    def _addition(self, place: Place, last: str, pairs: dict[str, JSON]) -> Change:
        """Add keys behind the one that stays the last."""
        end = self._entry_end(place, last)
        if self._is_flow(place):
            return end, end, ", " + SPARING.value(pairs)[1:-1]
        column = self._column(self._key(place, next(iter(place.children)))[0])
        line_end = self._document.source.line_end(end)
        lines = (self._pair(place, key, value, column) for key, value in pairs.items())
        return line_end, line_end, "".join(f"{self._break}{' ' * column}{line}" for line in lines)

    # ----------------------------------------------------------------------------------------------------- lists

    def _replace_items(self, place: Place, old: list[JSON], new: list[JSON]) -> Iterator[Change]:
        """Replace the items between those that stay; a comment stays with its item, and goes with it."""
        is_flow = self._is_flow(place)
        gaps = _gaps(old, new, is_flow=is_flow)
        is_even = is_flow or all(end - start == to - at == paired for start, end, at, to, paired in gaps)
        if not is_even and not self._has_lines(place):
            self._refuse_comments(place)
            yield self._whole(place, new)
        elif not is_even and gaps[0][:4] == (0, len(old), 0, len(new)):
            yield self._whole(place, new)
        else:
            for start, end, at, to, paired in gaps:
                for one, other in zip(range(start, start + paired), new[at : at + paired], strict=True):
                    yield from self.replace(self._own(place, one), old[one], other)
                yield from self._gap(place, range(start + paired, end), new[at + paired : to])

    def _gap(self, place: Place, gone: range, items: list[JSON]) -> Iterator[Change]:
        """Put items in the place of others, of which no comment stays."""
        removals, at = list(self._removals(place, gone)), gone.start
        if not items:
            yield from removals
        elif not removals:
            yield self._insertion(place, at, items)
        else:
            ((start, end, _),) = removals
            text = self._break.join(self._item_lines(place, items))
            yield start, end, self._break + text if start else text + self._break

    def _refuse_comments(self, place: Place) -> None:
        if re.search(r"(?:^|\s)#", self._text[self._start(place) : self._comment_end(self._end(place))]):
            raise UnwritableError("its comments stand where they would be lost; write it by hand")

    def _has_lines(self, place: Place) -> bool:
        """Say whether each item begins a line of its own."""
        starts = (self._own(place, at).start for at in place.children)
        return all(self._text[self._line_start(start) : start].strip() == "-" for start in starts)

    def _insertion(self, place: Place, at: int, items: list[JSON]) -> Change:
        """Put items before the one at a position, or behind the last."""
        first = self._own(place, 0)
        if self._is_flow(place):
            text = SPARING.value(items)[1:-1]
            end = self._entry_end(place, at - 1) if at else first.start
            return end, end, f", {text}" if at else f"{text}, "
        text = self._break.join(self._item_lines(place, items))
        if not at:
            line_start = self._line_start(first.start)
            above = self._above(line_start, self._text.index("-", line_start) - line_start)
            return above, above, text + self._break
        end = self._document.source.line_end(self._entry_end(place, at - 1))
        return end, end, self._break + text

    def _item_lines(self, place: Place, items: list[JSON]) -> Iterator[str]:
        """Write items as those of a block, on one line each where the first is so."""
        first = self._own(place, 0)
        line_start = self._line_start(first.start)
        indent = self._text[line_start : self._text.index("-", line_start)]
        lines = [f"- {SPARING.value(item)}" for item in items] if self._is_flow(first) else SPARING.block(items)
        return (f"{indent}{line}" for line in lines)

    # -------------------------------------------------------------------------------------------------- removals

    def _removals(self, place: Place, gone: "list[str] | range") -> Iterator[Change]:
        """Take keys with their values, or items, out, neighbours together."""
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

    def _flow_removal(self, place: Place, names: list[str | int], at: int, until: int) -> Change:
        start = self._key(place, names[at])[0]
        if until < len(names):
            return start, self._key(place, names[until])[0], ""
        before, end = self._entry_end(place, names[at - 1]), self._entry_end(place, names[-1])
        return start if "#" in self._text[before:start] else before, end, ""

    def _block_removal(self, place: Place, names: list[str | int], at: int, until: int) -> Change:
        """Take whole lines, their comments too, and those above them; the dash before a first key stays."""
        start, end = self._key(place, names[at])[0], self._entry_end(place, names[until - 1])
        line_start = self._line_start(start)
        if self._text[line_start:start].strip() == ("-" if isinstance(names[at], int) else ""):
            line_end = self._document.source.line_end(end)
            dash = self._text.find("-", line_start, start) if isinstance(names[at], int) else start
            first = self._above(line_start, dash - line_start)
            if not first:
                return first, line_end + len(self._line_break(line_end)), ""
            return first - (2 if self._text.startswith("\r\n", first - 2) else 1), line_end, ""
        following = self._key(place, names[until])[0] if until < len(names) else end
        return start, end if "#" in self._text[end:following] else following, ""

    def _above(self, line_start: int, column: int) -> int:
        """Give the start of the comments that stand right above a line, at a column; else of the line."""
        starts = self._document.source.starts
        line = self._document.source.location(line_start).line - 1
        while line and re.match(rf" {{{column}}}#", self._text[starts[line - 1] : starts[line]]):
            line -= 1
        return starts[line]

    # ---------------------------------------------------------------------------------------------------- places

    def _is_alias(self, parent: Place, name: str | int) -> bool:
        """Say whether a child is written elsewhere, before the place where it is used."""
        child = parent.children[name]
        if child.key:
            return child.start < max(parent.start, child.key[1])
        earlier = (other.start for at, other in parent.children.items() if isinstance(name, int) and int(at) < name)
        return child.start < parent.start or child.start <= max(earlier, default=-1)

    def _own(self, parent: Place, name: str | int) -> Place:
        """Give a child that is written where it is used."""
        if self._is_alias(parent, name):
            raise UnwritableError("it is an alias; write it out by hand")
        return parent.children[name]

    def _start(self, place: Place) -> int:
        return place.start + properties_length(self._text[place.start : place.end])

    def _entry_end(self, place: Place, name: str | int) -> int:
        """Give the offset at which a key's value, or an item, ends."""
        child = place.children[name]
        if child.key and self._is_alias(place, name):
            found = _ALIAS.match(self._text, self._colon(child.key))
            if found is None:
                raise UnwritableError("an alias stands beside it; write it by hand")
            return found.end()
        return max(self._end(self._own(place, name)), self._colon(child.key) if child.key else 0)

    def _end(self, place: Place) -> int:
        """Give the offset at which a value's own text ends: no blank line and no comment behind it."""
        if place.style is not None:
            return place.start + len(self._text[place.start : place.end].rstrip())
        if self._is_flow(place):
            return place.end
        return self._entry_end(place, next(reversed(place.children)))

    def _key(self, place: Place, name: str | int) -> tuple[int, int]:
        return place.children[name].key or (self._own(place, name).start,) * 2

    def _comment_end(self, at: int) -> int:
        found = _COMMENT.match(self._text, at)
        return found.end() if found else at

    def _line_start(self, at: int) -> int:
        return self._document.source.starts[self._document.source.location(at).line - 1]

    def _line_break(self, at: int) -> str:
        found = re.compile(r"\r\n?|\n").match(self._text, at)
        return found[0] if found else ""

    def _is_flow(self, place: Place) -> bool:
        start = self._start(place)
        return place.style is None and self._text[start : start + 1] in ("{", "[")

    def _column(self, offset: int) -> int:
        return self._document.source.location(offset).column - 1

    def _colon(self, key: tuple[int, int]) -> int:
        """Give the offset behind a key's colon."""
        return self._text.index(":", key[1]) + 1


def _gaps(old: list[JSON], new: list[JSON], *, is_flow: bool) -> list[tuple[int, int, int, int, int]]:
    """Align two lists: the slices of both between items that stay, and how many in each become another in place.

    In a block those are all or none: an item that only moves becomes no other, for a comment may belong to it.
    """
    before, after = ([msgspec.json.encode(item, order="deterministic") for item in items] for items in (old, new))
    gaps = []
    for kind, start, end, at, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        is_moved = not (set(before[start:end]).isdisjoint(after) and set(after[at:to]).isdisjoint(before))
        is_paired = is_flow or (end - start == to - at and not is_moved)
        if kind != "equal":
            gaps.append((start, end, at, to, min(end - start, to - at) if is_paired else 0))
    return gaps
