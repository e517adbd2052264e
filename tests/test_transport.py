"""The transport over real sockets on loopback: what it sends, and what it makes of every misbehaviour of a peer."""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import vcr  # type: ignore[import-untyped]  # vcrpy ships no types

from connector.rupt import Credentials, Failure, Request, Response
from connector.transport import LONGEST_ANSWER, Transport, failure_of

PEM = Path(__file__).parent / "samples" / "tls" / "loopback.pem"
ATTACH = Request("POST", "/v2/device/attach", {"user": "user-42", "email": "ada@example.com"})


@dataclass
class Peer:
    """A server that reads whole requests and does with each connection what `act` says."""

    act: Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most: int = 0
    port: int = 0
    scheme: str = "http"

    @property
    def base(self) -> str:
        """The base URL to reach it at."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

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
    server = await asyncio.start_server(peer.handle, "127.0.0.1", 0, ssl=tls)
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
    peer: Peer, request: Request = ATTACH, *, times: int = 1, timeout: float = 5.0
) -> list[Response | Failure]:
    """Send a request to a peer, several times one after the other, over one transport."""

    async def scenario() -> list[Response | Failure]:
        async with serving(peer), Transport(timeout=timeout) as transport:
            return [await transport.send(request, peer.credentials) for _ in range(times)]

    return asyncio.run(scenario())


# ---------------------------------------------------------------------------------------------------------------- sent


def test_request_on_the_wire() -> None:
    """A request is sent with the headers that it has, literally, and no others but what HTTP itself needs."""
    peer = answering(answer(b"{}"))
    exchange(peer)
    head, _, body = peer.requests[0].partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert first == "POST /v2/device/attach HTTP/1.1"
    assert headers == {
        "authorization": "Basic client-1:",
        "content-type": "application/json",
        "accept": "application/json",
        "host": f"127.0.0.1:{peer.port}",
        "content-length": str(len(body)),
    }
    assert body == b'{"user":"user-42","email":"ada@example.com"}'


def test_path_stays_as_it_is() -> None:
    """An encoded path is sent as it is: an id of dots and slashes does not lead elsewhere."""
    peer = answering(answer(b"{}"))
    exchange(peer, Request("POST", "/v3/user/%2E%2E%2Fa%20b%7E%C3%A4/update", {}, auth="secret"))
    assert peer.requests[0].startswith(b"POST /v3/user/%2E%2E%2Fa%20b%7E%C3%A4/update HTTP/1.1\r\n")
    assert b"authorization: bearer api-secret\r\n" in peer.requests[0].lower()


def test_get_has_no_body() -> None:
    """A GET is sent without a body."""
    peer = answering(answer(b"[]"))
    exchange(peer, Request("GET", "/v3/user/user-42/devices", {}, auth="secret"))
    assert peer.requests[0].endswith(b"\r\n\r\n")
    assert b"content-length" not in peer.requests[0].lower()


def test_connections_are_kept() -> None:
    """Requests one after the other share a connection."""
    peer = answering(answer(b"{}"))
    exchange(peer, times=5)
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_connections_are_bounded() -> None:
    """There are never more connections than the concurrency says, however many requests wait."""
    peer = answering(answer(b"{}"))

    async def scenario() -> None:
        async with serving(peer), Transport(concurrency=3) as transport:
            found = await asyncio.gather(*(transport.send(ATTACH, peer.credentials) for _ in range(30)))
            assert all(isinstance(one, Response) for one in found)

    asyncio.run(scenario())
    assert (len(peer.requests), peer.most) == (30, 3)


def test_cookies_are_not_kept() -> None:
    """A cookie that Rupt sets is not sent back."""
    peer = answering(answer(b"{}", "200 OK", "Set-Cookie: session=1; Path=/"))

    async def scenario() -> None:
        async with serving(peer), Transport() as transport:
            by_name = Credentials("client-1", None, f"http://localhost:{peer.port}")  # cookies are not kept for numbers
            await transport.send(ATTACH, by_name)
            await transport.send(ATTACH, by_name)

    asyncio.run(scenario())
    assert b"cookie" not in peer.requests[1].lower()


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not used: credentials go to Rupt and to nobody else."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    peer = answering(answer(b"{}"))
    assert isinstance(exchange(peer)[0], Response)


def test_bad_credentials_are_not_sent() -> None:
    """A credential that no header can carry is an error, and no request."""
    peer = answering(answer(b"{}"))

    async def scenario() -> None:
        async with serving(peer), Transport() as transport:
            with pytest.raises(ValueError, match="no header can carry"):
                await transport.send(ATTACH, Credentials("client\r\nx-evil: 1", None, peer.base))

    asyncio.run(scenario())
    assert peer.connections == 0


# ------------------------------------------------------------------------------------------------------------ answered


def test_answer() -> None:
    """An answer has its status, its headers under lower-case names, and its body."""
    peer = answering(answer(b'{"message":"slow down"}', "429 Too Many Requests", "Retry-After: 7"))
    (found,) = exchange(peer)
    assert found == Response(429, {"content-length": "23", "retry-after": "7"}, b'{"message":"slow down"}')


def test_answer_in_pieces() -> None:
    """A body that comes in pieces is put together."""
    peer = answering(
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n', b"3\r\n:1}\r\n", b"0\r\n\r\n"
    )
    (found,) = exchange(peer)
    assert isinstance(found, Response)
    assert found.body == b'{"a":1}'


def test_no_content() -> None:
    """A 204 has an empty body, and its connection is kept."""
    peer = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
    found = exchange(peer, times=2)
    assert found == [Response(204, {}, b"")] * 2
    assert peer.connections == 1


def test_redirects_are_not_followed() -> None:
    """A redirect is an answer like any other: nothing is sent elsewhere."""
    peer = answering(answer(b"", "302 Found", "Location: /elsewhere"))
    (found,) = exchange(peer)
    assert isinstance(found, Response)
    assert (found.status, found.headers["location"], len(peer.requests)) == (302, "/elsewhere", 1)


def test_a_huge_answer_is_cut() -> None:
    """Of an answer without end only the first MiB is read; the next request has a new connection."""
    peer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 800000000\r\n\r\n", *[b"x" * 100_000] * 8_000)
    found = exchange(peer, times=2)
    assert [len(one.body) if isinstance(one, Response) else one for one in found] == [LONGEST_ANSWER] * 2
    assert peer.connections == 2


def test_a_zip_bomb_is_cut() -> None:
    """Of an answer that unzips to far more than it weighs only the first MiB is read."""
    peer = answering(answer(gzip.compress(bytes(64 << 20)), "200 OK", "Content-Encoding: gzip"))
    (found,) = exchange(peer)
    assert isinstance(found, Response)
    assert len(found.body) == LONGEST_ANSWER


# -------------------------------------------------------------------------------------------------------- not answered


def test_refused() -> None:
    """Where nobody listens the request surely did not leave."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def scenario() -> Response | Failure:
        async with Transport() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"http://127.0.0.1:{port}"))

    assert asyncio.run(scenario()) == Failure("network", "connection refused", may_have_left=False)


