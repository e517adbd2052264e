import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.retry import Delivered
from connector.rupt import Credentials, Request, Response, headers, judge
from connector.twin import Project, Twin
from connector.twin.calls import Answer, Call, answer
from connector.values import JSON, dump_json

SAMPLES = Path(__file__).parent / "samples" / "rupt"
NOW = 1_700_000_000.0
ATTACH_KEYS = {
    "success",
    "attached_devices",
    "device_id",
    "default_device_limit",
    "block_over_usage",
    "suspended",
    "new_device",
    "access",
    "metadata",
    "verification_status",
}


def called(twin: Twin, method: str, path: str, body: JSON = None, auth: str = "Basic client-1:") -> Answer:
    """Make one call."""
    path, _, query = path.partition("?")
    return answer(twin, Call(method, path, query, auth, b"" if body is None else dump_json(body)), NOW)


def called_with_secret(twin: Twin, method: str, path: str, body: JSON = None) -> Answer:
    """Make one call as a server does."""
    return called(twin, method, path, body, "Bearer s3cret")


def attached(twin: Twin, user: str = "user-1", /, **more: JSON) -> dict[str, JSON]:
    """Attach a device, and give what is answered."""
    done = called(twin, "POST", "/v2/device/attach", {"user": user, **more})
    assert done.status == 200
    assert isinstance(done.body, dict)
    return done.body


# Attach


def test_attach_answers_the_keys_of_rupt() -> None:
    """A first attach tells of a new device, within the limit."""
    found = attached(Twin(), fingerprint="f-1", metadata={"plan": "pro"})
    assert set(found) == ATTACH_KEYS
    assert (found["success"], found["attached_devices"], found["new_device"]) == (True, 1, True)
    assert (found["suspended"], found["block_over_usage"], found["default_device_limit"]) == (False, False, 3)
    assert found["metadata"] == {"plan": "pro"}


def test_ids_look_like_rupts_and_repeat() -> None:
    """Ids are 24 hex digits, the same in two runs of one seed, others with another seed."""
    first, again = attached(Twin(), fingerprint="f"), attached(Twin(), fingerprint="f")
    other = attached(Twin(Project(seed=1)), fingerprint="f")
    for key in ("device_id", "access"):
        assert len(str(first[key])) == 24
        assert int(str(first[key]), 16)
        assert first[key] == again[key] != other[key]


def test_attach_is_an_upsert() -> None:
    """The same device and user again is the same attachment."""
    twin = Twin()
    first, again = attached(twin, fingerprint="f"), attached(twin, fingerprint="f")
    assert (again["new_device"], again["attached_devices"]) == (False, 1)
    assert (again["device_id"], again["access"]) == (first["device_id"], first["access"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"fingerprint": "a"}, {"fingerprint": "a", "signals": {"fonts": {"value": []}}}),
        ({"fingerprint": "a"}, {"fingerprint": "b", "last_fingerprint": "a"}),
        ({"fingerprint": "a", "last_fingerprint": None}, {"last_fingerprint": "a"}),
        ({"signals": {"iosVendorIdentifier": "v"}}, {"signals": {"iosVendorIdentifier": "v", "model": "x"}}),
        ({"signals": {"androidVendorIdentifier": "v"}}, {"signals": {"androidVendorIdentifier": "v"}}),
        ({"signals": {"timezone": {"value": "UTC"}}}, {"signals": {"timezone": {"value": "UTC"}}}),
    ],
)
def test_one_device_is_recognized(one: dict[str, JSON], other: dict[str, JSON]) -> None:
    """By its fingerprint, its last one, a mobile vendor id, or its signals when there is nothing else."""
    twin = Twin()
    assert attached(twin, **one)["device_id"] == attached(twin, **other)["device_id"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"fingerprint": "a"}, {"fingerprint": "b"}),
        ({"signals": {"iosVendorIdentifier": "v"}}, {"signals": {"androidVendorIdentifier": "v"}}),
        ({"fingerprint": "v"}, {"signals": {"iosVendorIdentifier": "v"}}),
        ({}, {}),
    ],
)
def test_two_devices_are_told_apart(one: dict[str, JSON], other: dict[str, JSON]) -> None:
    """Other fingerprints and vendor ids are other devices; an attach without any makes a device each time."""
    twin = Twin()
    assert attached(twin, **one)["device_id"] != attached(twin, **other)["device_id"]


