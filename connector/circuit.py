"""Whether Rupt is up and wants requests: those that fail, or are told to wait, in; whether any may leave out.

Times are arguments, in seconds of one monotonic clock. It waits for nothing; its reasons are those of the verdicts.
"""

import math
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

State: TypeAlias = Literal["closed", "open", "half_open"]

_REMEMBERED: Final = 3_600.0  # seconds for which a mapping that is silent counts as one that would be kept back
LONGEST_PAUSE: Final = 300.0  # seconds that a Retry-After keeps back other requests than its own


class Pause:
    """Keeps all back while two accounts or more have been told to wait; one alone may have itself to blame for that.

    `reason` is that of the answer by which it was made or lengthened.
    """

    def __init__(self) -> None:
        self.reason = ""
        self._until = -math.inf  # the last moment but one of all that accounts were told
        self._last, self._last_account = -math.inf, ""

    def left(self, now: float) -> float:
        """Say for how many seconds more; 0 when it is over."""
        return max(0.0, self._until - now)

    def told(self, account: str, seconds: float, reason: str, now: float) -> bool:
        """Take in that an account is told to wait; says whether a pause begins."""
        was_over, until = self.left(now) == 0, now + min(seconds, LONGEST_PAUSE)
        if account != self._last_account and (both := min(until, self._last)) > self._until:
            self._until, self.reason = both, reason
        if until > self._last:
            self._last, self._last_account = until, account
        return was_over and self.left(now) > 0


class Circuit:
    """Opens when requests of `opens_after` accounts have failed with no success in between, and closes at the first.

    While it is open nothing may be sent, but for one request after a pause of `first` seconds, which grows to `cap`
    while such probes fail. Failures that may be one mapping's fault (`is_general` false) do not open it while they
    are all of one mapping of several: the others would be kept back for nothing.
    """

    def __init__(self, *, opens_after: int, first: float, cap: float, draw: Callable[[], float]) -> None:
        self.state: State = "closed"
        self.reason = ""
        self._opens_after, self._first, self._cap, self._draw = opens_after, first, cap, draw
        self._pause, self._until = first, 0.0
        self._probe: int | None = None
        self._seen: dict[str, float] = {}  # when each mapping's last request was answered
        self._accounts: set[str] = set()  # whose requests have failed since the last success
        self._mappings: set[str] = set()  # of which those were
        self._is_general = False

    def free(self, now: float) -> int:
        """Say whether a probe may begin now: 1 or 0; for a circuit that is not closed."""
        return int(self._probe is None and now >= self._until)

    def wait(self, now: float) -> float | None:
        """Say in how many seconds a probe may begin; None when that is not a question of time."""
        return None if self.state != "open" or now >= self._until else self._until - now

    def begin(self, number: int, now: float) -> None:
        """Take a request that leaves while it is not closed for the probe."""
        if self.state != "closed" and self._probe is None and now >= self._until:
            self.state, self._probe = "half_open", number

    def give_up(self, number: int) -> None:
        """Let another request be the probe, where this one was."""
        if number == self._probe:
            self._probe = None

    def succeeded(self, mapping: str, now: float) -> bool:
        """Close; says whether it was open."""
        was_closed = self.state == "closed"
        self._seen[mapping] = now
        if self._accounts or not was_closed:
            self._close()
        return not was_closed

    def restart(self) -> None:
        """Close, and forget all mappings."""
        self._seen.clear()
        self._close()

    def failed(self, number: int, reason: str, *, mapping: str, account: str, is_general: bool, now: float) -> bool:
        """Count a failure; says whether it has opened, or opened again. Each account counts once."""
        self._seen[mapping] = now
        if self.state != "closed":
            if number != self._probe:
                return False
            self._pause = min(self._cap, 2 * self._pause)
        else:
            if len(self._accounts) < self._opens_after:
                self._accounts.add(account)
            self._mappings.add(mapping)
            self._is_general = self._is_general or is_general
            if len(self._accounts) < self._opens_after or not (self._is_general or self._are_all(now)):
                return False
        self._open(reason, now)
        return True

    def _are_all(self, now: float) -> bool:
        """Whether more than one mapping fails, or the others have long been silent."""
        return len(self._mappings) > 1 or sum(now - at <= _REMEMBERED for at in self._seen.values()) == 1

    def _open(self, reason: str, now: float) -> None:
        self.state, self.reason, self._probe = "open", reason, None
        self._until = now + min(self._cap, self._pause * (1 + self._draw() / 2))

    def _close(self) -> None:
        self.state, self.reason, self._pause, self._probe = "closed", "", self._first, None
        self._accounts.clear()
        self._mappings.clear()
        self._is_general = False
