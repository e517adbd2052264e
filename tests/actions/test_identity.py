"""Which device an event names: the places, their order, and what is never changed."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.pipeline import Planned
from connector.values import JSON
from tests.planning import plan_of

IDENTITY = ("fingerprint", "last_fingerprint", "signals", "device_info", "client", "version")
RUPT: JSON = {"fingerprint": "hash", "version": "2.24.1"}


def named(
    event: dict[str, JSON], *, strict: bool = False, mapped: dict[str, JSON] | None = None
) -> dict[str, JSON] | None:
    """Give what an attach says of the device of an event; None when it names none, and so is not sent."""
    settings = "device_identity: strict" if strict else ""
    plan = plan_of("attach", {"account": "user-42", **(mapped or {})}, event, settings)
    if not isinstance(plan, Planned):
        return None
    return {key: value for key, value in plan.request.body.items() if key in IDENTITY}


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("ios", "iosVendorIdentifier"),
        ("iOS", "iosVendorIdentifier"),
        (" iOS ", "iosVendorIdentifier"),
        ("iPadOS", "iosVendorIdentifier"),
        ("tvOS", "iosVendorIdentifier"),
        ("android", "androidVendorIdentifier"),
        ("Android", "androidVendorIdentifier"),
    ],
)
def test_mobile_kinds(kind: str, key: str) -> None:
    """A mobile device is known by its own type or by its system's name, in any case."""
    of_type = named({"context": {"device": {"id": "d", "type": kind}}})
    of_system = named({"context": {"device": {"id": "d"}, "os": {"name": kind}}})
    assert of_type == {"signals": {key: "d"}, "device_info": {"device": {"type": kind}}}
    assert of_system == {"signals": {key: "d"}, "device_info": {"os": {"name": kind}}}


@pytest.mark.parametrize(
    "context",
    [
        {"device": {"id": "d"}},
        {"device": {"id": "d", "type": "desktop"}, "os": {"name": "macOS"}},
        {"device": {"id": 7, "type": "ios"}},
        {"device": {"type": "ios"}},
        {"device": "ios"},
        {"device": {"id": "d", "type": ["ios"]}, "os": "iOS"},
        {"rupt": {"version": "2.24.1"}},
        {"rupt": {"fingerprint": None, "signals": {}}},
        {"rupt": []},
    ],
)
def test_contexts_that_name_none(context: dict[str, JSON]) -> None:
    """What is no device of a kind that Rupt knows names none: strictly nothing, else the anonymousId does."""
    event: dict[str, JSON] = {"context": context, "anonymousId": "a"}
    assert named(event, strict=True) is None
    assert named(event) == {"fingerprint": "a", "client": "segment"}


def test_the_order() -> None:
    """Rupt's own hash comes before the mobile device, and that before the anonymousId."""
    device: JSON = {"id": "d", "type": "ios"}
    everything: dict[str, JSON] = {"context": {"rupt": RUPT, "device": device}, "anonymousId": "a"}
    found = named(everything)
    assert found == {"fingerprint": "hash", "client": "javascript", "version": "2.24.1"}
    found = named({"context": {"device": device}, "anonymousId": "a"})
    assert found is not None
    assert found["signals"] == {"iosVendorIdentifier": "d"}


def test_what_a_mapping_has_set_stays() -> None:
    """Keys that a mapping has set are not overwritten by the context's."""
    found = named({"context": {"rupt": RUPT}}, mapped={"version": "9"})
    assert found == {"fingerprint": "hash", "client": "javascript", "version": "9"}


def test_the_anonymous_id_says_whose_it_is() -> None:
    """The anonymousId goes with Segment's name, whatever client and version a mapping has set."""
    assert named({"anonymousId": "a"}, mapped={"client": "javascript", "version": "2.24.1"}) == {
        "fingerprint": "a",
        "client": "segment",
    }


PARTS: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "ios", "Android", "x"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["fingerprint", "signals", "version", "id", "type", "name", "rupt", "device", "os"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"context": PARTS, "anonymousId": PARTS}), st.booleans())
def test_any_event(event: dict[str, JSON], strict: bool) -> None:
    """Any event names a device or none, without an error, and is not changed."""
    before = copy.deepcopy(event)
    found = named(event, strict=strict)
    assert event == before
    assert found is None or found.keys() & {"fingerprint", "last_fingerprint", "signals"}
    assert not strict or found is None or found.get("client") != "segment"
