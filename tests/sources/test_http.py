import asyncio
import gzip
import json
from base64 import b64encode
from typing import Any

import pytest

from connector.queue import Full
from connector.sources.http import Accepted
from tests.sources.reception import PAGES, Reception, TestQueue, intake_of, page, receiving, run

BATCH = {"batch": [page(1), page(2)]}


def basic(key: str) -> dict[str, str]:
    """Authorize as SDKs do."""
    return {"authorization": "Basic " + b64encode(f"{key}:".encode()).decode()}


# Routes

ROUTES = [
    (f"/v1/{word}", {"userId": "u", "messageId": "m", "event": "E", "groupId": "g", "previousId": "p"}, type)
    for type in ("identify", "track", "page", "screen", "group", "alias")
    for word in (type, type[0])
]


@pytest.mark.parametrize("around", [("", ""), ("", "/"), ("/some/proxy", ""), ("/v1/x", "/")])
def test_every_route_takes_events(around: tuple[str, str]) -> None:
    """With any prefix and a slash at the end; the single ones give the type."""

    async def check() -> None:
        async with receiving() as reception:
            for path, event, _ in ROUTES:
                body = {**event, "messageId": path}
                answer = await reception.client.post(f"{around[0]}{path}{around[1]}", json=body)
                assert (answer.status_code, answer.json()) == (200, {"success": True})
            assert [event["type"] for event in await reception.events()] == [type for _, _, type in ROUTES]
            for word in ("batch", "import", "b"):
                answer = await reception.client.post(f"{around[0]}/v1/{word}{around[1]}", json={"batch": [page(1)]})
                assert answer.json() == {"success": True}
            assert [event["messageId"] for event in await reception.events()] == ["m-1"]

    run(check())


def test_browser_metrics_are_taken_and_forgotten() -> None:
    """What is posted to /v1/m gets a 200 whatever it is."""

    async def check() -> None:
        async with receiving() as reception:
            answer = await reception.client.post("/v1/m", content=b'{"series": []')
            assert (answer.status_code, answer.json()) == (200, {"success": True})
            assert reception.queue.puts == 0

    run(check())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("HEAD", "/", 404),
        ("POST", "/", 404),
        ("POST", "/v1/wave", 404),
        ("POST", "/v2/track", 404),
        ("POST", "/v1/track/more", 404),
        ("OPTIONS", "/v1/wave", 404),
        ("GET", "/v1/projects/settings", 404),
        ("GET", "/v1/track", 405),
        ("PUT", "/v1/batch", 405),
        ("HEAD", "/v1/m", 405),
        ("GET", "/v1/webhook", 405),
        ("POST", "/v1/projects/KEY/settings", 405),
    ],
)
def test_what_is_not_there(method: str, path: str, status: int) -> None:
    """Unknown paths are a 404, wrong methods a 405 that says which are right; both in JSON."""

    async def check() -> None:
        async with receiving() as reception:
            answer = await reception.client.request(method, path)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/json"
            assert method == "HEAD" or answer.json().keys() >= {"code", "message", "error"}
            assert ("allow" in answer.headers) is (status == 405)

    run(check())


def test_the_content_type_is_not_looked_at() -> None:
    """Browsers send text/plain."""

    async def check() -> None:
        async with receiving() as reception:
            for type in ("text/plain", "application/x-www-form-urlencoded", "image/png", ""):
                answer = await reception.client.post(
                    "/v1/p", content=json.dumps(page()), headers={"content-type": type}
                )
                assert answer.status_code == 200

    run(check())


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}, {"content-encoding": "GZIP"}])
def test_gzip(headers: dict[str, str]) -> None:
    """A zipped body is known by its first bytes, also when no header tells."""

    async def check() -> None:
        async with receiving() as reception:
            body = gzip.compress(json.dumps(BATCH).encode())
            assert (await reception.client.post("/v1/batch", content=body, headers=headers)).status_code == 200
            assert len(await reception.jobs()) == 2

    run(check())


