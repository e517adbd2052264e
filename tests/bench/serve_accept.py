"""How many events a second `serve` accepts durably on one core, and how long a sender waits at half of that."""

import tempfile
from pathlib import Path
from typing import Final

import msgspec

from tests.bench.serve_bodies import write_destination
from tests.bench.serve_process import Loader, Server, Target, serving, target
from tests.bench.serve_tables import Column, show

WAYS: Final = ("receiving alone", "while delivering")
_COLUMNS: Final = (
    Column("events/s", "rate"),
    Column("CPU µs", "cpu", ".1f"),
    Column("of a core", "share", ".0%"),
    Column("delivered/s", "delivered"),
    Column("peak MB", "memory", join=max),
    Column("| at events/s", "slow"),
    Column("p50 ms", "p50", ".1f"),
    Column("p99 ms", "p99", ".1f"),
    Column("max ms", "worst", ".1f", max),
    Column("refused", "refused", join=sum),
)


class Accepted(msgspec.Struct, frozen=True):
    """One run: as fast as it goes, with CPU microseconds an event, then at `slow` events/s, with milliseconds."""

    rate: float
    cpu: float
    share: float
    delivered: float
    memory: float
    slow: float
    p50: float
    p99: float
    worst: float
    refused: int


def measure(server: Server, rupt: Target, *, seconds: float, rate: float | None) -> Accepted:
    """Warm up, find the maximum, then measure latencies at half of it, or at `rate` events a second."""
    loader = Loader(server.port)
    loader.send(seconds=seconds / 4)
    before, count = server.usage(), rupt.count()
    fast = loader.send(seconds=seconds)
    used, delivered = server.usage() - before, rupt.count() - count
    half = loader.send(seconds=seconds, rate=(rate or fast.rate / 2) / 100, connections=64)
    return Accepted(
        fast.rate,
        used.cpu / fast.events * 1e6,
        used.cpu / used.at,
        delivered / used.at,
        server.memory()[1],
        half.rate,
        half.p50 * 1e3,
        half.p99 * 1e3,
        half.worst * 1e3,
        fast.refused + half.refused,
    )


def run(*, rounds: int, seconds: float, rate: float | None) -> None:
    """Take turns between receiving alone and receiving while delivering, each in a fresh folder; print medians."""
    found: dict[str, list[Accepted]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            with tempfile.TemporaryDirectory() as name, target() as rupt:
                folder = Path(name)
                config = write_destination(folder, rupt.port)
                with serving(config, folder / "data", deliver=way != WAYS[0]) as server:
                    found[way].append(measure(server, rupt, seconds=seconds, rate=rate))
    show(f"accept: batches of 100 events of 700 bytes, 16 connections, one core, median of {rounds}", _COLUMNS, found)
