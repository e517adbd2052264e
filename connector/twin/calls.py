"""The stand-in's calls: who may make them, what they take and what they answer. Sans-I/O: a call in, an answer out."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qs, unquote

import msgspec

from connector.twin.state import Project, Twin
from connector.values import JSON, load_json

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class Call(msgspec.Struct, frozen=True):
    """A request as it came: `path` is still encoded, `query` is the part behind the question mark."""

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    body: bytes = b""


class Answer(msgspec.Struct, frozen=True):
    """What is answered: `body` is sent as JSON, None sends nothing.

    `user` is whom the call spoke of. `device` is a device whose listeners have something to hear; with `listens` the
    answer is that device's stream of messages. `authorized` is None when nobody asked.
    """

    status: int
    body: JSON = None
    user: str = ""
    device: str = ""
    listens: bool = False
    authorized: bool | None = True


Carry: TypeAlias = Callable[[Twin, list[str], dict[str, JSON], float], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One call of the API: `*` in its path stands for an id; `auth` says which authorization it wants and where."""

    method: str
    path: tuple[str, ...]
    auth: Literal["client", "secret", "query"]
    carry: Carry


def answer(twin: Twin, call: Call, now: float) -> Answer:
    """Carry out a call. Nothing that is sent makes it raise."""
    segments = [unquote(segment) for segment in call.path.split("/")[1:]]
    route = next((route for route in ROUTES if _fits(route, call.method, segments)), None)
    if route is None:
        known = any(_fits(route, route.method, segments) for route in ROUTES)
        status, message = (405, "this path takes another method") if known else (404, "there is no such call")
        return _refuse(status, message, authorized=None)
    if refusal := _refusal(twin.project, route, call):
        return _refuse(401, refusal, authorized=False)
    body: JSON = {}
    if call.body and call.method == "POST":
        try:
            body = load_json(call.body)
        except ValueError as error:
            return _refuse(400, f"the body is no JSON: {error}")
    if not isinstance(body, dict):
        return _refuse(400, "the body is no JSON object")
    ids = [segment for segment, name in zip(segments, route.path, strict=True) if name == "*"]
    return route.carry(twin, ids, body, now)


def _fits(route: Route, method: str, segments: list[str]) -> bool:
    if method != route.method or len(segments) != len(route.path):
        return False
    return all(name in ("*", segment) for name, segment in zip(route.path, segments, strict=True))


def _refuse(status: int, message: str, *, user: str = "", authorized: bool | None = True) -> Answer:
    return Answer(status, {"success": False, "message": message}, user, authorized=authorized)


# Authorization: the reasons why a call may not be made, or an empty text


def _refusal(project: Project, route: Route, call: Call) -> str:
    if route.auth == "secret":
        return _secret_refusal(project, call.authorization)
    if route.auth == "query":
        return _client_refusal(project, parse_qs(call.query).get("auth", [""])[0])
    return _client_refusal(project, call.authorization)


def _secret_refusal(project: Project, authorization: str) -> str:
    scheme, _, secret = authorization.partition(" ")
    if scheme != "Bearer" or not secret:
        return "this call wants the header `Authorization: Bearer API_SECRET`"
    return "" if project.api_secret in (None, secret) else "no valid API secret"


