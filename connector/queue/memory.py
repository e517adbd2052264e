"""A queue for one process and one run: nothing is kept on disk, and a finished job is forgotten.

Of a finished job only the key stays, in a window of the last 24 hours and at most 200,000 keys (some 40 MB with keys of
100 bytes): an event that comes again after that is delivered again. So memory is bounded by `capacity` waiting jobs,
those that are being sent and those that are held, however many pass through.
"""

import asyncio
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
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
    Ordering,
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
    """An unfinished job. `at` is when it was put, when it may be claimed, or when its lease ends.

    `number` says in which order jobs came, `turn` which of those that may be claimed at the same time goes first.
    `passed_over`: it is in neither line of those that wait, because an earlier job of its account keeps it back.
    """

    job: Job
    at: float
    number: int
    turn: int
    state: State = "waiting"
    is_fresh: bool = True
    passed_over: bool = False


_Line = list[tuple[float, int, _Entry]]


class MemoryQueue:
    """Fills the Queue protocol from this process's memory. For one event loop."""

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        window: float = WINDOW,
        remembered: int = REMEMBERED,
        ordering: Ordering = "none",
    ) -> None:
        self._capacity, self._waiting = capacity, 0
        self._entries: dict[str, _Entry] = {}
        self._fresh: _Line = []
        self._later: _Line = []
        self._turns = 0  # tells apart what is due at the same time, first come first
        self._front = 0  # the turn of what was handed back last
        self._leased: dict[str, _Entry] = {}
        self._soonest_end = math.inf  # no lease ends before this; so that claims need not look at every lease
        self._held: dict[Cause, deque[_Entry]] = {"refused": deque(), "in_doubt": deque(), "mapping": deque()}
        self._seen = Seen(window, remembered)
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._watchers: list[Callable[[], None]] = []
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._ordering: Ordering = "none"
        self._lanes: dict[str, dict[str, _Entry]] = {}  # of each account its unfinished jobs, as they came
        self._keep_order(ordering)

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

    async def release(
        self, cause: Cause, *, now: float, limit: int | None = None, mappings: Collection[str] | None = None
    ) -> int:
        """Let held jobs wait again, the one that was held first in front."""
        held = self._held[cause]
        wanted = [entry for entry in held if mappings is None or entry.job.mapping in mappings][:limit]
        if len(wanted) == len(held):
            held.clear()
        elif wanted:
            released = {entry.job.key for entry in wanted}
            self._held[cause] = deque(entry for entry in held if entry.job.key not in released)
        for entry in wanted:
            doubt = entry.job.in_doubt and cause != "in_doubt"
            entry.job = replace(entry.job, attempts=0, first_at=None, in_doubt=doubt)
            self._wait(entry, now)
        if wanted:
            self._notify()
        return len(wanted)

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Put claimed jobs back to the front of the line."""
        entries = [entry for job in jobs if (entry := self._take_back(job, NO_NOTE)) is not None]
        for entry in reversed(entries):
            attempts = entry.job.attempts - 1
            entry.job = replace(entry.job, attempts=attempts, first_at=entry.job.first_at if attempts else None)
            self._front -= 1
            entry.at, entry.turn, entry.is_fresh = entry.job.accepted_at, self._front, True
            self._move(entry, "waiting")
            self._line_up(entry)
        if entries:
            self._notify()

    async def due(self) -> float | None:
        """Look at the front of each line."""
        times = [entry.at for entry in self._leased.values() if not self._is_blocked(entry)]
        times += [line[0][2].at for line in (self._fresh, self._later) if self._pass_over(line)]
        return min(times, default=None)

    async def counts(self) -> Ledger:
        """Add up; events that no mapping took are counted under ""."""
        return add_up({mapping: Tally(**count) for mapping, count in self._counts.items()})

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at every put, retry, release and hand back, and when the next job of an account may be sent."""
        self._watchers.append(wake)
        return lambda: self._watchers.remove(wake)

    def set_ordering(self, ordering: Ordering) -> None:
        """Keep the order of accounts from now on, or do not."""
        if ordering != self._ordering:
            self._keep_order(ordering)
            self._notify()

    # From here on: what a step is made of.

    def _accept(self, job: Job, now: float) -> bool:
        if job.key in self._entries or not self._seen.add(job.key, now):
            return False
        self._turns += 1
        entry = self._entries[job.key] = _Entry(job, now, self._turns, self._turns)
        self._counts[job.mapping].update(("accepted", "waiting"))
        self._wait_more(1)
        if self._ordering == "account":
            self._enter_lane(entry)
        self._line_up(entry)
        return True

    def _next(self, now: float) -> _Entry | None:
        if (entry := self._first_expired(now)) is not None:
            self._doubt(entry)
            return entry
        if self._pass_over(self._later) and self._later[0][0] <= now:
            return heappop(self._later)[2]
        return heappop(self._fresh)[2] if self._pass_over(self._fresh) else None

    def _first_expired(self, now: float) -> _Entry | None:
        if now < self._soonest_end:
            return None
        free = (entry for entry in self._leased.values() if not self._is_blocked(entry))
        first = min(free, key=lambda entry: (entry.at, entry.number), default=None)
        self._soonest_end = min((entry.at for entry in self._leased.values()), default=math.inf)
        return first if first is not None and now >= first.at else None

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
        if self._ordering == "account":
            self._leave_lane(entry)
        return True

    def _wait(self, entry: _Entry, at: float) -> None:
        self._move(entry, "waiting")
        self._turns += 1
        entry.at, entry.turn, entry.is_fresh = at, self._turns, False
        self._line_up(entry)

    def _line_up(self, entry: _Entry) -> None:
        """Put a waiting job into its line; who is not first of its account may be passed over there."""
        entry.passed_over = False
        if entry.is_fresh:
            heappush(self._fresh, (0.0, entry.turn, entry))
        else:
            heappush(self._later, (entry.at, entry.turn, entry))

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

    # The order of accounts.

    def _keep_order(self, ordering: Ordering) -> None:
        self._ordering = ordering
        self._lanes.clear()
        for entry in self._entries.values():
            if ordering == "account":
                self._enter_lane(entry)
            elif entry.passed_over:
                self._line_up(entry)

    def _enter_lane(self, entry: _Entry) -> None:
        if entry.job.account:
            self._lanes.setdefault(entry.job.account, {})[entry.job.key] = entry

    def _leave_lane(self, entry: _Entry) -> None:
        """Let the next of the account go on."""
        lane = self._lanes.get(entry.job.account)
        if lane is None:
            return
        del lane[entry.job.key]
        first = next(iter(lane.values()), None)
        if first is None:
            del self._lanes[entry.job.account]
        elif first.state == "waiting":
            if first.passed_over:
                self._line_up(first)
            self._notify()

    def _is_blocked(self, entry: _Entry) -> bool:
        """Whether an earlier job of the same account is not finished."""
        lane = self._lanes.get(entry.job.account) if self._lanes else None
        return lane is not None and next(iter(lane.values())) is not entry

    def _pass_over(self, line: _Line) -> bool:
        """Take those out of the front of a line that must wait for another; say whether one is left."""
        while line and self._is_blocked(line[0][2]):
            heappop(line)[2].passed_over = True
        return bool(line)
