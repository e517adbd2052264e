"""The dry run of `replay`: rows on standard output with --json, else a summary; nothing is sent."""

from itertools import islice
from typing import Final

from connector.cli.progress import open_progress
from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.cli.summary import tell_summary
from connector.destination import Destination
from connector.replay.rehearsal import Rehearsal
from connector.replay.selection import select
from connector.sources.files import Progress, read_events

CHUNK: Final = 250  # events between two looks at the clock; few enough to stay in the cache


def run(streams: Streams, destination: Destination, options: ReplayOptions) -> int:
    """Rehearse a replay. Raises SourceError when a path cannot be opened."""
    rehearsal = Rehearsal(
        destination,
        oldest=options.oldest(destination.settings),
        write=streams.stdout.write if options.as_json else None,
        say=streams.say,
    )
    reading = Progress()
    progress = open_progress(streams, reading)
    recording = read_events(options.paths, reads=destination.event_reads, stdin=streams.stdin, progress=reading)
    items = select(recording, options.selection, rehearsal.summary)
    try:
        while chunk := list(islice(items, CHUNK)):
            rehearsal.run(chunk)
            progress.show(rehearsal.summary.events)
    finally:
        progress.end()
        streams.stdout.flush()
    tell_summary(streams, rehearsal.summary, destination, as_json=options.as_json)
    return 0
