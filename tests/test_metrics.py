"""What the server counts: the text of a scrape is parsed by Prometheus' own parser."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from connector.courier import Outcome
from connector.destination import Destination, load
from connector.errors import DestinationError
from connector.events import Discard
from connector.metric_families import FAMILIES, PREFIX, metrics_table
from connector.metrics import GONE, MOST_MAPPINGS, READ_WITHIN, Circuit, Metrics, Readings
from connector.queue import Attempt, Filtered, Job, Ledger, Tally, add_up, new_job
from connector.queue.memory import MemoryQueue
from connector.rupt import Failure, Request, Response
from connector.sources.http import Accepted, Receiver
from connector.sources.intake import Intake
from connector.sources.status import Readiness, make_status_app
from connector.values import JSON, dump_json
from tests import fake_time

README = Path(__file__).parents[1] / "README.md"
EMPTY = add_up({"": Tally()})
REQUEST = Request("POST", "/v2/device/attach", {"user": "user-42"})
Scraped = dict[tuple[str, frozenset[tuple[str, str]]], float]


def reading(ledger: Ledger = EMPTY, **more: object) -> Callable[[], Awaitable[Readings]]:
    """Make what reads the same each time."""

    async def read() -> Readings:
        return Readings(ledger, **more)  # type: ignore[arg-type]

    return read


def make(*mappings: str, read: Callable[[], Awaitable[Readings]] | None = None) -> Metrics:
    """Make metrics of mappings, without those of the process."""
    return Metrics(mappings or ("Attach",), read or reading(), version="1.2.3", process=False)


def scrape(metrics: Metrics, accept: str = "") -> str:
    """Ask for the metrics over HTTP."""

    async def ask() -> httpx.Response:
        app = make_status_app(None, ready=Readiness, metrics=metrics.render)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            return await client.get("/metrics", headers={"accept": accept})

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    return answer.text


class Seen:
    """The samples of a scrape, without those that are zero."""

    def __init__(self, metrics: Metrics) -> None:
        self.text = scrape(metrics)
        self.samples: Scraped = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in read_text(self.text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float | None:
        """Give the value of one series, None when there is none."""
        return self.samples.get((PREFIX + name, frozenset(labels.items())))

    def all_of(self, name: str) -> dict[tuple[str, ...], float]:
        """Give the values of a metric that are not zero, by its labels in alphabetical order."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (found, labels), number in self.samples.items()
            if found == PREFIX + name and number
        }


def arrived(
    status: int = 200,
    *,
    source: Literal["tracking", "webhook"] = "tracking",
    events: int = 0,
    jobs: int = 0,
    duplicates: int = 0,
    filtered: Sequence[Filtered] = (),
    discards: Sequence[Discard] = (),
    size: int = 0,
    seconds: float = 0.0,
) -> Accepted:
    """Make what the receiver says of a request."""
    return Accepted(
        source=source,
        route="batch",
        status=status,
        events=events,
        accepted=jobs,
        duplicates=duplicates,
        filtered=filtered,
        discards=discards,
        bytes=size,
        seconds=seconds,
    )


def job(mapping: str = "Attach", *, attempts: int = 1, accepted_at: float = 0.0) -> Job:
    """Make a job that has been claimed so many times."""
    made = new_job("m-1", mapping, b"{}", accepted_at)
    return Job(made.key, made.message_id, mapping, made.raw, accepted_at, attempts=attempts)


def tried(answer: Response | Failure, *, in_doubt: bool = False, latency: float = 0.0) -> Attempt:
    """Make an attempt."""
    return Attempt(0.0, latency, REQUEST, answer, in_doubt=in_doubt)


# Receiving


