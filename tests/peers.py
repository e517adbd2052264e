"""Peers for the tests of the transports: a server on loopback that behaves as told, and each transport to face it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import uvloop

from connector.rupt import Credentials, Failure, Request, Response
from connector.transport import Transport
from connector.wire import Wire

PEM = Path(__file__).parent / "samples" / "tls" / "loopback.pem"
ATTACH = Request("POST", "/v2/device/attach", {"user": "user-42", "email": "ada@example.com"})

Adapter: TypeAlias = Transport | Wire
Result = TypeVar("Result")


class Rig(NamedTuple):
    """A transport, and the event loop on which it runs."""

    open: Callable[..., Adapter]
    new_loop: Callable[[], asyncio.AbstractEventLoop]

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a scenario from its beginning to its end."""
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(work)


RIGS = {
    "transport": Rig(Transport, asyncio.new_event_loop),
    "transport, uvloop": Rig(Transport, uvloop.new_event_loop),
    "wire": Rig(Wire, asyncio.new_event_loop),
    "wire, uvloop": Rig(Wire, uvloop.new_event_loop),
}


@dataclass
class Peer:
    """A server that reads whole requests and does with each connection what `act` says."""

    act: Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most: int = 0
    port: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"

    @property
    def base(self) -> str:
        """The base URL to reach it at."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def credentials(self) -> Credentials:
        """Credentials that lead to it."""
        return Credentials("client-1", "api-secret", self.base)

    async def read(self, reader: asyncio.StreamReader) -> bool:
        """Read one request, if the client sends another."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        lengths = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        self.requests.append(head + (await reader.readexactly(int(lengths[0])) if lengths else b""))
        return True

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            await self.act(self, reader, writer)
        finally:
            self.open -= 1
            writer.close()
            with suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(peer: Peer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """Let a peer listen on loopback."""
    server = await asyncio.start_server(peer.handle, peer.host, 0, ssl=tls)
    peer.port, peer.scheme = server.sockets[0].getsockname()[1], "https" if tls else "http"
    try:
        yield peer
    finally:
        server.close()
        while peer.open:  # connections end when the client closes them
            await asyncio.sleep(0)


def answering(*parts: bytes) -> Peer:
    """Make a peer that keeps connections and gives every request the same answer, in parts."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await peer.read(reader):
                for part in parts:
                    writer.write(part)
                    await writer.drain()

    return Peer(act)


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Print an answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def exchange(
    rig: Rig, peer: Peer, request: Request = ATTACH, *, times: int = 1, timeout: float = 5.0
) -> list[Response | Failure]:
    """Send a request to a peer, several times one after the other, over one transport."""

    async def scenario() -> list[Response | Failure]:
        async with serving(peer), rig.open(timeout=timeout) as transport:
            return [await transport.send(request, peer.credentials) for _ in range(times)]

    return rig.run(scenario())
