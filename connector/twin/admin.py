"""The pages under /_twin: look into a stand-in and change what it does.

`GET state`, `GET requests`, `GET` and `POST faults` with `{"next": ["429", "reset"], "rates": {"503": 0.1}}`, where the
rates may be a text as --faults has it, and `POST users` with `{"user": ID, "suspended": true}`.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from connector.errors import UsageError
from connector.twin.faults import Faults, parse_faults
from connector.twin.stand import Seen, StandIn, log_row
from connector.twin.state import Twin
from connector.values import JSON, dump_json, load_json

_FAULTS_FORM: Final = (
    'the body is {"next": ["429", "reset"], "rates": {"503": 0.1}}, either may be left out, and rates may be a text '
    'as --faults has it: "503:0.1,latency=0.5"'
)


def json_response(status: int, value: JSON, headers: dict[str, str] | None = None) -> Response:
    """Answer a value as JSON."""
    return Response(dump_json(value), status, headers, "application/json")


def administer(stand: StandIn, request: Request, body: bytes) -> Response:
    """Answer a request under /_twin."""
    try:
        match request.method, request.scope["path"].removeprefix("/_twin/"):
            case "GET", "state":
                return json_response(200, {**stand.twin.snapshot(), "counts": dict(stand.counts)})
            case "GET", "requests":
                return json_response(200, [{**log_row(seen), "body": _body_of(seen)} for seen in stand.requests])
            case "POST", "faults":
                _set_faults(stand.faults, _object(body))
                return json_response(200, _show_faults(stand.faults))
            case "GET", "faults":
                return json_response(200, _show_faults(stand.faults))
            case "POST", "users":
                return _set_user(stand.twin, _object(body))
            case _:
                return refusal("there is no such page", 404)
    except UsageError as error:
        return refusal(str(error))


def refusal(message: str, status: int = 400) -> Response:
    """Answer that something is wrong with a request, in the form of Rupt's own refusals."""
    return json_response(status, {"success": False, "message": message})


def _object(body: bytes) -> dict[str, JSON]:
    try:
        found = load_json(body)
    except ValueError as error:
        raise UsageError(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object")
    return found


def _body_of(seen: Seen) -> JSON:
    """Show a body without a key `secret`, which belongs into a header and never into a body."""
    try:
        found = load_json(seen.body) if seen.body else None
    except ValueError:
        return seen.body.decode("utf-8", "replace")
    return {key: value for key, value in found.items() if key != "secret"} if isinstance(found, dict) else found


def _set_faults(faults: Faults, wanted: dict[str, JSON]) -> None:
    """Set what `{"next": ["429", "reset"], "rates": {"503": 0.1}}` says; rates may be a text as --faults has it."""
    if unknown := [key for key in wanted if key not in ("next", "rates")]:
        raise UsageError(f"unknown key {unknown[0]!r}: {_FAULTS_FORM}")
    rates, following = wanted.get("rates"), wanted.get("next", [])
    if not isinstance(following, list):
        raise UsageError(f"next is a list of faults, one for each of the next requests: {_FAULTS_FORM}")
    if not isinstance(rates, dict | str | None):
        raise UsageError(f"rates are an object or a text: {_FAULTS_FORM}")
    for text in following:
        parse_faults(str(text))  # before anything is changed
    if isinstance(rates, dict):
        rates = ",".join(f"{name}:{rate}" for name, rate in rates.items())
    if isinstance(rates, str):
        faults.set_rates(rates)
    faults.add(*(str(text) for text in following))


def _show_faults(faults: Faults) -> dict[str, JSON]:
    return {"next": list(faults.waiting()), "rates": {fault.name: rate for fault, rate in faults.rates}}


def _set_user(twin: Twin, wanted: dict[str, JSON]) -> Response:
    user, suspended = wanted.get("user"), wanted.get("suspended")
    if not isinstance(user, str) or not isinstance(suspended, bool):
        raise UsageError('the body is {"user": ID, "suspended": true or false}')
    twin.suspend(user, suspended=suspended)
    return json_response(200, {"success": True})
