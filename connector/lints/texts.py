"""Texts that tell patterns apart: one for each way in which any text can match some of them and not others.

In: whole texts and glob patterns. Out: at least one text for every combination that exists; None where there are too
many. It is exact: the patterns are run together as one automaton over the characters that they tell apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from connector.language.triggers.globs import OneOf, Piece, Wild

Pattern: TypeAlias = tuple[Piece, ...]
_Step: TypeAlias = str | Wild | Callable[[str], bool]
_State: TypeAlias = tuple[int, ...]  # where in the whole texts, then for each pattern the places it may be at, as bits

_MOST_STEPS: Final = 60_000
_FRESH: Final = "\ue000"  # a character that no trigger has
_OUT: Final = -1
_LAST_CHARACTER: Final = 0x10FFFF


def texts_apart(
    wholes: Iterable[str], patterns: Sequence[Pattern], *, may_hold: Callable[[str], bool] = lambda _: True
) -> list[str] | None:
    """Find texts made of characters that `may_hold`: every one of `wholes`, and one for each set of patterns.

    Of characters that only a list of a pattern tells apart all are taken to be held: a text too many does no harm.
    """
    literal = [text for text in dict.fromkeys(wholes) if all(map(may_hold, text))]
    if not patterns:
        return [*literal, _fresh(literal)]
    machine = _Machine(literal, patterns)
    letters = machine.letters(may_hold)
    start = machine.start()
    found: dict[tuple[bool, ...], str] = {}
    seen, waiting, steps = {start}, [(start, "")], 0
    for state, text in waiting:  # the list grows: breadth first, so the shortest texts come first
        if text not in literal:
            found.setdefault(machine.answers(state), text)
        for letter in letters:
            steps += len(patterns)
            after = machine.step(state, letter)
            if after not in seen:
                seen.add(after)
                waiting.append((after, text + letter))
        if steps > _MOST_STEPS:
            return None
    return [*literal, *found.values()]


def _fresh(literal: Sequence[str]) -> str:
    return _FRESH * (1 + max(map(len, literal), default=0))


class _Machine:
    """Whole texts and patterns, read together one letter at a time."""

    def __init__(self, wholes: Sequence[str], patterns: Sequence[Pattern]) -> None:
        self._patterns = [list(_steps(pattern)) for pattern in patterns]
        self._pieces = [piece for pattern in patterns for piece in pattern]
        self._nodes: list[dict[str, int]] = [{}]  # the whole texts as a tree of letters
        for text in wholes:
            at = 0
            for letter in text:
                if letter not in self._nodes[at]:
                    self._nodes.append({})
                    self._nodes[at][letter] = len(self._nodes) - 1
                at = self._nodes[at][letter]
        self._wholes = wholes
        self._known: dict[tuple[int, int, str], int] = {}

    def letters(self, may_hold: Callable[[str], bool]) -> list[str]:
        """Choose one letter of each kind that the texts and patterns tell apart."""
        named = set("".join(self._wholes)) | {letter for p in self._pieces if isinstance(p, str) for letter in p}
        lists = [re.compile(piece.pattern) for piece in self._pieces if isinstance(piece, OneOf)]
        candidates = sorted(named | {_FRESH} | {edge for one in lists for edge in _edges(one.pattern)})
        kinds: dict[tuple[object, ...], str] = {}
        for letter in candidates:
            listed = tuple(one.fullmatch(letter) is not None for one in lists)
            if may_hold(letter) or any(listed):
                kinds.setdefault((letter if letter in named else "", *listed), letter)
        return list(kinds.values())

    def start(self) -> _State:
        return (0, *(_closed(steps, 1) for steps in self._patterns))

    def step(self, state: _State, letter: str) -> _State:
        at = self._nodes[state[0]].get(letter, _OUT) if state[0] != _OUT else _OUT
        return (at, *(self._step(number, places, letter) for number, places in enumerate(state[1:])))

    def answers(self, state: _State) -> tuple[bool, ...]:
        return tuple(bool(places >> len(steps)) for places, steps in zip(state[1:], self._patterns, strict=True))

    def _step(self, number: int, places: int, letter: str) -> int:
        known = self._known.get((number, places, letter))
        if known is not None:
            return known
        steps, after = self._patterns[number], 0
        for at, step in enumerate(steps):
            if places >> at & 1:
                if step is Wild.MANY:
                    after |= 1 << at
                elif _takes(step, letter):
                    after |= 1 << at + 1
        closed = self._known[number, places, letter] = _closed(steps, after)
        return closed


def _steps(pattern: Pattern) -> Iterator[_Step]:
    for piece in pattern:
        if isinstance(piece, str):
            yield from piece
        elif isinstance(piece, OneOf):
            matches = re.compile(piece.pattern).fullmatch
            yield lambda letter, matches=matches: matches(letter) is not None  # type: ignore[misc]
        else:
            yield piece


def _takes(step: _Step, letter: str) -> bool:
    if isinstance(step, str):
        return step == letter
    return True if isinstance(step, Wild) else step(letter)


def _closed(steps: Sequence[_Step], places: int) -> int:
    """Add the places that are reached without a letter: a `*` may stand for nothing."""
    for at, step in enumerate(steps):
        if places >> at & 1 and step is Wild.MANY:
            places |= 1 << at + 1
    return places


def _edges(pattern: str) -> Iterator[str]:
    """Give the letters at which a list begins to match or ceases to: its own, and those beside them."""
    for letter in re.sub(r"\\(.)", r"\1", pattern[1:-1], flags=re.DOTALL):
        yield from (chr(at) for at in range(max(ord(letter) - 1, 0), min(ord(letter) + 1, _LAST_CHARACTER) + 1))
