"""One connection of the wire, without a network: what comes, in whatever pieces, is a Response or a Failure."""

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.rupt import Failure, Response
from connector.wire_answers import KEPT, LONGEST_ANSWER, LONGEST_HEAD, Connection, words
from tests import fake_time

Found = Response | Failure | None
NO_HTTP = Failure("network", "answer is not HTTP")
CUT_SHORT = Failure("network", "answer cut short")


class Line(asyncio.Transport):
    """A transport that leads nowhere: it keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.unsent, self.is_aborted = b"", 0, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is written."""
        self.written += bytes(data)

    def get_write_buffer_size(self) -> int:
        """Say how much has not left."""
        return self.unsent

    def abort(self) -> None:
        """Note it."""
        self.is_aborted = True

    def is_closing(self) -> bool:
        """Say whether it was closed."""
        return self.is_aborted


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give a loop that never runs: it makes futures and timers."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def connect(loop: asyncio.AbstractEventLoop) -> tuple[Connection, Line]:
    """Make a connection."""
    connection, line = Connection(loop), Line()
    connection.connection_made(line)
    return connection, line


def ask(connection: Connection, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Response | Failure]:
    """Send a request that may take a minute."""
    return connection.ask(b"GET / HTTP/1.1\r\n\r\n", loop.time() + 60)


def read(loop: asyncio.AbstractEventLoop, parts: Sequence[bytes], *, ends: bool = True) -> tuple[Found, bool]:
    """Give what an answer in these parts is read as, and whether the connection can be used again after them."""
    connection, line = connect(loop)
    future = ask(connection, loop)
    for part in parts:
        if not line.is_aborted:
            connection.data_received(part)
    is_free = connection.is_free()
    if ends:
        connection.connection_lost(None)
    return future.result() if future.done() else None, is_free


def pieces(text: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Cut a text at these places."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in pairwise(places)]


def chunked(body: bytes, cuts: Sequence[int]) -> bytes:
    """Print a body in chunks."""
    return b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in pieces(body, cuts)) + b"0\r\nX-T: 1\r\n\r\n"


BODIES = st.one_of(st.binary(max_size=200), st.just(b'{"success":true}'), st.binary(max_size=99).map(gzip.compress))
STATUSES = st.sampled_from([b"200 OK", b"204 No Content", b"304 Not Modified", b"429 Too Many", b"500 ", b"999 ?"])
CUTS = st.lists(st.integers(0, 2_000), max_size=12)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Draw an answer of any form that HTTP/1.1 has, right or nearly so."""
    body, cuts = draw(BODIES), draw(CUTS)
    form = draw(st.sampled_from(["length", "chunks", "end", "both"]))
    head = [draw(st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 "])) + draw(STATUSES)]
    head += [b"Content-Length: %d" % len(body)] if form in ("length", "both") else []
    head += [b"Transfer-Encoding: chunked"] if form in ("chunks", "both") else []
    extras = [
        b"Content-Encoding: gzip",
        b"Connection: close",
        b"Connection: keep-alive",
        b"X-Odd: \xe4",
        b"Retry-After: 7 ",
    ]
    head += draw(st.lists(st.sampled_from(extras), max_size=3))
    early = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Hints\r\nLink: </a>\r\n\r\n"]))
    return early + b"\r\n".join([*head, b"", b""]) + (chunked(body, cuts) if form in ("chunks", "both") else body)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """Draw an answer with a few bytes changed, cut off or put behind."""
    text = bytearray(draw(answers()))
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=3)):
        text[place % len(text)] = byte
    return bytes(text)[: draw(st.integers(0, len(text)))] + draw(
        st.one_of(st.just(b""), st.binary(max_size=60), answers())
    )


@given(text=st.one_of(answers(), mutations()), cuts=CUTS)
def test_pieces_make_no_difference(loop: asyncio.AbstractEventLoop, text: bytes, cuts: list[int]) -> None:
    """The same bytes are the same answer, however they are cut into pieces."""
    assert read(loop, pieces(text, cuts))[0] == read(loop, [text])[0]
    assert read(loop, [bytes([byte]) for byte in text])[0] == read(loop, [text])[0]


@given(text=st.one_of(st.binary(max_size=400), mutations()), cuts=CUTS)
@example(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx", [])
def test_anything_is_an_answer_or_none(loop: asyncio.AbstractEventLoop, text: bytes, cuts: list[int]) -> None:
    """Whatever bytes come, the request ends, at the latest with its connection; and nothing is raised."""
    found, _ = read(loop, pieces(text, cuts))
    assert isinstance(found, Response | Failure)


@given(body=st.binary(max_size=300), in_body=CUTS, cuts=CUTS, packs=st.booleans())
def test_chunks_are_put_together(
    loop: asyncio.AbstractEventLoop, body: bytes, in_body: list[int], cuts: list[int], packs: bool
) -> None:
    """A body in chunks, packed or not, is the body that it was; trailers are no headers, and the connection is kept."""
    coding = b"Content-Encoding: gzip\r\n" if packs else b""
    head = b"HTTP/1.1 200 OK\r\n" + coding + b"Transfer-Encoding: chunked\r\n\r\n"
    text = head + chunked(gzip.compress(body) if packs else body, in_body)
    found, is_free = read(loop, pieces(text, cuts), ends=False)
    assert isinstance(found, Response)
    assert (found.body, "x-t" in found.headers, is_free) == (body, False, True)


@given(first=answers(), rest=st.binary(min_size=1, max_size=50))
def test_what_nobody_asked_for(loop: asyncio.AbstractEventLoop, first: bytes, rest: bytes) -> None:
    """What comes on a connection that waits for no answer closes it."""
    connection, line = connect(loop)
    ask(connection, loop)
    connection.data_received(first)
    if connection.is_free():
        connection.data_received(rest)
        assert (line.is_aborted, connection.is_free()) == (True, False)
    connection.connection_lost(None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", Failure("network", "connection closed without an answer")),
        (b"HTTP/1.1 200 OK\r\nContent-", Failure("network", "connection closed without an answer")),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nx", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", NO_HTTP),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", NO_HTTP),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 99)[:-9], CUT_SHORT),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", Response(200, {}, b"{}")),
    ],
)
def test_an_answer_and_its_end(loop: asyncio.AbstractEventLoop, text: bytes, found: Response | Failure) -> None:
    """What is no whole answer says so; what ends with its connection is one."""
    assert read(loop, [text])[0] == found


def test_a_long_answer(loop: asyncio.AbstractEventLoop) -> None:
    """A body is cut at its limit, in whatever pieces it comes, and then the connection is not used again."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3 * LONGEST_ANSWER)
    parts = [head, *[b"x" * 300_000] * 10]
    for given_parts in (parts, [b"".join(parts)]):
        found, is_free = read(loop, given_parts, ends=False)
        assert isinstance(found, Response)
        assert (found.body == b"x" * LONGEST_ANSWER, is_free) == (True, False)


