"""Detach Device: tells Rupt that an account has left a device, `POST /v2/device/{id}/detach`."""

from typing import Final

from connector.actions.build import Action, Build, Built, Options, Unfit
from connector.actions.conversions import url_segment
from connector.rupt import Request
from connector.values import JSON

NOT_A_DEVICE: Final = "device_not_addressable: the device id cannot stand in a URL"


def _compile(_options: Options, _mapped: frozenset[str]) -> Build:
    def build(payload: dict[str, JSON], _: dict[str, JSON]) -> Request | Built | Unfit:
        device = url_segment(payload["device"])
        if device is None:
            return Unfit(NOT_A_DEVICE)
        return Request("POST", f"/v2/device/{device}/detach", {"user": payload["account"]})

    return build


DETACH: Final = Action(
    "detach",
    "Detach Device: tells Rupt that an account has left a device; `device` is Rupt's own device id.",
    frozenset(),
    _compile,
)
