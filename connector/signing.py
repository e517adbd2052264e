"""Whether a webhook comes from who it says: its raw bytes, its headers and a shared secret in, yes or no out.

Everything is compared in constant time. What to do without a signature is decided by who asks; see sources.webhooks.
"""

import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from typing import Final

import msgspec

TOLERANCE: Final = 300.0  # seconds by which a webhook's clock may differ, as the Standard Webhooks libraries have it
_SECRET_PREFIX: Final = "whsec_"
_VERSION: Final = "v1"
_SPACE: Final = " \t\n\r"  # what JSON allows between values
_BLANK: Final = re.compile(f"[{_SPACE}]*")
_decode_value: Final = json.JSONDecoder().raw_decode  # it tells where a value ends, and takes half a surrogate pair


def same_text(one: str, other: str) -> bool:
    """Compare two texts in a time that does not tell how much of them is equal."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def is_one_of(text: str, known: Iterable[str]) -> bool:
    """Whether a text is one of a few secrets; the time tells neither which nor how much of it is right."""
    return sum(same_text(text, secret) for secret in known) > 0


# -------------------------------------------------------------------------------------------------- Segment's webhooks


def verify_signature(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature`, the X-Signature header, is the HMAC-SHA1 of these very bytes in hex of either case."""
    expected = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return same_text(signature.strip().lower(), expected)


class First(msgspec.Struct, frozen=True):
    """Element 0 of a JSON array as it was written, and whether it is the only one."""

    raw: bytes
    is_alone: bool


def first_element(body: bytes) -> First | None:
    """Cut element 0 out of a JSON array without encoding it anew; None when the text is no array or has no elements.

    What comes after element 0 is not looked at, but for whether it is the array's end.
    """
    try:
        text = body.decode()
        start = _skip_blank(text, 0)
        if text[start : start + 1] != "[":
            return None
        start = _skip_blank(text, start + 1)
        _, end = _decode_value(text, start)
    except (ValueError, RecursionError):
        return None
    return First(text[start:end].encode(), text[_skip_blank(text, end) :].rstrip(_SPACE) == "]")


def _skip_blank(text: str, start: int) -> int:
    found = _BLANK.match(text, start)
    return found.end() if found else start


# --------------------------------------------------------------------------------------------------- Standard Webhooks


def webhook_key(secret: str) -> bytes:
    """Read a signing secret, base64 with or without `whsec_` before it. Raises ValueError when it is not base64."""
    try:
        key = binascii.a2b_base64(secret.strip().removeprefix(_SECRET_PREFIX), strict_mode=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("a signing secret is base64 text, with whsec_ before it or without")
    return key


def verify_webhook(
    body: bytes, *, id: str, timestamp: str, signature: str, key: bytes, now: float, tolerance: float = TOLERANCE
) -> bool:
    """Whether one of the signatures in Webhook-Signature is right, and Webhook-Timestamp within `tolerance` of `now`.

    `key` is what `webhook_key` gives; `now` and `tolerance` are in seconds. The header holds signatures `v1,BASE64`
    with spaces between them, one for each secret that is in use; those of other versions are passed over.
    """
    if not (id and timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 16):
        return False
    if abs(now - int(timestamp)) > tolerance:
        return False
    mac = hmac.new(key, f"{id}.{timestamp}.".encode("utf-8", "surrogatepass") + body, hashlib.sha256)
    expected = binascii.b2a_base64(mac.digest(), newline=False).decode()
    pairs = (part.partition(",") for part in signature.split())
    return is_one_of(expected, [given for version, _, given in pairs if version == _VERSION])
