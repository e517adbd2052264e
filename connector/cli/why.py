"""`rupt-connector why`: the whole life of an event, from its receipt to what became of it."""

import time
from typing import Final

import click

from connector.cli.life import life_lines, life_rows
from connector.cli.options import json_option
from connector.cli.store import data_option, open_store
from connector.cli.streams import Streams
from connector.hiding import Hiding
from connector.queue.desk_life import Life, life_of

_UNKNOWN: Final = """\
nothing is known of {name!r} in {folder}
  It may never have come: did its sender get a 200? `explain` says what would become of it.
  It may be too old: events are kept for the --retention that `serve` was given after all of it is done.
  It may have come without a messageId: `jobs list --state filtered` lists what was discarded.
  It may be in another folder: --data DIR names it."""


@click.command("why")
@click.argument("message_id")
@data_option
@json_option
@click.pass_obj
def command(streams: Streams, *, message_id: str, data: str | None, as_json: bool) -> int:
    """Tell what became of the event MESSAGE_ID, and why.

    When it came, which mappings took it or why none did, each attempt with what was sent and answered, where it is now.
    Exit code 1 when nothing is known of it.
    """
    with open_store(streams, data) as desk:
        life = life_of(desk, message_id)
        folder = desk.folder
    if not is_known(life):
        streams.say(_UNKNOWN.format(name=message_id, folder=folder))
        return 1
    if as_json:
        for row in life_rows(life, Hiding(), with_event=False):
            streams.print_json(row)
    else:
        streams.print("\n".join(life_lines(life, Hiding(), now=time.time(), with_event=False)))
    return 0


def is_known(life: Life) -> bool:
    """Whether there is anything to tell."""
    return bool(life.events or life.filtered)
