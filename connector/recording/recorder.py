"""Recorded events to a recording with pseudonyms: all of it, and what it comes to.

In: located events, a destination, a key. Out: a proven file and counts. What does not take the same way is left out.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from connector.destination import Destination
from connector.events import Event
from connector.pseudonyms import Pseudonyms, rules_of
from connector.pseudonyms.rules import Rule
from connector.recording.proof import Parted, Prover
from connector.recording.samples import Sample
from connector.recording.ways import Ways
from connector.recording.writing import Recording
from connector.replay.summary import Say, Summary, discard_row
from connector.sources.files import Located
from connector.values import dump_json

MOST_TOLD: Final = 10  # events that are left out and told one by one


class Tally(msgspec.Struct):
    """What a recording comes to: `other` events no mapping of --only takes, `reached` is what a sample reaches.

    `names` says by place how many different names and keys stayed that could be a person's, `unchanged` how many texts
    with digits have no pseudonym, though nothing asks for them.
    """

    read: int = 0
    other: int = 0
    redrawn: int = 0
    written: int = 0
    parted: list[Parted] = msgspec.field(default_factory=list)
    left_out: int = 0
    reached: int = 0
    kept: dict[Rule, int] = msgspec.field(default_factory=dict)
    names: dict[str, int] = msgspec.field(default_factory=dict)
    unchanged: dict[str, int] = msgspec.field(default_factory=dict)


class Recorder:
    """Records events for a destination. `only` are names of mappings of which one must take an event."""

    def __init__(
        self, destination: Destination, key: bytes, *, only: frozenset[str] = frozenset(), shift_time: float = 0.0
    ) -> None:
        self.tally = Tally()
        self.ways = Ways(destination)
        self._pseudonyms = Pseudonyms(key, rules_of(destination), shift_time=shift_time)
        self._prover = Prover(self.ways, self._pseudonyms)
        self._only = only

    def run(
        self,
        items: Iterable[Located],
        recording: Recording,
        *,
        sample: bool,
        summary: Summary,
        say: Say,
        show: Callable[[int], None],
    ) -> Tally:
        """Record all events into a file, and prove the file."""
        collected = Sample() if sample else None
        for file, line, item in items:
            if isinstance(item, Event):
                self._record(item, f"{file}:{line}", recording, collected)
                if self.tally.read % 100 == 0:
                    show(self.tally.read)
            else:
                discard_row(summary, file, line, item, say)
        if collected is not None:
            for line_text, digest in collected.chosen():
                recording.write(line_text, digest)
            self.tally.reached = collected.reached
        recording.prove(self.ways)
        self.tally.written = recording.events
        self.tally.kept = {rule: count for rule, count in self._pseudonyms.kept.items() if count}
        self.tally.names = self._pseudonyms.names()
        self.tally.unchanged = self._pseudonyms.unchanged()
        return self.tally

    def _record(self, event: Event, at: str, recording: Recording, sample: Sample | None) -> None:
        self.tally.read += 1
        original = self.ways.follow(event.data)
        if self._only and self._only.isdisjoint(original.taken):
            self.tally.other += 1
            return
        if sample is not None and not sample.wants(original):
            return
        found = self._prover.prove(event.message_id, event.data, original, at=at)
        if isinstance(found, Parted):
            self.tally.left_out += 1
            if len(self.tally.parted) < MOST_TOLD:
                self.tally.parted.append(found)
            return
        self.tally.redrawn += found.redrawn
        line = dump_json(found.data) + b"\n"
        if sample is None:
            recording.write(line, found.way.digest())
        else:
            sample.add(line, found.way)
