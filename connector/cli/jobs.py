"""`rupt-connector jobs`: what waits, is held, is dead or done: listed, explained, shown, sent again or dropped."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

import click
from msgspec.structs import replace

from connector.cli.help import HELP
from connector.cli.job_causes import causes_command
from connector.cli.job_options import choice_options, not_chosen, not_meant, read_choice
from connector.cli.job_rehearsal import rehearse, tell
from connector.cli.job_rows import job_table, row_of
from connector.cli.job_server import retry_beside_server, sampled
from connector.cli.job_staged import read_rules, staged_options, tell_stages
from connector.cli.life import life_lines, life_rows
from connector.cli.options import DEFAULT_CONFIG, config_option, json_option, load_config
from connector.cli.painting import counted
from connector.cli.store import agree, data_option, open_store, yes_option
from connector.cli.streams import Streams, on_one_line
from connector.destination import Destination
from connector.errors import DestinationError, closest
from connector.hiding import Hiding
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Choice, JobRow, count_jobs, job_numbers, list_filtered, list_jobs
from connector.queue.desk_life import FilteredLife, life_of
from connector.queue.desk_moves import Left, Moved, count_waiting, drop, put_back, total

_SHOWN: Final = 50  # rows of a table when nobody said how many
_DONE: Final = {"retried": "put back", "dropped": "dropped"}
_LEFT: Final[dict[Left, str]] = {
    "changed": "in another state by now",
    "in_flight": "being sent at this moment; try again when that has ended",
    "forgotten": "the event was erased",
}


class _Jobs(click.Group):
    """Gives each of its commands --help, and says which command was meant."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command."""
        cmd.params = [*cmd.params, HELP]
        super().add_command(cmd, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            help = closest(args[0], self.commands) or f"the commands are {', '.join(self.commands)}"
            ctx.fail(f"there is no command {args[0]!r}; {help}")
        return super().resolve_command(ctx, args)


@click.group("jobs", cls=_Jobs)
def command() -> None:
    """List, show, send again or drop jobs, and say why they failed; a job is one event for one mapping.

    A server may be running on the folder meanwhile.
    """


@command.command("list", short_help="List jobs, without personal data.")
@choice_options("list")
@data_option
@json_option
@click.pass_obj
def list_command(streams: Streams, /, *, data: str | None, as_json: bool, **given: Any) -> int:
    """List jobs, the oldest first, without personal data. --state filtered lists what made no job, and why."""
    choice = read_choice("list", now=time.time(), **given)
    with open_store(streams, data) as desk:
        if as_json:
            for job in _listed(desk, choice):
                streams.print_json(row_of(job))
            return 0
        jobs = list(islice(_listed(desk, choice), choice.limit or _SHOWN))
        more = len(jobs) == _SHOWN and choice.limit is None
        found = count_jobs(desk, choice) if more and "filtered" not in choice.states else None
    if jobs:
        streams.print(job_table(streams, jobs))
    if found is None or found > len(jobs):
        of = f" of {found:,}" if found else ""
        hint = "; --limit N shows more, --json all" if more else ""
        streams.say(f"{len(jobs):,}{of} {'job' if len(jobs) == 1 and not of else 'jobs'}{hint}")
    return 0


def _listed(desk: Desk, choice: Choice) -> Iterator[JobRow | FilteredLife]:
    """Give what made no job after what did, at most as many as are wanted."""
    jobs = 0
    if choice.states != ("filtered",):
        for job in list_jobs(desk, choice):
            jobs += 1
            yield job
    if "filtered" in choice.states and (choice.limit is None or jobs < choice.limit):
        rest = None if choice.limit is None else choice.limit - jobs
        yield from list_filtered(desk, replace(choice, limit=rest))


@command.command("show", short_help="Show a stored event and what was sent of it.")
@click.argument("message_id")
@click.option("--mapping", metavar="NAME", help="Only its job of this mapping.")
@data_option
@click.option(
    "-c",
    "--config",
    type=click.Path(),
    help=f"The destination file: it says what is secret.  [default: {DEFAULT_CONFIG}]",
)
@json_option
@click.pass_obj
def show_command(
    streams: Streams, *, message_id: str, mapping: str | None, data: str | None, config: str | None, as_json: bool
) -> int:
    """Show the event MESSAGE_ID as it is stored, and what was sent of it: personal data, but no secrets.

    What a mapping gives to a secret field is hidden; without a destination file, what looks like a secret. Exit code 1
    when it is not stored.
    """
    hiding = Hiding(optional_config(streams, config))
    with open_store(streams, data) as desk:
        life = life_of(desk, message_id)
    events = tuple(
        replace(event, jobs=tuple(job for job in event.jobs if mapping in (None, job.mapping))) for event in life.events
    )
    life = replace(life, events=tuple(event for event in events if event.jobs), filtered=())
    if not life.events:
        by = "" if mapping is None else f" with a job of {mapping!r}"
        streams.say(f"no event {message_id!r} is stored{by}; `why` tells whether it was filtered")
        return 1
    if as_json:
        for row in life_rows(life, hiding, with_event=True):
            streams.print_json(row)
    else:
        streams.print("\n".join(life_lines(life, hiding, now=time.time(), with_event=True)))
    return 0


def optional_config(streams: Streams, config: str | None) -> Destination | None:
    """Load the destination file that was named, or the usual one when it is there and right."""
    if config is not None:
        return load_config(streams, config)
    try:
        return load_config(streams, DEFAULT_CONFIG)
    except DestinationError:
        streams.say("without a destination file only what looks like a secret is hidden; --config names one")
        return None


@command.command("retry", short_help="Let jobs wait again, to be sent again.")
@choice_options("retry")
@click.option(
    "--dry-run", is_flag=True, help="Change nothing; say what would be sent now, and how many that would fix."
)
@staged_options
@data_option
@config_option
@json_option
@click.pass_obj
def retry_command(
    streams: Streams,
    /,
    *,
    dry_run: bool,
    staged: bool,
    tolerate: float | None,
    timeout: str | None,
    everything: bool,
    data: str | None,
    config: str,
    as_json: bool,
    **given: Any,
) -> int:
    """Let jobs wait again, to be sent through the mapping as it is now, with a new series of attempts.

    Without --state those are meant that are dead or held. What was held in doubt is in doubt no more: it is sent again
    even if it has landed. A server that runs on the folder, or the next one, sends them. Exit code 1 when MESSAGE_IDs
    are given and none of them could be put back, 4 when nothing else could be though jobs have failed. --config is for
    --dry-run.

    --staged is for use beside a server. It waits until the server uses the destination file as it is now, and leaves
    out what would fail again as it is. It puts 1 job of the largest cause back and waits for its outcome, then 10 of
    all causes in turn, then the rest; of an account whose order is kept the oldest goes first. It stops when a job of a
    stage is not delivered (dead again, invalid, held, skipped), or nothing comes of it in time; what is not put back
    stays as it is. Exit code 0 when all that was put back was delivered, or still waits at the end; 4 when it stopped,
    some of the rest failed, or nothing could be put back.
    """
    now = time.time()
    rules = read_rules(staged=staged, tolerate=tolerate, timeout=timeout, everything=everything)
    choice = read_choice("retry", now=now, **given)
    with open_store(streams, data) as desk:
        numbers, unmeant = job_numbers(desk, choice), list(not_meant(desk, "retry", choice))
        others = not_chosen(desk, "retry", choice)
        if dry_run:
            destination = load_config(streams, config)
            if rules is not None:
                tell_stages(streams, desk, sampled(desk, numbers, destination, rules, now), as_json=as_json)
            show = rehearse if as_json else tell
            show(streams, desk, numbers, destination, now)
            return _end_of_retry(streams, choice, unmeant, len(numbers), others)
        if rules is not None:
            code = retry_beside_server(
                streams, desk, numbers, choice, rules, others=others, config=config, as_json=as_json
            )
            return _end(streams, choice, unmeant, len(numbers)) or code
        moved = total(put_back(desk, numbers, choice.states, now=now))
        waiting = count_waiting(desk)
    _report(streams, "retried", moved, as_json=as_json, waiting=waiting)
    done = moved.moved.total()
    return _end_of_retry(streams, choice, unmeant, done, others) or (4 if numbers and not done else 0)


@command.command("drop", short_help="End jobs: they are not sent any more.")
@choice_options("drop")
@yes_option
@data_option
@json_option
@click.pass_obj
def drop_command(streams: Streams, /, *, yes: bool, data: str | None, as_json: bool, **given: Any) -> int:
    """End jobs as skipped, with the reason `dropped by hand`: they are not sent any more.

    Waiting, held and dead jobs can be dropped, and with --state invalid those; one that is being sent at this moment is
    left. `jobs retry --state skipped` brings them back. Exit code 1 when MESSAGE_IDs are given and none of them could
    be dropped.
    """
    now = time.time()
    choice = read_choice("drop", now=now, **given)
    with open_store(streams, data) as desk:
        numbers, unmeant = job_numbers(desk, choice), list(not_meant(desk, "drop", choice))
        if numbers and not agree(streams, f"Drop {counted(len(numbers), 'job')}?", yes=yes):
            streams.say("nothing was dropped")
            return 0
        moved = total(drop(desk, numbers, choice.states, now=now))
    _report(streams, "dropped", moved, as_json=as_json)
    return _end(streams, choice, unmeant, moved.moved.total())


command.add_command(causes_command)


def _end(streams: Streams, choice: Choice, unmeant: Iterable[str], done: int) -> int:
    """Say why some of the events that were named were not meant; 1 when they were all that was named."""
    for words in unmeant:
        streams.say(on_one_line(words))
    return 1 if choice.message_ids and not done else 0


def _end_of_retry(streams: Streams, choice: Choice, unmeant: Iterable[str], done: int, others: str) -> int:
    """Say which jobs were not meant; 4 when there are such alone."""
    if others:
        streams.say(others)
    return _end(streams, choice, unmeant, done) or (4 if others and not done else 0)


def _report(streams: Streams, done: str, moved: Moved, *, as_json: bool, waiting: int | None = None) -> None:
    """Say how many jobs were moved, from which states, and why others were left."""
    more = {} if waiting is None else {"waiting": waiting}
    if as_json:
        streams.print_json({done: moved.moved.total(), "from": moved.moved, "left": moved.left, **more})
        return
    states = ", ".join(f"{number:,} {state}" for state, number in moved.moved.most_common())
    waits = "" if waiting is None else f"; {counted(waiting, 'job')} now waiting"
    streams.print(f"{counted(moved.moved.total(), 'job')} {_DONE[done]}{f' ({states})' if states else ''}{waits}")
    for why, number in moved.left.most_common():
        streams.say(f"{counted(number, 'job')} left: {_LEFT[why]}")