def test_a_body_that_says_it_is_gzip_but_is_not() -> None:
    """A proxy may have unzipped it; another encoding is refused."""

    async def check() -> None:
        async with receiving() as reception:
            post = reception.client.post
            assert (await post("/v1/batch", json=BATCH, headers={"content-encoding": "gzip"})).status_code == 200
            answer = await post("/v1/batch", json=BATCH, headers={"content-encoding": "br"})
            assert (answer.status_code, answer.json()["code"]) == (400, "unsupported_encoding")

    run(check())


def test_chunked() -> None:
    """A body may come in pieces without its length."""

    async def pieces() -> Any:
        for piece in gzip.compress(json.dumps(BATCH).encode()):
            yield bytes([piece])

    async def check() -> None:
        async with receiving() as reception:
            assert (await reception.client.post("/v1/import", content=pieces())).status_code == 200
            assert len(await reception.jobs()) == 2

    run(check())


# Who may send


@pytest.mark.parametrize(
    ("headers", "extra", "status"),
    [
        (basic("GOOD"), {}, 200),
        ({}, {"writeKey": "GOOD"}, 200),
        ({"authorization": "Bearer a-token"}, {"writeKey": "GOOD"}, 200),
        ({"authorization": "Basic ?"}, {"writeKey": "OTHER"}, 200),
        (basic("BAD"), {}, 401),
        (basic("BAD"), {"writeKey": "GOOD"}, 401),
        ({}, {"writeKey": "BAD"}, 401),
        ({}, {"writeKey": ["GOOD"]}, 401),
        ({"authorization": "Bearer GOOD"}, {}, 401),
        ({}, {}, 401),
    ],
)
def test_write_keys(headers: dict[str, str], extra: dict[str, Any], status: int) -> None:
    """With write keys, one of them must be there in one of the forms in which SDKs give it; else nothing is taken."""

    async def check() -> None:
        async with receiving(write_keys=["GOOD", "OTHER"]) as reception:
            answer = await reception.client.post("/v1/batch", json={**BATCH, **extra}, headers=headers)
            assert answer.status_code == status
            assert len(await reception.jobs()) == (2 if status == 200 else 0)
            if status == 401:
                assert answer.json()["code"] == "invalid_write_key"
                assert "BAD" not in answer.text

    run(check())


def test_without_write_keys_any_will_do() -> None:
    """Or none."""

    async def check() -> None:
        async with receiving() as reception:
            for headers in (basic("ANY"), {"authorization": "nonsense"}, {}):
                assert (await reception.client.post("/v1/batch", json=BATCH, headers=headers)).status_code == 200

    run(check())


# Answers


@pytest.mark.parametrize("body", [b"", b"{", b"\x1f\x8bno", b"[" * 10_000, b'{"email": "ada@example.com'])
def test_unreadable_bodies_are_a_400(body: bytes) -> None:
    """The error has code, message and error, and nothing of what was sent."""

    async def check() -> None:
        async with receiving() as reception:
            answer = await reception.client.post("/v1/batch", content=body)
            assert answer.status_code == 400
            assert answer.json().keys() == {"success", "code", "message", "error"}
            assert "ada" not in answer.text
            assert reception.queue.puts == 0

    run(check())


def test_single_invalid_events_are_no_error() -> None:
    """The batch gets its 200; the discards are counted, and told."""

    async def check() -> None:
        async with receiving(PAGES) as reception:
            off = page(3, type="track", event="E")
            answer = await reception.client.post("/v1/batch", json={"batch": [page(1), {"type": "page"}, off, page(1)]})
            assert (answer.status_code, answer.json()) == (200, {"success": True})
            (told,) = reception.told
            assert (told.source, told.route, told.status, told.events) == ("tracking", "batch", 200, 4)
            assert (told.accepted, told.duplicates) == (1, 1)
            assert [item.reason for item in told.filtered] == ["NO_MATCHING_MAPPING"]
            assert [item.reason for item in told.discards] == ["no_user_anon_id"]
            assert told.bytes > 100
            tally = (await reception.queue.counts()).total
            assert (tally.accepted, tally.filtered, tally.waiting) == (3, 2, 1)

    run(check())


