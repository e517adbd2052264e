"""The composition root of `serve`: a folder, a queue, what receives, what delivers, what tells how it stands.

In: a destination and the settings of the process. Out: a Server that listens. What each part does stands in its own
file; here they are only made and told of each other.
"""

import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from uuid import uuid4

from msgspec.structs import replace
from starlette.types import ASGIApp

from connector.app import open_delivery
from connector.config import ServeConfig
from connector.delivery import Outcome, Worker
from connector.destination import Destination
from connector.errors import DestinationError, Sources
from connector.logs import Logs
from connector.metrics import Metrics, Readings
from connector.pacing import Pace
from connector.planning import Planning, moving_cutoff
from connector.queue import Attempt, Job
from connector.queue.folder import FolderLock
from connector.queue.loaded import Loaded, absolute, write_loaded
from connector.queue.sqlite import SqliteQueue, open_sqlite
from connector.reload import Watched
from connector.rows import requests_base
from connector.service import LOOK_EVERY, Service
from connector.sources.credentials import WebhookAuth
from connector.sources.http import Accepted, Receiver
from connector.sources.intake import Intake, Limits
from connector.sources.listening import Bounds, Listener, listening
from connector.sources.status import make_status_app
from connector.standing import Standing
from connector.steps import Step, SteppedIntake, stepped_app

_LEAST_STOP: Final = 0.5  # seconds that requests in flight have at the end, whatever delivering has used up


class Server:
    """A destination that listens; made by open_server, and run once. `url` is where SDKs and webhooks send."""

    def __init__(
        self,
        service: Service,
        receiver: Receiver,
        listeners: list[Listener],
        *,
        announce: "Callable[[Server], None]",
    ) -> None:
        self.url, self.status_url = listeners[0].url, listeners[-1].url
        self._service, self._receiver, self._listeners = service, receiver, listeners
        self._announce, self._deadline = announce, 0.0

    @property
    def destination(self) -> Destination:
        """What is in effect now."""
        return self._service.destination

    async def run(self) -> None:
        """Receive and deliver until `stop`. Raises ConnectorError when the queue cannot be written any more."""
        self._announce(self)
        try:
            await self._service.run()
        finally:
            self._receiver.closing = True
            for listener in self._listeners:
                listener.stop_within = max(_LEAST_STOP, self._deadline - time.monotonic())

    def stop(self, *, within: float) -> None:
        """Take nothing more in, finish what is in flight, and end within so many seconds."""
        self._deadline = time.monotonic() + within
        self._receiver.closing = True
        self._service.stop(within=within)

    def reload(self) -> None:
        """Load the destination file now."""
        self._service.reload()


@asynccontextmanager
async def open_server(
    destination: Destination,
    config: ServeConfig,
    logs: Logs,
    *,
    environment: Mapping[str, str],
    wait: bool = False,
    step: Step | None = None,
    look_every: float = LOOK_EVERY,
) -> AsyncIterator[Server]:
    """Lock the folder, open its queue, and listen; everything is closed with the block, in the opposite order.

    With `wait` a folder that another process has is waited for, and the destination file looked at again when it is
    free. Raises UsageError when the folder or the port cannot be
    used. `step` is told of every step between receipt and end. The file is looked at every `look_every` seconds.
    """
    async with AsyncExitStack() as stack:
        watch = Watched(destination.file, environment, destination.sources)
        stack.enter_context(await _locked(config, logs, wait=wait))
        edited = watch.look()  # a standby may have waited for long
        destination = edited if isinstance(edited, Destination) else destination
        queue = await stack.enter_async_context(await _open_queue(destination, config, step))
        parts = _Parts(destination, config, logs, queue, watch=watch, look_every=look_every, step=step)
        if isinstance(edited, DestinationError):
            parts.service.refuse_edit(edited)
        listeners = [await stack.enter_async_context(listener) for listener in parts.listeners()]
        server = Server(parts.service, parts.receiver, listeners, announce=partial(_announce, config, logs))
        yield server
    logs.say("info", "stopped")


def _announce(config: ServeConfig, logs: Logs, server: Server) -> None:
    destination = server.destination
    logs.say(
        "info",
        "listening",
        url=server.url,
        status=f"{server.status_url}/readyz",
        data=config.data,
        delivers_to=requests_base(destination.settings),
        mappings=len(destination.mappings),
    )


async def _locked(config: ServeConfig, logs: Logs, *, wait: bool) -> FolderLock:
    lock = FolderLock(config.data)
    if wait and not lock.is_free():
        logs.say("info", "waiting for the folder", data=config.data, process=lock.holder())
        await lock.wait()
    return lock


async def _open_queue(destination: Destination, config: ServeConfig, step: Step | None) -> SqliteQueue:
    return await open_sqlite(
        config.data,
        capacity=config.capacity,
        window=config.window,
        retention=config.retention,
        dead_retention=config.dead_retention,
        ordering=destination.settings.ordering,
        min_free=config.min_free,
        step=step,
    )


class _Noting:
    """Notes in the folder which destination file is in effect, for commands that work beside the server."""

    def __init__(self, config: ServeConfig) -> None:
        self._folder, self._delivers = Path(config.data), config.deliver
        self._loaded = Loaded(os.getpid(), "", Sources(), 0.0)

    def in_effect(self, destination: Destination) -> None:
        """Note what is in effect from now on."""
        file, sources = os.path.abspath(destination.file), absolute(destination.sources)
        self._write(Loaded(os.getpid(), file, sources, time.time(), self._delivers))

    def refused(self, error: DestinationError) -> None:
        """Note that an edit was refused; what was before stays."""
        self._write(replace(self._loaded, refused=absolute(error.sources)))

    def _write(self, loaded: Loaded) -> None:
        self._loaded = loaded
        write_loaded(self._folder, loaded)


