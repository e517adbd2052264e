"""How fast the durable queue is, and what a long line of waiting jobs changes: puts, claims and settles.

Run it with `python -m tests.bench.queue_bench`; it prints. CPU is that of all threads of this process. Ratios within
one run say more than numbers: other work on the machine is in all of them.
"""

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias
from uuid import UUID

from connector.queue import Attempt, Filtered, Job, Note, new_job
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.rupt import Request, Response
from connector.values import JSON

MakeId: TypeAlias = Callable[[int], str]
BATCH, TAKEN, SIZE = 100, 40, 700
PUTTERS, TASKS = 16, 64
CAPACITY = 10_000_000
ANSWER = (
    b'{"success":true,"attached_devices":1,"device_id":"6561b1","new_device":false,"access":"6561b2","metadata":{}}'
)


class Cost(NamedTuple):
    """What something took: how many, seconds, CPU seconds, and the latencies of single calls in order."""

    done: int
    seconds: float
    cpu: float
    latencies: list[float]

    def show(self, what: str, unit: str) -> None:
        """Print it."""
        at = {
            share: self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]
            for share in (0.5, 0.99)
        }
        print(
            f"{what:44} {self.done / self.seconds:9,.0f} {unit}/s {1e6 * self.cpu / self.done:7.1f} µs CPU each"
            f"   p50 {1e3 * at[0.5]:6.2f} p99 {1e3 * at[0.99]:6.2f} max {1e3 * self.latencies[-1]:6.2f} ms",
            flush=True,
        )


def random_id(_number: int) -> str:
    """Make a messageId as the Python SDK and the mobile ones do."""
    return str(UUID(bytes=os.urandom(16)))


def timed_id(number: int) -> str:
    """Make a messageId as the JavaScript SDKs do, ten batches in a second."""
    return f"ajs-next-{1_700_000_000_000 + 100 * number}-{UUID(bytes=os.urandom(16))}"


def batches(first: int, count: int, make_id: MakeId) -> Iterator[tuple[list[Job], list[Filtered]]]:
    """Make batches as an intake makes them: of 100 events 40 make a job, the others are filtered."""
    raw, now = os.urandom(SIZE), time.time()
    for number in range(first, first + count):
        ids = [make_id(number) for _ in range(BATCH)]
        jobs = [new_job(ids[n], "Attach Device", raw, now, f"user-{number % 1000}-{n}") for n in range(TAKEN)]
        yield jobs, [Filtered(name, "NO_MATCHING_MAPPING") for name in ids[TAKEN:]]


async def put_all(queue: SqliteQueue, made: Sequence[tuple[list[Job], list[Filtered]]]) -> Cost:
    """Put batches from some tasks at a time."""
    left, latencies = iter(made), list[float]()

    async def put_some() -> None:
        for jobs, filtered in left:
            begun = time.perf_counter()
            await queue.put(jobs, now=time.time(), filtered=filtered)
            latencies.append(time.perf_counter() - begun)

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(put_some() for _ in range(PUTTERS)))
    return Cost(BATCH * len(made), time.perf_counter() - begun, time.process_time() - cpu, sorted(latencies))


async def deliver(queue: SqliteQueue, count: int) -> Cost:
    """Claim and settle jobs one by one, from many tasks."""
    latencies, left = list[float](), count
    body: dict[str, JSON] = {
        "user": "user-42",
        "email": "ada@example.com",
        "metadata": {"plan": "pro"},
        "page": "/pricing",
        "fingerprint": "f" * 300,
    }
    attempt = Attempt(time.time(), 0.05, Request("POST", "/v2/device/attach", body), Response(200, {}, ANSWER))

    async def deliver_some() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            begun = time.perf_counter()
            (job,) = await queue.claim(1, now=time.time(), lease=60.0)
            latencies.append(time.perf_counter() - begun)
            assert await queue.settle(job, "delivered", now=time.time(), note=Note(attempt=attempt))

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(deliver_some() for _ in range(TASKS)))
    return Cost(count, time.perf_counter() - begun, time.process_time() - cpu, sorted(latencies))


async def measure(folder: Path, make_id: MakeId, events: int, jobs: int, waiting: int) -> None:
    """Measure an empty queue, then one in which many jobs wait."""
    async with await open_sqlite(folder, capacity=CAPACITY, min_free=0) as queue:
        (await put_all(queue, list(batches(0, events // BATCH, make_id)))).show(
            "puts of 100 events, queue empty", "events"
        )
        (await deliver(queue, jobs)).show("claim and settle one by one, queue empty", "jobs")
        number, begun = 1_000_000, time.perf_counter()
        while (await queue.counts()).total.waiting < waiting:
            await put_all(queue, list(batches(number, 500, make_id)))
            number += 500
        print(f"{(await queue.counts()).total.waiting:,} jobs waiting, after {time.perf_counter() - begun:.0f} s more")
        (await put_all(queue, list(batches(2_000_000, events // BATCH, make_id)))).show("puts of 100 events", "events")
        (await deliver(queue, jobs)).show("claim and settle one by one", "jobs")
        assert (await queue.counts()).balances
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most {memory:.0f} MB, file {(folder / 'queue.db').stat().st_size / 1e6:,.0f} MB")


def main() -> None:
    """Run the bench in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--jobs", type=int, default=30_000)
    parser.add_argument("--waiting", type=int, default=1_000_000)
    parser.add_argument("--ids", choices=("timed", "random"), help="with their time in them or not; by default both")
    parser.add_argument("--folder", help="where the file is made; by default where temporary files are")
    given = parser.parse_args()
    ways: dict[str, MakeId] = {"timed": timed_id, "random": random_id}
    for name in [given.ids] if given.ids else ways:
        print(f"messageIds: {name}")
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            asyncio.run(measure(Path(folder), ways[name], given.events, given.jobs, given.waiting))


if __name__ == "__main__":
    main()
