import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.signing import first_element, verify_signature, verify_webhook, webhook_key

SECRET = "a-shared-secret"
BODY = '{"type":"page", "name":"Café ☕"}'.encode()
KEY = b"0123456789abcdef01234567"
NOW = 1_795_235_300.0
TIMESTAMP = str(int(NOW))


def hex_of(body: bytes) -> str:
    """Sign as Segment does."""
    return hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()


# X-Signature


@pytest.mark.parametrize("change", [str, str.upper, lambda text: f" {text} "])
def test_a_right_signature_is_verified(change: type[str]) -> None:
    """The HMAC-SHA1 in hex of either case is right, with white space around it too."""
    assert verify_signature(BODY, change(hex_of(BODY)), SECRET)


@pytest.mark.parametrize("signature", ["", "0" * 40, hex_of(BODY)[:-1], hex_of(BODY + b" "), "é" * 40, "\ud800"])
def test_a_wrong_signature_is_not(signature: str) -> None:
    """Nothing else is right, whatever characters it has."""
    assert not verify_signature(BODY, signature, SECRET)


def test_known_signature() -> None:
    """The digest is that of RFC 2202's second case."""
    assert verify_signature(b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "Jefe")


# Element 0


@pytest.mark.parametrize(
    ("body", "raw", "is_alone"),
    [
        (b'[{"a":1}]', b'{"a":1}', True),
        (b' [\n {"a" : 1.50e0 } , {"b":2}] ', b'{"a" : 1.50e0 }', False),
        (b'[{"a":"\\ud800"}]\n', b'{"a":"\\ud800"}', True),
        ('[{"a":"☕"},2]'.encode(), '{"a":"☕"}'.encode(), False),
        (b'["x"]', b'"x"', True),
        (b"[1] x", b"1", False),
        (b"[1]]", b"1", False),
    ],
)
def test_element_0_is_cut_out(body: bytes, raw: bytes, is_alone: bool) -> None:
    """The bytes of the first element are those that were sent, and it is alone only when the array ends after it."""
    found = first_element(body)
    assert found is not None
    assert (found.raw, found.is_alone) == (raw, is_alone)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"[", b"[,1]", b"\xff", b"[" * 100_000, b'"[1]"', b"\xef\xbb\xbf[1]"]
)
def test_what_has_no_element_0(body: bytes) -> None:
    """Everything else has none."""
    assert first_element(body) is None


@given(
    st.lists(st.dictionaries(st.text(), st.floats(allow_nan=False) | st.text()), min_size=1), st.sampled_from([None, 2])
)
def test_element_0_of_any_array(items: list[dict[str, object]], indent: int | None) -> None:
    """Whatever the array, its element 0 reads as the first item, and it is alone when there is one."""
    found = first_element(json.dumps(items, indent=indent).encode())
    assert found is not None
    assert (json.loads(found.raw), found.is_alone) == (items[0], len(items) == 1)


# Standard Webhooks


def signature_of(id: str = "msg_1", timestamp: str = TIMESTAMP, body: bytes = BODY) -> str:
    """Sign as Rupt does."""
    mac = hmac.new(KEY, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def verify(**change: str | float) -> bool:
    """Verify a right webhook with something changed."""
    given = {"id": "msg_1", "timestamp": TIMESTAMP, "signature": signature_of(), "now": NOW, **change}
    return verify_webhook(BODY, key=KEY, **given)  # type: ignore[arg-type]  # each has its own type


def test_a_right_webhook_is_verified() -> None:
    """Id, time and body are signed."""
    assert verify()


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is being replaced there is one signature for each."""
    assert verify(signature=f"v1,{base64.b64encode(b'0' * 32).decode()} v1a,x {signature_of()}")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "msg_2"},
        {"id": ""},
        {"timestamp": str(int(NOW) + 1)},
        {"timestamp": "soon"},
        {"timestamp": ""},
        {"timestamp": "٣"},
        {"timestamp": "9" * 5_000},
        {"signature": ""},
        {"signature": signature_of().replace("v1,", "v2,")},
        {"signature": signature_of()[3:]},
        {"signature": signature_of(body=BODY + b" ")},
    ],
)
def test_a_wrong_webhook_is_not(change: dict[str, str]) -> None:
    """Whatever is changed, or of another version, is not verified."""
    assert not verify(**change)


@pytest.mark.parametrize(("seconds", "is_right"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_an_old_webhook_is_not_verified(seconds: int, is_right: bool) -> None:
    """A time that differs by more than the tolerance may be somebody's who recorded it."""
    assert verify(now=NOW + seconds) is is_right
    assert verify(now=NOW + seconds, tolerance=400.0)


def test_a_signing_secret_is_base64() -> None:
    """With whsec_ before it or without it is the same key."""
    text = base64.b64encode(KEY).decode()
    assert webhook_key(f"whsec_{text}") == webhook_key(text) == KEY


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_?", "a b"])
def test_what_is_no_signing_secret(secret: str) -> None:
    """What is not base64 is told, without the secret."""
    with pytest.raises(ValueError, match="base64 text, with whsec_ before it") as caught:
        webhook_key(secret)
    assert not secret.strip("whsec_ ") or secret not in str(caught.value)
