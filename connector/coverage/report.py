"""What events have reached of mappings, as frozen values: counts of what can be reached, and of fields nobody reads.

Percentages are of things that can be reached, not of lines: each branch, clause and rule is one.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["trigger", "clause", "branch", "default", "rule"]


class Item(msgspec.Struct, frozen=True):
    """One thing that an event can reach: `text` says what in a line, `location` is file:line:column.

    trigger: the whole of it held, or did not; clause: one part of it, asked because those before it had not decided;
    branch: `then` of an @if, nothing of it, a @case with a text or with something else, or a @replace with a text;
    default: what stands in when the event has nothing, the `else` of an @if or the empty text of a @replace; rule: the
    action's schema was put to the test by a value. `refused` and `converted` count the events that broke a rule, or
    fitted only once converted.
    """

    kind: Kind
    text: str
    location: str
    hits: int
    refused: int = 0
    converted: int = 0


class MappingCoverage(msgspec.Struct, frozen=True):
    """What was reached of one mapping by the `events` that were run through it; `items` are in the file's order."""

    name: str
    events: int
    items: tuple[Item, ...]

    @property
    def reached(self) -> int:
        """Count the items that an event has reached."""
        return sum(item.hits > 0 for item in self.items)

    @property
    def percentage(self) -> float:
        """Give the reached of all items, 0 to 100."""
        return percentage(self.reached, len(self.items))

    def never(self) -> tuple[Item, ...]:
        """List the items that no event has reached."""
        return tuple(item for item in self.items if not item.hits)


class Unread(msgspec.Struct, frozen=True):
    """A field that no enabled mapping reads: `products[].sku`, how many events have it, and of which types.

    Where an object has very many different keys, as one whose keys are ids, the path ends in `.*` for the rest of them.
    """

    path: str
    events: int
    types: tuple[str, ...]


class CoverageReport(msgspec.Struct, frozen=True):
    """What was reached in all. `traffic` counts the events whose fields were looked at.

    `unread` is sorted by frequency. `reads_all`: an enabled mapping may read any field, so none is called unread.
    """

    mappings: tuple[MappingCoverage, ...]
    unread: tuple[Unread, ...] = ()
    traffic: int = 0
    reads_all: bool = False

    @property
    def reached(self) -> int:
        """Count the items of all mappings that an event has reached."""
        return sum(mapping.reached for mapping in self.mappings)

    @property
    def total(self) -> int:
        """Count the items of all mappings."""
        return sum(len(mapping.items) for mapping in self.mappings)

    @property
    def percentage(self) -> float:
        """Give the reached of all items, 0 to 100."""
        return percentage(self.reached, self.total)

    def never(self) -> Iterable[tuple[str, Item]]:
        """List what no event has reached, with the mapping's name."""
        return ((mapping.name, item) for mapping in self.mappings for item in mapping.never())


def percentage(reached: int, total: int) -> float:
    """Give a part of all in hundredths; all of nothing is 100."""
    return 100.0 if not total else 100.0 * reached / total
