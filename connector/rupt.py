"""All that is known of Rupt's protocol: a request to URL, headers and bytes; an answer to a verdict. Sans-I/O.

It opens no connection and reads no clock. Texts that come from Rupt leave here only redacted and cut.
"""

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Final, Literal
from urllib.parse import unquote

import msgspec

from connector.redaction import redact
from connector.retry import Delivered, Hold, Reject, Retry, Verdict
from connector.values import JSON, dump_json, load_json

DEFAULT_BASE_URL: Final = "https://api.rupt.dev"
ATTACH_PATH: Final = "/v2/device/attach"
LONGEST_RETRY_AFTER: Final = 31_536_000.0  # a year: whatever is longer, or no number at all, is a mistake


class Request(msgspec.Struct, frozen=True, gc=False):
    """One call of Rupt's API: `path` is URL-encoded, without the base; `body` is sent as JSON, but not with GET.

    It holds no credential but the account's signed token (the seeds' `secret` option), which no repr shows; whoever
    prints a request prints method, path and body.
    """

    method: str
    path: str
    body: dict[str, JSON]
    auth: Literal["client", "secret"] = "client"
    token: str = ""

    def __repr__(self) -> str:
        token = ", token=<hidden>" if self.token else ""
        return f"Request({self.method!r}, {self.path!r}, {self.body!r}, auth={self.auth!r}{token})"


class Response(msgspec.Struct, frozen=True):
    """Rupt's answer as it came: header names are lower case, the body is unread."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Failure(msgspec.Struct, frozen=True):
    """Why there is no answer. `detail` is a short stable text, such as `connection refused`.

    `may_have_left` is false only when surely no byte of the request was sent: no name, no connection, no TLS.
    """

    kind: Literal["timeout", "network"]
    detail: str
    may_have_left: bool = True


class Credentials(msgspec.Struct, frozen=True):
    """Who calls, and where: no repr shows the API secret."""

    client_id: str
    api_secret: str | None = None
    base_url: str = DEFAULT_BASE_URL

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r}, base_url={self.base_url!r})"


def base_url(domain: str) -> str:
    """Make a base URL of `settings.domain`: a bare host gets https://, a full URL is used as it is."""
    bare = domain.strip().rstrip("/")
    return bare if "://" in bare else f"https://{bare}"


def url(request: Request, credentials: Credentials) -> str:
    """Say where a request goes."""
    return credentials.base_url + request.path


def body(request: Request) -> bytes:
    """Print a request's body; a GET has none."""
    return b"" if request.method == "GET" else dump_json(request.body)


def headers(request: Request, credentials: Credentials) -> dict[str, str]:
    """Give a request's headers, the authorization among them: never to be logged.

    Raises ValueError, without the value, when a credential is missing or cannot stand in a header.
    """
    value = _authorization(request, credentials)
    if not (value.isascii() and value.isprintable()):
        raise ValueError("the client id, the API secret or the signed token has characters that no header can carry")
    return {"authorization": value, "content-type": "application/json", "accept": "application/json"}


def _authorization(request: Request, credentials: Credentials) -> str:
    if request.auth == "client":
        # Literal text, NOT base64: so it was recorded from Rupt's own SDK.
        return f"Basic {credentials.client_id}:{request.token}"
    if not credentials.api_secret:
        raise ValueError("this call needs settings.api_secret")
    return f"Bearer {credentials.api_secret}"


# From here on: what an answer means.

_WORDS: Final = {
    400: "bad request",
    404: "not found",
    405: "method not allowed",
    408: "request timeout",
    409: "conflict",
    410: "gone",
    413: "too large",
    415: "unsupported media type",
    422: "not processable",
    423: "locked",
    429: "too many requests",
    500: "Rupt's own error",
    501: "not implemented",
    502: "bad gateway",
    503: "unavailable",
    504: "gateway timeout",
}
_HOLDS: Final = {
    402: "payment required: look after your Rupt subscription",
    403: "not permitted: allow this client id in Rupt's dashboard, or use another",
    407: "proxy authentication required: look after the proxy on the way, or settings.domain",
    428: "needs a Rupt subscription: start or renew it in Rupt's dashboard",
}
_CLIENT_REFUSED: Final = "no valid client id: check settings.client_id"
_TOKEN_REFUSED: Final = "no valid client id or signed token: check settings.client_id and the field secret"
_SECRET_REFUSED: Final = "no valid API secret; check settings.api_secret"
_RETRIED_4XX: Final = frozenset({408, 423, 429})
_NOT_TAKEN: Final = frozenset({408, 423, 429, 501, 503, 505})  # such an answer says that nothing was done


def judge(answer: Response | Failure, request: Request) -> Verdict:
    """Say what an answer to a request means; every reason starts with the status and names no person.

    2xx is done when the body can be trusted, 401, 402, 403, 407, 428 and 3xx (a wrong domain) are the configuration's
    fault, 408, 423, 429 and every 5xx are tried again, other 4xx are the event's fault. Segment does not retry 501;
    Rupt's documentation makes no such exception, and here a 501 comes from a gateway, so it is retried like the others.
    """
    if isinstance(answer, Failure):
        detail = redact(answer.detail)
        return Retry(f"{answer.kind}: {detail}" if detail else answer.kind, in_doubt=answer.may_have_left)
    status = answer.status
    if 200 <= status <= 299:
        return _judge_success(answer, request)
    if status == 401 or status in _HOLDS:
        return Hold(_reason(answer, request, _refusal(request) if status == 401 else _HOLDS[status]))
    if 300 <= status <= 399:
        return Hold(f"{status} redirect: settings.domain is not the address of Rupt's API")
    if 400 <= status <= 499 and status not in _RETRIED_4XX:
        return Reject(_reason(answer, request, _WORDS.get(status, "refused")))
    return Retry(_reason(answer, request, _WORDS.get(status, "failed")), retry_after(answer), status not in _NOT_TAKEN)


