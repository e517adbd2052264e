import asyncio
import json
import signal
import socket
from http import HTTPStatus

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


CLOSING = HEAD + b"connection: close\r\n\r\n"


async def keep_open(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request, read its answer, and leave the connection open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"\r\n")
    await reader.readuntil(b"\r\n\r\n/")
    return reader, writer


def check_refusal(answer: bytes, status: int, code: str) -> None:
    """An answer has a JSON body that a page's script of any origin can read, and is the connection's last."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert first == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    assert (headers["content-type"], headers["content-length"]) == ("application/json", str(len(body)))
    assert (headers["access-control-allow-origin"], headers["connection"]) == ("*", "close")
    found = json.loads(body)
    assert (found["code"], found["error"], found["success"]) == (code, HTTPStatus(status).phrase, False)
    assert found["message"]


@both_protocols
def test_an_idle_connection_gives_way(protocol: type[asyncio.Protocol]) -> None:
    """When all places are taken, the connection that has been idle for longest is closed for a new one."""

    async def check() -> None:
        bounds = Bounds(connections=3, stop_within=1)
        async with listening(app, bounds=bounds, protocol=protocol) as listener:
            first, second, third = [await keep_open(listener.port) for _ in range(3)]
            first[1].write(HEAD + b"\r\n")  # so that the second is idle for longest
            await first[0].readuntil(b"\r\n\r\n/")
            fourth = await keep_open(listener.port)
            assert await second[0].read() == b""
            for reader, writer in (first, third, fourth):
                writer.write(CLOSING)
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
                writer.close()
            second[1].close()

    run(check())


def test_many_at_once_get_the_places_of_many_idle_ones() -> None:
    """Each newcomer takes one place, also when several come at the same moment."""

    async def check() -> None:
        async with listening(app, bounds=Bounds(connections=20, stop_within=1)) as listener:
            idle = [await keep_open(listener.port) for _ in range(20)]
            answers = await asyncio.gather(*(exchange(listener.port, CLOSING) for _ in range(10)))
            assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
            answers = await asyncio.gather(*(exchange(listener.port, CLOSING) for _ in range(10)))
            assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in answers)
            assert not idle[-1][0].at_eof()
            for _, writer in idle:
                writer.close()

    run(check())


@pytest.mark.parametrize("sent", [b"", HEAD])
def test_who_does_not_ask_gives_way(sent: bytes) -> None:
    """A connection without a whole head keeps its place for a moment only."""

    async def check(grace: float) -> bytes:
        async with listening(app, bounds=Bounds(connections=1, stop_within=1, grace=grace)) as listener:
            _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(sent)
            answer = await exchange(listener.port, CLOSING)
            writer.close()
            return answer

    assert run(check(0)).startswith(b"HTTP/1.1 200 ")
    check_refusal(run(check(60)), 503, "too_many_connections")


@both_protocols
def test_too_many_connections(protocol: type[asyncio.Protocol]) -> None:
    """When all are busy, one more is told to come again; when one is idle there is room."""

    async def check() -> None:
        waiting, bounds = Waiting(), Bounds(connections=1, stop_within=1, grace=0)
        async with listening(waiting, bounds=bounds, protocol=protocol) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEAD + b"\r\n")
            await waiting.entered.wait()
            answer = await exchange(listener.port, b"")
            check_refusal(answer, 503, "too_many_connections")
            assert b"\r\nretry-after: 5\r\n" in answer
            waiting.gate.set()
            await reader.readuntil(b"\r\n\r\n/")
            assert (await exchange(listener.port, CLOSING)).startswith(b"HTTP/1.1 200 ")
            writer.close()

    run(check())


def test_refusals_without_an_app() -> None:
    """What is too slow or too long is told so in the same form as everything else."""

    async def check() -> None:
        async with listening(app, bounds=Bounds(head_timeout=0.05, stop_within=1)) as listener:
            check_refusal(await exchange(listener.port, HEAD), 408, "request_timeout")
        async with listening(app, bounds=BOUNDS) as listener:
            check_refusal(await exchange(listener.port, HEAD + b"x: " + b"y" * 70_000), 431, "headers_too_large")

    run(check())


@both_protocols
@pytest.mark.parametrize(
    "sent",
    [
        b"what is this\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_http(protocol: type[asyncio.Protocol], sent: bytes) -> None:
    """It is a 400 in JSON, whatever speaks HTTP, and the last of its connection."""

    async def check() -> None:
        async with listening(Waiting(), bounds=BOUNDS, protocol=protocol) as listener:
            check_refusal(await exchange(listener.port, sent), 400, "bad_request")

    run(check())


@both_protocols
@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_upgrades(protocol: type[asyncio.Protocol], upgrade: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Who asks for another protocol is answered in this one, and nothing is logged."""

    async def check() -> None:
        asks = b"connection: upgrade\r\nupgrade: %b\r\ncontent-length: 2\r\n\r\n{}" % upgrade
        async with listening(app, bounds=BOUNDS, protocol=protocol) as listener:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(HEAD.replace(b"GET", b"POST") + asks)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            if b"connection: close" not in head:
                await reader.readexactly(1)
                writer.write(CLOSING)
                assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            writer.close()

    run(check())
    assert caplog.records == []


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