def test_an_accepted_request() -> None:
    """A request is counted with its events, bytes, jobs and duplicates, and the time until they were on disk."""
    metrics = make()
    metrics.accepted(arrived(events=10, jobs=7, duplicates=2, size=4_000, seconds=0.004))
    metrics.accepted(arrived(events=1, jobs=1, size=500, seconds=0.3, source="webhook"))
    seen = Seen(metrics)
    assert seen.all_of("received_requests_total") == {("tracking",): 1, ("webhook",): 1}
    assert seen.all_of("received_events_total") == {("tracking",): 10, ("webhook",): 1}
    assert (seen("received_bytes_total"), seen("accepted_jobs_total"), seen("duplicate_jobs_total")) == (4_500, 8, 2)
    assert seen("accept_seconds_count") == 2
    assert seen("accept_seconds_sum") == pytest.approx(0.304)
    assert seen("accept_seconds_bucket", le="0.005") == 1


def test_filtered_events() -> None:
    """What is filtered is counted by mapping and reason, under no mapping where none took it."""
    metrics = make()
    filtered = [Filtered("m-1", "NO_MATCHING_MAPPING")] * 3 + [Filtered("m-2", "stale: too old", "Attach")]
    metrics.accepted(arrived(events=4, filtered=filtered))
    assert Seen(metrics).all_of("filtered_events_total") == {
        ("", "NO_MATCHING_MAPPING"): 3,
        ("Attach", "stale"): 1,
    }


def test_discarded_events() -> None:
    """What is discarded is counted by reason, an empty batch too."""
    metrics = make()
    discards = [Discard("no_user_anon_id", "neither userId nor anonymousId is there", "m-1")] * 2
    metrics.accepted(arrived(events=2, discards=discards))
    metrics.accepted(arrived(discards=[Discard("empty_batch", "the batch holds no events")]))
    seen = Seen(metrics)
    assert seen.all_of("discarded_events_total") == {("no_user_anon_id",): 2, ("empty_batch",): 1}
    assert seen.all_of("received_requests_total") == {("tracking",): 2}


def test_a_webhook_that_no_mapping_could_take() -> None:
    """What a refused request has brought all the same is counted as in the ledger."""
    metrics = make()
    metrics.accepted(arrived(501, source="webhook", events=1, filtered=[Filtered("m-1", "NO_MATCHING_MAPPING")]))
    seen = Seen(metrics)
    assert seen.all_of("refused_requests_total") == {("webhook", "501"): 1}
    assert seen.all_of("received_events_total") == {("webhook",): 1}
    assert seen.all_of("filtered_events_total") == {("", "NO_MATCHING_MAPPING"): 1}
    assert seen("accept_seconds_count") == 0


def test_a_request_without_events() -> None:
    """Settings for a browser, its metrics and its questions beforehand are no accepted events, and quicker than any."""
    metrics = make()
    metrics.accepted(arrived(200, seconds=0.0001))
    seen = Seen(metrics)
    assert seen.all_of("received_requests_total") == {}
    assert seen("accept_seconds_count") == 0


@pytest.mark.parametrize(("status", "label"), [(503, "503"), (499, "499"), (400, "400"), (418, "other")])
def test_refused_requests(status: int, label: str) -> None:
    """A refused request is counted by its status and as nothing else."""
    metrics = make()
    metrics.accepted(arrived(status, size=100, seconds=1.0))
    seen = Seen(metrics)
    assert seen.all_of("refused_requests_total") == {("tracking", label): 1}
    assert seen.all_of("received_events_total") == {}
    assert seen("accept_seconds_count") == 0


