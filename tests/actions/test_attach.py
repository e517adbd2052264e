"""Attach Device: the wire body key by key, the header, and which device an event speaks of."""

from pathlib import Path

import pytest

from connector import rupt
from connector.actions import ACTIONS
from connector.actions.attach import NO_DEVICE, NO_DEVICE_STRICT, NO_DEVICE_WARNING
from connector.actions.conversions import GROUP_WARNING, PHONE_WARNING
from connector.pipeline import Planned, Skipped
from connector.rupt import Credentials, Request
from connector.values import JSON, load_json
from tests.planning import plan_of, planned

SAMPLES = Path(__file__).parents[1] / "samples" / "rupt"
ANONYMOUS: dict[str, JSON] = {"anonymousId": "anon-1"}
STRICT, OPTIONAL = "device_identity: strict", "device_identity: optional"
ALWAYS: dict[str, JSON] = {
    "user": "user-42",
    "fingerprint": "anon-1",
    "client": "segment",
    "callbacks": {"on_challenge": False, "limit_exceeded": False},
    "redirects": {"new_account": True, "logout": False},
}


def build(fields: dict[str, JSON], event: dict[str, JSON] | None = None, settings: str = "") -> Planned:
    """Plan an attach with these fields."""
    return planned("attach", {"account": "user-42", **fields}, ANONYMOUS if event is None else event, settings)


def body(fields: dict[str, JSON], event: dict[str, JSON] | None = None) -> dict[str, JSON]:
    """Give the wire body."""
    return build(fields, event).request.body


# The request


def test_the_smallest_attach() -> None:
    """An account alone makes a POST to v2 with the keys that are always there, and no `account`."""
    assert build({}).request == Request("POST", "/v2/device/attach", ALWAYS)
    assert build({}).warnings == ()


def test_the_action_is_registered() -> None:
    """The action is known as `attach` and works without the API secret."""
    assert ACTIONS["attach"].name == "attach"
    assert not ACTIONS["attach"].needs_secret


FIELDS: list[tuple[dict[str, JSON], dict[str, JSON]]] = [
    ({"account": 42}, {"user": "42"}),
    ({"email": "ada@example.com"}, {"email": "ada@example.com"}),
    ({"email": ""}, {}),
    ({"phone": "+14155550100"}, {"phone": "+14155550100"}),
    ({"phone": "+1 (415) 555-0100"}, {"phone": "+14155550100"}),
    ({"metadata": {"plan": "pro"}}, {"metadata": {"plan": "pro"}}),
    ({"metadata": {"n": 10.0, "big": 1e21, "no": False, "list": [1], "gone": None}},
     {"metadata": {"n": "10", "big": "1e+21", "no": "false", "list": "[1]"}}),
    ({"metadata": {"gone": None}}, {}),
    ({"metadata": {}}, {}),
    ({"groups": {"id": 7, "name": "Acme", "metadata": {"tier": 1}}},
     {"groups": [{"id": "7", "name": "Acme", "metadata": {"tier": "1"}}]}),
    ({"groups": [{"id": "a"}, {"id": "b", "name": None}]}, {"groups": [{"id": "a"}, {"id": "b"}]}),
    ({"groups": []}, {}),
    ({"limit_config": {"overall_device_limit": "3", "people_limit": 1, "overall_limit": 2, "other": 9}},
     {"limit_config": {"overall_device_limit": 3, "people_limit": 1, "overall_limit": 2}}),
    ({"event": "sign_up"}, {"event": "sign_up"}),
    ({"tolerance": "lenient"}, {"tolerance": "lenient"}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), FIELDS)
def test_fields_on_the_wire(fields: dict[str, JSON], expected: dict[str, JSON]) -> None:
    """Each field has its key on the wire, in its wire form, and nothing else changes."""
    assert body(fields) == {**ALWAYS, **expected}


def test_no_warning_without_a_loss() -> None:
    """What was only converted is not warned of."""
    assert [build(fields).warnings for fields, _ in FIELDS] == [()] * len(FIELDS)