def _client_refusal(project: Project, authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    client_id, colon, _ = credentials.partition(":")
    if scheme != "Basic" or not credentials:
        return "this call wants `Authorization: Basic CLIENT_ID:` or `Basic CLIENT_ID:SIGNED_TOKEN`, as literal text"
    if not colon and _is_base64_of_a_pair(credentials):
        return "the credentials are base64, but Rupt takes them as literal text: `Basic CLIENT_ID:`"
    if not colon or not client_id:
        return "the credentials are not of the form CLIENT_ID: or CLIENT_ID:SIGNED_TOKEN"
    return "" if project.client_id in (None, client_id) else "no valid client id"


def _is_base64_of_a_pair(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True)
    except binascii.Error:
        return False


# The calls


def _complaint(body: dict[str, JSON]) -> str:
    """Say what of a user Rupt's documentation does not allow; whether the service refuses it is not known."""
    phone, metadata = body.get("phone"), body.get("metadata")
    if not isinstance(body.get("email", ""), str):
        return "email is not a text"
    if phone is not None and not (isinstance(phone, str) and _E164.fullmatch(phone)):
        return "phone is not in E.164 form"
    texts = metadata.values() if isinstance(metadata, dict) else (None,)
    if metadata is not None and not all(isinstance(text, str) for text in texts):
        return "metadata is not a map of texts"
    return ""


def _attach(twin: Twin, _: list[str], body: dict[str, JSON], now: float) -> Answer:
    user = body.get("user")
    if not isinstance(user, str) or not user:
        return _refuse(400, "user is required and is a text")
    if complaint := _complaint(body):
        return _refuse(400, complaint, user=user)
    found = twin.attach(body, now)
    return Answer(200, found, user, device=str(found["device_id"]))


def _detach(twin: Twin, ids: list[str], body: dict[str, JSON], _: float) -> Answer:
    user = body.get("user")
    if not isinstance(user, str) or not user:
        return _refuse(400, "user is required and is a text")
    if not twin.detach(ids[0], user):
        return _refuse(404, "there is no such device", user=user)
    return Answer(200, {"success": True}, user, device=ids[0])


def _listen(twin: Twin, ids: list[str], _: dict[str, JSON], __: float) -> Answer:
    if ids[0] not in twin.devices:
        return _refuse(404, "there is no such device")
    return Answer(200, device=ids[0], listens=True)


def _update(twin: Twin, ids: list[str], body: dict[str, JSON], _: float) -> Answer:
    if complaint := _complaint(body):
        return _refuse(400, complaint, user=ids[0])
    twin.update_user(ids[0], body)
    return Answer(204, None, ids[0])


def _update_v2(twin: Twin, ids: list[str], body: dict[str, JSON], now: float) -> Answer:
    done = _update(twin, ids, body, now)
    return Answer(200, {"success": True}, ids[0]) if done.status == 204 else done


def _attached_devices(twin: Twin, ids: list[str], _: dict[str, JSON], __: float) -> Answer:
    return Answer(200, twin.attached_devices(ids[0]), ids[0])


def _user_devices(twin: Twin, ids: list[str], _: dict[str, JSON], __: float) -> Answer:
    return Answer(200, twin.user_devices(ids[0]), ids[0])


def _evaluation(twin: Twin, ids: list[str], _: dict[str, JSON], __: float) -> Answer:
    found = twin.evaluation(ids[0])
    return _refuse(404, "there is no such evaluation") if found is None else Answer(200, found, str(found["user"]))


def _consume(twin: Twin, ids: list[str], body: dict[str, JSON], now: float) -> Answer:
    if twin.evaluation(ids[0]) is None:
        return _refuse(404, "there is no such evaluation")
    if not twin.consume(ids[0]):
        return _refuse(409, "this evaluation is consumed already")
    return _evaluation(twin, ids, body, now)


def _challenge(twin: Twin, ids: list[str], _: dict[str, JSON], __: float) -> Answer:
    found = twin.challenges.get(ids[0])
    return _refuse(404, "there is no such challenge") if found is None else Answer(200, found, str(found["user"]))


ROUTES: Final = (
    Route("POST", ("v2", "device", "attach"), "client", _attach),
    Route("POST", ("v2", "device", "*", "detach"), "client", _detach),
    Route("GET", ("v2", "access", "user", "*", "attached_devices"), "client", _attached_devices),
    Route("GET", ("v2", "access", "device", "*", "listen"), "query", _listen),
    Route("POST", ("v2", "user", "*", "update"), "secret", _update_v2),
    Route("POST", ("v3", "user", "*", "update"), "secret", _update),
    Route("GET", ("v3", "user", "*", "devices"), "secret", _user_devices),
    Route("GET", ("v3", "evaluations", "*"), "secret", _evaluation),
    Route("POST", ("v3", "evaluations", "*", "consume"), "secret", _consume),
    Route("GET", ("v3", "challenges", "*"), "secret", _challenge),
)
