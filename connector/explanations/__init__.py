"""Explanations: what becomes of an event by each mapping, and what decided it, down to the clause and the directive."""

from connector.explanations.explaining import Explainer
from connector.explanations.model import (
    Change,
    Explanation,
    Failed,
    Field,
    MappingExplanation,
    Outcome,
    Routing,
    Sent,
    Unsent,
)
from connector.explanations.origins import ID_IN_URL

__all__ = [
    "ID_IN_URL",
    "Change",
    "Explainer",
    "Explanation",
    "Failed",
    "Field",
    "MappingExplanation",
    "Outcome",
    "Routing",
    "Sent",
    "Unsent",
]
