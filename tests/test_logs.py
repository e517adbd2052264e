"""What the server logs: the right lines at the right level, no more of them than help, and nothing of anybody."""

import asyncio
import io
import itertools
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.courier import Outcome, Rules
from connector.delivery import Worker
from connector.destination import Destination, load
from connector.errors import DestinationError, Problem
from connector.events import Discard, Event, event_reader
from connector.log_records import MOST, WINDOW
from connector.logs import Level, Logs, open_logs
from connector.metrics import Metrics, Readings
from connector.planning import Planning
from connector.queue import Attempt, Filtered, Job, new_job
from connector.queue.memory import MemoryQueue
from connector.retry import Policy
from connector.routes import Routes
from connector.rupt import Failure, Request, Response
from connector.sources.http import Accepted
from connector.values import JSON, dump_json
from tests import fake_time

REQUEST = Request("POST", "/v2/device/attach", {"user": "user-42"})
JOB = Job("6:Attach:m-1", "m-1", "Attach", b"{}", 0.0, attempts=3)


class Terminal(io.StringIO):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class Lines:
    """Logs into memory, at a time that the test sets."""

    def __init__(self, level: Level = "info", *, stream: io.StringIO | None = None, colour: bool = False) -> None:
        self.stream, self.now = stream or io.StringIO(), 1_795_000_000.25
        self._opened = open_logs(self.stream, level=level, colour=colour, clock=lambda: self.now)

    def __enter__(self) -> "Lines":
        self.logs: Logs = self._opened.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)

    @property
    def text(self) -> str:
        """Give all that was written."""
        return self.stream.getvalue()

    @property
    def all(self) -> list[dict[str, Any]]:
        """Read the lines as JSON."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def events(self) -> list[str]:
        """Give what happened, with levels."""
        return [f"{line['level']}: {line['event']}" for line in self.all]


def arrived(status: int = 200, filtered: list[Filtered] | None = None, *discards: Discard) -> Accepted:
    """Make what the receiver says of a request."""
    return Accepted(
        source="tracking",
        route="batch",
        status=status,
        events=4,
        accepted=3,
        duplicates=1,
        filtered=filtered or [],
        discards=discards,
        bytes=2_000,
        seconds=0.0042,
    )


# The lines


def test_a_line() -> None:
    """A line is one JSON object with the time in UTC, the level and the event in front."""
    with Lines() as lines:
        lines.logs.say("info", "listening", url="http://127.0.0.1:8080", mappings=3)
    assert lines.text == (
        '{"timestamp":"2026-11-18T11:06:40.250Z","level":"info","event":"listening",'
        '"url":"http://127.0.0.1:8080","mappings":3}\n'
    )


def test_a_failed_attempt() -> None:
    """An attempt that failed says of what event and mapping, why by name, and how it ended."""
    attempt = Attempt(0.0, 0.25, REQUEST, Response(503, {}, b"{}"), "503 unavailable: ask ada lovelace")
    with Lines() as lines:
        lines.logs.attempt(JOB, attempt)
    [line] = lines.all
    assert line.pop("timestamp")
    assert line == {
        "level": "info",
        "event": "attempt failed",
        "message_id": "m-1",
        "mapping": "Attach",
        "reason": "503",
        "attempt": 3,
        "status": 503,
        "in_doubt": False,
        "ms": 250.0,
    }


def test_an_attempt_without_an_answer() -> None:
    """An attempt without an answer says whether it may have landed."""
    with Lines() as lines:
        lines.logs.attempt(JOB, Attempt(0.0, 10.0, REQUEST, Failure("timeout", "none"), "timeout: none", True))
    assert [(line["status"], line["in_doubt"]) for line in lines.all] == [("timeout", True)]


def test_an_attempt_that_succeeds() -> None:
    """What succeeds is told by its outcome alone."""
    with Lines("debug") as lines:
        lines.logs.attempt(JOB, Attempt(0.0, 0.01, REQUEST, Response(200, {}, b"{}")))
    assert lines.text == ""


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (Outcome(JOB, "delivered", attempts=2), "debug"),
        (Outcome(JOB, "skipped", "stale: too old"), "info"),
        (Outcome(JOB, "invalid", problems=("Account must be a string.", "Email too.")), "warning"),
        (Outcome(JOB, "dead", "400 bad request: ada"), "warning"),
        (Outcome(JOB, "held", "mapping_gone: no such mapping"), "warning"),
    ],
)
def test_levels_of_outcomes(outcome: Outcome, level: str) -> None:
    """What was delivered is for debugging, what was skipped is information, what did not arrive is a warning."""
    with Lines("debug") as lines:
        lines.logs.outcome(outcome)
    assert lines.events == [f"{level}: {outcome.state}"]
    assert (lines.all[0]["message_id"], lines.all[0]["mapping"]) == ("m-1", "Attach")


def test_what_an_outcome_says() -> None:
    """An outcome says why by name, how many problems there were, and after how many attempts."""
    with Lines() as lines:
        lines.logs.outcome(
            Outcome(JOB, "dead", "503 unavailable; gave up after 10 attempts", attempts=10, in_doubt=True)
        )
        lines.logs.outcome(Outcome(JOB, "invalid", problems=("One.", "Two.")))
    dead, invalid = lines.all
    assert (dead["reason"], dead["attempts"], dead["in_doubt"]) == ("503", 10, True)
    assert invalid["problems"] == 2


def test_delivered_is_not_told_by_default() -> None:
    """At the level info nothing is written for what arrives."""
    with Lines() as lines:
        lines.logs.outcome(Outcome(JOB, "delivered"))
        lines.logs.accepted(arrived())
    assert lines.text == ""


def test_a_discard() -> None:
    """An event that cannot be read is warned of with its reason and detail."""
    with Lines() as lines:
        lines.logs.accepted(arrived(200, None, Discard("id_not_string", "item 2: userId must be a string", "m-9")))
    [line] = lines.all
    assert (line["level"], line["event"], line["reason"]) == ("warning", "event discarded", "id_not_string")
    assert (line["message_id"], line["detail"]) == ("m-9", "item 2: userId must be a string")


@pytest.mark.parametrize(("status", "level"), [(503, "warning"), (400, "warning"), (404, "info"), (499, "info")])
def test_a_refused_request(status: int, level: str) -> None:
    """A request that is refused is told with its status, and warned of when events may have been in it."""
    with Lines() as lines:
        lines.logs.accepted(arrived(status))
    assert lines.events == [f"{level}: request refused"]
    assert (lines.all[0]["reason"], lines.all[0]["source"], lines.all[0]["route"]) == (str(status), "tracking", "batch")


def test_a_fault_of_ours() -> None:
    """Of a fault of ours the exception's type and place are told, and not its text."""
    with Lines() as lines:
        try:
            raise KeyError("ada@example.com")
        except KeyError as error:
            lines.logs.failed(error)
    [line] = lines.all
    assert (line["level"], line["event"], line["reason"]) == ("error", "internal error", "KeyError")
    assert line["at"].startswith("tests/test_logs.py:")
    assert "ada" not in lines.text


