"""A queue for one process and one run: nothing is kept on disk, and a finished job is forgotten.

Of a finished job only the key stays, in a window of the last 24 hours and at most 200,000 keys (some 40 MB with keys of
100 bytes): an event that comes again after that is delivered again. So memory is bounded by `capacity` waiting jobs,
those that are being sent and those that are held, however many pass through.
"""

import asyncio
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from msgspec.structs import replace

from connector.queue import (
    NO_NOTE,
    WINDOW,
    Cause,
    Filtered,
    Full,
    Job,
    Ledger,
    Note,
    Receipt,
    Settled,
    State,
    Tally,
    add_up,
)
from connector.queue.seen import Seen

CAPACITY: Final = 10_000
REMEMBERED: Final = 200_000


@dataclass(slots=True)
class _Entry:
    """An unfinished job. `at` is when it was put, when it may be claimed, or when its lease ends."""

    job: Job
    at: float
    state: State = "waiting"


class MemoryQueue:
    """Fills the Queue protocol from this process's memory. For one event loop."""

    def __init__(self, *, capacity: int = CAPACITY, window: float = WINDOW, remembered: int = REMEMBERED) -> None:
        self._capacity, self._waiting = capacity, 0
        self._entries: dict[str, _Entry] = {}
        self._fresh: deque[_Entry] = deque()
        self._later: list[tuple[float, int, _Entry]] = []
        self._turns = 0  # tells apart what is due at the same time, first come first
        self._leased: dict[str, _Entry] = {}
        self._soonest_end = math.inf  # no lease ends before this; so that claims need not look at every lease
        self._held: dict[Cause, deque[_Entry]] = {"refused": deque(), "in_doubt": deque(), "mapping": deque()}
        self._seen = Seen(window, remembered)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._watchers: list[Callable[[], None]] = []
        self._has_room = asyncio.Event()
        self._has_room.set()

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Accept jobs, or refuse all of them when `capacity` jobs are waiting."""
        if jobs and self._waiting >= self._capacity:
            return Full(self._waiting, self._capacity)
        for event in filtered:
            self._counts[event.mapping].update(("accepted", "filtered"))
        duplicates = tuple(job.key for job in jobs if not self._accept(job, now))
        accepted = len(jobs) - len(duplicates)
        if accepted:
            self._notify()
        return Receipt(accepted, duplicates)

    async def room(self) -> None:
        """Wait until fewer than `capacity` jobs are waiting."""
        await self._has_room.wait()

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Take jobs whose lease ran out or whose time has come, then fresh ones."""
        claimed: list[Job] = []
        while len(claimed) < limit and (entry := self._next(now)) is not None:
            job = entry.job
            first_at = now if job.first_at is None else job.first_at
            entry.job = replace(job, attempts=job.attempts + 1, claim=job.claim + 1, first_at=first_at)
            self._lease(entry, now + lease)
            claimed.append(entry.job)
        return claimed

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:  # noqa: ARG002
        """End a claimed job and forget it, but for its key."""
        return self._finish(job, state, note)

    async def bury(self, job: Job, *, now: float, note: Note = NO_NOTE) -> bool:  # noqa: ARG002  keeps no history
        """End a claimed job as dead, and forget it: only the ledger counts dead letters here."""
        return self._finish(job, "dead", note)

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:  # noqa: ARG002
        """Let a claimed job wait until `at`."""
        entry = self._take_back(job, note)
        if entry is None:
            return False
        self._wait(entry, at)
        self._notify()
        return True

    async def hold(self, job: Job, cause: Cause, *, now: float, note: Note = NO_NOTE) -> bool:  # noqa: ARG002
        """Let a claimed job wait until it is released."""
        entry = self._take_back(job, note)
        if entry is None:
            return False
        self._move(entry, "held")
        self._held[cause].append(entry)
        return True

    async def release(self, cause: Cause, *, now: float, limit: int | None = None) -> int:
        """Let held jobs wait again, the one that was held first in front."""
        held = self._held[cause]
        count = len(held) if limit is None else min(limit, len(held))
        for _ in range(count):
            entry = held.popleft()
            doubt = entry.job.in_doubt and cause != "in_doubt"
            entry.job = replace(entry.job, attempts=0, first_at=None, in_doubt=doubt)
            self._wait(entry, now)
        if count:
            self._notify()
        return count

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Put claimed jobs back to the front of the line."""
        entries = [entry for job in jobs if (entry := self._take_back(job, NO_NOTE)) is not None]
        for entry in reversed(entries):
            attempts = entry.job.attempts - 1
            entry.job = replace(entry.job, attempts=attempts, first_at=entry.job.first_at if attempts else None)
            entry.at = entry.job.accepted_at
            self._move(entry, "waiting")
            self._fresh.appendleft(entry)
        if entries:
            self._notify()

    async def due(self) -> float | None:
        """Look at the front of each line."""
        times = [entry.at for entry in self._leased.values()]
        if self._fresh:
            times.append(self._fresh[0].at)
        if self._later:
            times.append(self._later[0][0])
        return min(times, default=None)

    async def counts(self) -> Ledger:
        """Add up; events that no mapping took are counted under ""."""
        return add_up({mapping: Tally(**count) for mapping, count in self._counts.items()})

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at every put, retry, release and hand back."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)

    # From here on: what a step is made of.

    def _accept(self, job: Job, now: float) -> bool:
        if job.key in self._entries or not self._seen.add(job.key, now):
            return False
        entry = self._entries[job.key] = _Entry(job, now)
        self._counts[job.mapping].update(("accepted", "waiting"))
        self._wait_more(1)
        self._fresh.append(entry)
        return True

    def _next(self, now: float) -> _Entry | None:
        if (entry := self._first_expired(now)) is not None:
            self._doubt(entry)
            return entry
        if self._later and self._later[0][0] <= now:
            return heappop(self._later)[2]
        return self._fresh.popleft() if self._fresh else None

    def _first_expired(self, now: float) -> _Entry | None:
        if now < self._soonest_end:
            return None
        first = min(self._leased.values(), key=lambda entry: entry.at, default=None)
        self._soonest_end = math.inf if first is None else first.at
        return first if now >= self._soonest_end else None

    def _lease(self, entry: _Entry, until: float) -> None:
        self._move(entry, "sending")
        entry.at = until
        self._leased[entry.job.key] = entry
        self._soonest_end = min(self._soonest_end, until)

    def _take_back(self, job: Job, note: Note) -> _Entry | None:
        """End the lease of a job if this claim of it is the last, and remember a doubt about its attempt."""
        entry = self._leased.get(job.key)
        if entry is None or entry.job.claim != job.claim:
            return None
        del self._leased[job.key]
        if note.in_doubt:
            self._doubt(entry)
        return entry

    def _doubt(self, entry: _Entry) -> None:
        entry.job = replace(entry.job, in_doubt=True)
        self._counts[entry.job.mapping]["in_doubt"] += 1

    def _finish(self, job: Job, state: State, note: Note) -> bool:
        entry = self._take_back(job, note)
        if entry is None:
            return False
        self._move(entry, state)
        del self._entries[job.key]
        return True

    def _wait(self, entry: _Entry, at: float) -> None:
        self._move(entry, "waiting")
        entry.at = at
        self._turns += 1
        heappush(self._later, (at, self._turns, entry))

    def _move(self, entry: _Entry, state: State) -> None:
        count = self._counts[entry.job.mapping]
        count[entry.state] -= 1
        count[state] += 1
        self._wait_more((state == "waiting") - (entry.state == "waiting"))
        entry.state = state

    def _wait_more(self, change: int) -> None:
        self._waiting += change
        if self._waiting < self._capacity:
            self._has_room.set()
        else:
            self._has_room.clear()

    def _notify(self) -> None:
        for wake in self._watchers:
            wake()
