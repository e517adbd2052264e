"""Who may send: write keys in the forms in which SDKs give them, and what webhooks prove that they come from Segment.

In: a request's headers and raw body. Out: a key, or the answer that refuses it. No key or secret is in an answer.
"""

import binascii
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from connector.events import gunzip
from connector.signing import first_element, is_one_of, verify_signature
from connector.sources.answers import Answer, refuse

Given: TypeAlias = Mapping[bytes, bytes]  # a request's headers, their names in lower case

UNKNOWN_KEY: Final = refuse(401, "invalid_write_key", "the write key is missing or not one that is accepted here")
_BAD_SIGNATURE: Final = refuse(401, "invalid_signature", "X-Signature is missing or wrong: compare the shared secrets")
_BAD_HEADER: Final = refuse(401, "invalid_secret", "the secret header is missing or wrong")
_UNSIGNED: Final = refuse(
    403,
    "unsigned_events",
    "of a batch only the first event is signed: switch batching off in Segment, or configure a secret header as well",
)


class WebhookAuth(msgspec.Struct, frozen=True):
    """What webhooks must prove: `secret` signs their bodies, and a header has a value that nobody else knows.

    Either may be empty, for what is not asked. With the header, batches are taken too.
    """

    secret: str = ""
    header_name: str = ""
    header_value: str = ""

    def __repr__(self) -> str:
        return f"WebhookAuth(header_name={self.header_name!r})"


def basic_key(headers: Given) -> str:
    """Give the user of a Basic authorization, which is where SDKs put the write key; empty without."""
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return binascii.a2b_base64(encoded.strip()).decode().partition(":")[0]
    except ValueError:
        return ""


def check_webhook(
    auth: WebhookAuth, headers: Given, body: bytes, *, limit: int, write_keys: frozenset[str]
) -> Answer | None:
    """Say whether a webhook is from who it should be: None when it is, else the answer that refuses it.

    Without a secret and a header it needs a write key, as user of a Basic authorization, where keys are asked for.
    """
    name = auth.header_name.lower().encode("ascii", "ignore")
    has_header = bool(name) and is_one_of(headers.get(name, b"").decode("latin-1"), [auth.header_value])
    if auth.secret:
        return _check_signature(auth.secret, headers, body, limit=limit, has_header=has_header)
    if name:
        return None if has_header else _BAD_HEADER
    if write_keys and not is_one_of(basic_key(headers), write_keys):
        return UNKNOWN_KEY
    return None


def _check_signature(secret: str, headers: Given, body: bytes, *, limit: int, has_header: bool) -> Answer | None:
    try:
        text = gunzip(body, limit=limit)
    except ValueError:
        return _BAD_SIGNATURE
    first = first_element(text)
    signature = headers.get(b"x-signature", b"").decode("latin-1")
    if not verify_signature(text if first is None else first.raw, signature, secret):
        return _BAD_SIGNATURE
    return None if first is None or first.is_alone or has_header else _UNSIGNED
