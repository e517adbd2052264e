"""What a receiver answers: statuses and JSON bodies as Segment's SDKs expect them, and the headers that browsers need.

Nothing that a request said stands in an answer, but for the origin of its page.
"""

from collections.abc import Collection
from http import HTTPStatus
from typing import Final, TypeAlias

import msgspec

from connector.values import JSON, dump_json

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]

_JSON_TYPE: Final = (b"content-type", b"application/json")
_ALLOWED: Final[Headers] = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, x-retry-count"),
    (b"access-control-max-age", b"86400"),
)
# Without it a page's script cannot see how long it shall wait.
_EXPOSED: Final = (b"access-control-expose-headers", b"retry-after")


class Answer(msgspec.Struct, frozen=True):
    """A status, a body and headers; `closes` ends the connection, because not all of the request will be read."""

    status: int
    body: bytes = b""
    headers: Headers = ()
    closes: bool = False


ACCEPTED: Final = Answer(200, b'{"success":true}')
TAKEN: Final = Answer(200, b'{"success":true,"message":"accepted"}')  # to a webhook, whose user is shown the message
ALLOWED: Final = Answer(200, b"", _ALLOWED)


def json_answer(value: JSON, headers: Headers = ()) -> Answer:
    """Make a 200 with a body."""
    return Answer(200, dump_json(value), headers)


def refuse(status: int, code: str, message: str, *headers: tuple[bytes, bytes], closes: bool = False) -> Answer:
    """Make the answer of a request that is not accepted: a stable code, and a sentence for who sent it."""
    body: JSON = {"success": False, "code": code, "message": message, "error": HTTPStatus(status).phrase}
    return Answer(status, dump_json(body), headers, closes)


def come_again(seconds: int, code: str, message: str) -> Answer:
    """Make the 503 that lets an SDK keep its batch and send it again after so many seconds."""
    return refuse(503, code, message, (b"retry-after", b"%d" % seconds))


class Cors:
    """Which pages may send from a browser: those of these origins, such as https://shop.example; `*` is any."""

    def __init__(self, origins: Collection[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode().rstrip(b"/") for origin in origins)

    def headers(self, origin: bytes) -> Headers:
        """Give the headers for an answer to a page of `origin`, empty when no page asks."""
        if self._any:
            return (b"access-control-allow-origin", b"*"), _EXPOSED
        vary = (b"vary", b"origin")
        if origin in self._origins:
            return (b"access-control-allow-origin", origin), _EXPOSED, vary
        return (vary,)


def all_headers(answer: Answer, cors: Headers) -> list[tuple[bytes, bytes]]:
    """Put together the headers that go out."""
    found = [(b"content-length", b"%d" % len(answer.body)), *cors, *answer.headers]
    if answer.body:
        found.append(_JSON_TYPE)
    if answer.closes:
        found.append((b"connection", b"close"))
    return found