@pytest.mark.parametrize("levels", [300, 990, 2_000])
def test_a_deep_event_does_not_cost_its_batch(levels: int) -> None:
    """It is discarded under its messageId, and the others are taken."""

    async def check() -> None:
        async with receiving() as reception:
            deep = b'{"type":"page","messageId":"deep","userId":"u","x":%b}' % (b"[" * levels + b"]" * levels)
            body = b'{"batch":[%b,%b]}' % (json.dumps(page(1)).encode(), deep)
            answer = await reception.client.post("/v1/batch", content=body)
            assert (answer.status_code, answer.json()) == (200, {"success": True})
            (told,) = reception.told
            assert [(item.reason, item.message_id) for item in told.discards] == [("nested_too_deeply", "deep")]
            assert [job.message_id for job in await reception.jobs()] == ["m-1"]

    run(check())


@pytest.mark.parametrize("cause", ["capacity", "disk"])
def test_back_pressure(cause: Any) -> None:
    """A queue that refuses makes a 503 with whole seconds to wait; nothing is half accepted, and then it goes on."""

    async def check() -> None:
        async with receiving(retry_after=7) as reception:
            reception.queue.refusals.append(Full(5, 5, cause))
            answer = await reception.client.post("/v1/batch", json=BATCH)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
            assert answer.json()["code"] == "back_pressure"
            assert reception.told == [
                Accepted("tracking", "batch", 503, reception.told[0].bytes, reception.told[0].seconds)
            ]
            assert (await reception.queue.counts()).total.accepted == 0
            assert (await reception.client.post("/v1/batch", json=BATCH)).status_code == 200
            assert len(await reception.jobs()) == 2

    run(check())


def test_a_full_queue_still_counts_what_makes_no_job() -> None:
    """What is filtered needs no room in a queue in memory."""

    async def check() -> None:
        async with receiving(PAGES, queue=TestQueue(capacity=1)) as reception:
            post = reception.client.post
            assert (await post("/v1/batch", json=BATCH)).status_code == 200
            assert (await post("/v1/batch", json=BATCH)).status_code == 503
            assert (await post("/v1/i", json={"userId": "u"})).status_code == 200

    run(check())


def test_closing() -> None:
    """When it is about to stop, everything new is told to come again."""

    async def check() -> None:
        async with receiving() as reception:
            reception.receiver.closing = True
            answer = await reception.client.post("/v1/batch", json=BATCH)
            assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
            assert answer.headers["retry-after"].isdecimal()
            assert reception.queue.puts == 0

    run(check())


def test_the_intake_may_be_replaced() -> None:
    """An edited destination file takes effect with the next request."""

    async def check() -> None:
        async with receiving(PAGES) as reception:
            event = page(type="identify")
            await reception.client.post("/v1/i", json=event)
            reception.receiver.intake = intake_of()
            await reception.client.post("/v1/i", json=event)
            assert [told.accepted for told in reception.told] == [0, 1]

    run(check())


def test_a_broken_queue_is_a_500() -> None:
    """The error is told to who observes, and not to the sender, who may come again."""

    async def check() -> None:
        async with receiving() as reception:
            reception.queue.refusals.append(RuntimeError("ada@example.com"))
            answer = await reception.client.post("/v1/batch", json=BATCH)
            assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
            assert "ada" not in answer.text
            assert [str(error) for error in reception.failures] == ["ada@example.com"]
            assert [told.status for told in reception.told] == [500]

    run(check())


