import asyncio
import io
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TypeVar

import httpx
import pytest

from connector.errors import UsageError
from connector.retry import Hold, Reject, Retry
from connector.rupt import Request, Response, judge
from connector.twin import Faults, Project, StandIn, Twin, make_app, running_twin, serve_twin
from connector.values import JSON

T = TypeVar("T")
SAMPLES = Path(__file__).parent / "samples" / "rupt"
CLIENT = {"authorization": "Basic client-1:"}
SECRET = {"authorization": "Bearer s3cret"}
BODY: dict[str, JSON] = {"user": "user-1", "fingerprint": "f"}
ATTACH = Request("POST", "/v2/device/attach", BODY)


@asynccontextmanager
async def in_process(
    faults: str = "", log: io.StringIO | None = None
) -> AsyncIterator[tuple[StandIn, httpx.AsyncClient]]:
    """Run a stand-in without a socket."""
    stand = StandIn(Twin(), Faults(faults, random=Random(1)), log=log, clock=lambda: 1_700_000_000.0)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app(stand)), base_url="http://twin") as client:
        yield stand, client


@asynccontextmanager
async def on_a_socket(project: Project | None = None) -> AsyncIterator[tuple[StandIn, httpx.AsyncClient]]:
    """Run a stand-in on a free port of the loopback address."""
    async with running_twin(project) as stand, httpx.AsyncClient(base_url=stand.url, timeout=5) as client:
        yield stand, client


async def attach(client: httpx.AsyncClient, fault: str = "", **more: JSON) -> httpx.Response:
    """Send an attach, with a fault in its header."""
    extra = {"x-twin-fault": fault} if fault else {}
    return await client.post("/v2/device/attach", json={**BODY, **more}, headers={**CLIENT, **extra})


def run_in_process(test: Callable[[StandIn, httpx.AsyncClient], Coroutine[None, None, T]], faults: str = "") -> T:
    """Run a coroutine with a stand-in without a socket."""

    async def run() -> T:
        async with in_process(faults) as (stand, client):
            return await test(stand, client)

    return asyncio.run(run())


def run_on_a_socket(test: Callable[[StandIn, httpx.AsyncClient], Coroutine[None, None, T]]) -> T:
    """Run a coroutine with a stand-in on a socket."""

    async def run() -> T:
        async with on_a_socket() as (stand, client):
            return await test(stand, client)

    return asyncio.run(run())


# Calls over HTTP


def test_a_call_is_answered_over_http() -> None:
    """An attach comes back as JSON, an update as 204 without a body."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        attached = await attach(client)
        updated = await client.post("/v3/user/a%2Fb/update", json={"email": "a@example.com"}, headers=SECRET)
        assert (attached.status_code, attached.headers["content-type"]) == (200, "application/json")
        assert attached.json()["attached_devices"] == 1
        assert (updated.status_code, updated.content) == (204, b"")
        assert list(stand.twin.users) == ["user-1", "a/b"]

    run_on_a_socket(check)


def test_the_recorded_requests_go_through_over_http() -> None:
    """The bytes of Rupt's own SDK are accepted by the running stand-in, its streams among them."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        device = access = ""
        for path in sorted(SAMPLES.glob("*.json")):
            sample = json.loads(path.read_bytes())
            url = sample["url"].removeprefix("https://api.rupt.dev")
            url = url.replace("6323dadac7c49192e9154563", device).replace("6323dadac7c49192e9763547", access)
            body = json.dumps(sample["body"]).encode() if "body" in sample else None
            async with client.stream(sample["method"], url, content=body, headers=sample["headers"]) as answer:
                assert answer.status_code == 200
                if "attach" in path.name:
                    found = json.loads(await answer.aread())
                    device, access = found["device_id"], found["access"]

    run_on_a_socket(check)


