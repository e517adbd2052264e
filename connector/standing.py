"""How a server stands, for /readyz and /metrics: its queue, its worker, its destination file, read when asked."""

import time
from collections.abc import Callable

from connector.metrics import Readings
from connector.pacing import Pace
from connector.queue.sqlite import SqliteQueue
from connector.service import Service
from connector.sources.status import Condition, Readiness


class Standing:
    """Reads the parts of a server; `clock` gives seconds since the epoch."""

    def __init__(
        self, queue: SqliteQueue, service: Service, pace: Pace, clock: Callable[[], float] = time.time
    ) -> None:
        self._queue, self._service, self._pace, self._clock = queue, service, pace, clock

    def readiness(self) -> Readiness:
        """Say what is not as it should be."""
        found: list[Condition] = []
        service = self._service
        if service.is_stopping:
            found.append(Condition("stopping", "the server is stopping"))
        full = self._queue.full
        if full is not None:
            found.append(
                Condition("disk_full", "the disk is nearly full; senders are told to wait")
                if full.cause == "disk"
                else Condition("queue_full", f"{full.waiting:,} jobs wait, of {full.capacity:,} that may")
            )
        found += [Condition("credentials_refused", reason) for reason in self._refusals()]
        reason = self._pace.reason(time.monotonic())
        if self._pace.circuit != "closed":
            found.append(Condition("circuit_open", f"Rupt seems to be down: {reason}"))
        elif reason:
            found.append(Condition("paused", f"Rupt has asked for a pause: {reason}"))
        if service.refused_edit is not None:
            found.append(
                Condition(
                    "edit_refused",
                    "the destination file was edited and is wrong; the version before stays in effect",
                    service.refused_at,
                    service.refused_edit.problems,
                )
            )
        return Readiness(tuple(found))

    async def readings(self) -> Readings:
        """Count the queue, and ask the worker."""
        oldest = await self._queue.oldest()
        return Readings(
            ledger=await self._queue.counts(),
            oldest_age=0.0 if oldest is None else max(0.0, self._clock() - oldest),
            concurrency=self._pace.limit,
            in_flight=self._service.in_flight,
            circuit=self._pace.circuit,
            held=self._refusals(),
            ready=self.readiness().ready,
        )

    def _refusals(self) -> list[str]:
        worker = self._service.worker
        return [] if worker is None else list(worker.refusals.values())
