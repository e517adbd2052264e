"""What Rupt's answer means for a job, and what is done about it: a verdict and the job's times in, a decision out.

Pure: the time and the random draw are arguments. Four hours, ten attempts, full jitter, Retry-After honoured.
"""

import math
from typing import Final, TypeAlias, assert_never

import msgspec

from connector.values import JSON

_MOST_STEPS: Final = 62  # past any cap, and far from a float's end: attempt numbers cannot overflow


class Delivered(msgspec.Struct, frozen=True):
    """Rupt has done it; `access` is the access state that an attach answers, empty for other calls."""

    access: dict[str, JSON]


class Retry(msgspec.Struct, frozen=True):
    """It did not work now and may work later, not before `after` seconds when Rupt said so.

    `in_doubt`: the request may have landed all the same.
    """

    reason: str
    after: float | None = None
    in_doubt: bool = False


class Reject(msgspec.Struct, frozen=True):
    """Rupt will never take this request: sending it again is useless."""

    reason: str


class Hold(msgspec.Struct, frozen=True):
    """The configuration is wrong, not the event: nothing more is sent until it works again."""

    reason: str


Verdict: TypeAlias = Delivered | Retry | Reject | Hold


class Policy(msgspec.Struct, frozen=True):
    """How long and how often a job is tried: `window`, `first` and `cap` in seconds, `attempts` in all.

    The defaults are Segment's: ten attempts within four hours. Waits double unless `growth` says otherwise: that suits
    somebody who waits for the end. With `PATIENT` ten attempts are spread over most of the four hours.
    """

    attempts: int = 10
    window: float = 14_400.0
    first: float = 1.0
    cap: float = 1_800.0
    growth: float = 2.0


PATIENT: Final = Policy(growth=4.0, cap=3_600.0)  # for a server: 1 s, 4 s, 16 s … an hour, 3.4 hours at the longest


class Settle(msgspec.Struct, frozen=True):
    """The job is done."""

    access: dict[str, JSON]


class RetryAt(msgspec.Struct, frozen=True):
    """The job is sent again at `at`, on the clock that `now` was read from."""

    at: float
    reason: str


class Bury(msgspec.Struct, frozen=True):
    """The job becomes a dead letter."""

    reason: str


class Park(msgspec.Struct, frozen=True):
    """The job waits until the configuration works; that costs it no attempt."""

    reason: str


Decision: TypeAlias = Settle | RetryAt | Bury | Park


def decide(verdict: Verdict, *, attempt: int, first_at: float, now: float, draw: float, policy: Policy) -> Decision:
    """Decide what becomes of a job after its attempt number `attempt` (1 is the first).

    `first_at` is when the first attempt of this series was made (a job that was held begins a new series), `now` the
    time; both in seconds of one clock. `draw` is a random number in [0, 1). A retry is never earlier than Retry-After,
    but for the end of the window: what Rupt puts off beyond it is tried a last time then.
    """
    match verdict:
        case Delivered(access):
            return Settle(access)
        case Reject(reason):
            return Bury(reason)
        case Hold(reason):
            return Park(reason)
        case Retry(reason, after):
            deadline = first_at + policy.window
            if attempt >= policy.attempts:
                return Bury(f"{reason}; gave up after {attempt} attempts")
            if now >= deadline:
                return Bury(f"{reason}; gave up after {_duration(policy.window)}")
            wait = _least(after) + draw * longest_wait(attempt, policy)
            return RetryAt(min(deadline, now + wait), reason)
        case _:
            assert_never(verdict)


def longest_wait(attempt: int, policy: Policy) -> float:
    """Say how many seconds at most are waited after an attempt: growing from `first`, never more than `cap`.

    The wait itself is drawn between 0 and this (full jitter), so that jobs that failed together come back apart.
    """
    steps = min(max(attempt, 1) - 1, _MOST_STEPS)
    return min(policy.cap, policy.first * policy.growth**steps)


def _least(after: float | None) -> float:
    """Read Retry-After as a number of seconds that is safe to add; the window cuts what is too long."""
    return 0.0 if after is None or math.isnan(after) else max(0.0, after)


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"
