"""Victims for the tests: each does what a scenario says in a process of its own, until it is killed or ends."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("powercut.c")


class Ended(NamedTuple):
    """How a victim ended: its exit code, what it said, and the log of what it did to its folder."""

    code: int
    words: list[str]
    log: Path

    @property
    def killed(self) -> bool:
        """Whether it was killed before it ended by itself."""
        return self.code == -9


class Stage:
    """Starts victims, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]", scratch: Path) -> None:
        self._process, self._scratch, self._count = process, scratch, 0

    def perform(
        self,
        scenario: str,
        folder: Path,
        *,
        after: int | None = None,
        seconds: float | None = None,
        **arguments: object,
    ) -> Ended:
        """Let a victim perform a scenario in a folder; kill it before its change `after`, or when `seconds` are over.

        Raises AssertionError with the victim's own words when it fails by itself.
        """
        self._count += 1
        log, words, errors = (self._scratch / f"{self._count}.{kind}" for kind in ("log", "words", "errors"))
        environment = {"POWERCUT_FOLDER": str(folder), "POWERCUT_LOG": str(log)}
        if after is not None:
            environment["POWERCUT_AFTER"] = str(after)
        order: dict[str, object] = {
            "scenario": scenario,
            "folder": str(folder),
            "arguments": arguments,
            "environment": environment,
            "seconds": seconds,
            "words": str(words),
            "errors": str(errors),
        }
        code = self._order(order)
        assert code in (0, -9), f"the victim ended with {code}:\n{errors.read_text()}"
        return Ended(code, words.read_text().splitlines() if words.exists() else [], log)

    def _order(self, order: dict[str, object]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline() or "1")


@contextmanager
def open_stage(scratch: Path, library: Path | None = None) -> Iterator[Stage]:
    """Run a stage; `scratch` holds what its victims leave. With a library, made of powercut.c, all they do is noted."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if library is not None:
        environment["LD_PRELOAD"] = str(library)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.crash.stage"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Stage(process, scratch)
        finally:
            process.kill()


def has_compiler() -> bool:
    """Say whether powercut.c can be compiled; CI always says yes, and fails where it cannot."""
    return shutil.which("cc") is not None or "CI" in os.environ


def compile_library(folder: Path) -> Path:
    """Compile powercut.c."""
    library = folder / "powercut.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    done = subprocess.run(["cc", *flags, "-o", library, SOURCE, "-ldl"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library