def test_a_device_shared_by_two_users_stays_one() -> None:
    """Both users have an access of their own to the same device."""
    twin = Twin()
    ada, bob = attached(twin, "ada", fingerprint="f"), attached(twin, "bob", fingerprint="f")
    assert ada["device_id"] == bob["device_id"]
    assert ada["access"] != bob["access"]
    assert bob["new_device"] is True


def test_the_projects_limit_challenges_the_device_too_many() -> None:
    """The device beyond the limit hears of a challenge, once; its verification is skipped without email and phone."""
    twin = Twin(Project(default_device_limit=1))
    first, second = attached(twin, fingerprint="a"), attached(twin, fingerprint="b")
    attached(twin, fingerprint="b")
    assert twin.take_messages(str(first["device_id"])) == []
    [message] = twin.take_messages(str(second["device_id"]))
    [challenge] = twin.challenges.values()
    assert message["action"] == "challenge"
    assert message["challenge"] == {"_id": challenge["id"]}
    assert (challenge["device"], challenge["status"]) == (second["device_id"], "skipped")
    assert called_with_secret(twin, "GET", f"/v3/challenges/{challenge['id']}").body == challenge


@pytest.mark.parametrize("key", ["overall_device_limit", "overall_limit"])
def test_a_users_own_limit_overrides_the_projects(key: str) -> None:
    """What was sent for a user counts from then on, also when it is not sent again."""
    twin = Twin(Project(default_device_limit=1))
    attached(twin, fingerprint="a", limit_config={key: 2})
    attached(twin, fingerprint="b")
    assert twin.challenges == {}
    attached(twin, fingerprint="c", email="ada@example.com")
    assert [challenge["status"] for challenge in twin.challenges.values()] == ["initiated"]


def test_attach_keeps_and_merges_what_it_tells_of_the_user() -> None:
    """Email and phone are replaced, metadata and groups merged; groups without id are ignored."""
    twin = Twin()
    attached(twin, email="a@example.com", metadata={"a": "1"}, groups={"id": "g", "name": "G"})
    found = attached(twin, phone="+4915112345678", metadata={"b": "2"}, groups=[{"id": "g", "plan": "x"}, {"id": None}])
    assert found["metadata"] == {"a": "1", "b": "2"}
    user = twin.users["user-1"]
    assert (user.email, user.phone) == ("a@example.com", "+4915112345678")
    assert user.groups == {"g": {"id": "g", "name": "G", "plan": "x"}}


def test_a_suspended_user_is_told() -> None:
    """The answer to an attach says so until the user is let go."""
    twin = Twin(Project(block_over_usage=True))
    twin.suspend("user-1")
    found = attached(twin, fingerprint="a")
    assert (found["suspended"], found["block_over_usage"]) == (True, True)
    twin.suspend("user-1", suspended=False)
    assert attached(twin, fingerprint="a")["suspended"] is False


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": ""},
        {"user": None},
        {"user": 42},
        {"account": "user-1"},
        {"user": "u", "phone": "0151 12345678"},
        {"user": "u", "phone": 15112345678},
        {"user": "u", "email": ["a@example.com"]},
        {"user": "u", "metadata": {"n": 1}},
        {"user": "u", "metadata": ["plan"]},
        [],
        "text",
    ],
)
def test_a_body_that_rupt_does_not_document_is_refused(body: JSON) -> None:
    """A missing user, a phone that is not E.164, metadata that are no texts: 400, and nothing changes."""
    twin = Twin()
    assert called(twin, "POST", "/v2/device/attach", body).status == 400
    assert twin.users == {}


def test_a_body_that_is_no_json_is_refused() -> None:
    """400 with a message."""
    done = answer(Twin(), Call("POST", "/v2/device/attach", "", "Basic c:", b'{"user": '), NOW)
    assert done.status == 400


# Detach and users


def test_detach_takes_the_device_from_the_user_and_logs_it_out() -> None:
    """The device hears of the log-out; doing it twice is fine; attaching again makes no new device."""
    twin = Twin()
    device = str(attached(twin, fingerprint="f")["device_id"])
    for _ in range(2):
        assert called(twin, "POST", f"/v2/device/{device}/detach", {"user": "user-1"}).body == {"success": True}
    assert twin.take_messages(device) == [{"action": "logout"}]
    assert twin.attached_devices("user-1") == []
    again = attached(twin, fingerprint="f")
    assert (again["attached_devices"], again["new_device"]) == (1, False)


