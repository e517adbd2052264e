"""`rupt-connector demo`: the main job from nothing, on requests that were recorded from real Segment SDKs."""

import asyncio
import io
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Final

import click

from connector.app import open_delivery, open_queue
from connector.cli.streams import Streams
from connector.cli.summary import tell_summary
from connector.destination import Destination, load
from connector.expectations import run_tests
from connector.replay.live import Feed, deliver
from connector.replay.rehearsal import Rehearsal
from connector.sources.files import read_events
from connector.twin import Faults, Project, StandIn, running_twin

CONFIG: Final = """\
destination: rupt
settings:
  client_id: ${DEMO_CLIENT_ID}
  api_secret: ${DEMO_API_SECRET}
  new_account_url: https://app.example.com/sign-up
  logout_url: https://app.example.com/logout
  domain: ${DEMO_URL}
  max_event_age: none                # recorded events are old
  device_identity: optional
mappings:
  - preset: attach-device            # every page view
    fields:
      metadata: {plan: $.context.traits.plan, title: "{{properties.title}} ({{name}})"}
  - preset: attach-on-identify
  - preset: conversions              # Signed Up, Trial Started, Upgraded
  - preset: update-user              # identify and group
"""
FAULTS: Final = ("429=1", "500")  # what the stand-in answers first, so that the demo shows a retry
_HERE: Final = Path(__file__).parents[1]


def recorded_folder() -> Path:
    """Give the folder of the recorded requests: inside the package when installed, among the tests in a checkout."""
    installed = _HERE / "_data" / "samples" / "sdk"
    return installed if installed.is_dir() else _HERE.parent / "tests" / "samples" / "sdk"


@click.command("demo")
@click.pass_obj
def command(streams: Streams) -> int:
    """Check a destination file, rehearse recorded events, deliver them to a built-in stand-in, and say what happened."""
    return asyncio.run(_demo(streams))


async def _demo(streams: Streams) -> int:
    log = io.StringIO()
    faults = Faults(random=Random(1))
    faults.add(*FAULTS)
    async with running_twin(
        Project(client_id="demo-client", api_secret="demo-secret"), faults=faults, log=log
    ) as stand:
        destination = _load(stand.url)
        streams.print("1. The destination file says which events become which Rupt action:\n")
        streams.print("".join(f"     {line}" for line in CONFIG.splitlines(keepends=True)))
        count, failed = run_tests(destination)
        streams.print(
            f"   It has {len(destination.mappings)} mappings; {count - len(failed)} of {count} tests in it pass.\n"
        )
        _rehearse(streams, destination)
        await _deliver(streams, destination)
        _conclude(streams, stand)
    return 1 if failed else 0


def _load(url: str) -> Destination:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rupt.yaml"
        file.write_text(CONFIG, encoding="utf-8")
        return load(file, {"DEMO_URL": url, "DEMO_CLIENT_ID": "demo-client", "DEMO_API_SECRET": "demo-secret"})


def _rehearse(streams: Streams, destination: Destination) -> None:
    rehearsal = Rehearsal(destination, oldest=None, write=None, say=streams.say)
    rehearsal.run(read_events([str(recorded_folder())], reads=destination.event_reads))
    streams.print("2. A dry run of ten requests that were recorded from Segment's Python, Node and browser SDKs:\n")
    tell_summary(streams, rehearsal.summary, destination, as_json=False)


async def _deliver(streams: Streams, destination: Destination) -> None:
    feed = Feed(destination, oldest=None, write=None, say=streams.say, now=time.time)
    items = read_events([str(recorded_folder())], reads=destination.event_reads)
    queue = open_queue()
    async with open_delivery(destination.settings, queue, plan=feed.plan, report=feed.report) as worker:
        await deliver(items, feed, queue, worker, show=lambda: None)
    streams.print("\n3. The same events delivered, to a stand-in for Rupt that first answers 429 and 500:\n")
    tell_summary(streams, feed.summary, destination, as_json=False)


def _conclude(streams: Streams, stand: StandIn) -> None:
    users, devices = len(stand.twin.users), len(stand.twin.devices)
    again = stand.counts["429"] + stand.counts["500"]
    streams.print(
        f"\nThe stand-in was sent {stand.counts['requests']} requests, {again} of them once more after its refusals, and\n"
        f"now knows {users} users and {devices} devices. Nothing left this machine; Rupt itself was not asked.\n\n"
        "Next:  rupt-connector init            writes a first rupt.yaml\n"
        "       rupt-connector check           checks it\n"
        "       rupt-connector replay --help   sends recorded events, or says what would be sent"
    )
