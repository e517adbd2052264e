"""An ASGI app on a socket: for the length of a block, with bounds on what slow and many clients can hold.

uvicorn speaks HTTP, with httptools where that is installed. Here is what it lacks: a time and a size for a request's
head, and an answer to a client that has closed its half. It sets no signal handlers and logs no request.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import msgspec
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from connector.errors import UsageError

KEEP_ALIVE: Final = 75.0  # seconds; a shorter time would now and then close a connection just as a client reuses it
HEAD_TIMEOUT: Final = 10.0  # seconds for a request's line and headers
_MOST_HEAD: Final = 64 * 1024  # bytes of them
_BACKLOG: Final = 2048
_LOOK_EVERY: Final = 0.01  # seconds between two looks whether all is finished
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Bounds(msgspec.Struct, frozen=True):
    """How many connections at a time; in seconds, how long a request may take for its head, and at the end."""

    connections: int = 1_000
    head_timeout: float = HEAD_TIMEOUT
    stop_within: float = 25.0


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
        self._head_size, self._head_timer = 0, None

    _head_size: int
    _head_timer: asyncio.TimerHandle | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.bounds.connections:
            self._end(_FULL)
        else:
            self._await_head()

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
