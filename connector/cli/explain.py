"""`rupt-connector explain`: for one event, each mapping: whether it takes the event, what it makes of it, and why."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

import click
import msgspec

from connector.cli.explain_blocks import marks_of
from connector.cli.explain_events import Wanted, find_events
from connector.cli.explain_rows import explanation_rows
from connector.cli.explain_shapes import MappingRow
from connector.cli.explain_text import Teller
from connector.cli.options import allow_unset_option, config_option, json_option, load_config
from connector.cli.painting import Painter
from connector.cli.store import data_option
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.errors import UsageError, closest
from connector.events import Cutoff, Event, cutoff_at
from connector.explanations import Explainer, Explanation

_HELP: Final = "Look for the messageId in these recordings: files, folders, globs; may be given several times."


class Explained(msgspec.Struct, frozen=True):
    """The destination as a whole, the part of it that is asked for, and the moment before which events are stale."""

    whole: Destination
    chosen: Destination
    oldest: Cutoff | None


@click.command("explain")
@click.argument("event")
@click.option(
    "--mapping", "names", multiple=True, metavar="NAME", help="Only this mapping; may be given several times."
)
@click.option("--in", "paths", multiple=True, metavar="PATH", type=click.Path(), help=_HELP)
@data_option
@config_option
@allow_unset_option
@json_option
@click.pass_obj
def command(
    streams: Streams,
    *,
    event: str,
    names: tuple[str, ...],
    paths: tuple[str, ...],
    data: str | None,
    config: str,
    allow_unset: bool,
    as_json: bool,
) -> int:
    """Say which mappings take EVENT, what each makes of it, and what decided that.

    EVENT is a file of any form that `replay` reads, - for standard input, or the JSON itself; of several events in it
    each is explained. Anything else is a messageId, which is looked up in the queue of a server (--data), also while
    that runs, or in recordings (--in).
    Nothing is sent.
    """
    whole = load_config(streams, config, allow_unset=allow_unset)
    explained = Explained(whole, _only(whole, names), _oldest(whole))
    found = find_events(streams, Wanted(event, paths, data))
    if as_json:
        count = _print_rows(streams, explained, found.events)
    else:
        count = _tell(streams, explained, found.events, full=bool(names))
    for words in found.notes:
        streams.say(words)
    if found.faults:
        raise UsageError("\n".join(f"not an event that can be sent: {fault}" for fault in found.faults))
    return 0 if count else 1


def _only(destination: Destination, names: tuple[str, ...]) -> Destination:
    known = [mapping.name for mapping in destination.mappings]
    faults = [
        f"--mapping {name!r}: there is no such mapping; {closest(name, known) or 'there are ' + ', '.join(known)}"
        for name in names
        if name not in known
    ]
    if faults:
        raise UsageError("\n".join(faults))
    return destination.only(names) if names else destination


def _oldest(destination: Destination) -> Cutoff | None:
    age = destination.settings.max_event_age
    return None if age is None else cutoff_at(time.time() - age)


def _rows(explained: Explained, events: Iterable[Event]) -> Iterator[tuple[Explanation, list[MappingRow]]]:
    explainer = Explainer(explained.chosen)
    for event in events:
        explanation = explainer.explain(event, explained.oldest)
        yield explanation, explanation_rows(explanation, explained.whole)


def _tell(streams: Streams, explained: Explained, events: Iterable[Event], *, full: bool) -> int:
    """Explain events for a person, and count them."""
    painter, count = Painter(streams), 0
    teller = Teller(painter, marks_of(streams))
    for explanation, rows in _rows(explained, events):
        for _ in range(2 if count else 0):
            painter.print()
        teller.head(explanation)
        teller.mappings(rows, full=full)
        count += 1
    return count


def _print_rows(streams: Streams, explained: Explained, events: Iterable[Event]) -> int:
    count = 0
    for _, rows in _rows(explained, events):
        for row in rows:
            streams.print_json(row)
        count += 1
    return count
