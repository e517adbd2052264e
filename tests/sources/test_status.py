"""The three paths that an operator's tools ask for, over ASGI and over a socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message

from connector.errors import Problem
from connector.sources.status import BLOCKING, Condition, Name, Readiness, make_status_app

PROBLEM = Problem("unknown_key", "there is no key 'acount' here", "rupt.yaml", 12, 7, 6, "acount: ada", "write account")


async def nothing_to_measure(accept: str) -> tuple[bytes, str]:
    """Print the Accept header instead of metrics."""
    return f"asked for {accept}".encode(), "text/plain; version=0.0.4"


def app_of(*conditions: Condition, inner: ASGIApp | None = None) -> ASGIApp:
    """Make an app that is in some conditions."""
    return make_status_app(inner, ready=lambda: Readiness(conditions), metrics=nothing_to_measure)


def ask(app: ASGIApp, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask an app, without a socket."""

    async def request() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(request())


def reasons(*conditions: Condition) -> list[dict[str, Any]]:
    """Ask for the reasons that /readyz gives."""
    found: list[dict[str, Any]] = ask(app_of(*conditions), "/readyz").json()["reasons"]
    return found


def test_alive() -> None:
    """/healthz answers 200 while the loop runs, whatever else is wrong."""
    answer = ask(app_of(Condition("stopping"), Condition("disk_full")), "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready() -> None:
    """/readyz answers 200 without reasons when all is well, and nobody may keep the answer."""
    answer = ask(app_of(), "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "reasons": []})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["stopping", "disk_full", "queue_full"])
def test_what_keeps_senders_away(name: Name) -> None:
    """What cannot be stored now is not asked for: /readyz answers 503 and says why."""
    answer = ask(app_of(Condition(name)), "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reasons": [{"reason": name, "blocks": True}]}


@pytest.mark.parametrize("name", ["credentials_refused", "circuit_open", "edit_refused"])
def test_what_does_not(name: Name) -> None:
    """While events can be stored the server is ready, and says what is wrong all the same."""
    answer = ask(app_of(Condition(name)), "/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "reasons": [{"reason": name, "blocks": False}]}


def test_several_conditions() -> None:
    """All reasons are told, in their order, and one that blocks is enough."""
    answer = ask(app_of(Condition("circuit_open"), Condition("queue_full")), "/readyz")
    assert answer.status_code == 503
    assert [(item["reason"], item["blocks"]) for item in answer.json()["reasons"]] == [
        ("circuit_open", False),
        ("queue_full", True),
    ]
    assert {"queue_full"} == {"circuit_open", "queue_full"} & BLOCKING


def test_since_when() -> None:
    """A condition says since when, in UTC, and what to do; what Rupt said is redacted."""
    detail = "401 no valid client id: check settings.client_id: for ada@example.com"
    [reason] = reasons(Condition("credentials_refused", detail, since=1_795_000_000.75))
    assert reason["since"] == "2026-11-18T11:06:40Z"
    assert reason["detail"] == "401 no valid client id: check settings.client_id: for [email]"


def test_a_refused_edit() -> None:
    """The problems of a refused edit are told with their place and help, without the line they stand in."""
    [reason] = reasons(Condition("edit_refused", problems=(PROBLEM, Problem("empty_file", "it is empty", "more.yaml"))))
    assert reason["problems"] == [
        {
            "code": "unknown_key",
            "message": "there is no key 'acount' here",
            "at": "rupt.yaml:12:7",
            "help": "write account",
        },
        {"code": "empty_file", "message": "it is empty", "at": "more.yaml"},
    ]


def test_metrics() -> None:
    """/metrics answers what is printed for the request's Accept header, as the type it was printed in."""
    answer = ask(app_of(), "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.text == "asked for application/openmetrics-text; version=1.0.0"
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"


def test_a_slash_at_the_end() -> None:
    """A slash at the end of a path is allowed."""
    assert ask(app_of(), "/healthz/").status_code == 200


def test_head() -> None:
    """HEAD gives the status and no body."""
    answer = ask(app_of(Condition("stopping")), "/readyz", "HEAD")
    assert (answer.status_code, answer.content) == (503, b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_other_methods(path: str) -> None:
    """Nothing can be changed here: other methods are refused, and the ones that are taken are named."""
    answer = ask(app_of(), path, "POST")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_every_other_path() -> None:
    """Every other path belongs to the app behind, with all methods."""
    app = app_of(inner=PlainTextResponse("the receiver"))
    assert ask(app, "/v1/batch", "POST").text == "the receiver"
    assert ask(app, "/", "OPTIONS").text == "the receiver"
    assert ask(app, "/metrics/more").text == "the receiver"
    assert ask(app, "/healthz").json() == {"status": "ok"}


def test_nothing_behind() -> None:
    """Alone, it answers 404 in JSON for every other path, and says what it knows."""
    answer = ask(app_of(), "/v1/batch", "POST")
    assert answer.status_code == 404
    assert answer.json() == {"code": "not_found", "message": "known are /healthz, /metrics, /readyz"}


def exchange(app: ASGIApp, kind: str, *messages: Message) -> list[str]:
    """Give an app messages of another protocol, and name what it sends."""
    sent, left = list[str](), list(messages)

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def run() -> None:
        await app({"type": kind, "path": "/healthz"}, receive, send)

    asyncio.run(run())
    return sent


def test_other_protocols() -> None:
    """Alone, it goes along with a server's start and end, and refuses web sockets."""
    messages = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert exchange(app_of(), "lifespan", *messages) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert exchange(app_of(), "websocket") == ["websocket.close"]


def test_over_a_socket() -> None:
    """A server serves it as it is."""

    async def scenario() -> tuple[int, dict[str, Any]]:
        config = uvicorn.Config(app_of(Condition("disk_full")), port=0, log_config=None, access_log=False)
        return await asked_of(uvicorn.Server(config), get_ready)

    assert asyncio.run(scenario()) == (503, {"ready": False, "reasons": [{"reason": "disk_full", "blocks": True}]})


async def get_ready(url: str) -> tuple[int, dict[str, Any]]:
    """Ask a server for its readiness."""
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/readyz")
        return answer.status_code, json.loads(answer.content)


async def asked_of(
    server: uvicorn.Server, question: Callable[[str], Awaitable[tuple[int, dict[str, Any]]]]
) -> tuple[int, dict[str, Any]]:
    """Run a server for the length of a question."""
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        return await question(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        await serving