@pytest.mark.parametrize(
    ("fields", "key", "warnings"),
    [
        ({"phone": "555-0100"}, "phone", (PHONE_WARNING,)),
        ({"phone": 15555550100}, "phone", (PHONE_WARNING,)),
        ({"groups": {"name": "Acme"}}, "groups", (GROUP_WARNING,)),
        ({"groups": [{"id": None}, {"id": ""}, {"name": "x"}]}, "groups", (GROUP_WARNING,) * 3),
        ({"phone": "?", "groups": {}}, "phone", (PHONE_WARNING, GROUP_WARNING)),
    ],
)
def test_what_is_left_out(fields: dict[str, JSON], key: str, warnings: tuple[str, ...]) -> None:
    """What cannot be sent is left out with a warning, and the rest is sent."""
    built = build(fields)
    assert key not in built.request.body
    assert built.warnings == warnings
    assert built.request.body == ALWAYS


def test_a_group_among_others_is_left_out() -> None:
    """Of several groups those without an id are left out, and the others keep their order."""
    built = build({"groups": [{"id": 1}, {"name": "x"}, {"id": "2"}]})
    assert built.request.body["groups"] == [{"id": "1"}, {"id": "2"}]
    assert built.warnings == (GROUP_WARNING,)


@pytest.mark.parametrize(
    ("settings", "logout"),
    [("", False), ("logout_url: https://two.example/out?x=1", True), ("logout_url: null", False)],
)
def test_redirects(settings: str, logout: bool) -> None:
    """The wire says whether the redirect URLs are set, and no URL of the settings is in the body."""
    found = build({}, settings=settings).request.body
    assert found == {**ALWAYS, "redirects": {"new_account": True, "logout": logout}}
    assert "example" not in str(found)


# The header


@pytest.mark.parametrize(
    ("fields", "header"),
    [({}, "Basic client-1:"), ({"secret": "to.k.en"}, "Basic client-1:to.k.en"), ({"secret": ""}, "Basic client-1:")],
)
def test_the_header(fields: dict[str, JSON], header: str) -> None:
    """The header is literal text, not base64: the client id and the account's signed token, or nothing."""
    request = build(fields).request
    assert rupt.headers(request, Credentials("client-1"))["authorization"] == header
    assert "secret" not in request.body
    assert "to.k.en" not in repr(request)


# The page

PAGES: list[tuple[dict[str, JSON], dict[str, JSON], JSON]] = [
    ({}, {"context": {"page": {"path": "/a", "url": "https://h.example/b"}}}, "/a"),
    ({}, {"context": {"page": {"url": "https://h.example/b?q=1#f"}}}, "/b"),
    ({}, {"context": {"page": {"url": "https://h.example"}}}, "/"),
    ({}, {"context": {"page": {"path": "/a?email=ada@example.com#x"}}}, "/a"),
    ({}, {"context": {"page": {"path": "//h.example/a"}}}, "/a"),
    ({}, {"context": {"page": {"path": ""}}, "properties": {"path": "/p"}}, "/p"),
    ({}, {"context": {"page": None}, "properties": {"url": "https://h.example/p?x"}}, "/p"),
    ({}, {"context": None, "properties": {"path": "/p"}}, "/p"),
    ({}, {"context": {"page": "text"}, "properties": ["/p"]}, None),
    ({}, {"context": {"page": {"path": 7}}}, None),
    ({}, {"context": {"page": {"path": "http://[broken"}}}, None),
    ({}, {"properties": {}}, None),
    ({}, {}, None),
    ({"include_page": True}, {"properties": {"path": "/p"}}, "/p"),
    ({"include_page": "true"}, {"properties": {"path": "/p"}}, "/p"),
    ({"include_page": False}, {"properties": {"path": "/p"}}, None),
    ({"include_page": "false"}, {"properties": {"path": "/p"}}, None),
    ({"page": "/own"}, {"properties": {"path": "/p"}}, "/own"),
    ({"page": "https://h.example/own?x"}, {"properties": {"path": "/p"}}, "/own"),
    ({"page": "/own", "include_page": False}, {"properties": {"path": "/p"}}, None),
    ({"page": ""}, {"properties": {"path": "/p"}}, "/p"),
]


