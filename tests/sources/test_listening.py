import asyncio
import signal
import socket

import httpx
import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.errors import UsageError
from connector.sources.listening import Bounds, listening, open_socket
from tests.sources.reception import exchange, run

BOUNDS = Bounds(stop_within=1)
HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
both_protocols = pytest.mark.parametrize("protocol", [AutoHTTPProtocol, H11Protocol], ids=["auto", "h11"])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer everything with its path."""
    body = scope["path"].encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Waiting:
    """An app that answers when it is told to."""

    def __init__(self) -> None:
        self.entered, self.gate = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, and answer."""
        self.entered.set()
        await self.gate.wait()
        await app(scope, receive, send)


# Where it listens


def test_it_listens_on_a_free_port() -> None:
    """The URL is told, and answers have neither a Server header nor a delay."""

    async def check() -> None:
        async with listening(app, bounds=BOUNDS) as listener, httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{listener.url}/a")
            assert (answer.text, listener.url) == ("/a", f"http://127.0.0.1:{listener.port}")
            assert "server" not in answer.headers
            assert "date" in answer.headers

    run(check())


@pytest.mark.parametrize("host", ["::1", "[::1]", "::"])
def test_ipv6(host: str) -> None:
    """With brackets or without; `::` takes IPv4 as well."""

    async def check() -> None:
        async with listening(app, host=host, bounds=BOUNDS) as listener, httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://[::1]:{listener.port}/a")).text == "/a"
            if host == "::":
                assert (await client.get(f"http://127.0.0.1:{listener.port}/a")).text == "/a"
            assert listener.url.startswith("http://[::")

    run(check())


def test_answers_are_not_delayed() -> None:
    """The socket is of TCP by name: asyncio turns Nagle's algorithm off for such only."""
    with open_socket("127.0.0.1", 0) as found:
        assert found.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken() -> None:
    """The error names the address and what to do."""
    with open_socket("127.0.0.1", 0) as found:
        port = found.getsockname()[1]
        words = rf"cannot listen on 127\.0\.0\.1:{port}: .*in use; stop what listens there, or give another --port"
        with pytest.raises(UsageError, match=words):
            open_socket("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port"), [("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no.such.host.invalid", 0), ("::g", 0)]
)
def test_an_address_that_is_none(host: str, port: int) -> None:
    """Every reason why it cannot listen is a UsageError."""
    with pytest.raises(UsageError, match="cannot listen on"):
        open_socket(host, port)


# Slow and many clients


@both_protocols
@pytest.mark.parametrize("sent", [b"", b"GE", HEAD])
def test_a_slow_head(protocol: type[asyncio.Protocol], sent: bytes) -> None:
    """A head that is not whole in time ends its connection; it does not matter how it trickles in."""

    async def check() -> None:
        bounds = Bounds(head_timeout=0.05, stop_within=1)
        async with listening(app, bounds=bounds, protocol=protocol) as listener:
            assert (await exchange(listener.port, sent)).startswith(b"HTTP/1.1 408 ")

    run(check())


@both_protocols
def test_a_slow_second_head(protocol: type[asyncio.Protocol]) -> None:
    """A connection that has answered once is bounded too."""

    async def check() -> None:
        bounds = Bounds(head_timeout=0.05, stop_within=1)
        async with listening(app, bounds=bounds, protocol=protocol) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEAD + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n/")).startswith(b"HTTP/1.1 200 ")
            writer.write(HEAD)
            assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
            writer.close()

    run(check())


@both_protocols
def test_a_slow_app_is_no_slow_head(protocol: type[asyncio.Protocol]) -> None:
    """Once a request is there, its answer may take longer."""

    async def check() -> None:
        waiting, bounds = Waiting(), Bounds(head_timeout=0.02, stop_within=1)
        async with listening(waiting, bounds=bounds, protocol=protocol) as listener:
            asked = asyncio.create_task(exchange(listener.port, HEAD + b"connection: close\r\n\r\n"))
            await waiting.entered.wait()
            assert await exchange(listener.port, b"") != b""  # by then the time for a head has gone by
            waiting.gate.set()
            assert (await asked).startswith(b"HTTP/1.1 200 ")

    run(check())


@both_protocols
def test_a_long_head(protocol: type[asyncio.Protocol]) -> None:
    """A head without end is cut off."""

    async def check() -> None:
        async with listening(app, bounds=BOUNDS, protocol=protocol) as listener:
            answer = await exchange(listener.port, HEAD + b"x: " + b"y" * 70_000)
            assert answer.split()[1:2] in ([b"431"], [b"400"])  # h11 has a bound of its own

    run(check())


def test_too_many_connections() -> None:
    """One more than may be is told to come again; when one has gone there is room."""

    async def check() -> None:
        async with listening(app, bounds=Bounds(connections=1, stop_within=1)) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEAD + b"\r\n")
            await reader.readuntil(b"\r\n\r\n/")
            answer = await exchange(listener.port, b"")
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 5" in answer
            writer.write(HEAD + b"connection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()
            assert (await exchange(listener.port, HEAD + b"connection: close\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    run(check())


# The end


@both_protocols
def test_requests_in_flight_are_finished(protocol: type[asyncio.Protocol]) -> None:
    """At the end nothing new is accepted, idle connections are closed, and who was heard is answered."""

    async def check() -> None:
        waiting = Waiting()
        async with listening(waiting, bounds=BOUNDS, protocol=protocol) as listener:
            asked = asyncio.create_task(exchange(listener.port, HEAD + b"\r\n"))
            idle = asyncio.create_task(exchange(listener.port, b""))
            await waiting.entered.wait()
            asyncio.get_running_loop().call_later(0.05, waiting.gate.set)
        assert (await asked).startswith(b"HTTP/1.1 200 ")
        assert await idle == b""
        with pytest.raises(ConnectionRefusedError):
            await exchange(listener.port, HEAD)

    run(check())


def test_what_takes_too_long_is_cut_off() -> None:
    """The time for the end may be set while it runs."""

    async def check() -> bytes:
        waiting = Waiting()
        async with listening(waiting, bounds=Bounds(stop_within=1_000)) as listener:
            asked = asyncio.create_task(exchange(listener.port, HEAD + b"\r\n"))
            await waiting.entered.wait()
            listener.stop_within = 0
        return await asked

    assert b"HTTP/1.1 200 " not in run(check())


def test_signals_are_left_alone() -> None:
    """Whoever runs the server decides what a signal means."""

    async def check() -> None:
        before = signal.getsignal(signal.SIGTERM)
        async with listening(app, bounds=BOUNDS) as listener, httpx.AsyncClient(trust_env=False) as client:
            await client.get(listener.url)
            assert signal.getsignal(signal.SIGTERM) is before

    run(check())