def test_concurrent_requests() -> None:
    """Many at once each get their answer, and each event is there once."""

    async def check() -> None:
        async with receiving() as reception:

            async def post(number: int) -> int:
                body = {"batch": [page(number), page(number + 1)]}
                return (await reception.client.post("/v1/batch", json=body)).status_code

            assert set(await asyncio.gather(*map(post, range(100)))) == {200}
            assert sorted(job.message_id for job in await reception.jobs()) == sorted(f"m-{n}" for n in range(101))
            assert sum(told.duplicates for told in reception.told) == 99

    run(check())


# Browsers


@pytest.mark.parametrize("path", ["/v1/t", "/v1/projects/KEY/settings", "/v1/m"])
def test_preflight(path: str) -> None:
    """A browser may send what its SDK sends, from any page."""

    async def check() -> None:
        async with receiving() as reception:
            headers = {"origin": "https://shop.example", "access-control-request-method": "POST"}
            answer = await reception.client.options(path, headers=headers)
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["access-control-allow-headers"] == "authorization, content-type, x-retry-count"
            assert "POST" in answer.headers["access-control-allow-methods"]

    run(check())


def test_every_answer_may_be_read_by_a_page() -> None:
    """Errors too, and how long to wait."""

    async def check() -> None:
        async with receiving() as reception:
            for path, body in (("/v1/t", b"{"), ("/nowhere", b"{}"), ("/v1/batch", json.dumps(BATCH).encode())):
                answer = await reception.client.post(path, content=body, headers={"origin": "https://shop.example"})
                assert answer.headers["access-control-allow-origin"] == "*"
                assert answer.headers["access-control-expose-headers"] == "retry-after"

    run(check())


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://shop.example", "https://shop.example"), ("https://other.example", None), (None, None)],
)
def test_only_some_pages(origin: str | None, allowed: str | None) -> None:
    """With a list of origins only their pages may read answers, and caches are told so."""

    async def check(reception: Reception) -> None:
        headers = {} if origin is None else {"origin": origin}
        answer = await reception.client.post("/v1/batch", json=BATCH, headers=headers)
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers["vary"] == "origin"

    async def main() -> None:
        async with receiving(origins=["https://shop.example/"]) as reception:
            await check(reception)

    run(main())


@pytest.mark.parametrize(
    ("path", "headers", "trust", "host", "protocol"),
    [
        ("/v1/projects/KEY/settings", {"host": "in.example"}, False, "in.example/v1", "http"),
        ("/a/b/v1/projects/KEY/settings/", {"host": "[::1]:80"}, False, "[::1]:80/a/b/v1", "http"),
        ("/v1/projects/KEY/settings", {"host": "in.example", "x-forwarded-host": "x"}, False, "in.example/v1", "http"),
        (
            "/v1/projects/KEY/settings",
            {"host": "in", "x-forwarded-host": "out.example, in", "x-forwarded-proto": "HTTPS, http"},
            True,
            "out.example/v1",
            "https",
        ),
        ("/v1/projects/KEY/settings", {"host": "in", "x-forwarded-proto": "gopher"}, True, "in/v1", "http"),
        ("/v1/projects/KEY/settings", {"host": 'a"b/c'}, False, "127.0.0.1:{port}/v1", "http"),
    ],
)
def test_browser_settings(path: str, headers: dict[str, str], trust: bool, host: str, protocol: str) -> None:
    """A browser is told to send where it asks; a proxy's word counts only when proxies are trusted."""

    async def check() -> None:
        async with receiving(trust_forwarded=trust) as reception:
            answer = await reception.client.get(path, headers=headers)
            told = answer.json()["integrations"]["Segment.io"]
            where = host.replace("{port}", str(reception.port))
            assert told == {"apiKey": "KEY", "apiHost": where, "protocol": protocol}
            assert (await reception.client.head(path)).status_code == 200

    run(check())


def test_browser_settings_with_write_keys() -> None:
    """An unknown key gets none."""

    async def check() -> None:
        async with receiving(write_keys=["GOOD"]) as reception:
            assert (await reception.client.get("/v1/projects/GOOD/settings")).status_code == 200
            assert (await reception.client.get("/v1/projects/BAD/settings")).status_code == 401

    run(check())
