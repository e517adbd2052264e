"""Both transports over real sockets on loopback: what they send, and what they make of every misbehaviour of a peer."""

import asyncio
import gzip
import socket
import ssl
import struct
import zlib
from pathlib import Path
from typing import cast

import aiohttp
import pytest
import vcr  # type: ignore[import-untyped]  # vcrpy ships no types

from connector.rupt import Credentials, Failure, Request, Response
from connector.transport import LONGEST_ANSWER, Transport, failure_of
from tests.peers import ATTACH, PEM, RIGS, Adapter, Peer, Rig, answer, answering, exchange, serving


@pytest.fixture(params=list(RIGS))
def rig(request: pytest.FixtureRequest) -> Rig:
    """Give each transport on each event loop."""
    return RIGS[request.param]


# ---------------------------------------------------------------------------------------------------------------- sent


def test_request_on_the_wire(rig: Rig) -> None:
    """A request is sent with the headers that it has, literally, and no others but what HTTP itself needs."""
    peer = answering(answer(b"{}"))
    exchange(rig, peer)
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


def test_path_stays_as_it_is(rig: Rig) -> None:
    """An encoded path is sent as it is: an id of dots and slashes does not lead elsewhere."""
    peer = answering(answer(b"{}"))
    exchange(rig, peer, Request("POST", "/v3/user/%2E%2E%2Fa%20b%7E%C3%A4/update", {}, auth="secret"))
    assert peer.requests[0].startswith(b"POST /v3/user/%2E%2E%2Fa%20b%7E%C3%A4/update HTTP/1.1\r\n")
    assert b"authorization: bearer api-secret\r\n" in peer.requests[0].lower()


def test_get_has_no_body(rig: Rig) -> None:
    """A GET is sent without a body."""
    peer = answering(answer(b"[]"))
    exchange(rig, peer, Request("GET", "/v3/user/user-42/devices", {}, auth="secret"))
    assert peer.requests[0].endswith(b"\r\n\r\n")
    assert b"content-length" not in peer.requests[0].lower()


def test_connections_are_kept(rig: Rig) -> None:
    """Requests one after the other share a connection."""
    peer = answering(answer(b"{}"))
    exchange(rig, peer, times=5)
    assert (len(peer.requests), peer.connections) == (5, 1)


def test_connections_are_bounded(rig: Rig) -> None:
    """There are never more connections than the concurrency says, however many requests wait."""
    peer = answering(answer(b"{}"))

    async def scenario() -> None:
        async with serving(peer), rig.open(concurrency=3) as transport:
            found = await asyncio.gather(*(transport.send(ATTACH, peer.credentials) for _ in range(30)))
            assert all(isinstance(one, Response) for one in found)

    rig.run(scenario())
    assert (len(peer.requests), peer.most) == (30, 3)


def test_cookies_are_not_kept(rig: Rig) -> None:
    """A cookie that Rupt sets is not sent back."""
    peer = answering(answer(b"{}", "200 OK", "Set-Cookie: session=1; Path=/"))

    async def scenario() -> None:
        async with serving(peer), rig.open() as transport:
            by_name = Credentials("client-1", None, f"http://localhost:{peer.port}")  # cookies are not kept for numbers
            await transport.send(ATTACH, by_name)
            await transport.send(ATTACH, by_name)

    rig.run(scenario())
    assert b"cookie" not in peer.requests[1].lower()


def test_the_environment_names_no_proxy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not used: credentials go to Rupt and to nobody else."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    peer = answering(answer(b"{}"))
    assert isinstance(exchange(rig, peer)[0], Response)


def test_bad_credentials_are_not_sent(rig: Rig) -> None:
    """A credential that no header can carry is an error, and no request."""
    peer = answering(answer(b"{}"))

    async def scenario() -> None:
        async with serving(peer), rig.open() as transport:
            with pytest.raises(ValueError, match="no header can carry"):
                await transport.send(ATTACH, Credentials("client\r\nx-evil: 1", None, peer.base))

    rig.run(scenario())
    assert peer.connections == 0


# ------------------------------------------------------------------------------------------------------------ answered


def test_answer(rig: Rig) -> None:
    """An answer has its status, its headers under lower-case names, and its body."""
    peer = answering(answer(b'{"message":"slow down"}', "429 Too Many Requests", "Retry-After: 7"))
    (found,) = exchange(rig, peer)
    assert found == Response(429, {"content-length": "23", "retry-after": "7"}, b'{"message":"slow down"}')


