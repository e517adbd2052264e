import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from connector.queue import Full
from tests.node.installing import NODE, install_modules
from tests.sources.reception import Reception, receiving, run

EVENTS = 12
TYPES = sorted(["alias", "group", "identify", "page", "screen", "track"] * (EVENTS // 6))


@pytest.fixture(scope="module")
def modules(pytestconfig: pytest.Config) -> Path:
    """Install the SDKs, in the versions of package-lock.json, once for each of its states."""
    return install_modules(pytestconfig)


async def send(reception: Reception, modules: Path, script: str, *options: str) -> dict[str, Any]:
    """Run a client against the receiver, until all of its events are there; give what it was told."""
    environment = {**os.environ, "NODE_PATH": str(modules), "NODE_NO_WARNINGS": "1"}
    pipe = asyncio.subprocess.PIPE
    command = ("node", str(NODE / script), reception.url, str(EVENTS), *options)
    client = await asyncio.create_subprocess_exec(*command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
    assert client.stdin is not None
    try:
        async with asyncio.timeout(30):
            await reception.until(lambda told: sum(item.accepted for item in told) >= EVENTS)
            client.stdin.close()  # at which the browser's page is closed
            output, errors = await client.communicate()
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    assert (client.returncode, errors) == (0, b"")
    told: dict[str, Any] = json.loads(output)
    return told


async def check_arrived(reception: Reception, told: dict[str, Any]) -> None:
    """Each event is queued once, under the id of which the client was told success."""
    events = await reception.events()
    assert sorted(event["type"] for event in events) == TYPES
    assert sorted(event["messageId"] for event in events) == sorted(told["ids"])
    assert len(set(told["ids"])) == EVENTS
    assert told["errors"] == []


CLIENTS = [
    pytest.param("node_client.cjs", (), id="node"),
    pytest.param("browser_client.cjs", ("standard",), id="browser"),
    pytest.param("browser_client.cjs", ("batching",), id="browser-batching"),
]


@pytest.mark.parametrize(("script", "options"), CLIENTS)
def test_events_arrive(modules: Path, script: str, options: tuple[str, ...]) -> None:
    """What the SDK sends arrives once, and it reports success of each; the browser is sent here by its settings."""

    async def check() -> None:
        async with receiving(write_keys=["WRITE_KEY"]) as reception:
            told = await send(reception, modules, script, *options)
            await check_arrived(reception, told)
            assert {accepted.status for accepted in reception.told} == {200}
            routes = {accepted.route for accepted in reception.told}
            assert (
                routes
                == {
                    (): {"batch"},
                    ("standard",): {"settings", *"ipgtas"},
                    ("batching",): {"settings", "b"},
                }[options]
            )

    run(check())


@pytest.mark.parametrize(("script", "options"), CLIENTS)
def test_what_is_refused_comes_again(modules: Path, script: str, options: tuple[str, ...]) -> None:
    """A 503 makes the SDK hold its events and send them again; each is there once."""

    async def check() -> None:
        async with receiving(retry_after=1) as reception:
            reception.queue.refusals.append(Full(1, 1))
            told = await send(reception, modules, script, *options)
            await check_arrived(reception, told)
            assert [accepted.status for accepted in reception.told].count(503) == 1

    run(check())
