"""One request over the network, with aiohttp: a Request in, Rupt's Response out, or the Failure that came instead.

It decides nothing: no retry of what may have left, no redirect, no cookie, no proxy or password from the environment.
HTTPS is checked against the system's certificates (SSL_CERT_FILE and SSL_CERT_DIR name others).
"""

import os
import ssl
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from connector import rupt
from connector.rupt import Credentials, Failure, Request, Response

LONGEST_ANSWER: Final = 1 << 20  # bytes; what is longer is cut there, and its connection closed

_OURS_ALONE: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # what aiohttp would send unasked


class Transport:
    """Connections to Rupt, at most `concurrency`, kept open between requests; to be used as an async context.

    `timeout` is in seconds for a whole request; no more than half of it may go by until there is a connection, so that
    a timeout tells whether the request may have left. `tls` replaces the system's certificates.
    """

    def __init__(self, *, concurrency: int = 64, timeout: float = 10.0, tls: ssl.SSLContext | None = None) -> None:
        self._concurrency, self._tls = concurrency, True if tls is None else tls
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout / 2)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._concurrency, ssl=self._tls),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_OURS_ALONE,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def send(self, request: Request, credentials: Credentials) -> Response | Failure:
        """Send a request once. Raises ValueError, without the value, when a credential cannot stand in a header."""
        headers = rupt.headers(request, credentials)
        body = rupt.body(request) or None
        try:
            target = URL(rupt.url(request, credentials), encoded=True)  # an id's %2F and %2E must stay what they are
            async with self._session.request(
                request.method, target, data=body, headers=headers, allow_redirects=False
            ) as answer:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status, found, await _read(answer))
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return failure_of(error)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = await answer.content.read(LONGEST_ANSWER)
    while not answer.content.at_eof() and len(body) < LONGEST_ANSWER:
        body += await answer.content.read(LONGEST_ANSWER - len(body))
    return body  # aiohttp closes a connection whose answer was not read to its end


def failure_of(error: Exception) -> Failure:
    """Say what went wrong in words of ours: the library's name hosts, addresses and URLs."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Failure("timeout", "no connection in time", False)
        case TimeoutError():
            return Failure("timeout", "no answer in time")
        case aiohttp.ClientConnectorDNSError():
            return Failure("network", "host name not found", False)
        case aiohttp.ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as wrong):
            return Failure("network", f"TLS certificate: {wrong.verify_message}", False)
        case aiohttp.ClientSSLError():
            return Failure("network", "TLS handshake failed", False)
        case aiohttp.ClientConnectorError(os_error=wrong):
            return Failure("network", _words(wrong, "no connection"), False)
        case ValueError() | aiohttp.NonHttpUrlClientError():  # aiohttp's InvalidURL is a ValueError
            return Failure("network", "the address cannot be used", False)
        case aiohttp.ServerDisconnectedError():
            return Failure("network", "connection closed without an answer")
        case aiohttp.ClientPayloadError():
            return Failure("network", "answer cut short")
        case aiohttp.ClientResponseError():
            return Failure("network", "answer is not HTTP")
        case _:
            return Failure("network", _words(error, "connection broken"))


def _words(error: Exception, otherwise: str) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number and number > 0 else otherwise
