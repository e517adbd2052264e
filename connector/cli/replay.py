"""`rupt-connector replay`: recorded events to Rupt, or with --dry-run only what would be sent."""

import gc
import importlib
import time
from typing import Final

import click

from connector.cli.options import config_option, json_option, load_config, read_range
from connector.cli.replay_options import ReplayOptions
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.errors import UsageError, closest
from connector.replay.selection import Selection

_MODES: Final = {True: "connector.cli.replay_dry", False: "connector.cli.replay_live"}


@click.command("replay")
@click.argument("paths", nargs=-1, required=True)
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be sent.")
@click.option("--only", multiple=True, metavar="MAPPING", help="Take only this mapping; may be given several times.")
@click.option(
    "--since", metavar="TIME", help="Leave out events before this time: 2026-11-21, 2026-11-21T08:00Z or 24h (ago)."
)
@click.option("--until", metavar="TIME", help="Leave out events from this time on.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="Take at most N events.")
@click.option(
    "--rate", metavar="N", type=click.FloatRange(min=0, min_open=True), help="Send at most N requests a second."
)
@click.option("--concurrency", metavar="N", type=click.IntRange(1, 1024), help="Send at most N requests at once.")
@click.option(
    "--allow-stale",
    is_flag=True,
    help="Send events older than settings.max_event_age too, which Rupt takes for accesses now.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=click.Path(),
    help="Remember in FILE what was delivered; a later run with it goes on and sends nothing twice.",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(),
    help="Use the durable queue in DIR, as serve does: what it delivered is skipped, what it still has is sent.",
)
@click.option("--debug", is_flag=True, help="Print each request and answer, without credentials and personal data.")
@click.pass_obj
def command(
    streams: Streams,
    *,
    paths: tuple[str, ...],
    config: str,
    as_json: bool,
    dry_run: bool,
    only: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int | None,
    rate: float | None,
    concurrency: int | None,
    allow_stale: bool,
    checkpoint: str | None,
    data: str | None,
    debug: bool,
) -> int:
    """Replay recorded events: files, folders, globs, or - for standard input.

    What a file is, its content says: one event, a list, lines of JSON, SDK request bodies, Segment's raw logs,
    RudderStack archives, recorded HTTP requests, gzip or not.
    """
    if checkpoint is not None and data is not None:
        raise UsageError("--checkpoint and --data both remember what was delivered; give one of them")
    destination = _only(load_config(streams, config), only)
    now = time.time()
    options = ReplayOptions(
        paths=paths,
        config=config,
        as_json=as_json,
        only=only,
        selection=Selection(*read_range(since, until, now), limit),
        allow_stale=allow_stale,
        now=now,
        rate=rate,
        concurrency=concurrency,
        checkpoint=checkpoint,
        data=data,
        debug=debug or destination.settings.debug,
    )
    mode = importlib.import_module(_MODES[dry_run])  # a dry run never pays for loading what delivers
    gc.freeze()  # what is loaded lives as long as the process: the collector need not look at it again
    gc.set_threshold(50_000, 20, 20)
    code = mode.run(streams, destination, options)
    assert isinstance(code, int)
    return code


def _only(destination: Destination, names: tuple[str, ...]) -> Destination:
    """Keep the mappings of these names. Raises UsageError with every name that is of no use."""
    if not names:
        return destination
    enabled = {mapping.name: mapping.enabled for mapping in destination.mappings}
    faults = [f"--only {name!r}: {_no_use(name, enabled)}" for name in dict.fromkeys(names) if not enabled.get(name)]
    if faults:
        raise UsageError("\n".join(faults))
    return destination.only(names)


def _no_use(name: str, enabled: dict[str, bool]) -> str:
    if name in enabled:
        return "this mapping is switched off (enabled: false)"
    known = closest(name, enabled) or f"known are {', '.join(map(repr, enabled)) or 'none'}"
    return f"there is no such mapping; {known}"
