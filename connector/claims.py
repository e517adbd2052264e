"""What a worker has claimed and not yet sent, and when there may be more to claim.

In: a queue, clocks, how many jobs are wanted. Out: jobs with the time of their claim. It decides neither how many nor
what becomes of them.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from connector.queue import Job, Queue
from connector.rates import Ahead

Claimed: TypeAlias = tuple[Job, float]
"""A job, and when it was claimed, in seconds of the monotonic clock."""

_SHORTEST: Final = 0.001  # seconds until a job is looked for whose time comes now
_STUCK: Final = 0.25  # seconds until a queue is asked again that gives nothing though it has something


class Claims:
    """Claims jobs for `lease` seconds; `poll` is after how many a queue is asked that has said that it has none."""

    def __init__(
        self,
        queue: Queue,
        *,
        lease: float,
        poll: float,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.ready: deque[Claimed] = deque()
        self.ahead = Ahead()
        self._queue, self._lease, self._poll = queue, lease, poll
        self._clock, self._monotonic = clock, monotonic
        self._has_news, self._look_at = True, 0.0

    def hear(self) -> None:
        """Hear from the queue that there may be more."""
        self._has_news = True

    def has_more(self, now: float) -> bool:
        """Whether there may be more to claim."""
        return self._has_news or now >= self._look_at

    def wait(self, now: float) -> float | None:
        """Say in how many seconds there may be more; None when that is so already."""
        return None if self._has_news else self._look_at - now

    async def take(self, count: int, *, most_ahead: int) -> list[Claimed]:
        """Claim jobs, and learn from it how many to claim ahead."""
        self._has_news, since = False, self._monotonic()
        jobs = await self._queue.claim(count, now=self._clock(), lease=self._lease)
        self.ahead.claimed(since, self._monotonic(), most=most_ahead)
        return [(job, since) for job in jobs]

    async def fill(self, count: int, *, most_ahead: int) -> None:
        """Claim jobs as ready; when there are fewer than asked for, find out when there may be more."""
        asked_at = self._clock()
        jobs = await self.take(count, most_ahead=most_ahead)
        self.ready.extend(jobs)
        if len(jobs) == count:
            self._has_news = True
        elif not self._has_news:
            due = await self._queue.due()
            delay = self._poll if due is None else min(self._poll, due - self._clock())
            is_stuck = due is not None and due <= asked_at and not jobs
            self._look_at = self._monotonic() + max(delay, _STUCK if is_stuck else _SHORTEST)

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Let claimed jobs wait again as if nothing had been."""
        if jobs := list(jobs):
            await self._queue.hand_back(jobs)

    async def hand_back_ready(self) -> None:
        """Let all that is ready wait again."""
        jobs = [job for job, _ in self.ready]
        self.ready.clear()
        await self.hand_back(jobs)
