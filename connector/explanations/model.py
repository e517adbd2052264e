"""What is known of one event and the mappings of a destination, as frozen values.

They hold the event's own values, secrets included: who prints them hides those (hiding).
"""

from typing import Literal, TypeAlias

import msgspec

from connector.destination import Mapping
from connector.errors import Path
from connector.events import Event
from connector.language.directives import Node
from connector.language.tracing import Step
from connector.language.triggers import Seen
from connector.pipeline import Plan
from connector.positions import Location
from connector.values import JSON, MISSING, Value

Outcome: TypeAlias = Literal["planned", "skipped", "invalid", "filtered"]


class Change(msgspec.Struct, frozen=True):
    """What was done to a part of a value: `path` leads to it.

    removed: it was null or empty; converted: it was of another type; left_out: the schema or Rupt has no place for it;
    without_id: a group that Rupt could not name.
    """

    kind: Literal["removed", "converted", "left_out", "without_id"]
    path: Path
    before: Value
    after: Value = MISSING

    def __repr__(self) -> str:
        return f"Change({self.kind!r}, {self.path!r})"  # the values are a person's


class Field(msgspec.Struct, frozen=True):
    """One field of a mapping on its way: `given` by its directives, `result` after the schema, MISSING where nothing.

    `step` is its tree of work, None when the mapping failed before it. `secret`: no output may show it.
    """

    name: str
    node: Node
    location: Location
    step: Step | None
    given: Value
    result: Value
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()
    required: bool = False
    secret: bool = False

    def __repr__(self) -> str:
        return f"Field({self.name!r})"


class Sent(msgspec.Struct, frozen=True):
    """One part of a request: a key of the body, or the id in the URL. `origin` says where its value is from.

    `field` is the mapping's field that it is made of, empty where it comes from elsewhere; then `changes` is empty too.
    """

    key: str
    value: JSON
    origin: str
    field: str = ""
    changes: tuple[Change, ...] = ()

    def __repr__(self) -> str:
        return f"Sent({self.key!r}, {self.origin!r})"


class Unsent(msgspec.Struct, frozen=True):
    """A field of a valid payload that is not in the body, and why."""

    field: str
    why: str


class Routing(msgspec.Struct, frozen=True):
    """Whether an event may go to Rupt at all: `reason` is a stable name, empty where it may.

    `decided` says by what: the key of the integrations object, or the categories without consent.
    """

    reason: str = ""
    decided: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True):
    """Where a mapping could not be resolved for this event, and why."""

    message: str
    node: Node
    location: Location


class MappingExplanation(msgspec.Struct, frozen=True):
    """One mapping and the event. Without a plan the event is not for it: `outcome` is filtered, `reason` says why.

    `seen` is the trigger at work, `deciding` those of its clauses that made it hold or not. `stale`: a server would not
    send the event any more, however right it is.
    """

    mapping: Mapping
    outcome: Outcome
    reason: str
    seen: Seen
    deciding: tuple[Seen, ...]
    plan: Plan | None = None
    fields: tuple[Field, ...] = ()
    failed: Failed | None = None
    sent: tuple[Sent, ...] = ()
    unsent: tuple[Unsent, ...] = ()
    stale: bool = False


class Explanation(msgspec.Struct, frozen=True):
    """What becomes of one event, by every mapping in the file's order."""

    event: Event
    routing: Routing
    mappings: tuple[MappingExplanation, ...]
