"""What connector.wire does beside what both transports do: places, addresses, what is printed, and its end."""

import asyncio
import gc
import socket
import ssl
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import uvloop

from connector.rupt import Credentials, Failure, Request, Response
from connector.wire import Place, Wire, failure_of, print_request, read_place
from tests.peers import ATTACH, RIGS, Peer, Rig, answer, answering, serving

UNUSABLE = Failure("network", "the address cannot be used", may_have_left=False)
PLACE = Place("h.example", 443, True, "", "h.example")


@pytest.fixture(params=["wire", "wire, uvloop"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Give the wire on each event loop."""
    return RIGS[request.param]


@pytest.mark.parametrize(
    ("base", "place"),
    [
        ("https://h.example", PLACE),
        ("https://h.example:443/", PLACE),
        ("http://H.example:8080/p/q", Place("h.example", 8080, False, "/p/q", "h.example:8080")),
        ("http://[::1]:80", Place("::1", 80, False, "", "[::1]")),
        ("http://[::1]:81", Place("::1", 81, False, "", "[::1]:81")),
        ("https://bücher.example", Place("xn--bcher-kva.example", 443, True, "", "xn--bcher-kva.example")),
    ],
)
def test_a_base_url_is_a_place(base: str, place: Place) -> None:
    """A base URL says where to connect, what comes before each path, and what the host is called."""
    assert read_place(base) == place


@pytest.mark.parametrize(
    "base",
    [
        "",
        "https://",
        "https:///p",
        "https://h:0",
        "https://h:x",
        "https://@h",
        "https://h/?q=1",
        "https://h/#f",
        "https://h\r\nx: 1",
        "https://h/a b",
        "https://h\\@evil",
        "https://[::1",
        "https://" + "x" * 64,
        "ws://h",
    ],
)
def test_a_base_url_that_is_no_place(base: str) -> None:
    """What holds more than a place and a path, or less, leads nowhere."""
    assert read_place(base) is None


@pytest.mark.parametrize("path", ["/a b", "/a\r\nx-evil: 1", "/a HTTP/1.1\r\n\r\nGET /b", "/ä", "/a\x00", "/a\t"])
def test_a_path_injects_nothing(path: str) -> None:
    """A path that is more than a path is not sent."""
    assert print_request(Request("GET", path, {}), {}, PLACE) is None

    async def scenario() -> Response | Failure:
        async with Wire() as wire:
            return await wire.send(Request("GET", path, {}), Credentials("client-1"))

    assert asyncio.run(scenario()) == UNUSABLE


def test_a_request_as_it_is_printed() -> None:
    """A request is printed with its host, the length of its body and its headers, and nothing else."""
    place = Place("h.example", 443, True, "/base", "h.example")
    text = print_request(Request("POST", "/p", {"a": "é"}), {"x-a": "1"}, place)
    head = b"POST /base/p HTTP/1.1\r\nhost: h.example\r\ncontent-length: 10\r\nx-a: 1\r\n\r\n"
    assert text == head + '{"a":"é"}'.encode()


class Names:
    """What a name leads to: a fake name server, asked through an event loop made for that."""

    def __init__(self) -> None:
        self.addresses: list[tuple[str, int]] = []
        self.lookups = 0

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> list[Any]:
        """Look up a name; uvloop asks for addresses too, which are what they are."""
        await asyncio.sleep(0)
        if host != "h.example":
            return list(socket.getaddrinfo(host, port, **options))
        self.lookups += 1
        return [socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0] for address in self.addresses]


def with_names(rig: Rig, names: Names) -> Rig:
    """Give the rig's event loop another name server."""
    loops = {RIGS["wire"].new_loop: asyncio.SelectorEventLoop, RIGS["wire, uvloop"].new_loop: uvloop.Loop}
    made = type("NamingLoop", (loops[rig.new_loop],), {"getaddrinfo": staticmethod(names.getaddrinfo)})
    return rig._replace(new_loop=made)


@pytest.mark.parametrize("first", ["::1", "127.0.0.1"])
def test_every_address_of_a_name_is_tried(rig: Rig, first: str) -> None:
    """Where the first address of a name refuses, the next one is taken."""
    names, peer = Names(), answering(answer(b"{}"))

    async def scenario() -> Response | Failure:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            names.addresses = [(first, closed.getsockname()[1])]
        async with serving(peer), rig.open() as wire:
            names.addresses += [("127.0.0.1", peer.port)]
            return await wire.send(ATTACH, Credentials("client-1", None, "http://h.example"))

    assert with_names(rig, names).run(scenario()) == Response(200, {"content-length": "2"}, b"{}")


def test_an_address_that_is_silent_holds_nobody_up(rig: Rig) -> None:
    """Where the first address of a name says nothing, the next one is tried beside it."""
    names, peer = Names(), answering(answer(b"{}"))

    async def scenario() -> Response | Failure:
        with socket.socket() as silent, ExitStack() as waiting:
            silent.bind(("127.0.0.1", 0))
            silent.listen(0)
            for _ in range(3):  # nobody accepts them, and more do not fit in
                other = waiting.enter_context(socket.socket())
                other.setblocking(False)
                other.connect_ex(silent.getsockname())
            async with serving(peer), rig.open(timeout=20.0) as wire:
                names.addresses = [silent.getsockname(), ("127.0.0.1", peer.port)]
                return await wire.send(ATTACH, Credentials("client-1", None, "http://h.example"))

    assert with_names(rig, names).run(scenario()) == Response(200, {"content-length": "2"}, b"{}")


def test_a_name_is_looked_up_once(rig: Rig) -> None:
    """Connections that are made together ask for a name's addresses once; after a failure they are asked for again."""
    names, peer = Names(), answering(answer(b"{}", "200 OK", "Connection: close"))

    async def scenario() -> None:
        credentials = Credentials("client-1", None, "http://h.example")
        async with rig.open() as wire:
            async with serving(peer):
                names.addresses = [("127.0.0.1", peer.port)]
                found = await asyncio.gather(*(wire.send(ATTACH, credentials) for _ in range(20)))
                assert (len(found), names.lookups) == (20, 1)
            refused = Failure("network", "connection refused", may_have_left=False)
            assert [await wire.send(ATTACH, credentials) for _ in range(2)] == [refused] * 2
            assert names.lookups == 2

    with_names(rig, names).run(scenario())
    assert peer.connections == 20


def test_an_answer_before_the_request_has_left(rig: Rig) -> None:
    """An answer that comes before a large request is all sent is the answer; its connection is not used again."""
    request = Request("POST", "/v2/device/attach", {"user": "x" * (16 << 20)})

    async def scenario() -> list[Response | Failure]:
        ended = asyncio.Event()

        async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(answer(b"{}", "413 Content Too Large"))
            await ended.wait()

        async with serving(Peer(act)) as peer, rig.open() as wire:
            found = [await wire.send(request, peer.credentials) for _ in range(2)]
            ended.set()
        assert peer.connections == 2
        return found

    assert rig.run(scenario()) == [Response(413, {"content-length": "2"}, b"{}")] * 2


def test_a_large_request_arrives(rig: Rig) -> None:
    """A request far larger than any buffer arrives whole."""
    peer = answering(answer(b"{}"))
    request = Request("POST", "/v2/device/attach", {"user": "x" * (8 << 20)})

    async def scenario() -> None:
        async with serving(peer), rig.open() as wire:
            for _ in range(2):
                assert isinstance(await wire.send(request, peer.credentials), Response)

    rig.run(scenario())
    assert [len(text.partition(b"\r\n\r\n")[2]) for text in peer.requests] == [(8 << 20) + 11] * 2


def tasks_beside() -> list[str]:
    """Name the tasks that run beside this one and the peer's."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    names = [getattr(task.get_coro(), "__qualname__", "") for task in others]
    gc.collect()  # a transport that was left open warns of it, and warnings are errors
    return [name for name in names if name != "Peer.handle"]


async def never(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read a request, and never answer."""
    if await peer.read(reader):
        await reader.read()


def test_no_slot_in_time(rig: Rig) -> None:
    """A request that waits too long for another to end has surely not left."""

    async def scenario() -> list[Response | Failure]:
        async with serving(Peer(never)) as peer, rig.open(concurrency=1, timeout=0.2) as wire:
            return list(await asyncio.gather(*(wire.send(ATTACH, peer.credentials) for _ in range(2))))

    assert rig.run(scenario()) == [
        Failure("timeout", "no answer in time"),
        Failure("timeout", "no connection in time", may_have_left=False),
    ]


def test_its_end_ends_everything(rig: Rig) -> None:
    """At the end of the wire requests under way are cut off, and no connection is left, not even one being made."""

    async def scenario() -> None:
        async with serving(Peer(never)) as peer:
            async with rig.open() as wire:
                sending = asyncio.ensure_future(wire.send(ATTACH, peer.credentials))
                while not peer.requests:
                    await asyncio.sleep(0)
                connecting = asyncio.ensure_future(wire.send(ATTACH, peer.credentials))
                await asyncio.sleep(0)
            assert await sending == Failure("network", "connection closed without an answer")
            assert isinstance(await connecting, Failure)
        assert tasks_beside() == []

    rig.run(scenario())


@pytest.mark.parametrize("steps", range(12))
def test_giving_up_at_any_step(rig: Rig, steps: int) -> None:
    """Whoever gives up, connecting or waiting, leaves nothing behind, and the next request its place."""

    async def scenario() -> None:
        peer = answering(answer(b"{}"))
        async with serving(peer), rig.open(concurrency=1) as wire:
            sending = asyncio.ensure_future(wire.send(ATTACH, peer.credentials))
            for _ in range(steps):
                await asyncio.sleep(0)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                assert isinstance(await sending, Response)
            assert isinstance(await wire.send(ATTACH, peer.credentials), Response)
        assert tasks_beside() == []

    rig.run(scenario())


def test_a_peer_that_hangs_up_in_the_handshake(rig: Rig) -> None:
    """A peer that closes the connection in the middle of TLS gets nothing."""

    async def act(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async def scenario() -> Response | Failure:
        async with serving(Peer(act)) as peer, rig.open() as wire:
            return await wire.send(ATTACH, Credentials("client-1", None, f"https://127.0.0.1:{peer.port}"))

    found = rig.run(scenario())
    assert isinstance(found, Failure)
    assert (found.kind, found.may_have_left) == ("network", False)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError(), Failure("timeout", "no connection in time", False)),
        (TimeoutError(110, "10.1.2.3"), Failure("network", "connection timed out", False)),
        (socket.gaierror(-2, "unknown"), Failure("network", "host name not found", False)),
        (OSError(113, "10.1.2.3"), Failure("network", "no route to host", False)),
        (OSError("Multiple exceptions: 10.1.2.3"), Failure("network", "no connection", False)),
        (RuntimeError("10.1.2.3"), Failure("network", "no connection", False)),
        (ssl.SSLError(1, "wrong"), Failure("network", "TLS handshake failed", False)),
        (UnicodeError("label too long"), UNUSABLE),
    ],
)
def test_why_there_is_no_connection(error: Exception, failure: Failure) -> None:
    """Errors are told in the words of connector.transport, and name no host."""
    assert failure_of(error) == failure