@pytest.mark.parametrize(("fields", "event", "expected"), PAGES)
def test_the_page(fields: dict[str, JSON], event: dict[str, JSON], expected: JSON) -> None:
    """The page is a path only, the field's own or the event's, and absent when include_page is false."""
    found = body(fields, {**event, **ANONYMOUS})
    assert found.get("page", None) == expected
    assert ("page" in found) == (expected is not None)


# The device

RUPT: dict[str, JSON] = {
    "fingerprint": "hash-2",
    "last_fingerprint": "hash-1",
    "signals": {"timezone": {"value": "UTC"}},
    "version": "2.24.1",
}
PHONE: dict[str, JSON] = {"id": "vendor-1", "type": "ios", "manufacturer": "Apple", "model": "iPhone16,1"}
OS: JSON = {"name": "iOS", "version": "18.1"}
IDENTITY = ("fingerprint", "last_fingerprint", "signals", "device_info", "client", "version")


def device(fields: dict[str, JSON], event: dict[str, JSON], settings: str = "") -> dict[str, JSON]:
    """Give what the wire body says of the device."""
    found = build(fields, event, settings).request.body
    return {key: found[key] for key in IDENTITY if key in found}


DEVICES: list[tuple[dict[str, JSON], dict[str, JSON], dict[str, JSON]]] = [
    (
        {},
        {"context": {"rupt": RUPT, "device": PHONE, "os": OS}, **ANONYMOUS},
        {**RUPT, "client": "javascript"},
    ),
    ({}, {"context": {"rupt": {"fingerprint": "h"}}}, {"fingerprint": "h", "client": "javascript"}),
    ({}, {"context": {"rupt": {"last_fingerprint": "h"}}}, {"last_fingerprint": "h", "client": "javascript"}),
    ({}, {"context": {"rupt": {"signals": {"a": {}}}}}, {"signals": {"a": {}}, "client": "javascript"}),
    (
        {},
        {"context": {"device": PHONE, "os": OS}, **ANONYMOUS},
        {
            "signals": {"iosVendorIdentifier": "vendor-1"},
            "device_info": {
                "os": {"name": "iOS", "version": "18.1"},
                "device": {"vendor": "Apple", "model": "iPhone16,1", "type": "ios"},
            },
        },
    ),
    (
        {},
        {"context": {"device": {"id": "a-1", "model": 7}, "os": {"name": "Android"}}, **ANONYMOUS},
        {"signals": {"androidVendorIdentifier": "a-1"}, "device_info": {"os": {"name": "Android"}}},
    ),
    (
        {},
        {"context": {"rupt": {"fingerprint": "", "version": "1"}, "device": {"id": "x", "type": "ios"}}},
        {"signals": {"iosVendorIdentifier": "x"}, "device_info": {"device": {"type": "ios"}}},
    ),
    ({}, ANONYMOUS, {"fingerprint": "anon-1", "client": "segment"}),
    ({}, {"context": {"rupt": {"fingerprint": 7, "signals": []}}, **ANONYMOUS},
     {"fingerprint": "anon-1", "client": "segment"}),
    ({}, {"context": {"rupt": "x", "device": [PHONE]}, **ANONYMOUS}, {"fingerprint": "anon-1", "client": "segment"}),
    ({}, {"context": {"device": {"id": "x", "type": "tv"}}, **ANONYMOUS},
     {"fingerprint": "anon-1", "client": "segment"}),
    ({}, {"context": {"device": {"id": "", "type": "ios"}}, **ANONYMOUS},
     {"fingerprint": "anon-1", "client": "segment"}),
    ({"fingerprint": "own"}, {"context": {"rupt": RUPT}, **ANONYMOUS}, {"fingerprint": "own"}),
    ({"fingerprint": "own", "client": "c", "version": "1"}, ANONYMOUS,
     {"fingerprint": "own", "client": "c", "version": "1"}),
    ({"last_fingerprint": "own"}, {"context": {"rupt": RUPT}}, {"last_fingerprint": "own"}),
    ({"signals": {"a": {"value": 1}}}, ANONYMOUS, {"signals": {"a": {"value": 1}}}),
    ({"fingerprint": ""}, ANONYMOUS, {"fingerprint": "anon-1", "client": "segment"}),
    ({"client": "c", "version": "9"}, {"context": {"rupt": RUPT}}, {**RUPT, "client": "c", "version": "9"}),
    ({"client": "javascript", "version": "2.24.1"}, ANONYMOUS, {"fingerprint": "anon-1", "client": "segment"}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "event", "expected"), DEVICES)
