"""The dry run: recorded events through a destination, one row each in the order of the input, nothing sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination
from connector.destination import Mapping as Route
from connector.events import Cutoff, Discard, Event
from connector.pipeline import Planned, Planner, compile_plan, mapped_names
from connector.queue.seen import Recent
from connector.replay.summary import Say, Summary, count_plan, discard_row
from connector.routes import Routes
from connector.rows import FILTERED_ENDS, FILTERED_START, PlannedRow, RequestRow, Row, planned_row, requests_base
from connector.schemas import write_only_names
from connector.sources.files import Located

DUPLICATE: Final = "duplicate: the same messageId, or without one the same content, came before for this mapping"
REMEMBERED: Final = 200_000  # keys of all mappings together in which a duplicate is found at least
FLUSHED: Final = 32_768  # bytes of rows between two writes

Write: TypeAlias = Callable[[bytearray], object]


class Rehearsal:
    """A dry run: every event through its mappings, one row each, nothing sent.

    `write` takes encoded rows (None: rows are only counted), `say` takes words about what cannot be read. `oldest` is
    the moment before which events are stale.
    """

    def __init__(self, destination: Destination, *, oldest: Cutoff | None, write: Write | None, say: Say) -> None:
        self.summary = Summary()
        self._oldest = oldest
        self._match = Routes(destination).match
        self._base = requests_base(destination.settings)
        self._write, self._say = write, say
        self._encode = msgspec.json.Encoder().encode_into
        share = REMEMBERED // max(1, len(destination.mappings))
        self._recent = {mapping: Recent(share) for mapping in destination.mappings}
        self._planned: dict[str, list[int]] = {}
        self._rehearse = {mapping: self._rehearser(mapping, plan) for mapping, plan in planners(destination).items()}

    def run(self, items: Iterable[Located], *, show: Callable[[int], None] = lambda _events: None) -> None:
        """Take a recording, event by event; `show` is told now and then how many events there were."""
        rows, reasons = bytearray(), list[str]()
        encode, match, rehearse = self._encode, self._match, self._rehearse
        events = 0
        try:
            for file, line, item in items:
                if type(item) is not Event:
                    self._discard(file, line, item, rows)
                    continue
                events += 1
                matched = match(item.data)
                if type(matched) is str:
                    reasons.append(matched)
                    rows += FILTERED_START
                    encode(item.message_id, rows, -1)
                    rows += FILTERED_ENDS[matched]
                else:
                    for mapping in matched:
                        rehearse[mapping](item, rows)  # type: ignore[index]  # not a str: mypy cannot tell from type()
                if len(rows) > FLUSHED:
                    self._flush(rows, reasons, events)
                    show(events)
        finally:
            self._flush(rows, reasons, events)

    def _flush(self, rows: bytearray, reasons: list[str], events: int) -> None:
        """Write the rows and count what was collected; few rows at a time stay in the processor's cache."""
        self.summary.events = events
        for reason, number in Counter(reasons).items():
            self.summary.outcomes["", "filtered", reason] += number
        for name, planned in self._planned.items():
            if planned[0]:
                self.summary.outcomes[name, "planned", ""] += planned[0]
                planned[0] = 0
        if self._write is not None:
            self._write(rows)
        for recent in self._recent.values():
            recent.turn()
        rows.clear()
        reasons.clear()

    def _rehearser(self, mapping: Route, plan: Planner) -> Callable[[Event, bytearray], None]:
        """Compile what is done with an event that a mapping takes."""
        name, young, old = mapping.name, self._recent[mapping].young, self._recent[mapping].old
        encode, oldest, base, outcomes = self._encode, self._oldest, self._base, self.summary.outcomes
        is_safe = mapped_names(mapping).isdisjoint(write_only_names(mapping.action))
        planned = self._planned[name] = [0]

        def rehearse(event: Event, rows: bytearray) -> None:
            message_id = event.message_id
            if message_id not in young and message_id not in old:
                young.add(message_id)
                made = plan(event.data, oldest)
                if type(made) is Planned and is_safe and not made.warnings:
                    request = made.request
                    shown = RequestRow(request.method, base + request.path, request.body)
                    encode(PlannedRow(message_id, name, "planned", made.payload, shown), rows, -1)
                    planned[0] += 1
                else:
                    encode(planned_row(message_id, mapping, made, base), rows, -1)
                    count_plan(self.summary, name, made)
            else:
                encode(Row(message_id, name, "skipped", reason=DUPLICATE), rows, -1)
                outcomes[name, "skipped", DUPLICATE] += 1
            rows += b"\n"

        return rehearse

    def _discard(self, file: str, line: int, item: Event | Discard, rows: bytearray) -> None:
        assert isinstance(item, Discard)
        row = discard_row(self.summary, file, line, item, self._say)
        self._encode(row, rows, -1)
        rows += b"\n"


def planners(destination: Destination) -> Mapping[Route, Planner]:
    """Compile what each mapping makes of an event."""
    return {mapping: compile_plan(mapping, destination.settings) for mapping in destination.mappings}