def test_with_the_receiver(tmp_path: Path) -> None:
    """Behind the three paths stands the receiver, and what it takes is seen by the next scrape."""
    found, queue = destination(tmp_path, "Attach"), MemoryQueue()

    async def read() -> Readings:
        return Readings(await queue.counts())

    metrics = make("Attach", read=read)
    receiver = Receiver(queue, Intake(found, new_id=lambda: "a-new-id"), observe=metrics.accepted)
    app = make_status_app(receiver, ready=Readiness, metrics=metrics.render)
    page: JSON = {"type": "page", "userId": "user-42", "anonymousId": "anon-1"}
    batch: JSON = {"batch": [page, page, {"type": "page"}, {"type": "alias", "userId": "u", "previousId": "p"}]}

    async def post() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://here") as client:
            bodies = (dump_json(batch), b"{broken")
            return [(await client.post("/v1/batch", content=body)).status_code for body in bodies]

    assert asyncio.run(post()) == [200, 400]
    seen = Seen(metrics)
    assert seen.all_of("received_events_total") == {("tracking",): 4}
    assert seen.all_of("refused_requests_total") == {("tracking", "400"): 1}
    assert (seen("accepted_jobs_total"), seen("duplicate_jobs_total")) == (1, 1)
    assert seen.all_of("filtered_events_total") == {("", "NO_MATCHING_MAPPING"): 1}
    assert seen.all_of("discarded_events_total") == {("no_user_anon_id",): 1}
    assert seen.all_of("queue_jobs") == {("Attach", "waiting"): 1}


# Delivering


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (Response(200, {}, b""), "2xx"),
        (Response(302, {}, b""), "3xx"),
        (Response(429, {}, b""), "4xx"),
        (Response(599, {}, b""), "5xx"),
        (Response(999, {}, b""), "other"),
        (Failure("timeout", "no answer"), "timeout"),
        (Failure("network", "connection refused"), "network"),
    ],
)
def test_attempts(answer: Response | Failure, label: str) -> None:
    """A request to Rupt is counted by mapping and by what came of it, and timed."""
    metrics = make()
    metrics.attempt(job(), tried(answer, latency=0.2))
    seen = Seen(metrics)
    assert seen.all_of("attempts_total") == {("Attach", label): 1}
    assert seen("request_seconds_bucket", le="0.1") == 0
    assert seen("request_seconds_bucket", le="0.25") == 1
    assert seen.all_of("retried_attempts_total") == seen.all_of("in_doubt_attempts_total") == {}


def test_retries_and_doubts() -> None:
    """What is sent again is counted as retried, and what may have landed as in doubt."""
    metrics = make()
    metrics.attempt(job(attempts=1), tried(Failure("timeout", "no answer"), in_doubt=True))
    metrics.attempt(job(attempts=2), tried(Response(503, {}, b"")))
    metrics.attempt(job(attempts=3), tried(Response(200, {}, b"")))
    seen = Seen(metrics)
    assert seen.all_of("retried_attempts_total") == {("Attach",): 2}
    assert seen.all_of("in_doubt_attempts_total") == {("Attach",): 1}


def test_outcomes() -> None:
    """What becomes of jobs is counted by mapping, and by the reason's name where there is one."""
    metrics = make("Attach", "Update")
    outcomes = [
        Outcome(job(), "delivered"),
        Outcome(job("Update"), "delivered"),
        Outcome(job(), "skipped", "stale: the event is older than max_event_age"),
        Outcome(job(), "invalid", problems=("Account must be a string.",)),
        Outcome(job(), "dead", "503 unavailable: come back later; gave up after 10 attempts"),
        Outcome(job("Update"), "held", "401 no valid API secret; check settings.api_secret"),
    ]
    for outcome in outcomes:
        metrics.outcome(outcome, 1.0)
    seen = Seen(metrics)
    assert seen.all_of("delivered_jobs_total") == {("Attach",): 1, ("Update",): 1}
    assert seen.all_of("skipped_jobs_total") == {("Attach", "stale"): 1}
    assert seen.all_of("invalid_jobs_total") == {("Attach",): 1}
    assert seen.all_of("dead_jobs_total") == {("Attach", "503"): 1}
    assert seen.all_of("held_jobs_total") == {("Update", "401"): 1}


