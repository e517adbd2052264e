"""How many requests may be in flight, learned from their answers, and when none may leave because Rupt is down.

In: when requests begin and end, of which mapping and account, and with what answer; times are arguments, in seconds of
one monotonic clock. Out: how many more may begin, and when to ask again. It sends nothing and waits for nothing.
"""

import logging
import math
import random
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from connector.circuit import Circuit, Pause, State
from connector.retry import Delivered, Hold, Reject, Retry, Verdict
from connector.rupt import Failure, Response

log = logging.getLogger(__name__)

Sign: TypeAlias = Literal["good", "busy", "down", "failed"]
"""What an answer says of Rupt: it works, it asks to slow down, nobody is there, or it has failed.

The last, and busy too, may concern this mapping or this account alone: when others fail too it is Rupt.
"""

FIRST: Final = 16  # requests in flight before anything is known
_REMEMBERED: Final = 10.0  # seconds for which it counts how a mapping has fared
_ENOUGH: Final = 3  # answers, to say how a mapping fares
_WEIGHT: Final = 0.125  # of one answer in how a mapping fares


def sign_of(answer: Response | Failure, verdict: Verdict) -> Sign:
    """Read what an answer says of Rupt itself; what is the configuration's fault or the event's says that it works."""
    if not isinstance(verdict, Retry):
        return "good"
    if isinstance(answer, Failure):
        return "down" if answer.kind == "network" else "failed"
    if answer.status == 423:  # that is about one resource
        return "good"
    return "busy" if answer.status == 429 else "failed"