def test_a_listener_hears_of_challenges_and_log_outs_until_the_stand_in_stops() -> None:
    """What came before it listened, what comes meanwhile, and then the end of the stream."""

    async def listen(client: httpx.AsyncClient, device: str, heard: asyncio.Queue[str]) -> None:
        url = f"/v2/access/device/{device}/listen?access=x&version=2.24.1&auth=Basic%20client-1:"
        async with client.stream("GET", url) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    heard.put_nowait(json.loads(line.removeprefix("data: "))["action"])

    async def check() -> None:
        heard: asyncio.Queue[str] = asyncio.Queue()
        async with httpx.AsyncClient(timeout=5) as client:
            async with running_twin(Project(default_device_limit=0)) as stand:
                client.base_url = httpx.URL(stand.url)
                device = (await attach(client)).json()["device_id"]
                listening = asyncio.create_task(listen(client, device, heard))
                assert await heard.get() == "challenge"
                await client.post(f"/v2/device/{device}/detach", json={"user": "user-1"}, headers=CLIENT)
                assert await heard.get() == "logout"
            await listening

    asyncio.run(asyncio.wait_for(check(), 10))


def test_a_stream_wants_its_authorization_in_the_url() -> None:
    """A browser's event source sends no header: without `auth` in the query it is a 401, for no known device a 404."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        assert (await client.get("/v2/access/device/x/listen", headers=CLIENT)).status_code == 401
        assert (await client.get("/v2/access/device/x/listen?auth=Basic%20client-1:")).status_code == 404

    run_in_process(check)


# Faults over HTTP, as judged by the product


@pytest.mark.parametrize(
    ("fault", "verdict", "landed"),
    [
        ("429", Retry("429 too many requests: the stand-in was asked for a 429", 1.0), False),
        ("429=0.5", Retry("429 too many requests: the stand-in was asked for a 429", 0.5), False),
        ("503=7", Retry("503 unavailable: the stand-in was asked for a 503", 7.0), False),
        ("500", Retry("500 Rupt's own error: the stand-in was asked for a 500", None, True), False),
        ("accept-500", Retry("500 Rupt's own error: the stand-in was asked for a 500", None, True), True),
        ("success:false", Reject("200 success is false: the stand-in was asked to refuse this"), False),
        ("accept-success-false", Reject("200 success is false: the stand-in was asked to refuse this"), True),
        ("not-json", Retry("200 unreadable answer: no JSON object", None, True), False),
        ("400", Reject("400 bad request: the stand-in was asked for a 400"), False),
        ("308", Hold("308 redirect: settings.domain is not the address of Rupt's API"), False),
        ("304", Hold("304 redirect: settings.domain is not the address of Rupt's API"), False),
    ],
)
def test_a_fault_is_answered_instead_of_the_call(fault: str, verdict: object, landed: bool) -> None:
    """With accept- the call is carried out first: the state changes, and the answer does not tell."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        answer = await attach(client, fault)
        assert judge(Response(answer.status_code, dict(answer.headers), answer.content), ATTACH) == verdict
        assert bool(stand.twin.users) is landed

    run_in_process(check)


@pytest.mark.parametrize("status", [401, 403, 428])
def test_configuration_failures_can_be_asked_for(status: int) -> None:
    """They hold the queue."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        answer = await attach(client, str(status))
        assert isinstance(judge(Response(answer.status_code, {}, answer.content), ATTACH), Hold)

    run_in_process(check)


@pytest.mark.parametrize(("fault", "landed"), [("reset", False), ("accept-reset", True)])
def test_a_reset_gives_no_answer(fault: str, landed: bool) -> None:
    """The client sees a broken connection; the next request works again."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await attach(client, fault)
        assert bool(stand.twin.users) is landed
        assert (await attach(client)).status_code == 200
        assert stand.counts == {"requests": 2, "reset": 1, "200": 1}

    run_on_a_socket(check)


def test_a_truncated_answer_ends_in_the_middle() -> None:
    """The status comes, the body does not come whole."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await attach(client, "truncated")
        assert stand.twin.users

    run_on_a_socket(check)


def test_a_slow_answer_comes_whole() -> None:
    """In two halves, and both arrive."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        answer = await attach(client, "slow=0.01")
        assert answer.json()["success"] is True

    run_in_process(check)


