"""A worker over a memory queue and a Rupt that is a function, on a fake clock: what the tests of delivering share."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from connector.delivery import Finish, Outcome, Pace, Rules, Worker
from connector.pipeline import Plan, Planned
from connector.queue import NO_NOTE, Attempt, Filtered, Full, Job, Note, Receipt, Settled, Tally, new_job
from connector.queue.memory import MemoryQueue
from connector.retry import Hold
from connector.rupt import Failure, Request, Response
from tests.fake_time import START, now

OK = Response(200, {}, b'{"success":true,"device_id":"d1","attached_devices":1}')
BAD = Response(400, {}, b'{"message":"user is required"}')
ERROR = Response(503, {}, b"")
REFUSED = Response(401, {}, b"")
TIMEOUT = Failure("timeout", "no answer in time")
NOT_SENT = Failure("network", "connection refused", may_have_left=False)

Answer = Response | Failure | Exception


def planned(job: Job) -> Plan:
    """Plan an attach for the account that the message id names."""
    return Planned(
        {"account": job.message_id}, Request("POST", "/v2/device/attach", {"user": job.message_id}), ("a warning",)
    )


@dataclass
class Rupt:
    """A Rupt that takes `latency` seconds and gives each account its answers in turn, then the one for all others."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    otherwise: Answer = OK
    latency: float = 0.1
    slow: dict[str, float] = field(default_factory=dict)
    calls: list[tuple[float, str]] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    async def send(self, request: Request) -> Response | Failure:
        """Take a request, as the transport does."""
        account = str(request.body["user"])
        self.calls.append((round(now() - START, 6), account))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.slow.get(account, self.latency))
        finally:
            self.in_flight -= 1
        answers = self.answers.get(account)
        answer = answers.pop(0) if answers else self.otherwise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def times(self, account: str) -> list[float]:
        """Tell when an account's requests came, in seconds since the start."""
        return [at for at, one in self.calls if one == account]


class StoredQueue(MemoryQueue):
    """A queue whose steps take time, as those of a store on disk do: others go on meanwhile."""

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Put, after a while."""
        await asyncio.sleep(0.05)
        return await super().put(jobs, now=now, filtered=filtered)

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim, and come back after a while."""
        claimed = await super().claim(limit, now=now, lease=lease)
        await asyncio.sleep(0.05)
        return claimed

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """Settle, after a while."""
        await asyncio.sleep(0.05)
        return await super().settle(job, state, now=now, note=note)

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:
        """Let it wait, after a while."""
        await asyncio.sleep(0.05)
        return await super().retry(job, at=at, now=now, note=note)


@dataclass
class Delivery:
    """A worker over a memory queue and a Rupt, and all that it reported."""

    rupt: Rupt = field(default_factory=Rupt)
    rules: Rules = field(default_factory=Rules)
    plan: Callable[[Job], Plan | Hold] = planned
    draw: Callable[[], float] = lambda: 0.5
    pace: Pace | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    attempts: list[tuple[Job, Attempt]] = field(default_factory=list)
    queue: MemoryQueue = field(default_factory=MemoryQueue)

    def __post_init__(self) -> None:
        """Wire them up."""
        self.worker = Worker(
            self.queue,
            self.plan,
            self.rupt.send,
            self.outcomes.append,
            rules=self.rules,
            observe=lambda job, attempt: self.attempts.append((job, attempt)),
            pace=self.pace,
            clock=now,
            monotonic=now,
            draw=self.draw,
        )

    async def put(self, *names: str, mapping: str = "Attach Device") -> None:
        """Put a job for each name; what stands before a colon in it is its account."""
        jobs = [new_job(name, mapping, b"{}", now(), name.partition(":")[0]) for name in names]
        assert not isinstance(await self.queue.put(jobs, now=now()), Full)

    async def drain(self, *names: str) -> Finish:
        """Put jobs, and run until nothing is left to do."""
        await self.put(*names)
        self.worker.drain()
        return await self.worker.run()

    async def total(self) -> Tally:
        """Count all jobs; the ledger must balance."""
        ledger = await self.queue.counts()
        assert ledger.balances
        return ledger.total

    def states(self) -> dict[str, str]:
        """Tell the last reported state of each job."""
        return {outcome.job.message_id: outcome.state for outcome in self.outcomes}


def until(seconds: float, act: Callable[[], object]) -> "asyncio.Task[None]":
    """Do something in so many seconds."""

    async def later() -> None:
        await asyncio.sleep(seconds)
        result = act()
        if isinstance(result, Awaitable):
            await result

    return asyncio.ensure_future(later())
