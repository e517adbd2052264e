"""Attach Device: tells Rupt that a device is used with an account, `POST /v2/device/attach`."""

from typing import Final
from urllib.parse import urlsplit

from connector.actions.build import Action, Build, Built, Options, Unfit
from connector.actions.conversions import fill_person
from connector.actions.identity import IDENTITY_FIELDS, READS, name_device
from connector.rupt import ATTACH_PATH, Request
from connector.values import JSON

NO_DEVICE: Final = "no_device: the event names no device (context.rupt, context.device or anonymousId)"
NO_DEVICE_STRICT: Final = (
    "no_device: the event names no device (context.rupt or context.device; device_identity is strict)"
)
NO_DEVICE_WARNING: Final = "no device identity: Rupt's effect is not known (device_identity is optional)"
_PLAIN: Final = ("limit_config", "event", "tolerance", *IDENTITY_FIELDS, "client", "version")
_COMMON: Final = frozenset({"account", "email", "phone", "metadata", "include_page"})
_PAGE_READS: Final = frozenset(
    {("context", "page", "path"), ("context", "page", "url"), ("properties", "path"), ("properties", "url")}
)


def _compile(options: Options) -> Build:
    strict, optional = options.device_identity == "strict", options.device_identity == "optional"
    unfit = Unfit(NO_DEVICE_STRICT if strict else NO_DEVICE)
    redirects: dict[str, JSON] = {"new_account": options.new_account, "logout": options.logout}
    callbacks: dict[str, JSON] = {"on_challenge": False, "limit_exceeded": False}

    def build(payload: dict[str, JSON], event: dict[str, JSON]) -> Built | Unfit:
        body: dict[str, JSON] = {"user": payload["account"]}
        warnings = fill_person(body, payload)
        if payload.get("include_page", True) and (page := page_of(payload, event)):  # the SDK's default is true
            body["page"] = page
        named, token = (False, "") if payload.keys() <= _COMMON else _fill_rest(body, payload)
        if not (named or name_device(body, event, strict=strict)):
            if not optional:
                return unfit
            warnings = (*warnings, NO_DEVICE_WARNING)
        body["callbacks"], body["redirects"] = callbacks, redirects
        return Built(Request("POST", ATTACH_PATH, body, token=token), warnings)

    return build


def _fill_rest(body: dict[str, JSON], payload: dict[str, JSON]) -> tuple[bool, str]:
    """Put the less common fields into the body; say whether they name the device, and the account's signed token."""
    for name in _PLAIN:
        if name in payload:
            body[name] = payload[name]
    secret = payload.get("secret")
    return any(name in payload for name in IDENTITY_FIELDS), secret if isinstance(secret, str) else ""


def page_of(payload: dict[str, JSON], event: dict[str, JSON]) -> str | None:
    """Find the page's path: the field `page`, else the event's; of a URL only the path, as in the browser."""
    if page := payload.get("page"):
        return _path_only(str(page))
    context = event.get("context")
    shown = context.get("page") if type(context) is dict else None
    for place in (shown, event.get("properties")):
        if type(place) is dict:
            value = place.get("path") or place.get("url")
            if type(value) is str and value:
                return _path_only(value)
    return None


def _path_only(text: str) -> str | None:
    if text[0] == "/" and not text.startswith("//") and "?" not in text and "#" not in text:
        return text
    try:
        return urlsplit(text).path or "/"
    except ValueError:
        return None


ATTACH: Final = Action(
    "attach",
    "Attach Device: tells Rupt that a device is used with an account.",
    READS | _PAGE_READS,
    _compile,
)
