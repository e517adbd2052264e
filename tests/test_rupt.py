import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import rupt
from connector.retry import Delivered, Hold, Reject, Retry
from connector.rupt import Credentials, Failure, Request, Response, judge
from connector.values import JSON, dump_json, load_json

SAMPLES = Path(__file__).parent / "samples" / "rupt"
ATTACH = Request("POST", "/v2/device/attach", {"user": "user-42", "email": "ada@example.com"})
DETACH = Request("POST", "/v2/device/6323dadac7c49192e9154563/detach", {"user": "user-42"})
UPDATE = Request("POST", "/v3/user/user-42/update", {"email": "ada@example.com"}, auth="secret")
CREDENTIALS = Credentials("client-1", "api-s3cret")
ATTACHED: dict[str, JSON] = {
    "success": True,
    "attached_devices": 2,
    "device_id": "6323dadac7c49192e9154563",
    "default_device_limit": 3,
    "block_over_usage": False,
    "suspended": False,
    "new_device": True,
    "access": "6323dadac7c49192e9763547",
    "metadata": {"plan": "pro"},
    "verification_status": "unverified",
}


def answered(status: int, body: "JSON | bytes" = b"", **headers: str) -> Response:
    """Make an answer; a header's underscores stand for hyphens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, names, body if isinstance(body, bytes) else dump_json(body))


def attached(**changes: JSON) -> Response:
    """Make the answer to an attach; None takes a key away."""
    return answered(200, {key: value for key, value in {**ATTACHED, **changes}.items() if value is not None})


# Requests


@pytest.mark.parametrize("name", ["01-attach.json", "03-attach.json", "05-detach.json"])
def test_a_request_goes_out_as_the_browser_sends_it(name: str) -> None:
    """URL, authorization, content type and body equal what was recorded from Rupt's own SDK."""
    sample = json.loads((SAMPLES / name).read_bytes())
    request = Request(sample["method"], sample["url"].removeprefix("https://api.rupt.dev"), sample["body"])
    credentials = Credentials("CLIENT_ID")
    assert rupt.url(request, credentials) == sample["url"]
    assert sample["headers"].items() <= rupt.headers(request, credentials).items()
    assert load_json(rupt.body(request)) == sample["body"]


def test_the_client_authorizes_literally() -> None:
    """`Basic` is followed by the client id and the signed token as they are, not by base64."""
    request = Request("POST", "/v2/device/attach", {}, token="signed.token")
    assert rupt.headers(request, CREDENTIALS)["authorization"] == "Basic client-1:signed.token"
    assert rupt.headers(ATTACH, CREDENTIALS)["authorization"] == "Basic client-1:"


def test_the_secret_authorizes_as_bearer() -> None:
    """Calls of a server carry the API secret."""
    assert rupt.headers(UPDATE, CREDENTIALS)["authorization"] == "Bearer api-s3cret"


@pytest.mark.parametrize("secret", [None, "", "with\r\nline", "with\x00nul", "with \u00e9"])
def test_a_secret_that_cannot_be_sent_is_an_error(secret: str | None) -> None:
    """A missing secret or one that no header can carry raises, and the error does not show it."""
    with pytest.raises(ValueError, match=r"api_secret|no header can carry") as caught:
        rupt.headers(UPDATE, Credentials("client-1", secret))
    assert "with" not in str(caught.value)


def test_a_token_cannot_smuggle_a_header() -> None:
    """A token with a line end is refused."""
    with pytest.raises(ValueError, match="no header can carry"):
        rupt.headers(Request("POST", "/v2/device/attach", {}, token="t\r\nx-evil: 1"), CREDENTIALS)


def test_no_repr_shows_a_credential() -> None:
    """Neither the signed token nor the API secret is printed by accident."""
    assert "s3cret" not in repr(CREDENTIALS)
    assert "s3cret" not in repr(Request("POST", "/", {"a": 1}, token="s3cret"))


@pytest.mark.parametrize(
    ("domain", "base"),
    [
        ("rupt.example.com", "https://rupt.example.com"),
        ("localhost:8080/", "https://localhost:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://proxy.example.com/rupt/", "https://proxy.example.com/rupt"),
    ],
)
def test_a_domain_becomes_a_base(domain: str, base: str) -> None:
    """A bare host is taken with https, a URL as it is; both without a slash at the end."""
    assert rupt.base_url(domain) == base
    assert rupt.url(ATTACH, Credentials("c", base_url=base)) == base + "/v2/device/attach"


def test_a_get_has_no_body() -> None:
    """A GET is sent without bytes."""
    assert rupt.body(Request("GET", "/v2/access/user/u/attached_devices", {})) == b""


# Answers that are done


