"""`rupt-connector serve`: receives events over HTTP, keeps them in a folder, and delivers them until it is stopped."""

import asyncio
import gc
import signal
from collections.abc import Callable
from typing import Final

import click

from connector.app import run_loop
from connector.cli.options import config_option, load_config
from connector.cli.streams import Streams
from connector.config import PARAMETERS, ServeConfig, default_text, read_config
from connector.destination import Destination
from connector.logs import Logs, open_logs
from connector.server import Server, open_server

_SECRETS: Final = "\n".join(
    f"  {parameter.variable:22} {parameter.help}" for parameter in PARAMETERS if parameter.secret
)
_MORE: Final = f"""\b
Every option may be a variable: --body-limit is RUPT_BODY_LIMIT. Secrets are variables only:
{_SECRETS}

\b
Point an SDK's host at the URL that is printed. GET /healthz, /readyz and /metrics tell how it is.
SIGTERM or Ctrl-C stops it: what is in flight is finished or handed back. SIGHUP loads the file again."""


def _options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command an option for each parameter that is no secret."""
    for parameter in reversed(PARAMETERS):
        if not parameter.secret:
            default = default_text(parameter)
            words = f"{parameter.help}  [{default}]" if default else parameter.help
            command = click.option(parameter.option, parameter.name, metavar=parameter.metavar, help=words)(command)
    return command


@click.command("serve", epilog=_MORE)
@config_option
@_options
@click.option("--wait", is_flag=True, help="Wait while another process has the folder, and take over when it ends.")
@click.pass_obj
def command(streams: Streams, /, *, config: str, wait: bool, **given: str | None) -> int:
    """Receive events from Segment's SDKs and webhooks, keep them on disk, and deliver them to Rupt."""
    settings = read_config(given, streams.env)
    destination = load_config(streams, config)
    with open_logs(streams.stderr, level=settings.log_level, colour=streams.has_colour) as logs:
        run_loop(_serve(streams, destination, settings, logs, wait=wait))
    return 0


async def _serve(streams: Streams, destination: Destination, config: ServeConfig, logs: Logs, *, wait: bool) -> None:
    async with open_server(destination, config, logs, environment=streams.env, wait=wait) as server:
        _obey_signals(server, config)
        gc.collect()
        gc.freeze()  # what is loaded lives as long as the process: the collector need not look at it again and again
        gc.set_threshold(50_000, 20, 50)
        await server.run()


def _obey_signals(server: Server, config: ServeConfig) -> None:
    """Let the first signal stop the server in order, and the second at once; SIGHUP loads the file again."""
    loop, asked = asyncio.get_running_loop(), list[None]()

    def stop() -> None:
        server.stop(within=0.0 if asked else config.stop_within)
        asked.append(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, server.reload)
