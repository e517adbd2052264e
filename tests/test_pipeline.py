"""One event through one mapping: the order of the steps, and every outcome that there is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.actions.attach import NO_DEVICE, NO_DEVICE_WARNING
from connector.actions.update_user import NOTHING_TO_UPDATE
from connector.destination import Destination, preset_names
from connector.events import Cutoff, Event, cutoff_at, event_reader
from connector.pipeline import STALE, Invalid, Plan, Planned, Skipped, compile_plan, options_of
from connector.rupt import ATTACH_PATH, Request
from connector.values import JSON, dump_json
from tests.planning import load_text, plan_of

SDK = Path(__file__).parent / "samples" / "sdk"
HEAD = (
    "destination: rupt\nsettings: {client_id: an-id, api_secret: s, new_account_url: https://h.example/}\nmappings:\n"
)
ANONYMOUS: dict[str, JSON] = {"anonymousId": "anon-1"}
ONE_DAY_AGO = cutoff_at(1_700_000_000.0)  # 2023-11-14T22:13:20Z


def planner(fields: str) -> Callable[[dict[str, JSON], Cutoff | None], Plan]:
    """Compile an attach with these fields."""
    entry = f'  - {{name: One, action: attach, trigger: type = "page", fields: {{{fields}}}}}\n'
    destination = load_text(HEAD + entry)
    return compile_plan(destination.mappings[0], destination.settings)


# The order


def test_empty_values_go_before_they_are_converted() -> None:
    """What resolves to null or "" is removed first, so a required field that is empty is missing, and no error of type.

    A null inside metadata is removed when the body is built, a number becomes a text in between.
    """
    found = plan_of("attach", {"account": 7, "email": "", "phone": None, "metadata": {"a": None, "b": 1}}, ANONYMOUS)
    assert isinstance(found, Planned)
    assert found.payload == {"account": "7", "metadata": {"a": None, "b": 1}}
    assert found.request.body["metadata"] == {"b": "1"}
    assert plan_of("attach", {"account": ""}, ANONYMOUS) == Invalid(
        ("The root value is missing the required field 'account'.",), {}
    )


def test_the_payload_is_what_the_schema_passed() -> None:
    """A payload is converted and has the fields of the schema only; what goes over the wire is made of it."""
    fields: dict[str, JSON] = {"account": ["user-42"], "limit_config": {"people_limit": "2", "x": 1}}
    found = plan_of("attach", fields, ANONYMOUS)
    assert isinstance(found, Planned)
    assert found.payload == {"account": "user-42", "limit_config": {"people_limit": 2}}
    assert found.request == Request("POST", ATTACH_PATH, found.request.body)
    assert found.request.body["limit_config"] == {"people_limit": 2}


def test_problems_come_all_at_once() -> None:
    """An invalid payload tells everything that is wrong with it, and shows what it was."""
    fields: dict[str, JSON] = {"email": {"a": 1}, "tolerance": "loose", "include_page": "yes"}
    found = plan_of("attach", {"account": None, **fields}, {})
    assert found == Invalid(
        (
            "The root value is missing the required field 'account'.",
            "Email must be a string but it was an object.",
            "Include Page must be a boolean but it was a string.",
            'Tolerance must be one of: "default", "strict", or "lenient".',
        ),
        fields,
    )


def test_an_invalid_payload_comes_before_a_missing_device() -> None:
    """The schema is asked before the device: an event without both is invalid, not skipped."""
    assert isinstance(plan_of("attach", {"account": None}, {}), Invalid)
    assert isinstance(plan_of("attach", {"account": "user-42"}, {}), Skipped)


# The outcomes


def test_planned_with_warnings() -> None:
    """What had to be left out is told beside the request."""
    fields: dict[str, JSON] = {"account": "user-42", "phone": "555"}
    found = plan_of("attach", fields, {}, "device_identity: optional")
    assert isinstance(found, Planned)
    assert found.payload == fields
    assert [warning.partition(":")[0] for warning in found.warnings] == ["phone left out", "no device identity"]
    assert NO_DEVICE_WARNING in found.warnings


def test_skipped_for_the_action() -> None:
    """A valid payload from which no request may be made is skipped, with the reason and the payload."""
    payload: dict[str, JSON] = {"account": "user-42"}
    assert plan_of("attach", payload, {}) == Skipped(NO_DEVICE, payload)
    assert plan_of("update_user", payload, {}) == Skipped(NOTHING_TO_UPDATE, payload)


def test_what_cannot_be_resolved_is_invalid() -> None:
    """A directive that cannot work on an event makes it invalid, in the directive's words, without a payload."""
    plan = planner(
        'account: $.userId, metadata: {"x": {"@arrayPath": [$.list, {"@transform": {apply: {a: 1}, mapping: {b: 1}}}]}}'
    )
    assert isinstance(plan({"userId": "user-42", "list": [{}], **ANONYMOUS}, None), Planned)
    assert plan({"userId": "user-42", "list": [1], **ANONYMOUS}, None) == Invalid(
        ("@transform works on an object, and here it was given int",)
    )


