"""The last words of a delivery: the summary, why it stopped, and the command that goes on."""

from shlex import quote

from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.cli.summary import tell_summary
from connector.delivery import Finish
from connector.destination import Destination
from connector.replay.live import Feed
from connector.sources.files import STDIN


def conclude(streams: Streams, destination: Destination, options: ReplayOptions, feed: Feed, finish: Finish) -> int:
    """Print the summary and what to do next; give the exit code."""
    tell_summary(streams, feed.summary, destination, as_json=options.as_json)
    if feed.in_doubt:
        again = "" if destination.settings.in_doubt == "hold" else ": sent again"
        streams.say(f"{_count(feed.in_doubt)} in flight when an earlier run ended, and may have landed then{again}")
    if finish.why == "held":
        streams.say(f"stopped: Rupt refuses the configuration: {finish.reason}")
        streams.say(f"no delivery was given up; put that right first\n{_again(options, feed)}")
        return 3
    if finish.why == "stopped":
        streams.say(f"stopped before the end\n{_again(options, feed)}")
        return 130
    if held := feed.summary.count("held"):
        streams.say(
            f"{_count(held)} held, since they may have landed; with settings.in_doubt: send they are sent again"
        )
    dead = feed.summary.count("dead")
    if dead and options.checkpoint is not None:
        streams.say(f"to try the {dead:,} that failed once more:\n  {options.command()}")
    if dead and options.data is not None:
        command = f"rupt-connector jobs list --data {quote(options.data)} --state dead"
        streams.say(f"to see the {dead:,} that failed, and to send them again:\n  {command}")
    if feed.summary.count("invalid") and not options.as_json:
        streams.say("to see which events are invalid, add --dry-run --json")
    return 4 if feed.failed or feed.summary.found_nothing else 0


def _count(deliveries: int) -> str:
    return "1 delivery was" if deliveries == 1 else f"{deliveries:,} deliveries were"


def _again(options: ReplayOptions, feed: Feed) -> str:
    delivered = feed.summary.count("delivered")
    recording = ", with the same recording on standard input" if STDIN in options.paths else ""
    if options.checkpoint is not None or options.data is not None or not delivered:
        return f"to go on{recording}:\n  {options.command()}"
    return (
        f"to start again{recording}:\n  {options.command()}\n"
        f"this sends the {delivered:,} that were delivered again; with --checkpoint FILE from the start it would not"
    )
