import gzip
import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.events import EVENT_TYPES, Discard, Event, Item, Reader, event_reader, gunzip
from connector.values import JSON

TIME = "2026-11-21T04:28:13.571Z"
PAGE: dict[str, JSON] = {"type": "page", "messageId": "m-1", "userId": "u-1", "timestamp": TIME}
NEEDED: dict[str, dict[str, JSON]] = {
    "track": {"event": "Signed Up"},
    "group": {"groupId": "g"},
    "alias": {"previousId": "p"},
}
WHOLE = event_reader(None)
PART = event_reader(frozenset({("context", "traits", "email"), ("properties", "plan"), ("integrations",)}))
both_readers = pytest.mark.parametrize("reader", [pytest.param(WHOLE, id="whole"), pytest.param(PART, id="part")])


def text_of(value: object) -> bytes:
    """The JSON text of a value; bytes are texts already."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def event_of(kind: str, **fields: JSON) -> dict[str, JSON]:
    """A right event of a type."""
    return {**PAGE, **NEEDED.get(kind, {}), "type": kind, **fields}


def told(item: Item) -> str:
    """An item in short: type and messageId, or the reason of the discard."""
    return f"{item.type} {item.message_id}" if isinstance(item, Event) else item.reason


def unpack(value: object, reader: Reader = WHOLE) -> list[str]:
    """All items of a document in short."""
    return [told(item) for item in reader.unpack(text_of(value))]


def unpack_one(value: object) -> Event:
    """The only event of a document."""
    (item,) = WHOLE.unpack(text_of(value))
    assert isinstance(item, Event)
    return item


def discard(value: object) -> Discard:
    """The discard that a text gives when it is read as one event."""
    item = WHOLE.read(text_of(value))
    assert isinstance(item, Discard)
    return item


# ------------------------------------------------------------------------------------------------------- one event


@both_readers
@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
def test_type(reader: Reader, kind: str) -> None:
    """An event of each type is read with its type, its id and its own text."""
    raw = text_of(event_of(kind))
    item = reader.read(raw)
    assert isinstance(item, Event)
    assert (item.type, item.message_id, item.data["userId"], item.raw) == (kind, "m-1", "u-1", raw)


ALL = set(EVENT_TYPES)
RULES: dict[str, tuple[str, set[str]]] = {
    "type": ("UNSUPPORTED_EVENT_TYPE", ALL),
    "messageId": ("id_not_string", ALL),
    "userId": ("id_not_string", ALL),
    "anonymousId": ("id_not_string", ALL),
    "groupId": ("id_not_string", {"group"}),
    "previousId": ("id_not_string", {"alias"}),
    "event": ("event_not_string", {"track"}),
    "name": ("name_not_string", {"page", "screen"}),
    "properties": ("properties_not_object", {"track", "page", "screen"}),
    "traits": ("traits_not_object", {"identify", "group"}),
    # What nobody needs to be of one type stops no event.
    **dict.fromkeys(
        ("category", "context", "integrations", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "writeKey"),
        ("", set()),
    ),
}
NUMBERS: list[JSON] = [7, 2.5, True]
LISTS_AND_OBJECTS: list[JSON] = [[], ["text"], {}, {"key": 1}]
WRONG: dict[str, list[JSON]] = {
    "properties": ["text", *NUMBERS, ["text"]],
    "traits": ["text", *NUMBERS, ["text"]],
}


@both_readers
@pytest.mark.parametrize("kind", sorted(EVENT_TYPES))
@pytest.mark.parametrize("field", RULES)
def test_wrong_type(reader: Reader, kind: str, field: str) -> None:
    """A field of a wrong type is a discard by name where the event's type needs the field, and is let be elsewhere."""
    reason, kinds = RULES[field]
    expected = reason if kind in kinds else f"{kind} m-1"
    wrong = WRONG.get(field, [*NUMBERS, *LISTS_AND_OBJECTS])
    assert [told(reader.read(text_of(event_of(kind, **{field: value})))) for value in wrong] == [expected] * len(wrong)


@both_readers
@pytest.mark.parametrize("traits", ["text", 7, True, [], ["a"]])
def test_traits_of_the_context(reader: Reader, traits: JSON) -> None:
    """`context.traits` must be an object like `traits` itself."""
    assert told(reader.read(text_of({**PAGE, "context": {"traits": traits}}))) == "traits_not_object"


