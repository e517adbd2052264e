import gzip
import hashlib
import hmac
import json
from base64 import b64encode
from typing import Any

import pytest

from connector.queue import Full
from connector.sources.credentials import WebhookAuth
from tests.sources.reception import EVERYTHING, PAGES, Reception, page, receiving, run

SECRET = "a-shared-secret"
SIGNED = WebhookAuth(secret=SECRET)
BOTH = WebhookAuth(secret=SECRET, header_name="X-Secret", header_value="tell-nobody")
KEPT = {"x-secret": "tell-nobody"}


def sign(body: bytes) -> dict[str, str]:
    """Sign as Segment does."""
    return {"x-signature": hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()}


def text_of(value: object) -> bytes:
    """Print as JavaScript does."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


async def post(reception: Reception, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    """Post to the webhook route."""
    answer = await reception.client.post("/v1/webhook", content=body, headers=headers)
    return answer.status_code, answer.json()


def posted(
    body: bytes, headers: dict[str, str] | None = None, *, text: str = EVERYTHING, **given: Any
) -> tuple[int, dict[str, Any], list[str]]:
    """Post once; give the status, the answer, and the messageIds that are queued."""

    async def check() -> tuple[int, dict[str, Any], list[str]]:
        async with receiving(text, **given) as reception:
            status, answer = await post(reception, body, headers)
            assert [told.source for told in reception.told] == ["webhook"]
            assert "message" in answer
            return status, answer, [job.message_id for job in await reception.jobs()]

    return run(check())


EVENT = text_of(page(name="Café ☕"))
TWO = text_of([page(1), page(2)])
ONE = text_of([page(1, name="Café ☕")])


# Signatures


def test_classic() -> None:
    """One event, whose raw bytes are signed."""
    status, answer, ids = posted(EVENT, sign(EVENT), webhook=SIGNED)
    assert (status, answer, ids) == (200, {"success": True, "message": "accepted"}, ["m-1"])


def test_spaces_are_signed_too() -> None:
    """The bytes count, not what they mean."""
    body = b" " + EVENT.replace(b",", b" , ") + b"\n"
    assert posted(body, sign(body), webhook=SIGNED)[0] == 200
    assert posted(body, sign(EVENT), webhook=SIGNED)[0] == 401


@pytest.mark.parametrize("headers", [{}, {"x-signature": ""}, {"x-signature": "0" * 40}, sign(b"other"), KEPT])
@pytest.mark.parametrize("body", [EVENT, ONE, TWO])
def test_a_missing_or_wrong_signature(body: bytes, headers: dict[str, str]) -> None:
    """401, and nothing is taken."""
    status, answer, ids = posted(body, headers, webhook=SIGNED)
    assert (status, answer["code"], ids) == (401, "invalid_signature", [])


def test_element_0_of_a_batch_is_signed() -> None:
    """A batch of one is as good as an event."""
    assert posted(ONE, sign(ONE[1:-1]), webhook=SIGNED)[::2] == (200, ["m-1"])
    assert posted(ONE, sign(ONE), webhook=SIGNED)[0] == 401


def test_a_batch_of_more_is_refused() -> None:
    """All but its first event could be anybody's: 403, which says what to do."""
    status, answer, ids = posted(TWO, sign(text_of(page(1))), webhook=SIGNED)
    assert (status, answer["code"], ids) == (403, "unsigned_events", [])
    assert "secret header" in answer["message"]


def test_a_batch_with_the_secret_header_is_taken() -> None:
    """The header vouches for all of it, but does not replace the signature."""
    signature = sign(text_of(page(1)))
    assert posted(TWO, {**signature, **KEPT}, webhook=BOTH)[::2] == (200, ["m-1", "m-2"])
    assert posted(TWO, {**signature, "x-secret": "guess"}, webhook=BOTH)[0] == 403
    assert posted(TWO, KEPT, webhook=BOTH)[0] == 401
    assert posted(EVENT, sign(EVENT), webhook=BOTH)[0] == 200


def test_zipped_on_the_way() -> None:
    """A proxy that zips does not break the signature."""
    assert posted(gzip.compress(EVENT), sign(EVENT), webhook=SIGNED)[0] == 200
    assert posted(b"\x1f\x8bno", sign(b"\x1f\x8bno"), webhook=SIGNED)[0] == 401


