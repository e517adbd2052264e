"""The fewest events that still reach everything that was seen: every clause both ways, every branch and outcome.

In: events one by one, as lines, with the way each takes. Out: the lines to keep, in their order. Memory grows with how
many ways there are, not with events, and no further than a bound.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from connector.recording.ways import Way

_ABRIDGED: Final = {"[": "a list", "{": "an object"}
MOST: Final = 5_000  # ways that are remembered; later ones are taken only for what they add


_Reached: TypeAlias = tuple[str, str, tuple[str | int, ...], str]


class _Kept(msgspec.Struct, frozen=True):
    number: int
    line: bytes
    digest: bytes
    points: frozenset[int]


class Sample:
    """Collects events for the smallest set. Few events are wanted, so ask first: the others need no pseudonyms."""

    def __init__(self) -> None:
        self._numbers: dict[_Reached, int] = {}
        self._covered: set[int] = set()
        self._kept: dict[frozenset[int], _Kept] = {}

    def wants(self, way: Way) -> bool:
        """Say whether an event of this way is worth to have: of those that reach the same one is enough."""
        points = self._points(way)
        return points not in self._kept and (len(self._kept) < MOST or not points <= self._covered)

    def add(self, line: bytes, way: Way) -> None:
        """Keep an event until all were seen."""
        points = self._points(way)
        self._covered |= points
        self._kept[points] = _Kept(len(self._kept), line, way.digest(), points)

    def _points(self, way: Way) -> frozenset[int]:
        return frozenset(map(self._number, reached(way)))

    def _number(self, point: _Reached) -> int:
        return self._numbers.setdefault(point, len(self._numbers))

    def chosen(self) -> list[tuple[bytes, bytes]]:
        """Choose: always the event that reaches most of what is missing. Gives lines with their ways' digests."""
        missing, left, chosen = set(self._covered), list(self._kept.values()), list[_Kept]()
        while missing:
            best = max(left, key=lambda kept: (len(kept.points & missing), -len(kept.line), -kept.number))
            missing -= best.points
            chosen.append(best)
            left.remove(best)
        chosen = _without_spare(chosen)
        return [(kept.line, kept.digest) for kept in sorted(chosen, key=lambda kept: kept.number)]

    @property
    def reached(self) -> int:
        """How many different points were seen."""
        return len(self._covered)


def reached(way: Way) -> Iterator[_Reached]:
    """List what a way reaches: of values only whether they are there, since lists have any number of lengths."""
    for point in way.points:
        if point.counts and point.kind not in ("payload", "request"):
            said = _ABRIDGED.get(point.said[:1], point.said) if len(point.said) > len("[]") else point.said
            yield point.mapping, point.kind, point.place, said if point.kind == "value" else point.said


def _without_spare(chosen: list[_Kept]) -> list[_Kept]:
    """Leave out an early choice all of which later ones reach too."""
    kept = list(chosen)
    for one in chosen:
        others = frozenset[int]().union(*(other.points for other in kept if other is not one))
        if one.points <= others:
            kept.remove(one)
    return kept