@both_readers
@pytest.mark.parametrize("field", ["anonymousId", "name", "properties", "context", "integrations", "timestamp"])
def test_null(reader: Reader, field: str) -> None:
    """Null is as good as absent."""
    assert told(reader.read(text_of({**PAGE, field: None}))) == "page m-1"


@both_readers
@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({**PAGE, "userId": None}, "no_user_anon_id"),
        ({**PAGE, "userId": ""}, "no_user_anon_id"),
        ({**PAGE, "userId": "", "anonymousId": ""}, "no_user_anon_id"),
        ({"type": "page"}, "no_user_anon_id"),
        (event_of("track", event=None), "event_not_defined"),
        (event_of("track", event=""), "event_not_defined"),
        ({**PAGE, "type": "track"}, "event_not_defined"),
        ({**PAGE, "type": "group"}, "no_group_id"),
        (event_of("group", groupId=None), "no_group_id"),
        ({**PAGE, "type": "alias"}, "no_previous_id"),
        (event_of("alias", userId=None, anonymousId="a"), "no_user_id"),
        ({"type": "delete", "anonymousId": "a"}, "no_user_id"),
        ({**PAGE, "type": "Page"}, "UNSUPPORTED_EVENT_TYPE"),
        ({**PAGE, "type": ""}, "UNSUPPORTED_EVENT_TYPE"),
        ({**PAGE, "type": None}, "UNSUPPORTED_EVENT_TYPE"),
        ({}, "UNSUPPORTED_EVENT_TYPE"),
        ({**PAGE, "messageId": "x" * 100}, "message_id_too_long"),
        (b"", "bad_request"),
        (b"null", "bad_request"),
        (b'"text"', "bad_request"),
        (b"[]", "bad_request"),
        (b"{", "bad_request"),
        (b'{"type": NaN}', "bad_request"),
    ],
)
def test_reason(reader: Reader, event: object, reason: str) -> None:
    """What an event lacks or has wrong gives a discard with Segment's name for it, or ours where Segment has none."""
    assert told(reader.read(text_of(event))) == reason


@pytest.mark.parametrize(
    ("event", "detail"),
    [
        ({**PAGE, "userId": 42}, "userId must be a string, found a number"),
        ({**PAGE, "properties": ["a"]}, "properties must be an object, found an array"),
        ({**PAGE, "context": {"traits": True}}, "context.traits must be an object, found a boolean"),
        ({**PAGE, "type": "track"}, "track needs the name of its event, found nothing"),
        (event_of("track", event=""), "track needs the name of its event, found an empty string"),
        ({**PAGE, "type": "group", "groupId": None}, "group needs groupId, found null"),
        (b"7", "expected an event object, found a number"),
        (b'{"type": "p\xffge"}', "not UTF-8: byte 11 is 0xff"),
        (b'{"type":\0"page"}', "not JSON: byte 8 is NUL"),
        (b'{"type" "page"}', "not JSON: Expecting ':' delimiter at character 8"),
        (b"[" * 201 + b"]" * 201, "nested more than 200 levels deep"),
        (b"[" * 2000 + b"]" * 2000, "nested more than 200 levels deep"),
    ],
)
def test_detail(event: object, detail: str) -> None:
    """A discard says what was expected and what was found, or at which byte the text stops being JSON."""
    assert discard(event).detail == detail


def test_detail_has_no_values() -> None:
    """A discard shows types and places, and nothing of what a person's event holds."""
    secret: list[JSON] = ["ada@example.com"]
    fields = ["type", "messageId", "userId", "anonymousId", "name", "properties"]
    details = [discard({**PAGE, field: secret}).detail for field in fields]
    details += [discard(b'{"type": "page", "ada@example.com" }').detail, discard({**PAGE, "type": "ada"}).detail]
    assert [detail for detail in details if "ada" in detail] == []


def test_discard_keeps_the_id() -> None:
    """A discard names the event where the event has a name."""
    assert (discard({**PAGE, "userId": 1}).message_id, discard({**PAGE, "messageId": 1}).message_id) == ("m-1", None)


