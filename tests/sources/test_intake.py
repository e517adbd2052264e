import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sources.intake import Taken
from tests.sources.reception import EVERYTHING, HEAD, NOW, PAGES, intake_of, page

RECEIVED = "2026-11-21T04:28:20.000Z"


def take(body: object, path: str = "/v1/batch", text: str = EVERYTHING) -> Taken:
    """Take a body in; bytes as they are, everything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return intake_of(text).take(path, raw, received_at=NOW)


def stored(body: object, path: str = "/v1/batch", text: str = EVERYTHING) -> dict[str, Any]:
    """Take in a body of one event, and give what is stored of it."""
    (job,) = take(body, path, text).jobs
    pairs: list[tuple[str, Any]] = json.loads(job.raw, object_pairs_hook=lambda pairs: pairs)
    assert len(dict(pairs)) == len(pairs), "a key is there twice"
    found: dict[str, Any] = json.loads(job.raw)
    return found


# Jobs


def test_an_event_becomes_a_job_for_each_mapping_that_takes_it() -> None:
    """A job has the event's messageId, the mapping's name, its account and the time at which it was received."""
    two = HEAD + (
        "mappings:\n"
        '  - {name: One, action: attach, trigger: type = "page", fields: {account: $.userId}}\n'
        '  - {name: Two, action: attach, trigger: userId = "u-1", fields: {account: $.userId}}\n'
    )
    taken = take({"batch": [page(1), page(2)]}, text=two)
    assert [(job.message_id, job.mapping, job.account, job.accepted_at) for job in taken.jobs] == [
        ("m-1", "One", "u-1", NOW),
        ("m-1", "Two", "u-1", NOW),
        ("m-2", "One", "u-2", NOW),
    ]
    assert (taken.events, taken.filtered, taken.discards, taken.fault) == (2, [], [], None)
    assert taken.types == {"page"}


def test_the_account_without_a_user_is_the_device() -> None:
    """An event of somebody unknown is its anonymousId's."""
    (job,) = take(page(userId=None, anonymousId="a-1")).jobs
    assert job.account == "a-1"


def test_what_no_mapping_takes_is_filtered() -> None:
    """Each event that makes no job is there, with the reason."""
    track = page(2, type="track", event="Signed Up")
    off = page(3, integrations={"All": False})
    taken = take({"batch": [page(1), track, off]}, text=PAGES)
    assert [job.message_id for job in taken.jobs] == ["m-1"]
    assert [(item.message_id, item.reason, item.mapping) for item in taken.filtered] == [
        ("m-2", "NO_MATCHING_MAPPING", ""),
        ("m-3", "FILTERED_BY_INTEGRATIONS_OBJECT", ""),
    ]


def test_consent_is_looked_at() -> None:
    """An event of somebody who has not agreed to the destination's categories is filtered."""
    text = PAGES.replace("settings: {", "settings: {consent_categories: [ads], ")
    no, yes = ({"consent": {"categoryPreferences": {"ads": agreed}}} for agreed in (False, True))
    taken = take({"batch": [page(1, context=no), page(2, context=yes), page(3)]}, text=text)
    assert [job.message_id for job in taken.jobs] == ["m-2", "m-3"]
    assert [item.reason for item in taken.filtered] == ["FILTERED_BY_END_USER_CONSENT"]


# Stamps


def test_the_clock_of_a_device_is_corrected() -> None:
    """The timestamp is when it was received, less how long before it was sent the event happened."""
    event = page(timestamp="2020-01-01T00:00:00.000Z", sentAt="2020-01-01T00:00:05.250Z")
    found = stored(event)
    assert found["timestamp"] == "2026-11-21T04:28:14.750Z"
    assert found["originalTimestamp"] == "2020-01-01T00:00:00.000Z"
    assert (found["receivedAt"], found["sentAt"]) == (RECEIVED, "2020-01-01T00:00:05.250Z")


def test_a_batch_says_when_it_was_sent() -> None:
    """The sentAt of a batch is that of its events, but for those that have their own."""
    event = page(timestamp="2020-01-01T00:00:00Z")
    found = stored({"batch": [event], "sentAt": "2020-01-01T00:00:01Z"})
    assert (found["timestamp"], found["sentAt"]) == ("2026-11-21T04:28:19.000Z", "2020-01-01T00:00:01Z")
    found = stored({"batch": [{**event, "sentAt": "2020-01-01T00:00:02Z"}], "sentAt": "2020-01-01T00:00:01Z"})
    assert found["timestamp"] == "2026-11-21T04:28:18.000Z"


@pytest.mark.parametrize("sent", [None, "", "yesterday", {}])
def test_without_sent_at_nothing_is_corrected(sent: object) -> None:
    """What the client says is the time then."""
    assert stored(page(sentAt=sent))["timestamp"] == "2026-11-21T04:28:13.571Z"


