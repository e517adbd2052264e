"""A stand-in for Rupt that runs beside a test, in a thread of its own."""

import asyncio
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from connector.twin import Faults, Project, StandIn, running_twin


class Standing(io.StringIO):
    """The stand-in's log, which knows how many requests were answered; `stand` is the stand-in itself."""

    stand: StandIn

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()
        self._answered = self._looks = 0

    def write(self, text: str) -> int:
        """Count a line of the log, which is a request that was answered."""
        with self._changed:
            self._answered += 1
            self._changed.notify_all()
        return len(text)

    def clock(self) -> float:
        """Tell the time: the stand-in asks for it when it carries a call out, and when it has answered one."""
        with self._changed:
            self._looks += 1
            self._changed.notify_all()
        return time.time()

    def wait_for_answers(self, count: int) -> None:
        """Wait until so many requests were answered."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._answered >= count, timeout=20), f"{self._answered} answered"

    def wait_for_calls(self, count: int) -> None:
        """Wait until so many calls were carried out, in a stand-in that has answered none of them."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._looks >= count, timeout=20), f"{self._looks} carried out"

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.stand.url

    def answered(self) -> Counter[str]:
        """Count the requests that were answered, by the user they speak of."""
        return Counter(json.loads(seen.body)["user"] for seen in self.stand.requests)

    def users(self) -> set[str]:
        """Name the users that it knows."""
        return set(self.stand.twin.users)


@contextmanager
def standing(*following: str, rates: str = "", client_id: str | None = None) -> Iterator[Standing]:
    """Run a stand-in while the block runs; `following` are faults of the next requests, `rates` of all."""
    log, ready = Standing(), threading.Event()
    faults = Faults(rates, random=Random(1))
    faults.add(*following)
    ending: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        project = Project(client_id=client_id)
        async with running_twin(project, faults=faults, log=log, clock=log.clock) as log.stand:
            ending.append((asyncio.get_running_loop(), asyncio.Event()))
            ready.set()
            await ending[0][1].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield log
    finally:
        loop, stop = ending[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()