def test_debugging_requests() -> None:
    """When debugging, each request is told with its counts, and each event that no mapping took."""
    discard = Discard("bad_request", "not JSON", "m-8")
    with Lines("debug") as lines:
        lines.logs.accepted(arrived(200, [Filtered("m-7", "NO_MATCHING_MAPPING")], discard))
    assert lines.events == ["warning: event discarded", "debug: event filtered", "debug: request answered"]
    assert (lines.all[1]["message_id"], lines.all[1]["reason"]) == ("m-7", "NO_MATCHING_MAPPING")
    assert (lines.all[2]["events"], lines.all[2]["jobs"], lines.all[2]["ms"]) == (4, 3, 4.2)


def test_the_destination_file(tmp_path: Path) -> None:
    """An edit that takes effect is told, and one that is refused with its problems and their places."""
    problem = Problem(
        "unknown_key", "there is no key 'acount' here", "rupt.yaml", 12, 7, 6, "acount: x", "write account"
    )
    with Lines() as lines:
        lines.logs.reloaded(destination(tmp_path))
        lines.logs.refused_edit(DestinationError([problem]))
    assert [line["level"] for line in lines.all] == ["info", "error", "error"]
    assert lines.all[0]["mappings"] == 2
    told = lines.all[2]
    assert (told["code"], told["at"], told["help"]) == ("unknown_key", "rupt.yaml:12:7", "write account")