def test_answer_in_pieces(rig: Rig) -> None:
    """A body that comes in pieces is put together."""
    peer = answering(
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n', b"3\r\n:1}\r\n", b"0\r\n\r\n"
    )
    (found,) = exchange(rig, peer)
    assert isinstance(found, Response)
    assert found.body == b'{"a":1}'


def test_no_content(rig: Rig) -> None:
    """A 204 has an empty body, and its connection is kept."""
    peer = answering(b"HTTP/1.1 204 No Content\r\n\r\n")
    found = exchange(rig, peer, times=2)
    assert found == [Response(204, {}, b"")] * 2
    assert peer.connections == 1


def test_an_answer_after_others(rig: Rig) -> None:
    """What a server says on the way (100, 103) is passed over."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"
    peer = answering(early, answer(b"{}"))
    assert exchange(rig, peer, times=2) == [Response(200, {"content-length": "2"}, b"{}")] * 2
    assert peer.connections == 1


def test_an_answer_without_a_length(rig: Rig) -> None:
    """A body without a length ends with its connection."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nX-Kind: open\r\n\r\n{"success":true}')

    peer = Peer(act)
    assert exchange(rig, peer, times=2) == [Response(200, {"x-kind": "open"}, b'{"success":true}')] * 2
    assert peer.connections == 2


def test_a_connection_that_is_not_to_be_kept(rig: Rig) -> None:
    """After an answer that says so the next request has a new connection."""
    peer = answering(answer(b"{}", "200 OK", "Connection: close"))
    assert all(isinstance(one, Response) for one in exchange(rig, peer, times=2))
    assert peer.connections == 2


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw deflate"])
def test_a_packed_answer(rig: Rig, coding: str) -> None:
    """A body that is packed, though nobody asked for that, is unpacked."""
    body = b'{"success":true}' * 100
    raw = zlib.compressobj(wbits=-15)
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.get(coding, raw.compress(body) + raw.flush())
    peer = answering(answer(packed, "200 OK", f"Content-Encoding: {coding.rsplit(maxsplit=1)[-1]}"))
    found = exchange(rig, peer, times=2)
    assert [one.body if isinstance(one, Response) else one for one in found] == [body] * 2
    assert peer.connections == 1


def test_redirects_are_not_followed(rig: Rig) -> None:
    """A redirect is an answer like any other: nothing is sent elsewhere."""
    peer = answering(answer(b"", "302 Found", "Location: /elsewhere"))
    (found,) = exchange(rig, peer)
    assert isinstance(found, Response)
    assert (found.status, found.headers["location"], len(peer.requests)) == (302, "/elsewhere", 1)


def test_a_huge_answer_is_cut(rig: Rig) -> None:
    """Of an answer without end only the first MiB is read; the next request has a new connection."""
    peer = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 800000000\r\n\r\n", *[b"x" * 100_000] * 8_000)
    found = exchange(rig, peer, times=2)
    assert [len(one.body) if isinstance(one, Response) else one for one in found] == [LONGEST_ANSWER] * 2
    assert peer.connections == 2


def test_a_zip_bomb_is_cut(rig: Rig) -> None:
    """Of an answer that unzips to far more than it weighs only the first MiB is read."""
    peer = answering(answer(gzip.compress(bytes(64 << 20)), "200 OK", "Content-Encoding: gzip"))
    (found,) = exchange(rig, peer)
    assert isinstance(found, Response)
    assert len(found.body) == LONGEST_ANSWER


# -------------------------------------------------------------------------------------------------------- not answered


def test_refused(rig: Rig) -> None:
    """Where nobody listens the request surely did not leave."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    async def scenario() -> Response | Failure:
        async with rig.open() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"http://127.0.0.1:{port}"))

    assert rig.run(scenario()) == Failure("network", "connection refused", may_have_left=False)


def test_reset(rig: Rig) -> None:
    """A connection that is reset after the request may have carried it to its end."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    assert exchange(rig, Peer(act)) == [Failure("network", "connection reset by peer")]


