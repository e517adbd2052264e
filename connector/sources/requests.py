"""What a request to the receiver asks for: its route, its headers, and the address under which it was sent.

In: an ASGI scope. Out: a frozen Request. Its body is not read here.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec
from starlette.types import Scope

from connector.events import ROUTE_TYPES
from connector.sources.answers import Answer, json_answer
from connector.sources.intake import WEBHOOK

Kind: TypeAlias = Literal["events", "webhook", "metrics", "settings", "unknown"]

_PATH: Final = re.compile(r"(.*?)/v1/(?:projects/([^/]+)/settings|([a-z]+))/?", re.DOTALL)
_WORDS: Final[dict[str, Kind]] = {
    **dict.fromkeys([*ROUTE_TYPES, "batch", "import", "b"], "events"),
    "m": "metrics",
    WEBHOOK: "webhook",
}
_HOST: Final = re.compile(r"[A-Za-z0-9._~-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")


class Request(msgspec.Struct, frozen=True):
    """A request without its body. `word` names its route: what follows /v1/, or settings, or unknown.

    `prefix` is what stands before /v1 in its path, `write_key` the one in its path. Header names are in lower case.
    """

    method: str
    path: str
    kind: Kind
    word: str
    headers: Mapping[bytes, bytes]
    prefix: str = ""
    write_key: str = ""

    def __repr__(self) -> str:
        return f"Request({self.method} {self.word})"  # its headers hold credentials

    @property
    def length(self) -> int | None:
        """How long the body is; None when the sender does not say."""
        given = self.headers.get(b"content-length", b"")
        if given.isdigit() and len(given) < 19:
            return int(given)
        return None if b"transfer-encoding" in self.headers else 0

    @property
    def encoding(self) -> str:
        """How the body is packed, in lower case."""
        return self.headers.get(b"content-encoding", b"").strip().lower().decode("latin-1")


def read_scope(scope: Scope) -> Request:
    """Read what a request asks for."""
    path, method = scope["path"], scope["method"]
    headers = dict(scope["headers"])
    found = _PATH.fullmatch(path)
    if found is None:
        return Request(method, path, "unknown", "unknown", headers)
    prefix, write_key, word = found.groups()
    if write_key is not None:
        return Request(method, path, "settings", "settings", headers, prefix, write_key)
    kind = _WORDS.get(word, "unknown")
    return Request(method, path, kind, "unknown" if kind == "unknown" else word, headers, prefix)


def browser_settings(request: Request, scope: Scope, *, trust_forwarded: bool) -> Answer:
    """Tell the browser SDK to send to the address at which it asks, over the protocol with which it asks."""
    host, scheme = _address(request, scope, trust_forwarded=trust_forwarded)
    where = {"apiKey": request.write_key, "apiHost": f"{host}{request.prefix}/v1", "protocol": scheme}
    return json_answer({"integrations": {"Segment.io": {**where}}}, ((b"cache-control", b"no-cache"),))


def _address(request: Request, scope: Scope, *, trust_forwarded: bool) -> tuple[str, str]:
    host, scheme = _first(request, b"host"), str(scope["scheme"])
    if trust_forwarded:
        host = _first(request, b"x-forwarded-host") or host
        proto = _first(request, b"x-forwarded-proto").lower()
        scheme = proto if proto in ("http", "https") else scheme
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("localhost", None)
        host = f"{f'[{name}]' if ':' in name else name}{f':{port}' if port else ''}"
    return host, scheme


def _first(request: Request, name: bytes) -> str:
    """Give a header's first value: the one of the proxy that is nearest to the client."""
    return request.headers.get(name, b"").decode("latin-1").partition(",")[0].strip()
