"""No output shows a secret: not what is printed, not what is logged, not what is remembered, and no repr.

A run has secrets of every kind: the client id and the API secret of the settings, an account's signed token, and what
looks like a credential in places of events that nobody maps.
"""

import asyncio
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from connector.app import open_delivery
from connector.cli.main import run
from connector.courier import Outcome
from connector.destination import Destination, load
from connector.pipeline import compile_plan
from connector.queue import Job, new_job
from connector.queue.memory import MemoryQueue
from connector.rupt import Credentials
from connector.twin import Faults, Project, StandIn, running_twin
from connector.values import JSON, dump_json

CLIENT_ID = "client-id-7f3a9c1e"
API_SECRET = "api-secret-51c0ffee"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyLTQyIn0.c2lnbmVk"
BEARER = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
SECRETS = (CLIENT_ID, API_SECRET, TOKEN, BEARER)
PEOPLE = ("ada@example.com", "ada%40example.com", "+14155550100", "4155550100", "grace@example.com", "ada lovelace")
ENVIRONMENT = {"RUPT_CLIENT_ID": CLIENT_ID, "RUPT_API_SECRET": API_SECRET}
CONFIG = """\
destination: rupt
settings:
  client_id: ${RUPT_CLIENT_ID}
  api_secret: ${RUPT_API_SECRET}
  domain: ${RUPT_DOMAIN:-https://rupt.example.com}
  new_account_url: https://app.example.com/sign-up
  max_event_age: none
  delivery: {attempts: 2}
mappings:
  - name: Attach
    action: attach
    trigger: type = "page"
    fields:
      account: $.userId
      email: $.context.traits.email
      phone: $.context.traits.phone
      metadata: {name: $.context.traits.name}
      secret: $.context.rupt.token
      tolerance: $.properties.tolerance
    tests:
      - name: a test that fails, whose event holds a token
        event: {type: page, userId: user-42, context: {rupt: {token: TOKEN}}}
        expect: {account: user-43, secret: another-token, email: null}
  - preset: update-user
  - preset: detach-on-sign-out
"""


def event(kind: str, number: int, **more: JSON) -> dict[str, JSON]:
    """Make an event that holds all secrets and speaks of a person."""
    return {
        "type": kind,
        "messageId": f"m-{number}",
        "userId": f"user-{number}",
        "anonymousId": f"anon-{number}",
        "timestamp": "2026-11-21T08:00:00.000Z",
        "context": {
            "traits": {"email": "ada@example.com", "phone": "+14155550100", "name": "ada lovelace"},
            "rupt": {"token": TOKEN, "fingerprint": f"hash-{number}"},
            "authorization": f"Bearer {BEARER}",
            "page": {"url": f"https://app.example.com/a?access_token={BEARER}&email=ada%40example.com"},
        },
        **more,
    }


EVENTS: list[dict[str, JSON]] = [
    event("page", 1),
    event("page", 2, properties={"tolerance": "loose", "token": BEARER}),  # invalid
    event("page", 3, userId={"token": BEARER}),  # discarded
    event("page", 4, anonymousId=None, context={"rupt": {"token": TOKEN}}),  # skipped: it names no device
    event("page", 5, integrations={"Rupt": False}),  # filtered
    event("identify", 6, traits={"email": "grace@example.com", "phone": "+14155550100", "token": BEARER}),
    event("track", 7, event="Signed Out", properties={"device_id": "unknown", "authorization": f"Basic {BEARER}"}),
    event("page", 8, userId="ada@example.com"),
    *(event("page", number) for number in range(9, 16)),
    {"type": f"Bearer {BEARER}", "userId": "user-42", "messageId": "m-16"},  # discarded
]
BROKEN = b'{"type":"page","userId":"user-42","token":"Bearer ' + BEARER.encode() + b'" oops\n'


class Done(NamedTuple):
    """What a command has left: its exit code, data and words."""

    code: int
    out: str
    err: str