def _refusal(request: Request) -> str:
    if request.auth == "secret":
        return _SECRET_REFUSED
    return _TOKEN_REFUSED if request.token else _CLIENT_REFUSED


def _judge_success(answer: Response, request: Request) -> Verdict:
    """Tell a done request from one that only looks so.

    `success: false` is a refusal of this event: Rupt has read the request and said no, and the same request would get
    the same no; as a dead letter it is seen and can be sent again. A body that is cut off or is no JSON object did not
    come whole from Rupt (a proxy's page, say): the request may have landed.
    """
    if answer.status == 204 or (not answer.body and request.path != ATTACH_PATH):
        return Delivered({})
    found = _object(answer.body)
    if found is None:
        return Retry(f"{answer.status} unreadable answer: no JSON object", in_doubt=True)
    if found.get("success") in (False, "false"):
        return Reject(_reason(answer, request, "success is false"))
    if request.path != ATTACH_PATH:
        return Delivered({})
    if found.get("success") is not True and "device_id" not in found:
        return Retry(f"{answer.status} unreadable answer: neither success nor device_id", in_doubt=True)
    return Delivered(access_state(found, request))


def _object(text: bytes) -> dict[str, JSON] | None:
    try:
        found = load_json(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


# What an attach tells.

_STATE_TYPES: Final[Mapping[str, type]] = {
    "device_id": str,
    "attached_devices": int,
    "suspended": bool,
    "new_device": bool,
    "access": str,
    "verification_status": str,
}


def access_state(found: dict[str, JSON], request: Request) -> dict[str, JSON]:
    """Read the access state in the answer to an attach; what is missing or of another type is left out.

    Keys: device_id, attached_devices, suspended, new_device, access, verification_status, and limit_exceeded.
    """
    state: dict[str, JSON] = {}
    for key, kind in _STATE_TYPES.items():
        if type(value := found.get(key)) is kind:
            state[key] = value
    exceeded = is_limit_exceeded(found, request)
    return state if exceeded is None else {**state, "limit_exceeded": exceeded}


def is_limit_exceeded(found: dict[str, JSON], request: Request) -> bool | None:
    """Apply the rule of Rupt's browser SDK (2.24.1): more devices attached than the first limit there is.

    The limits are the request's `limit_config.overall_device_limit`, its older name `overall_limit`, and the answer's
    `default_device_limit`. None when the answer or the limits do not tell.
    """
    config = request.body.get("limit_config")
    config = config if isinstance(config, dict) else {}
    limits = (config.get("overall_device_limit"), config.get("overall_limit"), found.get("default_device_limit"))
    limit = next((number for value in limits if (number := _number(value)) is not None), None)
    attached = _number(found.get("attached_devices"))
    return None if limit is None or attached is None else attached > limit


def _number(value: JSON) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,15}", value):
        return int(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


# Reasons, and when to come back.

_PATH_ID: Final = re.compile(r"/(?:user|device)/([^/]+)/")
_SHORTEST: Final = 4  # characters of a text that is taken out wherever it stands; user, email and phone always are


def _reason(answer: Response, request: Request, words: str) -> str:
    said = _message(answer)
    said = redact(said, repeated_values(said, request))
    return f"{answer.status} {words}: {said}" if said else f"{answer.status} {words}"


def repeated_values(said: str, request: Request) -> list[str]:
    """List what a message repeats of a request, the longest first: any text of it may name a person or a device."""
    ids = [text for found in _PATH_ID.findall(request.path) for text in (found, unquote(found))]
    named = (request.token, *ids, *(request.body.get(key) for key in ("user", "email", "phone")))
    texts = {value for value in named if isinstance(value, str) and value}
    texts.update(text for text in _texts(request.body) if len(text) >= _SHORTEST)
    return sorted((text for text in texts if text in said), key=lambda text: (-len(text), text))


def _texts(value: JSON) -> Iterator[str]:
    """Give every text in a value but the keys, however deep it is."""
    rest = [value]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest.extend(value.values())
        elif isinstance(value, list):
            rest.extend(value)
        elif isinstance(value, str):
            yield value


def _message(answer: Response) -> str:
    """Find Rupt's own words in the body of a refusal; their place is not documented."""
    found: JSON = _object(answer.body)
    for _ in range(3):  # {"error": {"message": …}}, {"errors": [{"message": …}]}
        if isinstance(found, dict):
            found = next((found[key] for key in ("message", "error", "errors", "detail") if found.get(key)), None)
        elif isinstance(found, list):
            found = found[0] if found else None
    return found if isinstance(found, str) else ""


def retry_after(answer: Response) -> float | None:
    """Read Retry-After (RFC 9110 §10.2.3): seconds, or a date, which counts from the answer's own Date.

    Never negative, never more than a year; None when there is none or it cannot be read.
    """
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text, re.ASCII):
        return min(max(0.0, float(text)), LONGEST_RETRY_AFTER)
    then, now = _seconds(text), _seconds(answer.headers.get("date", ""))
    if then is None or now is None:
        return None
    return min(max(0.0, then - now), LONGEST_RETRY_AFTER)


def _seconds(date: str) -> float | None:
    try:
        parts = _email_utils().parsedate_tz(date)
        return None if parts is None else float(_email_utils().mktime_tz(parts))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


@cache
def _email_utils() -> ModuleType:
    """Import the parser of HTTP dates when the first one comes: it costs as much start-up time as all of this file."""
    return importlib.import_module("email.utils")
