"""The composition root: the only place where queues, transports and workers are made and joined."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from connector.delivery import Outcome, Rules, Worker
from connector.destination import Settings
from connector.pipeline import Plan
from connector.queue import Attempt, Job, Queue
from connector.queue.memory import MemoryQueue
from connector.replay.checkpoint import Checkpoint, CheckpointedQueue
from connector.retry import Hold, Policy
from connector.rows import requests_base
from connector.rupt import Credentials, Failure, Request, Response
from connector.transport import Transport

CAPACITY: Final = 2_000  # jobs that may wait: enough for every connection, and 64 MB of Segment's largest events


def open_queue(checkpoint: Checkpoint | None = None) -> Queue:
    """Make the queue of one run, which notes in the checkpoint, if there is one, what it has delivered."""
    if checkpoint is None:
        return MemoryQueue(capacity=CAPACITY)
    return CheckpointedQueue(checkpoint, capacity=CAPACITY)


@asynccontextmanager
async def open_delivery(
    settings: Settings,
    queue: Queue,
    *,
    plan: Callable[[Job], Plan | Hold],
    report: Callable[[Outcome], None],
    observe: Callable[[Job, Attempt], None] | None = None,
    concurrency: int | None = None,
    rate: float | None = None,
) -> AsyncIterator[Worker]:
    """Open connections to Rupt, and give the worker that delivers a queue over them and stops when Rupt refuses."""
    delivery = settings.delivery
    at_once = concurrency or delivery.concurrency
    credentials = Credentials(settings.client_id, settings.api_secret, requests_base(settings))
    rules = Rules(
        concurrency=at_once,
        rate=rate or delivery.rate,
        policy=Policy(attempts=delivery.attempts, window=delivery.window, first=delivery.first_retry),
        in_doubt=settings.in_doubt,
        on_hold="stop",
        lease=2 * delivery.timeout + 30.0,
    )
    async with Transport(concurrency=at_once, timeout=delivery.timeout) as transport:

        async def send(request: Request) -> Response | Failure:
            return await transport.send(request, credentials)

        yield Worker(
            queue,
            plan,
            send,
            report,
            rules=rules,
            observe=observe or (lambda _job, _attempt: None),
            clock=time.time,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            draw=random.random,
        )
