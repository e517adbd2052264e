"""Options and loading that several commands share."""

from pathlib import Path
from typing import Final

import click

from connector.cli.streams import Streams
from connector.destination import Destination, load

DEFAULT_CONFIG: Final = "rupt.yaml"

config_option = click.option(
    "-c",
    "--config",
    type=click.Path(),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The destination file.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def load_config(streams: Streams, config: str) -> Destination:
    """Load the destination file. Raises DestinationError with every problem in it."""
    return load(Path(config), streams.env)
