"""Jobs as rows of JSON and of a table: without their events, and so without personal data."""

from collections.abc import Iterable
from typing import Final

from connector.cli.life import filtered_row, when
from connector.cli.reasons import in_words
from connector.cli.store import moment, table
from connector.cli.streams import Streams
from connector.queue.desk_jobs import JobRow
from connector.queue.desk_life import FilteredLife

_COLUMNS: Final = ("messageId", "mapping", "state", "attempts", "received", "next, or since", "reason")


def row_of(job: JobRow | FilteredLife) -> dict[str, object]:
    """Make the row of a job, or of an event that made none."""
    if isinstance(job, FilteredLife):
        return filtered_row(job)
    row: dict[str, object] = {"messageId": job.message_id, "mapping": job.mapping, "state": job.state}
    row |= {name: value for name, value in (("cause", job.cause), ("reason", job.reason)) if value}
    row |= {"problems": job.problems} if job.problems else {}
    row |= {"attempts": job.tries, "inDoubt": job.in_doubt, "receivedAt": moment(job.received_at)}
    return {**row, **when(job.state, job.due), **({"afterItsAccount": True} if job.blocked else {})}


def job_table(streams: Streams, jobs: Iterable[JobRow | FilteredLife]) -> str:
    """Draw a table."""
    return table(streams, _COLUMNS, [_cells(job) for job in jobs])


def _cells(job: JobRow | FilteredLife) -> tuple[str, ...]:
    if isinstance(job, FilteredLife):
        reason = f"{in_words(job.reason)}{f' ({job.detail})' if job.detail else ''}"
        return job.message_id or "-", job.mapping or "-", "filtered", "-", moment(job.at), "-", reason
    state = f"{job.state} ({job.cause.replace('_', ' ')})" if job.cause else job.state
    doubt = ", in doubt" if job.in_doubt and job.cause != "in_doubt" else ""
    due = next(iter(when(job.state, job.due).values()), "at once")
    reason = " ".join(job.problems) or job.reason
    return (
        *(job.message_id, job.mapping, f"{state}{doubt}", f"{job.tries}", moment(job.received_at)),
        *("after its account" if job.blocked else due, reason or "-"),
    )