@both_readers
def test_missing_message_id(reader: Reader) -> None:
    """An event without messageId gets one from its content: the same in a second run, and however it is spaced."""
    event = {key: value for key, value in PAGE.items() if key != "messageId"}
    first = told(reader.read(text_of(event)))
    assert first.startswith("page content-")
    assert first == told(reader.read(json.dumps({**event}, indent=2).encode()))
    assert first != told(reader.read(text_of({**event, "name": "Home"})))


@both_readers
@pytest.mark.parametrize("empty", [None, ""])
def test_empty_message_id(reader: Reader, empty: JSON) -> None:
    """A messageId that is null or empty is none."""
    assert told(reader.read(text_of({**PAGE, "messageId": empty}))).startswith("page content-")


@both_readers
def test_longest_message_id(reader: Reader) -> None:
    """A messageId may have 99 characters."""
    assert told(reader.read(text_of({**PAGE, "messageId": "x" * 99}))) == "page " + "x" * 99


@both_readers
def test_numbers_are_kept(reader: Reader) -> None:
    """A number keeps all its digits, beyond what JavaScript would keep."""
    item = reader.read(text_of({**PAGE, "properties": {"plan": 123456789012345678901234567890}}))
    assert isinstance(item, Event)
    assert item.data["properties"] == {"plan": 123456789012345678901234567890}


@both_readers
@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (rb'"\ud800"', "\ufffd"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb"1e400", None),
        (rb"-0.0", 0),
        (rb'1, "plan": 2', 2),
        (rb'1, "pl\u0061n": 3', 3),
    ],
)
def test_odd_json(reader: Reader, plan: bytes, expected: JSON) -> None:
    """Half a surrogate pair becomes U+FFFD, a number beyond all numbers null, and of two equal keys the last wins."""
    item = reader.read(
        b'{"type":"page","messageId":"m","timestamp":"t","userId":"u","properties":{"plan":' + plan + b"}}"
    )
    assert isinstance(item, Event)
    assert item.data["properties"] == {"plan": expected}


@both_readers
def test_ids_with_half_a_surrogate_pair_stay_apart(reader: Reader) -> None:
    """What differs in half of a pair is two events, not one that came twice; a whole pair is a letter as ever."""
    ids = (rb"a\ud83d", rb"a\uDE00", rb"a\ud83d\ude00", rb"a\\ud83d", rb"a\ufffd")
    found = [reader.read(b'{"type":"page","messageId":"%s","timestamp":"t","userId":"u"}' % id) for id in ids]
    names = [item.message_id for item in found if isinstance(item, Event)]
    assert names == ["a\ufffdd83d", "a\ufffdde00", "a\U0001f600", "a\\ud83d", "a\ufffd"]


def test_bad_encoding_in_what_is_skipped() -> None:
    """Bytes that are not UTF-8 are found also in a part of the event that nobody reads."""
    raw = text_of({**PAGE, "category": "?"}).replace(b"?", b"\xff")
    assert told(PART.read(raw)) == "bad_request"


def test_deep_value_is_not_read() -> None:
    """A value deeper than 200 levels is refused where it would be read, and no matter where it is skipped."""
    deep = b"[" * 300 + b"]" * 300
    event = text_of({**PAGE, "properties": {"plan": "?", "other": "!"}})
    assert told(PART.read(event.replace(b'"?"', deep))) == "nested_too_deeply"
    assert told(PART.read(event.replace(b'"!"', deep))) == "page m-1"


@both_readers
@given(st.binary())
def test_never_raises(reader: Reader, raw: bytes) -> None:
    """Whatever the bytes are, reading answers with events or discards, and at least one."""
    assert isinstance(reader.read(raw), Event | Discard)
    assert list(reader.unpack(raw))
    assert list(reader.unpack_request("/v1/track", raw))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=3), values, max_size=3),
    max_leaves=8,
)
FIELDS = [*RULES, "batch", "payload", "body", "body_base64", "path", "url", "method", "headers"]
TYPES = st.sampled_from(sorted(EVENT_TYPES))
documents = st.dictionaries(st.sampled_from(FIELDS), json_values | TYPES | st.just("u"), max_size=8)


