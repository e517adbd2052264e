"""What stands between compiling a Liquid template and rendering it: notes of the one, state and limits of the other."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from liquid.token import Token

from connector.errors import Fault
from connector.language.liquid.tokens import place
from connector.language.liquid.values import MOST, read_own, read_root, refuse_beyond
from connector.values import Value


class StopError(Exception):
    """Ends a rendering early; liquidjs lets `break` and `continue` do so outside of loops."""


class Rendering:
    """One event's rendering: what the template has named, and how much it may still make."""

    __slots__ = ("counters", "cycles", "event", "left", "names")

    def __init__(self, event: Value) -> None:
        self.event = event
        self.names: dict[str, Value] = {}
        self.counters: dict[str, Value] = {}
        self.cycles: dict[tuple[str, int], int] = {}
        self.left: float = MOST

    def read(self, name: str) -> Value:
        """Read a variable: assigned, counted, or of the event."""
        if name in self.names:
            return self.names[name]
        return self.counters[name] if name in self.counters else read_root(self.event, name)

    def count(self, name: str) -> int | float:
        """Read a counter, which begins at the event's number of that name, or at 0."""
        value = self.counters[name] if name in self.counters else read_own(self.event, name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else 0

    def spend(self, amount: float) -> None:
        """Count what was made. Raises ResolveError when it is too much."""
        self.left -= amount
        if self.left < 0:
            refuse_beyond(math.inf)


def weigh(value: Value) -> int:
    """Count characters and items, inner ones too; stops counting where no rendering may go."""
    if type(value) is str:
        return len(value)
    weight, waiting = 0, [value]
    while waiting and weight <= MOST:
        item = waiting.pop()
        if isinstance(item, str | list | dict):
            weight += len(item)
        if isinstance(item, list | dict):
            waiting += item.values() if isinstance(item, dict) else item
    return weight


Read: TypeAlias = Callable[[Rendering], Value]
Write: TypeAlias = Callable[[Rendering, list[str]], None]


@dataclass(slots=True)
class Build:
    """What compiling a template finds beside its closures."""

    faults: list[Fault] = field(default_factory=list)
    reads: set[tuple[str, ...]] = field(default_factory=set)
    reads_known: bool = True

    def fault(self, code: str, message: str, help: str, token: Token) -> None:
        """Note a fault at a token."""
        self.faults.append(Fault(code, message, help, (), *place(token)))