def test_reset() -> None:
    """A connection that is reset after the request may have carried it to its end."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    assert exchange(Peer(act)) == [Failure("network", "connection reset by peer")]


def test_closed_without_an_answer() -> None:
    """A connection that is closed after the request may have carried it; it is not sent a second time."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)

    peer = Peer(act)
    assert exchange(peer) == [Failure("network", "connection closed without an answer")]
    assert len(peer.requests) == 1


def test_a_kept_connection_is_closed() -> None:
    """Nor is it sent a second time when the connection that breaks is one that was kept."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await peer.read(reader):
            writer.write(answer(b"{}"))
        await peer.read(reader)

    peer = Peer(act)
    first, second = exchange(peer, times=2)
    assert isinstance(first, Response)
    assert second == Failure("network", "connection closed without an answer")
    assert (len(peer.requests), peer.connections) == (2, 1)


def test_a_stalled_answer() -> None:
    """When no answer comes in time the request may have landed."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        await reader.read()

    assert exchange(Peer(act), timeout=0.2) == [Failure("timeout", "no answer in time")]


def test_a_stalled_body() -> None:
    """The timeout is for the whole answer: one that starts and does not end is none."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await reader.read()

    assert exchange(Peer(act), timeout=0.2) == [Failure("timeout", "no answer in time")]


def test_no_connection_in_time() -> None:
    """When there is no connection in time, the TLS handshake included, the request surely did not leave."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # a peer that never answers the handshake

    async def scenario() -> Response | Failure:
        async with serving(Peer(act)) as peer, Transport(timeout=0.2) as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"https://127.0.0.1:{peer.port}"))

    assert asyncio.run(scenario()) == Failure("timeout", "no connection in time", may_have_left=False)


