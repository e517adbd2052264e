"""The device that an event speaks of, the one thing a server does not have: from the event, the first there is.

Rupt's own hash that the browser put under `context.rupt`, a mobile vendor id in `context.device`, Segment's
`anonymousId`. What Rupt makes of the last is likely, not known: it is sent with a client of its own.
"""

from typing import Final

from connector.values import JSON

IDENTITY_FIELDS: Final = ("fingerprint", "last_fingerprint", "signals")
READS: Final = frozenset({("context", "rupt"), ("context", "device"), ("context", "os"), ("anonymousId",)})
_VENDOR_IDS: Final = {
    "ios": "iosVendorIdentifier",
    "ipados": "iosVendorIdentifier",
    "tvos": "iosVendorIdentifier",
    "android": "androidVendorIdentifier",
}


def name_device(body: dict[str, JSON], context: dict[str, JSON], event: dict[str, JSON], *, strict: bool) -> bool:
    """Name the event's device in an attach body, where a mapping has not set the same keys; False when it names none.

    `context` is the event's. With `strict` the anonymousId does not count.
    """
    if ("rupt" in context or "device" in context) and (found := _in_context(context)):
        body.update({key: value for key, value in found.items() if key not in body})
        return True
    anonymous = event.get("anonymousId")
    if strict or not anonymous or type(anonymous) is not str:
        return False
    body["fingerprint"], body["client"] = anonymous, "segment"  # never to be taken for a browser's own hash
    body.pop("version", None)
    return True


def _in_context(context: dict[str, JSON]) -> dict[str, JSON]:
    rupt, device = context.get("rupt"), context.get("device")
    found = _of_browser(rupt) if isinstance(rupt, dict) else {}
    return found or (_of_mobile(device, context.get("os")) if isinstance(device, dict) else {})


def _of_browser(rupt: dict[str, JSON]) -> dict[str, JSON]:
    found: dict[str, JSON] = {
        name: value for name in IDENTITY_FIELDS if (value := rupt.get(name)) and isinstance(value, _type_of(name))
    }
    if found:
        found["client"] = "javascript"
        version = rupt.get("version")
        if isinstance(version, str) and version:
            found["version"] = version
    return found


def _type_of(name: str) -> type[dict[str, JSON]] | type[str]:
    return dict if name == "signals" else str


def _of_mobile(device: dict[str, JSON], os: JSON) -> dict[str, JSON]:
    os = os if isinstance(os, dict) else {}
    identifier = device.get("id")
    key = _VENDOR_IDS.get(_word(device.get("type"))) or _VENDOR_IDS.get(_word(os.get("name")))
    if not key or not isinstance(identifier, str) or not identifier:
        return {}
    info: dict[str, dict[str, JSON]] = {
        "os": _present({"name": os.get("name"), "version": os.get("version")}),
        "device": _present(
            {"vendor": device.get("manufacturer"), "model": device.get("model"), "type": device.get("type")}
        ),
    }
    return {"signals": {key: identifier}, "device_info": {name: part for name, part in info.items() if part}}


def _word(value: JSON) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _present(values: dict[str, JSON]) -> dict[str, JSON]:
    return {key: value for key, value in values.items() if isinstance(value, str) and value}
