"""The lines of `--json`, byte for byte: they are a contract, and no secret is in them."""

from msgspec.structs import fields

from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.rows import FilteredRow, PlannedRow, RequestRow, Row, planned_row, printable, request_row, requests_base
from connector.rupt import Request
from connector.values import JSON, dump_json
from tests.planning import load_text

BASE = "https://api.rupt.dev"
DESTINATION = load_text(
    "destination: rupt\n"
    "settings: {client_id: an-id, api_secret: s3cret, new_account_url: https://h.example/}\n"
    'mappings: [{name: Attach "é", action: attach, trigger: type = "page", fields: {account: $.userId}}]\n'
)
(MAPPING,) = DESTINATION.mappings
PAYLOAD: dict[str, JSON] = {"email": "ada@example.com", "account": "user-42"}
REQUEST = Request("POST", "/v2/device/attach", {"user": "user-42", "n": 1.5, "o": {}}, token="to.k.en")


def line(plan: Plan) -> str:
    """Print what a mapping makes of an event."""
    return dump_json(planned_row("m-1", MAPPING, plan, BASE)).decode()


PLANNED = (
    r'{"messageId":"m-1","mapping":"Attach \"é\"","outcome":"planned",'
    '"payload":{"email":"ada@example.com","account":"user-42"},'
    '"request":{"method":"POST","url":"https://api.rupt.dev/v2/device/attach",'
    '"body":{"user":"user-42","n":1.5,"o":{}}}'
)


def test_planned() -> None:
    """A planned row has the payload that the schema passed and the request, and no more."""
    assert line(Planned(PAYLOAD, REQUEST)) == PLANNED + "}"


def test_planned_with_warnings() -> None:
    """Warnings stand behind the request."""
    assert line(Planned(PAYLOAD, REQUEST, ("phone left out", "b"))) == PLANNED + ',"warnings":["phone left out","b"]}'


def test_skipped() -> None:
    """A skipped row has the reason, and the payload where there was one."""
    head = r'{"messageId":"m-1","mapping":"Attach \"é\"","outcome":"skipped",'
    assert line(Skipped("stale: old")) == head + '"reason":"stale: old"}'
    assert (
        line(Skipped("no_device: x", {"account": "u"})) == head + '"payload":{"account":"u"},"reason":"no_device: x"}'
    )


def test_invalid() -> None:
    """An invalid row has every problem, and no payload: none has passed the schema."""
    assert line(Invalid(("One.", "Two."), PAYLOAD)) == (
        r'{"messageId":"m-1","mapping":"Attach \"é\"","outcome":"invalid","problems":["One.","Two."]}'
    )


def test_filtered() -> None:
    """A filtered row names no mapping."""
    assert dump_json(FilteredRow("m-1", None, "filtered", "NO_MATCHING_MAPPING")).decode() == (
        '{"messageId":"m-1","mapping":null,"outcome":"filtered","reason":"NO_MATCHING_MAPPING"}'
    )


def test_a_discarded_row_says_where() -> None:
    """What could not become an event has its place, and a null where there is no messageId."""
    row = Row(None, None, "discarded", reason="bad_request: not JSON", at="events.jsonl:7")
    assert dump_json(row).decode() == (
        '{"messageId":null,"mapping":null,"outcome":"discarded","reason":"bad_request: not JSON","at":"events.jsonl:7"}'
    )


def test_all_keys_in_their_order() -> None:
    """Keys stand in the order of the contract, whichever are there."""
    row = Row(
        "m-1",
        "One",
        "delivered",
        {"account": "u"},
        RequestRow("POST", BASE, {}),
        reason="r",
        problems=("p",),
        warnings=("w",),
        access={"device_id": "d", "new_device": False},
        attempts=2,
        inDoubt=True,
        at="f:1",
    )
    assert dump_json(row).decode() == (
        '{"messageId":"m-1","mapping":"One","outcome":"delivered","payload":{"account":"u"},'
        '"request":{"method":"POST","url":"https://api.rupt.dev","body":{}},"reason":"r","problems":["p"],'
        '"warnings":["w"],"access":{"device_id":"d","new_device":false},"attempts":2,"inDoubt":true,"at":"f:1"}'
    )


def test_the_quick_rows_print_the_same() -> None:
    """PlannedRow and FilteredRow print the bytes of a Row with the same content."""
    request = request_row(REQUEST, BASE)
    assert dump_json(PlannedRow("m-1", MAPPING.name, "planned", PAYLOAD, request)) == dump_json(
        planned_row("m-1", MAPPING, Planned(PAYLOAD, REQUEST), BASE)
    )
    assert dump_json(FilteredRow("m-1", None, "filtered", "r")) == dump_json(Row("m-1", None, "filtered", reason="r"))


def test_the_quick_rows_have_the_keys_of_a_row() -> None:
    """The keys of the quick rows are a Row's, in its order."""
    names = [field.name for field in fields(Row)]
    for quick in (PlannedRow, FilteredRow):
        assert (own := [field.name for field in fields(quick)]) == [name for name in names if name in own]


def test_a_secret_field_is_not_printed() -> None:
    """The account's signed token shows as redacted in a payload, and nowhere else; the payload itself stays."""
    payload: dict[str, JSON] = {"account": "user-42", "secret": "to.k.en", "event": "x"}
    shown = printable("attach", payload)
    assert shown == {"account": "user-42", "secret": "[redacted]", "event": "x"}
    assert payload["secret"] == "to.k.en"
    for plan in (Planned(payload, REQUEST), Skipped("no_device", payload), Invalid(("One.",), payload)):
        assert "to.k.en" not in line(plan)
        assert "to.k.en" not in repr(planned_row("m-1", MAPPING, plan, BASE))


def test_payloads_without_a_secret_are_printed_as_they_are() -> None:
    """A payload in which nothing is hidden is printed without a copy."""
    assert printable("attach", PAYLOAD) is PAYLOAD
    assert printable("update_user", {"secret": "x"}) == {"secret": "x"}  # no field of that action


def test_a_request_is_printed_without_headers() -> None:
    """A request shows its method, URL and body: nothing of what authorizes it."""
    assert request_row(REQUEST, BASE) == RequestRow("POST", f"{BASE}/v2/device/attach", REQUEST.body)
    assert "to.k.en" not in dump_json(request_row(REQUEST, BASE)).decode()


def test_where_requests_go() -> None:
    """The base of the URLs is settings.domain, a bare host with https://, or Rupt's own."""
    domains = {"": BASE, "domain: rupt.example.com": "https://rupt.example.com", "domain: http://h:8/": "http://h:8"}
    for domain, base in domains.items():
        text = "destination: rupt\nsettings: {client_id: a, new_account_url: https://h.example/, %s}\n"
        assert requests_base(load_text(text % domain).settings) == base
