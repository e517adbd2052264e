"""What a queue has promised: every answer that it gave before it was killed, beside what its file says afterwards.

In: the words of the victims, in order, and the file. Out: every promise that is broken, in words.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from connector.queue import Job, State
from connector.queue.desk import Desk
from connector.queue.desk_audit import audit

ENDED: Final = ("delivered", "skipped", "invalid", "dead")


FORGOTTEN: Final = "Long Ago"
"""A mapping whose jobs were all accepted and ended so long ago that they are forgotten: nothing is promised of them."""


class Promise(NamedTuple):
    """What was said of a job last. `claims` counts its claims; `state` is where it was put after them."""

    state: State = "waiting"
    claims: int = 0
    attempts: int = 0


class Kept(NamedTuple):
    """What the file says of a job. `noted` counts its attempts on record."""

    state: State
    claims: int
    in_doubt: bool
    noted: int


def say_put(say: Callable[[str], object], keys: Iterable[str]) -> None:
    """Say that jobs are accepted."""
    say(json.dumps(["put", *keys]))


def say_moved(say: Callable[[str], object], job: Job, state: State, *, tried: bool = False) -> None:
    """Say that a job is in another state; `tried`: there is an attempt of it to be kept."""
    say(json.dumps(["moved", job.key, state, job.claim, tried]))


def read_promises(words: Iterable[str]) -> dict[str, Promise]:
    """Read what victims said, in the order in which they said it."""
    promises: dict[str, Promise] = {}
    for word in words:
        match json.loads(word):
            case ["put", *keys]:
                promises.update((key, Promise()) for key in keys if key not in promises)
            case ["moved", key, state, claims, tried]:
                before = promises.get(key, Promise())
                if (claims, state != "sending") > (before.claims, before.state != "sending"):
                    promises[key] = Promise(state, claims, before.attempts + tried)
    return promises


def read_jobs(folder: Path) -> dict[str, list[Kept]]:
    """Read what the file says of every job, by key: a list, since a job that is there twice is to be found."""
    question = (
        "SELECT message_id, name, state, claim, in_doubt, (SELECT count(*) FROM attempts WHERE attempts.id BETWEEN "
        "jobs.id << 10 AND jobs.id << 10 | 1023) FROM jobs JOIN events ON events.id = jobs.event JOIN mappings ON "
        "mappings.id = jobs.mapping"
    )
    found: dict[str, list[Kept]] = {}
    with sqlite3.connect(folder / "queue.db") as database:
        for message_id, mapping, state, claims, in_doubt, noted in database.execute(question):
            found.setdefault(f"{len(mapping)}:{mapping}:{message_id}", []).append(
                Kept(state, claims, bool(in_doubt), noted)
            )
    return found


def broken(promises: dict[str, Promise], folder: Path) -> list[str]:
    """List the promises that a folder does not keep, and what else is wrong with it."""
    kept, wrong = read_jobs(folder), list[str]()
    for key, promise in promises.items():
        if FORGOTTEN in key:
            continue
        rows = kept.get(key, [])
        if len(rows) != 1:
            wrong.append(f"{key} is there {len(rows)} times; promised: {promise}")
        elif words := _broken(promise, rows[0]):
            wrong.append(f"{key} {words}; promised: {promise}, kept: {rows[0]}")
    with Desk(folder) as desk:
        found = audit(desk, deep=True)
    return wrong if found.balances else [*wrong, repr(found)]


def _broken(promise: Promise, kept: Kept) -> str:
    if promise.state in ENDED:
        return "" if kept.state == promise.state else "has left its end"
    if kept.claims < promise.claims:
        return "has forgotten a claim"
    if kept.noted < promise.attempts:
        return "has forgotten an attempt"
    if promise.state == "sending" and kept.claims == promise.claims:
        is_known = kept.state in ENDED or kept.state == "sending" or kept.in_doubt or kept.noted > promise.attempts
        return "" if is_known else "has forgotten that it may have been sent"
    return ""