def test_the_device(fields: dict[str, JSON], event: dict[str, JSON], expected: dict[str, JSON]) -> None:
    """The device is the mapping's own, else Rupt's hash in the context, else the mobile device, else the anonymousId.

    What is Segment's id never goes as a browser's hash, whatever client a mapping names.
    """
    assert device(fields, event) == expected


NAMELESS: list[dict[str, JSON]] = [{}, {"anonymousId": ""}, {"anonymousId": None}, {"anonymousId": 7}, {"context": {}}]


@pytest.mark.parametrize("event", NAMELESS)
def test_no_device(event: dict[str, JSON]) -> None:
    """Where a device must be named and none is, nothing is sent, with the reason; optional sends with a warning."""
    payload: dict[str, JSON] = {"account": "user-42"}
    assert plan_of("attach", payload, event) == Skipped(NO_DEVICE, payload)
    assert plan_of("attach", payload, event, STRICT) == Skipped(NO_DEVICE_STRICT, payload)
    built = build({}, event, OPTIONAL)
    assert built.warnings == (NO_DEVICE_WARNING,)
    assert not built.request.body.keys() & set(IDENTITY)


def test_strict_takes_no_anonymous_id() -> None:
    """With `strict` the anonymousId names no device; the context and the mapping's own fields do."""
    payload: dict[str, JSON] = {"account": "user-42"}
    assert plan_of("attach", payload, ANONYMOUS, STRICT) == Skipped(NO_DEVICE_STRICT, payload)
    assert device({}, {"context": {"rupt": RUPT}, **ANONYMOUS}, STRICT) == {**RUPT, "client": "javascript"}
    assert device({"fingerprint": "own"}, ANONYMOUS, STRICT) == {"fingerprint": "own"}


def test_optional_names_a_device_where_it_can() -> None:
    """With `optional` a device is named as with `auto`, and then nothing is warned of."""
    built = build({}, ANONYMOUS, OPTIONAL)
    assert (built.request.body, built.warnings) == (ALWAYS, ())


@pytest.mark.parametrize("reason", [NO_DEVICE, NO_DEVICE_STRICT])
def test_the_reason_has_a_name(reason: str) -> None:
    """A reason starts with a short stable name."""
    assert reason.startswith("no_device: ")


# What Rupt's own SDK sends


def sample(name: str) -> dict[str, JSON]:
    """Read the body of a request that was recorded from Rupt's browser SDK."""
    recorded = load_json((SAMPLES / name).read_bytes())
    assert isinstance(recorded, dict)
    assert recorded["url"] == rupt.DEFAULT_BASE_URL + build({}).request.path
    assert isinstance(recorded["body"], dict)
    return recorded["body"]


@pytest.mark.parametrize("name", ["01-attach.json", "03-attach.json"])
def test_the_recorded_requests_of_the_sdk(name: str) -> None:
    """A page event that carries what the SDK knows, and a mapping of the same fields, make the body that it sent.

    Only what says that code runs in a browser differs: handlers for challenges, and a null for no last fingerprint.
    """
    recorded = sample(name)
    mapped = [key for key in ("email", "phone", "metadata", "limit_config", "event", "groups") if key in recorded]
    event: dict[str, JSON] = {
        "type": "page",
        "context": {
            "rupt": {key: recorded[key] for key in IDENTITY if key in recorded},
            "page": {"url": f"https://app.example.com{recorded.get('page', '/')}?q=1#f"},
        },
    }
    fields: dict[str, JSON] = {"account": recorded["user"], **{key: recorded[key] for key in mapped}}
    if "page" not in recorded:
        fields["include_page"] = False
    plan = planned("attach", fields, event, "logout_url: https://two.example/")
    sent = {**plan.request.body, "callbacks": recorded["callbacks"]}
    if name == "03-attach.json":
        sent["redirects"] = recorded["redirects"]  # recorded without any URL; here one is always set
    assert plan.warnings == ()
    assert sent == {key: value for key, value in recorded.items() if value is not None}
