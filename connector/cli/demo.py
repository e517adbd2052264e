"""`rupt-connector demo`: the main job from nothing, on requests that were recorded from real Segment SDKs."""

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

import click
import msgspec

from connector.app import open_delivery, open_queue
from connector.cli.demo_plan import plan_edit
from connector.cli.streams import Streams
from connector.cli.summary import headline, tell_summary
from connector.delivery import Outcome
from connector.destination import Destination, load
from connector.events import Event
from connector.expectations import run_tests
from connector.pipeline import Planned, compile_plan
from connector.replay.live import Feed, deliver
from connector.replay.rehearsal import Rehearsal
from connector.routes import Routes
from connector.rows import requests_base
from connector.sources.files import read_events
from connector.twin import Faults, Project, StandIn, running_twin
from connector.values import dump_json

CONFIG: Final = """\
destination: rupt
settings:
  client_id: ${DEMO_CLIENT_ID}
  api_secret: ${DEMO_API_SECRET}
  new_account_url: https://app.example.com/sign-up
  logout_url: https://app.example.com/logout
  domain: ${DEMO_URL}
  max_event_age: none          # recorded events are old
  device_identity: optional    # what servers recorded names no device
mappings:
  - preset: attach-device      # every page view
    fields:
      metadata: {plan: $.context.traits.plan, title: "{{properties.title}} ({{name}})"}
  - preset: attach-on-identify
  - preset: conversions        # Signed Up, Trial Started, Upgraded
  - preset: update-user        # identify and group
"""
EDIT: Final = (  # of a line: what it was, and what it shall be
    "  - preset: attach-device      # every page view\n",
    '  - preset: attach-device\n    trigger: type = "page" and userId != null    # who is known\n',
)
FAULTS: Final = ("429=1", "500")  # what the stand-in answers first, so that the demo shows retries
EXAMPLE: Final = "Pricing"  # the page whose request is shown
_HERE: Final = Path(__file__).parents[1]


def recorded_folder() -> Path:
    """Give the folder of the recorded requests: inside the package when installed, among the tests in a checkout."""
    installed = _HERE / "_data" / "samples" / "sdk"
    return installed if installed.is_dir() else _HERE.parent / "tests" / "samples" / "sdk"


@click.command("demo")
@click.pass_obj
def command(streams: Streams) -> int:
    """Check a destination file, rehearse recorded events, deliver them to a stand-in, and say what happened to each.

    It takes a few seconds, writes no file and sends nothing to Rupt.
    """
    return asyncio.run(_demo(streams))


async def _demo(streams: Streams) -> int:
    faults = Faults(random=Random(1))
    faults.add(*FAULTS)
    async with running_twin(Project(client_id="demo-client", api_secret="demo-secret"), faults=faults) as stand:
        environment = {
            "DEMO_URL": stand.url,
            "DEMO_CLIENT_ID": "demo-client",
            "DEMO_API_SECRET": "demo-secret",
        }
        destination = _load(environment)
        failed = _check(streams, destination)
        events = [item for _, _, item in read_events([str(recorded_folder())], reads=None) if isinstance(item, Event)]
        _rehearse(streams, destination, events)
        await _deliver(streams, destination, events)
        _plan(streams, environment)
        _conclude(streams, stand)
    return 1 if failed else 0


def _load(environment: Mapping[str, str]) -> Destination:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rupt.yaml"
        file.write_text(CONFIG, encoding="utf-8")
        return load(file, environment)


def _check(streams: Streams, destination: Destination) -> int:
    count, failed = run_tests(destination)
    streams.print("1. A destination file says which events become which Rupt action:\n")
    streams.print("".join(f"     {line}" for line in CONFIG.splitlines(keepends=True)))
    tests = f"all {count} tests in them pass" if not failed else f"tests in them fail: {len(failed)}"
    streams.print(f"   The presets are mappings too; {tests}.\n")
    return len(failed)


def _rehearse(streams: Streams, destination: Destination, events: list[Event]) -> None:
    rehearsal = Rehearsal(destination, oldest=None, write=None, say=streams.say)
    rehearsal.run(("", 1, event) for event in events)
    streams.print(
        "2. A dry run of ten requests, recorded from Segment's Python, Node and browser SDKs, sends nothing:\n"
    )
    streams.print(f"     {headline(rehearsal.summary)}\n")
    example = next(event for event in events if event.data.get("name") == EXAMPLE)
    matched = Routes(destination).match(example.data)
    assert not isinstance(matched, str)
    mapping = matched[0]
    plan = compile_plan(mapping, destination.settings)(example.data, None)
    assert isinstance(plan, Planned)
    body = msgspec.json.format(dump_json(plan.request.body), indent=2).decode()
    streams.print(f"   With --json it shows each request. The page {EXAMPLE!r} becomes:\n")
    streams.print(f"     {plan.request.method} {requests_base(destination.settings)}{plan.request.path}")
    streams.print("".join(f"     {line}\n" for line in body.splitlines()))


async def _deliver(streams: Streams, destination: Destination, events: list[Event]) -> None:
    feed = Feed(destination, oldest=None, write=None, say=streams.say, now=time.time)
    told = defaultdict[str, list[str]](list)

    def report(outcome: Outcome) -> None:
        feed.report(outcome)
        told[outcome.job.message_id].append(_told(outcome))

    queue = open_queue()
    async with open_delivery(destination, queue, plan=feed.plan, report=report) as worker:
        await deliver((("", 1, event) for event in events), feed, queue, worker, show=lambda: None)
    streams.print("3. The same events delivered, to a stand-in for Rupt that first answers 429 and 500:\n")
    for event in events:
        first, *others = told[event.message_id] or ["filtered: no trigger holds for it"]
        streams.print(f"     {_named(event):33}  {first}")
        for other in others:
            streams.print(f"     {'':33}  {other}")
    streams.print("")
    tell_summary(streams, feed.summary, destination, as_json=False)


def _named(event: Event) -> str:
    name = event.data.get("event") or event.data.get("name") or ""
    return f"{event.type:8} {name:15} {event.data.get('userId') or ''}"


def _told(outcome: Outcome) -> str:
    attempts = f" at attempt {outcome.attempts}" if outcome.attempts > 1 else ""
    why = f": {' '.join(outcome.problems)}" if outcome.problems else ""
    return f"{outcome.state}{attempts} by {outcome.job.mapping}{why}"


def _plan(streams: Streams, environment: Mapping[str, str]) -> None:
    new = CONFIG.replace(*EDIT)
    told = plan_edit(streams, CONFIG, new, environment, str(recorded_folder()))
    streams.print("\n4. A page of somebody unknown is invalid. Before an edit, `plan` says what it changes:\n")
    streams.print("".join(f"     {line}\n" if line else "\n" for line in told.splitlines()))


def _conclude(streams: Streams, stand: StandIn) -> None:
    users, devices = len(stand.twin.users), len(stand.twin.devices)
    refused = stand.counts["429"] + stand.counts["500"]
    streams.print(f"""
The stand-in was sent {stand.counts["requests"]} requests: it refused {refused}, which were sent again, and knows
{users} users and {devices} devices now. Nothing left this machine, and Rupt itself was not asked.

Next:  rupt-connector init            writes a first rupt.yaml
       rupt-connector check           checks it
       rupt-connector explain EVENT   says what becomes of an event, and why
       rupt-connector replay --help   sends recorded events, or says what would be sent""")
