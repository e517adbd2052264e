"""`rupt-connector plan`: what an edit of the destination file changes on recorded events; nothing is sent."""

import gc
import secrets
import time

import click

from connector.cli.options import allow_unset_option, config_option, environment_of, json_option, read_range
from connector.cli.plan_markdown import print_markdown
from connector.cli.plan_report import Report, Values
from connector.cli.plan_rows import print_rows
from connector.cli.plan_text import print_text
from connector.cli.plan_versions import load_versions
from connector.cli.progress import open_progress
from connector.cli.streams import Streams
from connector.comparison.edits import Comparison, compare, constants
from connector.destination import Settings
from connector.errors import UsageError
from connector.events import Cutoff, cutoff_at
from connector.pseudonyms import Pseudonyms
from connector.rehearsing.passes import Pass, union_of_reads
from connector.rehearsing.tallies import Tally
from connector.replay.selection import Selection, select
from connector.sources.files import Progress, read_events


@click.command("plan")
@click.argument("paths", nargs=-1, required=True)
@config_option
@click.option(
    "--from",
    "old",
    metavar="OLD",
    default="HEAD",
    show_default=True,
    help="The old version: a file, a git revision of the new one, REV:path, or nothing.",
)
@click.option("--to", "new", metavar="NEW", help="The new version, as --from.  [default: the file of --config]")
@json_option
@click.option("--markdown", is_flag=True, help="Print a comment for a pull request.")
@click.option("--show-values", is_flag=True, help="Show values of events as they are, not pseudonyms.")
@click.option(
    "--since", metavar="TIME", help="Leave out events before this time: 2026-11-21, 2026-11-21T08:00Z or 24h (ago)."
)
@click.option("--until", metavar="TIME", help="Leave out events from this time on.")
@click.option("--limit", metavar="N", type=click.IntRange(min=0), help="Take at most N events.")
@click.option("--allow-stale", is_flag=True, help="Take events older than settings.max_event_age too.")
@allow_unset_option
@click.pass_obj
def command(
    streams: Streams,
    *,
    paths: tuple[str, ...],
    config: str,
    old: str,
    new: str | None,
    as_json: bool,
    markdown: bool,
    show_values: bool,
    since: str | None,
    until: str | None,
    limit: int | None,
    allow_stale: bool,
    allow_unset: bool,
) -> int:
    """Say what an edit of the destination file changes on recorded events. Nothing is sent.

    PATHS are recordings, as for replay. Without --from and --to, the file is compared with itself as git's HEAD has it.
    Exit code 5 when something changes, 0 when nothing does.
    """
    if as_json and markdown:
        raise UsageError("--json and --markdown are two ways to print it; give one of them")
    now = time.time()
    selection = Selection(*read_range(since, until, now), limit)
    versions = load_versions(environment_of(streams, allow_unset=allow_unset), config, old=old, new=new)
    comparison = compare(*versions)
    before, after = (version.destination.settings for version in versions)
    oldest = (None, None) if allow_stale else (_oldest(before, now), _oldest(after, now))
    gc.freeze()  # as replay does: what is loaded lives as long as the process
    gc.set_threshold(50_000, 20, 20)
    tally = _go_through(streams, comparison, paths, selection, oldest)
    pseudonyms = None if show_values else Pseudonyms(secrets.token_bytes(16))
    report = Report(comparison, tally, paths, Values(pseudonyms, constants(comparison)))
    if as_json:
        print_rows(streams, report)
    elif markdown:
        print_markdown(streams, report)
    else:
        print_text(streams, report)
    return report.exit_code


def _oldest(settings: Settings, now: float) -> Cutoff | None:
    """Tell the moment before which events are stale, None when any age is taken."""
    return None if settings.max_event_age is None else cutoff_at(now - settings.max_event_age)


def _go_through(
    streams: Streams,
    comparison: Comparison,
    paths: tuple[str, ...],
    selection: Selection,
    oldest: tuple[Cutoff | None, Cutoff | None],
) -> Tally:
    reading = Progress()
    recording = read_events(paths, reads=union_of_reads(comparison), stdin=streams.stdin, progress=reading)
    with open_progress(streams, reading, rows=False) as progress:
        work = Pass(comparison, oldest, say=progress.say)
        work.run(select(recording, selection, work.tally.summary), show=progress.show)
    return work.tally
