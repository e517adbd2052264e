import asyncio
import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import segment.analytics as python_sdk  # type: ignore[import-untyped]  # it has no types
from segment.analytics.client import Client  # type: ignore[import-untyped]

from connector.queue import Full
from tests.sources.reception import SAMPLES, Reception, receiving, run

RECORDED = sorted(SAMPLES.glob("*.json"))


def body_of(sample: dict[str, Any]) -> bytes:
    """Give a recorded body's bytes."""
    return base64.b64decode(sample["body_base64"]) if "body_base64" in sample else sample["body"].encode()


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_recorded_requests(file: Path) -> None:
    """What the SDKs have sent is taken whole, byte for byte as they sent it; sent again it makes nothing new."""
    sample = json.loads(file.read_text(encoding="utf-8"))

    async def check() -> None:
        async with receiving(write_keys=["WRITE_KEY"]) as reception:
            for _ in range(2):
                answer = await reception.client.post(sample["path"], content=body_of(sample), headers=sample["headers"])
                assert (answer.status_code, answer.json()) == (200, {"success": True})
            first, again = reception.told
            assert first.accepted == first.events == again.duplicates > 0
            assert first.discards == again.discards == []
            for event in await reception.events():
                assert event["receivedAt"]
                assert event["originalTimestamp"]
                assert event["timestamp"] < event["receivedAt"] or "sentAt" not in event
                assert "writeKey" not in event

    run(check())


def test_there_are_ten_of_them() -> None:
    """The recordings are there, and what they hold is known."""
    assert len(RECORDED) == 10


# The real client for Python


class Told:
    """What the client says of its batches."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def __call__(self, error: Exception, _: object) -> None:
        """Take note of a batch that the client has given up."""
        self.errors.append(repr(error))


def send_with_python(url: str, told: Told, **options: Any) -> None:
    """Send one event of each type, and wait until all are through."""
    client = Client("WRITE_KEY", host=url, on_error=told, upload_interval=0.05, **options)
    client.identify("user-42", {"email": "ada@example.com", "name": "Ada ☕"})
    client.page("user-42", "Docs", "Home", {"path": "/home"}, context={"ip": "203.0.113.7"})
    client.track("user-42", "Signed Up", {"plan": "pro"})
    client.screen("user-42", "App", "Main")
    client.group("user-42", "team-1", {"name": "Team"})
    client.alias("anon-1", "user-42")
    if not options.get("sync_mode"):
        client.flush()
        client.join()


TYPES = ["alias", "group", "identify", "page", "screen", "track"]


async def types_of(reception: Reception) -> list[str]:
    """Give the types of what is queued."""
    return sorted(event["type"] for event in await reception.events())


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"upload_size": 2}, {"sync_mode": True}])
def test_python(options: dict[str, Any]) -> None:
    """Its events arrive once each, zipped too, and it reports no error."""

    async def check() -> None:
        told = Told()
        async with receiving(write_keys=["WRITE_KEY"]) as reception:
            await asyncio.to_thread(send_with_python, reception.url, told, **options)
            assert told.errors == []
            assert await types_of(reception) == TYPES
            assert sum(accepted.events for accepted in reception.told) == len(TYPES)

    run(check())


def test_python_holds_what_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """A 503 makes it wait for as long as it is told, and send the same again."""
    caplog.set_level(logging.CRITICAL, "segment")

    async def check() -> None:
        told = Told()
        async with receiving(retry_after=1) as reception:
            reception.queue.refusals.append(Full(1, 1))
            await asyncio.to_thread(send_with_python, reception.url, told)
            assert told.errors == []
            assert reception.told[0].status == 503
            assert await types_of(reception) == TYPES

    run(check())


def test_python_sends_again_what_was_in_doubt(caplog: pytest.LogCaptureFixture) -> None:
    """A batch that was queued but not answered comes again with the same ids, and is there once."""
    caplog.set_level(logging.CRITICAL, "segment")

    async def check() -> None:
        told = Told()
        async with receiving() as reception:
            reception.queue.gate.clear()
            sending = asyncio.create_task(asyncio.to_thread(send_with_python, reception.url, told, timeout=0.2))
            await reception.queue.entered.wait()
            reception.queue.entered.clear()
            await reception.queue.entered.wait()  # it has lost patience, and tries again
            reception.queue.gate.set()
            await sending
            assert told.errors == []
            assert sum(accepted.duplicates for accepted in reception.told) >= 1
            assert await types_of(reception) == TYPES

    run(check())


def test_python_is_told_of_a_wrong_key(caplog: pytest.LogCaptureFixture) -> None:
    """It gives up the batch, with the code and message of the answer."""
    caplog.set_level(logging.CRITICAL, "segment")

    async def check() -> None:
        told = Told()
        async with receiving(write_keys=["ANOTHER"]) as reception:
            await asyncio.to_thread(send_with_python, reception.url, told)
            (error,) = told.errors
            assert "invalid_write_key" in error
            assert await types_of(reception) == []

    run(check())


def test_the_version_is_the_one_of_the_recordings() -> None:
    """A newer client is looked at before it is trusted."""
    assert python_sdk.__version__ == "2.4.0"