def test_an_attach_is_delivered_with_its_access_state() -> None:
    """Everything that tells of the device and the account is kept, and nothing else."""
    assert judge(attached(), ATTACH) == Delivered(
        {
            "device_id": "6323dadac7c49192e9154563",
            "attached_devices": 2,
            "suspended": False,
            "new_device": True,
            "access": "6323dadac7c49192e9763547",
            "verification_status": "unverified",
            "limit_exceeded": False,
        }
    )


@pytest.mark.parametrize(
    ("config", "answer", "exceeded"),
    [
        ({}, {"attached_devices": 3, "default_device_limit": 3}, False),
        ({}, {"attached_devices": 4, "default_device_limit": 3}, True),
        ({"overall_device_limit": 1}, {"attached_devices": 2, "default_device_limit": 3}, True),
        ({"overall_device_limit": 5}, {"attached_devices": 4, "default_device_limit": 3}, False),
        ({"overall_limit": 1}, {"attached_devices": 2, "default_device_limit": 3}, True),
        ({"overall_device_limit": 5, "overall_limit": 1}, {"attached_devices": 2}, False),
        ({"people_limit": 1}, {"attached_devices": 2, "default_device_limit": 3}, False),
        ({"overall_device_limit": "2"}, {"attached_devices": 3}, True),
        ({"overall_device_limit": None}, {"attached_devices": "4", "default_device_limit": "3"}, True),
        ({"overall_device_limit": "many"}, {"attached_devices": 4, "default_device_limit": 3}, True),
    ],
)
def test_the_limit_is_exceeded_by_the_sdks_rule(
    config: dict[str, JSON], answer: dict[str, JSON], exceeded: bool
) -> None:
    """More devices than the request's limit, its older name, or else the account's default."""
    request = Request("POST", "/v2/device/attach", {"user": "u", "limit_config": config})
    verdict = judge(answered(200, {"success": True, **answer}), request)
    assert isinstance(verdict, Delivered)
    assert verdict.access["limit_exceeded"] is exceeded


@pytest.mark.parametrize("key", ["attached_devices", "default_device_limit"])
def test_without_numbers_the_limit_is_not_known(key: str) -> None:
    """Nothing is said about the limit when a number is missing."""
    verdict = judge(attached(**{key: None}), ATTACH)
    assert isinstance(verdict, Delivered)
    assert "limit_exceeded" not in verdict.access


@pytest.mark.parametrize("odd", [[], {}, 1.5, True, "x", 7])
def test_odd_types_in_an_answer_are_left_out(odd: JSON) -> None:
    """An answer is taken for what it holds, whatever the types of single keys."""
    keys = ("device_id", "attached_devices", "suspended", "new_device", "access", "verification_status")
    verdict = judge(answered(200, {"success": True, **dict.fromkeys(keys, odd)}), ATTACH)
    assert isinstance(verdict, Delivered)
    assert set(verdict.access) <= {key for key in keys if type(odd) is type(ATTACHED[key])} | {"limit_exceeded"}


@pytest.mark.parametrize("body", [{"success": True}, {"device_id": "d"}])
def test_an_attach_needs_one_sign_of_rupt(body: JSON) -> None:
    """Either `success` or a device id shows that Rupt has attached."""
    assert isinstance(judge(answered(200, body), ATTACH), Delivered)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (ATTACH, answered(204)),
        (UPDATE, answered(204)),
        (UPDATE, answered(200)),
        (UPDATE, answered(200, {"success": True})),
        (DETACH, answered(200, {"success": True})),
        (DETACH, answered(200, {})),
        (DETACH, answered(202, b"")),
    ],
)
def test_other_calls_are_done_without_a_state(request_: Request, answer: Response) -> None:
    """204 or an empty body is enough where nothing is to be read."""
    assert judge(answer, request_) == Delivered({})


# Answers that only look done


@pytest.mark.parametrize("request_", [ATTACH, DETACH, UPDATE])
@pytest.mark.parametrize("success", [False, "false"])
def test_success_false_is_a_refusal(request_: Request, success: JSON) -> None:
    """Rupt has read the request and said no: its words are kept."""
    answer = answered(200, {"success": success, "message": "account is locked"})
    assert judge(answer, request_) == Reject("200 success is false: account is locked")


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b'{"success": tru', b"[]", b'"ok"', b"null", b"\xff\xfe"])
@pytest.mark.parametrize("request_", [ATTACH, DETACH, UPDATE])
def test_a_body_that_is_no_object_is_in_doubt(request_: Request, body: bytes) -> None:
    """A proxy's page or a body cut off proves nothing: the call is made again, and counted as in doubt."""
    assert judge(answered(200, body), request_) == Retry("200 unreadable answer: no JSON object", in_doubt=True)


