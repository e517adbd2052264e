"""`rupt-connector twin`: a stand-in for Rupt that runs until Ctrl-C and logs each request as a line of JSON."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, TextIO

import click

from connector.cli.streams import Streams
from connector.errors import UsageError
from connector.twin import MENU, Faults, Project, serve_twin

_MENU: Final = (
    "\b\nFaults, joined by commas, each with a rate from 0 to 1 behind a colon (else it comes always):\n"
    + "\n".join(f"  {name:14} {words}" for name, words in MENU.items())
)


@click.command("twin", epilog=_MENU)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True)
@click.option("--client-id", help="Take only this client id; any is taken otherwise.")
@click.option("--api-secret", envvar="TWIN_API_SECRET", help="Take only this API secret; any is taken otherwise.")
@click.option(
    "--device-limit", type=click.IntRange(min=0), default=3, show_default=True, help="Devices an account may have."
)
@click.option(
    "--faults", metavar="LIST", default="", help="What goes wrong, how often: 429=2:0.1,500:0.05,latency=0.2 (below)."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Makes ids and faults come out the same again.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append a line of JSON for each request to this file, not to standard output.",
)
@click.pass_obj
def command(
    streams: Streams,
    *,
    host: str,
    port: int,
    client_id: str | None,
    api_secret: str | None,
    device_limit: int,
    faults: str,
    seed: int,
    log: Path | None,
) -> int:
    """Run a stand-in for Rupt, to try mappings and failures on. It ends with Ctrl-C, and forgets everything.

    Point a destination at it: settings: {domain: "http://127.0.0.1:8787"}. POST /_twin/faults, GET /_twin/state and
    GET /_twin/requests steer and show it; the header X-Twin-Fault spoils one request. POST /_twin/faults takes what
    goes wrong from now on: {"next": ["429", "reset"], "rates": "503:0.1,latency=0.5"}.
    """
    project = Project(client_id=client_id, api_secret=api_secret, default_device_limit=device_limit, seed=seed)
    menu = Faults(faults, random=Random(seed))
    with _open_log(streams, log) as out:
        asyncio.run(
            serve_twin(host, port, project=project, faults=menu, log=out, ready=lambda url: _announce(streams, url))
        )
    return 0


@contextmanager
def _open_log(streams: Streams, log: Path | None) -> Iterator[TextIO]:
    if log is None:
        out = io.TextIOWrapper(streams.stdout, encoding="utf-8", write_through=True)
        try:
            yield out
        finally:
            out.detach()  # the stream is the caller's
        return
    try:
        opened = log.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--log {log}: {error.strerror}") from None
    with opened:
        yield opened


def _announce(streams: Streams, url: str) -> None:
    streams.say(f"stand-in for Rupt: {url}  (Ctrl-C ends it; each request is logged as a line of JSON)")
