"""The life of an event as lines for a person, or as rows of JSON. Both show what was sent; neither shows a secret."""

from collections.abc import Iterator
from typing import Final

import msgspec

from connector.cli.reasons import discard_in_words, in_words
from connector.cli.store import moment
from connector.cli.streams import on_one_line
from connector.hiding import Hiding
from connector.queue.desk_life import EventLife, FilteredLife, JobLife, Life, Try
from connector.values import JSON, dump_json

_CAUSES: Final = {
    "refused": "Rupt refuses the configuration; it goes on by itself when that is mended",
    "in_doubt": "it may have landed; `jobs retry` sends it again, `jobs drop` lets it be",
    "mapping": "its mapping cannot be used; it goes on when the destination file is mended, or by `jobs retry`",
}


def life_rows(life: Life, hiding: Hiding, *, with_event: bool) -> Iterator[dict[str, object]]:
    """Print each time the event came as a row."""
    for event in life.events:
        row: dict[str, object] = {"messageId": event.message_id, "receivedAt": moment(event.received_at)}
        if with_event:
            row["event"] = None if event.raw is None else hiding.event(event.raw)
        yield {**row, "forgotten": event.raw is None, "jobs": [_job_row(job, hiding) for job in event.jobs]}
    for one in life.filtered:
        yield filtered_row(one)


def filtered_row(one: FilteredLife) -> dict[str, object]:
    """Print an event that made no job."""
    row: dict[str, object] = {"messageId": one.message_id, "mapping": one.mapping or None, "state": "filtered"}
    detail = {"detail": one.detail} if one.detail else {}
    return {**row, "reason": one.reason, **detail, "receivedAt": moment(one.at)}


def when(state: str, due: float) -> dict[str, str]:
    """Say what the time of a job in a state is; a fresh one that waits has none."""
    if state == "waiting":
        return {"nextAt": moment(due)} if due > 0 else {}
    return {{"sending": "leaseUntil", "held": "heldSince"}.get(state, "endedAt"): moment(due)}


def _job_row(job: JobLife, hiding: Hiding) -> dict[str, object]:
    row: dict[str, object] = {"mapping": job.mapping, "state": job.state, "cause": job.cause, "reason": job.reason}
    row |= {"problems": job.problems, "inDoubt": job.in_doubt, "afterItsAccount": job.blocked}
    shown = {name: value for name, value in row.items() if value or name == "inDoubt"}
    return {**shown, **when(job.state, job.due), "attempts": [_try_row(one, hiding) for one in job.tries]}


def _try_row(one: Try, hiding: Hiding) -> dict[str, object]:
    row: dict[str, object] = {
        "at": moment(one.at),
        "latency": one.latency,
        "request": None if one.body is None else {"method": one.method, "path": one.path, "body": _body(one, hiding)},
        "status": one.status,
        "failure": one.failure,
        "answer": one.answer,
        "reason": one.reason,
    }
    return {**{name: value for name, value in row.items() if value is not None}, "inDoubt": one.in_doubt}


def _body(one: Try, hiding: Hiding) -> JSON:
    return None if one.body is None else hiding.body(one.body)


def life_lines(life: Life, hiding: Hiding, *, now: float, with_event: bool) -> Iterator[str]:
    """Tell a person."""
    for number, event in enumerate(life.events):
        yield from [""] if number else []
        yield from _event_lines(event, hiding, now=now, with_event=with_event)
    for one in life.filtered:
        by = f" by {one.mapping}" if one.mapping else ""
        why = discard_in_words(one.reason, one.detail)
        yield on_one_line(f"{life.message_id}  {moment(one.at)}  filtered{by}: {why}")


def _event_lines(event: EventLife, hiding: Hiding, *, now: float, with_event: bool) -> Iterator[str]:
    takers = ", ".join(job.mapping for job in event.jobs)
    yield on_one_line(f"{event.message_id}  received {moment(event.received_at)}, taken by {takers}")
    if event.raw is None:
        yield "  its content was erased: it has been forgotten"
    elif with_event:
        yield from _indented(hiding.event(event.raw), 2)
    for job in event.jobs:
        yield from ("", f"  {on_one_line(job.mapping)}")
        for number, one in enumerate(job.tries, 1):
            yield from _try_lines(number, one, hiding)
        yield on_one_line(f"    {_standing(job, now)}")
        yield from (on_one_line(f"      {problem}") for problem in job.problems)


def _try_lines(number: int, one: Try, hiding: Hiding) -> Iterator[str]:
    took = "" if one.latency is None else f", after {one.latency * 1000:,.0f} ms"
    doubt = ", in doubt: it may have landed" if one.in_doubt else ""
    said = one.reason or one.status or one.failure
    yield on_one_line(f"    attempt {number}  {moment(one.at)}  {said}{took}{doubt}")
    if one.body is not None:
        yield on_one_line(f"      {one.method} {one.path}  {dump_json(_body(one, hiding)).decode()}")


def _standing(job: JobLife, now: float) -> str:
    """Say where a job is now."""
    reason = f": {in_words(job.reason)}" if job.reason else ""
    if job.state == "waiting":
        return f"waiting{reason}; {_next(job, now)}"
    if job.state == "sending":
        return f"being sent since {moment(job.claimed_at or job.due)}; {_lease(job, now)}"
    if job.state == "held":
        return f"held since {moment(job.due)}{reason} ({_CAUSES.get(job.cause or '', 'no cause is known')})"
    tries = f" at attempt {len(job.tries)}" if job.state == "delivered" and len(job.tries) > 1 else ""
    return f"{job.state} {moment(job.due)}{tries}{reason}"


def _next(job: JobLife, now: float) -> str:
    if job.blocked:
        return "an earlier event of the same account goes first"
    if job.due <= now:
        return "it is sent as soon as its turn comes"
    return f"next attempt at {moment(job.due)}, in {_long(job.due - now)}"


def _long(seconds: float) -> str:
    """Say how long: 40 s, 5 min, 23 h 50 min."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _lease(job: JobLife, now: float) -> str:
    if job.due > now:
        return f"no answer yet, waited for until {moment(job.due)}"
    return "no answer came in time: it is claimed again, in doubt, by the next server"


def _indented(value: JSON, depth: int) -> Iterator[str]:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    yield from (f"{' ' * depth}{line}" for line in text.splitlines())
