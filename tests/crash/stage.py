"""A process that has loaded everything and forks a victim each time it is asked to: it spares hundreds of starts.

In, on standard input: one line of JSON a victim. Out, on standard output: how it ended. The victim's changes are noted
by powercut.c when that is preloaded. It is run by `Stage`, in forks.py.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.crash import scenarios, serving

SCENARIOS: Final[dict[str, Callable[..., None]]] = {
    "insert_rows": scenarios.insert_rows,
    "replace_file": scenarios.replace_file,
    "put_once": scenarios.put_once,
    "work_queue": scenarios.work_queue,
    "serve_events": serving.serve_events,
}


def main() -> None:
    """Fork a victim for each line, until there are no more."""
    for line in sys.stdin:
        order = json.loads(line)
        victim = os.fork()
        if not victim:
            _perform(order)
        print(_end(victim, order["seconds"]), flush=True)


def _perform(order: dict[str, Any]) -> None:
    os.environ.update(order["environment"])
    words = os.open(order["words"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 2)
    code = 1
    try:
        SCENARIOS[order["scenario"]](
            Path(order["folder"]), lambda word: os.write(words, word.encode() + b"\n"), **order["arguments"]
        )
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        os._exit(code)


def _end(victim: int, seconds: float | None) -> int:
    """Wait for the end of a victim, and after `seconds` make it."""
    deadline = None if seconds is None else time.monotonic() + seconds
    while deadline is not None and time.monotonic() < deadline:
        ended, status = os.waitpid(victim, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.0005)
    if deadline is not None:
        os.kill(victim, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1])


if __name__ == "__main__":
    main()
