"""Recorded events delivered: fed into a queue as fast as it takes them, and every outcome told as a row.

The queue, the worker and what sends are given. Memory stays flat: what waits is bounded by the queue's capacity.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, Self, TypeAlias

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from connector.delivery import Finish, Outcome, Worker
from connector.destination import Destination
from connector.events import Cutoff, Discard, Event
from connector.planning import Planning
from connector.queue import Filtered, Full, Job, Known, Ledger, Queue, Receipt, account_of, new_job
from connector.replay.checkpoint import Checkpoint
from connector.replay.rehearsal import DUPLICATE, Write
from connector.replay.summary import ACCESS_STATES, MOST_SAMPLES, Say, Summary, discard_row
from connector.routes import Routes
from connector.rows import FilteredRow, Row, printable, request_row, requests_base
from connector.sources.files import Located

CHUNK: Final = 250  # events that are put at once
AHEAD: Final = 500  # events that are read before they can be put
NOT_SENT: Final = "not sent: the delivery ended before"
FAILED: Final = ("dead", "held", "invalid")
DELIVERED_EARLIER: Final = "delivered_before: the queue in the data folder says that it was delivered"
ACCEPTED_EARLIER: Final = "accepted_before: in the data folder it is "
DELIVERED_BEFORE: Final = "delivered_before: the checkpoint says that an earlier run delivered it"


LookUp: TypeAlias = Callable[[Sequence[Job]], Awaitable[Mapping[str, Known]]]
"""Says, by key, what became of jobs that a queue with a memory has accepted before."""


class Feed:
    """Turns recorded events into jobs, and outcomes into rows and counts.

    `write` takes encoded rows (None: what is dead is told by `say`, a few of each kind), `say` takes words about what
    cannot be read. `oldest` is the moment before which events are stale. `look_up` may be set to what asks a queue that
    remembers earlier runs. `put` counts the jobs that were put, `ended` those that are done with, `failed` those of
    them that failed.
    """

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
        self.put = self.ended = self.failed = 0
        self._in_doubt = set[str]()
        self._match = Routes(destination).match
        self._actions = {mapping.name: mapping.action for mapping in destination.mappings}
        self.plan = Planning(destination, oldest=lambda: oldest).plan
        self._base = requests_base(destination.settings)
        self._write, self._say, self._now, self._checkpoint = write, say, now, checkpoint
        self.look_up: LookUp | None = None
        self._began = now()
        self._encode = msgspec.json.Encoder().encode
        self._told = Counter[str]()

    @property
    def in_doubt(self) -> int:
        """How many jobs an earlier run has left without an answer."""
        return len(self._in_doubt)

    def report(self, outcome: Outcome) -> None:
        """Count and print what became of a job."""
        job = outcome.job
        reason = outcome.problems[0] if outcome.problems else outcome.reason
        self.ended += 1
        self.failed += outcome.state in FAILED
        self.summary.outcomes[job.mapping, outcome.state, reason] += 1
        for warning in outcome.warnings:
            self.summary.warnings[job.mapping, warning] += 1
        self.summary.access.update(name for name in ACCESS_STATES if outcome.access.get(name) is True)
        if self._write is not None:
            self._write(bytearray(self._encode(self._row(outcome)) + b"\n"))
        elif outcome.state == "dead":
            self._tell(outcome)

    def count_waiting(self, ledger: Ledger) -> None:
        """Count what the queue still holds when the delivery has ended before its time."""
        for mapping, tally in ledger.mappings.items():
            if tally.waiting:
                self.summary.outcomes[mapping, "waiting", NOT_SENT] += tally.waiting

    def _tell(self, outcome: Outcome) -> None:
        """Say which job is dead, where no row does."""
        self._told[outcome.reason] += 1
        number = self._told[outcome.reason]
        if number <= MOST_SAMPLES:
            more = " (more of these are only counted)" if number == MOST_SAMPLES else ""
            self._say(f"{outcome.job.message_id}: {outcome.job.mapping}: dead: {outcome.reason}{more}")

    def _row(self, outcome: Outcome) -> Row:
        return Row(
            outcome.job.message_id,
            outcome.job.mapping,
            outcome.state,
            printable(self._actions[outcome.job.mapping], outcome.payload)
            if outcome.payload is not None and outcome.state != "invalid"
            else UNSET,
            UNSET if outcome.request is None else request_row(outcome.request, self._base),
            reason=outcome.reason or UNSET,
            problems=outcome.problems or UNSET,
            warnings=outcome.warnings or UNSET,
            access=dict(outcome.access) or UNSET,
            attempts=outcome.attempts or UNSET,
            inDoubt=outcome.in_doubt or UNSET,
        )

    async def take(self, queue: Queue, chunk: list[Located]) -> None:
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
                now, account = self._now(), account_of(item.data)
                jobs += [new_job(item.message_id, mapping.name, item.raw, now, account) for mapping in matched]
        await self._put(queue, self._not_delivered(jobs), filtered)

    def _filtered(self, event: Event, reason: str) -> Filtered:
        self.summary.outcomes["", "filtered", reason] += 1
        self._print(FilteredRow(event.message_id, None, "filtered", reason))
        return Filtered(event.message_id, reason)

    def _not_delivered(self, jobs: list[Job]) -> list[Job]:
        """Leave out what the checkpoint knows as delivered, and mark what it knows as in doubt."""
        if self._checkpoint is None:
            return jobs
        known, left = self._checkpoint.look_up(job.key for job in jobs), []
        for job in jobs:
            match known.get(job.key):
                case "delivered_before":
                    self._skip(job, DELIVERED_BEFORE)
                case "delivered":
                    self._skip(job, DUPLICATE)
                case "in_doubt":
                    self._in_doubt.add(job.key)
                    left.append(replace(job, in_doubt=True))
                case None:
                    left.append(job)
        return left

    def _skip(self, job: Job, reason: str) -> None:
        self.summary.outcomes[job.mapping, "skipped", reason] += 1
        self._print(Row(job.message_id, job.mapping, "skipped", reason=reason))

    async def _put(self, queue: Queue, jobs: list[Job], filtered: list[Filtered]) -> None:
        receipt: Receipt | Full
        while isinstance(receipt := await queue.put(jobs, now=self._now(), filtered=filtered), Full):
            try:
                await queue.room()
            except asyncio.CancelledError:  # the delivery has ended before its time
                for job in jobs:
                    self.summary.outcomes[job.mapping, "waiting", NOT_SENT] += 1
                raise
        self.put += receipt.accepted
        if receipt.duplicates:
            by_key = {job.key: job for job in jobs}
            await self._skip_all([by_key[key] for key in receipt.duplicates])

    async def _skip_all(self, duplicates: list[Job]) -> None:
        """Tell why the queue took jobs for known: they came before in this run, or in an earlier one."""
        known = {} if self.look_up is None else await self.look_up(duplicates)
        for job in duplicates:
            found = known.get(job.key)
            if found is None or found.put_at >= self._began:
                self._skip(job, DUPLICATE)
            else:
                self._skip(job, DELIVERED_EARLIER if found.state == "delivered" else f"{ACCEPTED_EARLIER}{found.state}")

    def _print(self, row: Row | FilteredRow) -> None:
        if self._write is not None:
            self._write(bytearray(self._encode(row) + b"\n"))


async def deliver(
    items: Iterator[Located], feed: Feed, queue: Queue, worker: Worker, *, show: Callable[[], None]
) -> Finish:
    """Deliver a recording; ends when all of it is settled, or when the worker is stopped. `show` is told of progress.

    Raises what the recording, the feed or the worker raises; then nothing more is sent.
    """
    try:
        async with asyncio.TaskGroup() as group:
            filling = group.create_task(_fill(items, feed, queue, worker, show))
            finish = await worker.run()
            filling.cancel()
        return finish
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _fill(items: Iterator[Located], feed: Feed, queue: Queue, worker: Worker, show: Callable[[], None]) -> None:
    with _Reading(items) as reading:
        async for chunk in reading.chunks():
            await feed.take(queue, chunk)
            show()
    worker.drain()


class _Reading:
    """A recording that is read ahead by a thread of its own, which never keeps the process alive.

    Standard input may stay silent for ever, and what it has said is to be sent all the same.
    """

    def __init__(self, items: Iterator[Located]) -> None:
        self._items = items
        self._loop, self._ready = asyncio.get_running_loop(), asyncio.Event()
        self._changed = threading.Condition()
        self._ahead: list[Located] = []
        self._error: BaseException | None = None
        self._has_ended = self._is_closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._read, daemon=True, name="recording").start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    async def chunks(self) -> AsyncIterator[list[Located]]:
        """Give what has been read and not been given yet, a part at a time; raises what reading raises."""
        has_ended = False
        while not has_ended:
            await self._ready.wait()
            self._ready.clear()
            has_ended = self._has_ended  # before the last look, so that nothing can come after it
            while chunk := self._take():
                yield chunk
        if self._error is not None:
            raise self._error

    def _take(self) -> list[Located]:
        with self._changed:
            chunk = self._ahead[:CHUNK]
            del self._ahead[:CHUNK]
            self._changed.notify()
        return chunk

    def _read(self) -> None:
        try:
            for item in self._items:
                if not self._add(item):
                    return
        except BaseException as error:  # raised again where it is awaited
            self._error = error
        self._has_ended = True
        self._wake()

    def _add(self, item: Located) -> bool:
        with self._changed:
            while len(self._ahead) >= AHEAD and not self._is_closed:
                self._changed.wait()
            self._ahead.append(item)
            if len(self._ahead) == 1:
                self._wake()
        return not self._is_closed

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits for more
            self._loop.call_soon_threadsafe(self._ready.set)
