"""Values and events: what is known to be harmless stays, all else has pseudonyms."""

import base64
import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from connector.pseudonyms import Pseudonyms
from connector.sources.files import read_events
from tests.cli.command import SDK

NAMES = Pseudonyms(b"a key that only tests have")

# Every personal value in the recorded requests of Segment's SDKs.
PERSONAL = (
    "user-42",
    "user-77",
    "user-13",
    "anon-9",
    "anon-77",
    "team-7",
    "team-9",
    "ada@example.com",
    "grace@example.com",
    "linus@example.com",
    "+14155550100",
    "+442079460000",
    "+4915112345678",
    "14155550100",
    "Paris",
    "Acme",
    "Globex",
    "203.0.113.7",
    "54bbee5b-5e73-4d73-878e-3c5cb8eb0bf8",
    "5a5be367-d02f-48c5-90c6-13d0c971eb65",
    "c5cb936b-2454-4042-bd0e-ef4ea9e2703b",
    "1795235292261",
    "1795235293571",
    "tab=billing",
    "WRITE_KEY",
    "ref.example",
)


def forms(value: str) -> set[str]:
    """Write a value in the ways in which it may stand in a text."""
    plain = {value, value.lower(), value.upper(), quote(value, safe="")}
    encoded = {base64.b64encode(text.encode()).decode().rstrip("=") for text in plain}
    return plain | encoded


def test_nothing_personal_of_the_recorded_requests_is_left() -> None:
    """No value of a person that the SDKs have sent is in their pseudonyms, in any form.

    Of ids as short as user-42 one may be the pseudonym of another, which says nothing of either; with this key none is.
    """
    names = Pseudonyms(b"a key with which no short id meets another")
    events = [item.data for _, _, item in read_events([str(SDK)], reads=None)]  # type: ignore[union-attr]
    assert len(events) == 24
    originals = json.dumps(events)
    made = "\n".join(json.dumps(names.event(event)) for event in events)
    for value in PERSONAL:
        assert value in originals or value in ("WRITE_KEY", "14155550100")
        assert [form for form in forms(value) if re.search(rf"(?<!\w){re.escape(form)}(?!\w)", made)] == []


def test_what_is_harmless_stays() -> None:
    """Types, names of events, times, libraries, languages, sizes and words of routes stay."""
    event: dict[str, Any] = {
        "type": "track",
        "event": "Order Completed",
        "timestamp": "2026-11-21T08:00:00.000Z",
        "integrations": {"All": True, "Rupt": False},
        "context": {
            "library": {"name": "analytics.js", "version": "next-1.84.3"},
            "locale": "en-US",
            "timezone": "Europe/Paris",
            "screen": {"width": 1512, "height": 982},
            "page": {"path": "/pricing", "title": "Pricing"},
        },
        "properties": {"quantity": 12, "plan": "pro", "done": True, "nothing": None, "zero": 0},
    }
    assert NAMES.event(event) == event


@pytest.mark.parametrize(
    "key", ["ada@acme.com", "user-42", "550e8400-e29b-41d4-a716-446655440000", "Ada Lovelace", "123456"]
)
def test_keys_that_are_data_have_pseudonyms(key: str) -> None:
    """A key that is an address, an id or a name is replaced as the value would be."""
    assert NAMES.event({"properties": {key: True}}) == {"properties": {NAMES.text(key): True}}


@pytest.mark.parametrize("key", ["email", "billing_address", "utm_source", "firstName", "$set", "Order Total"])
def test_other_keys_stay(key: str) -> None:
    """A key that names a field stays."""
    assert list(NAMES.event({"properties": {key: True}})["properties"]) == [key]  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [42, 1999, 12.5, -3.25, 99.99, 1e21, 12345678901234567890])
def test_numbers_keep_their_magnitude(number: float) -> None:
    """A number keeps its type, its sign and how many digits it has, and becomes another one."""
    made = NAMES.value(number, ("properties", "total"))
    assert isinstance(made, int | float)
    assert type(made) is type(number)
    assert made != number
    assert (made < 0) == (number < 0)
    assert len(repr(made)) == len(repr(number))


def test_moments_move_together() -> None:
    """Dates and moments in an event's fields all move by the same amount, which the key says."""
    made = NAMES.value({"createdAt": 1_700_000_000, "seen_at": 1_700_000_000_123}, ("traits",))
    assert made["seen_at"] - made["createdAt"] * 1000 == 123  # type: ignore[index, call-overload, operator]
    born, joined = NAMES.text("1984-03-12T00:00:00Z"), NAMES.text("1984-03-13T00:00:00Z")
    assert int(joined[8:10]) - int(born[8:10]) in (1, -30, -29, -28, -27)


def test_an_events_own_times_stay_or_move_by_what_is_asked() -> None:
    """The order of events and their age stay; asked to, all times of all events move alike."""
    event: dict[str, Any] = {"timestamp": "2026-11-21T08:00:00.000Z", "sentAt": "2026-11-21T08:00:01.5+01:00"}
    assert NAMES.event(event) == event
    older = Pseudonyms(b"a key that only tests have", shift_time=-86_400.0)
    assert older.event(event) == {"timestamp": "2026-11-20T08:00:00.000Z", "sentAt": "2026-11-20T08:00:01.5+01:00"}


def test_a_credential_is_left_out() -> None:
    """The sender's write key is no part of an event."""
    assert NAMES.event({"type": "page", "writeKey": "secret-of-the-sender"}) == {"type": "page"}


def test_names_of_events_and_pages_hold_no_data() -> None:
    """What is an address or an id in a name has its pseudonym; of pages' names only words of routes stay."""
    made = NAMES.event(
        {"event": "Mailed ada@acme.com", "name": "Profile of Ada", "context": {"app": {"name": "ada@acme.com"}}}
    )
    assert made["event"] == f"Mailed {NAMES.text('ada@acme.com')}"
    assert made["name"] == f"Profile of {NAMES.text('Ada')}"
    assert made["context"] == {"app": {"name": NAMES.text("ada@acme.com")}}