def test_the_time_until_delivery() -> None:
    """The time from accepting a job is measured up to hours; a clock that was set back makes it 0, not less."""
    metrics = make()
    for now in (100.02, 7_300.0, 50.0):
        metrics.outcome(Outcome(job(accepted_at=100.0), "delivered"), now)
    metrics.outcome(Outcome(job(accepted_at=100.0), "dead", "400 bad request"), 9_000.0)
    seen = Seen(metrics)
    buckets = [
        seen("accept_to_delivered_seconds_bucket", le=le) for le in ("0.01", "0.025", "3600.0", "7200.0", "+Inf")
    ]
    assert buckets == [1, 2, 2, 3, 3]
    assert seen("accept_to_delivered_seconds_sum") == pytest.approx(7_200.02)


def test_a_counter_begins_at_zero() -> None:
    """A mapping's counters are there before its first event, so that their first change is seen as one."""
    seen = Seen(make("Attach"))
    assert seen("delivered_jobs_total", mapping="Attach") == 0
    assert seen("invalid_jobs_total", mapping="Attach") == 0


# The destination file


def test_a_mapping_that_is_not_in_the_file() -> None:
    """Jobs of mappings that the file does not have are counted under one label."""
    metrics = make("Attach")
    for mapping in ("Old", "Older"):
        metrics.outcome(Outcome(job(mapping), "held", "mapping_gone: no such mapping"), 0.0)
    assert Seen(metrics).all_of("held_jobs_total") == {(GONE, "mapping_gone"): 2}


def destination(folder: Path, *names: str) -> Destination:
    """Load a destination file with mappings of these names."""
    file, mappings = folder / "rupt.yaml", ", ".join(f"{{preset: attach-device, name: {name}}}" for name in names)
    settings = "{client_id: an-id, new_account_url: https://app.example.com/}"
    file.write_text(f"destination: rupt\nsettings: {settings}\nmappings: [{mappings}]\n", encoding="utf-8")
    return load(file, {})


def test_a_reload(tmp_path: Path) -> None:
    """An edit of the file resets no counter: new mappings begin, and those that are gone keep their name and count."""
    metrics = make("Attach", "Old")
    for mapping in ("Attach", "Old"):
        metrics.outcome(Outcome(job(mapping), "delivered"), 0.0)
    metrics.reloaded(destination(tmp_path, "Attach", "New"))
    for mapping in ("Attach", "Old", "New"):
        metrics.outcome(Outcome(job(mapping), "delivered"), 0.0)
    seen = Seen(metrics)
    assert seen.all_of("delivered_jobs_total") == {("Attach",): 2, ("Old",): 2, ("New",): 1}
    assert (seen("config_generation"), seen("config_last_reload_successful")) == (2, 1)


def test_a_refused_edit(tmp_path: Path) -> None:
    """A refused edit is seen until one is taken; the generation stays."""
    metrics = make()
    metrics.refused_edit(DestinationError([]))
    seen = Seen(metrics)
    assert (seen("config_generation"), seen("config_last_reload_successful")) == (1, 0)
    metrics.reloaded(destination(tmp_path, "Attach"))
    seen = Seen(metrics)
    assert (seen("config_generation"), seen("config_last_reload_successful")) == (2, 1)


def test_names_without_end() -> None:
    """However often mappings are renamed, the labels of a process are bounded."""
    metrics = make(*(f"Mapping {number}" for number in range(2 * MOST_MAPPINGS)))
    metrics.outcome(Outcome(job(f"Mapping {MOST_MAPPINGS}"), "delivered"), 0.0)
    seen = Seen(metrics)
    assert seen.all_of("delivered_jobs_total") == {(GONE,): 1}
    assert len([name for name, _ in seen.samples if name == f"{PREFIX}delivered_jobs_total"]) == MOST_MAPPINGS + 1


# What is read at each scrape