@pytest.mark.parametrize("given", ["ada@example.com", "+1 415 555 0100", "eyJhbGciOiJI", "a\nb", "x" * 101])
def test_a_message_id_that_is_none(given: str) -> None:
    """A messageId that looks like something else is not shown; one that looks like itself is."""
    with Lines() as lines:
        for message_id in (given, "ajs-next-1795-0c8a7f3e-1111-4222-8333-444455556666"):
            lines.logs.outcome(Outcome(new_job(message_id, "Attach", b"{}", 0.0), "dead", "400 bad request"))
    shown = [line["message_id"] for line in lines.all]
    assert shown == ["[redacted]", "ajs-next-1795-0c8a7f3e-1111-4222-8333-444455556666"]


# On a terminal


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal(colour: bool) -> None:
    """On a terminal lines are for people, in colour if that is wanted."""
    with Lines(stream=Terminal(), colour=colour) as lines:
        lines.logs.outcome(Outcome(JOB, "dead", "400 bad request"))
    assert "dead" in lines.text
    assert "{" not in lines.text
    assert ("\x1b[" in lines.text) == colour
    assert ("message_id=m-1" in lines.text) != colour


def test_no_colour_in_a_file() -> None:
    """Off a terminal there is no colour, whatever is wanted."""
    with Lines(colour=True) as lines:
        lines.logs.say("warning", "ending")
    assert lines.events == ["warning: ending"]


# What others log


def test_records_of_others() -> None:
    """What libraries log becomes a line like any other, redacted."""
    with Lines() as lines:
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received from %s", "ada@example.com")
    [line] = lines.all
    assert (line["level"], line["logger"]) == ("warning", "uvicorn.error")
    assert line["event"] == "Invalid HTTP request received from [email]"


def test_exceptions_of_others() -> None:
    """Of an exception its type and place are told: its text may quote an event, wherever it stands."""
    with Lines() as lines:
        try:
            raise ValueError("user-42 of ada")
        except ValueError as error:
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
            logging.getLogger("aiohttp.client").warning("Can not load cookies: %s", error)
            logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: {error!r}")
            logging.getLogger("uvicorn.error").error(error)
            logging.getLogger("uvicorn.error").error({"text": error})
    assert [line["event"] for line in lines.all] == [
        "Exception in ASGI application",
        "Can not load cookies: ValueError",
        "Task exception was never retrieved",
        "ValueError",
        "dict",
    ]
    assert lines.all[0]["error"] == "ValueError"
    assert lines.all[0]["at"].startswith("tests/test_logs.py:")
    assert "ada" not in lines.text


def test_our_own_records() -> None:
    """What modules of ours log through the standard library is told too, with what they say besides the text."""
    with Lines() as lines:
        extra = {"message_id": "m-1", "mapping": "Attach", "reason": "ada@example.com", "payload": "x"}
        logging.getLogger("connector.courier").error("internal error %s", "ValueError", extra=extra)
    [line] = lines.all
    assert (line["event"], line["message_id"], line["mapping"]) == ("internal error ValueError", "m-1", "Attach")
    assert line["reason"] == "other"
    assert "payload" not in line


