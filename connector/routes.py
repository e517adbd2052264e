"""Which mappings an event goes to, looked up by its type and event name, or the reason why to none.

The reasons are Segment's names. An event that nothing takes is filtered: counted with its reason, never silent.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from connector.destination import Destination, Mapping
from connector.events import EVENT_TYPES
from connector.values import JSON

NO_MATCHING_MAPPING: Final = "NO_MATCHING_MAPPING"
FILTERED_BY_INTEGRATIONS_OBJECT: Final = "FILTERED_BY_INTEGRATIONS_OBJECT"
FILTERED_BY_END_USER_CONSENT: Final = "FILTERED_BY_END_USER_CONSENT"
READS: Final = frozenset({("type",), ("event",), ("integrations",)})
CONSENT_READS: Final = frozenset({("context", "consent")})
_NAMES: Final = ("Rupt", "Rupt (Actions)", "All")


class Routes:
    """The mappings of a destination, indexed by what their triggers cannot hold without."""

    def __init__(self, destination: Destination) -> None:
        self._categories = destination.settings.consent_categories
        self._all = tuple(mapping for mapping in destination.mappings if mapping.enabled)
        types = {*EVENT_TYPES} | _union(mapping.gate.types for mapping in self._all)
        names = _union(mapping.gate.events for mapping in self._all)
        self._by_name = {type: {name: self._open(type, name) for name in names} for type in types}
        self._by_type = {type: self._open(type, None) for type in types}

    def _open(self, type: str | None, name: str | None) -> tuple[Mapping, ...]:
        """Pick the mappings whose gates let this type and name through; None stands for one that no trigger names."""
        return tuple(
            mapping
            for mapping in self._all
            if (mapping.gate.types is None or type in mapping.gate.types)
            and (mapping.gate.events is None or name in mapping.gate.events)
        )

    def match(self, event: dict[str, JSON]) -> Sequence[Mapping] | str:
        """Find the mappings that take an event of a known type, in the file's order, or the reason why none does."""
        if (integrations := event.get("integrations")) and not _let_through(integrations):
            return FILTERED_BY_INTEGRATIONS_OBJECT
        if self._categories and not _has_consent(event, self._categories):
            return FILTERED_BY_END_USER_CONSENT
        type: str = event["type"]  # type: ignore[assignment]  # every event has a type of EVENT_TYPES
        found = self._by_type[type]
        if (name := event.get("event")) and isinstance(name, str):
            found = self._by_name[type].get(name, found)
        if len(found) == 1:
            return found if found[0].matches(event) else NO_MATCHING_MAPPING
        return [mapping for mapping in found if mapping.matches(event)] or NO_MATCHING_MAPPING


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str]:
    return frozenset().union(*(found for found in sets if found is not None))


def _let_through(integrations: JSON) -> bool:
    """Read an event's integrations object: the destination's own key decides, else All; only false blocks."""
    if not isinstance(integrations, dict):
        return True
    for name in _NAMES:
        if name in integrations:
            return integrations[name] is not False
    return True


def _has_consent(event: dict[str, JSON], categories: tuple[str, ...]) -> bool:
    """Say whether every category is true in the event's preferences; an event without preferences passes."""
    context = event.get("context")
    consent = context.get("consent") if isinstance(context, dict) else None
    preferences = consent.get("categoryPreferences") if isinstance(consent, dict) else None
    if not isinstance(preferences, dict):
        return True
    return all(preferences.get(category) is True for category in categories)
