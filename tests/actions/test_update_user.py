"""Update User: the address with the account in it, a body of what changes, and the API secret."""

import pytest

from connector import rupt
from connector.actions import ACTIONS
from connector.actions.conversions import GROUP_WARNING, PHONE_WARNING
from connector.actions.update_user import NOT_AN_ACCOUNT, NOTHING_TO_UPDATE
from connector.pipeline import Planned
from connector.rupt import Credentials, Request
from connector.values import JSON
from tests.planning import planned, reason

EVENT: dict[str, JSON] = {"anonymousId": "anon-1"}


def build(**fields: JSON) -> Planned:
    """Plan an update with these fields."""
    return planned("update_user", fields, EVENT)


def test_the_whole_request() -> None:
    """Email, phone, metadata and groups go in wire form, the account only into the address."""
    built = build(
        account="user-42",
        email="ada@example.com",
        phone="+1 415 555 0100",
        metadata={"seats": 3, "gone": None},
        groups={"id": 7, "name": "Acme"},
    )
    assert built.warnings == ()
    assert built.request == Request(
        "POST",
        "/v3/user/user-42/update",
        {
            "email": "ada@example.com",
            "phone": "+14155550100",
            "metadata": {"seats": "3"},
            "groups": [{"id": "7", "name": "Acme"}],
        },
        auth="secret",
    )


def test_only_what_is_given_is_sent() -> None:
    """Only what is sent changes at Rupt: what the event does not have is not in the body."""
    built = build(account="user-42", email="ada@example.com", phone="", metadata=None)
    assert built.request.body == {"email": "ada@example.com"}


def test_the_header() -> None:
    """The request is authorized with the API secret as a bearer token."""
    built = build(account="user-42", email="a@example.com")
    assert rupt.headers(built.request, Credentials("client-1", "s3cret"))["authorization"] == "Bearer s3cret"
    assert ACTIONS["update_user"].needs_secret


@pytest.mark.parametrize(
    ("account", "segment"),
    [
        ("user-42", "user-42"),
        ("a/b", "a%2Fb"),
        ("ada@example.com", "ada%40example.com"),
        ("a b+c?d#e&f%2F", "a%20b%2Bc%3Fd%23e%26f%252F"),
        ("日本", "%E6%97%A5%E6%9C%AC"),
        ("...", "..."),
        ("../x", "..%2Fx"),
        (1e21, "1e%2B21"),
    ],
)
def test_accounts_in_the_address(account: JSON, segment: str) -> None:
    """The account is one segment of the address, whatever characters it has."""
    built = build(account=account, email="a@example.com")
    assert built.request.path == f"/v3/user/{segment}/update"


@pytest.mark.parametrize("account", [".", ".."])
def test_accounts_that_no_address_can_name(account: str) -> None:
    """`.` and `..` would lead to another call, so nothing is sent."""
    assert reason("update_user", {"account": account, "email": "a@example.com"}, EVENT) == NOT_AN_ACCOUNT


@pytest.mark.parametrize(
    "fields",
    [{}, {"email": ""}, {"phone": "555"}, {"metadata": {}}, {"metadata": {"a": None}}, {"groups": [{"name": "x"}]}],
)
def test_nothing_to_update(fields: dict[str, JSON]) -> None:
    """Where nothing is left to be sent, nothing is sent, with the reason."""
    assert reason("update_user", {"account": "user-42", **fields}, EVENT) == NOTHING_TO_UPDATE


def test_what_is_left_out() -> None:
    """What cannot be sent is warned of, and the rest is sent."""
    built = build(account="user-42", email="a@example.com", phone="555", groups=[{"name": "x"}])
    assert built.request.body == {"email": "a@example.com"}
    assert built.warnings == (PHONE_WARNING, GROUP_WARNING)


def test_a_reason_has_a_name() -> None:
    """A reason starts with a short stable name."""
    assert NOTHING_TO_UPDATE.startswith("nothing_to_update: ")
    assert NOT_AN_ACCOUNT.startswith("account_not_addressable: ")