def test_chatter_is_left_out() -> None:
    """Access logs name addresses and URLs, and what others write to debug themselves is of no use here."""
    with Lines("debug") as lines:
        logging.getLogger("uvicorn.access").info("127.0.0.1 GET /v1/projects/key/settings 200")
        logging.getLogger("asyncio").debug("Using selector")
        logging.getLogger("connector.delivery").debug("ours")
    assert lines.events == ["debug: ours"]


def test_wrong_arguments() -> None:
    """A record whose arguments do not fit its text is told as it stands."""
    with Lines() as lines:
        for text, args in (("%d of %s", ("one",)), ("%(count)d done", {"count": 3})):
            record = {"name": "uvicorn.error", "levelno": logging.WARNING, "levelname": "WARNING"}
            lines.logs.handler.handle(logging.makeLogRecord({**record, "msg": text, "args": args}))
    assert [line["event"] for line in lines.all] == ["%d of %s", "3 done"]


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level(level: Level, count: int) -> None:
    """Nothing below the level is written."""
    with Lines(level) as lines:
        for each in ("debug", "info", "warning", "error"):
            lines.logs.say(each, each)
            logging.getLogger("connector.delivery").log(logging.getLevelName(each.upper()), f"{each} of the worker")
    assert len(lines.all) == 2 * count


