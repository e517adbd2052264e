"""The tests of a destination with all that stands in files: *_test.yaml files, recordings, and rows that are kept."""

from connector.testing.gathering import Group, Load, Planned, gather
from connector.testing.running import Result, run_group
from connector.testing.updating import Update, write_updates

__all__ = ["Group", "Load", "Planned", "Result", "Update", "gather", "run_group", "write_updates"]
