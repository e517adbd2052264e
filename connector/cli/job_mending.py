"""What an edited destination file would make of failed jobs, cluster by cluster: mended, as they are, something else.

Each job is planned as a server would at this moment. Nothing is sent, and nothing is changed.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias, assert_never

import msgspec

from connector.cause_clusters import Cluster, Clusters
from connector.causes import Finding, find, mappings_of
from connector.cli.job_rehearsal import is_refusal, is_same_request, plans
from connector.cli.store import counted
from connector.destination import Destination
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.queue.desk import Desk
from connector.queue.desk_jobs import Stored
from connector.retry import Hold


class Other(msgspec.Struct):
    """What some jobs become that are neither mended nor as they were; `sentence` is that of the first of them."""

    outcome: Literal["invalid", "skipped", "held"]
    code: str
    field: str
    sentence: str
    count: int = 1


Effect: TypeAlias = Literal["mended", "stays"] | Other


class Mending(msgspec.Struct):
    """What becomes of the jobs of one cluster."""

    mended: int = 0
    stays: int = 0
    others: dict[tuple[str, str, str], Other] = {}

    @property
    def total(self) -> int:
        """Say of how many jobs it tells."""
        return self.mended + self.stays + sum(other.count for other in self.others.values())

    @property
    def becomes(self) -> list[Other]:
        """Give what jobs become else, the most first."""
        return sorted(self.others.values(), key=lambda other: (-other.count, other.outcome, other.code, other.field))


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
            return "mended" if _is_mended(stored, plan) else "stays"
        case Invalid(problems):
            faults = find("invalid", "", problems, action)
            is_same = stored.state == "invalid" and _pairs(faults) == cluster.key.faults
            return "stays" if is_same else _other("invalid", faults)
        case Skipped(reason):
            faults = find("skipped", reason, (), action)
            return "stays" if stored.state == "skipped" and _is_so(faults, cluster) else _other("skipped", faults)
        case Hold(reason):
            faults = find("held", reason, (), action)
            return "stays" if stored.state == "held" and _is_so(faults, cluster) else _other("held", faults)
        case never:
            assert_never(never)


def _is_mended(stored: Stored, plan: Planned) -> bool:
    """Whether a job that is sent now was kept from it before, or was refused as another request.

    What was held for the credentials' sake or in doubt, and what met an outage, no edit of a mapping mends.
    """
    if stored.state == "held":
        return stored.cause == "mapping"
    last = stored.last
    if last is None or stored.state != "dead":
        return stored.state != "dead" or stored.reason.startswith("internal error")
    return is_refusal(last) and not is_same_request(last, plan.request)


def _pairs(faults: Iterable[Finding]) -> tuple[tuple[str, str], ...]:
    return tuple((one.code, one.field) for one in faults)


def _is_so(faults: tuple[Finding, ...], cluster: Cluster) -> bool:
    return faults[0].code == cluster.key.code


def _other(outcome: Literal["invalid", "skipped", "held"], faults: tuple[Finding, ...]) -> Other:
    first = faults[0]
    return Other(outcome, first.code, first.field, first.sentence)


def mending_row(mending: Mending) -> dict[str, object]:
    """Print what becomes of a cluster as JSON."""
    others = [
        {name: value for name, value in msgspec.structs.asdict(other).items() if value} for other in mending.becomes
    ]
    return {"mended": mending.mended, "stays": mending.stays, "becomes": others}


def mending_words(mending: Mending) -> str:
    """Say what becomes of a cluster."""
    parts = [f"mends {mending.mended:,}"] if mending.mended else []
    if mending.stays:
        parts.append(f"{mending.stays:,} {'stays' if mending.stays == 1 else 'stay'} as before")
    for other in mending.becomes:
        become = "becomes" if other.count == 1 else "become"
        parts.append(f"{other.count:,} {become} {other.outcome}: {other.sentence}")
    return "; ".join(parts)


def mending_total(name: str, found: Iterable[Mending]) -> str:
    """Say how many jobs an edit would mend in all."""
    every = list(found)
    mended, total = sum(one.mended for one in every), sum(one.total for one in every)
    return f"{name} would mend {mended:,} of {counted(total, 'job')}"
