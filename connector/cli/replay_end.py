"""The last words of a delivery: the summary, why it stopped, and the command that goes on."""

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
        streams.say(_in_doubt(feed.in_doubt, destination))
    if finish.why == "held":
        streams.say(f"stopped: Rupt refuses the configuration: {finish.reason}")
        streams.say(f"no delivery was given up; put that right first\n{_again(options, feed)}")
        return 3
    if finish.why == "stopped":
        streams.say(f"stopped before the end\n{_again(options, feed)}")
        return 130
    if held := feed.summary.count("held"):
        are = "1 is" if held == 1 else f"{held:,} are"
        streams.say(
            f"{are} held, since it may have landed (settings.in_doubt: hold); write send there to send it again"
        )
    failed = feed.summary.count("dead", "held")
    if failed and options.checkpoint is not None:
        streams.say(f"to try the {failed:,} that failed once more:\n  {options.command()}")
    if feed.summary.count("invalid") and not options.as_json:
        streams.say("to see which events are invalid, add --dry-run --json")
    return 4 if feed.failed else 0


def _in_doubt(number: int, destination: Destination) -> str:
    were = "1 delivery was" if number == 1 else f"{number:,} deliveries were"
    done = {
        "send": "sent again (settings.in_doubt: send)",
        "hold": "held (settings.in_doubt: hold); to send them again write send there",
    }[destination.settings.in_doubt]
    return f"{were} in flight when an earlier run ended, and may have landed then: {done}"


def _again(options: ReplayOptions, feed: Feed) -> str:
    delivered = feed.summary.count("delivered")
    recording = ", with the same recording on standard input" if STDIN in options.paths else ""
    if options.checkpoint is not None or not delivered:
        return f"to go on{recording}:\n  {options.command()}"
    return (
        f"to start again{recording}:\n  {options.command()}\n"
        f"this sends the {delivered:,} that were delivered again; with --checkpoint FILE from the start it would not"
    )