def test_latency_makes_a_client_time_out_and_the_call_lands_all_the_same() -> None:
    """The in-doubt case: no answer in time, but the state changes."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(
                "/v2/device/attach", json=BODY, headers={**CLIENT, "x-twin-fault": "accept-latency=30"}, timeout=0.1
            )
        assert stand.twin.users

    run_on_a_socket(check)


def test_waits_end_when_the_stand_in_stops() -> None:
    """A latency of an hour does not keep it running: the answer comes at once."""

    async def check() -> None:
        async with httpx.AsyncClient(timeout=5) as client:
            async with running_twin() as stand:
                client.base_url = httpx.URL(stand.url)
                stand.faults.add("latency=3600")
                waiting = asyncio.create_task(attach(client))
                while (await client.get("/_twin/faults")).json()["next"]:
                    pass  # until the request has arrived and taken its fault
            assert (await waiting).status_code == 200

    asyncio.run(asyncio.wait_for(check(), 10))


def test_rates_make_faults_by_chance() -> None:
    """The seed decides which of the requests fail."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> dict[str, int]:
        for _ in range(50):
            await attach(client)
        return dict(stand.counts)

    counts = run_in_process(check, "429:0.3")
    assert counts["requests"] == 50
    assert 5 < counts["429"] < 30
    assert run_in_process(check, "429:0.3") == counts


def test_an_unknown_fault_in_a_header_is_a_400() -> None:
    """A test with a misspelt fault does not pass by accident."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        answer = await attach(client, "resett")
        assert answer.status_code == 400
        assert "did you mean 'reset'" in answer.json()["message"]
        assert not stand.twin.users

    run_in_process(check)


# Administration and log


def test_faults_can_be_put_in_line_over_http() -> None:
    """Each of the next requests takes one; rates are set by object or text; the answer shows both."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        wanted = {"next": ["429", "503"], "rates": {"500=2": 1}}
        answer = await client.post("/_twin/faults", json=wanted)
        assert answer.json() == {"next": ["429", "503"], "rates": {"500=2": 1.0}}
        assert [(await attach(client)).status_code for _ in range(3)] == [429, 503, 500]
        await client.post("/_twin/faults", json={"rates": ""})
        assert (await client.get("/_twin/faults")).json() == {"next": [], "rates": {}}
        assert (await attach(client)).status_code == 200

    run_in_process(check)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("faults", b'{"next": ["no"], "rates": "429"}'),
        ("faults", b'{"next": "429"}'),
        ("faults", b'{"faults": "429:0.5"}'),
        ("faults", b'{"rates": 1}'),
        ("faults", b'{"rates": "429:7"}'),
        ("faults", b"no json"),
        ("faults", b"[]"),
        ("users", b'{"user": 1, "suspended": true}'),
        ("users", b'{"user": "u"}'),
    ],
)
def test_a_wrong_wish_changes_nothing(path: str, content: bytes) -> None:
    """400, and the faults stay as they were."""

    async def check(stand: StandIn, client: httpx.AsyncClient) -> None:
        assert (await client.post(f"/_twin/{path}", content=content)).status_code == 400
        assert (stand.faults.rates, stand.faults.waiting(), stand.twin.users) == ((), [], {})

    run_in_process(check)


def test_faults_are_spelt_as_in_the_option() -> None:
    """Rates may be the text that --faults takes; a key that is unknown is told with the form of the body."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        answer = await client.post("/_twin/faults", json={"rates": "429=2:0.1,latency=0.5"})
        assert answer.json() == {"next": [], "rates": {"429=2": 0.1, "latency=0.5": 1.0}}
        message = (await client.post("/_twin/faults", json={"faults": "429"})).json()["message"]
        assert message.startswith("unknown key 'faults': the body is {")

    run_in_process(check)


def test_a_user_can_be_suspended_over_http() -> None:
    """The next attach says so."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        await client.post("/_twin/users", json={"user": "user-1", "suspended": True})
        assert (await attach(client)).json()["suspended"] is True

    run_in_process(check)


