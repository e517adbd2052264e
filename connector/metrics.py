"""What the server counts and times, for Prometheus: callbacks in, the text of a scrape out.

Labels hold mappings of the destination file, our names of reasons and classes of status, and nothing that an event, an
account or an answer could put there. It decides nothing and opens no port; what it cannot count itself it asks for.
"""

import asyncio
import logging
import platform
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from typing import Final, Literal, TypeAlias

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from connector.courier import Outcome
from connector.destination import Destination
from connector.errors import DestinationError
from connector.metric_families import COUNTED, PREFIX, READ, Family
from connector.queue import Attempt, Job, Ledger, Tally
from connector.reason_names import OTHER, reason_name
from connector.rupt import Response
from connector.sources.http import Accepted

log = logging.getLogger(__name__)

GONE: Final = "(gone)"  # the label of mappings that the destination file does not have, and of those beyond the limit
MOST_MAPPINGS: Final = 500  # that get labels in the life of a process: ten full files without a name in common
READ_WITHIN: Final = 5.0  # seconds; a scrape that takes longer is given up by Prometheus itself

Circuit: TypeAlias = Literal["closed", "open", "half_open"]
_CIRCUITS: Final[tuple[Circuit, ...]] = ("closed", "open", "half_open")
_CLASSES: Final = (OTHER, "1xx", "2xx", "3xx", "4xx", "5xx")
_OPEN: Final = "application/openmetrics-text; version=1.0.0"  # in every version and dialect that is asked for
_SOURCES: Final = frozenset({"tracking", "webhook"})
_REFUSALS: Final = {
    status: str(status) for status in (400, 401, 403, 404, 405, 408, 411, 413, 415, 429, 431, 499, 500, 501, 503)
}


class Readings(msgspec.Struct, frozen=True):
    """What is asked for at each scrape: `oldest_age` is in seconds, 0 when nothing waits.

    `held` are the reasons for which nothing is sent.
    """

    ledger: Ledger
    oldest_age: float = 0.0
    concurrency: int = 0
    in_flight: int = 0
    circuit: Circuit = "closed"
    held: Collection[str] = ()
    ready: bool = True


class _Labels(dict[str, str]):
    """The labels of mappings by their names; a name that is not there has none of its own, and is not kept."""

    def __missing__(self, mapping: str) -> str:
        return GONE


class _Children(dict[tuple[str, ...], Counter]):
    """The counters of one family by their labels; each is asked of the library once."""

    def __init__(self, family: Counter) -> None:
        super().__init__()
        self._family = family

    def __missing__(self, labels: tuple[str, ...]) -> Counter:
        child = self[labels] = self._family.labels(*labels) if labels else self._family
        return child


class _Families:
    """Families made in a registry, by name."""

    def __init__(self, families: Iterable[Family]) -> None:
        self.registry = CollectorRegistry()
        self.counters: dict[str, _Children] = {}
        self.gauges: dict[str, Gauge] = {}
        self.histograms: dict[str, Histogram] = {}
        for family in families:
            self._make(family)

    def _make(self, family: Family) -> None:
        name, labels = PREFIX + family.name, family.labels
        match family.kind:
            case "counter":
                self.counters[family.name] = _Children(Counter(name, family.help, labels, registry=self.registry))
            case "gauge":
                self.gauges[family.name] = Gauge(name, family.help, labels, registry=self.registry)
            case "histogram":
                buckets, registry = family.buckets, self.registry
                made = Histogram(name, family.help, labels, registry=registry, buckets=buckets)
                self.histograms[family.name] = made


class _Scrape(Collector):
    """What registries collect, without the times at which each series began: they would double the answer."""

    def __init__(self, *registries: CollectorRegistry) -> None:
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        """Give the families of each registry."""
        for registry in self._registries:
            for metric in registry.collect():
                metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
                yield metric


