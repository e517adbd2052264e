"""One event through every mapping of a destination: what took it, what each made of it, and what decided that.

In: a destination, then events. Out: an Explanation for each. The plan is the one that would be sent; the rest tells how
it came about, by the same closures. Nothing is sent, and no clock is read.
"""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from connector.destination import Destination, Mapping, Settings
from connector.events import Cutoff, Event, is_before
from connector.explanations.fields import compile_fields
from connector.explanations.model import Explanation, MappingExplanation, Routing
from connector.explanations.origins import sent_parts, unsent_fields
from connector.explanations.routing import routing_of
from connector.language.triggers import And, Not, Or, Seen, compile_trigger_trace
from connector.pipeline import Planned, Skipped, compile_plan
from connector.routes import NO_MATCHING_MAPPING, Routes
from connector.values import JSON

DISABLED: Final = "DISABLED"


class Explainer:
    """The mappings of one destination, compiled to tell what they do; `explain` must not be called in two threads."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._routes = Routes(destination)
        self._explain = [_compile(mapping, destination.settings) for mapping in destination.mappings]

    def explain(self, event: Event, oldest: Cutoff | None = None) -> Explanation:
        """Explain an event. What is older than `oldest` is called stale, and explained all the same."""
        routing = routing_of(self._routes, self._destination, event.data)
        stale = oldest is not None and is_before(event.data, oldest)
        return Explanation(event, routing, tuple(explain(event.data, routing, stale) for explain in self._explain))


def _compile(mapping: Mapping, settings: Settings) -> Callable[[dict[str, JSON], Routing, bool], MappingExplanation]:
    look, tell_fields = compile_trigger_trace(mapping.trigger), compile_fields(mapping)
    plan = compile_plan(mapping, settings)

    def explain(event: dict[str, JSON], routing: Routing, stale: bool) -> MappingExplanation:
        seen = look(event)
        reason = _why_not(mapping, routing, seen)
        found = MappingExplanation(mapping, "filtered", reason, seen, tuple(deciding_clauses(seen)))
        if reason:
            return found
        fields, failed = tell_fields(event)
        return _planned(replace(found, plan=plan(event, None), fields=fields, failed=failed, stale=stale), event)

    return explain


def _planned(found: MappingExplanation, event: dict[str, JSON]) -> MappingExplanation:
    """Add what became of the plan, and from where its parts are."""
    match found.plan:
        case Planned() as plan:
            sent, unsent = sent_parts(found.mapping.action, plan, event), unsent_fields(found.mapping.action, plan)
            return replace(found, outcome="planned", sent=sent, unsent=tuple(unsent))
        case Skipped(reason):
            return replace(found, outcome="skipped", reason=reason)
        case _:
            return replace(found, outcome="invalid")


def _why_not(mapping: Mapping, routing: Routing, seen: Seen) -> str:
    if not mapping.enabled:
        return DISABLED
    return routing.reason or ("" if seen.holds else NO_MATCHING_MAPPING)


def deciding_clauses(seen: Seen) -> Iterator[Seen]:
    """Give the clauses that made a trigger hold or not: of an `and` that does not hold, the first that does not."""
    match seen.node:
        case And() if not seen.holds:
            yield from deciding_clauses(next(part for part in seen.parts if not part.holds))
        case Or() if seen.holds:
            yield from deciding_clauses(next(part for part in seen.parts if part.holds))
        case And() | Or() | Not():
            for part in seen.parts:
                yield from deciding_clauses(part)
        case _:
            yield seen
