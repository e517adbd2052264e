"""What a queued job sends now: its stored event through its mapping, as the destination file has it at this moment.

In: a destination, and the time as a function. Out: a plan for each job, or a Hold when its mapping is gone.
"""

from collections.abc import Callable
from typing import Final

from connector.destination import Destination
from connector.events import Cutoff, Discard, cutoff_at, event_reader
from connector.pipeline import Invalid, Plan, compile_plan
from connector.queue import Job
from connector.retry import Hold

MAPPING_GONE: Final = "mapping_gone: no mapping of the destination file has this name any more"
_EVERY: Final = 1.0  # seconds for which the moment before which events are stale is not worked out again


class Planning:
    """The mappings of one destination, compiled; `oldest` gives the moment before which they are stale."""

    def __init__(self, destination: Destination, *, oldest: Callable[[], Cutoff | None]) -> None:
        settings = destination.settings
        self._plans = {mapping.name: compile_plan(mapping, settings) for mapping in destination.mappings}
        self._read = event_reader(destination.event_reads).read
        self._oldest = oldest

    def plan(self, job: Job) -> Plan | Hold:
        """Say what a job sends."""
        plan = self._plans.get(job.mapping)
        if plan is None:
            return Hold(MAPPING_GONE)
        item = self._read(job.raw)
        if isinstance(item, Discard):
            return Invalid((f"{item.reason}: {item.detail}",))
        return plan(item.data, self._oldest())


def moving_cutoff(age: float | None, now: Callable[[], float]) -> Callable[[], Cutoff | None]:
    """Make what tells the moment `age` seconds ago, as time goes on; None when events of any age are taken."""
    if age is None:
        return lambda: None
    last, found = -_EVERY, cutoff_at(0.0)

    def oldest() -> Cutoff:
        nonlocal last, found
        at = now()
        if not last <= at < last + _EVERY:  # the clock may have been set back
            last, found = at, cutoff_at(max(0.0, at - age))
        return found

    return oldest
