"""The stand-in on a socket: for the length of a block, or until a signal comes."""

import asyncio
import signal
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TextIO

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.errors import UsageError
from connector.twin.app import make_app
from connector.twin.faults import Faults
from connector.twin.stand import StandIn
from connector.twin.state import Project, Twin

_LONGEST_STOP: Final = 3  # seconds for requests in flight when the stand-in stops; nothing in it waits longer
_KEEP_ALIVE: Final = 75  # seconds; a shorter time would now and then close a connection just as a client reuses it


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever runs the stand-in decides when it ends."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield

    def hang_up(self, scope: Scope, at_once: bool) -> None:
        """Close the connection of a request: with a reset, or after what was sent."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, H11Protocol) and connection.client == scope["client"]:
                _close(connection.transport, at_once)


def _close(transport: asyncio.Transport, at_once: bool) -> None:
    if not at_once:
        transport.close()
        return
    linger = struct.pack("ii", 1, 0)  # with no time to linger the kernel sends RST
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


@asynccontextmanager
async def running_twin(
    project: Project | None = None,
    *,
    faults: Faults | None = None,
    log: TextIO | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[StandIn]:
    """Run a stand-in while the block runs, on a free port unless one is given; it takes requests at once.

    Raises UsageError when it cannot listen there.
    """
    stand = StandIn(Twin(project), faults or Faults(), log=log, clock=clock)
    listening = _listen_on(host, port)
    stand.url = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
    server = _Server(_configure(make_app(stand)))
    stand.hang_up = server.hang_up
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield stand
    finally:
        stand.stop()
        server.should_exit = True
        await serving


def _configure(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=H11Protocol,  # whatever else is installed: hang_up knows this one
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_LONGEST_STOP,
    )


def _listen_on(host: str, port: int) -> socket.socket:
    """Open the listening socket; asyncio turns Nagle's delay (40 ms an answer) off only when TCP is named here."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"the stand-in cannot listen on {host}:{port}: {reason}") from None
    return listening


async def serve_twin(
    host: str,
    port: int,
    *,
    project: Project | None = None,
    faults: Faults | None = None,
    log: TextIO | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Run a stand-in until SIGINT or SIGTERM; `ready` is told its URL once it listens.

    Raises UsageError when it cannot listen there.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with running_twin(project, faults=faults, log=log, host=host, port=port) as stand:
            if ready is not None:
                ready(stand.url)
            await stop.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
