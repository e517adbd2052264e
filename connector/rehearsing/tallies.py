"""What an edit changes, counted: events by outcome in both versions, and groups of events that change alike.

A group is a mapping, a kind of change and one cause; an event with several causes counts in each of their groups. Of
every group three events are kept, the first ones, but those that differ in other fields rather than more of the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from connector.comparison.edits import Pair
from connector.comparison.outcomes import Kind, Leaf, Side
from connector.comparison.versions import Edit
from connector.replay.summary import Summary
from connector.values import type_name

SAMPLES: Final = 3
_LOOKED_AT: Final = 1_000  # events of a group among which samples are looked for


class Sample(msgspec.Struct, frozen=True):
    """One event that changes: where it stands in the recording, what became of it and becomes, and what differs."""

    message_id: str
    file: str
    line: int
    before: Side
    after: Side
    leaves: tuple[Leaf, ...]

    def __repr__(self) -> str:
        return f"Sample({self.message_id!r})"  # the rest names a person

    def shape(self) -> object:
        """Give what differs, without values."""
        return self.before, self.after, [(leaf.path, type_name(leaf.old), type_name(leaf.new)) for leaf in self.leaves]


class Group:
    """Events of a mapping that change alike for one cause; no mapping: filtered before and after."""

    def __init__(self, mapping: str | None, kind: Kind, cause: Edit | None) -> None:
        self.mapping, self.kind, self.cause = mapping, kind, cause
        self.count = 0
        self._ranks: tuple[list[tuple[int, Sample]], ...] = ([], [], [])

    @property
    def is_looking(self) -> bool:
        """Whether there may be a better sample than those that were found."""
        return self.count < _LOOKED_AT and len(self._ranks[0]) < SAMPLES

    def offer(self, sample: Sample) -> None:
        """Keep a sample: one of a new shape before one with new values, and that before any other."""
        kept = [found for rank in self._ranks[:2] for _, found in rank]
        if sample.shape() not in [found.shape() for found in kept]:
            rank = 0
        else:
            rank = 2 if sample.leaves in [found.leaves for found in kept] else 1
        if len(self._ranks[rank]) < SAMPLES:
            self._ranks[rank].append((self.count, sample))

    @property
    def samples(self) -> list[Sample]:
        """Give the samples in the order of the recording."""
        best = [found for rank in self._ranks for found in rank][:SAMPLES]
        return [sample for _, sample in sorted(best, key=lambda found: found[0])]


class PairTally:
    """What one mapping takes, and what changes of that; `hidden` are edits that only show without others."""

    def __init__(self, pair: Pair | None) -> None:
        self.pair = pair
        self.took_before = self.took_after = self.took_both = 0
        self.kinds: Counter[Kind] = Counter()
        self.hidden: Mapping[Edit, Iterable[Edit]] = {}
        self._groups: dict[tuple[Kind, int], Group] = {}
        self._causes: dict[Edit | None, int] = {}
        self._ids: dict[int, int] = {}

    def groups_of(self, kind: Kind, causes: tuple[Edit, ...]) -> list[Group]:
        """Find or begin the groups of one event."""
        found = []
        for cause in causes or (None,):
            number = self._ids.get(id(cause))
            if number is None:  # edits live as long as the comparison, and hashing one takes longer than this
                number = self._ids[id(cause)] = self._causes.setdefault(cause, len(self._causes))
            group = self._groups.get((kind, number))
            if group is None:
                group = self._groups[kind, number] = Group(self.pair.name if self.pair else None, kind, cause)
            found.append(group)
        return found

    def groups(self, kind: Kind) -> list[Group]:
        """List the groups of a kind, the largest first."""
        found = [group for (other, _), group in self._groups.items() if other == kind]
        return sorted(found, key=lambda group: -group.count)


class Tally:
    """All that was counted: `summary` has the events, discards and what was left out; outcomes are by version."""

    def __init__(self, pairs: tuple[Pair, ...]) -> None:
        self.summary = Summary()
        self.changed = 0  # events of which something else becomes
        self.stale = 0  # events that are too old for a mapping in both versions, whatever it makes of them
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()
        self.pairs = tuple(PairTally(pair) for pair in pairs)
        self.filtered = PairTally(None)

    @property
    def has_compared(self) -> bool:
        """Whether any event could have shown a difference: one that nothing takes can, one that is too old cannot."""
        taken = self.summary.events - min(self.before["filtered"], self.after["filtered"])
        return bool(self.changed) or (self.summary.events > 0 and not 0 < taken <= self.stale)

    def groups(self) -> Iterator[Group]:
        """List all groups: by mapping, kind and size."""
        for pair in (*self.pairs, self.filtered):
            for kind in pair.kinds:
                yield from pair.groups(kind)
