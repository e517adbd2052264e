"""Coverage: what of the mappings events have reached, and which fields of the traffic no mapping reads."""

from connector.coverage.counting import Coverage
from connector.coverage.report import CoverageReport, Item, Kind, MappingCoverage, Unread, percentage

__all__ = ["Coverage", "CoverageReport", "Item", "Kind", "MappingCoverage", "Unread", "percentage"]
