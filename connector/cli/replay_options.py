"""What `replay` was told, for the dry run and the delivery alike."""

import msgspec

from connector.destination import Settings
from connector.events import Cutoff, cutoff_at
from connector.replay.selection import Selection


class ReplayOptions(msgspec.Struct, frozen=True):
    """The command line of one replay. `now` is when it began, in seconds since the epoch."""

    paths: tuple[str, ...]
    config: str
    as_json: bool
    selection: Selection
    allow_stale: bool
    now: float
    rate: float | None
    concurrency: int | None
    checkpoint: str | None
    debug: bool

    def oldest(self, settings: Settings) -> Cutoff | None:
        """Tell the moment before which an event is stale; None when any age is taken."""
        if self.allow_stale or settings.max_event_age is None:
            return None
        return cutoff_at(self.now - settings.max_event_age)