def test_the_queue() -> None:
    """The queue's jobs are shown by mapping and state, and the ledger in all, with the age of the oldest job."""
    tallies = {
        "": Tally(accepted=5, filtered=5),
        "Attach": Tally(accepted=9, delivered=2, waiting=4, sending=1, held=2, in_doubt=3),
        "Old": Tally(accepted=1, held=1),
        "Older": Tally(accepted=2, held=1, dead=1),
    }
    seen = Seen(make("Attach", "Quiet", read=reading(add_up(tallies), oldest_age=12.5)))
    assert seen.all_of("queue_jobs") == {
        ("Attach", "waiting"): 4,
        ("Attach", "sending"): 1,
        ("Attach", "held"): 2,
        (GONE, "held"): 2,
    }
    assert seen("queue_jobs", mapping="Quiet", state="waiting") == 0
    assert seen.all_of("ledger_jobs") == {
        ("accepted",): 17,
        ("delivered",): 2,
        ("filtered",): 5,
        ("dead",): 1,
        ("waiting",): 4,
        ("sending",): 1,
        ("held",): 4,
    }
    assert (seen("ledger_balanced"), seen("ledger_in_doubt_attempts")) == (1, 3)
    assert (seen("oldest_job_age_seconds"), seen("readings_ok")) == (12.5, 1)


def test_a_ledger_that_does_not_balance() -> None:
    """A ledger that does not balance is seen."""
    assert Seen(make(read=reading(add_up({"Attach": Tally(accepted=2, waiting=1)}))))("ledger_balanced") == 0


@pytest.mark.parametrize("circuit", ["closed", "open", "half_open"])
def test_the_deliveries(circuit: Circuit) -> None:
    """The limit, what is in flight, the circuit and what holds deliveries back are shown as they are now."""
    held = ["401 no valid client id: check settings.client_id"]
    seen = Seen(make(read=reading(concurrency=64, in_flight=7, circuit=circuit, held=held, ready=False)))
    assert (seen("concurrency_limit"), seen("in_flight_requests"), seen("ready")) == (64, 7, 0)
    assert seen.all_of("circuit_state") == {(circuit,): 1}
    assert seen.all_of("delivery_held") == {("401",): 1}


def test_readings_change() -> None:
    """What is over is gone from the next scrape."""
    now = [Readings(add_up({"Old": Tally(accepted=1, held=1)}), held=("403 not permitted",)), Readings(EMPTY)]

    async def read() -> Readings:
        return now.pop(0)

    metrics = make(read=read)
    assert Seen(metrics).all_of("delivery_held") == {("403",): 1}
    seen = Seen(metrics)
    assert (seen.all_of("delivery_held"), seen.all_of("queue_jobs")) == ({}, {})
    assert seen("queue_jobs", mapping=GONE, state="held") is None


def test_a_queue_that_cannot_be_counted(caplog: pytest.LogCaptureFixture) -> None:
    """When the queue fails, the counters are there all the same, and what it would have said is missing."""

    async def read() -> Readings:
        raise OSError("the disk of ada@example.com is gone")

    metrics = make(read=read)
    metrics.outcome(Outcome(job(), "delivered"), 0.0)
    seen = Seen(metrics)
    assert (seen("delivered_jobs_total", mapping="Attach"), seen("readings_ok")) == (1, 0)
    assert seen("oldest_job_age_seconds") is None
    assert caplog.messages == ["the queue could not be counted for /metrics: OSError"]


def test_a_queue_that_does_not_answer() -> None:
    """A scrape does not wait for ever."""

    async def read() -> Readings:
        await asyncio.Event().wait()
        raise AssertionError

    async def scenario() -> tuple[bytes, float]:
        text, _ = await make(read=read).render()
        return text, fake_time.now()

    text, at = fake_time.run(scenario())
    assert f"{PREFIX}readings_ok 0.0".encode() in text
    assert at == pytest.approx(fake_time.START + READ_WITHIN)


# The text