def test_it_ends() -> None:
    """When it is closed, records go where they went before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with Lines("debug") as lines:
        pass
    logging.getLogger("connector").warning("after the end")
    assert lines.text == ""
    assert (root.handlers, root.level) == (handlers, level)


def test_a_stream_that_is_gone() -> None:
    """A line that cannot be written is lost, and nothing is raised or printed elsewhere."""
    with Lines() as lines:
        lines.stream.close()
        lines.logs.say("warning", "nobody reads this")


# What repeats


def test_an_outage() -> None:
    """Of the same reason ten lines a minute are written, then how many more there were; no other reason is hidden."""
    with Lines() as lines:
        for _ in range(1_244):
            lines.logs.outcome(Outcome(JOB, "dead", "503 unavailable"))
        lines.logs.outcome(Outcome(JOB, "dead", "400 bad request"))
        assert len(lines.all) == MOST + 1
        lines.now += WINDOW
        lines.logs.sum_up()
    assert lines.events[-1] == "warning: and 1,234 more in the last minute: dead"
    assert lines.all[-1]["reason"] == "503"
    assert lines.all[-1]["timestamp"] == "2026-11-18T11:07:40.250Z"


def test_the_next_minute() -> None:
    """Any line after the minute brings the sum, and the count begins again."""
    with Lines() as lines:
        for _ in range(MOST + 5):
            lines.logs.accepted(arrived(503))
        lines.now += WINDOW
        lines.logs.accepted(arrived(503))
    assert lines.events[MOST:] == [
        "warning: and 5 more in the last minute: request refused",
        "warning: request refused",
    ]


def test_the_end_of_an_outage() -> None:
    """What was left out is told at the end at the latest; and nothing when nothing was left out."""
    with Lines() as lines:
        for _ in range(MOST + 1):
            lines.logs.say("warning", "nothing more is sent")
        lines.logs.sum_up()
        assert len(lines.all) == MOST
    assert lines.events[MOST:] == ["warning: and 1 more in the last minute: nothing more is sent"]


def test_floods_of_others() -> None:
    """What libraries repeat is summed up as well, even when each text is another."""
    with Lines() as lines:
        for number in range(3_000):
            logging.getLogger("uvicorn.error").warning("Invalid request %d", number)
        for number in range(3_000):
            logging.getLogger("uvicorn.error").warning(f"odd request {number:x}")
    assert len(lines.all) < 1_100
    assert "warning: and 2,990 more in the last minute: uvicorn.error: Invalid request …" in lines.events
    assert lines.events[-1].endswith("more in the last minute: lines of other kinds")


def test_debugging_is_not_limited() -> None:
    """Who debugs wants every line."""
    with Lines("debug") as lines:
        for _ in range(100):
            lines.logs.outcome(Outcome(JOB, "delivered"))
    assert len(lines.all) == 100


def test_threads() -> None:
    """Lines of several threads do not mix."""
    with Lines("debug") as lines:

        def write() -> None:
            for _ in range(200):
                lines.logs.say("debug", "a line")
                lines.logs.sum_up()

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert lines.events == ["debug: a line"] * 800


# What must never be there

CONFIG = """\
destination: rupt
settings: {client_id: an-id, api_secret: a-secret, new_account_url: https://app.example.com/, max_event_age: none}
mappings:
  - name: Attach
    action: attach
    trigger: type = "page" or type = "track"
    fields:
      account: $.userId
      email: $.context.traits.email
      phone: $.context.traits.phone
      metadata: $.properties
      secret: $.context.rupt.token
      tolerance: $.properties.tolerance
  - preset: update-user
"""
MARK = "zqmarkzq"


def destination(folder: Path) -> Destination:
    """Load a destination file."""
    file = folder / "rupt.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return load(file, {})


marked = st.text(max_size=8).map(lambda text: f"{text}{MARK}{text}")
leaves: st.SearchStrategy[JSON] = marked | st.integers(-9, 9) | st.none() | st.booleans()
values: st.SearchStrategy[JSON] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(marked | st.just("tolerance"), inner, max_size=2),
    max_leaves=5,
)
traits = st.dictionaries(st.sampled_from(["email", "phone", MARK]), marked, max_size=3)
shapes: dict[str, st.SearchStrategy[Any]] = {
    "userId": marked | values,
    "anonymousId": marked | values,
    "event": marked | values,
    "name": values,
    "properties": values,
    "traits": traits | values,
    "context": st.fixed_dictionaries({}, optional={"traits": traits | values, "rupt": values}),
    "integrations": values,
}
types: st.SearchStrategy[Any] = st.sampled_from(["page", "track", "identify", "alias"]) | values
events: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"type": types}, optional=shapes)
answers = st.builds(
    lambda status, text, key: Response(
        status, {text: text}, dump_json({"success": False, key: {"message": f"{text} is not known"}})
    ),
    st.sampled_from([200, 204, 302, 400, 401, 404, 418, 429, 500, 503]),
    marked,
    st.sampled_from(["message", "error", "errors", "device_id"]),
) | st.builds(lambda text: Failure("network", text), marked)


async def count_nothing() -> Readings:
    """Have nothing to read."""
    raise AssertionError


class Watched:
    """Takes events in, delivers them, and tells logs and metrics of it, as the server does."""

    def __init__(self, found: Destination, logs: Logs, metrics: Metrics) -> None:
        self.routes, self.read = Routes(found), event_reader(found.event_reads).read
        self.plan = Planning(found, oldest=lambda: None).plan
        self.logs, self.metrics = logs, metrics
        self.outcomes: list[str] = []

    async def run(self, raws: list[bytes], replies: Callable[[], Response | Failure | Exception]) -> None:
        """Take events in, and deliver what they make."""
        queue = MemoryQueue()
        await queue.put(self.receive(raws), now=0.0)

        async def send(_request: Request) -> Response | Failure:
            reply = replies()
            if isinstance(reply, Exception):
                raise reply
            return reply

        rules = Rules(policy=Policy(attempts=2), on_hold="stop")
        worker = Worker(
            queue,
            self.plan,
            send,
            self.report,
            rules=rules,
            observe=self.observe,
            clock=fake_time.now,
            monotonic=fake_time.now,
            draw=lambda: 0.5,
        )
        worker.drain()
        await worker.run()

    def receive(self, raws: list[bytes]) -> list[Job]:
        """Make the jobs of events, as the receiver does."""
        jobs, filtered, discards = list[Job](), list[Filtered](), list[Discard]()
        for number, raw in enumerate(raws):
            item = self.read(raw)
            if isinstance(item, Discard):
                discards.append(item)
                continue
            matched = self.routes.match(item.data)
            if isinstance(matched, str):
                filtered.append(Filtered(f"m-{number}", matched))
            else:
                jobs += [self.job(item, number, mapping.name) for mapping in matched]
        self.tell(arrived(200, filtered, *discards))
        return jobs

    def job(self, event: Event, number: int, mapping: str) -> Job:
        """Make a job."""
        return new_job(f"m-{number}", mapping, event.raw, 0.0, str(event.data.get("userId")))

    def tell(self, request: Accepted) -> None:
        """Tell of a request."""
        self.logs.accepted(request)
        self.metrics.accepted(request)

    def observe(self, job: Job, attempt: Attempt) -> None:
        """Tell of an attempt."""
        self.logs.attempt(job, attempt)
        self.metrics.attempt(job, attempt)

    def report(self, outcome: Outcome) -> None:
        """Tell of an outcome."""
        self.outcomes.append(outcome.state)
        self.logs.outcome(outcome)
        self.metrics.outcome(outcome, 1.0)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Destination:
    """Load the destination file once."""
    return destination(tmp_path_factory.mktemp("logs"))


def watch(found: Destination, raws: list[bytes], replies: list[Any]) -> tuple[str, str, list[str]]:
    """Take events in and deliver them; give what was logged and measured, and what became of the jobs."""
    turns = itertools.cycle(replies)
    with Lines("debug") as lines:
        metrics = Metrics(("Attach", "Update User"), count_nothing, version="1", process=False)
        watched = Watched(found, lines.logs, metrics)
        fake_time.run(watched.run(raws, lambda: next(turns)))
        text, _ = asyncio.run(metrics.render())
    return lines.text, text.decode(), watched.outcomes


BROKEN = [b'{"type":"page","userId":"' + MARK.encode() + b'" oops', MARK.encode()]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, min_size=1, max_size=6), st.lists(answers | marked.map(ValueError), min_size=1, max_size=5))
def test_no_foreign_text(loaded: Destination, bodies: list[dict[str, JSON]], replies: list[Any]) -> None:
    """Whatever events hold, wherever, and whatever Rupt answers or code raises, no log and no metric shows it."""
    logged, measured, _ = watch(loaded, [*map(dump_json, bodies), *BROKEN], replies)
    assert logged.count("event discarded") >= len(BROKEN)
    assert MARK not in logged.lower()
    assert MARK not in measured.lower()


def test_that_it_would_be_seen(loaded: Destination) -> None:
    """The proof is not empty: such events are delivered, die, and are held, invalid, and raise errors of ours."""
    page: dict[str, JSON] = {
        "type": "page",
        "userId": MARK,
        "anonymousId": MARK,
        "context": {"traits": {"email": MARK}},
    }
    wrong: JSON = {"type": "page", "userId": MARK, "anonymousId": MARK, "properties": {"tolerance": MARK}}
    refusal, said = b'{"message":"' + MARK.encode() + b'"}', b'{"success":true}'
    replies = [
        *(Response(status, {}, refusal) for status in (400, 503, 503)),
        Response(200, {}, said),
        ValueError(MARK),
        Response(401, {}, refusal),
    ]
    logged, measured, outcomes = watch(
        loaded, [*map(dump_json, [page, page, page, page, page, wrong]), *BROKEN], replies
    )
    assert set(outcomes) == {"delivered", "dead", "held", "invalid"}
    for word in (
        "attempt failed",
        "internal error ValueError",
        "nothing more is sent",
        "event discarded",
        "bad_request",
    ):
        assert word in logged
    assert MARK not in (logged + measured).lower()
