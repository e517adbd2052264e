"""The delivery of `replay`: to Rupt, or wherever settings.domain says; ends with a summary and how to go on."""

import asyncio
import shlex
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from connector.app import open_delivery, open_queue
from connector.cli.progress import open_progress
from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.cli.summary import tell_summary
from connector.delivery import Finish, Worker
from connector.destination import Destination
from connector.queue import Attempt, Job, Tally
from connector.redaction import redact
from connector.replay.checkpoint import Checkpoint
from connector.replay.live import Feed, deliver
from connector.replay.selection import select
from connector.rows import requests_base
from connector.rupt import Response
from connector.sources.files import Progress, read_events
from connector.values import dump_json

LONGEST_SHOWN: Final = 4_000  # characters of a body that --debug prints
PATIENCE: Final = 30.0  # seconds that Ctrl-C waits for answers


def run(streams: Streams, destination: Destination, options: ReplayOptions) -> int:
    """Deliver a recording. Raises SourceError and UsageError before anything is sent."""
    with ExitStack() as stack:
        checkpoint = stack.enter_context(Checkpoint(options.checkpoint)) if options.checkpoint else None
        feed = Feed(
            destination,
            oldest=options.oldest(destination.settings),
            write=streams.stdout.write if options.as_json else None,
            say=streams.say,
            now=time.time,
            checkpoint=checkpoint,
        )
        _announce(streams, destination, options)
        finish, tally = asyncio.run(_deliver(streams, destination, options, feed, checkpoint))
    streams.stdout.flush()
    return _conclude(streams, destination, options, feed, finish, tally)


async def _deliver(
    streams: Streams, destination: Destination, options: ReplayOptions, feed: Feed, checkpoint: Checkpoint | None
) -> tuple[Finish, Tally]:
    reading = Progress()
    recording = read_events(options.paths, reads=destination.event_reads, stdin=streams.stdin, progress=reading)
    items = select(recording, options.selection, feed.summary)
    queue = open_queue(checkpoint)
    observe = _debugger(streams) if options.debug else None
    progress = open_progress(streams, reading)
    try:
        async with open_delivery(
            destination.settings,
            queue,
            plan=feed.plan,
            report=feed.report,
            observe=observe,
            concurrency=options.concurrency,
            rate=options.rate,
        ) as worker:
            _stop_on_signals(streams, worker)
            finish = await deliver(items, feed, queue, worker, show=progress.show)
    finally:
        progress.end()
    return finish, (await queue.counts()).total


def _announce(streams: Streams, destination: Destination, options: ReplayOptions) -> None:
    base = requests_base(destination.settings)
    if options.oldest(destination.settings) is None:
        streams.say(f"sending to {base}; events of any age are sent, and Rupt takes each for an access now")
    else:
        hours = (destination.settings.max_event_age or 0) / 3600
        streams.say(f"sending to {base}; events older than {hours:g} h are skipped (--allow-stale sends them too)")


def _stop_on_signals(streams: Streams, worker: Worker) -> None:
    """Let the first Ctrl-C finish what is in flight, and the second cut it off."""
    loop, presses = asyncio.get_running_loop(), list[None]()

    def stop() -> None:
        presses.append(None)
        if len(presses) == 1:
            streams.say(f"stopping: {worker.in_flight} requests are in flight; Ctrl-C again does not wait for them")
        worker.stop(within=PATIENCE if len(presses) == 1 else 0.0)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _debugger(streams: Streams) -> Callable[[Job, Attempt], None]:
    """Print each request and its answer, without headers, and without what names a person."""

    def observe(job: Job, attempt: Attempt) -> None:
        request, answer = attempt.request, attempt.answer
        known = [value for value in request.body.values() if isinstance(value, str)]
        sent = redact(dump_json(request.body).decode(), known, longest=LONGEST_SHOWN)
        streams.say(f"> {job.mapping}: {request.method} {redact(request.path, known)} {sent}")
        if isinstance(answer, Response):
            found = redact(answer.body.decode("utf-8", "replace"), known, longest=LONGEST_SHOWN)
            streams.say(f"< {answer.status} {found} ({attempt.latency * 1000:.0f} ms)")
        else:
            streams.say(f"< {answer.kind}: {answer.detail} ({attempt.latency * 1000:.0f} ms)")

    return observe


def _conclude(
    streams: Streams, destination: Destination, options: ReplayOptions, feed: Feed, finish: Finish, tally: Tally
) -> int:
    if tally.waiting:
        feed.summary.outcomes["", "waiting", "not sent yet"] += tally.waiting
    tell_summary(streams, feed.summary, destination, as_json=options.as_json)
    if feed.in_doubt:
        streams.say(f"{feed.in_doubt} jobs were in flight when the last run ended: they may have landed before")
    if finish.why == "held":
        streams.say(f"stopped: {finish.reason}\n{_how_to_go_on(options)}")
        return 3
    if finish.why == "stopped":
        streams.say(_how_to_go_on(options))
        return 130
    return 4 if feed.summary.count("dead", "held", "invalid") else 0


def _how_to_go_on(options: ReplayOptions) -> str:
    if options.checkpoint is None:
        return "to go on where a run ended, give --checkpoint FILE from the start; without it a new run sends all again"
    words = ["rupt-connector", "replay", *options.paths, "--config", options.config, "--checkpoint", options.checkpoint]
    return f"to go on: {shlex.join([*words, *(['--allow-stale'] if options.allow_stale else [])])}"
