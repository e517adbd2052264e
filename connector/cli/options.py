"""Options and loading that several commands share."""

import importlib
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


def _show_help(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_object(Streams).print(ctx.get_help())  # type: ignore[union-attr]  # every context has the streams
        ctx.exit()


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_object(Streams).print(f"rupt-connector {_version()}")  # type: ignore[union-attr]  # as above
        ctx.exit()


def _version() -> str:
    metadata = importlib.import_module("importlib.metadata")  # takes as long to load as all of the commands
    try:
        version: str = metadata.version("rupt-connector")
    except metadata.PackageNotFoundError:
        return "(not installed: run from its source)"
    return version


# Our own, since click's write to the process's standard output and not to the streams that a command is given.
HELP: Final = click.Option(
    ["-h", "--help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this and exit."
)
VERSION: Final = click.Option(
    ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)


def load_config(streams: Streams, config: str) -> Destination:
    """Load the destination file. Raises DestinationError with every problem in it."""
    if not os.path.lexists(config):
        help = "rupt-connector init writes a first one; --config FILE names another"
        raise DestinationError([Problem("cannot_read", f"there is no file {config!r}", config, help=help)])
    return load(Path(config), streams.env)