def test_an_attach_without_a_body_is_in_doubt() -> None:
    """An attach answers its state; an empty 200 is not Rupt's."""
    assert judge(answered(200), ATTACH) == Retry("200 unreadable answer: no JSON object", in_doubt=True)


def test_an_object_without_any_sign_of_rupt_is_in_doubt() -> None:
    """Some other service's JSON does not count as attached."""
    verdict = judge(answered(200, {"status": "ok"}), ATTACH)
    assert verdict == Retry("200 unreadable answer: neither success nor device_id", in_doubt=True)


# Refusals


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "400 bad request"),
        (404, "404 not found"),
        (405, "405 method not allowed"),
        (409, "409 conflict"),
        (410, "410 gone"),
        (411, "411 refused"),
        (413, "413 too large"),
        (415, "415 unsupported media type"),
        (418, "418 refused"),
        (422, "422 not processable"),
        (425, "425 refused"),
        (451, "451 refused"),
        (499, "499 refused"),
    ],
)
def test_other_4xx_are_the_events_fault(status: int, reason: str) -> None:
    """The same request would be refused again."""
    assert judge(answered(status), ATTACH) == Reject(reason)


@pytest.mark.parametrize(
    ("status", "request_", "reason"),
    [
        (401, ATTACH, "401 no valid client id: check settings.client_id"),
        (401, UPDATE, "401 no valid API secret; check settings.api_secret"),
        (402, ATTACH, "402 payment required: look after your Rupt subscription"),
        (403, ATTACH, "403 not permitted: allow this client id in Rupt's dashboard, or use another"),
        (407, ATTACH, "407 proxy authentication required: look after the proxy on the way, or settings.domain"),
        (428, ATTACH, "428 needs a Rupt subscription: start or renew it in Rupt's dashboard"),
        (301, ATTACH, "301 redirect: settings.domain is not the address of Rupt's API"),
        (308, UPDATE, "308 redirect: settings.domain is not the address of Rupt's API"),
        (304, UPDATE, "304 redirect: settings.domain is not the address of Rupt's API"),
    ],
)
def test_configuration_failures_hold_and_say_what_to_do(status: int, request_: Request, reason: str) -> None:
    """The event is not at fault; the reason names the setting."""
    assert judge(answered(status, location="https://elsewhere.example"), request_) == Hold(reason)


def test_a_401_with_a_signed_token_names_both() -> None:
    """The client id or this account's signed token may be wrong."""
    request = Request("POST", "/v2/device/attach", {}, token="s3cret")
    reason = "401 no valid client id or signed token: check settings.client_id and the field secret"
    assert judge(answered(401), request) == Hold(reason)


# Later


@pytest.mark.parametrize(
    ("status", "reason", "in_doubt"),
    [
        (408, "408 request timeout", False),
        (423, "423 locked", False),
        (429, "429 too many requests", False),
        (500, "500 Rupt's own error", True),
        (501, "501 not implemented", False),
        (502, "502 bad gateway", True),
        (503, "503 unavailable", False),
        (504, "504 gateway timeout", True),
        (505, "505 failed", False),
        (520, "520 failed", True),
        (599, "599 failed", True),
        (700, "700 failed", True),
    ],
)
def test_busy_and_broken_servers_are_tried_again(status: int, reason: str, in_doubt: bool) -> None:
    """Every 5xx, 408, 423 and 429 come again; what may have been done before the failure is in doubt."""
    assert judge(answered(status), ATTACH) == Retry(reason, None, in_doubt)
    assert judge(answered(status, retry_after="7"), ATTACH) == Retry(reason, 7.0, in_doubt)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("9" * 400, rupt.LONGEST_RETRY_AFTER),
        ("Sun, 06 Nov 1994 08:50:07 GMT", 30.0),
        ("Sunday, 06-Nov-94 08:49:40 GMT", 3.0),
        ("Sun Nov  6 08:49:47 1994", 10.0),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0.0),
        ("Sun, 06 Nov 9999 08:49:00 GMT", rupt.LONGEST_RETRY_AFTER),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("1_0", None),
        ("\u0661", None),
        ("Sun, 99 Foo 1994 99:99:99 GMT", None),
        ("Sun, 31 Feb 99999999999999999999 08:49:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_every_form(text: str, seconds: float | None) -> None:
    """Seconds, or a date in the three forms of HTTP counted from the answer's own Date; the rest is ignored."""
    answer = answered(429, retry_after=text, date="Sun, 06 Nov 1994 08:49:37 GMT")
    assert rupt.retry_after(answer) == seconds


@pytest.mark.parametrize("date", ["", "garbage"])
def test_a_date_in_retry_after_needs_the_answers_date(date: str) -> None:
    """No clock is read here: without a Date a date says nothing."""
    assert rupt.retry_after(answered(503, retry_after="Sun, 06 Nov 1994 08:50:07 GMT", date=date)) is None


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (Failure("timeout", "no answer within 10 s"), Retry("timeout: no answer within 10 s", in_doubt=True)),
        (Failure("timeout", "no connection within 10 s", False), Retry("timeout: no connection within 10 s")),
        (Failure("network", "connection reset"), Retry("network: connection reset", in_doubt=True)),
        (Failure("network", "connection refused", may_have_left=False), Retry("network: connection refused")),
        (Failure("network", ""), Retry("network", in_doubt=True)),
    ],
)
def test_without_an_answer_it_is_tried_again(failure: Failure, verdict: Retry) -> None:
    """Network errors and timeouts come again; in doubt only when the request may have left."""
    assert judge(failure, ATTACH) == verdict


