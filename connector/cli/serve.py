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
    f"  {parameter.variable}\n    {parameter.help}" for parameter in PARAMETERS if parameter.secret
)
_MORE: Final = f"""\b
Every option may be a variable: --body-limit is RUPT_BODY_LIMIT.
Secrets are variables only:
{_SECRETS}

Point an SDK's host at the URL that is printed. GET /healthz, /readyz and /metrics tell how it is. SIGTERM or Ctrl-C
stops it: what is in flight is finished or handed back. SIGHUP loads the file again."""


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


class _Signals:
    """What signals ask for: the first to stop in order, the second at once; SIGHUP to load the file again."""

    def __init__(self, config: ServeConfig) -> None:
        self.server: Server | None = None
        self.has_stopped = False
        self._config, self._task = config, asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _stop(self) -> None:
        if self.server is not None:
            self.server.stop(within=0.0 if self.has_stopped else self._config.stop_within)
        elif self._task is not None:
            self._task.cancel()  # it is being opened, or waits for the folder: nothing has been taken yet
        self.has_stopped = True

    def _reload(self) -> None:
        if self.server is not None:
            self.server.reload()


async def _serve(streams: Streams, destination: Destination, config: ServeConfig, logs: Logs, *, wait: bool) -> None:
    signals = _Signals(config)
    try:
        async with open_server(destination, config, logs, environment=streams.env, wait=wait) as signals.server:
            gc.collect()
            gc.freeze()  # what is loaded lives as long as the process: the collector need not look at it again
            gc.set_threshold(50_000, 20, 50)
            await signals.server.run()
    except asyncio.CancelledError:
        if not signals.has_stopped:
            raise
