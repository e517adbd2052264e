"""What jobs that failed would be sent as now, and what an edited destination file would make of them.

Each stored event is planned as a server would at this moment. Nothing is sent, and nothing is changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Final, Literal, TypeAlias, assert_never

import msgspec

from connector.cause_clusters import Cluster, Clusters
from connector.causes import Finding, find, mappings_of
from connector.destination import Destination
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.planning import Planning, moving_cutoff
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Stored, stored_jobs
from connector.queue.desk_life import Try
from connector.retry import Hold, Reject
from connector.rupt import ATTACH_PATH, Request, Response, judge
from connector.values import dump_json

Prospect: TypeAlias = Literal["planned", "same", "invalid", "skipped", "held", "forgotten"]
"""What a job would be now: sent, sent as just the request that was refused, or kept from it."""
PROSPECTS: Final[dict[Prospect, str]] = {
    "planned": "would be sent",
    "same": "would be sent, but it is the same request that was refused",
    "invalid": "still invalid",
    "skipped": "would be skipped",
    "held": "would be held",
    "forgotten": "cannot be sent: its event was erased",
}


class Other(msgspec.Struct):
    """What some jobs become that are neither sent nor as they were; `sentence` is that of the first of them."""

    outcome: Literal["invalid", "skipped", "held"]
    code: str
    field: str
    sentence: str
    count: int = 1


Effect: TypeAlias = Literal["mended", "changed", "stays"] | Other
"""Of a job: nothing keeps it any more, it would be sent as another request than was refused, or nothing is new."""


class Mending(msgspec.Struct):
    """What becomes of the jobs of one cluster. Of `changed` ones only Rupt can say whether it takes them now."""

    mended: int = 0
    changed: int = 0
    stays: int = 0
    others: dict[tuple[str, str, str], Other] = {}

    @property
    def total(self) -> int:
        """Say of how many jobs it tells."""
        return self.mended + self.changed + self.stays + sum(other.count for other in self.others.values())

    @property
    def becomes(self) -> list[Other]:
        """Give what jobs become else, the most first."""
        return sorted(self.others.values(), key=lambda other: (-other.count, other.outcome, other.code, other.field))


def plans(
    desk: Desk, numbers: Sequence[int], destination: Destination, now: float
) -> Iterator[tuple[Stored, Plan | Hold | None]]:
    """Give jobs with what each would be planned as; None where the event was erased. Of events only what is read."""
    planning = Planning(destination, oldest=moving_cutoff(destination.settings.max_event_age, lambda: now))
    for stored in stored_jobs(desk, numbers):
        yield stored, None if stored.job is None else planning.plan(stored.job)


def prospect_of(stored: Stored, plan: Plan | Hold | None) -> Prospect:
    """Say what a job would be now."""
    match plan:
        case None:
            return "forgotten"
        case Planned(_, request):
            return "same" if _was_refused(stored, request) else "planned"
        case Invalid():
            return "invalid"
        case Skipped():
            return "skipped"
        case Hold():
            return "held"
        case never:
            assert_never(never)


def mendings(
    desk: Desk, numbers: Sequence[int], clusters: Clusters, destination: Destination, now: float
) -> dict[Cluster, Mending]:
    """Plan jobs through another destination, and count by cluster what becomes of them."""
    found: dict[Cluster, Mending] = {}
    actions = {name: mapping.action for name, mapping in mappings_of(destination).items()}
    for stored, plan in plans(desk, numbers, destination, now):
        cluster = clusters.of(stored.mapping, stored.state, stored.reason, stored.problems)
        mending = found.get(cluster)
        if mending is None:
            mending = found[cluster] = Mending()
        _count(mending, effect_of(stored, plan, cluster, actions.get(stored.mapping)))
    return found


def _count(mending: Mending, effect: Effect) -> None:
    match effect:
        case "mended":
            mending.mended += 1
        case "changed":
            mending.changed += 1
        case "stays":
            mending.stays += 1
        case Other(outcome, code, field):
            known = mending.others.setdefault((outcome, code, field), effect)
            known.count += known is not effect
        case never:
            assert_never(never)


def effect_of(stored: Stored, plan: Plan | Hold | None, cluster: Cluster, action: str | None) -> Effect:
    """Say what an edit does for a job that is where its cluster says."""
    match plan:
        case None:
            return "stays"
        case Planned():
            return _effect_of_sending(stored, plan)
        case Invalid() | Skipped() | Hold():
            state, faults = kept_by(plan, action)
            is_same = stored.state == state and _is_so(state, faults, cluster)
            return "stays" if is_same else Other(state, faults[0].code, faults[0].field, faults[0].sentence)
        case never:
            assert_never(never)


def kept_by(
    plan: Invalid | Skipped | Hold, action: str | None
) -> tuple[Literal["invalid", "skipped", "held"], tuple[Finding, ...]]:
    """Say in which state a plan leaves a job that it does not send, and what is wrong with it."""
    match plan:
        case Invalid(problems):
            return "invalid", find("invalid", "", problems, action)
        case Skipped(reason):
            return "skipped", find("skipped", reason, (), action)
        case Hold(reason):
            return "held", find("held", reason, (), action)
        case never:
            assert_never(never)


def _effect_of_sending(stored: Stored, plan: Planned) -> Effect:
    """Say what is new for a job that is sent now.

    What was held for the credentials' sake or in doubt, and what met an outage, no edit of a mapping mends.
    """
    if stored.state == "held":
        return "mended" if stored.cause == "mapping" else "stays"
    last = stored.last
    if last is None or stored.state != "dead":
        return "mended" if stored.state != "dead" or stored.reason.startswith("internal error") else "stays"
    return "changed" if is_refusal(last) and not is_same_request(last, plan.request) else "stays"


def _is_so(state: str, faults: tuple[Finding, ...], cluster: Cluster) -> bool:
    return _pairs(faults) == cluster.key.faults if state == "invalid" else faults[0].code == cluster.key.code


def _pairs(faults: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    return tuple((one.code, one.field) for one in faults)


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
