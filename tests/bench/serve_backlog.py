"""Whether a queue in which a million jobs wait is slower than an empty one, and what it takes of memory."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.serve_bodies import write_destination
from tests.bench.serve_deliver import measure as measure_delivery
from tests.bench.serve_process import Loader, serving, target
from tests.bench.serve_tables import Column, ratio, show

WAYS: Final = ("few", "many")
_COLUMNS: Final = (
    Column("accepted/s", "accepted"),
    Column("CPU µs", "accept_cpu", ".1f"),
    Column("delivered/s", "delivered"),
    Column("CPU µs", "deliver_cpu", ".1f"),
    Column("MB", "memory", join=max),
    Column("peak MB", "peak", join=max),
)


class Kept(msgspec.Struct, frozen=True):
    """One run over one folder: events accepted and jobs delivered a second, their CPU in microseconds, memory in MB."""

    accepted: float
    accept_cpu: float
    delivered: float
    deliver_cpu: float
    memory: float
    peak: float


def fill(config: Path, data: Path, jobs: int) -> None:
    """Let so many jobs wait in a folder, received over HTTP; print the rate at each tenth of the way, and memory."""
    with serving(config, data, deliver=False) as server:
        loader, tenth = Loader(server.port), max(1, jobs // 5_000)
        for part in range(10):
            report = loader.send(batches=tenth, events=500, pages_only=True, connections=4)
            now, peak = server.memory()
            print(
                f"  {report.pages * (part + 1):>12,} jobs{report.rate:>10,.0f}/s{now:>8.0f} MB, peak {peak:.0f}",
                flush=True,
            )
        server.stop()


def measure(folder: Path, data: Path, seconds: float) -> Kept:
    """Receive without delivering, then start again and deliver without receiving."""
    with target() as rupt:
        config = write_destination(folder, rupt.port)
        with serving(config, data, deliver=False) as server:
            loader = Loader(server.port)
            loader.send(seconds=seconds / 4)
            before = server.usage()
            fast = loader.send(seconds=seconds)
            used, (now, peak) = server.usage() - before, server.memory()
            server.stop()
        with serving(config, data) as server:
            slow = measure_delivery(server, rupt, seconds)
            then, highest = server.memory()
        cpu = used.cpu / fast.events * 1e6
        return Kept(fast.rate, cpu, slow.rate, slow.cpu, max(now, then), max(peak, highest))


def run(*, rounds: int, seconds: float, jobs: int) -> None:
    """Fill two folders, one with few jobs and one with many, and let them take turns; print medians and ratios."""
    found: dict[str, list[Kept]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name, target() as rupt:
        folder = Path(name)
        config = write_destination(folder, rupt.port)
        print(f"\nbacklog: {jobs:,} jobs are put, events/s as they grow")
        fill(config, folder / "many", jobs)
        os.sync()  # what the kernel has yet to write of the file just filled would slow both alike, but unevenly
        for _ in range(rounds):
            with serving(config, folder / "few", deliver=False) as server:  # as many as it can deliver meanwhile
                Loader(server.port).send(batches=400, events=100, pages_only=True)
                server.stop()
            for way in WAYS:
                found[way].append(measure(folder, folder / way, seconds))
            shutil.rmtree(folder / "few")
        size = sum(file.stat().st_size for file in (folder / "many").iterdir()) / 1e6
    title = f"backlog: {jobs:,} jobs waiting beside few, {size:,.0f} MB on disk, one core, median of {rounds}"
    show(title, _COLUMNS, found)
    accepted, delivered = (ratio(found["many"], found["few"], field) for field in ("accepted", "delivered"))
    print(f"  many beside few: accepts {accepted:.2f} times as fast, delivers {delivered:.2f} times", flush=True)
