"""The processes of the benches of `serve`: each on a core that is named, watched from outside, ended with its block.

What a process costs is what the operating system says of it: CPU seconds of all of its threads, memory now and at most.
"""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from tests.bench.serve_bodies import CAPACITY
from tests.bench.serve_load import Load, Report

ROOT: Final = Path(__file__).parents[2]
CORES: Final = sorted(os.sched_getaffinity(0))
MEASURED, OTHERS = CORES[0], CORES[-1]
_TICK: Final = os.sysconf("SC_CLK_TCK")
_PATIENCE: Final = 60.0
_ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


class Usage(msgspec.Struct, frozen=True):
    """What a process has used until a moment: wall and CPU seconds."""

    at: float
    cpu: float

    def __sub__(self, earlier: Self) -> "Usage":
        return Usage(self.at - earlier.at, self.cpu - earlier.cpu)


class Process:
    """A child that runs on one core."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self.child = child

    def usage(self) -> Usage:
        """Say what it has used."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return Usage(time.perf_counter(), (int(fields[11]) + int(fields[12])) / _TICK)

    def memory(self) -> tuple[float, float]:
        """Give its memory now and at most, in MB."""
        status = Path(f"/proc/{self.child.pid}/status").read_text(encoding="ascii")
        found = dict(line.split(":", 1) for line in status.splitlines())
        return tuple(int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]

    def line(self) -> str:
        """Read a line that it prints; raises RuntimeError with its words when it has ended instead."""
        assert self.child.stdout is not None
        if text := self.child.stdout.readline():
            return text
        raise RuntimeError(f"exit code {self.child.wait()}: {' '.join(map(str, self.child.args))}")  # type: ignore[arg-type]

    def stop(self) -> int:
        """Ask it to end, and say its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(_PATIENCE)


@contextlib.contextmanager
def started(command: list[str], core: int, *, log: Path | None = None) -> Iterator[Process]:
    """Run a command on a core, with all of its threads; its words go to `log`, or to where ours go."""
    own = os.sched_getaffinity(0)
    with contextlib.ExitStack() as stack:
        words = None if log is None else stack.enter_context(log.open("ab"))
        os.sched_setaffinity(0, {core})  # the child inherits it, before it can start a thread
        try:
            child = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=words, text=True, cwd=ROOT, env=_ENVIRONMENT
            )
        finally:
            os.sched_setaffinity(0, own)
        try:
            yield Process(child)
        finally:
            child.kill()
            child.communicate()


def module(name: str, *arguments: str) -> list[str]:
    """Give the command that runs a module of the benches."""
    return [sys.executable, "-m", f"tests.bench.{name}", *arguments]


def free_port() -> int:
    """Find a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Target(Process):
    """The stand-in for Rupt, and how many requests it has answered."""

    port: int

    def count(self) -> int:
        """Ask how many requests it has answered with 200."""
        return int(ask(self.port, "/count"))

    def spoil(self, faults: float) -> None:
        """Let it answer so many of all requests with 500 or 429 from now on."""
        ask(self.port, f"/faults/{faults}")

    def wait_for(self, count: int, *, patience: float = _PATIENCE) -> float:
        """Wait until it has answered so many, and say when; TimeoutError when it gets none for a time."""
        seen, since = -1, time.perf_counter()
        while (now := self.count()) < count:
            if now != seen:
                seen, since = now, time.perf_counter()
            elif time.perf_counter() - since > patience:
                raise TimeoutError(f"{now:,} of {count:,} requests came, and then none for {patience:.0f} seconds")
            time.sleep(0.01)
        return time.perf_counter()


@contextlib.contextmanager
def target() -> Iterator[Target]:
    """Run a target on the other core."""
    with started(module("serve_target"), OTHERS) as process:
        running = Target(process.child)
        running.port = int(running.line())
        yield running


def ask(port: int, path: str) -> str:
    """GET a path of a process on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


class Server(Process):
    """A server that takes batches on a port."""

    port: int


def command_of_ours() -> list[str]:
    """Give the installed command, as a user runs it."""
    installed = Path(sysconfig.get_path("scripts")) / "rupt-connector"
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "connector"]


@contextlib.contextmanager
def serving(config: Path, data: Path, *, deliver: bool = True) -> Iterator[Server]:
    """Run `rupt-connector serve` on the measured core until the block ends."""
    port = free_port()
    options = ["--config", str(config), "--data", str(data), "--port", str(port), "--capacity", str(CAPACITY)]
    more = [] if deliver else ["--deliver", "false"]
    with listening([*command_of_ours(), "serve", *options, *more], port, data.parent / "serve.log") as server:
        yield server


@contextlib.contextmanager
def listening(command: list[str], port: int, log: Path) -> Iterator[Server]:
    """Run a server on the measured core, and wait until it listens on its port."""
    with started(command, MEASURED, log=log) as process:
        server = Server(process.child)
        server.port = port
        until = time.perf_counter() + _PATIENCE
        while not _listens(port):
            if process.child.poll() is not None or time.perf_counter() > until:
                raise RuntimeError(f"{' '.join(command)}: {log.read_text(encoding='utf-8')[-2000:]}")
            time.sleep(0.02)
        yield server


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Loader:
    """Sends loads to one server, one after the other, with messageIds that never come again."""

    def __init__(self, port: int, *, number: int = 1) -> None:
        self._port, self._number = port, number

    def send(self, **load: object) -> Report:
        """Send a Load (its fields as keywords), and give what was answered in all of it."""
        return list(self.reports(**load))[-1]

    def reports(self, **load: object) -> Iterator[Report]:
        """Send a Load, and give a Report of each `every` seconds as it comes."""
        given = msgspec.convert({"port": self._port, "number": self._number, **load}, Load)
        with started(module("serve_load", msgspec.json.encode(given).decode()), OTHERS) as process:
            report = msgspec.json.decode(process.line(), type=Report)
            while True:
                self._number += report.batches
                yield report
                assert process.child.stdout is not None
                if not (line := process.child.stdout.readline()):
                    return
                report = msgspec.json.decode(line, type=Report)
