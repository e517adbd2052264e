"""A number of requests a second, evenly spaced: how many may leave now, and when the next one may. It never waits."""

import math
from collections.abc import Callable
from typing import Final

_SLACK: Final = 0.05  # seconds that a rate may catch up on: a sleep ends late, and the rate must be met all the same
_NO_DELAY: Final = 1e-9  # a difference of two times that is only rounding


class Rate:
    """Spaces requests; `monotonic` gives seconds."""

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self.rate = rate
        self._step, self._monotonic = 1 / rate, monotonic
        self._next = -math.inf

    def available(self) -> int:
        """Count the requests whose time has come."""
        now = self._monotonic()
        if self._next < now - _SLACK:  # nothing was to be done meanwhile: that time is gone
            self._next = now
        return max(0, int((now - self._next + _NO_DELAY) / self._step + 1))

    def delay(self) -> float:
        """Say in how many seconds the next one's time comes."""
        return self._next - self._monotonic()

    def take(self) -> None:
        """Use up the time of a request."""
        self._next += self._step

    def give_back(self) -> None:
        """Free the time of a request that was not needed."""
        self._next -= self._step
