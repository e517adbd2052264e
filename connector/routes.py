"""Which mappings an event goes to, looked up by its type and event name, or the reason why to none.

The reasons are Segment's names. An event that nothing takes is filtered: counted with its reason, never silent.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from connector.destination import Destination, Mapping
from connector.events import EVENT_TYPES
from connector.values import JSON

NO_MATCHING_MAPPING: Final = "NO_MATCHING_MAPPING"
FILTERED_BY_INTEGRATIONS_OBJECT: Final = "FILTERED_BY_INTEGRATIONS_OBJECT"
FILTERED_BY_END_USER_CONSENT: Final = "FILTERED_BY_END_USER_CONSENT"
REASONS: Final = (NO_MATCHING_MAPPING, FILTERED_BY_INTEGRATIONS_OBJECT, FILTERED_BY_END_USER_CONSENT)
_NAMES: Final = ("Rupt", "Rupt (Actions)", "All")


Match: TypeAlias = Callable[[dict[str, JSON]], "Sequence[Mapping] | str"]


class Routes:
    """The mappings of a destination, indexed by what their triggers cannot hold without.

    `match(event)` finds the mappings that take an event of a known type, in the file's order, or the reason why none
    does.
    """

    match: Match

    def __init__(self, destination: Destination) -> None:
        self._all = tuple(mapping for mapping in destination.mappings if mapping.enabled)
        names = _union(mapping.gate.events for mapping in self._all)
        table = {}
        for type in {*EVENT_TYPES} | _union(mapping.gate.types for mapping in self._all):
            rest = self._open(type, None)
            named = {name: found for name in names if (found := self._open(type, name)) != rest}
            table[type] = named, rest
        self.match = _compile_match(table, destination.settings.consent_categories)

    def _open(self, type: str, name: str | None) -> tuple[Mapping, ...]:
        """Pick the mappings whose gates let this type and name through; None stands for one that no trigger names."""
        return tuple(
            mapping
            for mapping in self._all
            if (mapping.gate.types is None or type in mapping.gate.types)
            and (mapping.gate.events is None or name in mapping.gate.events)
        )


_Opened: TypeAlias = tuple[Mapping, ...]


def _compile_match(table: dict[str, tuple[dict[str, _Opened], _Opened]], categories: tuple[str, ...]) -> Match:
    def match(event: dict[str, JSON]) -> Sequence[Mapping] | str:
        if categories and not _has_consent(event, categories):
            return FILTERED_BY_END_USER_CONSENT
        integrations = event.get("integrations")
        if integrations and not _let_through(integrations):
            return FILTERED_BY_INTEGRATIONS_OBJECT
        named, found = table[event["type"]]  # type: ignore[index]  # an event's type is a text of EVENT_TYPES
        if named and type(name := event.get("event")) is str:
            found = named.get(name, found)
        if not found:
            return NO_MATCHING_MAPPING
        if len(found) == 1:
            return found if found[0].matches(event) else NO_MATCHING_MAPPING
        return [mapping for mapping in found if mapping.matches(event)] or NO_MATCHING_MAPPING

    return match


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(found for found in sets if found is not None))


def _let_through(integrations: JSON) -> bool:
    """Read an event's integrations object: the destination's own key decides, else All; only false blocks."""
    key = deciding_integration(integrations)
    return key is None or integrations[key] is not False  # type: ignore[call-overload,index]  # it is an object


def deciding_integration(integrations: JSON) -> str | None:
    """Name the key of an event's integrations object that decides whether it goes to Rupt, None where none does."""
    if isinstance(integrations, dict):
        for name in _NAMES:
            if name in integrations:
                return name
    return None


def _has_consent(event: dict[str, JSON], categories: tuple[str, ...]) -> bool:
    """Say whether every category is true in the event's preferences; an event without preferences passes."""
    return not withheld_categories(event, categories)


def withheld_categories(event: dict[str, JSON], categories: tuple[str, ...]) -> tuple[str, ...]:
    """Name the categories that are not true in the event's preferences; none where it has no preferences."""
    context = event.get("context")
    consent = context.get("consent") if isinstance(context, dict) else None
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(preferences, dict):
        return ()
    return tuple(category for category in categories if preferences.get(category) is not True)
