"""One data folder, and server after server on it, each killed, while a sender sends and the stand-in misbehaves."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from connector.steps import STEPS
from tests.cli.standing import standing
from tests.crash.forks import ROOT, Ended, Stage, open_stage
from tests.crash.outcome import Name, Outcome, compare

RATE: Final = 150.0  # events a second

_LONGEST_END: Final = 90.0  # seconds: the SDK waits up to half a minute before it tries a batch again

# A tenth of all requests, of every kind there is. (An answer that says nothing was done, as 429 does, tells the truth.)
FAULTS: Final = (
    "429=0.05:0.01,503=0.05:0.01,500:0.01,408:0.005,423:0.005,501:0.002,400:0.003,404:0.002,401:0.001,302:0.001,"
    "reset:0.01,success-false:0.003,not-json:0.005,truncated:0.01,slow=0.05:0.01,accept-500:0.006,accept-502:0.002,"
    "accept-reset:0.005,accept-latency=0.05:0.02,latency=0.05:0.02"
)

_CONFIG: Final = """\
destination: rupt
settings:
  client_id: client-1
  new_account_url: https://app.example.com/sign-up
  domain: {url}
  ordering: {ordering}
  delivery: {{attempts: 1000, window: 1h, first_retry: 1ms, timeout: 2s, concurrency: 16}}
mappings:
  - name: Pages
    action: attach
    trigger: type = "page"
    fields: {{account: $.userId, metadata: {{message: $.messageId, mapping: Pages}}}}
  - name: Both
    action: attach
    trigger: type = "page" and properties.both = true
    fields: {{account: $.userId, metadata: {{message: $.messageId, mapping: Both}}}}
"""


class Chain(NamedTuple):
    """What came of a chain: the kills by step, or `start` and `at work` for those at any moment; and how all ended."""

    kills: Counter[str]
    outcome: Outcome


def run_chain(folder: Path, *, seed: int, kills: int, ordering: str) -> Chain:
    """Kill so many servers on a folder, let the last one finish, and compare what everybody says."""
    dice, killed = Random(seed), Counter[str]()
    with standing(rates=FAULTS) as twin, _reserved_port() as port, open_stage(folder) as stage:
        twin.stand.requests = deque()
        config = folder / "rupt.yaml"
        config.write_text(_CONFIG.format(url=twin.url, ordering=ordering), encoding="utf-8")
        victims = _Victims(stage, folder / "data", config, port)
        with _Sender(port, f"m-{seed}") as sender:
            while killed.total() < kills:
                killed[victims.kill_one(dice)] += 1
            sent = victims.finish(sender)
        return Chain(killed, compare(_jobs_of(f"m-{seed}", sent), list(twin.stand.requests), folder / "data"))


def _jobs_of(prefix: str, sent: int) -> Iterator[Name]:
    for number in range(sent):
        yield f"{prefix}-{number}", "Pages"
        if number % 3 == 0:
            yield f"{prefix}-{number}", "Both"


@contextmanager
def _reserved_port() -> Iterator[int]:
    """Keep a port for the servers: it is bound all the time, and nobody listens when no server does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        yield int(door.getsockname()[1])


class _Victims:
    """The servers of one folder."""

    def __init__(self, stage: Stage, folder: Path, config: Path, port: int) -> None:
        self._stage, self._folder, self._config, self._port = stage, folder, config, port

    def kill_one(self, dice: Random) -> str:
        """Start a server and kill it: at a step, or at any moment. Name the step."""
        step, turn = (dice.choice(STEPS), dice.choice((1, 1, 2, 5, 12))) if dice.random() < 0.6 else ("", 0)
        seconds = 1.0 if step else 0.02 + 0.3 * dice.random()
        ended = self._serve(seconds=seconds, step=step, turn=1 if step in ("reload", "purge") else turn)
        assert ended.killed, "a server ended by itself"
        steps = [word.removeprefix("at ") for word in ended.words if word.startswith("at ")]
        return steps[0] if steps else "at work" if "listening" in ended.words else "start"

    def finish(self, sender: "_Sender") -> int:
        """Let a server run until the sender has got rid of everything and everything is delivered."""
        done = self._folder.with_name("done")
        waiting = threading.Thread(target=sender.stop, args=[done])
        waiting.start()
        ended = self._serve(seconds=_LONGEST_END, until=str(done))
        waiting.join()
        assert sender.given_up == [], "the SDK dropped events"
        assert not ended.killed, "some jobs do not end"
        return sender.sent

    def _serve(self, *, seconds: float, step: str = "", turn: int = 0, until: str = "") -> Ended:
        return self._stage.perform(
            "serve_events",
            self._folder,
            seconds=seconds,
            config=str(self._config),
            port=self._port,
            step=step,
            turn=turn,
            until=until,
        )


class _Sender:
    """The process in which the SDK runs."""

    def __init__(self, port: int, prefix: str) -> None:
        command = [sys.executable, "-m", "tests.crash.sender", f"http://127.0.0.1:{port}", prefix, str(RATE)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.sent, self.given_up = 0, list[str]()

    def __enter__(self) -> "_Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self, done: Path) -> None:
        """Let it send what it has, read what it says of it, and then make the file `done`."""
        said, _ = self._process.communicate(timeout=_LONGEST_END)
        found = json.loads(said)
        self.sent, self.given_up = found["sent"], found["given_up"]
        done.touch()