def test_detach_of_an_unknown_device_is_not_found() -> None:
    """404; without a user 400."""
    twin = Twin()
    assert called(twin, "POST", "/v2/device/6323dadac7c49192e9154563/detach", {"user": "u"}).status == 404
    assert called(twin, "POST", "/v2/device/6323dadac7c49192e9154563/detach", {}).status == 400


@pytest.mark.parametrize(("version", "status", "body"), [("v3", 204, None), ("v2", 200, {"success": True})])
def test_update_changes_only_what_is_sent(version: str, status: int, body: JSON) -> None:
    """Email stays when only metadata come; both versions of the call do the same."""
    twin = Twin()
    attached(twin, email="a@example.com", fingerprint="f")
    done = called_with_secret(twin, "POST", f"/{version}/user/user-1/update", {"metadata": {"plan": "pro"}})
    assert (done.status, done.body) == (status, body)
    assert (twin.users["user-1"].email, twin.users["user-1"].metadata) == ("a@example.com", {"plan": "pro"})


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_update_refuses_what_is_not_documented(version: str) -> None:
    """A phone number that is not E.164 is a 400."""
    assert called_with_secret(Twin(), "POST", f"/{version}/user/u/update", {"phone": "0151"}).status == 400


def test_a_users_id_is_decoded_from_the_path() -> None:
    """Slashes, spaces and letters beyond ASCII come through."""
    twin = Twin()
    called_with_secret(twin, "POST", "/v3/user/a%2Fb%20%C3%A9%3F/update", {"email": "a@example.com"})
    assert list(twin.users) == ["a/b é?"]


def test_devices_are_listed() -> None:
    """v2 lists what is attached, v3 also what was, with a status."""
    twin = Twin()
    first = attached(twin, fingerprint="a", client="segment", version="1")["device_id"]
    second = attached(twin, fingerprint="b")["device_id"]
    called(twin, "POST", f"/v2/device/{first}/detach", {"user": "user-1"})
    v2 = called(twin, "GET", "/v2/access/user/user-1/attached_devices").body
    v3 = called_with_secret(twin, "GET", "/v3/user/user-1/devices").body
    assert isinstance(v2, list)
    assert isinstance(v3, list)
    assert [device["id"] for device in v2 if isinstance(device, dict)] == [second]
    assert v3[1] == {
        "id": first,
        "user": "user-1",
        "status": "detached",
        "metadata": {},
        "info": {"client": "segment", "version": "1"},
        "attached_at": "2023-11-14T22:13:20.000Z",
        "last_seen_at": "2023-11-14T22:13:20.000Z",
    }


def test_an_unknown_user_has_no_devices() -> None:
    """Both lists are empty."""
    assert called(Twin(), "GET", "/v2/access/user/u/attached_devices").body == []
    assert called_with_secret(Twin(), "GET", "/v3/user/u/devices").body == []


def test_an_evaluation_is_consumed_once() -> None:
    """The second time is a conflict."""
    twin = Twin()
    access = attached(twin, fingerprint="f")["access"]
    path = f"/v3/evaluations/{access}"
    first = called_with_secret(twin, "GET", path)
    assert isinstance(first.body, dict)
    assert (first.body["user"], first.body["consumed"]) == ("user-1", False)
    assert called_with_secret(twin, "POST", f"{path}/consume").status == 200
    assert called_with_secret(twin, "POST", f"{path}/consume").status == 409


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/evaluations/none", 404),
        ("POST", "/v3/evaluations/none/consume", 404),
        ("GET", "/v3/challenges/none", 404),
        ("GET", "/v4/anything", 404),
        ("GET", "/", 404),
        ("DELETE", "/v3/challenges/none", 405),
        ("GET", "/v2/device/attach", 405),
    ],
)
def test_what_is_not_there_is_refused(method: str, path: str, status: int) -> None:
    """404 for ids and paths that nobody knows, 405 for another method."""
    assert called_with_secret(Twin(), method, path).status == status


# Authorization


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ("", "wants"),
        ("Bearer s3cret", "wants"),
        ("Basic", "wants"),
        ("Basic " + base64.b64encode(b"client-1:").decode(), "base64"),
        ("Basic client-1", "of the form"),
        ("Basic :token", "of the form"),
        ("Basic client-2:", "no valid client id"),
    ],
)
def test_calls_of_a_client_want_a_literal_basic_header(auth: str, words: str) -> None:
    """401 with a message that tells what is wrong; base64, which libraries send, is named."""
    twin = Twin(Project(client_id="client-1"))
    done = called(twin, "POST", "/v2/device/attach", {"user": "u"}, auth)
    assert (done.status, done.authorized) == (401, False)
    assert isinstance(done.body, dict)
    assert words in str(done.body["message"])
    assert twin.users == {}


