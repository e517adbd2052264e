"""What `replay` was told, for the dry run and the delivery alike."""

import shlex
from datetime import UTC, datetime

import msgspec

from connector.destination import Settings
from connector.events import Cutoff, cutoff_at
from connector.replay.selection import Selection


class ReplayOptions(msgspec.Struct, frozen=True):
    """The command line of one replay. `now` is when it began, in seconds since the epoch."""

    paths: tuple[str, ...]
    config: str
    as_json: bool
    only: tuple[str, ...]
    selection: Selection
    allow_stale: bool
    now: float
    rate: float | None
    concurrency: int | None
    checkpoint: str | None
    data: str | None
    debug: bool

    def oldest(self, settings: Settings) -> Cutoff | None:
        """Tell the moment before which an event is stale; None when any age is taken."""
        if self.allow_stale or settings.max_event_age is None:
            return None
        return cutoff_at(self.now - settings.max_event_age)

    def command(self) -> str:
        """Write the command line that does the same again; times that were said as ages are the same moments."""
        chosen = self.selection
        values = [
            ("--since", _moment(chosen.since)),
            ("--until", _moment(chosen.until)),
            ("--limit", chosen.limit),
            ("--rate", self.rate),
            ("--concurrency", self.concurrency),
            ("--checkpoint", self.checkpoint),
            ("--data", self.data),
        ]
        flags = [("--json", self.as_json), ("--allow-stale", self.allow_stale)]
        words = ["rupt-connector", "replay", "--config", self.config]
        words += [word for name in self.only for word in ("--only", name)]
        words += [word for name, value in values if value is not None for word in (name, f"{value}")]
        words += [name for name, wanted in flags if wanted]
        words += ["--"] if any(path.startswith("-") and path != "-" for path in self.paths) else []
        return shlex.join([*words, *self.paths])


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
