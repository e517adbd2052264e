"""`rupt-connector plan`: what an edit of the destination file changes on recorded events; nothing is sent."""

import gc
import secrets
import textwrap
import time
from typing import Any, Final

import click
import msgspec

from connector.cli.options import allow_unset_option, config_option, environment_of, json_option, read_range
from connector.cli.painting import USUAL_COLUMNS
from connector.cli.places import short_file
from connector.cli.plan_markdown import print_markdown
from connector.cli.plan_report import Report, Values
from connector.cli.plan_rows import print_rows
from connector.cli.plan_text import print_text
from connector.cli.plan_versions import load_versions
from connector.cli.progress import open_progress
from connector.cli.streams import Streams
from connector.comparison.edits import Comparison, compare
from connector.comparison.written import written_in
from connector.destination import Settings
from connector.errors import UsageError
from connector.events import Cutoff, cutoff_at
from connector.pseudonyms import Pseudonyms
from connector.rehearsing.judges import Oldest
from connector.rehearsing.passes import Pass, union_of_reads
from connector.rehearsing.tallies import Tally
from connector.replay.selection import Selection, select
from connector.sources.files import Progress, read_events

_ERROR: Final = "error: "  # what every error begins with when it is printed


class PlanOptions(msgspec.Struct, frozen=True):
    """The command line of one plan. `old` and `new` name the versions, `new` is None for the file of `config`."""

    paths: tuple[str, ...]
    config: str
    old: str
    new: str | None
    as_json: bool
    markdown: bool
    show_values: bool
    since: str | None
    until: str | None
    limit: int | None
    allow_stale: bool
    allow_unset: bool


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
@click.option(
    "--allow-stale", is_flag=True, help="Take events of any age even where settings.max_event_age is what was edited."
)
@allow_unset_option
@click.pass_obj
def command(streams: Streams, /, **given: Any) -> int:
    """Say what an edit of the destination file changes on recorded events. Nothing is sent.

    PATHS are recordings, as for replay; the age of events counts only where max_event_age was edited. Without --from
    and --to, the file is compared with itself as git's HEAD has it. Exit code 5 when something changes, 0 when nothing
    does, 4 when there was nothing to compare.
    """
    options = msgspec.convert(given, PlanOptions)
    if options.as_json and options.markdown:
        raise UsageError("--json and --markdown are two ways to print it; give one of them")
    now = time.time()
    selection = Selection(*read_range(options.since, options.until, now), options.limit)
    comparison = _compare(streams, options)
    gc.freeze()  # as replay does: what is loaded lives as long as the process
    gc.set_threshold(50_000, 20, 20)
    tally = _go_through(streams, comparison, options.paths, selection, _oldest(comparison, options, now))
    pseudonyms = None if options.show_values else Pseudonyms(secrets.token_bytes(16))
    report = Report(comparison, tally, options.paths, Values(pseudonyms, written_in(comparison)))
    _print(streams, options, report)
    return report.exit_code


def _compare(streams: Streams, options: PlanOptions) -> Comparison:
    environment = environment_of(streams, allow_unset=options.allow_unset)
    try:
        old, new = load_versions(environment, options.config, old=options.old, new=options.new)
    except UsageError as error:
        raise UsageError(_broken(streams, f"{_ERROR}{error}").removeprefix(_ERROR)) from None
    for file in dict.fromkeys((*old.outside, *new.outside)):
        said = "is included from outside of git's version: it is taken as it is on disk now"
        streams.say(_broken(streams, f"{short_file(file)} {said}"))
    return compare(old, new)


def _broken(streams: Streams, text: str) -> str:
    """Break lines of words between words where no terminal does; paths and the like stay whole."""
    if streams.is_terminal:
        return text
    return "\n".join(
        textwrap.fill(
            line,
            USUAL_COLUMNS,
            subsequent_indent="        " if line.startswith("  help: ") else "  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )


def _print(streams: Streams, options: PlanOptions, report: Report) -> None:
    if options.as_json:
        print_rows(streams, report)
    elif options.markdown:
        print_markdown(streams, report)
    else:
        print_text(streams, report)


def _oldest(comparison: Comparison, options: PlanOptions, now: float) -> Oldest:
    """Tell the moments before which events are stale in each version; recordings are old, so that mostly none is."""
    before, after = (version.destination.settings for version in (comparison.old, comparison.new))
    if options.allow_stale or before.max_event_age == after.max_event_age:
        return None, None
    return _cutoff(before, now), _cutoff(after, now)


def _cutoff(settings: Settings, now: float) -> Cutoff | None:
    return None if settings.max_event_age is None else cutoff_at(now - settings.max_event_age)


def _go_through(
    streams: Streams,
    comparison: Comparison,
    paths: tuple[str, ...],
    selection: Selection,
    oldest: Oldest,
) -> Tally:
    reading = Progress()
    recording = read_events(paths, reads=union_of_reads(comparison), stdin=streams.stdin, progress=reading)
    with open_progress(streams, reading, rows=False) as progress:
        work = Pass(comparison, oldest, say=progress.say)
        work.run(select(recording, selection, work.tally.summary), show=progress.show)
    return work.tally
