"""What the stand-in gets wrong when asked to: a menu of faults, by rate, for the next requests, or for one.

In: texts such as `429=2:0.1,latency=0.5` and a random generator. Out: the faults of one request.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from connector.errors import UsageError, closest

MENU: Final[dict[str, str]] = {
    "latency": "wait before the call is carried out: latency=SECONDS (0.2)",
    "STATUS": "answer 300 to 599 instead, with Retry-After when given: 503, 429=2",
    "reset": "reset the connection without an answer",
    "success-false": "answer 200 with success: false",
    "not-json": "answer 200 with a page that is no JSON",
    "truncated": "carry the call out, then close the connection in the middle of the answer",
    "slow": "carry the call out, then take time over the answer: slow=SECONDS (1)",
    "accept-…": "carry the call out first, then fail: accept-500, accept-reset, accept-latency=2",
}
_KINDS: Final = ("latency", "reset", "success-false", "not-json", "truncated", "slow")
_FAULT: Final = re.compile(rf"(accept-)?({'|'.join(_KINDS)}|[345][0-9][0-9])(?:=([0-9]+(?:\.[0-9]+)?))?")
_DEFAULT_SECONDS: Final = {"latency": 0.2, "slow": 1.0, "429": 1.0}
_TIMED: Final = frozenset({"latency", "slow"})
_AFTER_THE_CALL: Final = frozenset({"truncated", "slow"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the menu. `kind` is its name, or `status` with the status that is answered.

    `seconds` is the time of latency and slow, the Retry-After of a status. `accepts`: the call is carried out first.
    """

    name: str
    kind: str
    status: int = 0
    seconds: float = 0.0
    accepts: bool = False


def parse_fault(text: str) -> Fault:
    """Read one entry of the menu: `503`, `429=2`, `reset`, `accept-500`, `latency=0.5`.

    Raises UsageError when it is not on the menu.
    """
    name = text.strip().replace("success:false", "success-false")
    found = _FAULT.fullmatch(name)
    if found is None:
        raise UsageError(f"unknown fault {text.strip()!r}: {closest(name, _KINDS) or 'the menu is ' + ', '.join(MENU)}")
    accept, kind, value = found.groups()
    if value and not (kind in _TIMED or kind.isdigit()):
        raise UsageError(f"the fault {kind!r} takes no value, but has ={value}")
    seconds = float(value) if value else _DEFAULT_SECONDS.get(kind, 0.0)
    accepts = bool(accept) or kind in _AFTER_THE_CALL
    if kind.isdigit():
        return Fault(name, "status", int(kind), seconds, accepts)
    return Fault(name, kind, 0, seconds, accepts)


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read the faults of one request, separated by commas. Raises UsageError."""
    return tuple(parse_fault(part) for part in text.split(",") if part.strip())


def parse_rates(text: str) -> tuple[tuple[Fault, float], ...]:
    """Read faults with their rates: `429=2:0.1,500:0.05,latency=0.5`; without a rate a fault comes every time.

    Raises UsageError, also when the rates of all faults but latency add up to more than 1.
    """
    parts = text.replace("success:false", "success-false").split(",")
    rates = tuple(_parse_rate(part) for part in parts if part.strip())
    if sum(rate for fault, rate in rates if fault.kind != "latency") > 1 + 1e-9:
        raise UsageError(f"the rates of {text!r} add up to more than 1")
    return rates


def _parse_rate(text: str) -> tuple[Fault, float]:
    name, colon, share = text.partition(":")
    fault = parse_fault(name)
    try:
        rate = float(share) if colon else 1.0
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        hint = f"; for seconds write {fault.kind}={share.strip()}" if fault.kind in _TIMED else ""
        raise UsageError(f"the rate in {text.strip()!r} is not a number from 0 to 1{hint}")
    return fault, rate


class Faults:
    """Where the faults of each request come from: its header, else the next in line, else chance."""

    def __init__(self, rates: str = "", *, random: Random | None = None) -> None:
        self.rates = parse_rates(rates)
        self._random = random or Random(0)
        self._next: deque[tuple[Fault, ...]] = deque()

    def set_rates(self, text: str) -> None:
        """Replace the rates; an empty text takes them away. Raises UsageError."""
        self.rates = parse_rates(text)

    def add(self, *texts: str) -> None:
        """Put faults in line: one text for each of the next requests, an empty one for none. Raises UsageError."""
        self._next.extend([parse_faults(text) for text in texts])

    def waiting(self) -> list[str]:
        """Show what is in line."""
        return [",".join(fault.name for fault in faults) for faults in self._next]

    def take(self, header: str | None) -> tuple[Fault, ...]:
        """Choose the faults of one request. Raises UsageError when its header is not on the menu."""
        if header is not None:
            return parse_faults(header)
        if self._next:
            return self._next.popleft()
        return tuple(self._draw()) if self.rates else ()

    def _draw(self) -> Iterable[Fault]:
        """Draw latencies each alone, and of all other faults at most one."""
        left = self._random.random()
        for fault, rate in self.rates:
            if fault.kind == "latency":
                if self._random.random() < rate:
                    yield fault
            elif 0 <= left < rate:
                yield fault
                left = -1.0
            else:
                left -= rate
