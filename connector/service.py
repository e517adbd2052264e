"""An always-on destination: what is received waits in the queue, what waits is delivered, until it is told to stop.

It joins parts that are given: what receives, what delivers, what watches the destination file. An edit of the file
takes effect between two jobs: a new worker takes over the queue while the old one finishes what it has in flight.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final, Protocol

from connector.delivery import Worker
from connector.destination import Destination
from connector.errors import DestinationError, first_error
from connector.queue import Cause, Ordering

log = logging.getLogger(__name__)

LOOK_EVERY: Final = 1.0  # seconds between two looks at the destination file
PURGE_EVERY: Final = 30.0  # seconds
_RELEASED: Final[tuple[Cause, ...]] = ("mapping", "refused")  # what an edit may have mended


class Store(Protocol):
    """What a service does with its queue besides receiving and delivering."""

    async def release(self, cause: Cause, *, now: float) -> int:
        """Let held jobs wait again."""
        ...

    async def set_ordering(self, ordering: Ordering) -> None:
        """Keep the order of accounts from now on, or do not."""
        ...

    def look(self) -> None:
        """Raise UsageError when the queue's file is not there any more."""
        ...

    async def purge(self, now: float) -> object:
        """Forget finished jobs that are older than they need be."""
        ...


class Watch(Protocol):
    """Gives the destination file when it has changed."""

    def look(self) -> Destination | DestinationError | None:
        """Load the file if it has changed."""
        ...

    def load(self) -> Destination | DestinationError:
        """Load the file, changed or not."""
        ...


class Journal(Protocol):
    """Is told what the service does by itself."""

    def reloaded(self, destination: Destination) -> None:
        """An edit has taken effect."""
        ...

    def refused_edit(self, error: DestinationError) -> None:
        """An edit is wrong; what was before stays."""
        ...

    def tidied(self) -> None:
        """What is old has been purged."""
        ...


class Service:
    """Runs until `stop()`; to be run once.

    `deliver` opens the worker of a destination, `receive` is given each destination that comes to be in effect. The
    destination file is looked at every `look_every` seconds.
    """

    def __init__(
        self,
        destination: Destination,
        store: Store,
        watch: Watch,
        journal: Journal,
        *,
        deliver: Callable[[Destination], AbstractAsyncContextManager[Worker]] | None,
        receive: Callable[[Destination], None],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self.destination, self._look_every = destination, look_every
        self.refused_edit: DestinationError | None = None
        self.refused_at = 0.0
        self._store, self._watch, self._journal = store, watch, journal
        self._open_delivery, self._receive = deliver, receive
        self._clock, self._sleep = clock, sleep
        self._workers: list[Worker] = []
        self._stopping, self._asked, self._within = asyncio.Event(), asyncio.Event(), 0.0

    @property
    def worker(self) -> Worker | None:
        """What delivers now; None while nothing does."""
        return self._workers[-1] if self._workers else None

    @property
    def in_flight(self) -> int:
        """How many jobs are being delivered now, by this and earlier versions of the file."""
        return sum(worker.in_flight for worker in self._workers)

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self, *, within: float) -> None:
        """Claim nothing more, and end when what is in flight is done or `within` seconds have gone by."""
        self._within = within
        self._stopping.set()
        for worker in self._workers:
            worker.stop(within=within)

    async def run(self) -> None:
        """Deliver, watch and tidy up until stopped. Raises what the queue raises when it cannot go on."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await self._release()  # the file may have been mended while no server ran
                keepers = [self._group.create_task(keep()) for keep in (self._look, self._purge)]
                await self._start(self.destination)
                await self._stopping.wait()
                for keeper in keepers:
                    keeper.cancel()
        except ExceptionGroup as errors:
            raise first_error(errors) from None

    def reload(self) -> None:
        """Load the destination file now, changed or not."""
        self._asked.set()

    def refuse_edit(self, error: DestinationError) -> None:
        """Leave what is in effect as it is, and tell what is wrong with the edit."""
        self.refused_edit, self.refused_at = error, self._clock()
        self._journal.refused_edit(error)

    async def _look(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_every):
                    await self._asked.wait()
            self._store.look()
            load = self._watch.load if self._asked.is_set() else self._watch.look
            self._asked.clear()
            await self._take(load)

    async def _purge(self) -> None:
        while True:
            await self._store.purge(self._clock())
            self._journal.tidied()
            await self._sleep(PURGE_EVERY)

    async def _take(self, load: Callable[[], Destination | DestinationError | None]) -> None:
        try:
            found = await asyncio.to_thread(load)
        except Exception as error:  # whatever the file may be, what is in effect goes on
            log.error("the destination file could not be looked at: %s", type(error).__name__)
            return
        if isinstance(found, DestinationError):
            self.refuse_edit(found)
        elif found is not None:
            await self._replace(found)

    async def _replace(self, destination: Destination) -> None:
        """Let an edited file take effect: first for what comes in, then for what goes out."""
        patience = 2 * self.destination.settings.delivery.timeout
        self.destination, self.refused_edit = destination, None
        self._receive(destination)
        before = list(self._workers)
        await self._start(destination)
        for worker in before:
            worker.stop(within=patience)
        await self._release()
        self._journal.reloaded(destination)

    async def _start(self, destination: Destination) -> None:
        await self._store.set_ordering(destination.settings.ordering)
        if self._open_delivery is None or self.is_stopping:
            return
        started = asyncio.Event()
        self._group.create_task(self._deliver(self._open_delivery(destination), started))
        await started.wait()

    async def _deliver(self, delivery: AbstractAsyncContextManager[Worker], started: asyncio.Event) -> None:
        async with delivery as worker:
            self._workers.append(worker)
            started.set()
            if self.is_stopping:
                worker.stop(within=self._within)
            try:
                await worker.run()
            finally:
                self._workers.remove(worker)
        if not self.is_stopping:  # an edit has replaced it, and its last answers may have held jobs since
            await self._release()

    async def _release(self) -> None:
        """Let wait again what is held for the file's sake: what is still wrong is held again."""
        for cause in _RELEASED:
            await self._store.release(cause, now=self._clock())
