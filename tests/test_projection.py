import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.events import Event, event_reader
from connector.projection import projection
from connector.values import JSON, MISSING, Missing

NAMES = [
    "context",
    "traits",
    "properties",
    "email",
    "name",
    "event",
    "userId",
    "timestamp",
    "0",
    "length",
    "",
    "é",
    '"',
]
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
events = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "track", "identify"]), "userId": st.just("u"), "event": st.just("e")},
    optional={
        "messageId": st.just("m") | st.none(),
        "timestamp": st.just("2026-11-21T04:28:13.571Z") | values,
        "context": st.dictionaries(st.sampled_from(NAMES), values, max_size=4) | values,
        "properties": st.dictionaries(st.sampled_from(NAMES), values, max_size=4),
        "traits": st.dictionaries(st.sampled_from(NAMES), values, max_size=4),
        "name": values,
        "0": values,
        "é": values,
    },
)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple)


def value_at(data: JSON, path: tuple[str, ...]) -> "JSON | Missing":
    """What stands at a path, as JavaScript finds it."""
    for key in path:
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        elif isinstance(data, list | str) and key == "length":
            data = len(data)
        else:
            return MISSING
    return data


@given(events, st.frozensets(paths, max_size=5), st.booleans())
@example(
    {"type": "page", "userId": "u", "messageId": "m", "context": [{"email": 1}]}, frozenset({("context", "0")}), False
)
def test_same_as_the_whole(event: dict[str, JSON], reads: frozenset[tuple[str, ...]], ascii_only: bool) -> None:
    """Whatever is read of an event, its part says the same there as the whole, and both are events or both not."""
    raw = json.dumps(event, ensure_ascii=ascii_only).encode()
    whole, part = event_reader(None).read(raw), event_reader(reads).read(raw)
    if isinstance(whole, Event) and isinstance(part, Event):
        assert (part.type, part.message_id, part.raw) == (whole.type, whole.message_id, whole.raw)
        always = [("type",), ("messageId",), ("userId",), ("anonymousId",), ("event",), ("timestamp",)]
        for path in [*reads, *always]:
            assert repr(value_at(part.data, path)) == repr(value_at(whole.data, path))
    else:
        assert part == whole


PAGE: dict[str, JSON] = {
    "type": "page",
    "userId": "u",
    "messageId": "m",
    "timestamp": "t",
    "category": "c",
    "anonymousId": None,
}


def data_of(event: dict[str, JSON], *reads: tuple[str, ...]) -> dict[str, JSON]:
    """What a reader leaves of an event."""
    item = event_reader(frozenset(reads)).plain(json.dumps(event).encode())
    assert item is not None
    return item.data


def test_what_is_not_read_is_left_out() -> None:
    """Only what is read, and what every event is checked for, is decoded."""
    event: dict[str, JSON] = {
        **PAGE,
        "context": {"ip": "1", "page": {"url": "/", "title": "T"}},
        "properties": {"a": 1},
    }
    left = {key: value for key, value in PAGE.items() if key != "category"}
    assert data_of(event, ("context", "page", "url")) == left | {"context": {"page": {"url": "/"}}, "properties": {}}


@pytest.mark.parametrize("key", ["0", "length"])
def test_positions_and_lengths(key: str) -> None:
    """A value of which a position or the length is read may be a list, and is decoded whole."""
    event: dict[str, JSON] = {**PAGE, "properties": {"products": [{"id": 1}], "other": 1}}
    assert data_of(event, ("properties", "products", key))["properties"] == {"products": [{"id": 1}]}


def test_prefix() -> None:
    """Of a path and a longer one with the same start, the shorter holds the longer, whichever comes first."""
    event: dict[str, JSON] = {**PAGE, "context": {"page": {"url": "/", "title": "T"}}}
    assert data_of(event, ("context", "page"), ("context", "page", "url"))["context"] == event["context"]


@pytest.mark.parametrize("reads", [None, frozenset({()}), frozenset({("context",)}), frozenset({("context", "0")})])
def test_all_is_read(reads: frozenset[tuple[str, ...]] | None) -> None:
    """Without paths, with the path to the event itself and with that to the whole context, all is decoded."""
    assert projection(reads) is None


def test_half_a_surrogate_pair() -> None:
    """A path that no UTF-8 text can hold changes nothing for the others."""
    reader = event_reader(frozenset({("properties", "\ud800"), ("category",)}))
    item = reader.read(json.dumps(PAGE).encode())
    assert isinstance(item, Event)
    assert item.data["category"] == "c"
