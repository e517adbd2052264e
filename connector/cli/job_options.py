"""Which jobs are meant: the options that `jobs list`, `causes`, `retry` and `drop` share, and why one is not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import click
from msgspec.structs import replace

from connector.cli.options import read_range
from connector.cli.painting import counted
from connector.cli.reasons import discard_in_words
from connector.errors import UsageError, listed
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Choice, count_jobs, job_numbers
from connector.queue.desk_life import life_of

_UNABLE: Final = {"retry": "cannot be sent again", "drop": "cannot be dropped"}
UNFINISHED: Final = ("waiting", "sending", "held")
_MOST: Final = 1_000_000_000  # more rows than any store has, and still a number that SQLite takes
_MEANT: Final = {  # of each command, the states that may be meant, and those that are when none is said
    "list": ((*UNFINISHED, "delivered", "skipped", "invalid", "dead", "filtered"), None),
    "causes": (("dead", "held", "invalid", "skipped"), ("dead", "held", "invalid")),
    "retry": (("dead", "held", "invalid", "skipped"), ("dead", "held")),
    "drop": ((*UNFINISHED, "dead", "invalid"), (*UNFINISHED, "dead")),
}


def choice_options(verb: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options by which jobs are chosen, and their messageIds as arguments."""
    states, meant = _MEANT[verb]
    default = f"  [default: {listed(meant)}]" if verb in ("causes", "retry") and meant else ""
    options = (
        click.argument("message_ids", nargs=-1, metavar="[MESSAGE_ID]..."),
        click.option("--state", multiple=True, type=click.Choice(states), help=f"In this state, or several.{default}"),
        click.option("--reason", metavar="TEXT", help="With this text in the reason or a problem, in any case."),
        click.option("--mapping", metavar="NAME", help="Of this mapping."),
        click.option("--account", metavar="ID", help="Of events of this userId, or anonymousId where there is none."),
        click.option("--since", metavar="TIME", help="Received since: 2026-11-21, 2026-11-21T08:00Z or 24h (ago)."),
        click.option("--until", metavar="TIME", help="Received before this time."),
        click.option("--limit", metavar="N", type=click.IntRange(1, _MOST), help="The oldest N of them."),
    )

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def read_choice(
    verb: str,
    *,
    now: float,
    message_ids: Sequence[str],
    state: Sequence[str],
    reason: str | None,
    mapping: str | None,
    account: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> Choice:
    """Make a choice of the options. Raises UsageError when nothing was chosen to be dropped."""
    if verb == "drop" and not any((message_ids, state, reason, mapping, account, since, until, limit)):
        raise UsageError("say which jobs to drop: a messageId, --state, --reason, --mapping, --account or --since")
    states, meant = _MEANT[verb]
    first, end = read_range(since, until, now)
    chosen = tuple(state) or meant or tuple(name for name in states if name != "filtered")
    return Choice(chosen, tuple(message_ids), mapping, account, reason or None, first, end, limit)  # type: ignore[arg-type]


def not_meant(desk: Desk, verb: str, choice: Choice) -> Iterator[str]:
    """Say of each event that was named, and of which no job is chosen, why that is."""
    for name in dict.fromkeys(choice.message_ids):
        if not job_numbers(desk, replace(choice, message_ids=(name,), limit=None)):
            yield from _why_not(desk, verb, choice, name)


def not_chosen(desk: Desk, verb: str, choice: Choice) -> str:
    """Say how many jobs would be meant if their state was said; empty where states or events were named, or none is.

    What was skipped was meant to be.
    """
    states, meant = _MEANT[verb]
    if choice.message_ids or meant is None or choice.states != meant:
        return ""
    more = tuple(state for state in states if state not in (*meant, "skipped"))
    counts = {state: count_jobs(desk, replace(choice, states=(state,))) for state in more}
    found = {state: count for state, count in counts.items() if count}
    told = [f"{counted(count, 'job')} {'is' if count == 1 else 'are'} {state}" for state, count in found.items()]
    options = " ".join(f"--state {state}" for state in found)
    return f"{listed(told)}: add {options}" if told else ""


def _why_not(desk: Desk, verb: str, choice: Choice, name: str) -> Iterator[str]:
    life = life_of(desk, name)
    for state in sorted({job.state for event in life.events for job in event.jobs}):
        if state in choice.states:
            yield f"{name} is {state}, but not with the --mapping, --account, --reason or time that was given"
        elif state in _MEANT[verb][0]:
            yield f"{name} is {state}: --state {state} chooses it"
        elif verb == "retry" and state in UNFINISHED:
            yield f"{name} is {state}: it is sent anyway"
        else:
            yield f"{name} is {state} and {_UNABLE[verb]}"
    if not life.events:
        for one in life.filtered[-1:]:
            yield f"{name} was filtered and made no job: {discard_in_words(one.reason, one.detail)}"
        if not life.filtered:
            yield f"nothing is known of {name}"