class Pace:
    """What all workers that send to one Rupt share: they tell it of each request, and ask how many more may begin.

    `most` is the configured limit; the limit in effect lies between 1 and it. `pause_first` and `pause_cap` are the
    seconds between two probes while Rupt is down, at first and at last; `opens_after` as in Circuit. `draw` gives
    random numbers in [0, 1).
    """

    def __init__(
        self,
        most: int,
        *,
        first: int = FIRST,
        opens_after: int = 10,
        pause_first: float = 5.0,
        pause_cap: float = 300.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._first, self._limit = first, Limit(most, first)
        self._circuit = Circuit(opens_after=opens_after, first=pause_first, cap=pause_cap, draw=draw)
        self._pause = Pause()
        self._in_flight = 0
        self._begun = self._begun_before = 0  # requests; and those of them from before the last restart
        self._wakes: list[Callable[[], None]] = []

    @property
    def most(self) -> int:
        """The configured limit; it may be set at any time."""
        return self._limit.most

    @most.setter
    def most(self, most: int) -> None:
        self._limit.set_most(most)

    @property
    def limit(self) -> int:
        """How many requests may be in flight while the circuit is closed."""
        return self._limit.value

    @property
    def in_flight(self) -> int:
        """How many requests have begun and not ended."""
        return self._in_flight

    @property
    def circuit(self) -> State:
        """Whether Rupt is up, as far as is known; half open while one request finds out."""
        return self._circuit.state

    def reason(self, now: float) -> str | None:
        """Say why nothing is sent now: Rupt is down, or has asked for a pause; None when all is well."""
        if self._circuit.state != "closed":
            return self._circuit.reason
        left = math.ceil(self._pause.left(now))
        return f"Rupt asks to wait, for {left} s more: {self._pause.reason}" if left else None

    def free(self, now: float) -> int:
        """Say how many requests may begin now."""
        if self._pause.left(now) > 0:
            return 0
        if self._circuit.state != "closed":
            return self._circuit.free(now)
        return max(0, self._limit.value - self._in_flight)

    def wait(self, now: float) -> float | None:
        """Say in how many seconds more may begin without an answer to any; None when an answer is needed for that."""
        return self._pause.left(now) or self._circuit.wait(now)

    def begin(self, now: float) -> int:
        """Count a request as in flight, and number it."""
        self._in_flight += 1
        self._begun += 1
        self._limit.begin(self._begun, self._in_flight)
        self._circuit.begin(self._begun, now)
        return self._begun

    def give_up(self, number: int) -> None:
        """Take back a request that was not sent after all, or whose answer nobody has waited for."""
        self._in_flight -= 1
        self._circuit.give_up(number)
        self._wake()

    def end(
        self, number: int, answer: Response | Failure, verdict: Verdict, *, mapping: str, account: str, now: float
    ) -> None:
        """Learn from an answer: `account` is whose request it was, or else what tells its job from others."""
        self._in_flight -= 1
        if number > self._begun_before:
            self._learn(number, answer, verdict, mapping=mapping, account=account, now=now)
        self._wake()

    def restart(self) -> None:
        """Forget how Rupt did, since requests go elsewhere from now on, or with other credentials.

        Those in flight keep their places until they end, but their answers say nothing any more.
        """
        self._begun_before = self._begun
        self._limit, self._pause = Limit(self.most, self._first), Pause()
        self._circuit.restart()
        self._wake()

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` whenever another request may begin, since one has ended or all is new; returns what ends it."""
        self._wakes.append(wake)
        return lambda: self._wakes.remove(wake)

    def _learn(
        self, number: int, answer: Response | Failure, verdict: Verdict, *, mapping: str, account: str, now: float
    ) -> None:
        sign = sign_of(answer, verdict)
        if self._circuit.state == "closed":
            self._limit.learn(number, sign, mapping, now)
        match verdict:
            case Retry(reason, after) if sign != "good":
                self._failed(number, sign, reason, mapping=mapping, account=account, now=now)
                if after and isinstance(answer, Response) and answer.status in (429, 503):
                    self._told_to_wait(account, after, reason, now)
            case Retry() | Delivered() | Reject() | Hold():
                if self._circuit.succeeded(mapping, now):
                    log.warning("Rupt answers again")
                    self._limit.restart()

    def _failed(self, number: int, sign: Sign, reason: str, *, mapping: str, account: str, now: float) -> None:
        was_closed = self._circuit.state == "closed"
        opened = self._circuit.failed(
            number, reason, mapping=mapping, account=account, is_general=sign == "down", now=now
        )
        if opened and was_closed:
            log.warning("Rupt seems to be down, and is tried now and then: %s", reason)

    def _told_to_wait(self, account: str, seconds: float, reason: str, now: float) -> None:
        if self._pause.told(account, seconds, reason, now):
            left = math.ceil(self._pause.left(now))
            log.warning("Rupt asks several accounts to wait, so nothing is sent for %d s: %s", left, reason)

    def _wake(self) -> None:
        for wake in self._wakes:
            wake()


class Limit:
    """Doubles with each round trip up to the first failure; then one more a round trip, and less after failures.

    It shrinks at most once a round trip: by half when Rupt asks for that (429) or all of that round trip failed, and in
    proportion when some did. What of it is one mapping's fault does not count: Rupt's own troubles meet all mappings
    alike, so the one that fares best tells how Rupt does. It does not grow while less than half of it is used.
    """

    def __init__(self, most: int, first: int = FIRST) -> None:
        self.most = max(1, most)
        self._limit = float(max(1, min(first, most)))
        self._fast_below = float(self.most)  # up to this it doubles
        self._begun = 0  # requests
        self._peak = self._peak_before = 0  # the most that were in flight in this round trip and the last one
        self._round: int | None = None  # what is begun after this belongs to the next round trip
        self._answers = self._failures = 0
        self._cut_at = 0  # what began before this says nothing of the limit after the last cut
        self._fares: dict[str, _Fare] = {}

    @property
    def value(self) -> int:
        """How many requests may be in flight."""
        return int(self._limit)

    def set_most(self, most: int) -> None:
        """Take another upper limit."""
        if self._fast_below >= self.most:
            self._fast_below = float(max(1, most))
        self.most = max(1, most)
        self._limit = min(self._limit, float(self.most))

    def restart(self) -> None:
        """Begin with one again, and grow quickly to half of what went well before."""
        self._fast_below = max(2.0, self._limit / 2)
        self._limit = 1.0
        self._fares.clear()
        self._peak = self._peak_before = self._answers = self._failures = 0
        self._round = None

    def begin(self, number: int, in_flight: int) -> None:
        """Take in that a request has begun, with which so many are in flight."""
        self._begun = number
        self._peak = max(self._peak, in_flight)

    def learn(self, number: int, sign: Sign, mapping: str, now: float) -> None:
        """Take in the answer to a request."""
        has_failed = sign != "good"
        fare = self._fares.get(mapping)
        if fare is None:
            fare = self._fares[mapping] = _Fare()
        fare.add(has_failed, now)
        self._answers += 1
        if has_failed:
            self._failures += 1
            if sign == "busy" and number > self._cut_at:
                self._cut(0.5)
        elif self._limit < self.most and 2 * max(self._peak, self._peak_before) > self._limit:
            self._limit = min(self.most, self._limit + (1.0 if self._limit < self._fast_below else 1.0 / self._limit))
        if self._round is None:
            self._round = self._begun
        elif number > self._round:
            self._end_round(number, now)

    def _end_round(self, number: int, now: float) -> None:
        if self._failures and number > self._cut_at:
            share = min(self._failures / self._answers, self._best_fare(now))
            if share > 0.0:
                self._cut(1.0 - share / 2)
        self._peak_before, self._peak = self._peak, 0
        self._round, self._answers, self._failures = self._begun, 0, 0

    def _cut(self, factor: float) -> None:
        self._limit = max(1.0, self._limit * factor)
        self._fast_below = self._limit
        self._cut_at = self._begun

    def _best_fare(self, now: float) -> float:
        """Give the share of failures of the mapping that fares best, when there are several to compare."""
        known = [
            fare.share for fare in self._fares.values() if fare.answers >= _ENOUGH and now - fare.at <= _REMEMBERED
        ]
        return min(known) if len(known) > 1 else 1.0


class _Fare:
    """How a mapping's requests have fared lately: the share that failed, the last ones counting most."""

    __slots__ = ("answers", "at", "share")

    def __init__(self) -> None:
        self.answers, self.share, self.at = 0, 0.0, 0.0

    def add(self, has_failed: bool, now: float) -> None:
        """Take an answer in."""
        self.answers += 1
        self.share += (has_failed - self.share) * max(_WEIGHT, 1 / self.answers)
        self.at = now
