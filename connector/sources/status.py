"""What an operator's tools ask of the server: /healthz, /readyz and /metrics, in front of what receives events.

In: functions that tell how things stand. Out: an ASGI app. It judges only which conditions keep senders away.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import Problem
from connector.redaction import redact
from connector.values import JSON, dump_json

Name: TypeAlias = Literal[
    "stopping",
    "disk_full",
    "queue_full",
    "credentials_refused",
    "circuit_open",
    "paused",
    "edit_refused",
]
# Ready means that senders are welcome: what they send is stored. So a stop or a full disk or queue says no. Refused
# credentials and an open circuit do not: events wait in the queue and are delivered later, while a server taken out of
# rotation for Rupt's sake could store nothing, and its senders would lose what they cannot keep. A refused edit leaves
# the version before it at work.
BLOCKING: Final[frozenset[Name]] = frozenset({"stopping", "disk_full", "queue_full"})


class Condition(msgspec.Struct, frozen=True):
    """Something that is not as it should be, `since` when in seconds since the epoch.

    `detail` says it in words; `problems` are those of an edited destination file that is refused.
    """

    name: Name
    detail: str = ""
    since: float | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether senders had better go elsewhere, or wait."""
        return self.name in BLOCKING


class Readiness(msgspec.Struct, frozen=True):
    """How the server stands: everything that is not as it should be."""

    conditions: tuple[Condition, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether what is sent now would be stored."""
        return not any(condition.blocks for condition in self.conditions)


Render: TypeAlias = Callable[[str], Awaitable[tuple[bytes, str]]]
"""Prints metrics for an Accept header, and names their content type."""


def make_status_app(inner: ASGIApp | None, *, ready: Callable[[], Readiness], metrics: Render) -> ASGIApp:
    """Make an app that answers the three paths and leaves every other to `inner`; without one they are not found.

    /healthz answers 200 as long as the process can answer, /readyz 200 or 503, with the reasons in JSON.
    """

    async def answer(path: str, headers: Headers) -> Response:
        if path == "/healthz":
            return _json(200, {"status": "ok"})
        if path == "/readyz":
            readiness = ready()
            return _json(200 if readiness.ready else 503, describe(readiness))
        text, content_type = await metrics(", ".join(headers.getlist("accept")))
        return Response(text, 200, {"content-type": content_type, **_NOT_KEPT})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removesuffix("/") if scope["type"] == "http" else ""
        if path not in _PATHS:
            await (inner or _nothing)(scope, receive, send)
            return
        response = await answer(path, Headers(scope=scope)) if scope["method"] in _METHODS else _not_allowed()
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    return app


def describe(readiness: Readiness) -> dict[str, JSON]:
    """Print readiness as an object: what is not as it should be, whether it blocks, since when, and what to do."""
    return {"ready": readiness.ready, "reasons": [_condition(condition) for condition in readiness.conditions]}


def _condition(condition: Condition) -> dict[str, JSON]:
    found: dict[str, JSON] = {"reason": condition.name, "blocks": condition.blocks}
    if condition.since is not None:
        found["since"] = datetime.fromtimestamp(condition.since, UTC).isoformat(timespec="seconds")[:19] + "Z"
    if condition.detail:
        found["detail"] = redact(condition.detail)
    if condition.problems:
        found["problems"] = [_problem(problem) for problem in condition.problems]
    return found


def _problem(problem: Problem) -> dict[str, JSON]:
    """Print a problem without the line it stands in, which may hold more than is wrong."""
    at = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    told: dict[str, JSON] = {"code": problem.code, "message": redact(problem.message), "at": at}
    return {**told, "help": redact(problem.help)} if problem.help else told


_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS: Final = ("GET", "HEAD")
_NOT_KEPT: Final = {"cache-control": "no-store"}


def _json(status: int, body: JSON, headers: dict[str, str] = _NOT_KEPT) -> Response:
    return Response(dump_json(body), status, headers, "application/json")


def _not_allowed() -> Response:
    body: JSON = {"code": "method_not_allowed", "message": "ask with GET"}
    return _json(405, body, {"allow": ", ".join(_METHODS)})


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer when there is nothing behind the three paths."""
    if scope["type"] == "http":
        await _json(404, {"code": "not_found", "message": f"known are {', '.join(sorted(_PATHS))}"})(
            scope, receive, send
        )
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    else:  # a server asks whether the app has started, and tells it when to end
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
