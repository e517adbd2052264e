"""One claimed job, from its plan to what became of it: plan, send, judge, decide, and tell the queue and the reporter.

What plans, what sends, the clocks and the dice are arguments. It chooses no job, starts no task and never sleeps, and
keeps no job back by itself: that is the worker's part, in delivery.
"""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.queue import Attempt, Cause, Job, Note, Queue
from connector.retry import Bury, Delivered, Hold, Park, Policy, Reject, Retry, RetryAt, Settle, Verdict, decide
from connector.rupt import Failure, Request, Response, judge
from connector.values import JSON

log = logging.getLogger(__name__)

Planner: TypeAlias = Callable[[Job], Plan | Hold]
"""Says what a job sends. A Hold is this job's alone (its mapping is gone, say): the others go on."""
Sender: TypeAlias = Callable[[Request], Awaitable[Response | Failure]]

_CUT: Final = Failure("network", "stopped before the answer came")
_IN_DOUBT: Final = "in doubt, it may have landed"


@dataclass(frozen=True, slots=True)
class Rules:
    """How jobs are delivered. `rate` is in requests a second; `lease`, `probe_first`, `probe_cap`, `poll` in seconds.

    `lease` must be longer than a request may take. `on_hold`: when Rupt refuses the configuration, stop, or try one job
    after `probe_first` seconds and then at growing intervals of at most `probe_cap`. `in_doubt`: what may have landed
    is sent again, or held. `poll` is how often a queue is asked that another process may have filled. `kinds` are the
    authorizations that requests may have, if that is known: while all of them are refused nothing is claimed.
    """

    concurrency: int = 64
    rate: float | None = None
    policy: Policy = field(default_factory=Policy)
    in_doubt: Literal["send", "hold"] = "send"
    on_hold: Literal["stop", "probe"] = "probe"
    lease: float = 60.0
    probe_first: float = 5.0
    probe_cap: float = 300.0
    poll: float = 1.0
    kinds: tuple[Literal["client", "secret"], ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What became of a job. A job that is held may get another outcome later; every other outcome is the last.

    `payload` and `warnings` are the plan's, `request` is what was sent last, `access` what an attach returned.
    `in_doubt`: one of its `attempts` may have landed without an answer. `latency` is in seconds, of the last attempt.
    """

    job: Job
    state: Literal["delivered", "skipped", "invalid", "dead", "held"]
    reason: str = ""
    problems: tuple[str, ...] = ()
    payload: dict[str, JSON] | None = None
    request: Request | None = None
    access: Mapping[str, JSON] = {}
    warnings: tuple[str, ...] = ()
    attempts: int = 0
    in_doubt: bool = False
    latency: float = 0.0

    def __repr__(self) -> str:
        return f"Outcome({self.job!r}, {self.state!r}, {self.reason!r})"  # the payload names a person


class Unsent(msgspec.Struct, frozen=True):
    """A job that makes no request: what becomes of it, and why it is held if it is."""

    outcome: Outcome
    cause: Cause = "mapping"


class Answered(msgspec.Struct, frozen=True):
    """A job whose request has left: what came back, and what that means; `verdict` is None when nothing can be known.

    That is when sending failed for a fault of ours, then there is no attempt either, or when the request was cut off.
    """

    job: Job
    planned: Planned
    attempt: Attempt | None
    verdict: Verdict | None
    reason: str = ""


class Courier:
    """Delivers jobs that somebody has claimed, any number at a time, in steps: prepare, exchange, settle.

    `report` is told every Outcome once the queue has it, `observe` every attempt, also one that is retried; neither may
    block, and what they raise is raised. So is what the queue raises. What `plan` and `send` raise ends the job alone.
    """

    def __init__(
        self,
        queue: Queue,
        plan: Planner,
        send: Sender,
        report: Callable[[Outcome], None],
        *,
        rules: Rules,
        observe: Callable[[Job, Attempt], None],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self._queue, self._plan, self._send, self._report = queue, plan, send, report
        self._rules, self._observe, self._clock, self._monotonic, self._draw = rules, observe, clock, monotonic, draw
        self._waits: dict[asyncio.Task[None] | None, bool] = {}  # who waits for an answer, and whether that is cut off

    def cut(self) -> None:
        """Give up the requests that wait for an answer: their jobs wait again, in doubt."""
        for task, is_cut in self._waits.items():
            if task is not None and not is_cut:  # it may take its time to give up, and be told twice
                self._waits[task] = True
                task.cancel()

    def prepare(self, job: Job) -> Planned | Unsent:
        """Plan a job: say what it sends, or what becomes of it without a request."""
        if job.in_doubt and self._rules.in_doubt == "hold":
            return Unsent(Outcome(job, "held", _IN_DOUBT, attempts=job.attempts - 1, in_doubt=True), "in_doubt")
        planned = self._planned(job)
        return planned if isinstance(planned, Planned) else Unsent(_unsent(job, planned))

    async def close(self, unsent: Unsent) -> None:
        """Settle a job that makes no request."""
        await self._close(unsent.outcome, unsent.cause)

    async def keep_back(self, job: Job, planned: Planned, reason: str) -> None:
        """Hold a job that is not sent because others like it are refused; that costs it no attempt."""
        made = job.attempts - 1
        outcome = Outcome(job, "held", reason, payload=planned.payload, attempts=made, in_doubt=job.in_doubt)
        await self._close(outcome, "refused")

    async def exchange(self, job: Job, planned: Planned) -> Answered:
        """Send a job's request, and judge the answer. To be called in a task, which `cut` interrupts."""
        request = planned.request
        at, start = self._clock(), self._monotonic()
        try:
            answer = await self._exchange(request)
            verdict = judge(answer, request)
        except Exception as error:
            return Answered(job, planned, None, None, _internal(job, error))
        reason, in_doubt = _read(verdict)
        attempt = Attempt(at, self._monotonic() - start, request, answer, reason, in_doubt)
        self._observe(job, attempt)
        return Answered(job, planned, attempt, None if answer is _CUT else verdict)

    async def settle(self, answered: Answered) -> None:
        """Tell the queue, and then the reporter, what becomes of a job."""
        job, planned, attempt = answered.job, answered.planned, answered.attempt
        if attempt is None:
            return await self._close(_sent(job, "dead", planned, None, reason=answered.reason))
        if attempt.in_doubt and self._rules.in_doubt == "hold":
            reason = f"{_IN_DOUBT}: {attempt.reason}"
            return await self._close(_sent(job, "held", planned, attempt, reason=reason), "in_doubt", attempt)
        if answered.verdict is None:
            return await self._again(job, self._clock(), attempt)
        match self._decide(job, answered.verdict):
            case Settle(access):
                return await self._close(_sent(job, "delivered", planned, attempt, access=access), attempt=attempt)
            case RetryAt(at, _):
                return await self._again(job, at, attempt)
            case Bury(reason):
                return await self._close(_sent(job, "dead", planned, attempt, reason=reason), attempt=attempt)
            case Park(reason):
                return await self._close(_sent(job, "held", planned, attempt, reason=reason), "refused", attempt)
            case never:
                assert_never(never)

    def _planned(self, job: Job) -> Plan | Hold | Bury:
        if job.attempts > self._rules.policy.attempts:  # they ended in crashes, which no verdict counts
            return Bury(f"gave up after {self._rules.policy.attempts} attempts: {_IN_DOUBT}")
        try:
            return self._plan(job)
        except Exception as error:
            return Bury(_internal(job, error))

    async def _exchange(self, request: Request) -> Response | Failure:
        task = asyncio.current_task()
        self._waits[task] = False
        try:
            return await self._send(request)
        except asyncio.CancelledError:
            if task is not None and self._waits[task] and task.cancelling() == 1:  # by cut, and by nobody else
                return _CUT
            raise
        finally:
            if self._waits.pop(task) and task is not None:
                task.uncancel()

    def _decide(self, job: Job, verdict: Verdict) -> Settle | RetryAt | Bury | Park:
        now, policy = self._clock(), self._rules.policy
        first_at = now if job.first_at is None else job.first_at
        return decide(verdict, attempt=job.attempts, first_at=first_at, now=now, draw=self._draw(), policy=policy)

    async def _again(self, job: Job, at: float, attempt: Attempt) -> None:
        if not await self._queue.retry(job, at=at, now=self._clock(), note=Note(attempt.reason, attempt=attempt)):
            _lost(job)

    async def _close(self, outcome: Outcome, cause: Cause = "mapping", attempt: Attempt | None = None) -> None:
        """Tell the queue what became of a job, and then whoever wants to know; `cause` is why it is held."""
        job, now, note = outcome.job, self._clock(), Note(outcome.reason, outcome.problems, attempt)
        if outcome.state == "held":
            done = await self._queue.hold(job, cause, now=now, note=note)
        elif outcome.state == "dead":
            done = await self._queue.bury(job, now=now, note=note)
        else:
            done = await self._queue.settle(job, outcome.state, now=now, note=note)
        if done:
            self._report(outcome)
        else:
            _lost(job)


def _unsent(job: Job, planned: Skipped | Invalid | Hold | Bury) -> Outcome:
    """Say what becomes of a job that makes no request; its claim was no attempt."""
    made, doubt = job.attempts - 1, job.in_doubt
    match planned:
        case Skipped(reason, payload):
            return Outcome(job, "skipped", reason, payload=payload, attempts=made, in_doubt=doubt)
        case Invalid(problems, payload):
            return Outcome(job, "invalid", "", problems, payload, attempts=made, in_doubt=doubt)
        case Hold(reason):
            return Outcome(job, "held", reason, attempts=made, in_doubt=doubt)
        case Bury(reason):
            return Outcome(job, "dead", reason, attempts=made, in_doubt=doubt)
        case _:
            assert_never(planned)


def _sent(
    job: Job,
    state: Literal["delivered", "dead", "held"],
    planned: Planned,
    attempt: Attempt | None,
    *,
    reason: str = "",
    access: Mapping[str, JSON] = {},
) -> Outcome:
    return Outcome(
        job,
        state,
        reason,
        payload=planned.payload,
        request=planned.request,
        access=access,
        warnings=planned.warnings,
        attempts=job.attempts,
        in_doubt=job.in_doubt or (attempt is not None and attempt.in_doubt),
        latency=0.0 if attempt is None else attempt.latency,
    )


def _read(verdict: Verdict) -> tuple[str, bool]:
    match verdict:
        case Delivered():
            return "", False
        case Retry(reason, _, in_doubt):
            return reason, in_doubt
        case Reject(reason) | Hold(reason):
            return reason, False
        case _:
            assert_never(verdict)


def _internal(job: Job, error: Exception) -> str:
    """Log a fault of ours by type and place only: an exception's own text may quote the event."""
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    place = f"{frame.f_code.co_filename}:{line}"
    log.error(
        "internal error %s at %s, mapping %r, message %r", type(error).__name__, place, job.mapping, job.message_id
    )
    return f"internal error: {type(error).__name__}"


def _lost(job: Job) -> None:
    log.warning("the lease of %r ran out before its answer came: another worker may have sent it too", job)
