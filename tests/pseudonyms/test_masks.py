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


@pytest.mark.parametrize(
    "key",
    [
        "ada.lovelace",
        "xK3jd9aPqZ",
        "7d1b3e2c",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "cus_NxYzAbCdEfGhIj",
        "u8492",
        "V1StGXR8_Z5jdHi6B-myT",
    ],
)
def test_keys_that_are_ids_have_pseudonyms(key: str) -> None:
    """A key of letters and digits mixed, or of words with dots between, is taken for a value."""
    event: dict[str, Any] = NAMES.event({"properties": {"members": {key: 1}}})
    (made,) = event["properties"]["members"]
    assert made != key
    assert made == NAMES.text(key)


def test_keys_of_a_map_have_pseudonyms() -> None:
    """Where several keys lead to objects of the same build they are values, unless fields are called so."""
    people: dict[str, Any] = {name: {"role": "admin"} for name in ("ada", "grace", "linus")}
    places: dict[str, Any] = {name: {"city": True} for name in ("billing", "shipping", "home")}
    made: dict[str, Any] = NAMES.event({"properties": {"people": people, "places": places}})
    assert list(made["properties"]["people"]) == [NAMES.text(name) for name in people]
    assert list(made["properties"]["places"]) == list(places)


def test_keys_that_a_site_names_stay_unless_they_are_addresses() -> None:
    """Of consent and integrations names stay, and addresses and ids do not."""
    names: dict[str, Any] = {"Google Analytics": True, "Segment.io": False, "C0001": True, "ada@acme.com": True}
    made: dict[str, Any] = NAMES.event({"integrations": names, "context": {"consent": {"categoryPreferences": names}}})
    expected = ["Google Analytics", "Segment.io", "C0001", NAMES.text("ada@acme.com")]
    assert list(made["integrations"]) == expected
    assert list(made["context"]["consent"]["categoryPreferences"]) == expected


@pytest.mark.parametrize(
    "key",
    [
        "email",
        "billing_address",
        "utm_source",
        "firstName",
        "$set",
        "Order Total",
        "address_line_1",
        "line2",
        "sha256",
        "isVIPUser",
        "originalTimestamp",
    ],
)
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


def test_what_an_event_says_of_its_person_is_in_no_name() -> None:
    """Words of ids, traits and addresses get the same pseudonyms in names of events, apps and devices as elsewhere."""
    event: dict[str, Any] = {
        "event": "Viewed xK3jd9aPqZ by Ada Lovelace cus_NxYzAbCdEfGh",
        "channel": "server xK3jd9aPqZ",
        "userId": "xK3jd9aPqZ",
        "traits": {"name": "Ada Lovelace", "plan": "viewed"},
        "context": {
            "library": {"name": "analytics.ada"},
            "app": {"name": "Ada App"},
            "device": {"model": "Grace Hopper's iPhone"},
        },
    }
    made: dict[str, Any] = NAMES.event(event)
    ada, lovelace = NAMES.text("Ada"), NAMES.text("Lovelace")
    assert made["event"].startswith(f"Viewed {made['userId']} by {ada} {lovelace} cus_")
    assert "NxYz" not in made["event"]
    assert made["channel"] == f"server {made['userId']}"
    assert made["context"]["library"] == {"name": f"analytics.{ada.lower()}"}
    assert made["context"]["app"] == {"name": f"{ada} App"}
    assert made["context"]["device"] == {"model": f"{NAMES.text('Grace')} {NAMES.text('Hopper')}'s iPhone"}


@pytest.mark.parametrize(
    "name", ["Order Completed", "pageViewedOnIPad", "OAuth2 Login", "Step1 Completed", "Q3 Report"]
)
def test_names_of_events_stay(name: str) -> None:
    """A name that holds nothing of the person and no id stays."""
    assert NAMES.event({"event": name, "userId": "user-42"})["event"] == name


def test_a_surname_that_is_a_word_is_none_beside_a_name() -> None:
    """In titles a word of pages that is also a trait's is replaced beside another of that person, and stays alone."""
    event: dict[str, Any] = {
        "traits": {"name": "Ada Price"},
        "context": {"page": {"title": "Ada Price | Price list", "path": "/price"}},
    }
    made: dict[str, Any] = NAMES.event(event)
    assert made["context"]["page"]["title"].startswith(f"{NAMES.text('Ada')} {NAMES.text('Price')} | Price ")
    assert made["context"]["page"]["path"] == "/price"


@pytest.mark.parametrize("number", [0, 1, 2, 7, 42, 4711])
def test_a_number_and_its_text_stay_equal(number: int) -> None:
    """What is written as a number in one place and as a text in another is the same afterwards, at any place."""
    for key in ("id", "score", "rating", "position", "count"):
        made: dict[str, Any] = NAMES.event({"properties": {key: number}, "traits": {key: str(number)}})
        assert str(made["properties"][key]) == made["traits"][key]


def test_no_digit_becomes_another_ones() -> None:
    """Digits that stand alone stay different numbers."""
    assert sorted(NAMES.value(number, ("properties", "id")) for number in range(10)) == list(range(10))  # type: ignore[type-var]


@pytest.mark.parametrize("time", ["849204", 849204])
def test_a_time_that_is_none_does_not_stay(time: Any) -> None:
    """Digits in place of a time that are no moment get other ones."""
    assert NAMES.event({"timestamp": time})["timestamp"] == NAMES.value(time)
    assert NAMES.event({"timestamp": time}) != {"timestamp": time}


def test_places_of_many_names_are_counted() -> None:
    """How many names stayed is said by place, and no value is a part of it."""
    names = Pseudonyms(b"a key that only tests have")
    for at in range(40):
        letters = chr(97 + at // 26) + chr(97 + at % 26)
        names.event({"event": f"Clicked {letters}", "properties": {f"key{letters}": {"ada@acme.com": {"on": True}}}})
    assert names.names() == {"event": 40, "properties.*": 40}