@pytest.mark.parametrize("time", [None, "", "yesterday"])
def test_without_a_time_it_is_when_it_was_received(time: str | None) -> None:
    """An event that does not say when it happened happened now."""
    found = stored(page(timestamp=time, sentAt="2020-01-01T00:00:05Z"))
    assert (found["timestamp"], found["receivedAt"]) == (RECEIVED, RECEIVED)
    assert found.get("originalTimestamp") == (time or None)


def test_an_original_timestamp_is_what_the_client_said() -> None:
    """It wins over the timestamp, for it belongs to sentAt."""
    event = page(originalTimestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:00:05Z")
    assert stored(event)["timestamp"] == "2026-11-21T04:28:15.000Z"


def test_segments_own_stamps_stay() -> None:
    """A webhook may come hours after Segment received the event: its times are right already."""
    event = page(
        originalTimestamp="2020-01-01T00:00:00Z", sentAt="2020-01-01T00:00:05Z", receivedAt="2026-11-20T00:00:00Z"
    )
    found = stored(event, "/v1/webhook")
    assert (found["timestamp"], found["receivedAt"]) == ("2026-11-21T04:28:13.571Z", "2026-11-20T00:00:00Z")
    assert stored(page(), "/v1/webhook")["receivedAt"] == RECEIVED


@pytest.mark.parametrize("given", [{}, {"messageId": None}, {"messageId": ""}])
def test_an_event_without_a_message_id_is_given_one(given: dict[str, Any]) -> None:
    """It is in the job and in what is stored."""
    event = {"type": "page", "userId": "u", **given}
    (job,) = take(event).jobs
    assert job.message_id == json.loads(job.raw)["messageId"] == "new-1"


def test_a_batchs_context_and_integrations_are_its_events_too() -> None:
    """Key by key; what an event says itself wins."""
    body: dict[str, Any] = {
        "batch": [page(1, context={"ip": "1.1.1.1", "locale": "de"}), page(2, integrations={"Rupt": True})],
        "context": {"locale": "en", "app": {"name": "x"}},
        "integrations": {"All": False},
    }
    taken = take(body)
    assert [item.reason for item in taken.filtered] == ["FILTERED_BY_INTEGRATIONS_OBJECT"]
    (job,) = taken.jobs
    found = json.loads(job.raw)
    assert found["integrations"] == {"All": False, "Rupt": True}
    assert found["context"] == {"locale": "en", "app": {"name": "x"}}
    body["integrations"] = None
    first = json.loads(take(body).jobs[0].raw)
    assert first["context"] == {"locale": "de", "app": {"name": "x"}, "ip": "1.1.1.1"}


def test_a_trigger_may_read_what_is_stamped() -> None:
    """An event is routed as it is stored."""
    text = PAGES.replace('type = "page"', f'receivedAt = "{RECEIVED}"')
    assert len(take({"batch": [page(1)]}, text=text).jobs) == 1


def test_the_write_key_is_not_stored() -> None:
    """It is the sender's credential, and told to who asks for it."""
    event = {"writeKey": "KEY", **page()}
    assert "writeKey" not in stored(event)
    assert take(event).write_key == take({"batch": [], "writeKey": "KEY"}).write_key == "KEY"
    assert take({**page(), "writeKey": 1}).write_key == ""


def test_what_is_inside_is_stored_as_it_was_written() -> None:
    """Numbers keep their digits, and texts their escapes."""
    properties = b'{"n": 1.50e0, "big": 12345678901234567890, "s":"\\u00e9"}'
    (job,) = take(b'{"type":"page","messageId":"m","userId":"u","properties":%b}' % properties).jobs
    assert properties in job.raw


def test_a_key_that_is_there_twice_is_stored_once() -> None:
    """The last one counts, as everywhere."""
    assert stored(b'{"type":"page","messageId":"m","userId":"u","userId":"v"}')["userId"] == "v"


# Shapes


@pytest.mark.parametrize(
    ("path", "type"),
    [("/v1/p", "page"), ("/v1/page/", "page"), ("/x/v1/i", "identify"), ("/v1/screen?a", "screen")],
)
def test_the_route_gives_the_type(path: str, type: str) -> None:
    """Where the body says none, also where it says null."""
    event = {"userId": "u", "messageId": "m"}
    assert stored(event, path)["type"] == type
    assert stored({**event, "type": None}, path)["type"] == type
    assert stored({**event, "type": "group", "groupId": "g"}, path)["type"] == "group"


def test_zipped() -> None:
    """A body that is gzip is unzipped, whatever its path says."""
    assert len(take(gzip.compress(json.dumps({"batch": [page()]}).encode())).jobs) == 1


def test_a_list_is_a_batch() -> None:
    """Webhooks send batches as arrays."""
    assert [job.message_id for job in take([page(1), page(2)], "/v1/webhook").jobs] == ["m-1", "m-2"]


def test_half_a_surrogate_pair() -> None:
    """JavaScript sends such; it is stored as the replacement character."""
    raw = b'{"batch":[{"type":"page","messageId":"m","userId":"u","name":"\\ud83d"}]}'
    assert stored(raw)["name"] == "\ufffd"


def test_browser_metrics_are_no_events() -> None:
    """They are taken and forgotten."""
    assert take(b'{"series":[]}', "/v1/m") == Taken()


# Discards and faults


def test_discards() -> None:
    """Each invalid event is there with Segment's reason and its place, and the others go on."""
    events = [
        page(1, userId=None),
        page(2, type="track"),
        page(3, type="track", event=7),
        page(4, properties=[]),
        page(5, traits="no", type="identify"),
        page(6, name={}),
        page(7, userId=7),
        page(8, type="delete"),
        page(9, type="wave"),
        "no event",
        page(11),
    ]
    taken = take({"batch": events})
    assert [job.message_id for job in taken.jobs] == ["m-11"]
    assert [(item.reason, item.message_id) for item in taken.discards] == [
        ("no_user_anon_id", "m-1"),
        ("event_not_defined", "m-2"),
        ("event_not_string", "m-3"),
        ("properties_not_object", "m-4"),
        ("traits_not_object", "m-5"),
        ("name_not_string", "m-6"),
        ("id_not_string", "m-7"),
        ("UNSUPPORTED_EVENT_TYPE", "m-8"),
        ("UNSUPPORTED_EVENT_TYPE", "m-9"),
        ("bad_request", None),
    ]
    assert [item.detail.partition(":")[0] for item in taken.discards] == [f"item {n}" for n in range(1, 11)]
    assert [item.reason for item in taken.filtered] == [item.reason for item in taken.discards]
    assert (taken.events, taken.fault) == (11, None)


def test_delete_comes_from_webhooks() -> None:
    """There it is an event like any other."""
    taken = take({"type": "delete", "userId": "u", "messageId": "m"}, "/v1/webhook")
    assert [job.message_id for job in taken.jobs] == ["m"]


def test_an_event_that_is_too_large_is_discarded() -> None:
    """The rest of its batch goes on."""
    taken = take({"batch": [page(1, name="x" * 33_000), page(2)]})
    assert [job.message_id for job in taken.jobs] == ["m-2"]
    (discard,) = taken.discards
    assert (discard.reason, discard.message_id) == ("event_too_large", "m-1")
    assert "bytes, more than 32,768" in discard.detail
    assert taken.filtered[0].message_id == "m-1"


@pytest.mark.parametrize("id", ["", "x" * 101, 7, None, ["m"]])
def test_only_a_readable_id_is_kept_of_what_is_discarded(id: object) -> None:
    """What is no text, empty, or longer than an id is not noted."""
    (discard,) = take({"batch": [{**page(1, name="x" * 33_000), "messageId": id}]}).discards
    assert discard.message_id is None


def deep(levels: int, id: str = "deep", **fields: Any) -> bytes:
    """Write an event with a property that nobody reads, so that the whole event has so many levels."""
    value = b"[" * (levels - 2) + b"]" * (levels - 2)
    return json.dumps({**page(**fields), "messageId": id, "properties": {"x": 0}}).encode().replace(b"0}", value + b"}")


@pytest.mark.parametrize("levels", [201, 300, 900, 990, 994, 998, 1_002, 1_500, 10_000])
@pytest.mark.parametrize("shape", [b'{"batch":[%b,%b],"sentAt":""}', b"[%b,%b]"])
def test_an_event_that_is_too_deep_is_discarded(shape: bytes, levels: int) -> None:
    """However deep it is, and though no mapping reads it, the rest of its batch goes on."""
    taken = intake_of(event=64_000).take(
        "/v1/batch", shape % (deep(levels), json.dumps(page(2)).encode()), received_at=NOW
    )
    assert [job.message_id for job in taken.jobs] == ["m-2"]
    (discard,) = taken.discards
    assert (discard.reason, discard.message_id) == ("nested_too_deeply", "deep")
    assert discard.detail == "item 1: the event is nested more than 200 levels deep"
    assert (taken.events, taken.fault) == (2, None)


@pytest.mark.parametrize("text", [EVERYTHING, PAGES.replace("$.userId", "$.properties.x")])
@pytest.mark.parametrize("name", ["", "\ud83d", "[[" * 300])
def test_an_event_that_is_just_not_too_deep_is_taken(text: str, name: str) -> None:
    """Of 200 levels; brackets in a text are none, and half a surrogate pair makes no difference."""
    taken = take(b'{"batch":[%b,%b]}' % (deep(200, "m", name=name), deep(1_500)), text=text)
    assert [item.detail for item in taken.discards] == ["item 2: the event is nested more than 200 levels deep"]
    assert [job.message_id for job in taken.jobs] == ["m"]
    assert json.loads(taken.jobs[0].raw)["properties"]["x"]


def test_a_deep_event_by_itself_is_discarded() -> None:
    """It is no fault of the body's."""
    for levels in (201, 1_500):
        (discard,) = take(deep(levels), "/v1/page").discards
        assert (discard.reason, discard.message_id) == ("nested_too_deeply", "deep")


def test_what_a_batch_says_for_all_counts() -> None:
    """An event is as deep as it would be stored."""
    context = b'{"x":' + b"[" * 220 + b"]" * 220 + b"}"
    for own in ({}, {"context": {"ip": "1.1.1.1"}}):
        body = b'{"batch":[%b],"context":%b}' % (json.dumps(page(1, **own)).encode(), context)
        (discard,) = take(body).discards
        assert (discard.reason, discard.message_id) == ("nested_too_deeply", "m-1")


def test_ids_that_differ_in_half_a_surrogate_pair() -> None:
    """They stay apart, so that neither event is taken for the other."""
    event = rb'{"type":"page","messageId":"\ud83%b","userId":"u"}'
    body = b"[%b,%b]" % (event % b"d", event % b"e")
    assert [job.message_id for job in take(body).jobs] == ["\ufffdd83d", "\ufffdd83e"]


@pytest.mark.parametrize("body", [{"batch": []}, []])
def test_an_empty_batch_is_discarded(body: object) -> None:
    """It is no fault: its sender gets a 200."""
    taken = take(body)
    assert [item.reason for item in taken.filtered] == ["empty_batch"]
    assert (taken.events, taken.fault) == (0, None)


@pytest.mark.parametrize("body", [{"batch": {}}, {"batch": 1}, "text", 1, None])
def test_what_is_no_batch_and_no_event_is_discarded(body: object) -> None:
    """It could be read, so it is no fault either."""
    taken = take(body)
    assert [item.reason for item in taken.discards] == ["bad_request"]
    assert (taken.jobs, taken.fault) == ([], None)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "not JSON"),
        (b'{"batch": [', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7 is 0xff"),
        (b"[" * 1_500, "not JSON: Expecting"),
        (gzip.compress(b"{}")[:-4], "the gzip data ends early"),
        (b"\x1f\x8bno", "the gzip data is damaged"),
        (b" " * 2_001, "the body has 2,001 bytes, more than 2,000"),
        (gzip.compress(b" " * 1_000_000), "the gzip data holds more than 2,000 bytes"),
        (b"[1,2,3,4]", "the batch holds 4 events, more than 3"),
    ],
)
def test_faults(body: bytes, detail: str) -> None:
    """A body that is unreadable or too large makes no job, and nothing that is counted."""
    taken = intake_of(body=2_000, events=3).take("/v1/batch", body, received_at=NOW)
    assert taken.fault is not None
    assert detail in taken.fault.detail
    assert (taken.jobs, taken.filtered, taken.events) == ([], [], 0)


