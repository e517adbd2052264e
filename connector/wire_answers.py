"""One connection of HTTP/1.1: the bytes of a request go out, and a Response comes back, or the Failure that is instead.

httptools reads the answers. It connects nothing, sends nothing twice, and asks for no compression, but undoes it.
"""

import asyncio
import os
import ssl
import zlib
from typing import Final, cast

import httptools

from connector.rupt import Failure, Response

LONGEST_ANSWER: Final = 1 << 20  # bytes; what is longer is cut there, and its connection closed
LONGEST_HEAD: Final = 1 << 16  # bytes of an answer that are no body, such as headers, before it is taken for none
KEPT: Final = 15.0  # seconds for which an unused connection is kept; servers close theirs later

_CHUNK: Final = 64  # bytes around a chunk of a body that are not counted as a head's
_NO_ANSWER: Final = Failure("timeout", "no answer in time")
_NOT_SENT: Final = Failure("network", "no connection", False)
_CLOSED: Final = Failure("network", "connection closed without an answer")
_CUT_SHORT: Final = Failure("network", "answer cut short")
_NO_HTTP: Final = Failure("network", "answer is not HTTP")


class Connection(asyncio.Protocol):
    """One connection, which asyncio makes: at most one request at a time, and its answer. `lost` is done when it ends.

    One timer serves all of its requests, and closes it when none has come for a while: a timer is set anew only when it
    rings, for requests seldom last as long as they may.
    """

    lost: asyncio.Future[None]
    _transport: asyncio.Transport
    _alarm: asyncio.TimerHandle

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[Response | Failure] | None = None
        self._keeps = True
        self._rings = self._due = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self._spare = LONGEST_HEAD
        self._begun = False
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def ask(self, text: bytes, deadline: float) -> asyncio.Future[Response | Failure]:
        """Send a request's bytes; the future is its answer, or what there is instead at the deadline.

        Who gives up the future has to close the connection.
        """
        self._waiter = waiter = self._loop.create_future()
        if not self._keeps or self._transport.is_closing():  # it broke right after it was made
            self._end(_NOT_SENT, keeps=False)
            return waiter
        self._spare, self._due = LONGEST_HEAD, deadline
        if deadline < self._rings:
            self._alarm.cancel()
            self._set_alarm()
        self._transport.write(text)
        return waiter

    def is_free(self) -> bool:
        """Say whether another request can be sent."""
        return self._keeps and self._waiter is None and not self._transport.is_closing()

    def rest(self) -> None:
        """Begin to wait for another request."""
        self._due = self._loop.time() + KEPT

    def close(self) -> None:
        """Close at once, if it is open; a request that waits for its answer is told so."""
        self._keeps = False
        self._transport.abort()

    def _set_alarm(self) -> None:
        self._rings = self._due
        self._alarm = self._loop.call_at(self._due, self._ring)

    def _ring(self) -> None:
        if self._loop.time() < self._due:
            self._set_alarm()
        else:
            self._end(_NO_ANSWER, keeps=False)
            self.close()

    def _end(self, found: Response | Failure, *, keeps: bool) -> None:
        waiter, self._waiter = self._waiter, None
        self._keeps = self._keeps and keeps
        if waiter is not None and not waiter.done():
            waiter.set_result(found)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the first request may take its time."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none, but does the same
        self.lost = self._loop.create_future()
        self.rest()
        self._set_alarm()

    def data_received(self, data: bytes) -> None:
        """Read on; what comes unasked ends the connection, for nobody knows whose answer it is."""
        if self._waiter is None:
            return self.close()
        self._spare -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._end(_NO_HTTP, keeps=False)
        if self._spare < 0:
            self._end(_NO_HTTP, keeps=False)
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits what that means: an answer without a length ends with its connection."""
        if not self._begun:
            self._end(_CLOSED if exc is None else Failure("network", words(exc, "connection broken")), keeps=False)
        elif exc is None and self._is_open_ended():
            self._end(self._answer(), keeps=False)
        else:
            self._end(_CUT_SHORT, keeps=False)
        self._alarm.cancel()
        self.lost.set_result(None)
        del self._parser  # the two hold each other

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin an answer; one that nobody has asked for, behind another, spoils the connection."""
        self._keeps = self._keeps and self._waiter is not None
        self._headers, self._body, self._begun = {}, bytearray(), False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes behind a body is none."""
        if not self._begun:
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """Note that there is an answer, and a body may follow."""
        self._begun = True

    def on_body(self, part: bytes) -> None:
        """Take a part of the body, unless that is too long already."""
        self._spare += len(part) + _CHUNK
        self._body += part
        if len(self._body) >= LONGEST_ANSWER:
            self._end(self._answer(), keeps=False)
            self._body.clear()

    def on_message_complete(self) -> None:
        """Hand over the answer; after a 1xx another follows."""
        self._begun = False
        if self._parser.get_status_code() >= 200 and self._waiter is not None:
            keeps = self._parser.should_keep_alive() and not self._transport.get_write_buffer_size()
            self._end(self._answer(), keeps=keeps)  # not after an answer that came before all of the request was sent

    def _is_open_ended(self) -> bool:
        coding = self._headers.get("transfer-encoding")
        return "content-length" not in self._headers if coding is None else not coding.lower().endswith("chunked")

    def _answer(self) -> Response | Failure:
        body = bytes(self._body[:LONGEST_ANSWER])
        if body and self._headers.get("content-encoding", "").lower() in ("gzip", "x-gzip", "deflate"):
            try:
                body = _unzip(body)
            except zlib.error:
                return _CUT_SHORT
        return Response(self._parser.get_status_code(), self._headers, body)


def _unzip(body: bytes) -> bytes:
    is_wrapped = body[0] & 0x0F in (8, 0x0F)  # RFC 1950's first byte, or RFC 1952's; some servers send neither
    unzip = zlib.decompressobj(wbits=47 if is_wrapped else -15)
    found = unzip.decompress(body, LONGEST_ANSWER)
    if not unzip.eof and len(body) < LONGEST_ANSWER and len(found) < LONGEST_ANSWER:
        raise zlib.error("it ends too early")
    return found


def words(error: Exception, otherwise: str) -> str:
    """Say what went wrong in the system's words, if they are any: the library's may name hosts and addresses."""
    number = error.errno if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
    return os.strerror(number).lower() if number and number > 0 else otherwise