@pytest.mark.parametrize("repeated", [b"X-More: 1\r\n", b"\r\n", b"x" * 9])
def test_a_head_without_end(loop: asyncio.AbstractEventLoop, repeated: bytes) -> None:
    """What sends far more than a head may have, and no answer, has not answered."""
    parts = [b"HTTP/1.1 200 OK\r\nX: ", *[repeated] * (LONGEST_HEAD // len(repeated) + 1)]
    parts = parts[1:] if repeated == b"\r\n" else parts
    assert read(loop, parts, ends=False)[0] == NO_HTTP


def test_trailers_without_end(loop: asyncio.AbstractEventLoop) -> None:
    """Nor may there be more behind a body than a head may have."""
    parts = [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        *[b"X-More: 1\r\n"] * (LONGEST_HEAD // 11 + 9),
    ]
    assert read(loop, parts, ends=False)[0] == NO_HTTP


def test_an_answer_before_the_request_has_left(loop: asyncio.AbstractEventLoop) -> None:
    """An answer that comes while the request is being sent is the answer, and the connection is not used again."""
    connection, line = connect(loop)
    future = ask(connection, loop)
    line.unsent = 1
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (future.result(), connection.is_free()) == (Response(413, {"content-length": "0"}, b""), False)


def test_a_connection_that_was_lost_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """On a connection that broke before the request nothing is sent, and nothing is in doubt."""
    connection, line = connect(loop)
    line.abort()
    connection.connection_lost(None)
    assert ask(connection, loop).result() == Failure("network", "no connection", may_have_left=False)
    assert line.written == b""


def test_every_deadline_is_kept() -> None:
    """Each request on a connection ends at its own deadline, be that before or after the timer was to ring."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for answered, within in ((3, 10.0), (0, 10.0), (3, 0.2), (1, 40.0)):
            connection, line = connect(loop)
            for _ in range(answered):  # the timer stays as it was set for one of these
                future = connection.ask(b"", loop.time() + 10.0)
                await asyncio.sleep(4.0)
                connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
                assert isinstance(await future, Response)
                connection.rest()
            start = loop.time()
            assert await connection.ask(b"", start + within) == Failure("timeout", "no answer in time")
            assert loop.time() - start == pytest.approx(within)
            assert line.is_aborted
            connection.connection_lost(None)

    fake_time.run(scenario())


def test_an_unused_connection_is_closed() -> None:
    """A connection that nobody uses is closed after a while, which begins with its last answer."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        connection, line = connect(loop)
        future = connection.ask(b"", loop.time() + 10.0)
        await asyncio.sleep(9.0)
        connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert isinstance(await future, Response)
        connection.rest()
        await asyncio.sleep(KEPT - 1.0)
        assert connection.is_free()
        await asyncio.sleep(2.0)
        assert (line.is_aborted, connection.is_free()) == (True, False)
        connection.connection_lost(None)

    fake_time.run(scenario())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(113, "No route to 10.1.2.3"), "no route to host"),
        (OSError("Multiple exceptions: …"), "otherwise"),
        (RuntimeError("10.1.2.3"), "otherwise"),
    ],
)
def test_errors_name_no_address(error: Exception, said: str) -> None:
    """What breaks a connection is told in the system's words, or in ours."""
    assert words(error, "otherwise") == said
