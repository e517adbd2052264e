"""How many jobs a second the worker alone delivers: the memory queue with a group commit before it, a plan and an
answer that are ready made. The CPU is all of the process, so the queue's, the plan's and the loop's are in it.

Run it with `python -m tests.bench.worker_bench`; it prints. Ratios within one run say more than numbers.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

import uvloop

from connector.delivery import Outcome, Rules, Worker
from connector.pipeline import Planned
from connector.queue import NO_NOTE, Filtered, Full, Job, Note, Receipt, Settled, new_job
from connector.queue.memory import MemoryQueue
from connector.rupt import Request, Response

ANSWER = Response(
    200, {}, b'{"success":true,"attached_devices":1,"device_id":"6561b1","access":"6561b2","metadata":{}}'
)


class CommittedQueue(MemoryQueue):
    """A memory queue that answers as a store does: some ms later, and all that came meanwhile at once."""

    def __init__(self, *, commit: float, capacity: int) -> None:
        super().__init__(capacity=capacity)
        self._commit, self._asked = commit, list[asyncio.Future[None]]()

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim, after the next commit."""
        jobs = await super().claim(limit, now=now, lease=lease)
        if jobs:
            await self._committed()
        return jobs

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """Settle, after the next commit."""
        done = await super().settle(job, state, now=now, note=note)
        await self._committed()
        return done

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Put, at once."""
        return await super().put(jobs, now=now, filtered=filtered)

    def _committed(self) -> Awaitable[None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self._asked:
            loop.call_later(self._commit, self._answer)
        self._asked.append(future)
        return future

    def _answer(self) -> None:
        asked, self._asked = self._asked, []
        for future in asked:
            if not future.done():
                future.set_result(None)


async def deliver(jobs: int, *, commit: float, latency: float, concurrency: int) -> tuple[float, float, float]:
    """Deliver so many jobs; gives seconds, CPU seconds, and how many were in flight on average."""
    queue = CommittedQueue(commit=commit, capacity=jobs + 1)
    made = [new_job(f"message-{n}", "Attach Device", b"{}", time.time(), f"user-{n}") for n in range(jobs)]
    await queue.put(made, now=time.time())
    plans = {job.key: Planned({}, Request("POST", "/v2/device/attach", {"user": job.account}), ()) for job in made}
    loop, busy, delivered = asyncio.get_running_loop(), 0.0, 0

    async def send(_request: Request) -> Response:
        nonlocal busy
        if latency:
            begun, future = loop.time(), loop.create_future()
            loop.call_later(latency, future.set_result, None)
            await future
            busy += loop.time() - begun
        return ANSWER

    def report(outcome: Outcome) -> None:
        nonlocal delivered
        delivered += outcome.state == "delivered"

    worker = Worker(queue, lambda job: plans[job.key], send, report, rules=Rules(concurrency=concurrency))
    worker.drain()
    begun, cpu = time.perf_counter(), time.process_time()
    await worker.run()
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    assert delivered == jobs
    return seconds, used, busy / seconds


def show(what: str, jobs: int, run: Callable[[], tuple[float, float, float]]) -> None:
    """Run it and print what it took."""
    seconds, cpu, flying = run()
    print(
        f"{what:44} {jobs / seconds:8,.0f} jobs/s {1e6 * cpu / jobs:6.1f} µs CPU each  {flying:5.1f} in flight",
        flush=True,
    )


def main() -> None:
    """Deliver with an instant answer, then with one that takes 5 ms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=40_000)
    parser.add_argument("--commit", type=float, default=0.002, help="seconds")
    given = parser.parse_args()
    for latency, concurrency in ((0.0, 64), (0.005, 64), (0.05, 64), (0.05, 256)):
        what = f"answers after {1e3 * latency:g} ms, at most {concurrency} in flight"

        def run(latency: float = latency, concurrency: int = concurrency) -> tuple[float, float, float]:
            jobs = given.jobs if latency < 0.05 else given.jobs // 4
            work = deliver(jobs, commit=given.commit, latency=latency, concurrency=concurrency)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(work)

        show(what, given.jobs if latency < 0.05 else given.jobs // 4, run)


if __name__ == "__main__":
    main()
