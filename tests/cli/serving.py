"""The server as tests run it: a process of its own on a free port, with its log read line by line."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import environ
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

from tests.cli.command import ROOT

PATIENCE = 20.0  # seconds after which something that was waited for has failed


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Serving:
    """A running server: `lines` is its log so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process, self.lines, self.url = process, list[dict[str, Any]](), ""
        self.other = list[str]()  # what it said that is no JSON
        self._coming: SimpleQueue[str | None] = SimpleQueue()
        Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._coming.put(line)
        self._coming.put(None)

    def wait_for(self, event: str, **keys: object) -> dict[str, Any]:
        """Wait for a line of the log."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._coming.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                raise AssertionError(f"no {event!r} in {self.lines} {self.other}") from None
            assert line is not None, f"it ended without {event!r}: {self.lines} {self.other}"
            found = self._take(line)
            if found.get("event") == event and all(found.get(key) == value for key, value in keys.items()):
                return found

    def _take(self, line: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(line)
        except ValueError:
            self.other.append(line)
            return {}
        self.lines.append(found)
        return found

    def ask(self, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send a request and wait for the answer."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return Answer(answer.status, dict(answer.headers), _read_json(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), _read_json(error.read()))

    def wait_until(self, path: str, wanted: str) -> str:
        """Ask for a page until it holds a text."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
                text: str = answer.read().decode()
            if wanted in text:
                return text
        raise AssertionError(f"no {wanted!r} in {text}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal, and wait for its exit code; what it still said is in `lines`."""
        self.process.send_signal(number)
        return self.finish()

    def finish(self) -> int:
        """Wait for its end."""
        code = self.process.wait(PATIENCE)
        while (line := self._coming.get(timeout=PATIENCE)) is not None:
            self._take(line)
        return code


def _read_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


@contextmanager
def started(config: Path, data: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """Start a server, and kill it with the block if it has not ended by then."""
    command = [sys.executable, "-m", "connector", "serve", "--config", str(config), "--data", str(data), "--port", "0"]
    kept = {**environ, "PYTHONPATH": str(ROOT), "RUPT_MIN_FREE": "1MB", **(env or {})}
    with subprocess.Popen(
        [*command, *options], env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield Serving(process)
        finally:
            process.kill()


@contextmanager
def serving(config: Path, data: Path, *options: str, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """Run a server that listens."""
    with started(config, data, *options, env=env) as server:
        server.url = server.wait_for("listening")["url"]
        yield server
