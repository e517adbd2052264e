"""Stores for the operator's tests: a durable queue in a folder, with events that fared differently."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from connector.queue import Attempt, Filtered, Job, Note, Ordering, account_of, new_job
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.rupt import Failure, Request, Response

NOW = time.time() - 600
LEASE = 60.0
MAPPING = "Attach Device"
OK = Response(200, {}, b'{"success":true,"device_id":"d-1"}')


def event(name: str, user: str | None = "user-42", **more: Any) -> dict[str, Any]:
    """Make a page event."""
    return {
        "type": "page",
        "messageId": name,
        "userId": user,
        "anonymousId": f"anon-of-{name}",
        "context": {"traits": {"email": "ada@example.com"}},
        "properties": {"path": "/home"},
        **more,
    }


def job_of(data: dict[str, Any], mapping: str = MAPPING, at: float = NOW) -> Job:
    """Make the job of an event."""
    return new_job(data["messageId"], mapping, json.dumps(data).encode(), at, account_of(data))


def tried(
    answer: Response | Failure, reason: str = "", *, user: str = "user-42", in_doubt: bool = False, token: str = ""
) -> Note:
    """Make the note of an attempt."""
    body: dict[str, Any] = {"user": user, "email": "ada@example.com", "page": "/home"}
    request = Request("POST", "/v2/device/attach", body, token=token)
    return Note(reason, attempt=Attempt(NOW + 1, 0.012, request, answer, reason, in_doubt))


async def claim_one(queue: SqliteQueue, name: str, at: float = NOW + 1) -> Job:
    """Claim the next job, which must be of this event."""
    (job,) = await queue.claim(1, now=at, lease=LEASE)
    assert job.message_id == name
    return job


async def each_state(queue: SqliteQueue) -> None:
    """Put a job into each state; each is named by it, and `refused`, `doubtful`, `gone` are held."""
    names = ("delivered", "skipped", "invalid", "dead", "retried", "refused", "doubtful", "gone", "sending", "waiting")
    jobs = [job_of(event(name, f"user-of-{name}")) for name in names]
    await queue.put(jobs, now=NOW, filtered=[Filtered("unwanted", "NO_MATCHING_MAPPING")])
    found = {name: await claim_one(queue, name) for name in names[:-1]}
    at = NOW + 2
    await queue.settle(found["delivered"], "delivered", now=at, note=tried(OK))
    await queue.settle(found["skipped"], "skipped", now=at, note=Note("stale: it is too old"))
    await queue.settle(found["invalid"], "invalid", now=at, note=Note(problems=("Account must be a string.",)))
    await queue.bury(found["dead"], now=at, note=tried(Response(400, {}, b""), "400 bad request"))
    timeout = tried(Failure("timeout", "no answer in time"), "timeout: no answer in time", in_doubt=True)
    await queue.retry(found["retried"], at=NOW + 86_400, now=at, note=timeout)
    await queue.hold(found["refused"], "refused", now=at, note=tried(Response(401, {}, b""), "401 no valid client id"))
    await queue.hold(found["doubtful"], "in_doubt", now=at, note=timeout)
    await queue.hold(found["gone"], "mapping", now=at, note=Note("mapping_gone: no mapping has this name"))


def build(
    folder: Path, fill: Callable[[SqliteQueue], Awaitable[object]] = each_state, *, ordering: Ordering = "none"
) -> Path:
    """Make a store, let it be filled, and close it as a server does."""

    async def run() -> None:
        async with await open_sqlite(folder, ordering=ordering, min_free=0) as queue:
            await fill(queue)

    folder.mkdir(exist_ok=True)
    asyncio.run(run())
    return folder
