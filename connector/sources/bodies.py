"""A request's body, read within bounds: so many bytes, so many seconds, and so many bytes of all bodies together.

In: an ASGI request's headers and its `receive`. Out: the bytes, or the answer that refuses them. Nothing is unzipped.
"""

import asyncio
from contextlib import suppress
from typing import Final

from starlette.types import Receive

from connector.sources.answers import Answer, come_again, refuse
from connector.sources.intake import Limits

RETRY_AFTER: Final = 5  # seconds; a full queue has moved on by then, and an SDK's patience lasts for ten tries
_MOST_DRAINED: Final = 8_000_000  # bytes that are read of a refused body, so that its sender comes to see the answer
_LONGEST_DRAIN: Final = 5.0  # seconds


class Gone(Exception):  # noqa: N818  not an error: clients may go
    """The client has closed the connection before its request was whole."""


class Room:
    """How many bytes of bodies are held by all requests together, of how many that may be."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self.held = capacity, 0

    def has(self, size: int, *, besides: int) -> bool:
        """Whether so many more bytes fit in, for who holds some already; what is alone always does."""
        return self.held == besides or self.held + size <= self._capacity


class Share:
    """What one request holds of the room; given back whole at its end."""

    def __init__(self, room: Room) -> None:
        self._room, self._size = room, 0

    def grow(self, size: int) -> bool:
        """Hold at least `size` bytes in all; False when there is no room for them."""
        more = size - self._size
        if more > 0 and not self._room.has(more, besides=self._size):
            return False
        self.hold(size)
        return True

    def hold(self, size: int) -> None:
        """Hold at least `size` bytes in all, whether there is room or not: they are there already."""
        more = max(0, size - self._size)
        self._size += more
        self._room.held += more

    def release(self) -> None:
        """Give everything back."""
        self._room.held -= self._size
        self._size = 0


class Body:
    """The body of one request, of `length` bytes; None when its sender does not say. `done`: all of it has come."""

    def __init__(self, receive: Receive, length: int | None, share: Share) -> None:
        self._receive, self._length, self._share = receive, length, share
        self.done = length == 0

    async def read(self, limits: Limits) -> bytes | Answer:
        """Read all of it, or give the answer that refuses it. Raises Gone."""
        if self._length is not None and self._length > limits.body:
            return _too_large(limits)
        if self._length and not self._share.grow(self._length):
            return _no_room()
        try:
            async with asyncio.timeout(limits.body_timeout):
                return await self._read_chunks(limits)
        except TimeoutError:
            message = f"the body did not arrive within {limits.body_timeout:g} seconds"
            return refuse(408, "request_timeout", message, closes=True)

    async def _read_chunks(self, limits: Limits) -> bytes | Answer:
        chunks: list[bytes] = []
        size = 0
        while not self.done:
            chunk = await self._next()
            size += len(chunk)
            if size > limits.body:
                return _too_large(limits)
            if not self._share.grow(size):
                return _no_room()
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.done = True
            raise Gone
        self.done = not message.get("more_body", False)
        chunk: bytes = message.get("body", b"")
        return chunk

    async def drain(self) -> None:
        """Read on and forget it, within bounds: who still sends when the connection closes never sees the answer."""
        size = 0
        with suppress(TimeoutError, Gone):
            async with asyncio.timeout(_LONGEST_DRAIN):
                while not self.done and size < _MOST_DRAINED:
                    size += len(await self._next())


def _too_large(limits: Limits) -> Answer:
    message = f"the body has more than {limits.body:,} bytes; send smaller batches"
    return refuse(400, "body_too_large", message, closes=True)


def _no_room() -> Answer:
    return come_again(RETRY_AFTER, "too_many_requests_at_once", "too much is being received; send it again later")
