"""What `jobs retry` would send now: each chosen job's event through its mapping as the destination file has it."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from connector.cli.painting import counted
from connector.cli.reasons import in_words
from connector.cli.streams import Streams, on_one_line
from connector.destination import Destination
from connector.pipeline import Plan
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Stored
from connector.replanning import PROSPECTS, Prospect, plans, prospect_of
from connector.retry import Hold
from connector.rows import RequestRow, Row, planned_row, requests_base
from connector.values import JSON


class Before(msgspec.Struct, frozen=True):
    """Where a job is."""

    state: str
    reason: str | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET


class Rehearsed(msgspec.Struct, frozen=True):
    """What a retry would make of a job: `outcome` is what is new, and the rest is as in other rows."""

    messageId: str  # noqa: N815 - the field's own name
    mapping: str
    before: Before
    outcome: Prospect
    payload: dict[str, JSON] | UnsetType = UNSET
    request: RequestRow | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"Rehearsed({self.messageId!r}, {self.outcome!r})"  # the payload names a person


def rehearse(streams: Streams, desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> None:
    """Print a row for each job (`--json`) as it is planned, and at the end how many would be fixed."""
    groups = Counter[tuple[str, Prospect, str]]()
    for row in rehearsals(desk, numbers, destination, now):
        streams.print_json(row)
        groups[group_of(row)] += 1
    streams.say(headline(groups))


def tell(streams: Streams, desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> None:
    """Print what would become of the jobs, those together that are where they are for the same reason."""
    groups = Counter(group_of(row) for row in rehearsals(desk, numbers, destination, now))
    for (before, outcome, after), number in groups.most_common():
        streams.print(on_one_line(f"{number:7,}  {before}"))
        streams.print(on_one_line(f"         now: {PROSPECTS[outcome]}{f': {after}' if after else ''}"))
    streams.print(headline(groups))


def rehearsals(desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> Iterator[Rehearsed]:
    """Plan jobs one by one, as a server would at this moment; nothing is sent or changed."""
    for stored, plan in plans(desk, numbers, destination, now):
        yield _rehearsed(stored, plan, destination)


def _rehearsed(stored: Stored, plan: Plan | Hold | None, destination: Destination) -> Rehearsed:
    before = Before(stored.state, stored.reason or UNSET, stored.problems or UNSET)
    if plan is None:
        return Rehearsed(stored.message_id, stored.mapping, before, "forgotten")
    if isinstance(plan, Hold):
        return Rehearsed(stored.message_id, stored.mapping, before, "held", reason=plan.reason)
    row = _row(stored, plan, destination)
    return Rehearsed(
        stored.message_id,
        stored.mapping,
        before,
        prospect_of(stored, plan),
        payload=row.payload,
        request=row.request,
        reason=row.reason,
        problems=row.problems,
        warnings=row.warnings,
    )


def _row(stored: Stored, plan: Plan, destination: Destination) -> Row:
    mapping = next(mapping for mapping in destination.mappings if mapping.name == stored.mapping)
    return planned_row(stored.message_id, mapping, plan, requests_base(destination.settings))


def group_of(row: Rehearsed) -> tuple[str, Prospect, str]:
    """Say to which jobs one is alike: where it is and why, and what becomes of it and why."""
    before = " ".join(row.before.problems or ()) or in_words(row.before.reason or "")
    after = " ".join(row.problems or ()) or in_words(row.reason or "")
    return f"{row.before.state}: {before}" if before else row.before.state, row.outcome, after


def headline(groups: Counter[tuple[str, Prospect, str]]) -> str:
    """Say how many would be fixed."""
    total = groups.total()
    fixed = sum(number for (_, outcome, _), number in groups.items() if outcome == "planned")
    return f"{counted(total, 'job')}, nothing was sent: a retry may deliver {fixed:,}, and would not {total - fixed:,}"
