"""Options and loading that several commands share."""

import os
from pathlib import Path
from typing import Final

import click

from connector.cli.streams import Streams
from connector.destination import Destination, load
from connector.errors import DestinationError, Problem

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


def load_config(streams: Streams, config: str) -> Destination:
    """Load the destination file. Raises DestinationError with every problem in it."""
    if not os.path.lexists(config):
        help = "rupt-connector init writes a first one; --config FILE names another"
        raise DestinationError([Problem("cannot_read", f"there is no file {config!r}", config, help=help)])
    return load(Path(config), streams.env)
