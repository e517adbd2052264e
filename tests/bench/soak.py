"""`serve` at 70 % of its maximum for ten minutes: is memory flat, is latency, does anything pile up?

`python -m tests.bench.soak [--minutes 10] [--faults 0.01]` finds the maximum first: events received, delivered and
settled a second on one core. Then it prints a line a minute, and the slope of each figure over the minutes after the
first. It judges nothing.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import linear_regression, mean
from typing import Final

import msgspec

from tests.bench.serve_bodies import write_destination
from tests.bench.serve_load import Report
from tests.bench.serve_process import Loader, Server, Target, serving, target
from tests.bench.serve_tables import Column, line
from tests.bench.serve_whole import measure as measure_whole

_COLUMNS: Final = (
    Column("events/s", "rate"),
    Column("p50 ms", "p50", ".1f"),
    Column("p99 ms", "p99", ".1f"),
    Column("max ms", "worst", ".1f"),
    Column("refused", "refused"),
    Column("not delivered", "waiting"),
    Column("MB", "mb", ".1f"),
    Column("peak MB", "peak", ".1f"),
    Column("WAL MB", "wal", ".1f"),
    Column("files MB", "files"),
    Column("CPU µs", "cpu", ".1f"),
)
_FLAT: Final = ("mb", "p50", "p99", "cpu", "waiting", "wal")


class Minute(msgspec.Struct, frozen=True):
    """One minute: events a second, milliseconds, matching events not delivered yet, MB, CPU microseconds an event."""

    rate: float
    p50: float
    p99: float
    worst: float
    refused: int
    waiting: int
    mb: float
    peak: float
    wal: float
    files: float
    cpu: float


def watch(server: Server, data: Path, report: Report, *, cpu: float, waiting: int) -> Minute:
    """Look at the server when a minute has passed."""
    sizes = {file.name: file.stat().st_size / 1e6 for file in data.iterdir() if file.is_file()}
    wal = sum(size for name, size in sizes.items() if name.endswith("-wal"))
    return Minute(
        report.rate,
        report.p50 * 1e3,
        report.p99 * 1e3,
        report.worst * 1e3,
        report.refused,
        waiting,
        *server.memory(),
        wal,
        sum(sizes.values()) - wal,
        cpu / max(1, report.events) * 1e6,
    )


def soak(server: Server, rupt: Target, data: Path, *, minutes: float, minute: float, most: float) -> list[Minute]:
    """Send at 70 % of the maximum, and print what is seen each minute."""
    print(f"minute{line(_COLUMNS)}", flush=True)
    seen, due, before = list[Minute](), rupt.count(), server.usage()
    load = {"seconds": minutes * minute, "rate": 0.7 * most / 100, "connections": 64, "every": minute}
    for report in Loader(server.port, number=1 << 31).reports(**load):
        if report.took < minute / 2:
            break  # the last answers, after the last minute
        due, now = due + report.pages, server.usage()
        seen.append(watch(server, data, report, cpu=(now - before).cpu, waiting=due - rupt.count()))
        before = now
        print(f"{len(seen):>6}{line(_COLUMNS, seen[-1])}", flush=True)
    return seen


def slopes(seen: list[Minute]) -> None:
    """Print how each figure has changed a minute, beside its mean, leaving out the first minute."""
    rest = seen[1:]
    if len(rest) < 2:
        return
    for column in _COLUMNS:
        if column.field in _FLAT:
            values = [float(getattr(minute, column.field)) for minute in rest]
            slope = linear_regression(range(len(values)), values).slope
            print(f"  {column.words:<14} mean {mean(values):>10,.2f}   slope {slope:>+10.3f} a minute")


def main() -> None:
    """Find the maximum, soak, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--minute", type=float, default=60, help="seconds of a minute, for a quick look")
    parser.add_argument("--faults", type=float, default=0.0, help="of all deliveries, those that get 500 or 429")
    parser.add_argument("--events", type=int, default=60_000, help="by which the maximum is found")
    parser.add_argument("--rate", type=float, help="the maximum in events a second, when it is known")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, target() as rupt:
        folder = Path(name)
        with serving(write_destination(folder, rupt.port), folder / "data") as server:
            most = options.rate
            if most is None:
                most = measure_whole(server, rupt, events=options.events, warm=options.events // 4).rate
            print(f"maximum: {most:,.0f} events/s, sent: {0.7 * most:,.0f}, faults: {options.faults:.1%}", flush=True)
            rupt.spoil(options.faults)
            seen = soak(server, rupt, folder / "data", minutes=options.minutes, minute=options.minute, most=most)
            slopes(seen)
            print(f"exit code {server.stop()}")


if __name__ == "__main__":
    main()