# Reasons


@pytest.mark.parametrize(
    "body",
    [
        {"message": "user is required"},
        {"error": "user is required"},
        {"error": {"message": "user is required"}},
        {"errors": [{"message": "user is required"}]},
        {"errors": ["user is required"]},
        {"message": "", "detail": "user is required"},
    ],
)
def test_rupts_own_words_are_kept(body: JSON) -> None:
    """The message is found wherever services usually put it."""
    assert judge(answered(400, body), ATTACH) == Reject("400 bad request: user is required")


@pytest.mark.parametrize(
    "body", [b"<html>no</html>", {}, {"message": {"a": {"b": {}}}}, {"errors": []}, [], {"error": 7}]
)
def test_without_words_the_status_is_enough(body: "JSON | bytes") -> None:
    """A page or an unknown shape adds nothing to the reason."""
    assert judge(answered(400, body), ATTACH) == Reject("400 bad request")


def test_a_reason_names_no_person() -> None:
    """What Rupt repeats of the request, and whatever looks personal, is taken out."""
    request = Request("POST", "/v2/device/attach", {"user": "ada-1", "email": "a", "phone": "b"}, token="sig")
    said = "user ada-1 (ada@example.com, +49 151 12345678) has token sig, Basic client:sig"
    verdict = judge(answered(400, {"message": said}), request)
    assert verdict == Reject(
        "400 bad request: user [redacted] ([email], [number]) has token [redacted], Basic [redacted]"
    )


def test_a_reason_repeats_nothing_of_the_request() -> None:
    """Any text of the body that Rupt repeats is taken out, however deep it is, and so is the id in the path."""
    deep: JSON = "deepest-one"
    for _ in range(5_000):
        deep = [deep]
    body: dict[str, JSON] = {"user": "u", "fingerprint": "anon-1", "page": "/secret place", "metadata": {"a": [deep]}}
    said = "u: no anon-1-extra, anon-1 of /secret place; deepest-one; device dé/1 or d%C3%A9%2F1 not found"
    body |= {"other": "anon-1-extra", "short": "not"}
    request = Request("POST", "/v2/device/d%C3%A9%2F1/detach", body)
    assert judge(answered(404, {"message": said}), request) == Reject(
        "404 not found: [redacted]: no [redacted], [redacted] of [redacted]; [redacted]; "
        "device [redacted] or [redacted] not found"
    )


def test_a_reason_is_short_and_on_one_line() -> None:
    """Rupt's words are cut to 200 characters and carry no control characters."""
    verdict = judge(answered(400, {"message": "a\x1b[2J\n" + "word " * 10_000}), ATTACH)
    assert isinstance(verdict, Reject)
    assert len(verdict.reason) <= len("400 bad request: ") + 200
    assert verdict.reason.isprintable()


@given(st.integers(100, 999), st.binary(max_size=200), st.sampled_from([ATTACH, DETACH, UPDATE]), st.text(max_size=40))
def test_any_answer_gets_a_verdict(status: int, body: bytes, request_: Request, after: str) -> None:
    """No status, body or Retry-After raises; every reason begins with the status."""
    verdict = judge(answered(status, body, retry_after=after, date=after), request_)
    assert isinstance(verdict, Delivered) or verdict.reason.startswith(str(status))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ATTACHED, "message", "x"]), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*ATTACHED, "message"]), json_values), json_values)
def test_any_json_answer_gets_a_verdict(body: dict[str, JSON], config: JSON) -> None:
    """No type of any key in an answer or in the request's limits raises."""
    request = Request("POST", "/v2/device/attach", {"user": "u", "limit_config": config})
    assert isinstance(judge(answered(200, body), request), Delivered | Reject | Retry)
