"""The memory queue does what every queue does, in bounded memory."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import settings

from connector.queue import Ordering, Queue, Receipt, new_job
from connector.queue.memory import MemoryQueue
from tests.queue.queue_suite import LEASE, NOW, QueueMachine, QueueSuite, job


@asynccontextmanager
async def open_memory(*, capacity: int, window: float, ordering: Ordering = "none") -> AsyncIterator[Queue]:
    """Make a memory queue; there is nothing to close."""
    yield MemoryQueue(capacity=capacity, window=window, ordering=ordering)


class TestMemoryQueue(QueueSuite):
    """The suite, over memory."""

    opened = staticmethod(open_memory)


class MemoryMachine(QueueMachine):
    """The state machine, over memory."""

    open = staticmethod(open_memory)


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_only_so_many_keys_are_remembered() -> None:
    """Of finished jobs the last so many keys are known; an older one is accepted again."""

    async def scenario() -> None:
        queue = MemoryQueue(remembered=2)
        for name in "abc":
            await queue.put([job(name)], now=NOW)
            (claimed,) = await queue.claim(1, now=NOW, lease=LEASE)
            await queue.settle(claimed, "delivered", now=NOW)
        assert await queue.put([job("c"), job("b")], now=NOW) == Receipt(0, (job("c").key, job("b").key))
        assert await queue.put([job("a")], now=NOW) == Receipt(1)

    asyncio.run(scenario())


def test_memory_stays_flat() -> None:
    """However many jobs pass through, a queue keeps no more than the keys that it remembers."""

    async def pass_through(queue: MemoryQueue, numbers: range) -> None:
        for number in numbers:
            await queue.put([new_job(f"message-{number}", "Attach Device", b"x" * 700, NOW)], now=NOW + number)
            (claimed,) = await queue.claim(1, now=NOW + number, lease=LEASE)
            await queue.settle(claimed, "delivered", now=NOW + number)

    async def scenario() -> None:
        queue = MemoryQueue(remembered=100)
        tracemalloc.start()
        await pass_through(queue, range(1_000))
        before, _ = tracemalloc.get_traced_memory()
        await pass_through(queue, range(1_000, 6_000))
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 20_000

    asyncio.run(scenario())