def test_state_and_requests_can_be_looked_at() -> None:
    """The state shows users, devices, challenges and counts; the requests their bodies, but no credential."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        device = (await attach(client, secret="s3cret", email="a@example.com")).json()["device_id"]
        await client.post("/v3/user/u/update", content=b"\xff", headers=SECRET)
        await client.get("/v3/challenges/none", headers=SECRET)
        state = (await client.get("/_twin/state")).json()
        assert state["users"]["user-1"]["attached"] == [device]
        assert state["devices"] == {device: {"users": ["user-1"]}}
        assert state["counts"] == {"requests": 3, "200": 1, "400": 1, "404": 1}
        shown = await client.get("/_twin/requests")
        assert [row["body"] for row in shown.json()] == [{**BODY, "email": "a@example.com"}, "\ufffd", None]
        assert "s3cret" not in shown.text

    run_in_process(check)


def test_there_are_no_other_pages() -> None:
    """404 under /_twin as well."""

    async def check(_: StandIn, client: httpx.AsyncClient) -> None:
        assert (await client.get("/_twin/secrets")).status_code == 404

    run_in_process(check)


def test_each_request_is_logged_as_one_line_without_credentials() -> None:
    """Time, method, path, status, fault, user, and of the authorization its scheme and whether it was valid."""

    async def check() -> str:
        log = io.StringIO()
        async with in_process(log=log) as (_, client):
            await attach(client)
            await attach(client, "429")
            await client.get("/v2/access/device/x/listen?auth=Basic%20s3cret:")
            await client.post("/v3/user/u/update", json={}, headers={"authorization": "Digest s3cret"})
        return log.getvalue()

    text = asyncio.run(check())
    rows = [json.loads(line) for line in text.splitlines()]
    assert rows[0] == {
        "time": "2023-11-14T22:13:20.000Z",
        "method": "POST",
        "path": "/v2/device/attach",
        "status": 200,
        "fault": None,
        "user": "user-1",
        "authorization": {"scheme": "Basic", "valid": True},
    }
    assert (rows[1]["status"], rows[1]["fault"], rows[1]["authorization"]["valid"]) == (429, "429", None)
    assert (rows[2]["path"], rows[2]["authorization"]["scheme"]) == ("/v2/access/device/x/listen", None)
    assert (rows[3]["status"], rows[3]["authorization"]) == (401, {"scheme": "other", "valid": False})
    assert "s3cret" not in text


def test_a_reader_of_the_log_may_go() -> None:
    """A closed log stops no answer."""

    async def check() -> None:
        log = io.StringIO()
        log.close()
        async with in_process(log=log) as (_, client):
            assert (await attach(client)).status_code == 200

    asyncio.run(check())


# Running


def test_two_stand_ins_run_side_by_side() -> None:
    """Each on a port of its own, with a state of its own."""

    async def check() -> None:
        async with on_a_socket() as (one, client), on_a_socket() as (other, _):
            await attach(client)
            assert one.url != other.url
            assert (len(one.twin.users), len(other.twin.users)) == (1, 0)

    asyncio.run(check())


def test_a_port_that_is_taken_is_a_usage_error() -> None:
    """The error names host and port."""

    async def check() -> None:
        async with on_a_socket() as (stand, _):
            port = int(stand.url.rpartition(":")[2])
            with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: "):
                await serve_twin("127.0.0.1", port)

    asyncio.run(check())


def test_a_port_that_is_none_is_a_usage_error() -> None:
    """A port beyond 65535 is told in words."""
    with pytest.raises(UsageError, match="cannot listen on"):
        asyncio.run(serve_twin("127.0.0.1", 70_000))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_a_signal(number: signal.Signals) -> None:
    """It says where it listens, and ends by itself, without an error, when it is told to."""
    urls: list[str] = []

    def ready(url: str) -> None:
        urls.append(url)
        os.kill(os.getpid(), number)

    asyncio.run(asyncio.wait_for(serve_twin("127.0.0.1", 0, ready=ready), 10))
    assert urls[0].startswith("http://127.0.0.1:")