class Metrics:
    """The metrics of one server, in registries of their own; for one event loop.

    `mappings` are the names in the destination file; `read` is awaited at each scrape. With `process` there are the
    library's own metrics of the process too: CPU, memory, open files.
    """

    def __init__(
        self, mappings: Iterable[str], read: Callable[[], Awaitable[Readings]], *, version: str, process: bool = True
    ) -> None:
        self._read, self._labels = read, _Labels()
        counted, self._standing = _Families(COUNTED), _Families(READ)
        self._counters, self._gauges, self._registry = counted.counters, counted.gauges, counted.registry
        self._attempts, self._delivered = self._counters["attempts"], self._counters["delivered_jobs"]
        self._accept_seconds = counted.histograms["accept_seconds"]
        self._request_seconds = counted.histograms["request_seconds"]
        self._delivery_seconds = counted.histograms["accept_to_delivered_seconds"]
        if process:
            ProcessCollector(registry=self._registry)
        self._gauges["build_info"].labels(version, platform.python_version()).set(1)
        self._take_effect(mappings)

    # What is counted, as it happens.

    def accepted(self, request: Accepted) -> None:
        """Count a request that was answered, and what it has brought.

        A webhook may be refused for events that are in the ledger all the same, and a page's script asks for more than
        to send events: so what was brought is counted whatever the answer.
        """
        source = request.source if request.source in _SOURCES else OTHER
        if request.status != 200:
            self._counters["refused_requests"][source, _REFUSALS.get(request.status, OTHER)].inc()
        if not (request.events or request.discards):
            return
        if request.status == 200:
            self._counters["received_requests"][source,].inc()
            self._accept_seconds.observe(request.seconds)
        self._counters["received_events"][source,].inc(request.events)
        self._counters["received_bytes"][()].inc(request.bytes)
        self._counters["accepted_jobs"][()].inc(request.accepted)
        self._counters["duplicate_jobs"][()].inc(request.duplicates)
        for (mapping, reason), count in Counts((item.mapping, item.reason) for item in request.filtered).items():
            label = self._labels[mapping] if mapping else ""
            self._counters["filtered_events"][label, reason_name(reason)].inc(count)
        for reason, count in Counts(item.reason for item in request.discards).items():
            self._counters["discarded_events"][reason_name(reason),].inc(count)

    def attempt(self, job: Job, attempt: Attempt) -> None:
        """Count a request to Rupt."""
        mapping, answer = self._labels[job.mapping], attempt.answer
        if isinstance(answer, Response):
            status = _CLASSES[answer.status // 100] if 100 <= answer.status <= 599 else OTHER
        else:
            status = answer.kind
        self._attempts[mapping, status].inc()
        self._request_seconds.observe(attempt.latency)
        if job.attempts > 1:
            self._counters["retried_attempts"][mapping,].inc()
        if attempt.in_doubt:
            self._counters["in_doubt_attempts"][mapping,].inc()

    def outcome(self, outcome: Outcome, now: float) -> None:
        """Count what became of a job; `now` is in seconds since the epoch."""
        mapping = self._labels[outcome.job.mapping]
        if outcome.state == "delivered":
            self._delivered[mapping,].inc()
            self._delivery_seconds.observe(max(0.0, now - outcome.job.accepted_at))
        elif outcome.state == "invalid":
            self._counters["invalid_jobs"][mapping,].inc()
        else:
            self._counters[f"{outcome.state}_jobs"][mapping, reason_name(outcome.reason)].inc()

    def reloaded(self, destination: Destination) -> None:
        """Take note of an edited destination file; the counters of mappings that are gone stay as they are."""
        self._take_effect(mapping.name for mapping in destination.mappings)

    def refused_edit(self, error: DestinationError) -> None:  # noqa: ARG002  what is wrong with it is told elsewhere
        """Take note of an edit that is wrong."""
        self._gauges["config_last_reload_successful"].set(0)

    def _take_effect(self, mappings: Iterable[str]) -> None:
        for name in mappings:
            if name not in self._labels and len(self._labels) < MOST_MAPPINGS:
                self._labels[name] = name
                self._begin(name)
        self._gauges["config_generation"].inc()
        self._gauges["config_last_reload_successful"].set(1)

    def _begin(self, mapping: str) -> None:
        """Show a mapping's counters from 0: what appears with its first event has no rate before the second."""
        for family in ("retried_attempts", "in_doubt_attempts", "delivered_jobs", "invalid_jobs"):
            self._counters[family][mapping,].inc(0)

    # What is read, when somebody asks.

    async def render(self, accept: str = "") -> tuple[bytes, str]:
        """Print all metrics, and name the content type that was chosen by the request's Accept header.

        When the queue cannot be counted the rest is there all the same.
        """
        readings = await self._readings()
        self._gauges["readings_ok"].set(readings is not None)
        registries = [self._registry]
        if readings is not None:
            self._show(readings)
            registries.append(self._standing.registry)
        encode, content_type = choose_encoder(_OPEN if _OPEN.partition(";")[0] in accept else "")
        return encode(_Scrape(*registries)), content_type

    async def _readings(self) -> Readings | None:
        try:
            async with asyncio.timeout(READ_WITHIN):
                return await self._read()
        except Exception as error:
            log.warning("the queue could not be counted for /metrics: %s", type(error).__name__)
            return None

    def _show(self, readings: Readings) -> None:
        gauges, total = self._standing.gauges, readings.ledger.total
        self._show_queue(readings.ledger)
        for state in ("accepted", *_ENDED, *_UNFINISHED):
            gauges["ledger_jobs"].labels(state).set(getattr(total, state))
        gauges["ledger_in_doubt_attempts"].set(total.in_doubt)
        gauges["ledger_balanced"].set(readings.ledger.balances)
        gauges["oldest_job_age_seconds"].set(readings.oldest_age)
        gauges["concurrency_limit"].set(readings.concurrency)
        gauges["in_flight_requests"].set(readings.in_flight)
        gauges["ready"].set(readings.ready)
        for circuit in _CIRCUITS:
            gauges["circuit_state"].labels(circuit).set(circuit == readings.circuit)
        gauges["delivery_held"].clear()
        for reason in readings.held:
            gauges["delivery_held"].labels(reason_name(reason)).set(1)

    def _show_queue(self, ledger: Ledger) -> None:
        gauge = self._standing.gauges["queue_jobs"]
        gauge.clear()
        for state in _UNFINISHED:
            for mapping in self._labels:
                gauge.labels(mapping, state).set(0)
            for mapping, tally in ledger.mappings.items():
                if mapping:
                    gauge.labels(self._labels[mapping], state).inc(_count(tally, state))


_UNFINISHED: Final = ("waiting", "sending", "held")
_ENDED: Final = ("delivered", "filtered", "skipped", "invalid", "dead")


def _count(tally: Tally, state: str) -> int:
    found: int = getattr(tally, state)
    return found
