"""Recorded events delivered: fed into a queue as fast as it takes them, and every outcome told as a row.

The queue, the worker and what sends are given. Memory stays flat: what waits is bounded by the queue's capacity.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import Final

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from connector.delivery import Finish, Outcome, Worker
from connector.destination import Destination, Mapping
from connector.events import Cutoff, Discard, Event, event_reader
from connector.pipeline import Invalid, Plan
from connector.queue import Filtered, Full, Job, Queue, Receipt, new_job
from connector.replay.checkpoint import Checkpoint
from connector.replay.rehearsal import DUPLICATE, Write, planners
from connector.replay.summary import Say, Summary, discard_row
from connector.retry import Hold
from connector.routes import Routes
from connector.rows import FilteredRow, Row, printable, request_row, requests_base
from connector.sources.files import Located

CHUNK: Final = 250  # events that are put at once
DELIVERED_BEFORE: Final = "delivered_before: the checkpoint says so"


class Feed:
    """Turns recorded events into jobs, and outcomes into rows and counts."""

    def __init__(
        self,
        destination: Destination,
        *,
        oldest: Cutoff | None,
        write: Write | None,
        say: Say,
        now: Callable[[], float],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.summary = Summary()
        self.in_doubt = 0
        self._match = Routes(destination).match
        self._mappings = {mapping.name: mapping for mapping in destination.mappings}
        self._plans = {mapping.name: plan for mapping, plan in planners(destination).items()}
        self._read = event_reader(destination.event_reads).read
        self._oldest, self._base = oldest, requests_base(destination.settings)
        self._write, self._say, self._now, self._checkpoint = write, say, now, checkpoint
        self._encode = msgspec.json.Encoder().encode

    def plan(self, job: Job) -> Plan | Hold:
        """Say what a job sends: its event through its mapping, as both are now."""
        item = self._read(job.raw)
        if isinstance(item, Discard):
            return Invalid((f"{item.reason}: {item.detail}",))
        return self._plans[job.mapping](item.data, self._oldest)

    def report(self, outcome: Outcome) -> None:
        """Count and print what became of a job."""
        job, mapping = outcome.job, self._mappings[outcome.job.mapping]
        reason = outcome.problems[0] if outcome.problems else outcome.reason
        self.summary.outcomes[job.mapping, outcome.state, reason] += 1
        for warning in outcome.warnings:
            self.summary.warnings[job.mapping, warning] += 1
        self.summary.access.update(
            name for name in ("limit_exceeded", "new_device", "suspended") if outcome.access.get(name) is True
        )
        self._print(self._row(mapping, outcome))

    def _row(self, mapping: Mapping, outcome: Outcome) -> Row:
        return Row(
            outcome.job.message_id,
            mapping.name,
            outcome.state,
            UNSET if outcome.payload is None else printable(mapping.action, outcome.payload),
            UNSET if outcome.request is None else request_row(outcome.request, self._base),
            reason=outcome.reason or UNSET,
            problems=outcome.problems or UNSET,
            warnings=outcome.warnings or UNSET,
            access=dict(outcome.access) or UNSET,
            attempts=outcome.attempts or UNSET,
            inDoubt=outcome.in_doubt or UNSET,
        )

    def _print(self, row: Row | FilteredRow) -> None:
        if self._write is not None:
            self._write(bytearray(self._encode(row) + b"\n"))

    async def put(self, queue: Queue, chunk: list[Located]) -> None:
        """Put a part of a recording into the queue, waiting until it has room."""
        jobs: list[Job] = []
        filtered: list[Filtered] = []
        for file, line, item in chunk:
            if isinstance(item, Discard):
                self._print(discard_row(self.summary, file, line, item, self._say))
                continue
            self.summary.events += 1
            matched = self._match(item.data)
            if isinstance(matched, str):
                filtered.append(self._filtered(item, matched))
            else:
                jobs += [new_job(item.message_id, mapping.name, item.raw, self._now()) for mapping in matched]
        receipt = await self._put(queue, self._not_delivered(jobs), filtered)
        names = {job.key: job for job in jobs}
        for key in receipt.duplicates:
            self._skip(names[key], DUPLICATE)

    def _filtered(self, event: Event, reason: str) -> Filtered:
        self.summary.outcomes["", "filtered", reason] += 1
        self._print(FilteredRow(event.message_id, None, "filtered", reason))
        return Filtered(event.message_id, reason)

    def _not_delivered(self, jobs: list[Job]) -> list[Job]:
        """Leave out what the checkpoint knows as delivered, and mark what it knows as in doubt."""
        if self._checkpoint is None or not jobs:
            return jobs
        known = self._checkpoint.states([job.key for job in jobs])
        for job in jobs:
            if known.get(job.key) is True:
                self._skip(job, DELIVERED_BEFORE)
        left = [job for job in jobs if known.get(job.key) is not True]
        self.in_doubt += sum(job.key in known for job in left)
        return [replace(job, in_doubt=True) if job.key in known else job for job in left]

    def _skip(self, job: Job, reason: str) -> None:
        self.summary.outcomes[job.mapping, "skipped", reason] += 1
        self._print(Row(job.message_id, job.mapping, "skipped", reason=reason))

    async def _put(self, queue: Queue, jobs: list[Job], filtered: list[Filtered]) -> Receipt:
        while isinstance(receipt := await queue.put(jobs, now=self._now(), filtered=filtered), Full):
            await queue.room()
        return receipt


async def deliver(
    items: Iterator[Located], feed: Feed, queue: Queue, worker: Worker, *, show: Callable[[int], None]
) -> Finish:
    """Deliver a recording; ends when all of it is settled, or when the worker is stopped. `show` is told of progress."""

    async def fill() -> None:
        async for chunk in _chunks(items):
            await feed.put(queue, chunk)
            show(feed.summary.events)
        worker.drain()

    async with asyncio.TaskGroup() as group:
        filling = group.create_task(fill())
        finish = await worker.run()
        filling.cancel()
    return finish


async def _chunks(items: Iterator[Located]) -> AsyncIterator[list[Located]]:
    """Read in a thread of its own, which never keeps the process alive: standard input may stay silent for ever."""
    loop, ready = asyncio.get_running_loop(), asyncio.Queue[list[Located] | BaseException]()
    wanted = threading.Semaphore(2)

    def read() -> None:
        chunk: list[Located] | BaseException = []
        while wanted.acquire():
            try:
                chunk = list(islice(items, CHUNK))
            except BaseException as error:  # raised again where it is awaited
                chunk = error
            try:
                loop.call_soon_threadsafe(ready.put_nowait, chunk)
            except RuntimeError:  # the loop has ended: nobody waits for more
                return
            if not isinstance(chunk, list) or not chunk:
                return

    threading.Thread(target=read, daemon=True, name="recording").start()
    while chunk := await ready.get():
        if isinstance(chunk, BaseException):
            raise chunk
        wanted.release()
        yield chunk
