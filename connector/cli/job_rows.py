"""Jobs as rows of JSON and of a table: without their events, and so without personal data."""

from collections.abc import Iterable, Iterator
from typing import Final

from connector.cli.life import filtered_row, when
from connector.cli.reasons import discard_in_words
from connector.cli.store import fits, folded, moment, room, table
from connector.cli.streams import Streams
from connector.queue.desk_jobs import JobRow
from connector.queue.desk_life import FilteredLife

_COLUMNS: Final = ("messageId", "mapping", "state", "attempts", "received", "next, or since", "reason")
_SINCE: Final = {"waiting": "next", "sending": "lease until"}  # else: since when it is where it is


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
    """Draw a table; on a terminal that has no room for it, tell each job in lines of its own."""
    cells = [_cells(job) for job in jobs]
    columns, drawn = room(streams), table(_COLUMNS, cells)
    if columns is None or fits(drawn, columns):
        return drawn
    return "\n".join(line for row in cells for line in _lines(row, columns))


def _lines(cells: tuple[str, ...], columns: int) -> Iterator[str]:
    message_id, mapping, state, tries, received, due, reason = cells
    yield from folded(f"{message_id}  {mapping}", columns, 0)
    since = f"{_SINCE.get(state.split()[0].rstrip(','), 'since')} " if due.endswith("Z") else ""
    then = "" if due == "-" else f", {since}{_short(due)}"
    attempts = "" if tries == "-" else f", {tries} {'attempt' if tries == '1' else 'attempts'}"
    yield from folded(f"{state}{attempts}, received {_short(received)}{then}", columns, 2)
    if reason != "-":
        yield from folded(reason, columns, 2)


def _cells(job: JobRow | FilteredLife) -> tuple[str, ...]:
    if isinstance(job, FilteredLife):
        reason = discard_in_words(job.reason, job.detail)
        return job.message_id or "-", job.mapping or "-", "filtered", "-", moment(job.at), "-", reason
    state = f"{job.state} ({job.cause.replace('_', ' ')})" if job.cause else job.state
    doubt = ", in doubt" if job.in_doubt and job.cause != "in_doubt" else ""
    due = next(iter(when(job.state, job.due).values()), "at once")
    reason = " ".join(job.problems) or job.reason
    return (
        *(job.message_id, job.mapping, f"{state}{doubt}", f"{job.tries}", moment(job.received_at)),
        *("after its account" if job.blocked else due, reason or "-"),
    )


def _short(time: str) -> str:
    """Leave the year and the milliseconds out: 11-21 08:00:00Z. Words stay."""
    return f"{time[5:19].replace('T', ' ')}Z" if time.endswith("Z") else time
