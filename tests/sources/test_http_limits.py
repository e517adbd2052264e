import asyncio
import gzip
import json
from typing import Any

import pytest

from connector.sources.intake import Limits
from tests.sources.reception import Reception, TestQueue, exchange, page, receiving, run

BODY = json.dumps({"batch": [page(1), page(2)]}).encode()


def request(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """Write a request by hand; a negative length is none."""
    length = len(body) if length is None else length
    lines = ["POST /v1/batch HTTP/1.1", "host: x", *headers]
    lines += [f"content-length: {length}"] * (length >= 0)
    return "\r\n".join([*lines, "", ""]).encode() + body


def read(answer: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Read one answer: status, headers, body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), dict(line.split(": ", 1) for line in headers), json.loads(body)


# Sizes


@pytest.mark.parametrize("length", [2_001, 10**12])
def test_a_length_that_is_too_large(length: int) -> None:
    """It is refused before the body is there, and the connection is closed."""

    async def check() -> None:
        async with receiving(limits=Limits(body=2_000)) as reception:
            sent = request(b"", "expect: 100-continue", length=length)
            status, headers, body = read(await exchange(reception.port, sent))
            assert (status, headers["connection"], body["code"]) == (400, "close", "body_too_large")
            assert reception.receiver.bytes_held == 0

    run(check())


def test_who_sends_too_much_comes_to_see_the_answer() -> None:
    """What is too large is read and forgotten, so that the connection is not reset under the answer."""

    async def check() -> None:
        async with receiving() as reception:
            answer = await reception.client.post("/v1/batch", content=b" " * 5_000_000)
            assert (answer.status_code, answer.json()["code"]) == (400, "body_too_large")

    run(check())


def test_chunks_that_are_too_many() -> None:
    """Without a length it is refused as soon as it is too large."""

    async def pieces() -> Any:
        for _ in range(50):
            yield b" " * 100_000

    async def check() -> None:
        async with receiving() as reception:
            answer = await reception.client.post("/v1/batch", content=pieces())
            assert (answer.status_code, answer.json()["code"]) == (400, "body_too_large")
            assert [told.status for told in reception.told] == [400]
            assert reception.receiver.bytes_held == 0

    run(check())


def test_a_gzip_bomb() -> None:
    """A hundred megabytes in less than one are refused, and not unzipped."""

    async def check() -> None:
        async with receiving() as reception:
            bomb = gzip.compress(b" " * 100_000_000, 1)
            answer = await reception.client.post("/v1/batch", content=bomb)
            assert answer.status_code == 400
            assert "holds more than 1,000,000 bytes" in answer.json()["message"]
            assert reception.told[0].seconds < 1

    run(check())


def test_too_many_events() -> None:
    """2,500 are a batch, one more is refused whole."""

    async def check() -> None:
        async with receiving() as reception:
            post = reception.client.post
            assert (await post("/v1/batch", json={"batch": [page(1)] * 2_500})).status_code == 200
            answer = await post("/v1/batch", json={"batch": [page(2)] * 2_501})
            assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
            assert [job.message_id for job in await reception.jobs()] == ["m-1"]

    run(check())


def test_memory() -> None:
    """What is being received together is bounded: more is told to come again, and has room when the rest is done."""

    async def check() -> None:
        queue = TestQueue()
        async with receiving(queue=queue, limits=Limits(memory=len(BODY) + 100)) as reception:
            queue.gate.clear()
            first = asyncio.create_task(reception.client.post("/v1/batch", content=BODY))
            await queue.entered.wait()
            assert reception.receiver.bytes_held >= len(BODY)
            answer = await reception.client.post("/v1/batch", content=BODY)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            queue.gate.set()
            assert (await first).status_code == 200
            assert reception.receiver.bytes_held == 0
            assert (await reception.client.post("/v1/batch", content=BODY)).status_code == 200

    run(check())


# Slow and vanishing clients


def test_a_slow_body() -> None:
    """A body that does not come in time is a 408, and the connection is closed."""

    async def check() -> None:
        async with receiving(limits=Limits(body_timeout=0.05)) as reception:
            status, headers, body = read(await exchange(reception.port, request(BODY[:10], length=len(BODY))))
            assert (status, headers["connection"], body["code"]) == (408, "close", "request_timeout")
            assert [told.status for told in reception.told] == [408]
            assert reception.receiver.bytes_held == 0

    run(check())


async def leave(reception: Reception, data: bytes) -> asyncio.StreamWriter:
    """Send something, and leave the connection open."""
    _, writer = await asyncio.open_connection("127.0.0.1", reception.port)
    writer.write(data)
    await writer.drain()
    return writer


def test_a_client_that_goes_in_the_middle() -> None:
    """Half a body makes nothing, and is told as such."""

    async def check() -> None:
        async with receiving() as reception:
            writer = await leave(reception, request(BODY[:-1], length=len(BODY)))
            writer.close()
            await reception.until(bool)
            assert [told.status for told in reception.told] == [499]
            assert (reception.queue.puts, reception.receiver.bytes_held) == (0, 0)

    run(check())


def test_a_client_that_goes_before_its_answer() -> None:
    """What was sent whole is queued all the same."""

    async def check() -> None:
        async with receiving() as reception:
            reception.queue.gate.clear()
            writer = await leave(reception, request(BODY))
            await reception.queue.entered.wait()
            writer.transport.abort()
            reception.queue.gate.set()
            await reception.until(bool)
            assert len(await reception.jobs()) == 2

    run(check())


def test_a_put_is_completed_when_its_request_is_cancelled() -> None:
    """A stop that cannot wait leaves whole puts behind."""

    async def check() -> None:
        async with receiving() as reception:
            reception.queue.gate.clear()
            messages = [{"type": "http.request", "body": BODY}]

            async def receive() -> Any:
                return messages.pop()

            async def send(_: object) -> None:
                raise AssertionError("nobody is answered")

            scope = {"type": "http", "method": "POST", "path": "/v1/batch", "headers": [(b"content-length", b"9")]}
            waiting = asyncio.create_task(reception.receiver(scope, receive, send))
            await reception.queue.entered.wait()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            reception.queue.gate.set()
            while reception.queue.puts == 0:
                await asyncio.sleep(0)
            assert len(await reception.jobs()) == 2

    run(check())


def test_a_half_closed_connection() -> None:
    """Who has sent all and closed its half still gets the answer."""

    async def check() -> None:
        async with receiving() as reception:
            status, headers, body = read(await exchange(reception.port, request(BODY), half_close=True))
            assert (status, headers["connection"], body) == (200, "close", {"success": True})
            assert await exchange(reception.port, request(BODY[:-1], length=len(BODY)), half_close=True) == b""
            assert len(await reception.jobs()) == 2

    run(check())


def test_the_connection_stays_usable_after_a_refusal() -> None:
    """An SDK that is told to wait goes on with the same connection."""

    async def check() -> None:
        async with receiving() as reception:
            reception.receiver.closing = True
            sent = request(BODY) + request(BODY, "connection: close")
            answers = await exchange(reception.port, sent)
            assert answers.count(b"HTTP/1.1 503 ") == 2

    run(check())
