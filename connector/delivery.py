"""The worker: it claims jobs from a queue ahead of need, hands them to the courier, some at a time, and ends when told.

It decides when, how many and how fast; what becomes of a job is the courier's part. It reads no file, opens no
connection and prints nothing; clocks, sleep and dice are arguments.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal

import msgspec

from connector.claims import Claimed, Claims
from connector.courier import Answered, Courier, Outcome, Planner, Rules, Sender
from connector.errors import first_error
from connector.pacing import Pace
from connector.pipeline import Planned
from connector.queue import Attempt, Job, Queue
from connector.rates import Rate
from connector.refusals import Gate, Gates, Kind
from connector.retry import Delivered, Hold, Reject, Retry
from connector.slots import Alarm, Slots

__all__ = ["Finish", "Outcome", "Pace", "Planner", "Rules", "Sender", "Worker"]

log = logging.getLogger(__name__)

_SHORTEST_PAUSE: Final = 0.001  # seconds
_LONG: Final = 1.0  # seconds for which jobs are not kept claimed when nothing may be sent
_GRACE: Final = 1.0  # seconds that a queue has at the end to write down what was cut off
_LEAST_SETTLING: Final = 64  # jobs that may wait for the queue while others are sent
_CHOICE: Final = 8  # waiting jobs among which a probe is looked for
_MOST_CHOICE: Final = 100  # and held ones
_AUTHORIZED_BY: Final[dict[Kind, str]] = {"client": "the client id", "secret": "the API secret"}


class Finish(msgspec.Struct, frozen=True):
    """Why a worker ended: nothing is left to do, it was told to stop, or Rupt refuses the configuration (`reason`)."""

    why: Literal["drained", "stopped", "held"]
    reason: str = ""


class _Flight(msgspec.Struct, frozen=True, gc=False):
    """A job that may be sent now, under a number of the pace; `since` is when it was claimed."""

    job: Job
    since: float
    number: int


class Worker:
    """Delivers what a queue holds, as many jobs at a time as its pace allows; it runs once.

    `plan`, `send`, `report` and `observe` are as in Courier. A `pace` that several workers are given holds for all of
    them together; without one the worker makes its own, with `rules.concurrency` as the upper limit. `clock` gives
    seconds since the epoch, `draw` a random number in [0, 1).

    There is one task that claims, and one for each job in flight; these live on, and take the next job. A job is in
    flight until the queue has it again, but only those that wait for an answer count for the pace.
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
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._queue, self._rules = queue, rules or Rules()
        self._courier = Courier(
            queue, plan, send, report, rules=self._rules, observe=observe, clock=clock, monotonic=monotonic, draw=draw
        )
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        first, cap = self._rules.probe_first, self._rules.probe_cap
        self._pace = pace or Pace(self._rules.concurrency, pause_first=first, pause_cap=cap, draw=draw)
        self._gates = Gates(first=first, cap=cap, kinds=self._rules.kinds)
        self._rate = None if self._rules.rate is None else Rate(self._rules.rate, monotonic)
        lease, poll = self._rules.lease, self._rules.poll
        self._claims = Claims(queue, lease=lease, poll=poll, clock=clock, monotonic=monotonic)
        self._ready = self._claims.ready
        self._slots = Slots(self._begin, self._deliver, more=self._next, rest=self._rest)
        self._wake, self._done = asyncio.Event(), asyncio.Event()
        self._alarm = Alarm(self._begin, self._wake.set, sleep=sleep, monotonic=monotonic)
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._cutter: asyncio.Task[None] | None = None
        self._draining = False
        self._ending: Finish | None = None

    @property
    def refused(self) -> str | None:
        """Why requests of a kind are refused at present; None when all is well."""
        return next(iter(self._gates.refusals.values()), None)

    @property
    def refusals(self) -> dict[Kind, str]:
        """Why requests are refused at present, by how they are authorized."""
        return self._gates.refusals

    @property
    def pace(self) -> Pace:
        """What says how many requests may be in flight."""
        return self._pace

    @property
    def in_flight(self) -> int:
        """How many jobs are being delivered now."""
        return self._slots.busy

    def drain(self) -> None:
        """Let run() end as soon as no job is waiting or being sent: nothing more will be put."""
        self._draining = True
        self._wake.set()

    def stop(self, *, within: float = 10.0) -> None:
        """Let run() end: claim nothing more, finish what is in flight, and cut it off after `within` seconds.

        What is cut off waits again, in doubt. When the queue cannot write that down, run() ends a second later all the
        same, and leaves it to the leases. May be called again with less time. Call it on the loop's thread.
        """
        self._ending = self._ending or Finish("stopped")
        self._wake.set()
        if self._group is not None and not self._done.is_set():  # or else nobody would end the task
            _cancel(self._cutter)
            self._cutter = self._begin(self._cut_off(within))

    async def run(self) -> Finish:
        """Deliver until drained, stopped or, where the rules say so, refused; no task outlives it.

        When it is cancelled, or fails because the queue or `report` does, jobs in flight are left to their leases.
        """
        unwatch = (self._queue.watch(self._hear), self._pace.watch(self._go_on))
        try:
            async with asyncio.TaskGroup() as self._group:
                self._begin(self._work())
                await self._done.wait()
                for task in self._tasks:
                    task.cancel()
            return self._ending or Finish("stopped")
        except ExceptionGroup as errors:
            raise first_error(errors) from None
        finally:
            self._group = None
            for end in unwatch:
                end()

    # One task claims jobs and sees to it that they are sent when their time comes.

    async def _work(self) -> None:
        if self._ending is None and self._rules.on_hold == "probe":
            self._begin(self._release(None))  # the configuration may have been mended since
        while self._ending is None:
            self._wake.clear()
            await self._step()
            if self._ending is None and not self._wake.is_set() and not self._wanted(self._monotonic()):
                await self._pause()
        await self._hand_back_ready()
        while self._slots.busy:
            self._wake.clear()
            await self._wake.wait()
        self._done.set()

    async def _step(self) -> None:
        now = self._monotonic()
        if self._ready and self._is_kept_back(now):
            await self._hand_back_ready()
        if (gate := self._gates.over(now)) is not None:
            await self._release(gate)
        self._hand_out()
        if self._free() > 0 and (gate := self._gates.due(now)) is not None:
            await self._probe(gate)
        elif self._pace.circuit != "closed":
            await self._try_one(now)
        elif (count := self._wanted(now)) > 0:
            await self._claim(count)
            self._hand_out()
        if self._draining and await self._is_drained():
            self._ending = self._ending or Finish("drained")

    async def _is_drained(self) -> bool:
        """Whether nothing is left that will be sent without anybody's doing."""
        if self._slots.busy or self._ready or self._gates.hold_any:
            return False
        return not (await self._queue.counts()).total.unfinished

    def _is_kept_back(self, now: float) -> bool:
        """Whether what is claimed had better wait in the queue, since nothing of it may be sent for long."""
        if self._gates.all_closed and not self._gates.is_probing:
            return True
        wait = self._pace.wait(now)
        return self._free() <= 0 and (self._pace.circuit != "closed" or (wait is not None and wait > _LONG))

    def _wanted(self, now: float) -> int:
        """Say how many jobs to claim now: none, or so many that it is worth it."""
        if not self._claims.has_more(now):
            return 0
        if self._gates.all_closed:
            return _CHOICE if self._gates.is_hungry and not self._ready else 0
        if self._pace.circuit != "closed":
            return _CHOICE if self._free() > 0 else 0
        if self._pace.wait(now) is not None:
            return max(0, self._free() - len(self._ready))
        target = max(0, self._free()) + self._claims.ahead.count
        missing = target - len(self._ready)
        return missing if 2 * missing >= target else 0

    async def _claim(self, count: int) -> None:
        await self._claims.fill(count, most_ahead=2 * self._pace.limit)

    async def _try_one(self, now: float) -> None:
        """Claim some jobs when Rupt may be up again, and send the one that was tried least."""
        if (count := self._wanted(now)) > 0:
            await self._claim(count)
            if self._ready:
                best = min(self._ready, key=lambda claimed: claimed[0].attempts)
                self._ready.remove(best)
                await self._hand_back_ready()
                self._ready.append(best)
                self._hand_out()

    async def _take(self, count: int) -> list[Claimed]:
        return await self._claims.take(count, most_ahead=2 * self._pace.limit)

    async def _hand_back_ready(self) -> None:
        self._gates.unsent(job for job, _ in self._ready)
        await self._claims.hand_back_ready()

    async def _hand_back(self, job: Job) -> None:
        """Let a claimed job wait again as if nothing had been."""
        self._gates.unsent([job])
        await self._claims.hand_back([job])

    async def _pause(self) -> None:
        """Wait until something wakes the worker, or until the time has come for something."""
        now = self._monotonic()
        delays = [self._pace.wait(now), self._gates.wait(now), self._claims.wait(now)]
        if self._rate is not None and (self._ready or self._claims.has_more(now)):
            delays.append(self._rate.delay())
        future = [delay for delay in delays if delay is not None and delay > 0]
        if future:
            self._alarm.set(max(min(future), _SHORTEST_PAUSE))
        if not self._can_go_on():  # looked at last: a time that has come meanwhile has no alarm
            await self._wake.wait()

    def _can_go_on(self) -> bool:
        """Whether there is something to do now, without an answer to any request."""
        now = self._monotonic()
        may_send = self._free() > 0 and (bool(self._ready) or self._gates.due(now) is not None)
        return may_send or self._wanted(now) > 0 or self._gates.over(now) is not None

    def _hear(self) -> None:
        """Hear from the queue that there may be more to claim."""
        self._claims.hear()
        self._wake.set()

    # What is claimed is handed to tasks that deliver, as soon as it may be sent.

    def _free(self) -> int:
        """Say how many jobs may be started now."""
        most = self._pace.most
        free = min(self._pace.free(self._monotonic()), most + max(_LEAST_SETTLING, most) - self._slots.busy)
        return free if self._rate is None else min(free, self._rate.available())

    def _go_on(self) -> None:
        """Start more, now that a request has ended; wake who claims if there is something to do for it."""
        self._hand_out()
        now = self._monotonic()
        is_low = len(self._ready) <= self._pace.limit // 2
        is_timed = self._rate is not None or self._pace.wait(now) is not None  # then an alarm may be needed
        if is_timed or (is_low and self._wanted(now) > 0):
            self._wake.set()

    def _hand_out(self) -> None:
        """Start what is claimed and may be sent now."""
        if self._ready and self._ending is None:
            for _ in range(min(self._free(), len(self._ready))):
                self._slots.start(self._board())

    def _board(self) -> _Flight:
        job, since = self._ready.popleft()
        if self._rate is not None:
            self._rate.take()
        return _Flight(job, since, self._pace.begin(self._monotonic()))

    def _next(self) -> _Flight | None:
        """Give a task that is done the next job, if one may be sent."""
        return self._board() if self._ready and self._ending is None and self._free() > 0 else None

    def _rest(self) -> None:
        """Wake who claims when there is something to do for it, now that a task has nothing to do."""
        if not self._slots.busy or self._wanted(self._monotonic()) > 0:
            self._wake.set()

    async def _deliver(self, flight: _Flight) -> None:
        """Deliver a job, unless there is a reason by now to leave it."""
        job = flight.job
        if self._ending is not None or self._monotonic() - flight.since > self._rules.lease / 2:
            self._give_up(flight)
            return await self._hand_back(job)
        planned = self._courier.prepare(job)
        if not isinstance(planned, Planned):
            self._give_up(flight)
            self._gates.unsent([job])
            return await self._courier.close(planned)
        gate = self._gates.of(planned.request.auth)
        if not gate.lets(job):
            self._give_up(flight)
            return await self._keep_back(job, planned, gate)
        answered = await self._courier.exchange(job, planned)
        has_opened, was_closed = self._learn(flight, answered, gate), gate.is_closed
        await self._courier.settle(answered)
        if has_opened or (was_closed and not gate.is_closed):  # the latter: while the queue wrote that down
            await self._release(gate)
        return None

    def _give_up(self, flight: _Flight) -> None:
        self._claims.ahead.used += 1
        if self._rate is not None:
            self._rate.give_back()
        self._pace.give_up(flight.number)

    def _learn(self, flight: _Flight, answered: Answered, gate: Gate) -> bool:
        """Tell the gate and the pace of an answer; says whether the gate has opened."""
        job, attempt, verdict, now = flight.job, answered.attempt, answered.verdict, self._monotonic()
        self._claims.ahead.used += 1
        if attempt is None or verdict is None:
            gate.unsent(job)
            self._pace.give_up(flight.number)
            return False
        opened = False
        match verdict:
            case Delivered() | Reject():
                opened = gate.accepted(job)
            case Retry():
                gate.untold(job, now)
            case Hold(reason):
                if gate.refused(job, attempt.request, attempt.answer, reason, now):
                    self._refuse(gate, reason)
        account = job.account or job.key
        self._pace.end(flight.number, attempt.answer, verdict, mapping=job.mapping, account=account, now=now)
        return opened

    # What is done while Rupt refuses the configuration.

    def _refuse(self, gate: Gate, reason: str) -> None:
        log.warning("nothing more is sent with %s: %s", _AUTHORIZED_BY[gate.kind], reason)
        self._wake.set()
        if self._rules.on_hold == "stop":
            self._ending = self._ending or Finish("held", reason)

    async def _keep_back(self, job: Job, planned: Planned, gate: Gate) -> None:
        """Leave a job whose kind is refused: in the queue when all kinds are, or else held, so that others pass it."""
        if self._gates.all_closed or gate.reason is None:
            return await self._hand_back(job)
        gate.mappings.add(job.mapping)
        await self._courier.keep_back(job, planned, gate.reason)
        if not gate.is_closed:  # it has opened while the queue wrote that down
            await self._release(gate)
        return None

    async def _release(self, gate: Gate | None) -> None:
        """Let what was held for a gate wait again, or what any was held for."""
        mappings = None if gate is None else gate.forget_mappings()
        released = await self._queue.release("refused", now=self._clock(), mappings=mappings)
        if gate is not None:
            log.warning("sending again; %d more jobs were held", released)

    async def _probe(self, gate: Gate) -> None:
        """Look for a job to try a gate with: one that waits, or else one that is held."""
        jobs = await self._take(_CHOICE)
        found = [job for job, _ in jobs if self._is_of(gate, job)]
        if not found and gate.mappings:
            limit = min(_MOST_CHOICE, gate.tried + 1)
            released = await self._queue.release("refused", now=self._clock(), limit=limit, mappings=gate.mappings)
            if not released:  # somebody else has seen to them
                gate.forget_mappings()
            more = await self._take(released) if released else []
            found = [job for job, _ in more if self._is_of(gate, job)]
            jobs += more
        probe = gate.choose(found)
        kept = [(job, since) for job, since in jobs if job is probe or job not in found]
        self._ready.extendleft(reversed(kept))
        await self._claims.hand_back(job for job in found if job is not probe)
        self._claims.hear()
        self._hand_out()

    def _is_of(self, gate: Gate, job: Job) -> bool:
        planned = self._courier.prepare(job)
        return isinstance(planned, Planned) and planned.request.auth == gate.kind

    # Tasks.

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._group is not None
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _cut_off(self, within: float) -> None:
        await self._sleep(within)
        self._courier.cut()
        await self._sleep(_GRACE)
        self._done.set()


def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
