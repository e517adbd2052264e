"""The composition root: the only place where queues, transports and workers are made and joined."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import uvloop
from msgspec.structs import replace

from connector.actions import ACTIONS
from connector.delivery import Outcome, Rules, Worker
from connector.destination import Destination
from connector.pacing import Pace
from connector.pipeline import Plan
from connector.queue import Attempt, Job, Ordering, Queue
from connector.queue.folder import FolderLock
from connector.queue.memory import MemoryQueue
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.refusals import Kind
from connector.replay.checkpoint import Checkpoint, CheckpointedQueue
from connector.retry import PATIENT, Hold, Policy
from connector.rows import requests_base
from connector.rupt import Credentials, Failure, Request, Response
from connector.steps import Step, stepped_send
from connector.transport import Transport
from connector.wire import Wire

Result = TypeVar("Result")
CAPACITY: Final = 2_000  # jobs that may wait: enough for every connection, and 64 MB of Segment's largest events


def run_loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run what is asynchronous in a command, on an event loop that costs a quarter less than asyncio's own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def open_queue(checkpoint: Checkpoint | None = None, *, ordering: Ordering = "none") -> Queue:
    """Make the queue of one run, which notes in the checkpoint, if there is one, what it has delivered."""
    if checkpoint is None:
        return MemoryQueue(capacity=CAPACITY, ordering=ordering)
    return CheckpointedQueue(checkpoint, capacity=CAPACITY, ordering=ordering)


@asynccontextmanager
async def open_stored_queue(data: str, *, ordering: Ordering) -> AsyncIterator[SqliteQueue]:
    """Lock a data folder and open the durable queue in it. Raises UsageError, also while a server has the folder."""
    with FolderLock(data):
        async with await open_sqlite(data, capacity=CAPACITY, ordering=ordering) as queue:
            await queue.purge(time.time())
            yield queue


def kinds_of(destination: Destination) -> tuple[Kind, ...]:
    """Say how the requests of a destination's mappings are authorized."""
    needs_secret = {ACTIONS[mapping.action].needs_secret for mapping in destination.mappings if mapping.enabled}
    return tuple("secret" if secret else "client" for secret in sorted(needs_secret))


def rules_of(destination: Destination, *, concurrency: int | None, rate: float | None, always_on: bool) -> Rules:
    """Make the worker's rules of a destination's settings; what the command line gives stands before them."""
    settings, delivery = destination.settings, destination.settings.delivery
    given = {"attempts": delivery.attempts, "window": delivery.window, "first": delivery.first_retry}
    return Rules(
        concurrency=concurrency or delivery.concurrency,
        rate=rate or delivery.rate,
        policy=replace(PATIENT if always_on else Policy(), **given),
        in_doubt=settings.in_doubt,
        on_hold="probe" if always_on else "stop",
        lease=2 * delivery.timeout + 30.0,
        kinds=kinds_of(destination),
    )


@asynccontextmanager
async def open_delivery(
    destination: Destination,
    queue: Queue,
    *,
    plan: Callable[[Job], Plan | Hold],
    report: Callable[[Outcome], None],
    observe: Callable[[Job, Attempt], None] | None = None,
    concurrency: int | None = None,
    rate: float | None = None,
    pace: Pace | None = None,
    step: Step | None = None,
) -> AsyncIterator[Worker]:
    """Open connections to Rupt, and give the worker that delivers a queue over them.

    A server's requests go over the leaner of the two transports; a replay's over the one that can be recorded.

    It stops when Rupt refuses the configuration. With a `pace`, which several workers may share, it is always on: it
    tries again until that is mended, and spreads the attempts of a job over hours. `step` is told of each request that
    leaves and each answer that comes.
    """
    settings, always_on = destination.settings, pace is not None
    rules = rules_of(destination, concurrency=concurrency, rate=rate, always_on=always_on)
    credentials = Credentials(settings.client_id, settings.api_secret, requests_base(settings))
    connections = Wire if always_on else Transport
    async with connections(concurrency=rules.concurrency, timeout=settings.delivery.timeout) as transport:

        async def send(request: Request) -> Response | Failure:
            return await transport.send(request, credentials)

        yield Worker(
            queue,
            plan,
            send if step is None else stepped_send(send, step),
            report,
            rules=rules,
            observe=observe or (lambda _job, _attempt: None),
            pace=pace,
            clock=time.time,
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            draw=random.random,
        )
