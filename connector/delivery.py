"""The worker: it claims jobs from a queue, hands them to the courier, some at a time, and ends when it is told to.

It decides when, how many and how fast; what becomes of a job is the courier's part. It reads no file, opens no
connection and prints nothing; clocks, sleep and dice are arguments.
"""

import asyncio
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec

from connector.courier import Courier, Outcome, Planner, Rules, Sender
from connector.queue import Attempt, Job, Queue
from connector.retry import Delivered, Hold, Reject, Retry

__all__ = ["Finish", "Outcome", "Planner", "Rules", "Sender", "Worker"]

log = logging.getLogger(__name__)

_SLACK: Final = 0.05  # seconds that a rate may catch up on: a sleep ends late, and the rate must be met all the same
_SHORTEST_PAUSE: Final = 0.001
_NO_DELAY: Final = 1e-9  # a difference of two times that is only rounding


class Finish(msgspec.Struct, frozen=True):
    """Why a worker ended: nothing is left to do, it was told to stop, or Rupt refuses the configuration (`reason`)."""

    why: Literal["drained", "stopped", "held"]
    reason: str = ""


class Worker:
    """Delivers what a queue holds, `rules.concurrency` jobs at a time; it runs once.

    `plan`, `send`, `report` and `observe` are as in Courier. `allowed` says how many jobs may be in flight now, where
    that is less than the rules allow. `clock` gives seconds since the epoch, `draw` a random number in [0, 1).
    """

    def __init__(
        self,
        queue: Queue,
        plan: Planner,
        send: Sender,
        report: Callable[[Outcome], None],
        *,
        rules: Rules | None = None,
        observe: Callable[[Job, Attempt], None] = lambda _job, _attempt: None,
        allowed: Callable[[], int] | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._queue, self._rules, self._allowed = queue, rules or Rules(), allowed
        self._courier = Courier(
            queue, plan, send, report, rules=self._rules, observe=observe, clock=clock, monotonic=monotonic, draw=draw
        )
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._rate = None if self._rules.rate is None else _Rate(self._rules.rate, monotonic)
        self._wake = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = 0.0
        self._cutter: asyncio.Task[None] | None = None
        self._in_flight = 0
        self._draining = False
        self._ending: Finish | None = None
        self._refused: str | None = None
        self._probe_after, self._probe_at = 0.0, 0.0

    @property
    def refused(self) -> str | None:
        """Why nothing is sent at present; None when all is well."""
        return self._refused

    @property
    def in_flight(self) -> int:
        """How many jobs are being delivered now."""
        return self._in_flight

    def drain(self) -> None:
        """Let run() end as soon as no job is waiting or being sent: nothing more will be put."""
        self._draining = True
        self._wake.set()

    def stop(self, *, within: float = 10.0) -> None:
        """Let run() end: claim nothing more, finish what is in flight, and cut it off after `within` seconds.

        What is cut off waits again, in doubt. May be called again with less time. Call it on the loop's thread.
        """
        self._ending = self._ending or Finish("stopped")
        self._wake.set()
        if self._group is not None:
            _cancel(self._cutter)
            self._cutter = self._group.create_task(self._cut_off(within))

    async def run(self) -> Finish:
        """Deliver until drained, stopped or, where the rules say so, refused; no task outlives it.

        When it is cancelled, or fails because the queue or `report` does, jobs in flight are left to their leases.
        """
        unwatch = self._queue.watch(self._wake.set)
        try:
            async with asyncio.TaskGroup() as self._group:
                finish = await self._dispatch()
                await self._land()
            return finish
        except ExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            self._group = None
            unwatch()

    # Which jobs are started, and when.

    async def _dispatch(self) -> Finish:
        while self._ending is None:
            self._wake.clear()
            if self._refused is not None:
                await self._probe()
                continue
            free = self._free()
            jobs = await self._claim(free)
            for job in jobs:
                self._start(job)
            if not jobs and await self._is_drained():
                self._ending = Finish("drained")
            elif len(jobs) < free or free <= 0:
                await self._pause(await self._delay(free))
        return self._ending

    def _free(self) -> int:
        most = self._rules.concurrency if self._allowed is None else min(self._rules.concurrency, self._allowed())
        return most - self._in_flight if self._rate is None else min(most - self._in_flight, self._rate.available())

    async def _claim(self, limit: int) -> list[Job]:
        if limit <= 0:
            return []
        jobs = await self._queue.claim(limit, now=self._clock(), lease=self._rules.lease)
        if self._rate is not None:
            self._rate.take(len(jobs))
        return jobs

    def _start(self, job: Job) -> None:
        assert self._group is not None
        self._in_flight += 1
        self._group.create_task(self._fly(job))

    async def _fly(self, job: Job) -> None:
        """Deliver a job, unless there is a reason by now to leave it."""
        try:
            if self._ending is not None or self._refused is not None:
                return await self._queue.hand_back([job])
            verdict = await self._courier.deliver(job)
            if isinstance(verdict, Hold):
                self._refuse(verdict.reason)
            elif verdict is None and self._rate is not None:
                self._rate.give_back()
        finally:
            self._in_flight -= 1
            self._wake.set()

    async def _is_drained(self) -> bool:
        return self._draining and not self._in_flight and not (await self._queue.counts()).total.unfinished

    async def _delay(self, free: int) -> float | None:
        """Say for how long nothing can happen but what wakes the worker anyway."""
        if free > 0:
            due = await self._queue.due()
            return self._rules.poll if due is None else min(self._rules.poll, due - self._clock())
        if self._rate is not None and (delay := self._rate.delay()) > 0:
            return delay
        return None if self._allowed is None else self._rules.poll

    async def _pause(self, delay: float | None) -> None:
        """Wait until something wakes the worker, for about `delay` seconds at most."""
        if delay is not None:
            self._ring_in(max(delay, _SHORTEST_PAUSE))
        await self._wake.wait()

    def _ring_in(self, delay: float) -> None:
        """Let an alarm wake the worker; one that rings before is as good, and spares a task each time."""
        at = self._monotonic() + delay
        if self._alarm is not None and not self._alarm.done():
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        assert self._group is not None
        self._alarm, self._alarm_at = self._group.create_task(self._ring(delay)), at

    async def _ring(self, delay: float) -> None:
        await self._sleep(delay)
        self._wake.set()

    async def _land(self) -> None:
        while self._in_flight:
            self._wake.clear()
            await self._wake.wait()
        _cancel(self._alarm)
        _cancel(self._cutter)

    async def _cut_off(self, within: float) -> None:
        await self._sleep(within)
        self._courier.cut()

    # What is done while Rupt refuses the configuration.

    def _refuse(self, reason: str) -> None:
        if self._refused is None:
            log.warning("nothing more is sent: %s", reason)
            self._probe_after = self._rules.probe_first
            self._probe_at = self._monotonic() + self._probe_after
        self._refused = reason
        if self._rules.on_hold == "stop":
            self._ending = self._ending or Finish("held", reason)

    async def _probe(self) -> None:
        """Try one job when the time has come: an answer that is no refusal lets all go on."""
        if (wait := self._probe_at - self._monotonic()) > _NO_DELAY:
            return await self._pause(wait)
        await self._queue.release("refused", now=self._clock(), limit=1)
        jobs = await self._claim(1)
        if self._ending is not None:
            return await self._queue.hand_back(jobs)
        if jobs:
            return await self._judge_probe(jobs[0])
        if await self._is_drained():
            self._ending = Finish("drained")
        else:
            await self._pause(await self._delay(1))
        return None

    async def _judge_probe(self, job: Job) -> None:
        match await self._courier.deliver(job):
            case Delivered() | Reject():
                released = await self._queue.release("refused", now=self._clock())
                log.warning("sending again; %d more jobs were held", released)
                self._refused = None
            case Hold() | Retry():
                self._probe_after = min(self._rules.probe_cap, 2 * self._probe_after)
                self._probe_at = self._monotonic() + self._probe_after
            case None:
                pass  # nothing was sent, so nothing is known: the next job is tried at once


class _Rate:
    """A number of requests a second, evenly spaced."""

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._step, self._monotonic = 1 / rate, monotonic
        self._next = -math.inf

    def available(self) -> int:
        """Count the requests whose time has come."""
        now = self._monotonic()
        if self._next < now - _SLACK:  # nothing was to be done meanwhile: that time is gone
            self._next = now
        return max(0, int((now - self._next + _NO_DELAY) / self._step + 1))

    def delay(self) -> float:
        """Say in how many seconds the next one's time comes."""
        return self._next - self._monotonic()

    def take(self, count: int) -> None:
        """Use up the time of so many requests."""
        self._next += count * self._step

    def give_back(self) -> None:
        """Free the time of a request that was not needed."""
        self._next -= self._step


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()


def _first(errors: ExceptionGroup[Exception]) -> Exception:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first
