"""Feeding recorded events into a queue: bounded, prompt, and ended by whatever ends it."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.delivery import Finish, Rules, Worker
from connector.destination import Destination, load
from connector.events import Discard, Event, event_reader
from connector.queue.memory import MemoryQueue
from connector.replay.live import AHEAD, CHUNK, Feed, deliver
from connector.rupt import Request, Response
from connector.sources.files import Located
from tests.cli.command import lines, page, write_config

OK = Response(200, {}, b'{"success": true, "device_id": "d", "attached_devices": 1}')


@pytest.fixture
def destination(tmp_path: Path) -> Destination:
    """A destination that attaches every page."""
    return load(write_config(tmp_path, settings=["max_event_age: none"]), {})


def located(number: int) -> Located:
    """Make a recorded page."""
    item = event_reader(None).read(lines(page(number)))
    assert isinstance(item, Event)
    return "f", number + 1, item


class Delivery:
    """One delivery into a queue of some capacity, by a Rupt that does what `send` does."""

    def __init__(self, destination: Destination, *, capacity: int = 10_000, concurrency: int = 4) -> None:
        self.sent: list[str] = []
        self.rows: list[bytes] = []
        self.words: list[str] = []
        self.queue = MemoryQueue(capacity=capacity)
        self.feed = Feed(
            destination,
            oldest=None,
            write=lambda row: self.rows.append(bytes(row)),
            say=self.words.append,
            now=lambda: 0.0,
        )
        self.worker = Worker(
            self.queue, self.feed.plan, self.send, self.feed.report, rules=Rules(concurrency=concurrency)
        )

    async def send(self, request: Request) -> Response:
        """Take a request after the others had their turn."""
        await asyncio.sleep(0)
        self.sent.append(str(request.body["user"]))
        return OK

    async def run(self, items: Iterator[Located]) -> Finish:
        """Deliver, not for ever."""
        async with asyncio.timeout(20):
            return await deliver(items, self.feed, self.queue, self.worker, show=lambda: None)


def test_every_event_is_delivered_once(destination: Destination) -> None:
    """However long the recording, each event is sent, has a row, and is counted."""
    delivery = Delivery(destination)
    count = 2 * CHUNK + AHEAD + 7
    assert asyncio.run(delivery.run(map(located, range(count)))) == Finish("drained")
    assert sorted(delivery.sent) == sorted(f"user-{number}" for number in range(count))
    assert len(delivery.rows) == count
    assert (delivery.feed.put, delivery.feed.ended, delivery.feed.failed) == (count, count, 0)
    assert delivery.feed.summary.outcomes == {("Attach Device", "delivered", ""): count}


def test_what_waits_is_bounded(destination: Destination) -> None:
    """No more is read than the queue's capacity and a part more, however slow the sending is."""
    read, most = [0], 0
    capacity, count = 100, 5_000

    def recording() -> Iterator[Located]:
        for number in range(count):
            read[0] += 1
            yield located(number)

    class Slow(Delivery):
        async def send(self, request: Request) -> Response:
            nonlocal most
            most = max(most, read[0] - len(self.sent))
            return await super().send(request)

    delivery = Slow(destination, capacity=capacity)
    asyncio.run(delivery.run(recording()))
    assert len(delivery.sent) == count
    assert most <= capacity + 2 * CHUNK + AHEAD + 10


def test_an_event_does_not_wait_for_the_next(destination: Destination) -> None:
    """What a recording gives is sent before it gives more."""
    delivery, sent = Delivery(destination), threading.Event()

    def recording() -> Iterator[Located]:
        yield located(0)
        assert sent.wait(10)
        yield located(1)

    async def send(request: Request) -> Response:
        sent.set()
        return await Delivery.send(delivery, request)

    delivery.worker = Worker(delivery.queue, delivery.feed.plan, send, delivery.feed.report)
    asyncio.run(delivery.run(recording()))
    assert delivery.sent == ["user-0", "user-1"]


def test_a_recording_that_fails_ends_the_delivery(destination: Destination) -> None:
    """What reading raises is raised, as it is, after what was read before."""

    def recording() -> Iterator[Located]:
        yield located(0)
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        asyncio.run(Delivery(destination).run(recording()))


def test_what_a_reporter_raises_ends_the_delivery(destination: Destination) -> None:
    """An error where outcomes are told is raised as it is, not as a group of errors."""
    delivery = Delivery(destination)

    def report(_: object) -> None:
        raise BrokenPipeError

    delivery.worker = Worker(delivery.queue, delivery.feed.plan, delivery.send, report)
    with pytest.raises(BrokenPipeError):
        asyncio.run(delivery.run(map(located, range(1_000))))


def test_a_delivery_that_is_stopped_reads_no_more(destination: Destination) -> None:
    """When the worker is stopped, reading ends too, and closes what it has opened."""
    closed = threading.Event()

    def recording() -> Iterator[Located]:
        try:
            for number in range(10**9):
                yield located(number)
        finally:
            closed.set()

    delivery = Delivery(destination, capacity=10)

    async def scenario() -> Finish:
        asyncio.get_running_loop().call_later(0.05, delivery.worker.stop)
        return await delivery.run(recording())

    assert asyncio.run(scenario()) == Finish("stopped")
    gc.collect()
    assert closed.wait(10)
    delivery.feed.count_waiting(asyncio.run(delivery.queue.counts()))
    waiting = delivery.feed.summary.count("waiting")
    assert waiting > 0
    assert delivery.feed.summary.events == len(delivery.sent) + waiting  # also what had been read and not been put


def test_silence_does_not_keep_a_stopped_delivery(destination: Destination) -> None:
    """A recording that never says anything is left behind when the worker stops."""
    silent = threading.Event()

    def recording() -> Iterator[Located]:
        silent.wait(20)
        yield located(0)

    delivery = Delivery(destination)

    async def scenario() -> Finish:
        asyncio.get_running_loop().call_later(0.01, delivery.worker.stop)
        return await delivery.run(recording())

    assert asyncio.run(scenario()) == Finish("stopped")
    silent.set()


def test_discards_filtered_and_duplicates_are_rows_at_once(destination: Destination) -> None:
    """What makes no job is printed and counted when it is read."""
    delivery = Delivery(destination)
    screen = event_reader(None).read(lines(page(1, type="screen")))
    items: list[Located] = [
        ("f", 1, Discard("bad_request", "no JSON")),
        ("f", 2, screen),
        located(3),
        located(3),
    ]
    asyncio.run(delivery.run(iter(items)))
    assert delivery.sent == ["user-3"]
    assert sum(b'"discarded"' in row for row in delivery.rows) == 1
    assert sum(b'"NO_MATCHING_MAPPING"' in row for row in delivery.rows) == 1
    assert sum(b"duplicate: the same messageId" in row for row in delivery.rows) == 1
    assert delivery.feed.summary.count("skipped", "filtered") == 2
    assert delivery.words == ["f:1: bad_request: no JSON"]