STALE_EVENTS: list[tuple[dict[str, JSON], bool]] = [
    ({"timestamp": "2023-11-14T22:13:19.999Z"}, True),
    ({"timestamp": "2023-11-14T22:13:20.000Z"}, False),
    ({"timestamp": "2023-11-14T23:13:19+01:00"}, True),
    ({"timestamp": "2023-11-14"}, True),
    ({"timestamp": 1_699_999_999}, True),
    ({"timestamp": 1_700_000_000_001}, False),
    ({"timestamp": "soon"}, False),
    ({}, False),
    ({"receivedAt": "2023-11-14T22:13:19Z"}, True),
    ({"originalTimestamp": "2023-11-14T22:00:00Z", "sentAt": "2023-11-14T22:00:05Z",
      "receivedAt": "2023-11-14T22:20:00Z"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("times", "is_stale"), STALE_EVENTS)
def test_stale_events(times: dict[str, JSON], is_stale: bool) -> None:
    """An event from before the cutoff is skipped, before anything else is asked; one without a time is not stale."""
    plan = planner("account: $.userId")
    found = plan({**times, "userId": "user-42", **ANONYMOUS}, ONE_DAY_AGO)
    assert found == Skipped(STALE) if is_stale else isinstance(found, Planned)
    assert (plan(times, ONE_DAY_AGO) == Skipped(STALE)) == is_stale
    assert isinstance(plan({**times, "userId": "user-42", **ANONYMOUS}, None), Planned)
    assert STALE.startswith("stale: ")


def test_options_hold_nothing_secret() -> None:
    """Actions are told whether the URLs are set, and nothing that could be told on."""
    destination = load_text(
        "destination: rupt\nsettings: {client_id: an-id, api_secret: s3cret, device_identity: strict,\n"
        "  new_account_url: https://one.example/, logout_url: https://two.example/}\n"
    )
    options = options_of(destination.settings)
    assert (options.new_account, options.logout, options.device_identity) == (True, True, "strict")
    assert "example" not in repr(options)
    assert "s3cret" not in repr(options)


# Projection: only what is read is decoded


def presets() -> Destination:
    """Load all presets."""
    return load_text(HEAD + "".join(f"  - preset: {name}\n" for name in preset_names()))


WORDS = st.sampled_from(
    ["", "user-42", "ada@example.com", "+14155550100", "555", "/a?b", "https://h.example/x?y", "ios"]
)
LEAVES: st.SearchStrategy[JSON] = WORDS | st.none() | st.booleans() | st.integers(-1, 20) | st.floats(0, 1)
KEYS = [
    "email", "phone", "path", "url", "fingerprint", "signals", "id", "type", "name", "version", "device_id", "plan",
]  # fmt: skip
TREES: st.SearchStrategy[JSON] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=6,
)
CONTEXTS = st.dictionaries(st.sampled_from(["traits", "page", "rupt", "device", "os", "locale"]), TREES, max_size=5)
EVENTS: st.SearchStrategy[dict[str, JSON]] = st.fixed_dictionaries(
    {"type": st.sampled_from(["page", "identify", "track", "screen", "group"]), "messageId": st.just("m-1")},
    optional={
        "event": st.sampled_from(["Signed Up", "Upgraded", "Signed Out", "Other"]),
        "userId": WORDS,
        "anonymousId": WORDS,
        "groupId": WORDS,
        "traits": st.dictionaries(st.sampled_from(KEYS), TREES, max_size=4),
        "properties": st.dictionaries(st.sampled_from(KEYS), TREES, max_size=4),
        "context": CONTEXTS | TREES,
        "timestamp": st.sampled_from(["2023-11-14T22:13:19.999Z", "2026-01-01T00:00:00.000Z", 7]),
    },
)
PRESETS = presets()
PLANNERS = [(mapping, compile_plan(mapping, PRESETS.settings)) for mapping in PRESETS.mappings]
WHOLE, PART = event_reader(None), event_reader(PRESETS.event_reads)


def plans(event: Event) -> list[Plan]:
    """Plan an event with every preset that takes it."""
    return [plan(event.data, ONE_DAY_AGO) for mapping, plan in PLANNERS if mapping.matches(event.data)]


@settings(max_examples=200)
@given(EVENTS)
def test_a_plan_needs_no_more_of_an_event_than_is_read(event: dict[str, JSON]) -> None:
    """Any event gives the same plans, be it decoded whole or only as far as the presets read; and it is not changed."""
    raw = dump_json(event)
    whole, part = WHOLE.read(raw), PART.read(raw)
    assert type(whole) is type(part)
    if isinstance(whole, Event) and isinstance(part, Event):
        assert dump_json(plans(part)) == dump_json(plans(whole))
        assert dump_json(whole.data) == raw
    else:
        assert whole == part


@pytest.mark.parametrize("name", sorted(path.name for path in SDK.iterdir()))
def test_the_recorded_requests_need_no_more_either(name: str) -> None:
    """The events that real SDKs sent give the same plans, decoded whole or in part."""
    raw = (SDK / name).read_bytes()
    whole, part = list(WHOLE.unpack(raw)), list(PART.unpack(raw))
    assert [event.raw for event in whole if isinstance(event, Event)] == [
        event.raw for event in part if isinstance(event, Event)
    ]
    assert [dump_json(plans(event)) for event in whole if isinstance(event, Event)] == [
        dump_json(plans(event)) for event in part if isinstance(event, Event)
    ]
    assert len(whole) == len(part) > 0
