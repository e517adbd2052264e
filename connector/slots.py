"""The tasks of a worker: those that do one piece of work after the other and live on, and the alarm that wakes it.

What the work is, and when there is more of it, is the worker's part.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeAlias, TypeVar

Item = TypeVar("Item")
Begin: TypeAlias = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Begins a task."""


class Slots(Generic[Item]):
    """Does `work` on the items it is given, each in a task; a task that is done takes what `more` gives, or waits.

    A new task costs as much as all the rest of a job, so they are made only when none is idle. `rest` is called when
    there is no more for one.
    """

    def __init__(
        self,
        begin: Begin,
        work: Callable[[Item], Awaitable[None]],
        *,
        more: Callable[[], Item | None],
        rest: Callable[[], None],
    ) -> None:
        self._begin, self._work, self._more, self._rest = begin, work, more, rest
        self._idle: list[asyncio.Future[Item]] = []
        self.busy = 0  # items that are being worked on

    def start(self, item: Item) -> None:
        """Let a task do an item: it begins when the caller waits for something."""
        self.busy += 1
        while self._idle:
            idle = self._idle.pop()
            if not idle.done():  # by being cancelled
                idle.set_result(item)
                return
        self._begin(self._run(item))

    async def _run(self, item: Item) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._work(item)
            finally:
                self.busy -= 1
            if (more := self._more()) is not None:
                self.busy += 1
                item = more
                continue
            self._rest()
            future: asyncio.Future[Item] = loop.create_future()
            self._idle.append(future)
            item = await future


class Alarm:
    """Rings after some time; one that rings before is as good, and spares a task each time."""

    def __init__(
        self,
        begin: Begin,
        ring: Callable[[], None],
        *,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._begin, self._ring, self._sleep, self._monotonic = begin, ring, sleep, monotonic
        self._task: asyncio.Task[None] | None = None
        self._at = 0.0

    def set(self, delay: float) -> None:
        """Ring in so many seconds, or before."""
        at = self._monotonic() + delay
        if self._task is not None and not self._task.done():
            if self._at <= at:
                return
            self._task.cancel()
        self._task, self._at = self._begin(self._wait(delay)), at

    async def _wait(self, delay: float) -> None:
        await self._sleep(delay)
        self._ring()
