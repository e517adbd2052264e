"""Attach Device: tells Rupt that a device is used with an account, `POST /v2/device/attach`."""

import re
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
_is_path: Final = re.compile(r"/(?!/)[^?#]*").fullmatch
_COMMON: Final = frozenset({"account", "email", "phone", "metadata", "include_page"})
_PAGE_READS: Final = frozenset(
    {("context", "page", "path"), ("context", "page", "url"), ("properties", "path"), ("properties", "url")}
)


def _compile(options: Options, mapped: frozenset[str]) -> Build:
    strict, optional = options.device_identity == "strict", options.device_identity == "optional"
    unfit = Unfit(NO_DEVICE_STRICT if strict else NO_DEVICE)
    redirects: dict[str, JSON] = {"new_account": options.new_account, "logout": options.logout}
    is_common, names_page = mapped <= _COMMON, "page" in mapped
    callbacks: dict[str, JSON] = {"on_challenge": False, "limit_exceeded": False}

    def build(payload: dict[str, JSON], event: dict[str, JSON]) -> Request | Built | Unfit:
        body: dict[str, JSON] = {"user": payload["account"]}
        warnings = fill_person(body, payload)
        context = event.get("context")
        if type(context) is not dict:
            context = {}
        if payload.get("include_page", True):  # the SDK's default is true
            page = context.get("page")
            path = page.get("path") if type(page) is dict else None
            if names_page or type(path) is not str or not _is_path(path):  # else it is as most events have it
                path = page_of(payload, context, event)
            if path is not None:
                body["page"] = path
        named, token = (False, "") if is_common else _fill_rest(body, payload)
        if not named and not name_device(body, context, event, strict=strict):
            if not optional:
                return unfit
            warnings = (*warnings, NO_DEVICE_WARNING)
        body["callbacks"] = callbacks
        body["redirects"] = redirects
        request = Request("POST", ATTACH_PATH, body, "client", token)
        return Built(request, warnings) if warnings else request

    return build


def _fill_rest(body: dict[str, JSON], payload: dict[str, JSON]) -> tuple[bool, str]:
    """Put the less common fields into the body; say whether they name the device, and the account's signed token."""
    for name in _PLAIN:
        if name in payload:
            body[name] = payload[name]
    secret = payload.get("secret")
    return any(name in payload for name in IDENTITY_FIELDS), secret if isinstance(secret, str) else ""


def page_of(payload: dict[str, JSON], context: dict[str, JSON], event: dict[str, JSON]) -> str | None:
    """Find the page's path: the field `page`, else the event's; of a URL only the path, as in the browser."""
    if "page" in payload:
        return _path_of(str(payload["page"]))
    for place in (context.get("page"), event.get("properties")):
        if type(place) is dict:
            found = place.get("path") or place.get("url")
            if type(found) is str:
                return found if _is_path(found) else _path_of(found)
    return None


def _path_of(text: str) -> str | None:
    try:
        return urlsplit(text).path or "/" if text else None
    except ValueError:
        return None


ATTACH: Final = Action(
    "attach",
    "Attach Device: tells Rupt that a device is used with an account.",
    READS | _PAGE_READS,
    _compile,
)
