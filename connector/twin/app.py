"""The stand-in as an ASGI app: reads a request, chooses its faults, carries the call out, answers or fails.

Beside Rupt's calls it answers under /_twin, see admin.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.errors import UsageError
from connector.twin.admin import administer, json_response, refusal
from connector.twin.calls import Answer, Call, answer
from connector.twin.faults import Fault
from connector.twin.stand import StandIn, record
from connector.values import JSON, dump_json


def make_app(stand: StandIn) -> ASGIApp:
    """Make the ASGI app of a stand-in."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        if scope["path"].startswith("/_twin/"):
            await administer(stand, request, body)(scope, receive, send)
        else:
            await _serve_call(stand, request, body, send)

    return app


# One call, with its faults


async def _serve_call(stand: StandIn, request: Request, body: bytes, send: Send) -> None:
    try:
        faults = stand.faults.take(request.headers.get("x-twin-fault"))
    except UsageError as error:
        await refusal(str(error))(request.scope, request.receive, send)
        return
    await _pause(stand, sum(fault.seconds for fault in faults if fault.kind == "latency" and not fault.accepts))
    failure = next((fault for fault in faults if fault.kind != "latency"), None)
    call = _call_of(request, body)
    done = answer(stand.twin, call, stand.clock()) if failure is None or failure.accepts else None
    if done and done.device and not done.listens and (bell := stand.bells.get(done.device)):
        bell.set()
    await _pause(stand, sum(fault.seconds for fault in faults if fault.kind == "latency" and fault.accepts))
    reply = _reply(stand, done, failure)
    record(stand, call, done, faults, reply.status_code if reply else None)
    if reply is None:
        await _reset(stand, request)
    elif failure and failure.kind in ("slow", "truncated"):
        await _send_in_halves(stand, request, reply, failure, send)
    else:
        await reply(request.scope, request.receive, send)


def _call_of(request: Request, body: bytes) -> Call:
    path = request.scope["raw_path"].decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    return Call(request.method, path, query, request.headers.get("authorization", ""), body)


def _reply(stand: StandIn, done: Answer | None, failure: Fault | None) -> Response | None:
    """Make what is sent back; None when the connection is to be reset."""
    if failure is not None and failure.kind in _FAILURES:
        return _FAILURES[failure.kind](failure)
    assert done is not None  # every other fault carries the call out
    if done.listens:
        return StreamingResponse(_listen(stand, done.device), media_type="text/event-stream")
    if done.body is None:
        return Response(status_code=done.status)
    return json_response(done.status, done.body)


def _fail_with_status(fault: Fault) -> Response:
    headers = {"retry-after": f"{fault.seconds:g}"} if fault.seconds else {}
    if fault.status < 400:
        headers["location"] = "https://elsewhere.invalid/"
    if fault.status == 304:
        return Response(None, 304, headers)
    body: JSON = {"success": False, "message": f"the stand-in was asked for a {fault.status}"}
    return json_response(fault.status, body, headers)


def _fail_with_success_false(_: Fault) -> Response:
    return json_response(200, {"success": False, "message": "the stand-in was asked to refuse this"})


def _fail_with_a_page(_: Fault) -> Response:
    return Response("<html><body>This is not the API you are looking for.</body></html>", 200, None, "text/html")


def _fail_without_an_answer(_: Fault) -> None:
    return None


_FAILURES: Final[dict[str, Callable[[Fault], Response | None]]] = {
    "status": _fail_with_status,
    "success-false": _fail_with_success_false,
    "not-json": _fail_with_a_page,
    "reset": _fail_without_an_answer,
}


async def _pause(stand: StandIn, seconds: float) -> None:
    """Wait, but not longer than the stand-in runs."""
    if seconds > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stand.stopping.wait(), seconds)


async def _reset(stand: StandIn, request: Request) -> None:
    stand.hang_up(request.scope, True)
    await _until_disconnected(request)


async def _until_disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _send_in_halves(stand: StandIn, request: Request, reply: Response, fault: Fault, send: Send) -> None:
    """Send half of an answer, then the rest after a while or never."""
    if isinstance(reply, StreamingResponse):
        await reply(request.scope, request.receive, send)
        return
    body, middle = bytes(reply.body), len(reply.body) // 2
    await send({"type": "http.response.start", "status": reply.status_code, "headers": reply.raw_headers})
    await send({"type": "http.response.body", "body": body[:middle], "more_body": True})
    if fault.kind == "truncated":
        stand.hang_up(request.scope, False)
        await _until_disconnected(request)
    else:
        await _pause(stand, fault.seconds)
        await send({"type": "http.response.body", "body": body[middle:]})


async def _listen(stand: StandIn, device: str) -> AsyncIterator[bytes]:
    """Stream a device's messages as server-sent events until the stand-in stops or the listener goes."""
    bell = stand.bells.setdefault(device, asyncio.Event())
    yield b": listening\n\n"
    while not stand.stopping.is_set():
        for message in stand.twin.take_messages(device):
            yield b"data: " + dump_json(message) + b"\n\n"
        await bell.wait()
        bell.clear()