def test_a_header_alone() -> None:
    """Without a secret the header is what is asked for."""
    header = WebhookAuth(header_name="X-Secret", header_value="tell-nobody")
    assert posted(TWO, KEPT, webhook=header)[0] == 200
    assert posted(TWO, {"x-secret": "guess"}, webhook=header)[0] == 401
    assert posted(EVENT, sign(EVENT), webhook=header)[0] == 401


def test_secrets_are_shown_nowhere() -> None:
    """Not in the repr either."""
    assert "tell" not in repr(BOTH)
    assert SECRET not in repr(BOTH)


# Partners


@pytest.mark.parametrize(("key", "status"), [("GOOD", 200), ("BAD", 401), ("", 401)])
def test_partner(key: str, status: int) -> None:
    """Basic apiKey: is asked for where write keys are; the settings that Segment sends along do not matter."""
    headers = {"authorization": f"Basic {b64encode(f'{key}:'.encode()).decode()}", "x-segment-settings": "eyJhIjoxfQ=="}
    found = posted(EVENT, headers, write_keys=["GOOD"])
    assert found[::2] == (status, ["m-1"] if status == 200 else [])
    assert posted(EVENT, {**headers, "x-segment-settings": "?"})[0] == 200


def test_a_write_key_does_not_replace_a_signature() -> None:
    """Browsers' write keys are known to everybody."""
    headers = {"authorization": f"Basic {b64encode(b'GOOD:').decode()}"}
    assert posted(EVENT, headers, write_keys=["GOOD"], webhook=SIGNED)[0] == 401


# Replies


def test_a_type_that_no_mapping_takes() -> None:
    """501 with the types, for which nobody tries again; it is counted as filtered."""

    async def check() -> None:
        async with receiving(PAGES) as reception:
            status, answer = await post(reception, text_of({"type": "delete", "userId": "u", "messageId": "m"}))
            assert (status, answer["message"]) == (501, "no mapping takes delete events")
            status, answer = await post(reception, text_of([page(1, type="screen"), page(2, type="identify")]))
            assert (status, answer["message"]) == (501, "no mapping takes identify or screen events")
            assert [item.reason for told in reception.told for item in told.filtered] == ["NO_MATCHING_MAPPING"] * 3
            assert (await reception.queue.counts()).total.filtered == 3

    run(check())


def test_a_batch_of_which_something_can_be_taken() -> None:
    """One event of a type that a mapping takes is enough, also when its trigger does not hold."""
    other = page(2, type="screen")
    assert posted(text_of([page(1), other]), text=PAGES)[::2] == (200, ["m-1"])
    named = PAGES.replace('"page"', '"page" and name = "Home"')
    assert posted(text_of([page(1), other]), text=named)[::2] == (200, [])


def test_a_disabled_mapping_takes_nothing() -> None:
    """It is as if it were not there."""
    assert posted(EVENT, text=PAGES.replace("name: Pages,", "name: Pages, enabled: false,"))[0] == 501


def test_delete_events() -> None:
    """A webhook may bring them."""
    assert posted(text_of({"type": "delete", "userId": "u", "messageId": "m"}))[::2] == (200, ["m"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "not JSON"),
        (text_of({"type": "page"}), "neither userId nor anonymousId is there"),
        (text_of([{"type": "page"}]), "item 1: neither"),
        (b"[]", "the batch holds no events"),
        (b"1", "expected an event object"),
    ],
)
def test_what_holds_no_event(body: bytes, message: str) -> None:
    """400, and who sent it is shown why."""
    status, answer, _ = posted(body)
    assert status == 400
    assert message in answer["message"]


def test_a_batch_with_discards() -> None:
    """What is right is taken."""
    assert posted(text_of([{"type": "page"}, page(2)]))[::2] == (200, ["m-2"])


def test_back_pressure_and_errors() -> None:
    """503 and 500 make Segment try again."""

    async def check() -> None:
        async with receiving() as reception:
            reception.queue.refusals += [Full(1, 1), RuntimeError("no")]
            assert (await post(reception, EVENT))[0] == 503
            assert (await post(reception, EVENT))[0] == 500
            assert (await post(reception, EVENT))[0] == 200
            assert len(await reception.jobs()) == 1

    run(check())
