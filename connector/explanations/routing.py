"""Whether an event may go to Rupt at all, and what of it decided that: its integrations object, its consent."""

from connector.destination import Destination
from connector.explanations.model import Routing
from connector.routes import (
    FILTERED_BY_END_USER_CONSENT,
    FILTERED_BY_INTEGRATIONS_OBJECT,
    NO_MATCHING_MAPPING,
    Routes,
    deciding_integration,
    withheld_categories,
)
from connector.values import JSON


def routing_of(routes: Routes, destination: Destination, event: dict[str, JSON]) -> Routing:
    """Say whether an event of a known type may go on to the mappings."""
    matched = routes.match(event)
    if matched == FILTERED_BY_INTEGRATIONS_OBJECT:
        key = deciding_integration(event.get("integrations"))
        return Routing(FILTERED_BY_INTEGRATIONS_OBJECT, () if key is None else (key,))
    if matched == FILTERED_BY_END_USER_CONSENT:
        categories = destination.settings.consent_categories
        return Routing(FILTERED_BY_END_USER_CONSENT, withheld_categories(event, categories))
    assert matched == NO_MATCHING_MAPPING or not isinstance(matched, str)
    return Routing()
