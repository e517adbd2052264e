"""How many requests a second the whole worker delivers from its queue, beside Node's fetch with the same bodies."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from connector import rupt
from connector.destination import load
from connector.events import Event, event_reader
from connector.pipeline import Planned
from connector.replay.rehearsal import planners
from tests.bench.serve_bodies import make_batch, write_destination
from tests.bench.serve_process import MEASURED, Loader, Process, Target, serving, started, target
from tests.bench.serve_tables import Column, ratio, show

HERE: Final = Path(__file__).parent
IN_FLIGHT: Final = 64
WARM: Final = 4.0  # seconds; Node compiles what is hot as it goes, and is measured warm
OURS, NODE = "serve", "Node's fetch"
_COLUMNS: Final = (
    Column("requests/s", "rate"),
    Column("CPU µs each", "cpu"),
    Column("of a core", "share", ".0%"),
    Column("MB", "memory"),
)


class Delivered(msgspec.Struct, frozen=True):
    """One run: requests a second, microseconds of CPU each, `share` of the core that the process had, peak MB."""

    rate: float
    cpu: float
    share: float
    memory: float


def bodies(config: Path, count: int) -> list[bytes]:
    """Give what the worker sends for so many pages, as it would send it."""
    destination = load(str(config), os.environ)
    read, plan = event_reader(destination.event_reads).read, next(iter(planners(destination).values()))
    batch = make_batch(0, count, pages_only=True)
    events = msgspec.json.decode(bytes(batch.text).partition(b"\r\n\r\n")[2], type=dict[str, msgspec.Raw])["batch"]
    made = []
    for raw in msgspec.json.decode(events, type=list[msgspec.Raw]):
        event = read(bytes(raw))
        assert isinstance(event, Event)
        planned = plan(event.data, None)
        assert isinstance(planned, Planned)
        made.append(rupt.body(planned.request))
    return made


def fill(config: Path, data: Path, jobs: int) -> None:
    """Let so many jobs wait in a folder: pages that are received and not delivered."""
    with serving(config, data, deliver=False) as server:
        Loader(server.port).send(batches=-(-jobs // 500), events=500, pages_only=True, connections=4)
        server.stop()


@contextmanager
def node(folder: Path, config: Path, port: int) -> Iterator[Process]:
    """Run Node's fetch on the measured core."""
    file = folder / "bodies.ndjson"
    file.write_bytes(b"\n".join(bodies(config, 500)))
    url = f"http://127.0.0.1:{port}/v2/device/attach"
    with started(["node", str(HERE / "node_fetch.cjs"), url, str(file), str(IN_FLIGHT)], MEASURED) as process:
        yield process


def measure(process: Process, rupt_: Target, seconds: float) -> Delivered:
    """Warm up, then count what comes to the target."""
    rupt_.wait_for(1)
    time.sleep(WARM)
    before, count = process.usage(), rupt_.count()
    time.sleep(seconds)
    used, delivered = process.usage() - before, rupt_.count() - count
    return Delivered(delivered / used.at, used.cpu / delivered * 1e6, used.cpu / used.at, process.memory()[1])


def run(*, rounds: int, seconds: float, jobs: int) -> None:
    """Fill a folder once, and let both deliver in turn; print medians and ratios."""
    found: dict[str, list[Delivered]] = {OURS: [], NODE: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with target() as rupt_:
            fill(write_destination(folder, rupt_.port), folder / "full", jobs)
        for _ in range(rounds):
            shutil.copytree(folder / "full", folder / "data")
            with target() as rupt_:
                config = write_destination(folder, rupt_.port, concurrency=IN_FLIGHT)
                with serving(config, folder / "data") as server:
                    found[OURS].append(measure(server, rupt_, seconds))
            shutil.rmtree(folder / "data")
            with target() as rupt_, node(folder, write_destination(folder, rupt_.port), rupt_.port) as process:
                found[NODE].append(measure(process, rupt_, seconds))
    show(f"deliver: {IN_FLIGHT} in flight, one core, {jobs:,} jobs waiting, median of {rounds}", _COLUMNS, found)
    rate, cpu = (ratio(found[OURS], found[NODE], field) for field in ("rate", "cpu"))
    print(f"  {OURS} beside {NODE}: {rate:.2f} times the requests/s, {cpu:.2f} of the CPU a request", flush=True)
