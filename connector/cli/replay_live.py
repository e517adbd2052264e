"""The delivery of `replay`: to Rupt, or wherever settings.domain says; ends with a summary and how to go on."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Final

from connector.app import open_delivery, open_queue, open_stored_queue, run_loop
from connector.cli.debugging import debugger
from connector.cli.progress import Progress, open_progress
from connector.cli.replay_end import conclude
from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.delivery import Finish, Outcome, Worker
from connector.destination import Destination
from connector.queue import Attempt, Job, Queue
from connector.replay.checkpoint import Checkpoint
from connector.replay.live import Feed, deliver
from connector.replay.selection import select
from connector.replay.summary import Say
from connector.rows import requests_base
from connector.rupt import Failure
from connector.sources.files import Located, read_events
from connector.sources.files import Progress as Reading

PATIENCE: Final = 30.0  # seconds that Ctrl-C waits for answers


def run(streams: Streams, destination: Destination, options: ReplayOptions) -> int:
    """Deliver a recording. Raises SourceError and UsageError before anything is sent."""
    settings, reading = destination.settings, Reading()
    recording = read_events(options.paths, reads=destination.event_reads, stdin=streams.stdin, progress=reading)
    rows = _Rows(streams)
    with (
        _open_checkpoint(destination, options) as checkpoint,
        open_progress(streams, reading, rows=options.as_json) as progress,
    ):
        _announce(progress.say, destination, options)
        feed = Feed(
            destination,
            oldest=options.oldest(settings),
            write=rows.write if options.as_json else None,
            say=progress.say,
            now=time.time,
            checkpoint=checkpoint,
        )
        items = select(recording, options.selection, feed.summary)
        with _warnings(progress.say):
            finish = run_loop(
                _open_and_deliver(
                    items,
                    feed,
                    checkpoint,
                    rows=rows,
                    progress=progress,
                    destination=destination,
                    options=options,
                )
            )
    code = conclude(streams, destination, options, feed, finish)
    if rows.error is not None:
        raise rows.error
    return code


async def _open_and_deliver(
    items: Iterator[Located],
    feed: Feed,
    checkpoint: Checkpoint | None,
    *,
    rows: "_Rows",
    progress: Progress,
    destination: Destination,
    options: ReplayOptions,
) -> Finish:
    """Deliver by a queue of this run's own, or by the one in the data folder."""
    ordering = destination.settings.ordering
    go = partial(_deliver, items, feed, rows=rows, progress=progress, destination=destination, options=options)
    if options.data is None:
        return await go(queue=open_queue(checkpoint, ordering=ordering))
    async with open_stored_queue(options.data, ordering=ordering) as queue:
        feed.look_up = queue.known
        if unfinished := (await queue.counts()).total.unfinished:
            jobs = "1 job is" if unfinished == 1 else f"{unfinished:,} jobs are"
            progress.say(f"{jobs} still waiting in {options.data}: sent too")
        return await go(queue=queue)


async def _deliver(
    items: Iterator[Located],
    feed: Feed,
    *,
    queue: Queue,
    rows: "_Rows",
    progress: Progress,
    destination: Destination,
    options: ReplayOptions,
) -> Finish:
    def show() -> None:
        words = f"{feed.failed:,} failed" if feed.failed else ""
        progress.show(feed.summary.events, settled=min(1.0, feed.ended / feed.put) if feed.put else 1.0, words=words)

    def report(outcome: Outcome) -> None:
        feed.report(outcome)
        show()

    async with open_delivery(
        destination,
        queue,
        plan=feed.plan,
        report=report,
        observe=debugger(progress.say) if options.debug else _first_retries(progress.say),
        concurrency=options.concurrency,
        rate=options.rate,
    ) as worker:
        rows.stop = worker.stop
        _stop_on_signals(progress.say, worker)
        finish = await deliver(items, feed, queue, worker, show=show)
    feed.count_waiting(await queue.counts())
    return finish


def _first_retries(say: Say) -> Callable[[Job, Attempt], None]:
    """Tell each reason for which something is sent again, once: a run that waits should not be silent."""
    told = set[str]()

    def observe(_: Job, attempt: Attempt) -> None:
        answer = attempt.answer
        if attempt.reason not in told and (
            isinstance(answer, Failure) or answer.status in (408, 423, 429) or answer.status >= 500
        ):
            told.add(attempt.reason)
            say(f"{attempt.reason}: what meets this is sent again later (said once)")

    return observe


def _open_checkpoint(destination: Destination, options: ReplayOptions) -> "Checkpoint | nullcontext[None]":
    if options.checkpoint is None:
        return nullcontext()
    address = requests_base(destination.settings)
    return Checkpoint(options.checkpoint, address=address, client_id=destination.settings.client_id)


def _announce(say: Say, destination: Destination, options: ReplayOptions) -> None:
    base = requests_base(destination.settings)
    if options.oldest(destination.settings) is None:
        say(f"sending to {base}; events of any age are sent, and Rupt takes each for an access now")
    else:
        hours = (destination.settings.max_event_age or 0) / 3600
        say(f"sending to {base}; events older than {hours:g} h are skipped (--allow-stale sends them too)")


def _stop_on_signals(say: Say, worker: Worker) -> None:
    """Let the first Ctrl-C finish what is in flight, the second cut it off, and the third end the process."""
    loop, numbers, presses = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM), list[None]()

    def stop() -> None:
        presses.append(None)
        if len(presses) == 1:
            flying = _requests(worker.in_flight)
            say(
                f"stopping: waiting for {flying} in flight; Ctrl-C again does not wait"
                if worker.in_flight
                else "stopping"
            )
            worker.stop(within=PATIENCE)
        else:
            say(f"not waiting for {_requests(worker.in_flight)}: what was sent may have landed")
            worker.stop(within=0.0)
            for number in numbers:
                loop.remove_signal_handler(number)

    for number in numbers:
        loop.add_signal_handler(number, stop)


def _requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"


class _Rows:
    """Writes rows at once. When they cannot be written any more it stops the delivery, and remembers why."""

    def __init__(self, streams: Streams) -> None:
        self.error: OSError | None = None
        self.stop: Callable[[], None] = lambda: None
        self._out = streams.stdout

    def write(self, row: bytearray) -> None:
        if self.error is None:
            try:
                self._out.write(row)
                self._out.flush()
            except OSError as error:
                self.error = error
                self.stop()


@contextmanager
def _warnings(say: Say) -> Iterator[None]:
    """Say what the delivery logs, but not why the worker stopped: that is told at the end."""
    handler = _Words(say)
    handler.addFilter(lambda record: record.name != "connector.delivery")
    log = logging.getLogger("connector")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Words(logging.Handler):
    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(f"{record.levelname.lower()}: {record.getMessage()}")
