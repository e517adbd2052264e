"""An event and its pseudonyms compared: both must take the same way through all mappings, or are mended to do so.

In: an event. Out: the event with pseudonyms and the way it takes, or where the two part, without any value.
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Final, TypeAlias

import msgspec

from connector.errors import Path
from connector.pseudonyms import Pseudonyms, words_of_person
from connector.recording.ways import ADDS, LACKS, Keys, Point, Way, Ways
from connector.values import JSON

_Pair: TypeAlias = tuple[Point | None, Point | None]
_SENT: Final = ("payload", "request", "warning")
_IDS: Final = frozenset({"userId", "anonymousId", "messageId", "groupId", "previousId"})  # one person stays one person
_DRAWS: Final = 12  # other pseudonyms that are tried where one does not take the same way


class Proven(msgspec.Struct, frozen=True):
    """An event with pseudonyms that takes the way of its original; `redrawn` values in it have not their usual one."""

    data: dict[str, JSON]
    way: Way
    redrawn: int = 0

    def __repr__(self) -> str:
        return f"Proven({self.way!r})"


class Parted(msgspec.Struct, frozen=True):
    """An event whose pseudonyms do not take its way: where it stands, its messageId's pseudonym, what differs first."""

    at: str
    message_id: str
    mapping: str
    told: str
    expected: str
    found: str

    @property
    def sentence(self) -> str:
        """Say what differs; what is missing or too much, `told` says already."""
        if LACKS in self.told or ADDS in self.told:
            return self.told
        return f"{self.told}: {self.expected} became {self.found}"


class Prover:
    """Gives events pseudonyms and proves them."""

    def __init__(self, ways: Ways, pseudonyms: Pseudonyms) -> None:
        self._ways, self._pseudonyms = ways, pseudonyms

    def prove(self, message_id: str, event: dict[str, JSON], original: Way, *, at: str = "") -> Proven | Parted:
        """Give an event, which takes the way `original`, pseudonyms, and mend them where they take another way.

        `at` is where it stands, as `events.jsonl:4`.
        """
        data = self._pseudonyms.event(event)
        way = self._ways.follow(data)
        difference = self._difference(event, original, way)
        if difference is None:
            return Proven(data, way)
        mended = self._mend(event, original, difference)
        return mended or self._parted(at, message_id, *difference)

    def _mend(self, event: dict[str, JSON], original: Way, first: _Pair) -> Proven | None:
        """Draw other pseudonyms for what decides the difference, and for what decides the next one."""
        difference: _Pair | None = first
        redrawn: dict[Path, int] = {}
        for draw in range(1, _DRAWS + 1):
            point = difference[0] or difference[1] if difference else None
            assert point is not None
            found = [path for keys in self._ways.reads(point) for path in leaves(event, keys) if path[0] not in _IDS]
            if not found:
                return None
            redrawn |= dict.fromkeys(found, draw)
            data = self._pseudonyms.event(event, redrawn=redrawn)
            way = self._ways.follow(data)
            difference = self._difference(event, original, way, copied=False)
            if difference is None:
                return Proven(data, way, len(redrawn))
        return None

    def _difference(self, event: dict[str, JSON], original: Way, way: Way, *, copied: bool = True) -> _Pair | None:
        if original.points != way.points:
            return _first(original, way)
        if not copied or not original.copies:
            return None
        own = words_of_person(event)
        for (name, keys, text), (*_, made) in zip(original.copies, way.copies, strict=True):
            if self._pseudonyms.value(text, keys, own=own) != made:
                return Point(name, "copy", keys, "the pseudonym"), None
        return None

    def _parted(self, at: str, message_id: str, one: Point | None, other: Point | None) -> Parted:
        point = one or other
        assert point is not None
        return Parted(
            at,
            self._pseudonyms.text(message_id),
            point.mapping,
            self._ways.told(point, "in" if one and other else LACKS if one else ADDS),
            one.said if one else "nothing",
            other.said if other else "nothing",
        )


def _first(original: Way, way: Way) -> _Pair:
    """Find what differs first; of what is sent by key, since one that is missing moves all others."""
    pairs = [pair for pair in zip_longest(original.points, way.points) if pair[0] != pair[1]]
    first = pairs[0][0] or pairs[0][1]
    if first is not None and first.kind in _SENT:
        before, after = _sent(original), _sent(way)
        return next((before.get(key), after.get(key)) for key in before | after if before.get(key) != after.get(key))
    if first is not None and first.kind == "outcome":
        problems = ((one, other) for one, other in pairs for point in (one, other) if point and point.kind == "problem")
        return next(((one, other) for one, other in problems), pairs[0])
    return _innermost(pairs)


def _sent(way: Way) -> dict[tuple[object, ...], Point]:
    return {(point.mapping, point.kind, point.place): point for point in way.points if point.kind in _SENT}


def _innermost(pairs: list[_Pair]) -> _Pair:
    """Give the first difference; of a field the one that is deepest in it, which is what made the others."""
    first = pairs[0]
    if first[0] is None or first[0].kind != "value":
        return first
    field = first[0].place[:1]
    inside = [
        (one, other)
        for one, other in pairs
        if one and other and one.kind == "value" and (one.mapping, one.place) == (other.mapping, other.place)
        if one.mapping == first[0].mapping and one.place[:1] == field
    ]
    return max(inside, key=lambda pair: len(pair[0].place), default=first)


def leaves(value: JSON, keys: Keys, path: Path = ()) -> Iterator[Path]:
    """List the paths of all values under some keys that are no objects or lists."""
    if keys and isinstance(value, dict) and keys[0] in value:
        yield from leaves(value[keys[0]], keys[1:], (*path, keys[0]))
    elif keys and isinstance(value, list) and keys[0].isdecimal() and int(keys[0]) < len(value):
        yield from leaves(value[int(keys[0])], keys[1:], (*path, int(keys[0])))
    elif isinstance(value, dict) and not keys:
        for key, inner in value.items():
            yield from leaves(inner, (), (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, (), (*path, at))
    elif not isinstance(value, dict):
        yield path
