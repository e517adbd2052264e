"""One stand-in at work: its state, what it was sent, its log, and what lets its streams and waits end."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TextIO

import msgspec
from starlette.types import Scope

from connector.twin.calls import Answer, Call
from connector.twin.faults import Fault, Faults
from connector.twin.state import Twin, time_text
from connector.values import JSON, dump_json


def _cannot_hang_up(_scope: Scope, _at_once: bool) -> None:
    raise RuntimeError("without a server there is no connection to close")


class Seen(msgspec.Struct, frozen=True):
    """A request that the stand-in was sent. `status` is None when the connection was reset."""

    time: float
    method: str
    path: str
    status: int | None
    fault: str
    user: str
    scheme: str
    authorized: bool | None
    body: bytes


@dataclass(slots=True)
class StandIn:
    """One running stand-in: where it is, what it remembers, what it does wrong, and what it was sent last.

    `url` is its base URL, empty until it listens. `counts` counts answers by status, all requests under `requests`.
    `hang_up` closes the connection of a request, with a reset or after what was sent; the server fills it in.
    """

    twin: Twin
    faults: Faults
    url: str = ""
    log: TextIO | None = None
    clock: Callable[[], float] = time.time
    requests: deque[Seen] = field(default_factory=lambda: deque(maxlen=10_000))
    counts: Counter[str] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    bells: dict[str, asyncio.Event] = field(default_factory=dict)
    hang_up: Callable[[Scope, bool], None] = _cannot_hang_up

    def stop(self) -> None:
        """Let streams and waits end, so that the server can."""
        self.stopping.set()
        for bell in self.bells.values():
            bell.set()


def record(stand: StandIn, call: Call, done: Answer | None, faults: tuple[Fault, ...], status: int | None) -> None:
    """Keep what was sent and answered, and log it as one line of JSON: no body and nothing of the authorization."""
    seen = Seen(
        time=stand.clock(),
        method=call.method,
        path=call.path,
        status=status,
        fault=",".join(fault.name for fault in faults),
        user=done.user if done else "",
        scheme=_scheme(call.authorization),
        authorized=done.authorized if done else None,
        body=call.body,
    )
    stand.requests.append(seen)
    stand.counts["requests"] += 1
    stand.counts[str(seen.status or "reset")] += 1
    _log(stand, seen)


def _log(stand: StandIn, seen: Seen) -> None:
    if stand.log is None:
        return
    try:
        stand.log.write(dump_json(log_row(seen)).decode() + "\n")
        stand.log.flush()
    except (OSError, ValueError):
        stand.log = None  # whoever read the log has gone; calls are still answered


def _scheme(authorization: str) -> str:
    scheme = authorization.partition(" ")[0]
    return scheme if scheme in ("", "Basic", "Bearer") else "other"


def log_row(seen: Seen) -> dict[str, JSON]:
    """Show a request as it is logged; `valid` is null when nobody looked, as with a fault that came first."""
    return {
        "time": time_text(seen.time),
        "method": seen.method,
        "path": seen.path,
        "status": seen.status,
        "fault": seen.fault or None,
        "user": seen.user or None,
        "authorization": {"scheme": seen.scheme or None, "valid": seen.authorized},
    }
