"""The whole life of an event, as the store knows it: when it came, who took it or why nobody, and every attempt.

In: a messageId. Out: frozen values with the event's text and what was sent, which name a person: for who asked alone.
"""

from typing import Any, Final, Literal

import msgspec

from connector.queue import Cause, State
from connector.queue.desk import Desk, to_text
from connector.values import dump_json

_problems: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_names: Final = msgspec.json.Decoder(list[str]).decode


class Try(msgspec.Struct, frozen=True):
    """One attempt. `status` is the answer's; without an answer `failure` says why. `body` is None when it is not known.

    A lost attempt is one that a crash cut off: nothing is known of it but that it may have been made.
    """

    at: float
    latency: float | None
    method: str
    path: str
    body: bytes | None
    status: int | None
    failure: Literal["timeout", "network", "lost"] | None
    answer: str
    reason: str
    in_doubt: bool

    def __repr__(self) -> str:
        return f"Try({self.at!r}, {self.status!r}, {self.failure!r})"  # the request names a person


class JobLife(msgspec.Struct, frozen=True):
    """What became of an event for one mapping. `due` is when it is tried next, was held or ended, or its lease ends.

    `attempts` counts the claims of the present series, `tries` are the requests of all of them. `blocked`: it waits
    for an earlier job of the same account.
    """

    mapping: str
    state: State
    cause: Cause | None
    reason: str
    problems: tuple[str, ...]
    attempts: int
    in_doubt: bool
    due: float
    blocked: bool
    claimed_at: float | None
    tries: tuple[Try, ...]


class EventLife(msgspec.Struct, frozen=True):
    """An event that was taken, once. `raw` is None after it was forgotten."""

    message_id: str
    received_at: float
    raw: bytes | None
    jobs: tuple[JobLife, ...]

    def __repr__(self) -> str:
        return f"EventLife({self.message_id!r}, {self.jobs!r})"  # the event names a person


class FilteredLife(msgspec.Struct, frozen=True):
    """An event that was filtered or discarded, once."""

    message_id: str
    at: float
    mapping: str
    reason: str
    detail: str


class Life(msgspec.Struct, frozen=True):
    """All that is known of a messageId: each time it was taken, and each time it was filtered, the oldest first."""

    message_id: str
    events: tuple[EventLife, ...]
    filtered: tuple[FilteredLife, ...]


def life_of(desk: Desk, message_id: str) -> Life:
    """Look an event up, in one moment of the store; both lists are empty when nothing is known of it."""
    with desk.reading():
        events = tuple(_event_life(desk, number) for number in desk.events_called(message_id))
        return Life(message_id, events, tuple(_filtered(desk, message_id)))


def _event_life(desk: Desk, number: int) -> EventLife:
    message_id, received_at, raw = desk.ask("event", event=number).fetchone()
    jobs = desk.ask("jobs_of", event=number).fetchall()
    return EventLife(message_id, received_at, raw, tuple(_job_life(desk, job) for job in jobs))


def _job_life(desk: Desk, row: tuple[Any, ...]) -> JobLife:
    number, mapping, state, cause, reason, problems, attempts, in_doubt, due, blocked, claimed_at = row
    tries = tuple(try_of(attempt) for attempt in desk.ask("attempts_of", job=number))
    found = problems_of(problems)
    return JobLife(
        mapping, state, cause, reason, found, attempts, bool(in_doubt), due, bool(blocked), claimed_at, tries
    )


def try_of(row: tuple[Any, ...]) -> Try:
    """Read an attempt, as attempts_of gives it."""
    at, latency, method, path, body, status, failure, answer, reason, in_doubt = row
    sent = None if body is None else body.encode()
    return Try(at, latency, method, path, sent, status, failure, answer, reason, bool(in_doubt))


def _filtered(desk: Desk, message_id: str) -> list[FilteredLife]:
    """Find when an event was filtered; the rows that name it are those with its id as JSON."""
    text = dump_json(to_text(message_id)).decode()
    everything = {"message_id": text, "mapping": None, "since": None, "until": None, "reason": None}
    return [
        FilteredLife(message_id, at, mapping, reason, detail)
        for at, mapping, reason, detail, _, names in desk.ask("filtered_rows", **everything)
        if message_id in names_of(names)
    ]


def problems_of(text: str | None) -> tuple[str, ...]:
    """Read the problems of a job."""
    return () if text is None else _problems(text)


def names_of(text: str) -> list[str]:
    """Read the messageIds of a row of filtered events."""
    return _names(text)