@given(st.one_of(documents, st.lists(documents), st.builds(lambda items: {"batch": items}, st.lists(documents))))
def test_any_document(document: JSON) -> None:
    """Whatever a document of known fields holds, it gives items, and each event can be read again from its own text."""
    for item in WHOLE.unpack(text_of(document)):
        if isinstance(item, Event):
            again = WHOLE.read(item.raw)
            assert isinstance(again, Event)
            assert (again.type, again.message_id, again.data) == (item.type, item.message_id, item.data)


# ------------------------------------------------------------------------------------------------------- envelopes

TRACK = event_of("track", messageId="m-2")


@both_readers
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (PAGE, ["page m-1"]),
        ([PAGE, TRACK], ["page m-1", "track m-2"]),
        ([], ["empty_batch"]),
        ([PAGE, 7, {}], ["page m-1", "bad_request", "UNSUPPORTED_EVENT_TYPE"]),
        ({"batch": [PAGE, TRACK], "writeKey": "key"}, ["page m-1", "track m-2"]),
        ({"batch": []}, ["empty_batch"]),
        ({"batch": {}}, ["bad_request"]),
        ({"batch": None}, ["bad_request"]),
        ({"batch": [{"batch": []}]}, ["UNSUPPORTED_EVENT_TYPE"]),
        ({"userId": "u", "payload": PAGE, "createdAt": TIME, "messageId": "other"}, ["page m-1"]),
        ({"payload": {"batch": [PAGE, TRACK]}}, ["page m-1", "track m-2"]),
        ({"payload": [PAGE, TRACK]}, ["page m-1", "track m-2"]),
        ({"payload": "text"}, ["bad_request"]),
        ({**PAGE, "batch": [], "payload": {}, "body": ""}, ["page m-1"]),
        ([[PAGE], {"batch": [TRACK]}], ["page m-1", "track m-2"]),
        ([[[[[PAGE]]]]], ["page m-1"]),
        ([[[[[[PAGE]]]]]], ["bad_request"]),
        (b"\xef\xbb\xbf" + text_of(PAGE), ["page m-1"]),
        (b" " + text_of(PAGE) + b"\r\n", ["page m-1"]),
    ],
)
def test_shapes(reader: Reader, document: object, expected: list[str]) -> None:
    """Events come alone, in lists, in batches and in the lines of RudderStack's archives."""
    assert unpack(document, reader) == expected


def test_items_are_numbered() -> None:
    """A discard from a batch says which item it was."""
    _, second = WHOLE.unpack(text_of({"batch": [PAGE, {**PAGE, "userId": 1}]}))
    assert second == Discard("id_not_string", "item 2: userId must be a string, found a number", "m-1")


def test_what_a_batch_says_for_all() -> None:
    """A batch's context, integrations and sentAt go to its items; what an item says itself wins, key by key."""
    item = {**PAGE, "context": {"ip": "1", "locale": "fr"}}
    shared = {"context": {"ip": "2", "timezone": "UTC"}, "integrations": {"Rupt": False}, "sentAt": TIME}
    event = unpack_one({"batch": [item], **shared, "writeKey": "key"})
    merged = {"ip": "1", "locale": "fr", "timezone": "UTC"}
    assert event.data == {**PAGE, "context": merged, "integrations": {"Rupt": False}, "sentAt": TIME}
    assert json.loads(event.raw) == event.data


def test_own_text_is_kept() -> None:
    """An item to which its batch adds nothing keeps its bytes as they came."""
    raw = text_of(PAGE).replace(b", ", b" ,  ")
    assert unpack_one(b'{"batch":[' + raw + b'],"context":{},"sentAt":null}').raw == raw


def test_addition_keeps_the_text() -> None:
    """What a batch adds stands behind an item's own text, of which no byte changes."""
    raw = b'{ "type": "page", "messageId": "m", "userId": "\\u0075", "n": 1.50 }'
    event = unpack_one(b'{"batch":[' + raw + b'],"sentAt":"now"}')
    assert event.raw == raw[:-1] + b',"sentAt":"now"}'


