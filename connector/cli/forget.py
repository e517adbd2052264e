"""`rupt-connector forget`: what is stored of an account is erased."""

import time

import click
import msgspec

from connector.cli.options import json_option
from connector.cli.painting import counted
from connector.cli.store import agree, data_option, open_store, yes_option
from connector.cli.streams import Streams
from connector.errors import UsageError
from connector.queue.desk_forget import Forgotten, find_events, forget


@click.command("forget")
@click.option("--account", required=True, metavar="ID", help="A userId, anonymousId or previousId.")
@yes_option
@data_option
@json_option
@click.pass_obj
def command(streams: Streams, *, account: str, yes: bool, data: str | None, as_json: bool) -> int:
    """Erase every stored event that names an account, and what was sent of it, from the files too.

    What was not sent yet is not sent any more. Counters, messageIds and what reasons begin with stay: nothing is taken
    a second time, and the ledger balances. What Rupt itself knows of the account is not touched. Exit code 1 when
    something had to be left, because it is being sent or because a busy server did not let the files be cleaned: then
    run it again.
    """
    if not account:
        raise UsageError("--account names nobody: give the id of the account to forget")
    with open_store(streams, data) as desk:
        events = find_events(desk, account)
        if events and not agree(streams, f"Erase {counted(len(events), 'stored event')} for good?", yes=yes):
            streams.say("nothing was erased")
            return 0
        done = forget(desk, events, now=time.time())
    if as_json:
        streams.print_json(msgspec.structs.asdict(done))
    else:
        _tell(streams, done)
    return 0 if done.is_whole else 1


def _tell(streams: Streams, done: Forgotten) -> None:
    streams.print(
        f"{counted(done.events, 'event')} erased, {counted(done.requests, 'sent request')} of them; "
        f"{counted(done.unfinished, 'job')} will not be sent any more"
    )
    if done.in_flight:
        streams.say(f"{counted(done.in_flight, 'event')} left: being sent at this moment; run it again in a minute")
    if not done.clean:
        streams.say("the files may still hold traces, since a server was busy; run it again when it is not")
