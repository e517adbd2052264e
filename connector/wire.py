"""Requests over kept connections of HTTP/1.1, as cheap as asyncio makes them: a Request in, a Response or Failure out.

It does what connector.transport does, on asyncio's loop and on uvloop, and decides nothing either: no retry of what may
have left, no redirect, no cookie, no proxy or password from the environment, and it cannot be recorded by vcrpy.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from functools import cache
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

import aiohappyeyeballs

from connector import rupt
from connector.rupt import Credentials, Failure, Request, Response
from connector.wire_answers import Connection, words

ADDRESSES_KEPT: Final = 10.0  # seconds for which a host name is not looked up again
_NEXT_ADDRESS: Final = 0.25  # seconds until the next address is tried beside one that does not answer (RFC 8305 §5)
_PORTS: Final = {"http": 80, "https": 443}
_NOT_IN_BASE: Final = frozenset("?#\\ \t\r\n")  # urlsplit takes some of them out unsaid

_UNUSABLE: Final = Failure("network", "the address cannot be used", False)
_NO_CONNECTION: Final = Failure("timeout", "no connection in time", False)


class Place(NamedTuple):
    """Where a base URL leads: `path` comes before every request's, `name` is the Host header."""

    host: str
    port: int
    secure: bool
    path: str
    name: str


class _Pool:
    """What is known of a place: its addresses for a while, and the connections to it that nobody uses, oldest first."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._kept: list[Connection] = []
        self._addresses: Sequence[aiohappyeyeballs.AddrInfoType] = ()
        self._fresh_until = 0.0
        self._looking = asyncio.Lock()  # so that many connections wait for one answer of the name server

    def take(self) -> Connection | None:
        while self._kept:
            connection = self._kept.pop()
            if connection.is_free():
                return connection
        return None

    def keep(self, connection: Connection) -> None:
        connection.rest()
        self._kept.append(connection)

    async def addresses(self, loop: asyncio.AbstractEventLoop) -> Sequence[aiohappyeyeballs.AddrInfoType]:
        async with self._looking:
            if loop.time() >= self._fresh_until:
                host, port, *_ = self.place
                self._addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                self._fresh_until = loop.time() + ADDRESSES_KEPT
        return self._addresses

    def forget_addresses(self) -> None:
        self._fresh_until = 0.0


class Wire:
    """Connections to Rupt, at most `concurrency`, kept open between requests; to be used as an async context.

    `timeout` is in seconds for a whole request; no more than half of it may go by until there is a connection, so that
    a timeout tells whether the request may have left. `tls` replaces the system's certificates. At the end of the
    context requests under way are cut off, and every connection is closed.
    """

    def __init__(self, *, concurrency: int = 64, timeout: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        self._timeout, self._tls = timeout, tls
        self._slots = asyncio.Semaphore(concurrency)
        self._pools: dict[str, _Pool | None] = {}
        self._open: set[Connection] = set()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        for connection in self._open:
            connection.close()
        while self._open:
            await asyncio.wait([connection.lost for connection in self._open])

    async def send(self, request: Request, credentials: Credentials) -> Response | Failure:
        """Send a request once. Raises ValueError, without the value, when a credential cannot stand in a header."""
        headers = rupt.headers(request, credentials)
        pool = self._pool(credentials.base_url)
        text = None if pool is None else print_request(request, headers, pool.place)
        if pool is None or text is None:
            return _UNUSABLE
        start = self._loop.time()
        if not await self._has_slot():
            return _NO_CONNECTION
        try:
            connection = pool.take() or await self._connect(pool, start)
            if isinstance(connection, Failure):
                return connection
            try:
                return await connection.ask(text, start + self._timeout)
            finally:
                if connection.is_free() and not self._is_closed:
                    pool.keep(connection)
                else:
                    connection.close()
        finally:
            self._slots.release()

    async def _has_slot(self) -> bool:
        if not self._slots.locked():
            return await self._slots.acquire()
        try:
            async with asyncio.timeout(self._timeout / 2):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    def _pool(self, base_url: str) -> _Pool | None:
        if base_url not in self._pools:
            place = read_place(base_url)
            self._pools[base_url] = None if place is None else _Pool(place)
        return self._pools[base_url]

    async def _connect(self, pool: _Pool, start: float) -> Connection | Failure:
        try:
            async with asyncio.timeout_at(start + self._timeout / 2):
                connection = await self._open_connection(pool)
        except (OSError, ValueError, RuntimeError) as error:  # TimeoutError is an OSError; uvloop raises RuntimeError
            pool.forget_addresses()
            return failure_of(error)
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        if self._is_closed:
            connection.close()
        return connection

    async def _open_connection(self, pool: _Pool) -> Connection:
        loop, place = self._loop, pool.place
        addresses = await pool.addresses(loop)
        tls = self._tls or system_tls() if place.secure else None
        name = place.host.rstrip(".") if tls else None
        opened = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS, loop=loop)
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop), sock=opened, ssl=tls, server_hostname=name
            )
        except BaseException:
            opened.close()  # where no transport took it
            raise
        return connection


@cache
def system_tls() -> ssl.SSLContext:
    """Trust the system's certificates, and check names; SSL_CERT_FILE and SSL_CERT_DIR name other certificates."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def read_place(base_url: str) -> Place | None:
    """Read a base URL; None when no request can go there, or when it holds more than a place and a path."""
    try:
        parts = urlsplit(base_url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:  # UnicodeError is one
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc or set(base_url) & _NOT_IN_BASE or port == 0:
        return None
    name = f"[{host}]" if ":" in host else host
    usual = _PORTS[parts.scheme]
    shown = name if port in (None, usual) else f"{name}:{port}"
    return Place(host, port or usual, parts.scheme == "https", parts.path.rstrip("/"), shown)


def print_request(request: Request, headers: dict[str, str], place: Place) -> bytes | None:
    """Print a request as it is sent; None when its path cannot stand in a request line.

    The headers are taken as they are: rupt.headers has seen to them.
    """
    line = f"{request.method} {place.path}{request.path} HTTP/1.1"
    if not (line.isascii() and line.isprintable() and line.count(" ") == 2):
        return None
    body = rupt.body(request)
    length = "" if request.method == "GET" else f"content-length: {len(body)}\r\n"
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return f"{line}\r\nhost: {place.name}\r\n{length}{lines}\r\n".encode("ascii") + body


def failure_of(error: Exception) -> Failure:
    """Say why there is no connection."""
    match error:
        case TimeoutError(errno=None):
            return _NO_CONNECTION
        case socket.gaierror():
            return Failure("network", "host name not found", False)
        case ssl.SSLCertVerificationError():
            return Failure("network", f"TLS certificate: {error.verify_message}", False)
        case ssl.SSLError():
            return Failure("network", "TLS handshake failed", False)
        case ValueError():
            return _UNUSABLE
        case _:
            return Failure("network", words(error, "no connection"), False)
