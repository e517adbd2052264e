"""The dry run of `replay`: rows on standard output with --json, else a summary; nothing is sent."""

from connector.cli.progress import open_progress
from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.cli.summary import tell_summary
from connector.destination import Destination
from connector.replay.rehearsal import Rehearsal
from connector.replay.selection import select
from connector.sources.files import Progress, read_events


def run(streams: Streams, destination: Destination, options: ReplayOptions) -> int:
    """Rehearse a replay. Raises SourceError when a path cannot be opened."""
    reading = Progress()
    recording = read_events(options.paths, reads=destination.event_reads, stdin=streams.stdin, progress=reading)
    if options.checkpoint is not None:
        streams.say("a dry run does not look at --checkpoint: it shows what a first run would send")
    with open_progress(streams, reading, rows=options.as_json) as progress:
        rehearsal = Rehearsal(
            destination,
            oldest=options.oldest(destination.settings),
            write=streams.stdout.write if options.as_json else None,
            say=progress.say,
        )
        rehearsal.run(select(recording, options.selection, rehearsal.summary), show=progress.show)
    streams.stdout.flush()
    tell_summary(streams, rehearsal.summary, destination, as_json=options.as_json)
    return 4 if rehearsal.summary.found_nothing else 0