# Any input

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
IDS = ("messageId", "userId", "anonymousId", "groupId")
TIMES = ("timestamp", "sentAt", "originalTimestamp", "receivedAt")
KEYS = st.sampled_from((*IDS, *TIMES, "type", "event", "name", "context", "properties", "traits", "batch", "writeKey"))
EVENTS = st.dictionaries(KEYS, VALUES | st.sampled_from(["page", "track", "2026-11-21T04:28:20Z"]))
PATHS = st.sampled_from(["/v1/batch", "/v1/p", "/v1/track", "/v1/webhook", "/v1/m", "", "/v1/é"])
INTAKE = intake_of()


def check_any(path: str, body: bytes) -> None:
    """Whatever the body, each of its events is accounted for, and what is stored can be read again."""
    taken = INTAKE.take(path, body, received_at=NOW)
    for job in taken.jobs:
        assert json.loads(job.raw)["receivedAt"]
    if taken.fault is not None:
        assert not taken.jobs
        assert not taken.filtered
    else:
        assert len(taken.jobs) + len(taken.filtered) == max(taken.events, len(taken.discards))


@given(PATHS, st.binary(max_size=200))
def test_any_bytes_are_taken(path: str, body: bytes) -> None:
    """Nothing makes it raise."""
    check_any(path, body)
    check_any(path, gzip.compress(body))


@given(
    PATHS,
    EVENTS
    | st.lists(EVENTS | VALUES)
    | st.fixed_dictionaries(
        {"batch": st.lists(EVENTS | VALUES)}, optional={"context": VALUES, "integrations": VALUES, "sentAt": VALUES}
    ),
)
def test_any_json_is_taken(path: str, body: object) -> None:
    """Nor do events with wrong values in their own keys."""
    check_any(path, json.dumps(body).encode())
