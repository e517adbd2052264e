"""A cheap generator of batches over keep-alive connections: one epoll loop, requests ready but for their messageIds.

`python -m tests.bench.serve_load '{"port": …}'` takes a Load as JSON and prints a Report as a line of JSON for each
`every` seconds, or one. Closed: each connection sends as soon as it has its answer. Open, with `rate`: batches leave
at random times that do not wait for answers, and a latency counts from the time at which its batch was due.
"""

import math
import random
import select
import socket
import sys
import time
from collections import deque
from typing import Final

import msgspec

from tests.bench.serve_bodies import Batch, make_batch

_SHORTEST_WAIT: Final = 0.001  # seconds; epoll cannot wait for less
_PATIENCE: Final = 60.0  # seconds without any answer
_FOREVER: Final = 1e9  # seconds; JSON has no infinity


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: for `seconds`, or `batches` of them; `rate` is in batches a second, None as fast as it goes.

    `number` is what the messageIds begin with: a load that follows another must begin where that one has ended.
    """

    port: int
    number: int
    connections: int = 16
    events: int = 100
    seconds: float = _FOREVER
    batches: int = 1 << 60
    rate: float | None = None
    every: float = _FOREVER
    pages_only: bool = False
    seed: int = 1


class Report(msgspec.Struct, frozen=True):
    """What was answered: events and matching events of batches that got 200, batches that got anything else, latencies.

    `began` is the first moment of it as time.perf_counter tells in every process of a machine, `took` the seconds until
    its last answer; `p50`, `p99`, `worst` are in seconds.
    """

    began: float
    took: float
    batches: int
    events: int
    pages: int
    refused: int
    p50: float
    p99: float
    worst: float

    @property
    def rate(self) -> float:
        """Give the accepted events per second."""
        return self.events / self.took


class _Lane:
    """One connection with a request of its own."""

    def __init__(self, port: int, batch: Batch) -> None:
        self.batch, self.due = batch, 0.0
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.number = self.socket.fileno()
        self._left, self._answer = memoryview(b""), b""

    def send(self, tag: int, due: float) -> bool:
        """Begin to send, and say whether more is left to send."""
        self.due, self._left = due, memoryview(b"")
        self.batch.stamp(tag)
        self._left = memoryview(self.batch.text)
        return self.push()

    def push(self) -> bool:
        """Send what the socket takes, and say whether more is left."""
        try:
            while self._left:
                self._left = self._left[self.socket.send(self._left) :]
        except BlockingIOError:
            return True
        return False

    def read(self) -> int:
        """Read, and give the status once the answer is whole, else 0. Raises ConnectionError."""
        chunk = self.socket.recv(65536)
        if not chunk:
            raise ConnectionError(f"the server closed a connection after {self._answer!r}")
        self._answer += chunk
        head = self._answer.find(b"\r\n\r\n")
        if head < 0:
            return 0
        start = self._answer.lower().find(b"content-length:", 0, head) + 15
        if len(self._answer) < head + 4 + int(self._answer[start : self._answer.find(b"\r", start)]):
            return 0
        status, self._answer = int(self._answer[9:12]), b""
        return status


class Generator:
    """Sends a Load, and gives a Report of each `every` seconds."""

    def __init__(self, load: Load) -> None:
        self._load, self._dice, self._poll = load, random.Random(load.seed), select.epoll()
        batches = (make_batch(seed, load.events, pages_only=load.pages_only) for seed in range(load.connections))
        self._lanes = {lane.number: lane for lane in (_Lane(load.port, batch) for batch in batches)}
        for number in self._lanes:
            self._poll.register(number, select.EPOLLIN)
        self._idle = deque(self._lanes.values())
        self._waiting = deque[float]()  # when the batches were due that no connection was free for
        self._sent, self._busy, self._next, self._heard = 0, 0, 0.0, math.inf
        self._clear(0.0)

    def _clear(self, start: float) -> None:
        self._start, self._latencies = start, list[float]()
        self._events, self._pages, self._refused = 0, 0, 0

    def run(self) -> None:
        """Send all of it, wait for the last answer, print the reports."""
        start = self._next = time.perf_counter()
        self._clear(start)
        until, turn = start + self._load.seconds, start + self._load.every
        while True:
            now = time.perf_counter()
            going = now < until and self._sent + len(self._waiting) < self._load.batches
            if going:
                self._fall_due(now)
            self._send_waiting()
            if not going and not self._busy and not self._waiting:
                break
            if now >= turn:
                turn += self._load.every
                self._tell(now)
            self._listen(self._pause(now) if going else 1.0)
        self._tell(time.perf_counter())

    def _fall_due(self, now: float) -> None:
        if self._load.rate is None:
            room = self._load.batches - self._sent
            self._waiting.extend([now] * min(len(self._idle) - len(self._waiting), room))
            return
        while self._next <= now:
            self._waiting.append(self._next)
            self._next += self._dice.expovariate(self._load.rate)

    def _send_waiting(self) -> None:
        while self._waiting and self._idle:
            lane = self._idle.popleft()
            if lane.send(self._load.number + self._sent, self._waiting.popleft()):
                self._poll.modify(lane.number, select.EPOLLIN | select.EPOLLOUT)
            self._sent += 1
            self._busy += 1

    def _pause(self, now: float) -> float:
        if self._load.rate is None:
            return 1.0
        wait = self._next - now
        return 0.0 if wait < _SHORTEST_WAIT else min(wait - _SHORTEST_WAIT / 2, 1.0)

    def _listen(self, wait: float) -> None:
        found = self._poll.poll(wait)
        now = time.perf_counter()
        for number, event in found:
            lane = self._lanes[number]
            if event & select.EPOLLOUT and not lane.push():
                self._poll.modify(number, select.EPOLLIN)
            if event & ~select.EPOLLOUT and (status := lane.read()):
                self._note(lane, status, now)
        if found:
            self._heard = now
        elif self._busy and now - self._heard > _PATIENCE:
            raise TimeoutError(f"no answer for {_PATIENCE} seconds")

    def _note(self, lane: _Lane, status: int, now: float) -> None:
        self._idle.append(lane)
        self._busy -= 1
        self._latencies.append(now - lane.due)
        if status == 200:
            self._events += lane.batch.events
            self._pages += lane.batch.pages
        else:
            self._refused += 1

    def _tell(self, now: float) -> None:
        times = sorted(self._latencies) or [0.0]
        report = Report(
            self._start,
            now - self._start,
            len(self._latencies),
            self._events,
            self._pages,
            self._refused,
            times[len(times) // 2],
            times[int(len(times) * 0.99)],
            times[-1],
        )
        print(msgspec.json.encode(report).decode(), flush=True)
        self._clear(now)


if __name__ == "__main__":
    Generator(msgspec.json.decode(sys.argv[1], type=Load)).run()