def test_the_text() -> None:
    """Every family is there with its help and type, under a name that Prometheus' rules allow."""
    found = {family.name: family for family in read_text(scrape(make()))}
    assert found.keys() == {f"{PREFIX}{family.name}" for family in FAMILIES}
    for family in FAMILIES:
        shown = found[f"{PREFIX}{family.name}"]
        assert (shown.type, shown.documentation) == (family.kind, family.help)
        assert (family.kind == "histogram") == bool(family.buckets)


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text; version=nonsense", "text/plain, application/openmetrics-text"]
)
def test_openmetrics(accept: str) -> None:
    """Who asks for OpenMetrics gets version 1.0.0 of it, whatever version is named."""
    metrics = make()
    metrics.accepted(arrived(events=3, seconds=0.01))
    text, content_type = asyncio.run(metrics.render(accept))
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = list(read_openmetrics(text.decode()))  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    assert [item.value for item in samples if item.name == f"{PREFIX}received_events_total"] == [3]


def test_instances_share_nothing() -> None:
    """Two servers in one process count apart, and the library's global registry knows nothing of them."""
    one, other = make(), make()
    one.outcome(Outcome(job(), "delivered"), 0.0)
    assert Seen(one).all_of("delivered_jobs_total") == {("Attach",): 1}
    assert Seen(other).all_of("delivered_jobs_total") == {}
    assert PREFIX.encode() not in generate_latest(REGISTRY)


def test_the_process() -> None:
    """The library's metrics of the process come along: memory is what a soak test looks at."""
    metrics = Metrics(("Attach",), reading(), version="1.2.3")
    assert "process_resident_memory_bytes" in scrape(metrics)


def test_the_table_of_the_readme() -> None:
    """The README's table of metrics is what the registrations print."""
    _, _, after = README.read_text(encoding="utf-8").partition("<!-- metrics: begin -->\n")
    table, _, _ = after.partition("\n<!-- metrics: end -->")
    assert table == metrics_table()


# What must never be there

MARK = "zqmarkzq"
marked = st.text(max_size=20).map(lambda text: f"{text}{MARK}{text}") | st.sampled_from(
    [f"stale: {MARK}", f"503 {MARK}", f"{MARK}: stale", f"in doubt {MARK}", f"internal error {MARK}", f"401: {MARK}"]
)


def everything(metrics: Metrics, text: str, reasons: Iterable[str]) -> None:
    """Tell metrics of requests, attempts and outcomes in which a text stands wherever a text can."""
    marked_job = new_job(text, text, text.encode("utf-8", "replace"), 0.0, text)
    request = Request("POST", f"/{text}", {"user": text}, token=text)
    for reason in reasons:
        filtered, discard = Filtered(text, reason, text, text), Discard(reason, text, text)
        metrics.accepted(arrived(source=cast(Any, text), events=1, filtered=[filtered], discards=[discard]))
        for answer in (Response(400, {text: text}, text.encode("utf-8", "replace")), Failure("network", text)):
            metrics.attempt(marked_job, Attempt(0.0, 0.0, request, answer, reason, True))
        metrics.outcome(Outcome(marked_job, "skipped", reason, (text,), {text: text}, request, {text: text}), 0.0)
        metrics.outcome(Outcome(marked_job, "dead", reason, warnings=(text,)), 0.0)
        metrics.outcome(Outcome(marked_job, "held", reason), 0.0)


@settings(max_examples=50, deadline=None)
@given(marked, st.lists(marked, min_size=1, max_size=5))
def test_no_foreign_text(text: str, reasons: list[str]) -> None:
    """Whatever events, accounts, answers and reasons hold, it is in no label, and labels stay few."""
    metrics = make("Attach", read=reading(add_up({text: Tally(accepted=1, waiting=1)}), held=reasons))
    everything(metrics, text, reasons)
    seen = Seen(metrics)
    assert MARK not in seen.text
    assert sum(seen.all_of("dead_jobs_total").values()) == len(reasons)
    assert set(seen.all_of("received_events_total")) <= {("other",)}