def test_a_truncated_answer() -> None:
    """An answer that is cut short is no answer."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"success":true')

    assert exchange(Peer(act)) == [Failure("network", "answer cut short")]


def test_no_http() -> None:
    """What does not speak HTTP has not answered."""
    assert exchange(answering(b"220 mail.example.com ESMTP\r\n")) == [Failure("network", "answer is not HTTP")]


@pytest.mark.parametrize(
    "base", ["http://u:hunter2@127.0.0.1:1", "http://127.0.0.1:99999", "http://a..b", "ftp://127.0.0.1", "127.0.0.1"]
)
def test_an_address_that_cannot_be_used(base: str) -> None:
    """An address that no request can go to is a failure that shows nothing of it."""

    async def scenario() -> Response | Failure:
        async with Transport() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, base))

    assert asyncio.run(scenario()) == Failure("network", "the address cannot be used", may_have_left=False)


def test_a_cancelled_request_frees_its_connection() -> None:
    """Who gives up a request leaves the transport as good as before."""

    async def scenario() -> None:
        arrived = asyncio.Event()

        async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await peer.read(reader)
            if peer.connections == 1:
                arrived.set()
                await reader.read()
            else:
                writer.write(answer(b"{}"))

        async with serving(Peer(act)) as peer, Transport(concurrency=1) as transport:
            given_up = asyncio.ensure_future(transport.send(ATTACH, peer.credentials))
            await arrived.wait()
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert isinstance(await transport.send(ATTACH, peer.credentials), Response)

    asyncio.run(scenario())


KEY = cast(aiohttp.client_reqrep.ConnectionKey, None)  # its fields differ from release to release; none is looked at


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown")),
            Failure("network", "host name not found", False),
        ),
        (aiohttp.ClientConnectorError(KEY, OSError(113, "")), Failure("network", "no route to host", False)),
        (aiohttp.ClientConnectorError(KEY, OSError("Multiple exceptions")), Failure("network", "no connection", False)),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError()), Failure("network", "TLS handshake failed", False)),
        (aiohttp.ClientOSError(32, "Broken pipe"), Failure("network", "broken pipe")),
        (aiohttp.ClientConnectionResetError("Cannot write"), Failure("network", "connection broken")),
    ],
)
def test_rare_errors(error: Exception, failure: Failure) -> None:
    """Errors that loopback does not make are told by what is known of them, and name no host."""
    assert failure_of(error) == failure


# ----------------------------------------------------------------------------------------------------------------- TLS


def over_tls(transport: Transport) -> Response | Failure:
    """Send a request to a peer with the tests' own certificate."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(PEM)

    async def scenario() -> Response | Failure:
        async with serving(answering(answer(b"{}")), server) as peer, transport:
            return await transport.send(ATTACH, peer.credentials)

    return asyncio.run(scenario())


def test_a_certificate_that_nobody_trusts() -> None:
    """To a peer whose certificate is not trusted nothing is sent."""
    found = over_tls(Transport())
    assert found == Failure("network", "TLS certificate: self-signed certificate", may_have_left=False)


def test_a_certificate_that_is_trusted() -> None:
    """With a context that trusts it, the same peer is talked to."""
    found = over_tls(Transport(tls=ssl.create_default_context(cafile=str(PEM))))
    assert isinstance(found, Response)
    assert found.status == 200


def test_no_tls() -> None:
    """A peer that does not speak TLS gets nothing."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"", "400 Bad Request"))

    async def scenario() -> Response | Failure:
        async with serving(Peer(act)) as peer, Transport() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"https://127.0.0.1:{peer.port}"))

    assert asyncio.run(scenario()) == Failure("network", "TLS handshake failed", may_have_left=False)


# ------------------------------------------------------------------------------------------------------------ cassettes


def test_a_cassette_records_and_plays(tmp_path: Path) -> None:
    """vcrpy can record the transport's requests and play the answers back when nobody listens any more."""
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), filter_headers=["authorization"])
    peer = answering(answer(b'{"success":true}', "200 OK", "X-Kind: recorded"))
    with recorder.use_cassette("attach.yaml"):
        recorded = exchange(peer)
    assert "client-1" not in (tmp_path / "attach.yaml").read_text()

    async def played() -> Response | Failure:
        async with Transport() as transport:
            return await transport.send(ATTACH, peer.credentials)

    with recorder.use_cassette("attach.yaml", record_mode="none") as cassette:
        assert [asyncio.run(played())] == recorded
        assert cassette.play_count == 1
    assert len(peer.requests) == 1
