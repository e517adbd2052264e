"""`jobs causes`: why jobs failed, clustered by what went wrong, in which field, and where that stands in the file."""

import os
import time
from collections.abc import Iterator
from typing import Any

import click

from connector.cause_clusters import Clusters
from connector.cli.job_cause_rows import Teller, Told, paint
from connector.cli.job_mending import mending_total
from connector.cli.job_options import choice_options, not_meant, read_choice
from connector.cli.options import DEFAULT_CONFIG, allow_unset_option, json_option, load_config
from connector.cli.painting import Painter, counted
from connector.cli.store import data_option, open_store
from connector.cli.streams import Streams, on_one_line
from connector.destination import Destination
from connector.errors import DestinationError, UsageError
from connector.queue.desk import Desk
from connector.queue.desk_causes import alike_jobs
from connector.queue.desk_jobs import Choice, job_numbers, stored_jobs
from connector.replanning import mendings


@click.command("causes", short_help="Say why jobs failed: by cause, field and line.")
@choice_options("causes")
@click.option(
    "--with",
    "edited",
    metavar="FILE",
    type=click.Path(),
    help="An edited destination file: say how many of each it would mend. Nothing is sent or changed.",
)
@data_option
@click.option(
    "-c",
    "--config",
    type=click.Path(),
    help=f"The destination file: it says which field is at fault, and its line.  [default: {DEFAULT_CONFIG}]",
)
@allow_unset_option
@json_option
@click.pass_obj
def causes_command(
    streams: Streams,
    /,
    *,
    edited: str | None,
    data: str | None,
    config: str | None,
    allow_unset: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Say why jobs are dead, held or invalid: those of one cause, field and line of the destination file together.

    The largest comes first, each with what to do next; no personal data is shown. An edit mends a job when it is sent
    now, and not as the request that was refused before. No edit of a mapping mends what met an outage, or what is held
    for the credentials' sake or in doubt.
    """
    now = time.time()
    choice = read_choice("causes", now=now, **given)
    destination = _optional_destination(streams, config)
    changed = _edited_destination(streams, edited, allow_unset=allow_unset) if edited else None
    teller = Teller(destination, choice, data=data, config=config, edited=edited or "")
    with open_store(streams, data) as desk:
        told = list(_told(desk, choice, teller, destination=destination, changed=changed, now=now))
        for words in not_meant(desk, "causes", choice):
            streams.say(on_one_line(words))
    _print(streams, teller, told, as_json=as_json)
    if changed is not None:
        _tell_mending(streams, teller, told, as_json=as_json)
    elif told:
        streams.say("jobs causes --with FILE says how many of each an edited file would mend")
    return 0


def _tell_mending(streams: Streams, teller: Teller, told: list[Told], *, as_json: bool) -> None:
    """Say how many jobs an edit would mend in all, and which command sends them then."""
    say = streams.say if as_json else streams.print
    name = on_one_line(teller.edited)
    say(mending_total(name, (one.mending for one in told if one.mending is not None)))
    if command := teller.retry_of_all(told):
        say(f"next: put {name} in place, then")
        say(on_one_line(command))


def _print(streams: Streams, teller: Teller, told: list[Told], *, as_json: bool) -> None:
    if as_json:
        for one in told:
            streams.print_json(teller.row(one))
    elif told:
        paint(Painter(streams), teller, told)
    jobs = counted(sum(one.cluster.count for one in told), "job")
    streams.say(f"{jobs}, {counted(len(told), 'cause')}")


def _told(
    desk: Desk,
    choice: Choice,
    teller: Teller,
    *,
    destination: Destination | None,
    changed: Destination | None,
    now: float,
) -> Iterator[Told]:
    """Cluster the chosen jobs, and say of each cluster what an edit would make of it."""
    clusters = Clusters(destination)
    for alike in alike_jobs(desk, choice):
        cluster = clusters.of(alike.mapping, alike.state, alike.reason, alike.problems, jobs=alike.count)
        cluster.add(alike.count, alike.first, alike.last, alike.numbers)
    mended = {} if changed is None else mendings(desk, job_numbers(desk, choice), clusters, changed, now)
    for cluster in clusters.largest():
        yield teller.tell(cluster, list(stored_jobs(desk, cluster.numbers)), mended.get(cluster))


def _edited_destination(streams: Streams, file: str, *, allow_unset: bool) -> Destination:
    """Load the file of --with. Raises DestinationError, and where there is none UsageError."""
    if not os.path.lexists(file):
        raise UsageError(f"--with {file}: there is no such file; give it an edited copy of the destination file")
    return load_config(streams, file, allow_unset=allow_unset)


def _optional_destination(streams: Streams, config: str | None) -> Destination | None:
    """Load the destination file that was named, or the usual one when it is there and right.

    It only says where things stand, so its variables need no value.
    """
    if config is not None:
        return load_config(streams, config, allow_unset=True)
    why = "there is no rupt.yaml here"
    if os.path.lexists(DEFAULT_CONFIG):
        try:
            return load_config(streams, DEFAULT_CONFIG, allow_unset=True)
        except DestinationError as error:
            why = f"{DEFAULT_CONFIG} has {counted(len(error.problems), 'problem')} (see `check`)"
    streams.say(f"{why}, so fields and lines are left out; --config names one")
    return None
