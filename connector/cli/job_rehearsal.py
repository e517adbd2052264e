"""What `jobs retry` would send now: each chosen job's event through its mapping as the destination file has it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, Literal, TypeAlias, assert_never

import msgspec
from msgspec import UNSET, UnsetType

from connector.cli.reasons import in_words
from connector.cli.store import counted
from connector.cli.streams import Streams, on_one_line
from connector.destination import Destination
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.planning import Planning, moving_cutoff
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Stored, stored_jobs
from connector.queue.desk_life import Try
from connector.retry import Hold, Reject
from connector.rows import RequestRow, Row, planned_row, requests_base
from connector.rupt import ATTACH_PATH, Request, Response, judge
from connector.values import JSON, dump_json

Now: TypeAlias = Literal["planned", "same", "invalid", "skipped", "held", "forgotten"]
_NOW: Final[dict[Now, str]] = {
    "planned": "would be sent",
    "same": "would be sent, but it is the same request that was refused",
    "invalid": "still invalid",
    "skipped": "would be skipped",
    "held": "would be held",
    "forgotten": "cannot be sent: its event was erased",
}


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
    outcome: Now
    payload: dict[str, JSON] | UnsetType = UNSET
    request: RequestRow | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    problems: tuple[str, ...] | UnsetType = UNSET
    warnings: tuple[str, ...] | UnsetType = UNSET

    def __repr__(self) -> str:
        return f"Rehearsed({self.messageId!r}, {self.outcome!r})"  # the payload names a person


def rehearse(streams: Streams, desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> None:
    """Print a row for each job (`--json`) as it is planned, and at the end how many would be fixed."""
    groups = Counter[tuple[str, Now, str]]()
    for row in rehearsals(desk, numbers, destination, now):
        streams.print_json(row)
        groups[group_of(row)] += 1
    streams.say(headline(groups))


def tell(streams: Streams, desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> None:
    """Print what would become of the jobs, those together that are where they are for the same reason."""
    groups = Counter(group_of(row) for row in rehearsals(desk, numbers, destination, now))
    for (before, outcome, after), number in groups.most_common():
        streams.print(on_one_line(f"{number:7,}  {before}"))
        streams.print(on_one_line(f"         now: {_NOW[outcome]}{f': {after}' if after else ''}"))
    streams.print(headline(groups))


def rehearsals(desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> Iterator[Rehearsed]:
    """Plan jobs one by one, as a server would at this moment; nothing is sent or changed."""
    for stored, plan in plans(desk, numbers, destination, now):
        yield _rehearsed(stored, plan, destination)


def plans(
    desk: Desk, numbers: Sequence[int], destination: Destination, now: float
) -> Iterator[tuple[Stored, Plan | Hold | None]]:
    """Give jobs with what each would be planned as; None where the event was erased. Of events only what is read."""
    planning = Planning(destination, oldest=moving_cutoff(destination.settings.max_event_age, lambda: now))
    for stored in stored_jobs(desk, numbers):
        yield stored, None if stored.job is None else planning.plan(stored.job)


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
        _outcome(stored, plan),
        payload=row.payload,
        request=row.request,
        reason=row.reason,
        problems=row.problems,
        warnings=row.warnings,
    )


def _row(stored: Stored, plan: Plan, destination: Destination) -> Row:
    mapping = next(mapping for mapping in destination.mappings if mapping.name == stored.mapping)
    return planned_row(stored.message_id, mapping, plan, requests_base(destination.settings))


def _outcome(stored: Stored, plan: Plan) -> Now:
    match plan:
        case Planned(_, request):
            return "same" if _was_refused(stored, request) else "planned"
        case Invalid():
            return "invalid"
        case Skipped():
            return "skipped"
        case never:
            assert_never(never)


def _was_refused(stored: Stored, request: Request) -> bool:
    """Whether Rupt has refused just this request, for a reason that is the event's own and not a passing one."""
    last = stored.last
    return last is not None and stored.state == "dead" and is_same_request(last, request) and is_refusal(last)


def is_refusal(last: Try) -> bool:
    """Whether Rupt answered an attempt with a no that no time changes."""
    if last.status is None:
        return False
    if last.status < 300:  # it said that it had not done it, or what it said was no answer
        return not last.in_doubt
    return _rejects(last.status)


@cache
def _rejects(status: int) -> bool:
    return isinstance(judge(Response(status, {}, b""), Request("POST", ATTACH_PATH, {})), Reject)


def is_same_request(last: Try, request: Request) -> bool:
    """Whether a request is what was sent at an attempt."""
    return (last.method, last.path, last.body) == (request.method, request.path, dump_json(request.body))


def group_of(row: Rehearsed) -> tuple[str, Now, str]:
    """Say to which jobs one is alike: where it is and why, and what becomes of it and why."""
    before = " ".join(row.before.problems or ()) or in_words(row.before.reason or "")
    after = " ".join(row.problems or ()) or in_words(row.reason or "")
    return f"{row.before.state}: {before}" if before else row.before.state, row.outcome, after


def headline(groups: Counter[tuple[str, Now, str]]) -> str:
    """Say how many would be fixed."""
    total = groups.total()
    fixed = sum(number for (_, outcome, _), number in groups.items() if outcome == "planned")
    return f"{counted(total, 'job')}, nothing was sent: a retry may deliver {fixed:,}, and would not {total - fixed:,}"
