"""One pass over a recording with two versions of a destination: an event goes only to mappings that may take it.

In: a Comparison and located events. Out: a Tally. Memory does not grow with the recording.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from connector.comparison.edits import Comparison, Pair
from connector.comparison.outcomes import Side
from connector.destination import Destination, Mapping
from connector.events import EVENT_TYPES, Discard, Event
from connector.language.triggers import Gate
from connector.mappings import Reads, union_reads
from connector.rehearsing.judges import BOTH, CHANGED, NEW, OLD, STALE_IN_BOTH, Judge, Oldest, compile_judge
from connector.rehearsing.tallies import Sample, Tally
from connector.replay.rehearsal import REMEMBERED
from connector.replay.summary import Say, discard_row
from connector.routes import NO_MATCHING_MAPPING, Routes
from connector.sources.files import Located
from connector.values import JSON

_TURN: Final = 256  # events between two looks at the memories of messageIds
_SHOWN: Final = 64  # of these, between two calls of `show`
_ENDS: Final = BOTH + CHANGED + STALE_IN_BOTH + 1

_Table: TypeAlias = dict[str, tuple[dict[str, tuple[Judge, ...]], tuple[Judge, ...]]]
_Filter: TypeAlias = Callable[[dict[str, JSON]], Sequence[Mapping] | str]


def union_of_reads(comparison: Comparison) -> Reads | None:
    """Name the paths of events that either version looks at, None for all."""
    return union_reads(version.destination.event_reads for version in (comparison.old, comparison.new))


class Pass:
    """Takes events through both versions; `tally` is complete when `run` has ended."""

    def __init__(self, comparison: Comparison, oldest: Oldest, *, say: Say) -> None:
        self.tally = Tally(comparison.pairs)
        self._say = say
        share = REMEMBERED // max(1, len(comparison.pairs))
        judges = [
            compile_judge(comparison, number, oldest, self.tally, share) for number in range(len(comparison.pairs))
        ]
        self._memories = [memory for _, memory in judges]
        self._table = _table(comparison.pairs, [judge for judge, _ in judges])
        self._filter_old, self._filter_new = map(_filter, (comparison.old.destination, comparison.new.destination))
        consent = comparison.settings.get("consent_categories")
        self._same_filter, self._consent = consent is None, (consent,) if consent else ()

    def run(self, items: Iterable[Located], *, show: Callable[[int], None] = lambda _events: None) -> None:
        """Take a recording, event by event; `show` is told now and then how many events there were."""
        table, filter_new, same_filter = self._table, self._filter_new, self._same_filter
        ends = [0] * _ENDS
        events = 0
        try:
            for file, line, item in items:
                if type(item) is not Event:
                    self._discard(file, line, item)
                    continue
                events += 1
                if not events % _TURN:
                    self._turn(events, show)
                data = item.data
                reason = filter_new(data)
                if not same_filter and self._filter_old(data) != reason:
                    ends[self._with_consent(item, file, line)] += 1
                    continue
                bits = 0
                if reason is NO_MATCHING_MAPPING:
                    named, found = table[data["type"]]  # type: ignore[index]  # one of EVENT_TYPES
                    if named and type(name := data.get("event")) is str:
                        found = named.get(name, found)
                    for judge in found:
                        bits |= judge(item, file, line, BOTH)
                ends[bits] += 1
        finally:
            self._conclude(events, ends)

    def _turn(self, events: int, show: Callable[[int], None]) -> None:
        for memory in self._memories:
            memory.turn()
        if not events % (_TURN * _SHOWN):
            show(events)

    def _conclude(self, events: int, ends: list[int]) -> None:
        """Count events by how they ended: what the judges say of one, as bits of a number."""
        tally = self.tally
        tally.summary.events = events
        tally.before["filtered"] = sum(count for bits, count in enumerate(ends) if not bits & OLD)
        tally.after["filtered"] = sum(count for bits, count in enumerate(ends) if not bits & NEW)
        tally.changed = sum(count for bits, count in enumerate(ends) if bits & CHANGED)
        tally.stale = sum(count for bits, count in enumerate(ends) if bits & STALE_IN_BOTH)

    def _with_consent(self, event: Event, file: str, line: int) -> int:
        """Take an event that one version lets through and the other does not, or each refuses for its own reason."""
        reasons = str(self._filter_old(event.data)), str(self._filter_new(event.data))
        let = sum(bit for bit, reason in zip((OLD, NEW), reasons, strict=True) if reason == NO_MATCHING_MAPPING)
        bits = 0
        for judge in self._judges(event) if let else ():
            bits |= judge(event, file, line, let)
        if not bits & BOTH:
            self._filtered_otherwise(event, file, line, reasons)
        return bits | CHANGED

    def _judges(self, event: Event) -> tuple[Judge, ...]:
        named, found = self._table[event.type]
        name = event.data.get("event")
        return named.get(name, found) if isinstance(name, str) else found

    def _filtered_otherwise(self, event: Event, file: str, line: int, reasons: tuple[str, str]) -> None:
        counts = self.tally.filtered
        counts.kinds["reason_changed"] += 1
        before, after = (Side("filtered", (reason,)) for reason in reasons)
        for group in counts.groups_of("reason_changed", self._consent):
            if group.is_looking:
                group.offer(Sample(event.message_id, file, line, before, after, ()))
            group.count += 1

    def _discard(self, file: str, line: int, item: Event | Discard) -> None:
        assert isinstance(item, Discard)
        discard_row(self.tally.summary, file, line, item, self._say)


def _filter(destination: Destination) -> _Filter:
    """Make what tells why an event is kept from all mappings: the routes of none, whose other reason is that."""
    return Routes(destination.only(())).match


def _table(pairs: tuple[Pair, ...], judges: list[Judge]) -> _Table:
    """Index mappings as routes do: by the types and names without which their triggers cannot hold, in any version."""
    gates = [
        [mapping.gate for mapping in (pair.old, pair.new) if mapping and _is_seen(mapping, pair)] for pair in pairs
    ]
    names = frozenset().union(*(gate.events for both in gates for gate in both if gate.events is not None))
    table = {}
    for type in EVENT_TYPES:
        rest = _open(gates, judges, type, None)
        found = {name: _open(gates, judges, type, name) for name in names}
        table[type] = {name: judge for name, judge in found.items() if judge != rest}, rest
    return table


def _is_seen(mapping: Mapping, pair: Pair) -> bool:
    """Say whether events may be taken by a mapping, or would be if it had not been switched off or on."""
    return mapping.enabled or pair.edit("enabled", "disabled") is not None


def _open(gates: list[list[Gate]], judges: list[Judge], type: str, name: str | None) -> tuple[Judge, ...]:
    return tuple(
        judge for both, judge in zip(gates, judges, strict=True) if any(_lets(gate, type, name) for gate in both)
    )


def _lets(gate: Gate, type: str, name: str | None) -> bool:
    return (gate.types is None or type in gate.types) and (gate.events is None or name in gate.events)
