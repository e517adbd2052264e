"""The end of a replay in words: what became of the events by mapping and outcome, and the reasons that came most."""

import importlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from connector.cli.reasons import in_words
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.replay.summary import ACCESS_STATES, Summary

OUTCOMES: Final = ("planned", "delivered", "skipped", "invalid", "dead", "held", "waiting")
FAILURES: Final = ("dead", "held", "invalid", "discarded")
MOST_REASONS: Final = 8


def tell_summary(streams: Streams, summary: Summary, destination: Destination, *, as_json: bool) -> None:
    """Print the summary: beside --json a line or two of words on standard error, else a table on standard output."""
    if as_json:
        streams.say("\n".join(filter(None, (headline(summary), access(summary)))))
        return
    table = importlib.import_module("connector.cli.summary_table")  # its library costs as much as 20,000 events
    streams.print(table.render(summary, [mapping.name for mapping in destination.mappings]).rstrip())


def headline(summary: Summary) -> str:
    """Say in one line what came of how many events.

    An event that several mappings take has several outcomes: then the line says so, since they do not add up.
    """
    counts = Counter[str]()
    for (_, outcome, _), number in summary.outcomes.items():
        counts[outcome] += number
    filtered, taken = counts["filtered"], sum(counts[outcome] for outcome in OUTCOMES)
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES if counts[outcome]]
    parts += [f"{filtered:,} filtered"] if filtered else []
    parts += [f"{summary.discards.total():,} unreadable or discarded"] if summary.discards else []
    parts += [f"{summary.left_out:,} outside --since/--until"] if summary.left_out else []
    several = f", taken {taken:,} times by mappings" if taken > summary.events - filtered else ""
    events = f"{summary.events:,} event{'' if summary.events == 1 else 's'}"
    return f"{events}{several}: {', '.join(parts) or 'nothing to do'}"


def access(summary: Summary) -> str:
    """Say how the accesses stand that Rupt has answered; an empty text when there is nothing to say."""
    states = [f"{summary.access[name]:,} {words}" for name, words in ACCESS_STATES.items() if summary.access[name]]
    return f"Rupt says of the accesses: {', '.join(states)}" if states else ""


def reasons(summary: Summary) -> Iterator[tuple[int, str, str]]:
    """List why events did not arrive: how many, what became of them, and the reason; failures first, then the rest,
    the most frequent of each first.
    """
    found = Counter[tuple[str, str]]()
    for (_, outcome, reason), number in summary.outcomes.items():
        if reason:
            found[outcome, reason] += number
    for reason, number in summary.discards.items():
        found["discarded", reason] += number
    for (_, warning), number in summary.warnings.items():
        found["warning", warning] += number
    for (outcome, reason), number in sorted(found.most_common(), key=lambda item: item[0][0] not in FAILURES):
        yield number, outcome, in_words(reason)
