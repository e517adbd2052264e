"""The command as tests call it: in this process on streams of its own, or as a process that can be interrupted."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from connector.cli.main import run

ROOT = Path(__file__).parents[2]
SDK = ROOT / "tests" / "samples" / "sdk"


class Done(NamedTuple):
    """What a command has left: its exit code, data and words."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The lines of its standard output, each as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """Standard error of a person who looks at it."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


class Screen(io.BytesIO):
    """Standard output of a person who looks at it."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def call(
    *args: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    stdout: io.BytesIO | None = None,
    stderr: io.StringIO | None = None,
) -> Done:
    """Run a command in this process; its environment holds nothing but a client id."""
    out, err = stdout or io.BytesIO(), stderr or io.StringIO()
    code = run(
        [str(arg) for arg in args],
        stdin=io.BytesIO(stdin),
        stdout=out,
        stderr=err,
        env={"RUPT_CLIENT_ID": "client-1"} if env is None else env,
    )
    return Done(code, out.getvalue().decode(), err.getvalue())


class Process:
    """A command that runs as a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def read_word_line(self) -> str:
        """Wait for a line of its words."""
        assert self._process.stderr is not None
        return self._process.stderr.readline()

    def read_data_line(self) -> str:
        """Wait for a line of its data."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def write(self, text: bytes) -> None:
        """Write to its standard input, and leave that open."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.decode())
        self._process.stdin.flush()

    def close_output(self) -> None:
        """Read no more of its data."""
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.stdout = None

    def finish(self) -> Done:
        """Wait for its end, not for ever, and give what was not read yet; its standard input stays open until then."""
        code = self._process.wait(20)
        out, err = self._process.stdout, self._process.stderr
        return Done(code, out.read() if out else "", err.read() if err else "")


@contextmanager
def start(
    *args: str | Path,
    cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
) -> Iterator[Process]:
    """Start a command, and end it with the block if it has not ended by itself."""
    command = [sys.executable, "-m", "connector", *map(str, args)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RUPT_CLIENT_ID": "client-1"}
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=stdin, stdout=stdout, stderr=stderr, text=True, encoding="utf-8"
    ) as process:
        try:
            yield Process(process)
        finally:
            process.kill()


def write_config(folder: Path, *mappings: str, settings: Sequence[str] = ()) -> Path:
    """Write a destination file: settings and mappings as lines of YAML; without mappings every page is attached."""
    lines = [
        "destination: rupt",
        "settings:",
        "  client_id: client-1",
        "  new_account_url: https://app.example.com/sign-up",
        *(f"  {setting}" for setting in settings),
        "mappings:",
        *(f"  - {mapping}" for mapping in mappings or ("preset: attach-device",)),
    ]
    file = folder / "rupt.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def page(number: int, **more: Any) -> dict[str, Any]:
    """Make a page event of its own user and device."""
    return {
        "type": "page",
        "messageId": f"m-{number}",
        "userId": f"user-{number}",
        "anonymousId": f"anon-{number}",
        "timestamp": "2026-11-21T08:00:00.000Z",
        "name": "Home",
        "context": {"page": {"path": "/home"}},
        "properties": {"path": "/home"},
        **more,
    }


def lines(*events: object) -> bytes:
    """Write values as lines of JSON."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def write_events(file: Path, *events: object) -> Path:
    """Write a recording."""
    file.write_bytes(lines(*events))
    return file
