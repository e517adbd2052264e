"""Segment's Tracking API and webhooks as an ASGI app: what is posted becomes jobs in the queue, and then a 200.

In: requests. Out: answers, and jobs in a queue. Nobody gets a 200 before the queue has what was sent. What the bodies
hold is decided by the intake, who may send by credentials; nothing is delivered here, and nothing is logged.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final, Literal

import msgspec
from starlette.types import Receive, Scope, Send

from connector.events import Discard
from connector.queue import Filtered, Full, Queue, Receipt
from connector.signing import is_one_of
from connector.sources.answers import ACCEPTED, ALLOWED, TAKEN, Answer, Cors, all_headers, come_again, refuse
from connector.sources.bodies import RETRY_AFTER, Body, Gone, Room, Share
from connector.sources.credentials import UNKNOWN_KEY, WebhookAuth, basic_key, check_webhook
from connector.sources.intake import DEFAULT_LIMITS, Intake, Limits, Taken
from connector.sources.requests import Request, browser_settings, read_scope

_CLOSING_RETRY: Final = 2  # seconds until another instance has taken over
_PACKINGS: Final = frozenset({"", "identity", "gzip", "x-gzip"})
_CLIENT_GONE: Final = 499  # told to who observes only: there is nobody left to answer

_CLOSING: Final = come_again(_CLOSING_RETRY, "stopping", "the server is stopping; send it again")
_NO_ROUTE: Final = refuse(404, "not_found", "there is nothing here; events go to /v1/batch and the like")
_BROKEN: Final = refuse(500, "internal_error", "something went wrong here; send it again later")
_PACKED: Final = refuse(400, "unsupported_encoding", "Content-Encoding must be gzip or identity")


class Accepted(msgspec.Struct, frozen=True):
    """What became of one request. `route` is the word after /v1/, or settings or unknown; `bytes` are those received.

    `accepted` counts the jobs that are new, `duplicates` those that the queue knew. `filtered` are the events that make
    no job and `discards` those that are none. `seconds` is how long its sender waited. Status 499: the client had gone.
    """

    source: Literal["tracking", "webhook"]
    route: str
    status: int
    bytes: int = 0
    seconds: float = 0.0
    events: int = 0
    accepted: int = 0
    duplicates: int = 0
    filtered: Collection[Filtered] = ()
    discards: Collection[Discard] = ()


class _Exchange(msgspec.Struct):
    """One request on its way: what is known of it so far."""

    request: Request
    share: Share
    body: Body
    bytes: int = 0
    is_put: bool = False
    taken: Taken = Taken()
    receipt: Receipt = Receipt(0)

    def accepted(self, status: int, seconds: float) -> Accepted:
        """Tell how it ended."""
        source: Literal["tracking", "webhook"] = "webhook" if self.request.kind == "webhook" else "tracking"
        ended, taken, receipt = (self.request.word, status, self.bytes, seconds), self.taken, self.receipt
        if not self.is_put:
            return Accepted(source, *ended)
        filtered = taken.filtered[len(taken.discards) :] if taken.discards else taken.filtered
        counts = (taken.events, receipt.accepted, len(receipt.duplicates))
        return Accepted(source, *ended, *counts, filtered, taken.discards)


class Receiver:
    """The ASGI app. Its attributes may be set while it runs; with `closing` every new request is told to come again.

    `write_keys`: those that may send, empty for any. `origins`: the web pages that may, `*` for any.
    `retry_after`: the seconds for which senders shall wait when the queue is full. `observe` is told of each request
    once, before it is answered, and `fail` of an error that was answered with 500. `clock` gives seconds since the
    epoch, `timer` seconds for durations.
    """

    def __init__(
        self,
        queue: Queue,
        intake: Intake,
        *,
        limits: Limits = DEFAULT_LIMITS,
        write_keys: Collection[str] = (),
        webhook: WebhookAuth = WebhookAuth(),  # noqa: B008  frozen
        origins: Collection[str] = ("*",),
        trust_forwarded: bool = False,
        retry_after: int = RETRY_AFTER,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
        observe: Callable[[Accepted], None] = lambda _: None,
        fail: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self.intake, self.closing = intake, False
        self._queue, self._limits, self._room = queue, limits, Room(limits.memory)
        self._write_keys, self._webhook = frozenset(write_keys), webhook
        self._cors, self._trust_forwarded, self._retry_after = Cors(origins), trust_forwarded, retry_after
        self.observe, self.fail = observe, fail
        self._clock, self._timer = clock, timer
        self._puts: set[asyncio.Task[Receipt | Full]] = set()

    @property
    def bytes_held(self) -> int:
        """How many bytes of bodies are in memory now."""
        return self._room.held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started, request = self._timer(), read_scope(scope)
        share = Share(self._room)
        exchange = _Exchange(request, share, Body(receive, request.length, share))
        try:
            answer = await self._answer(exchange, scope)
        except Gone:
            answer = None
        except Exception as error:
            self.fail(error)
            answer = _BROKEN
        finally:
            share.release()
        self.observe(exchange.accepted(answer.status if answer else _CLIENT_GONE, self._timer() - started))
        if answer is not None:
            await self._send(exchange, answer, send)

    async def _send(self, exchange: _Exchange, answer: Answer, send: Send) -> None:
        cors = self._cors.headers(exchange.request.headers.get(b"origin", b""))
        await send({"type": "http.response.start", "status": answer.status, "headers": all_headers(answer, cors)})
        waits = b"expect" in exchange.request.headers  # for being asked for the body
        if not (exchange.body.done or waits or answer.status == 408):
            await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            await exchange.body.drain()
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "http.response.body", "body": answer.body})

    # Routes.

    async def _answer(self, exchange: _Exchange, scope: Scope) -> Answer:
        request = exchange.request
        if self.closing:
            return _CLOSING
        if request.kind == "unknown":
            return _NO_ROUTE
        if request.method == "OPTIONS":
            return ALLOWED
        allowed = ("GET", "HEAD") if request.kind == "settings" else ("POST",)
        if request.method not in allowed:
            methods = ", ".join((*allowed, "OPTIONS"))
            return refuse(405, "method_not_allowed", f"this takes {methods}", (b"allow", methods.encode()))
        if request.kind == "settings":
            return self._settings(request, scope)
        return await self._receive(exchange)

    def _settings(self, request: Request, scope: Scope) -> Answer:
        if self._write_keys and not is_one_of(request.write_key, self._write_keys):
            return UNKNOWN_KEY
        return browser_settings(request, scope, trust_forwarded=self._trust_forwarded)

    async def _receive(self, exchange: _Exchange) -> Answer:
        request = exchange.request
        body = await exchange.body.read(self._limits)
        if isinstance(body, Answer):
            return body
        exchange.bytes = len(body)
        if request.kind == "metrics":
            return ACCEPTED
        if request.encoding not in _PACKINGS:
            return _PACKED
        if request.kind == "webhook":
            return await self._take_webhook(exchange, body)
        return await self._take_events(exchange, body)

    # What is posted.

    async def _take_events(self, exchange: _Exchange, body: bytes) -> Answer:
        key = basic_key(exchange.request.headers)
        if key and not self._knows(key):
            return UNKNOWN_KEY
        taken = self._take(exchange, body)
        if taken.fault is not None:
            return refuse(400, taken.fault.reason, taken.fault.detail)
        if not self._knows(key or taken.write_key):
            return UNKNOWN_KEY
        return await self._put(exchange) or ACCEPTED

    async def _take_webhook(self, exchange: _Exchange, body: bytes) -> Answer:
        headers, limit = exchange.request.headers, self._limits.body
        refusal = check_webhook(self._webhook, headers, body, limit=limit, write_keys=self._write_keys)
        if refusal is not None:
            return refusal
        taken = self._take(exchange, body)
        fault = taken.fault
        if fault is None and not taken.types and taken.discards:
            fault = taken.discards[0]  # no event at all: who sent it is shown why
        if taken.fault is None and (refusal := await self._put(exchange)):
            return refusal
        if fault is not None:
            return refuse(400, fault.reason, fault.detail)
        if taken.types and taken.types.isdisjoint(self.intake.types):
            return refuse(501, "UNSUPPORTED_EVENT_TYPE", f"no mapping takes {' or '.join(sorted(taken.types))} events")
        return TAKEN

    def _knows(self, key: str) -> bool:
        return not self._write_keys or is_one_of(key, self._write_keys)

    def _take(self, exchange: _Exchange, body: bytes) -> Taken:
        taken = exchange.taken = self.intake.take(exchange.request.path, body, received_at=self._clock())
        exchange.share.hold(sum(len(job.raw) for job in taken.jobs))  # more than the body, when it was zipped
        return taken

    async def _put(self, exchange: _Exchange) -> Answer | None:
        """Put everything into the queue; None when it is there, else the answer that says when to come again."""
        taken = exchange.taken
        if not taken.jobs and not taken.filtered:
            exchange.is_put = True
            return None
        putting = asyncio.ensure_future(self._queue.put(taken.jobs, now=self._clock(), filtered=taken.filtered))
        self._puts.add(putting)
        putting.add_done_callback(self._puts.discard)
        done = await asyncio.shield(putting)  # who is cancelled here leaves a whole put behind, not half of one
        if isinstance(done, Full):
            what = "the disk is nearly full" if done.cause == "disk" else "too many events are waiting"
            return come_again(self._retry_after, "back_pressure", f"{what}; send it again later")
        exchange.receipt, exchange.is_put = done, True
        return None
