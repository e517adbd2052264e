"""The way of an event through a destination: every clause, branch, field and outcome on it, without any value.

In: a destination, then events' data. Out: steps that are equal for two events just when the mappings treat both alike.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import msgspec

from connector.actions import ACTIONS
from connector.actions.conversions import GROUP_WARNING, PHONE_WARNING
from connector.destination import Destination, Mapping
from connector.language.compiler import mapping_reads
from connector.language.directives import Call, Fields, Node, PathText, walk_nodes
from connector.language.tracing import Traced, compile_trace, describe, walk_steps
from connector.language.triggers import Clause, clauses, field_of, operands
from connector.language.triggers.tracing import Seen, compile_trigger_trace
from connector.pipeline import Invalid, Plan, Planned, compile_plan
from connector.routes import Routes
from connector.values import JSON, MISSING, Value, type_name

Kind: TypeAlias = Literal[
    "route", "clause", "branch", "value", "outcome", "problem", "warning", "payload", "request", "copy"
]
Keys: TypeAlias = tuple[str, ...]

_DIGEST: Final = 16
_KNOWN: Final = 1 << 14  # points that are made once
_LEFT_OUT: Final = {PHONE_WARNING: "phone", GROUP_WARNING: "groups"}  # the field of which a warning speaks
_FIELDS: Final = {"user": "account"}  # of a body's keys that are called otherwise than the fields they come from
_NAME: Final = re.compile(r"^\w+")
LACKS: Final = "is left out of"
ADDS: Final = "is added to"
_PAGES: Final = ("path", "url")


class Point(msgspec.Struct, frozen=True):
    """One thing that was seen on a way: `said` is what of it.

    `place` is a clause's offsets in the trigger, a node's path under the fields, or a key of what is sent. `counts` is
    false where other parts of the trigger had decided already.
    """

    mapping: str
    kind: Kind
    place: tuple[str | int, ...]
    said: str
    counts: bool = True


_point: Final = lru_cache(maxsize=_KNOWN)(Point)  # most events have the same points


@lru_cache(maxsize=_KNOWN)
def _line(point: Point) -> str:
    return f"{point.mapping}\t{point.kind}\t{point.place}\t{point.said}"


class Way(msgspec.Struct, frozen=True):
    """The points of one event in their order, which mappings took it, and the texts that fields copy from it."""

    points: tuple[Point, ...]
    taken: frozenset[str]
    copies: tuple[tuple[str, Keys, str], ...] = ()

    def __repr__(self) -> str:
        return f"Way({len(self.points)} points)"  # the copies are a person's

    def digest(self) -> bytes:
        """Give the same few bytes for the same points."""
        text = "\n".join(map(_line, self.points)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=_DIGEST).digest()


class _Track(msgspec.Struct, frozen=True):
    """What follows events through one mapping."""

    mapping: Mapping
    look: Callable[[dict[str, JSON]], Seen]
    trace: Callable[[dict[str, JSON]], Traced]
    plan: Callable[[dict[str, JSON]], Plan]


class Ways:
    """Follows events through the enabled mappings of a destination. No event is stale here: that changes with time."""

    def __init__(self, destination: Destination) -> None:
        self._match = Routes(destination).match
        self.mappings = tuple(mapping for mapping in destination.mappings if mapping.enabled)
        self._tracks = [_track(mapping, destination) for mapping in self.mappings]
        self._nodes = {
            (mapping.name, (node.start, node.end)): node
            for mapping in self.mappings
            for node in clauses(mapping.trigger)
        }
        self._points: dict[tuple[str, int, bool, bool], Point] = {}

    def follow(self, event: dict[str, JSON]) -> Way:
        """Follow one event."""
        matched = self._match(event)
        taken = frozenset[str]() if isinstance(matched, str) else frozenset(mapping.name for mapping in matched)
        points = [Point("", "route", ("type",), str(event.get("type")))]
        for track in self._tracks:
            points += self._clauses(track.mapping.name, track.look(event))
        points.append(Point("", "route", (), matched if isinstance(matched, str) else "taken"))
        copies: list[tuple[str, Keys, str]] = []
        for track in self._tracks:
            if track.mapping.name in taken:
                traced = track.trace(event)
                points += _fields(track.mapping.name, traced)
                points += _outcome(track.mapping.name, track.plan(event))
                copies += _copies(track.mapping.name, traced)
        return Way(tuple(points), taken, tuple(copies))

    def _clauses(self, name: str, seen: Seen) -> Iterator[Point]:
        """List what each clause said; points are made once, since every event has one for every clause."""
        if seen.parts:
            for part in seen.parts:
                yield from self._clauses(name, part)
            return
        key = (name, id(seen.node), seen.holds, seen.reached)
        point = self._points.get(key)
        if point is None:
            node = seen.node
            point = Point(name, "clause", (node.start, node.end), "holds" if seen.holds else "fails", seen.reached)
            self._points[key] = point
        yield point

    def reads(self, point: Point) -> Iterable[Keys]:
        """List the paths whose values decide a point."""
        mapping = next((mapping for mapping in self.mappings if mapping.name == point.mapping), None)
        if mapping is None:
            return (("type",), ("integrations",))
        if point.kind == "clause":
            return [field_of(operand).keys for operand in operands(self._clause(point))]
        if point.kind in ("branch", "value") and point.place:
            return mapping_reads(node_at(mapping.fields, point.place)) or ()
        if point.kind == "copy":
            return [tuple(map(str, point.place))]
        field = _field_of(mapping, point)
        if not field and point.kind == "request" and point.place:
            return [
                keys for keys in ACTIONS[mapping.action].reads if (keys[-1] in _PAGES) == (point.place[0] == "page")
            ]
        return _sent_reads(mapping, field)

    def told(self, point: Point, change: str = "in") -> str:
        """Say what a point is: the clause or branch as it stands in the file, or what becomes of a key, and where."""
        mapping = next((mapping for mapping in self.mappings if mapping.name == point.mapping), None)
        if mapping is None:
            return f"the way to the mappings: {point.said}"
        if point.kind == "clause":
            start, end = int(point.place[0]), int(point.place[1])
            text = " ".join(mapping.trigger_text[start:end].split())
            return f"{text} ({mapping.location(('trigger',), start, end)})"
        if point.kind in ("branch", "value") and point.place:
            node = node_at(mapping.fields, point.place)
            return f"{describe(node)} ({mapping.location(('fields', *point.place))})"
        if point.kind == "copy":
            return f"the copy of {'.'.join(map(str, point.place))} ({mapping.location()})"
        if point.kind in ("payload", "request") and point.place:
            field = _field_of(mapping, point)
            return (
                f"{point.place[0]} {change} the {point.kind} ({mapping.location(('fields', field) if field else ())})"
            )
        return f"{point.kind}: {point.said} ({mapping.location()})"

    def _clause(self, point: Point) -> Clause:
        return self._nodes[point.mapping, (int(point.place[0]), int(point.place[1]))]


def node_at(node: Node, place: tuple[str | int, ...]) -> Node:
    """Find a node by its path under the fields."""
    return next((inner for inner in walk_nodes(node) if inner.path == place), node)


def _field_of(mapping: Mapping, point: Point) -> str:
    """Name the field of a mapping that decides a point of what is sent; "" where none is known."""
    if not isinstance(mapping.fields, Fields):
        return ""
    name = str(point.place[0]) if point.place else next(iter(_NAME.findall(point.said)), "")
    name = _FIELDS.get(name, name) if point.kind == "request" else name
    return name if any(name == known for known, _ in mapping.fields.fields) else ""


def _sent_reads(mapping: Mapping, field: str) -> Iterable[Keys]:
    """List what a field reads; without one what the whole mapping does."""
    if field and isinstance(mapping.fields, Fields):
        return mapping_reads(dict(mapping.fields.fields)[field]) or ()
    return mapping.reads or ()


def _track(mapping: Mapping, destination: Destination) -> _Track:
    plan = compile_plan(mapping, destination.settings)
    return _Track(
        mapping,
        compile_trigger_trace(mapping.trigger),
        compile_trace(mapping.fields),
        lambda event: plan(event, None),
    )


def _fields(name: str, traced: Traced) -> Iterator[Point]:
    for step in walk_steps(traced.steps):
        place = tuple(step.node.path)
        if step.branch:
            yield _point(name, "branch", place, step.branch)
        yield _point(name, "value", place, build(step.value))
    if traced.error:
        yield _point(name, "problem", (), traced.error)


def _outcome(name: str, plan: Plan) -> Iterator[Point]:
    match plan:
        case Planned(payload, request, warnings):
            yield _point(name, "outcome", (), "planned")
            yield from (_point(name, "payload", (key,), build(value)) for key, value in payload.items())  # type: ignore[arg-type]
            yield _point(name, "request", (), f"{request.method} {request.path.count('/')}")
            yield from (_point(name, "request", (key,), build(value)) for key, value in request.body.items())  # type: ignore[arg-type]
            for at, warning in enumerate(warnings):
                yield _point(name, "warning", (_LEFT_OUT.get(warning, ""), at), warning)
        case Invalid(problems):
            yield _point(name, "outcome", (), "invalid")
            yield from (_point(name, "problem", (), problem) for problem in problems)
        case _:
            yield _point(name, "outcome", (), f"skipped: {plan.reason}")


def _copies(name: str, traced: Traced) -> Iterator[tuple[str, Keys, str]]:
    """List the texts that fields take from the event as they are."""
    for step in traced.steps:
        path = step.node.options.get("path") if isinstance(step.node, Call) else None
        if isinstance(path, PathText) and isinstance(step.value, str) and step.value:
            yield name, path.keys, step.value


def build(value: Value) -> str:
    """Say what a value is without saying it: its type, whether it is empty, and how many there are in it."""
    match value:
        case None | bool():
            return str(value).lower()
        case str():
            return "text" if value else "empty text"
        case int() | float():
            return "number" if value else "zero"
        case list():
            return f"[{','.join(map(build, value))}]"
        case dict():
            return f"{{{','.join(map(build, value.values()))}}}"
        case _:
            return "missing" if value is MISSING else type_name(value)
