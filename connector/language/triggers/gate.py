"""What can be said of a trigger without an event: the fields it reads, and the types and names it cannot do without."""

from typing import TypeAlias

import msgspec

from connector.language.paths import Keys
from connector.language.triggers.tree import (
    And,
    Choices,
    Compare,
    Constant,
    Field,
    Member,
    Or,
    Trigger,
    clauses,
    field_of,
    operands,
)

Names: TypeAlias = frozenset[str] | None


class Gate(msgspec.Struct, frozen=True):
    """A necessary condition: an event whose `type` or `event` is not in its set cannot pass. None sets no condition."""

    types: Names
    events: Names


def trigger_reads(tree: Trigger) -> frozenset[Keys]:
    """The paths of the event that a trigger reads, such as ("context", "traits", "email")."""
    return frozenset(field_of(operand).keys for clause in clauses(tree) for operand in operands(clause))


def trigger_gate(tree: Trigger) -> Gate:
    """The types and event names without which a trigger cannot hold; what stands under `!(…)` sets no condition."""
    return Gate(_names(tree, ("type",)), _names(tree, ("event",)))


def _names(tree: Trigger, keys: Keys) -> Names:
    match tree:
        case And(parts):
            known = [names for part in parts if (names := _names(part, keys)) is not None]
            return frozenset.intersection(*known) if known else None
        case Or(parts):
            known = [names for part in parts if (names := _names(part, keys)) is not None]
            return frozenset.union(*known) if len(known) == len(parts) else None
        case Compare(Field(read), "=", Constant(str(name))) if read == keys:
            return frozenset({name})
        case Member(Field(read), Choices(items)) if read == keys:
            texts = [item.value for item in items if isinstance(item.value, str)]
            return frozenset(texts) if len(texts) == len(items) else None
        case _:
            return None
