"""Run asyncio code on a clock that jumps: nothing sleeps, and the order of events is the same in every run.

Whenever all tasks wait for a time, the clock goes straight to the next one. When they wait for nothing at all, run()
raises instead of waiting for ever. Sockets and threads do not fit in here.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

START = 1_000.0  # small, so that adding to it rounds little


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, lets the time pass."""

    now = START

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits for something that never comes")
        self.now += max(0.0, timeout)
        return []


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at START and is the tests' wall clock and monotonic clock alike.

    As a real clock does, it may move between two looks: by `tick` seconds at each.
    """

    def __init__(self, tick: float = 0.0) -> None:
        self._jumping, self._tick = _JumpingSelector(), tick
        super().__init__(self._jumping)

    def time(self) -> float:
        """Tell the fake time, in seconds."""
        self._jumping.now += self._tick
        return self._jumping.now


def now() -> float:
    """Tell the time of the running fake loop."""
    return asyncio.get_running_loop().time()


def run(scenario: Coroutine[Any, Any, Result], *, tick: float = 0.0) -> Result:
    """Run a scenario to its end in no time, on a clock that moves by `tick` seconds whenever somebody looks at it."""
    with asyncio.Runner(loop_factory=lambda: FakeTimeLoop(tick)) as runner:
        return runner.run(scenario)