class _Telling:
    """Tells the metrics, the log and the folder what happens; `step` is told of what the service does by itself."""

    def __init__(self, metrics: Metrics, logs: Logs, note: "_Noting", step: Step | None) -> None:
        self._metrics, self._logs, self._note, self._step = metrics, logs, note, step

    def accepted(self, request: Accepted) -> None:
        """Tell of a request that was answered."""
        self._metrics.accepted(request)
        self._logs.accepted(request)

    def attempt(self, job: Job, attempt: Attempt) -> None:
        """Tell of a request to Rupt."""
        self._metrics.attempt(job, attempt)
        self._logs.attempt(job, attempt)

    def outcome(self, outcome: Outcome) -> None:
        """Tell what became of a job."""
        self._metrics.outcome(outcome, time.time())
        self._logs.outcome(outcome)

    def reloaded(self, destination: Destination) -> None:
        """Tell that an edit of the destination file has taken effect."""
        if self._step is not None:
            self._step("reload")
        self._note.in_effect(destination)
        self._metrics.reloaded(destination)
        self._logs.reloaded(destination)

    def refused_edit(self, error: DestinationError) -> None:
        """Tell that an edit is wrong."""
        self._note.refused(error)
        self._metrics.refused_edit(error)
        self._logs.refused_edit(error)

    def tidied(self) -> None:
        """Tell that what is old has been purged."""
        if self._step is not None:
            self._step("purge")
        self._logs.sum_up()


class _Parts:
    """The parts of one server, each told of those that it talks to."""

    def __init__(
        self,
        destination: Destination,
        config: ServeConfig,
        logs: Logs,
        queue: SqliteQueue,
        *,
        watch: Watched,
        look_every: float,
        step: Step | None,
    ) -> None:
        self._config, self._queue, self._step = config, queue, step
        self._pace, self._open_for = Pace(destination.settings.delivery.concurrency), _where(destination)
        self._limits = Limits(body=config.body_limit, body_timeout=config.body_timeout, memory=config.memory_limit)
        self._metrics = Metrics((mapping.name for mapping in destination.mappings), self._readings, version=_version())
        note = _Noting(config)
        note.in_effect(destination)
        self._telling = _Telling(self._metrics, logs, note, step)
        self.receiver = Receiver(
            queue,
            self._intake(destination),
            limits=self._limits,
            write_keys=config.write_keys,
            webhook=_webhook_auth(config),
            origins=config.cors_origins,
            trust_forwarded=config.trust_forwarded,
            observe=self._telling.accepted,
            fail=logs.failed,
        )
        self.service = Service(
            destination,
            queue,
            watch,
            self._telling,
            deliver=self._open_delivery if config.deliver else None,
            receive=self._receive,
            clock=time.time,
            look_every=look_every,
        )
        self._standing = Standing(queue, self.service, self._pace)

    async def _readings(self) -> Readings:
        return await self._standing.readings()

    def listeners(self) -> list[AbstractAsyncContextManager[Listener]]:
        """Open the app that receives, with the status in front of it or on a port of its own."""
        config, receiver = self._config, self.receiver
        bounds = Bounds(connections=config.connections, stop_within=config.stop_within)
        apart = config.status_port is not None
        inner = receiver if self._step is None else stepped_app(receiver, self._step)
        apps = [(inner if apart else self._status_app(inner), config.port)]
        if config.status_port is not None:
            apps.append((self._status_app(None), config.status_port))
        return [listening(app, host=config.host, port=port, bounds=bounds) for app, port in apps]

    def _status_app(self, inner: ASGIApp | None) -> ASGIApp:
        return make_status_app(inner, ready=self._standing.readiness, metrics=self._metrics.render)

    # What becomes of a destination: a way in and a way out.

    def _intake(self, destination: Destination) -> Intake:
        def new_id() -> str:
            return str(uuid4())

        if self._step is None:
            return Intake(destination, new_id=new_id, limits=self._limits)
        return SteppedIntake(destination, new_id=new_id, limits=self._limits, step=self._step)

    def _receive(self, destination: Destination) -> None:
        self.receiver.intake = self._intake(destination)

    def _open_delivery(self, destination: Destination) -> AbstractAsyncContextManager[Worker]:
        if self._open_for != (where := _where(destination)):
            self._open_for = where
            self._pace.restart()  # what is known of another host, or with other credentials, is of no use
        self._pace.most = destination.settings.delivery.concurrency
        planning = Planning(destination, oldest=moving_cutoff(destination.settings.max_event_age, time.time))
        return open_delivery(
            destination,
            self._queue,
            plan=planning.plan,
            report=self._telling.outcome,
            observe=self._telling.attempt,
            pace=self._pace,
            step=self._step,
        )


def _where(destination: Destination) -> tuple[str, str, str | None]:
    settings = destination.settings
    return requests_base(settings), settings.client_id, settings.api_secret


def _webhook_auth(config: ServeConfig) -> WebhookAuth:
    name, _, value = (config.webhook_header or "").partition(":")
    return WebhookAuth(config.webhook_secret or "", name.strip(), value.strip())


def _version() -> str:
    try:
        return version("rupt-connector")
    except PackageNotFoundError:
        return "unknown"
