"""Options and loading that several commands share."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from connector.cli.streams import Streams
from connector.destination import Destination, load
from connector.errors import DestinationError, Problem, UsageError
from connector.setting_kinds import duration
from connector.variables import StandIns

DEFAULT_CONFIG: Final = "rupt.yaml"

config_option = click.option(
    "-c",
    "--config",
    type=click.Path(),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The destination file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one value a line, for programs.")
allow_unset_option = click.option(
    "--allow-unset",
    is_flag=True,
    help="Fill ${NAME} that the environment does not have with a stand-in: nothing is sent, so no secret is needed.",
)


def load_config(streams: Streams, config: str, *, allow_unset: bool = False) -> Destination:
    """Load the destination file. Raises DestinationError with every problem in it."""
    if not os.path.lexists(config):
        help = "rupt-connector init writes a first one; --config FILE names another"
        raise DestinationError([Problem("cannot_read", f"there is no file {config!r}", config, help=help)])
    return load(Path(config), environment_of(streams, allow_unset=allow_unset))


def environment_of(streams: Streams, *, allow_unset: bool) -> Mapping[str, str]:
    """Give the variables that a destination file may name; with `allow_unset` all that it names have a value."""
    return StandIns(streams.env) if allow_unset else streams.env


def read_range(since: str | None, until: str | None, now: float) -> tuple[float | None, float | None]:
    """Read --since and --until, in seconds since the epoch. Raises UsageError, also when nothing can be within."""
    first, end = _time("--since", since, now), _time("--until", until, now)
    if first is not None and end is not None and first >= end:
        raise UsageError(f"--since {since} is not before --until {until}: no event is within that")
    return first, end


def _time(option: str, text: str | None, now: float) -> float | None:
    """Read a time: a date, a date and time (UTC unless it says otherwise), or how long ago."""
    if text is None:
        return None
    if isinstance(age := duration()(text), float):
        return now - age
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r}: write 2026-11-21, 2026-11-21T08:00:00Z, or 24h for that long ago"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
