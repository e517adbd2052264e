"""The dry run: recorded events through a destination, one row each in the order of the input, nothing sent."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from connector.destination import Destination
from connector.destination import Mapping as Route
from connector.events import Cutoff, Discard, Event
from connector.pipeline import Planned, Planner, compile_plan
from connector.queue.seen import Seen
from connector.replay.summary import Say, Summary, count_plan, discard_row
from connector.routes import Routes
from connector.rows import FilteredRow, PlannedRow, RequestRow, Row, planned_row, requests_base
from connector.schemas import write_only_names
from connector.sources.files import Located

DUPLICATE: Final = "duplicate: the same messageId came before for this mapping"
REMEMBERED: Final = 200_000  # keys in which a duplicate is found

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
        self._seen = Seen(float("inf"), REMEMBERED)
        self._rehearse = {mapping: self._rehearser(mapping, plan) for mapping, plan in planners(destination).items()}

    def run(self, chunk: Iterable[Located]) -> None:
        """Take a part of a recording; parts of a few hundred events stay in the processor's cache."""
        rows, reasons = bytearray(), list[str]()
        encode, match, rehearse = self._encode, self._match, self._rehearse
        events = 0
        for file, line, item in chunk:
            if type(item) is not Event:
                self._discard(file, line, item, rows)
                continue
            events += 1
            matched = match(item.data)
            if isinstance(matched, str):
                reasons.append(matched)
                encode(FilteredRow(item.message_id, None, "filtered", matched), rows, -1)
                rows += b"\n"
            else:
                for mapping in matched:
                    rehearse[mapping](item, rows)
        self.summary.events += events
        for reason, number in Counter(reasons).items():
            self.summary.outcomes["", "filtered", reason] += number
        if self._write is not None:
            self._write(rows)

    def _rehearser(self, mapping: Route, plan: Planner) -> Callable[[Event, bytearray], None]:
        """Compile what is done with an event that a mapping takes."""
        name, prefix, seen = mapping.name, f"{mapping.name}:", self._seen.add
        encode, oldest, base, outcomes = self._encode, self._oldest, self._base, self.summary.outcomes
        is_safe = frozenset(write_only_names(mapping.action)).isdisjoint
        planned = (name, "planned", "")

        def rehearse(event: Event, rows: bytearray) -> None:
            if seen(prefix + event.message_id, 0):
                made = plan(event.data, oldest)
                if type(made) is Planned and not made.warnings and is_safe(made.payload):
                    request = made.request
                    shown = RequestRow(request.method, base + request.path, request.body)
                    encode(PlannedRow(event.message_id, name, "planned", made.payload, shown), rows, -1)
                    outcomes[planned] += 1
                else:
                    encode(planned_row(event.message_id, mapping, made, base), rows, -1)
                    count_plan(self.summary, name, made)
            else:
                encode(Row(event.message_id, name, "skipped", reason=DUPLICATE), rows, -1)
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
