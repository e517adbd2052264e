"""How fast a worker may send, and how far ahead it claims: arithmetic on times in seconds. It never waits."""

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


class Ahead:
    """How many jobs to claim before they can be sent: twice what is sent in the time that a claim takes.

    Those are as few as can be, since after a crash nobody knows that they were not sent. `used` is to be counted up
    with each job that is done with.
    """

    def __init__(self) -> None:
        self.count = self.used = 0
        self._last = 0.0

    def claimed(self, since: float, now: float, *, most: int) -> None:
        """Take in that a claim began and ended at these times."""
        if (span := now - self._last) > 0:
            needed = round(2 * self.used * (now - since) / span)
            self.count = min(most, max(needed, self.count * 9 // 10))  # less only slowly: jobs end in bursts
        self._last, self.used = now, 0