def test_closed_without_an_answer(rig: Rig) -> None:
    """A connection that is closed after the request may have carried it; it is not sent a second time."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)

    peer = Peer(act)
    assert exchange(rig, peer) == [Failure("network", "connection closed without an answer")]
    assert len(peer.requests) == 1


def test_a_kept_connection_is_closed(rig: Rig) -> None:
    """Nor is it sent a second time when the connection that breaks is one that was kept."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await peer.read(reader):
            writer.write(answer(b"{}"))
        await peer.read(reader)

    peer = Peer(act)
    first, second = exchange(rig, peer, times=2)
    assert isinstance(first, Response)
    assert second == Failure("network", "connection closed without an answer")
    assert (len(peer.requests), peer.connections) == (2, 1)


def test_a_kept_connection_was_closed(rig: Rig) -> None:
    """A connection that the server has closed in the meantime is not used: nothing is sent, so nothing is in doubt."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(answer(b"{}"))

    async def scenario() -> None:
        async with serving(Peer(act)) as peer, rig.open() as transport:
            for _ in range(3):
                assert isinstance(await transport.send(ATTACH, peer.credentials), Response)
                while peer.open:
                    await asyncio.sleep(0)
                for _ in range(10):  # turns of the loop, in which the client sees it too
                    await asyncio.sleep(0)
            assert peer.connections == 3

    rig.run(scenario())


def test_more_than_one_answer(rig: Rig) -> None:
    """An answer that nobody asked for, behind the right one, is never taken for the next request's."""
    first, second = answer(b'{"n":1}'), answer(b'{"n":2}')
    found = exchange(rig, answering(first + second), times=2)
    assert [one.body if isinstance(one, Response) else one for one in found] == [b'{"n":1}'] * 2


def test_half_an_answer_too_many(rig: Rig) -> None:
    """Nor does what comes behind an answer become a part of the next."""
    found = exchange(rig, answering(answer(b'{"n":1}') + b"HTTP/1.1 500 Oh\r\nX-Rest: "), times=2)
    assert [one.body if isinstance(one, Response) else one for one in found] == [b'{"n":1}'] * 2


def test_reset_within_an_answer(rig: Rig) -> None:
    """A connection that breaks within an answer leaves none."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabc")

    assert exchange(rig, Peer(act)) == [Failure("network", "answer cut short")]


def test_a_packed_answer_that_is_broken(rig: Rig) -> None:
    """A packed body that cannot be unpacked is no answer."""
    found = exchange(rig, answering(answer(b"this is not packed", "200 OK", "Content-Encoding: gzip")))
    assert found == [Failure("network", "answer cut short")]


def test_endless_headers(rig: Rig) -> None:
    """What sends headers without end has not answered."""
    peer = answering(b"HTTP/1.1 200 OK\r\n", *[b"X-More: " + b"x" * 1_000 + b"\r\n"] * 1_000)
    assert exchange(rig, peer) == [Failure("network", "answer is not HTTP")]


def test_a_stalled_answer(rig: Rig) -> None:
    """When no answer comes in time the request may have landed."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        await reader.read()

    assert exchange(rig, Peer(act), timeout=0.2) == [Failure("timeout", "no answer in time")]


def test_a_stalled_body(rig: Rig) -> None:
    """The timeout is for the whole answer: one that starts and does not end is none."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await reader.read()

    assert exchange(rig, Peer(act), timeout=0.2) == [Failure("timeout", "no answer in time")]


def test_no_connection_in_time(rig: Rig) -> None:
    """When there is no connection in time, the TLS handshake included, the request surely did not leave."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # a peer that never answers the handshake

    async def scenario() -> Response | Failure:
        async with serving(Peer(act)) as peer, rig.open(timeout=0.2) as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"https://127.0.0.1:{peer.port}"))

    assert rig.run(scenario()) == Failure("timeout", "no connection in time", may_have_left=False)


