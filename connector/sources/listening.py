"""An ASGI app on a socket: for the length of a block, with bounds on what slow and many clients can hold.

uvicorn speaks HTTP, with httptools where that is installed. Here is what it lacks: a time and a size for a request's
head, room for a new connection in place of an idle one, and an answer to a client that has closed its half. It sets no
signal handlers and logs no request.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from http import HTTPStatus
from typing import Any, Final

import msgspec
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from connector.errors import UsageError
from connector.sources.answers import Answer, Cors, all_headers, refuse

KEEP_ALIVE: Final = 75.0  # seconds; a shorter time would now and then close a connection just as a client reuses it
HEAD_TIMEOUT: Final = 10.0  # seconds for a request's line and headers
_MOST_HEAD: Final = 64 * 1024  # bytes of them
_BACKLOG: Final = 2048
_LOOK_EVERY: Final = 0.01  # seconds between two looks whether all is finished


def _written(answer: Answer) -> bytes:
    """Write an answer to a request that no app gets to see, so that a page's script of any origin can read it."""
    headers = all_headers(answer, Cors(("*",)).headers(b""))
    lines = [b"HTTP/1.1 %d %b" % (answer.status, HTTPStatus(answer.status).phrase.encode())]
    return b"\r\n".join([*lines, *(b"%b: %b" % header for header in headers), b"", answer.body])


_FULL: Final = _written(
    refuse(
        503,
        "too_many_connections",
        "too many connections are open; send it again later",
        (b"retry-after", b"5"),
        closes=True,
    )
)
_TOO_SLOW: Final = _written(refuse(408, "request_timeout", "the request's headers did not arrive in time", closes=True))
_TOO_LONG: Final = _written(
    refuse(431, "headers_too_large", f"the request's headers have more than {_MOST_HEAD:,} bytes", closes=True)
)
_MALFORMED: Final = _written(refuse(400, "bad_request", "this is not HTTP/1.1 as it should be", closes=True))


class Bounds(msgspec.Struct, frozen=True):
    """How many connections at a time; in seconds, how long a request may take for its head, and at the end.

    `grace` is for how many seconds a connection without a whole head keeps its place when others want it.
    """

    connections: int = 1_000
    head_timeout: float = HEAD_TIMEOUT
    stop_within: float = 25.0
    grace: float = 1.0


DEFAULT_BOUNDS: Final = Bounds()


class Listener:
    """A server that listens. `stop_within` is how many seconds requests in flight have at its end."""

    def __init__(self, url: str, port: int, stop_within: float) -> None:
        self.url, self.port, self.stop_within = url, port, stop_within


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs it decides when it ends, and it ends at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stop_within = 0.0
        self._told = asyncio.Event()

    def stop(self, *, within: float) -> None:
        """Begin the end, which takes at most so many seconds."""
        self.should_exit, self.stop_within = True, within
        self._told.set()

    async def main_loop(self) -> None:
        """Keep the answers' date right until told to stop."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let requests in flight be finished for `stop_within` seconds, and cut off what is left."""
        for server in self.servers:
            server.close()
        for listener_socket in sockets or []:
            listener_socket.close()
        state, loop = self.server_state, asyncio.get_running_loop()
        for connection in list(state.connections):
            connection.shutdown()  # at once when it is idle, else after its answer
        end = loop.time() + self.stop_within
        while (state.connections or state.tasks) and loop.time() < end:
            await asyncio.sleep(_LOOK_EVERY)
        for task in (late := list(state.tasks)):
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for connection in list(state.connections):
            connection.transport.abort()