@pytest.mark.parametrize("auth", ["Basic client-1:", "Basic client-1:a.signed.token"])
def test_a_client_may_come_with_a_signed_token(auth: str) -> None:
    """With or without the token of advanced security."""
    twin = Twin(Project(client_id="client-1"))
    assert called(twin, "POST", "/v2/device/attach", {"user": "u"}, auth).status == 200


@pytest.mark.parametrize("auth", ["", "Basic client-1:", "Bearer ", "Bearer wrong"])
def test_calls_of_a_server_want_the_secret(auth: str) -> None:
    """401 without the API secret or with another."""
    twin = Twin(Project(api_secret="s3cret"))
    assert called(twin, "POST", "/v3/user/u/update", {}, auth).status == 401
    assert called_with_secret(twin, "POST", "/v3/user/u/update", {}).status == 204


def test_a_project_does_not_show_its_secret() -> None:
    """The secret is in no repr."""
    assert "s3cret" not in repr(Project(api_secret="s3cret"))


# Against what was recorded, and against our own reading of answers


def test_the_recorded_requests_of_the_browser_are_accepted() -> None:
    """Attach, listen, attach, listen, detach, as Rupt's SDK sent them; the ids are those that were answered."""
    twin, found = Twin(Project(client_id="CLIENT_ID")), {"device_id": "", "access": ""}
    for path in sorted(SAMPLES.glob("*.json")):
        sample = json.loads(path.read_bytes())
        url = sample["url"].removeprefix("https://api.rupt.dev")
        url = url.replace("6323dadac7c49192e9154563", found["device_id"])
        url = url.replace("6323dadac7c49192e9763547", found["access"])
        done = called(twin, sample["method"], url, sample.get("body"), sample["headers"].get("authorization", ""))
        assert done.status == 200, path.name
        assert done.listens == ("listen" in path.name)
        if "attach" in path.name and isinstance(done.body, dict):
            found = {key: str(done.body[key]) for key in found}
    assert twin.snapshot()["users"] == {
        "user-13": {
            "email": "linus@example.com",
            "phone": "+4915112345678",
            "metadata": {"plan": "pro"},
            "groups": [{"id": "team-7", "name": "Acme", "metadata": {"tier": "gold"}}],
            "limit_config": {"overall_device_limit": 3},
            "suspended": False,
            "attached": [],
            "detached": [found["device_id"]],
            "limit_exceeded": False,
        }
    }


def test_our_own_request_and_judge_fit_the_stand_in() -> None:
    """What rupt.py sends is accepted, and its answer is read back whole."""
    request = Request("POST", "/v2/device/attach", {"user": "u", "fingerprint": "f"}, token="t")
    auth = headers(request, Credentials("client-1"))["authorization"]
    done = called(Twin(), "POST", request.path, request.body, auth)
    verdict = judge(Response(done.status, {}, dump_json(done.body)), request)
    assert isinstance(verdict, Delivered)
    assert set(verdict.access) == {
        "device_id",
        "attached_devices",
        "suspended",
        "new_device",
        "access",
        "verification_status",
        "limit_exceeded",
    }


@given(
    st.sampled_from(["POST", "GET"]),
    st.sampled_from(
        ["/v2/device/attach", "/v2/device/x/detach", "/v3/user/%FF/update", "/v2/access/device/x/listen?auth=Basic c:"]
    )
    | st.text(),
    st.sampled_from(["Basic c:", "Bearer s", ""]) | st.text(),
    st.binary()
    | st.dictionaries(st.sampled_from(["user", "fingerprint", "signals", "groups"]), st.text()).map(dump_json),
)
def test_nothing_that_is_sent_breaks_the_stand_in(method: str, path: str, auth: str, body: bytes) -> None:
    """Any path, authorization and body is answered with a status."""
    path, _, query = path.partition("?")
    assert 200 <= answer(Twin(), Call(method, path, query, auth, body), NOW).status < 500


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)


@given(
    st.dictionaries(st.sampled_from(["groups", "limit_config", "signals", "fingerprint", "metadata", "page"]), values)
)
def test_no_type_of_a_key_breaks_an_attach(more: dict[str, JSON]) -> None:
    """Every JSON value under every key is taken or refused, and the state can be shown."""
    twin = Twin()
    assert called(twin, "POST", "/v2/device/attach", {**more, "user": "u"}).status in (200, 400)
    assert dump_json(twin.snapshot())