def test_a_truncated_answer(rig: Rig) -> None:
    """An answer that is cut short is no answer."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.read(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"success":true')

    assert exchange(rig, Peer(act)) == [Failure("network", "answer cut short")]


def test_no_http(rig: Rig) -> None:
    """What does not speak HTTP has not answered."""
    assert exchange(rig, answering(b"220 mail.example.com ESMTP\r\n")) == [Failure("network", "answer is not HTTP")]


@pytest.mark.parametrize(
    "base", ["http://u:hunter2@127.0.0.1:1", "http://127.0.0.1:99999", "http://a..b", "ftp://127.0.0.1", "127.0.0.1"]
)
def test_an_address_that_cannot_be_used(rig: Rig, base: str) -> None:
    """An address that no request can go to is a failure that shows nothing of it."""

    async def scenario() -> Response | Failure:
        async with rig.open() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, base))

    assert rig.run(scenario()) == Failure("network", "the address cannot be used", may_have_left=False)


def test_a_cancelled_request_frees_its_connection(rig: Rig) -> None:
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

        async with serving(Peer(act)) as peer, rig.open(concurrency=1) as transport:
            given_up = asyncio.ensure_future(transport.send(ATTACH, peer.credentials))
            await arrived.wait()
            given_up.cancel()
            with pytest.raises(asyncio.CancelledError):
                await given_up
            assert isinstance(await transport.send(ATTACH, peer.credentials), Response)

    rig.run(scenario())


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


def over_tls(rig: Rig, transport: Adapter) -> Response | Failure:
    """Send a request to a peer with the tests' own certificate."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(PEM)

    async def scenario() -> Response | Failure:
        async with serving(answering(answer(b"{}")), server) as peer, transport:
            return await transport.send(ATTACH, peer.credentials)

    return rig.run(scenario())


def test_a_certificate_that_nobody_trusts(rig: Rig) -> None:
    """To a peer whose certificate is not trusted nothing is sent."""
    found = over_tls(rig, rig.open())
    assert found == Failure("network", "TLS certificate: self-signed certificate", may_have_left=False)


def test_a_certificate_that_is_trusted(rig: Rig) -> None:
    """With a context that trusts it, the same peer is talked to."""
    found = over_tls(rig, rig.open(tls=ssl.create_default_context(cafile=str(PEM))))
    assert isinstance(found, Response)
    assert found.status == 200


def test_a_certificate_for_another_name(rig: Rig) -> None:
    """To a peer whose certificate is for another name nothing is sent."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(PEM)

    async def scenario() -> Response | Failure:
        trusting = rig.open(tls=ssl.create_default_context(cafile=str(PEM)))
        elsewhere = answering(answer(b"{}"))
        elsewhere.host = "127.0.0.2"
        async with serving(elsewhere, server) as peer, trusting as transport:
            return await transport.send(ATTACH, peer.credentials)

    found = rig.run(scenario())
    assert isinstance(found, Failure)
    assert found.detail.startswith("TLS certificate: IP address mismatch")
    assert not found.may_have_left


def test_tls_says_what_it_wants(rig: Rig) -> None:
    """Over TLS the host is named, HTTP/1.1 alone is offered, and the connection is kept."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(PEM)
    server.set_alpn_protocols(["h2", "http/1.1"])
    named: list[str | None] = []
    server.sni_callback = lambda _connection, name, _context: named.append(name)
    peer = answering(answer(b"{}"))

    async def scenario() -> None:
        trusting = ssl.create_default_context(cafile=str(PEM))
        async with serving(peer, server), rig.open(tls=trusting) as transport:
            by_name = Credentials("client-1", None, f"https://localhost:{peer.port}")
            for _ in range(3):
                assert isinstance(await transport.send(ATTACH, by_name), Response)

    rig.run(scenario())
    assert named == ["localhost"]
    assert (len(peer.requests), peer.connections) == (3, 1)


def test_no_tls(rig: Rig) -> None:
    """A peer that does not speak TLS gets nothing."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"", "400 Bad Request"))

    async def scenario() -> Response | Failure:
        async with serving(Peer(act)) as peer, rig.open() as transport:
            return await transport.send(ATTACH, Credentials("client-1", None, f"https://127.0.0.1:{peer.port}"))

    assert rig.run(scenario()) == Failure("network", "TLS handshake failed", may_have_left=False)


# ------------------------------------------------------------------------------------------------------------ cassettes


def test_a_cassette_records_and_plays(tmp_path: Path) -> None:
    """vcrpy can record the transport's requests and play the answers back when nobody listens any more."""
    recorder = vcr.VCR(cassette_library_dir=str(tmp_path), filter_headers=["authorization"])
    peer = answering(answer(b'{"success":true}', "200 OK", "X-Kind: recorded"))
    with recorder.use_cassette("attach.yaml"):
        recorded = exchange(RIGS["transport"], peer)
    assert "client-1" not in (tmp_path / "attach.yaml").read_text()

    async def played() -> Response | Failure:
        async with Transport() as transport:
            return await transport.send(ATTACH, peer.credentials)

    with recorder.use_cassette("attach.yaml", record_mode="none") as cassette:
        assert [asyncio.run(played())] == recorded
        assert cassette.play_count == 1
    assert len(peer.requests) == 1