class _Bounded(asyncio.Protocol):
    """What is put in front of uvicorn's protocols; they keep the connection and the request in these attributes."""

    bounds: Bounds
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    connections: set[object]
    cycle: Any  # the request that is being read or answered, the last one, or None

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._head_size, self._head_timer, self._idle_from = 0, None, 0.0

    _head_size: int
    _idle_from: float  # the loop's time from which it may give way to another, unless a request is in progress
    _head_timer: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection; when there are too many, the longest idle one gives way, and only else this one."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections and not self._make_room():
            self.connections.discard(self)
            self._end(_FULL)
        else:
            self._await_head()

    def _make_room(self) -> bool:
        now = self.loop.time()
        others = (other for other in self.connections if isinstance(other, _Bounded) and other is not self)
        idle = [other for other in others if other.is_idle(now)]
        if not idle:
            return False
        longest = min(idle, key=lambda other: other._idle_from)
        self.connections.discard(longest)  # at once, for it is lost only later
        longest.transport.close()
        return True

    def is_idle(self, now: float) -> bool:
        """Whether it may be closed for another: it has no request in progress, nor had a moment ago to begin one."""
        return not self._is_busy() and self._idle_from <= now

    def data_received(self, data: bytes) -> None:
        """Take what has come, and see whether a request's head is being waited for."""
        super().data_received(data)
        if self._is_busy():
            self._forget_head()
            return
        self._head_size += len(data)
        if self._head_size > _MOST_HEAD:
            self._end(_TOO_LONG)
        elif self._head_timer is None:
            self._await_head()

    def on_response_complete(self) -> None:
        """Take note of since when it is idle."""
        super().on_response_complete()  # type: ignore[misc]  # uvicorn's protocols have it
        self._idle_from = self.loop.time()

    def send_400_response(self, _message: str) -> None:
        """Answer what is no HTTP as every other request that is refused."""
        self._end(_MALFORMED)

    def _unsupported_upgrade_warning(self) -> None:
        """Answer as if no upgrade were asked for, and say nothing of it; what follows may be in another protocol."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def eof_received(self) -> bool:
        """Keep the connection for the answer when the client has closed its half after a whole request."""
        if not self._is_busy() or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget_head()
        super().connection_lost(exc)

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._idle_from = self.loop.time() + self.bounds.grace
        self._head_timer = self.loop.call_later(self.bounds.head_timeout, self._end, _TOO_SLOW)

    def _forget_head(self) -> None:
        self._head_size = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


@asynccontextmanager
async def listening(
    app: ASGIApp,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    bounds: Bounds = DEFAULT_BOUNDS,
    protocol: type[asyncio.Protocol] = AutoHTTPProtocol,
) -> AsyncIterator[Listener]:
    """Serve an app while the block runs, on a free port for 0; at its end requests in flight are finished.

    Raises UsageError when it cannot listen there.
    """
    listener_socket = open_socket(host, port)
    address = listener_socket.getsockname()
    shown = f"[{address[0]}]" if listener_socket.family == socket.AF_INET6 else address[0]
    listener = Listener(f"http://{shown}:{address[1]}", address[1], bounds.stop_within)
    server = _Server(_configure(app, type("Protocol", (_Bounded, protocol), {"bounds": bounds})))
    serving = asyncio.create_task(server.serve(sockets=[listener_socket]))
    try:
        yield listener
    finally:
        server.stop(within=listener.stop_within)
        await serving


def _configure(app: ASGIApp, protocol: type[asyncio.Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=int(KEEP_ALIVE),
    )


def open_socket(host: str, port: int) -> socket.socket:
    """Open a listening socket; `::` takes IPv4 as well. Raises UsageError.

    asyncio turns Nagle's delay (40 ms an answer) off only when TCP is named here.
    """
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        found.bind((host, port))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        raise _cannot_listen(host, port, error) from None
    return found


def _cannot_listen(host: str, port: int, error: OSError | OverflowError) -> UsageError:
    hint = _HINTS.get(getattr(error, "errno", None) or 0, "")
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return UsageError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}{hint}")


_HINTS: Final = {
    errno.EADDRINUSE: "; stop what listens there, or give another --port",
    errno.EACCES: "; ports below 1024 are for root: give another --port",
    errno.EADDRNOTAVAIL: "; give a --host that this machine has, or 0.0.0.0 for all",
}
