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

__all__ = [
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
