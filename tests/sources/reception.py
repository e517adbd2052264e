"""A receiver on a real socket, in front of a queue in memory, for the length of a block."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import httpx

from connector.destination import Destination
from connector.queue import Filtered, Full, Job, Receipt
from connector.queue.memory import MemoryQueue
from connector.sources.http import Accepted, Receiver
from connector.sources.intake import Intake, Limits
from connector.sources.listening import Bounds, listening
from tests.planning import load_text

Result = TypeVar("Result")

NOW = 1_795_235_300.0  # 2026-11-21T04:28:20Z
SAMPLES = Path(__file__).parents[1] / "samples" / "sdk"
HEAD = "destination: rupt\nsettings: {client_id: an-id, new_account_url: https://one.example/new}\n"
EVERYTHING = HEAD + 'mappings: [{name: All, action: attach, trigger: type != "", fields: {account: $.userId}}]\n'
PAGES = HEAD + 'mappings: [{name: Pages, action: attach, trigger: type = "page", fields: {account: $.userId}}]\n'


def intake_of(text: str = EVERYTHING, **limits: int) -> Intake:
    """Make an intake whose own ids are new-1, new-2 and so on."""
    numbers = count(1)
    return Intake(destination_of(text), new_id=lambda: f"new-{next(numbers)}", limits=Limits(**limits))


def destination_of(text: str) -> Destination:
    """Load a destination file."""
    return load_text(text)


class TestQueue(MemoryQueue):
    """A queue that can be told to refuse, to break, or to take its time."""

    __test__ = False

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.refusals: list[Full | Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.puts = 0

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Accept jobs, when the gate is open."""
        self.entered.set()
        await self.gate.wait()
        self.puts += 1
        if self.refusals:
            refusal = self.refusals.pop(0)
            if isinstance(refusal, Exception):
                raise refusal
            return refusal
        return await super().put(jobs, now=now, filtered=filtered)


@dataclass
class Reception:
    """What a test sees of a receiver."""

    receiver: Receiver
    queue: TestQueue
    client: httpx.AsyncClient
    url: str
    port: int
    told: list[Accepted] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def observe(self, accepted: Accepted) -> None:
        """Take note of a request."""
        self.told.append(accepted)
        self.changed.set()

    async def until(self, condition: Callable[[list[Accepted]], object]) -> None:
        """Wait until what was told fulfils a condition."""
        while not condition(self.told):
            self.changed.clear()
            await self.changed.wait()

    async def jobs(self) -> list[Job]:
        """Take all jobs out of the queue."""
        return await self.queue.claim(10_000, now=NOW, lease=60.0)

    async def events(self) -> list[dict[str, Any]]:
        """Take all jobs, and give their events as they are stored."""
        return [json.loads(job.raw) for job in await self.jobs()]


@asynccontextmanager
async def receiving(
    text: str = EVERYTHING,
    *,
    queue: TestQueue | None = None,
    limits: Limits | None = None,
    bounds: Bounds | None = None,
    host: str = "127.0.0.1",
    clock: Callable[[], float] = lambda: NOW,
    **given: Any,
) -> AsyncIterator[Reception]:
    """Run a receiver while the block runs."""
    limits = limits or Limits()
    numbers = count(1)
    intake = Intake(destination_of(text), new_id=lambda: f"new-{next(numbers)}", limits=limits)
    queue = queue or TestQueue()
    receiver = Receiver(queue, intake, limits=limits, clock=clock, **given)
    async with (
        listening(receiver, host=host, bounds=bounds or Bounds(stop_within=2.0)) as listener,
        httpx.AsyncClient(base_url=listener.url, timeout=20, trust_env=False) as client,
    ):
        reception = Reception(receiver, queue, client, listener.url, listener.port)
        receiver.observe, receiver.fail = reception.observe, reception.failures.append
        yield reception


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run a scenario, but not for long."""

    async def bounded() -> Result:
        async with asyncio.timeout(60):
            return await scenario

    return asyncio.run(bounded())


async def exchange(port: int, data: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes over a connection of their own, and read until it is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        await writer.drain()
        if half_close:
            writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


def page(number: int = 1, **fields: Any) -> dict[str, Any]:
    """Make a page event."""
    time = "2026-11-21T04:28:13.571Z"
    return {"type": "page", "messageId": f"m-{number}", "userId": f"u-{number}", "timestamp": time, **fields}
