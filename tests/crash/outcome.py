"""What became of every event at the end: what the sender sent, what the stand-in was sent, what the ledger says.

In: the events, the stand-in's memory, and the queue's file. Out: everything that does not fit together, in words, and
how much of each kind there was, so that a test can say that it was not vacuous.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeAlias

from connector.queue.desk import Desk
from connector.queue.desk_audit import audit
from connector.twin import Seen

Name: TypeAlias = tuple[str, str]
"""A job as everybody can name it: its messageId and its mapping."""

_JOBS = """
    SELECT message_id, name, state, reason, doubts,
      (SELECT count(*) FROM attempts WHERE attempts.id BETWEEN jobs.id << 10 AND jobs.id << 10 | 1023),
      (SELECT count(*) FROM attempts WHERE attempts.id BETWEEN jobs.id << 10 AND jobs.id << 10 | 1023 AND in_doubt)
    FROM jobs JOIN events ON events.id = jobs.event JOIN mappings ON mappings.id = jobs.mapping
"""


class Row(NamedTuple):
    """What the ledger says of a job: how many attempts it has on record, how many of them in doubt."""

    state: str
    reason: str
    doubts: int
    attempts: int
    attempts_in_doubt: int


class Outcome(NamedTuple):
    """What does not fit together, and what there was."""

    wrong: list[str]
    counts: Counter[str]


def compare(expected: Iterable[Name], seen: Iterable[Seen], folder: Path) -> Outcome:
    """Compare the jobs that the sent events make with what the stand-in was sent and with the ledger."""
    requests = _by_job(seen)
    with sqlite3.connect(folder / "queue.db") as database:
        rows = defaultdict[Name, list[Row]](list)
        for message_id, mapping, *row in database.execute(_JOBS):
            rows[message_id, mapping].append(Row(*row))
        failures = dict(database.execute("SELECT coalesce(failure, status), count(*) FROM attempts GROUP BY 1"))
    names = set(expected)
    wrong = [f"{name} is a job of no event" for name in rows.keys() - names]
    for name in sorted(names):
        wrong += [
            f"{name} {words}: {rows[name]}, {_tell(requests[name])}" for words in _wrong(rows[name], requests[name])
        ]
    with Desk(folder) as desk:
        books = audit(desk, deep=True)
    if not books.balances:
        wrong.append(repr(books))
    return Outcome(wrong, _count(rows, requests, failures))


def _by_job(seen: Iterable[Seen]) -> defaultdict[Name, list[Seen]]:
    requests = defaultdict[Name, list[Seen]](list)
    for request in seen:
        metadata = json.loads(request.body)["metadata"]
        requests[metadata["message"], metadata["mapping"]].append(request)
    return requests


def _tell(requests: list[Seen]) -> list[tuple[float, int | None, str, str]]:
    return [(request.time, request.status, request.fault, request.user) for request in requests]


def _wrong(rows: list[Row], requests: list[Seen]) -> list[str]:
    """Say what is wrong with a job. A request that has a user was carried out: Rupt has seen this device."""
    if len(rows) != 1:
        return [f"is there {len(rows)} times"]
    (row,), wrong = rows, list[str]()
    carried_out = sum(bool(request.user) for request in requests)
    if row.state not in ("delivered", "dead"):
        wrong.append("has not ended")
    if row.state == "delivered" and not carried_out:
        wrong.append("was never delivered")
    if row.state == "dead" and not any(request.fault for request in requests):
        wrong.append("is dead although nothing went wrong")
    if carried_out > (row.state == "delivered") + row.doubts:
        wrong.append("was delivered twice and the ledger does not say so")
    if len(requests) > row.attempts:
        wrong.append("was sent and the ledger does not say so")
    if row.doubts != row.attempts_in_doubt:
        wrong.append("has doubts that are no attempts")
    return wrong


def _count(
    rows: dict[Name, list[Row]], requests: dict[Name, list[Seen]], failures: dict[str | int, int]
) -> Counter[str]:
    jobs = [row for kept in rows.values() for row in kept]
    return Counter(
        jobs=len(jobs),
        delivered=sum(row.state == "delivered" for row in jobs),
        dead=sum(row.state == "dead" for row in jobs),
        retried=sum(row.attempts > 1 for row in jobs),
        in_doubt=sum(row.doubts for row in jobs),
        killed_while_sending=failures.get("lost", 0),
        delivered_twice=sum(sum(bool(request.user) for request in sent) > 1 for sent in requests.values()),
        requests=sum(len(sent) for sent in requests.values()),
    )
