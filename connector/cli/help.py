"""The option --help of every command, which writes to the streams that a command is given."""

from typing import Final

import click

from connector.cli.streams import Streams


def _show_help(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.find_object(Streams).print(ctx.get_help())  # type: ignore[union-attr]  # every context has the streams
        ctx.exit()


# Our own, since click's writes to the process's standard output and not to the streams that a command is given.
HELP: Final = click.Option(
    ["-h", "--help"], is_flag=True, is_eager=True, expose_value=False, callback=_show_help, help="Show this and exit."
)
