"""Update User: changes what Rupt knows of an account, `POST /v3/user/{id}/update`; only what is sent changes."""

from typing import Final

from connector.actions.build import Action, Build, Built, Options, Unfit
from connector.actions.conversions import fill_person, url_segment
from connector.rupt import Request
from connector.values import JSON

NOTHING_TO_UPDATE: Final = "nothing_to_update: the event has no email, phone, metadata or groups that can be sent"
NOT_AN_ACCOUNT: Final = "account_not_addressable: the account id cannot stand in a URL"


def _compile(_options: Options, _mapped: frozenset[str]) -> Build:
    def build(payload: dict[str, JSON], _: dict[str, JSON]) -> Request | Built | Unfit:
        account = url_segment(payload["account"])
        if account is None:
            return Unfit(NOT_AN_ACCOUNT)
        body: dict[str, JSON] = {}
        warnings = fill_person(body, payload)
        if not body:
            return Unfit(NOTHING_TO_UPDATE)
        request = Request("POST", f"/v3/user/{account}/update", body, auth="secret")
        return Built(request, warnings) if warnings else request

    return build


UPDATE_USER: Final = Action(
    "update_user",
    "Update User: changes an account's email, phone, metadata and groups; needs the API secret.",
    frozenset(),
    _compile,
    needs_secret=True,
)
