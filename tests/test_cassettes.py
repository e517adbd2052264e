"""Answers recorded as cassettes, played and judged. How they were recorded: tests/cassettes/README.md."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
import pytest
import vcr  # type: ignore[import-untyped]  # vcrpy ships no types

from connector.retry import Delivered, Hold, Reject, Retry, Verdict
from connector.rupt import Credentials, Request, Response, body, headers, judge, url
from connector.twin import Project, running_twin
from connector.values import JSON

CASSETTES: Final = Path(__file__).parent / "cassettes"
RECORDS: Final = os.environ.get("RECORD_CASSETTES") == "1"
ATTACH: Final[dict[str, JSON]] = {
    "user": "user-42",
    "fingerprint": "anonymous-1",
    "client": "segment",
    "page": "/plans",
}
STATE: Final[dict[str, JSON]] = {
    "device_id": "f5d400f41f5d1e593b34e38e",
    "attached_devices": 1,
    "suspended": False,
    "new_device": True,
    "access": "05fb57bba9db42383586b74b",
    "verification_status": "unverified",
    "limit_exceeded": False,
}


class Recorded(Protocol):
    """What is used of a request as vcrpy keeps it."""

    uri: str


@dataclass(frozen=True)
class Case:
    """One exchange: what is sent, which fault the stand-in was asked for, and what the product makes of the answer."""

    name: str
    request: Request
    verdict: Verdict
    fault: str = ""
    client_id: str = "client-1"


def attach(**more: JSON) -> Request:
    """Make an attach request."""
    return Request("POST", "/v2/device/attach", {**ATTACH, **more})


CASES: Final = (
    Case("attach", attach(), Delivered(STATE)),
    Case(
        "attach-over-limit",
        attach(limit_config={"overall_device_limit": 0}),
        Delivered({**STATE, "limit_exceeded": True}),
    ),
    Case("attach-without-user", attach(user=""), Reject("400 bad request: user is required and is a text")),
    Case(
        "detach-unknown",
        Request("POST", "/v2/device/6323dadac7c49192e9154563/detach", {"user": "user-42"}),
        Reject("404 not found: there is no such device"),
    ),
    Case(
        "update-user",
        Request("POST", "/v3/user/user-42/update", {"metadata": {"plan": "pro"}}, auth="secret"),
        Delivered({}),
    ),
    Case(
        "wrong-client-id",
        attach(),
        Hold("401 no valid client id: check settings.client_id: no valid client id"),
        client_id="client-2",
    ),
    Case(
        "no-subscription",
        attach(),
        Hold("428 needs a Rupt subscription: start or renew it in Rupt's dashboard: the stand-in was asked for a 428"),
        fault="428",
    ),
    Case(
        "too-many-requests",
        attach(),
        Retry("429 too many requests: the stand-in was asked for a 429", 2.0),
        fault="429=2",
    ),
    Case(
        "their-error",
        attach(),
        Retry("500 Rupt's own error: the stand-in was asked for a 500", None, True),
        fault="accept-500",
    ),
    Case(
        "success-false",
        attach(),
        Reject("200 success is false: the stand-in was asked to refuse this"),
        "success:false",
    ),
    Case("a-page", attach(), Retry("200 unreadable answer: no JSON object", None, True), "not-json"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_recorded_answer_is_judged(case: Case) -> None:
    """What was answered over HTTP becomes the verdict it should."""
    answer = asyncio.run(exchange(case))
    assert judge(answer, case.request) == case.verdict


@pytest.mark.parametrize("path", sorted(CASSETTES.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_cassette_holds_a_credential(path: Path) -> None:
    """The authorization header is taken out, and every cassette belongs to a case."""
    text = path.read_text().lower()
    assert "authorization" not in text
    assert "s3cret" not in text
    assert path.stem in {case.name for case in CASES}


async def exchange(case: Case) -> Response:
    """Send a request: to the cassette, or through it to a stand-in when recording."""
    mode = vcr.mode.ALL if RECORDS else vcr.mode.NONE
    recorder = vcr.VCR(
        record_mode=mode,
        match_on=["method", "path", "body"],
        filter_headers=["authorization", "x-twin-fault", "user-agent", "host"],
        before_record_request=without_port,
    )
    cassette = CASSETTES / f"{case.name}.yaml"
    if RECORDS:
        cassette.unlink(missing_ok=True)
    async with base_url() as base, httpx.AsyncClient() as client:
        credentials = Credentials(case.client_id, "s3cret", base)
        sent = {**headers(case.request, credentials), **({"x-twin-fault": case.fault} if case.fault else {})}
        with recorder.use_cassette(str(cassette)):
            answer = await client.request(
                case.request.method, url(case.request, credentials), content=body(case.request), headers=sent
            )
    return Response(answer.status_code, dict(answer.headers), answer.content)


@asynccontextmanager
async def base_url() -> AsyncIterator[str]:
    """Give the address of a fresh stand-in when recording, else one that nobody answers."""
    if not RECORDS:
        yield "http://stand-in.invalid"
        return
    async with running_twin(Project(client_id="client-1", api_secret="s3cret")) as stand:
        yield stand.url


def without_port(request: Recorded) -> Recorded:
    """Write no port of one machine into a cassette."""
    request.uri = "http://stand-in.invalid" + urlsplit(request.uri).path
    return request
