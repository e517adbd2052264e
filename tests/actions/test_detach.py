"""Detach Device: the address with the device in it, the account in the body, and the header of the client."""

from pathlib import Path

import pytest

from connector import rupt
from connector.actions import ACTIONS
from connector.actions.detach import NOT_A_DEVICE
from connector.rupt import Credentials, Request
from connector.values import JSON, load_json
from tests.planning import planned, reason

RECORDED = Path(__file__).parents[1] / "samples" / "rupt" / "05-detach.json"


def build(account: JSON, device: JSON) -> Request:
    """Plan a detach with these fields."""
    plan = planned("detach", {"account": account, "device": device}, {})
    assert plan.warnings == ()
    return plan.request


def test_the_recorded_request_of_the_sdk() -> None:
    """The request is the one that Rupt's own SDK sends: address, header and body."""
    recorded = load_json(RECORDED.read_bytes())
    request, credentials = build("user-13", "6323dadac7c49192e9154563"), Credentials("CLIENT_ID")
    headers = rupt.headers(request, credentials)
    assert {
        "method": request.method,
        "url": rupt.url(request, credentials),
        "headers": {name: headers[name] for name in ("authorization", "content-type")},
        "body": load_json(rupt.body(request)),
    } == recorded


def test_the_action_is_registered() -> None:
    """The action is known as `detach` and works without the API secret."""
    assert not ACTIONS["detach"].needs_secret


@pytest.mark.parametrize(
    ("device", "segment"),
    [("a/b c", "a%2Fb%20c"), ("%2e%2e", "%252e%252e"), ("é", "%C3%A9"), ("?x#y", "%3Fx%23y"), (42, "42")],
)
def test_devices_in_the_address(device: JSON, segment: str) -> None:
    """The device is one segment of the address, whatever characters it has."""
    assert build(7, device) == Request("POST", f"/v2/device/{segment}/detach", {"user": "7"})


@pytest.mark.parametrize("device", [".", ".."])
def test_devices_that_no_address_can_name(device: str) -> None:
    """`.` and `..` would lead to another call, so nothing is sent, with a reason that has a name."""
    assert reason("detach", {"account": "user-42", "device": device}, {}) == NOT_A_DEVICE
    assert NOT_A_DEVICE.startswith("device_not_addressable: ")