class Folder(NamedTuple):
    """A destination file, the same with a failing test in it, and a recording."""

    config: Path
    events: Path

    def call(self, *args: str, domain: str = "", **environment: str) -> Done:
        """Run a command on the destination file, with the secrets in its environment."""
        out, err = io.BytesIO(), io.StringIO()
        more = {"RUPT_DOMAIN": domain} if domain else {}
        code = run(
            [*args, "--config", str(self.config)],
            stdin=io.BytesIO(),
            stdout=out,
            stderr=err,
            env={**ENVIRONMENT, **more, **environment},
        )
        return Done(code, out.getvalue().decode(), err.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Write a destination file and a recording, in which one line is broken."""
    config, events = tmp_path / "rupt.yaml", tmp_path / "events.jsonl"
    config.write_text(CONFIG.replace("TOKEN", TOKEN), encoding="utf-8")
    events.write_bytes(BROKEN + b"".join(dump_json(item) + b"\n" for item in EVENTS))
    return Folder(config, events)


def shown(text: str, words: tuple[str, ...] = SECRETS) -> list[str]:
    """Say which of some words a text shows, in any case."""
    return [word for word in words if word.lower() in text.lower()]


@contextmanager
def stand_in(*faults: str, client_id: str = CLIENT_ID, log: io.StringIO) -> Iterator[StandIn]:
    """Run a stand-in for Rupt in a thread of its own while the block runs."""
    ready, running, menu = threading.Event(), list[tuple[StandIn, asyncio.AbstractEventLoop]](), Faults()
    menu.add(*faults)

    async def serve() -> None:
        project = Project(client_id=client_id, api_secret=API_SECRET)
        async with running_twin(project, faults=menu, log=log) as stand:
            running.append((stand, asyncio.get_running_loop()))
            ready.set()
            await stand.stopping.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    stand, loop = running[0]
    try:
        yield stand
    finally:
        loop.call_soon_threadsafe(stand.stop)
        thread.join()


# What commands print


def test_check(folder: Folder) -> None:
    """A destination file is checked, and its failing test told, without a secret."""
    done = folder.call("check")
    assert done.code == 1
    assert "[redacted]" in done.err
    assert shown(done.out + done.err) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max_event_age: none", "max_event_age: ${RUPT_API_SECRET}"),
        ("domain: ${RUPT_DOMAIN:-https://rupt.example.com}", "domain: '${RUPT_API_SECRET} ${RUPT_CLIENT_ID}'"),
        ("api_secret: ${RUPT_API_SECRET}", f"api_secret: {API_SECRET}\n  api_secrets: {API_SECRET}"),
        ("attempts: 2", "attempts: 2, token: '${RUPT_API_SECRET}'"),
        ("action: attach", "action: ${RUPT_API_SECRET}"),
        ("trigger: type", "trigger: '${RUPT_CLIENT_ID}' # type"),
        ("account: $.userId", "account: {'@${RUPT_API_SECRET}': ${RUPT_API_SECRET}}"),
    ],
)
def test_a_file_that_does_not_load(old: str, new: str, folder: Folder) -> None:
    """What is wrong with a file is told without the values of variables, and without a secret that stands beside it."""
    text = CONFIG.replace("TOKEN", "a-token")
    assert old in text
    folder.config.write_text(text.replace(old, new, 1), encoding="utf-8")
    done = folder.call("check")
    assert done.code == 2
    assert "error[" in done.err
    assert shown(done.out + done.err) == []


@pytest.mark.parametrize("as_json", [False, True])
def test_explain(as_json: bool, folder: Folder) -> None:
    """Every event is explained without a secret; the payload shows that there is a token, and not which."""
    told = ""
    for item in EVENTS:
        done = folder.call("explain", dump_json(item).decode(), *(["--json"] if as_json else []))
        told += done.out + done.err
    assert "[redacted]" in told
    assert shown(told) == []


def test_explain_of_no_event(folder: Folder) -> None:
    """What is no event is told of without what stands in it."""
    done = folder.call("explain", BROKEN.decode())
    assert done.code == 2
    assert shown(done.out + done.err) == []


@pytest.mark.parametrize("options", [["--json"], []])
def test_a_dry_run(options: list[str], folder: Folder) -> None:
    """A dry run shows payloads and requests, its summary counts, and what could not be read is told: no secret."""
    done = folder.call("replay", str(folder.events), "--dry-run", *options)
    assert done.code == 0
    assert '"secret":"[redacted]"' in done.out or "--json" not in options
    assert shown(done.out + done.err) == []


RUNS = [
    ((), ()),
    (("--json",), ("429=0", "500", "reset", "success-false", "not-json", "accept-500", "truncated", "400")),
    (("--debug",), ("", "429=0", "success-false", "404")),
    (("--json", "--debug"), ("503=0", "reset", "422", "302")),
]


@pytest.mark.parametrize(("options", "faults"), RUNS)
def test_a_delivery(
    options: tuple[str, ...],
    faults: tuple[str, ...],
    folder: Folder,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A delivery with every kind of outcome and fault prints, logs and remembers no secret; with --debug no person."""
    log, checkpoint = io.StringIO(), folder.config.parent / "checkpoint"
    with stand_in(*faults, log=log) as stand:
        done = folder.call("replay", str(folder.events), "--checkpoint", str(checkpoint), *options, domain=stand.url)
        remembered = repr(list(stand.requests))
    printed = done.out + done.err + caplog.text + "".join(capfd.readouterr())
    assert stand.counts["requests"] > 10
    assert done.code in (3, 4)
    assert "m-1" in done.out or "--json" not in options
    assert "'Basic', authorized=True" in remembered
    assert shown(printed + log.getvalue() + remembered) == []
    assert "Authorization" not in printed
    assert "Basic " not in printed
    assert [word for word in SECRETS if word.encode() in checkpoint.read_bytes()] == []
    if "--debug" in options:
        assert "POST /v2/device/attach" in done.err
        assert shown(done.err + caplog.text, PEOPLE) == []


def test_refused_credentials(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    """When Rupt refuses the client id, it is told which setting to look at, and not what it holds."""
    log = io.StringIO()
    with stand_in(client_id="another", log=log) as stand:
        done = folder.call("replay", str(folder.events), "--debug", "--json", domain=stand.url)
    assert done.code == 3
    assert "settings.client_id" in done.err
    assert shown(done.out + done.err + caplog.text + log.getvalue()) == []
    assert shown(done.err + caplog.text, PEOPLE) == []


def test_a_host_that_cannot_be_reached(folder: Folder) -> None:
    """A connection that fails is told without headers, address and body."""
    done = folder.call("replay", str(folder.events), "--debug", "--limit", "1", domain="http://127.0.0.1:1")
    assert done.code == 4
    assert "connection refused" in done.err
    assert shown(done.out + done.err) == []
    assert shown(done.err, PEOPLE) == []


# What the workbench prints and writes


@pytest.mark.parametrize(
    "options",
    [["--format", "json"], ["--format", "sarif", "--notes"], ["--notes"], ["--diff", "--unsafe-fixes"], ["--proof"]],
)
def test_check_in_every_form(options: list[str], folder: Folder) -> None:
    """Problems, fixes and proofs are told without a secret, which tests and variables hold."""
    done = folder.call("check", *options)
    assert done.code in (0, 1)
    assert done.out
    assert shown(done.out + done.err) == []


@pytest.mark.parametrize("options", [[], ["--json"], ["-v"], ["--coverage", "--traffic", "EVENTS"], ["--update"]])
def test_tests(options: list[str], folder: Folder) -> None:
    """A failing test is told in words, diffs, JUnit and golden rows without what mappings and variables hide."""
    text = folder.config.read_text(encoding="utf-8")
    text = text.replace("metadata: {name", 'metadata: {key: "${RUPT_API_SECRET}", token: $.properties.token, name')
    folder.config.write_text(text, encoding="utf-8")
    suite = folder.config.with_name("rupt_test.yaml")
    suite.write_text(
        "tests:\n"
        "  - {name: one, mapping: Attach, events: events.jsonl, only: m-2, expect: {metadata: {}}}\n"
        "  - {name: all, mapping: Attach, events: events.jsonl, expect_rows: rows.jsonl}\n",
        encoding="utf-8",
    )
    junit = folder.config.with_name("junit.xml")
    given = [str(folder.events) if option == "EVENTS" else option for option in options]
    done = folder.call("test", "--junit", str(junit), *given)
    assert done.code == 1
    assert "rupt_test.yaml" in done.out
    assert shown(done.out + done.err + junit.read_text(encoding="utf-8")) == []
    written = [suite.read_text(encoding="utf-8")]
    written += [file.read_text(encoding="utf-8") for file in folder.config.parent.glob("rows.jsonl")]
    assert len(written) == 1 + ("--update" in options)
    assert shown("".join(written)) == []
    assert API_SECRET not in folder.config.read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [[], ["--json"], ["--markdown"]])
def test_a_plan(options: list[str], folder: Folder) -> None:
    """What an edit changes is shown by pseudonyms: no secret, and no person."""
    new = folder.config.with_name("new.yaml")
    text = folder.config.read_text(encoding="utf-8").replace("email: $.context.traits.email", "email: $.userId")
    new.write_text(
        text.replace("metadata: {name: $.context.traits.name}", "metadata: $.context").replace("rupt.token", "rupt"),
        encoding="utf-8",
    )
    done = folder.call("plan", "--from", str(folder.config), "--to", str(new), str(folder.events), *options)
    assert done.code == 5
    assert "email" in done.out
    assert shown(done.out + done.err) == []
    assert shown(done.out + done.err, PEOPLE) == []


def test_a_recording(folder: Folder) -> None:
    """What is recorded for version control, and what is said of it, has no secret and no person in it."""
    out = folder.config.with_name("recording.ndjson")
    key = "a-key-of-the-recording-which-nobody-shall-see"
    done = folder.call("record", "--from", str(folder.events), "--out", str(out), "--json", RUPT_RECORD_KEY=key)
    assert done.code == 0
    written = out.read_text(encoding="utf-8")
    assert len(written.splitlines()) > 10
    assert shown(written + done.out + done.err) == []
    assert shown(written + done.out + done.err, (*PEOPLE, key)) == []


# What a debugger or a traceback would print


def delivered(folder: Folder, log: io.StringIO) -> tuple[Destination, Job, Outcome]:
    """Deliver an event with a token and give what was at work."""
    found: list[Outcome] = []
    queue, job = MemoryQueue(), new_job("m-1", "Attach", dump_json(EVENTS[0]), 0.0)
    with stand_in(log=log) as stand:
        destination = load(folder.config, {**ENVIRONMENT, "RUPT_DOMAIN": stand.url})
        plan = compile_plan(destination.mappings[0], destination.settings)

        async def deliver() -> None:
            await queue.put([job], now=0.0)
            async with open_delivery(
                destination, queue, plan=lambda _job: plan(EVENTS[0], None), report=found.append
            ) as worker:
                worker.drain()
                await worker.run()

        asyncio.run(deliver())
    return destination, job, found[0]


def test_reprs(folder: Folder) -> None:
    """No repr shows a secret: of a destination, its settings, a job, its request, or who calls."""
    destination, job, outcome = delivered(folder, io.StringIO())
    assert outcome.request is not None
    assert outcome.request.token == TOKEN
    for item in (destination, destination.settings, destination.mappings, job, outcome.job, outcome.request):
        assert shown(repr(item)) == []
    assert API_SECRET not in repr(Credentials(CLIENT_ID, API_SECRET))