def test_rudder_message_id() -> None:
    """The messageId of a RudderStack line stands for one that its payload lacks."""
    payload = {"type": "page", "userId": "u"}
    assert unpack({"payload": payload, "messageId": "m-9", "createdAt": TIME}) == ["page m-9"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/t", "track"),
        ("/v1/track", "track"),
        ("/v1/i/", "identify"),
        ("/v1/identify/", "identify"),
        ("/v1/p", "page"),
        ("/v1/g", "group"),
        ("/v1/a", "alias"),
        ("/v1/s", "screen"),
        ("/proxy/segment/v1/page?x=1", "page"),
        ("https://events.example.com/v1/screen", "screen"),
        ("v1/group", "group"),
    ],
)
def test_route_gives_the_type(path: str, kind: str) -> None:
    """The route of a recorded request says the type of an event that does not say its own."""
    event = {key: value for key, value in event_of(kind).items() if key != "type"}
    request = {"method": "POST", "path": path, "headers": {}, "body": json.dumps(event)}
    assert unpack(request) == [f"{kind} m-1"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"path": "/v1/t", "body": json.dumps(PAGE)}, ["page m-1"]),
        ({"url": "/v1/batch", "body": json.dumps({"batch": [PAGE, TRACK]})}, ["page m-1", "track m-2"]),
        ({"path": "/hook", "body": json.dumps([PAGE, TRACK])}, ["page m-1", "track m-2"]),
        ({"path": "/v1/b", "body": {"batch": [PAGE]}}, ["page m-1"]),
        ({"path": "/v1/p", "body": json.dumps({"userId": 7})}, ["id_not_string"]),
        ({"path": "/v1/p", "body": "{}"}, ["no_user_anon_id"]),
        ({"path": "/v1/p", "body": "{"}, ["bad_request"]),
        ({"path": "/v1/p", "body": json.dumps({"type": None, "userId": "u", "messageId": "m"})}, ["page m"]),
        ({"path": "/v1/p", "body": b64encode(text_of(PAGE)).decode()}, ["bad_request"]),
        ({"path": "/v1/p", "body_base64": b64encode(text_of(PAGE)).decode()}, ["page m-1"]),
        ({"path": "/v1/p", "body_base64": b64encode(gzip.compress(text_of(PAGE))).decode()}, ["page m-1"]),
        ({"path": "/v1/p", "body_base64": b64encode(gzip.compress(text_of(PAGE))[:-9]).decode()}, ["bad_request"]),
        ({"path": "/v1/p", "body_base64": "?"}, ["bad_request"]),
        ({"path": "/v1/m", "body": "{}"}, ["browser_metrics"]),
        ({"method": "GET", "path": "/v1/projects/key/settings"}, ["bad_request"]),
        ({"method": "OPTIONS", "path": "/v1/t", "body": ""}, ["bad_request"]),
        ({"path": 7, "body": json.dumps(PAGE)}, ["page m-1"]),
    ],
)
def test_recorded_requests(request_: object, expected: list[str]) -> None:
    """The body of a recorded request is read whatever it is wrapped in."""
    assert unpack(request_) == expected


def test_request() -> None:
    """A request that is not recorded but received is read in the same way."""
    body = gzip.compress(text_of({"userId": "u", "messageId": "m"}))
    assert [told(item) for item in WHOLE.unpack_request("/v1/p", body)] == ["page m"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"plain", b"plain"),
        (b"", b""),
        (gzip.compress(b"one") + gzip.compress(b"two"), b"onetwo"),
        (gzip.compress(b"one") + b"\0\0", b"one"),
    ],
)
def test_gunzip(body: bytes, expected: bytes) -> None:
    """A body is unzipped when its first bytes say so, in all its members."""
    assert gunzip(body) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(bytes(1001)), "holds more than 1,000 bytes"),
        (gzip.compress(b"one")[:-1], "ends early"),
        (gzip.compress(b"one")[:-8] + bytes(8), "is damaged"),
        (b"\x1f\x8b" + bytes(20), "is damaged"),
        (gzip.compress(b"") * 1001, "has more than 1000 members"),
    ],
)
def test_gunzip_refuses(body: bytes, message: str) -> None:
    """A body that is damaged, cut or unzips to more than the limit is refused before it fills the memory."""
    with pytest.raises(ValueError, match=message):
        gunzip(body, limit=1000)
