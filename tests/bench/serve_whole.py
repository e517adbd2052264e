"""End to end, beside a Node service that keeps nothing: received, (on disk,) mapped, delivered, (settled)."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.replay_bench import FIELDS, PACKAGES
from tests.bench.serve_bodies import write_destination
from tests.bench.serve_process import Loader, Server, Target, free_port, listening, serving, target
from tests.bench.serve_tables import Column, ratio, show

HERE: Final = Path(__file__).parent
IN_FLIGHT: Final = 64
OURS: Final = "serve"
_COLUMNS: Final = (
    Column("events/s", "rate"),
    Column("CPU µs a delivery", "cpu"),
    Column("of a core", "share", ".0%"),
    Column("delivered", "done", ".2%", min),
    Column("peak MB", "memory", join=max),
)
_QUIET: Final = 0.2  # seconds of rest after the last delivery, for what is still to be written down


class Whole(msgspec.Struct, frozen=True):
    """One run: events a second until the last was delivered, CPU microseconds a delivery, `done` of what matched."""

    rate: float
    cpu: float
    share: float
    done: float
    memory: float


def packages(given: str | None, folder: Path) -> str:
    """Give the node_modules that has Segment's packages: the one that is given, or one that npm fills now."""
    if given:
        return given
    if shutil.which("npm") is None:
        sys.exit("no npm here: name a folder that has the packages, --node-modules DIR")
    subprocess.run(["npm", "install", "--silent", "--no-fund", *PACKAGES], cwd=folder, check=True)
    return str(folder / "node_modules")


@contextmanager
def node(folder: Path, modules: str, rupt: Target, answers: str) -> Iterator[Server]:
    """Run the Node service on the measured core."""
    subscription = {"name": "Attach", "partnerAction": "attach", "enabled": True, "subscribe": 'type = "page"'}
    file, port = folder / "subscriptions.json", free_port()
    file.write_text(json.dumps([subscription | {"mapping": FIELDS}]), encoding="utf-8")
    url = f"http://127.0.0.1:{rupt.port}/v2/device/attach"
    script = ["env", f"NODE_PATH={modules}", "node", str(HERE / "node_service.cjs")]
    with listening([*script, str(port), url, str(file), str(IN_FLIGHT), answers], port, folder / "node.log") as server:
        yield server


def measure(server: Server, rupt: Target, *, events: int, warm: int) -> Whole:
    """Send events as fast as they are taken; the measure ends when all that match have come to the target."""
    loader = Loader(server.port)
    expected = loader.send(batches=warm // 100).pages
    rupt.wait_for(expected)
    time.sleep(_QUIET)
    before, count = server.usage(), rupt.count()
    sent = loader.send(batches=events // 100)
    end = rupt.wait_for(expected + sent.pages)
    wall = end - sent.began
    time.sleep(_QUIET)
    cpu, delivered = (server.usage() - before).cpu, rupt.count() - count
    return Whole(sent.events / wall, cpu / delivered * 1e6, cpu / wall, delivered / sent.pages, server.memory()[1])


def run(*, rounds: int, events: int, node_modules: str | None) -> None:
    """Take turns, each service fresh; print medians, and ratios beside both of Node's ways to answer."""
    found: dict[str, list[Whole]] = {OURS: [], "Node, at-once": [], "Node, when-done": []}
    with tempfile.TemporaryDirectory() as name:
        modules = packages(node_modules, Path(name))
        for _ in range(rounds):
            for candidate, runs in found.items():
                with (
                    tempfile.TemporaryDirectory() as work,
                    target() as rupt,
                    _candidate(candidate, Path(work), modules, rupt) as server,
                ):
                    # Node compiles what is hot as it goes: it is measured warm, as a service that runs for days is.
                    runs.append(measure(server, rupt, events=events, warm=events // 2))
    title = f"whole: {events:,} events in batches of 100, 16 connections, one core, median of {rounds}"
    show(title, _COLUMNS, found)
    for candidate in list(found)[1:]:
        rate, cpu = (ratio(found[OURS], found[candidate], field) for field in ("rate", "cpu"))
        print(
            f"  {OURS} beside {candidate}: {rate:.2f} times the events/s, {cpu:.2f} of the CPU a delivery", flush=True
        )


def _candidate(name: str, folder: Path, modules: str, rupt: Target) -> AbstractContextManager[Server]:
    if name == OURS:
        return serving(write_destination(folder, rupt.port, concurrency=IN_FLIGHT), folder / "data")
    return node(folder, modules, rupt, name.removeprefix("Node, "))
