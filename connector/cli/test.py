"""`rupt-connector test`: the tests beside mappings and in *_test.yaml files, run; what differs shown, or written."""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec.structs import replace

from connector.cli.options import allow_unset_option, config_option, environment_of, json_option, load_config
from connector.cli.streams import Streams
from connector.cli.trial_coverage import Covering
from connector.cli.trial_junit import junit_xml
from connector.cli.trial_report import Report, case_row
from connector.destination import Destination
from connector.errors import SourceError, UsageError, closest
from connector.sources.files import find_files
from connector.testing import Group, Result, Update, gather, run_group, write_updates
from connector.testing.gathering import Environment
from connector.testing.recordings import beside

_NONE: Final = "the mapping is there, but has no tests; write `tests:` under it, or `mapping:` in a test file"


class TrialOptions(msgspec.Struct, frozen=True):
    """The command line of one run of tests; `words` are part of a test's name."""

    paths: tuple[str, ...]
    config: str
    allow_unset: bool
    only: tuple[str, ...]
    words: str | None
    verbose: bool
    update: bool
    junit: str | None
    coverage: bool
    min_coverage: float | None
    traffic: tuple[str, ...]
    as_json: bool

    @property
    def counts_coverage(self) -> bool:
        """Say whether coverage is asked for."""
        return self.coverage or self.min_coverage is not None or bool(self.traffic)


def _percentage(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no number: nothing is above or below it."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is not in the range 0<=x<=100.")
    return value


@click.command("test")
@click.argument("paths", nargs=-1)
@config_option
@allow_unset_option
@click.option("--only", multiple=True, metavar="MAPPING", help="Run only the tests of this mapping; may be repeated.")
@click.option("-k", "words", metavar="TEXT", help="Run only tests with this text in their name.")
@click.option("-v", "--verbose", is_flag=True, help="Name each test, those that pass too.")
@click.option("--update", is_flag=True, help="Write what was found into the files in place of what was expected.")
@click.option("--junit", type=click.Path(), metavar="FILE", help="Write the results as JUnit XML, for CI.")
@click.option("--coverage", is_flag=True, help="Say what of the mappings the tests have reached, and what not.")
@click.option(
    "--min-coverage",
    type=click.FloatRange(0, 100),
    callback=_percentage,
    metavar="PERCENT",
    help="Say the coverage, and end with exit code 1 when it is below this.",
)
@click.option(
    "--traffic",
    multiple=True,
    metavar="PATH",
    help="With --coverage: recorded events, to name the fields in them that no mapping reads.",
)
@json_option
@click.pass_obj
def command(streams: Streams, /, **given: Any) -> int:
    """Run the tests of a destination: those beside its mappings and those of the *_test.yaml files beside it.

    With PATHS (test files, or folders of them) only the tests there are run. Nothing is sent. Exit code 0 when all
    tests pass, 1 when one fails or coverage is too low, 2 when a file does not load.
    """
    options = msgspec.convert(given, TrialOptions)
    groups = _gathered(streams, options)
    if options.junit is not None:
        _check_junit(options.junit, groups, options.traffic)
    covering = Covering(groups, options.only) if options.counts_coverage else None
    report = Report(streams, groups, verbose=options.verbose)
    results = list(_run(groups, covering, None if options.as_json or options.update else report))
    updates = write_updates(results) if options.update else []
    if options.as_json:
        _print_rows(streams, results, updates)
    elif options.update:
        report.tell_updates(updates)
    report.tell_end(results, updates, as_data=not options.as_json)
    if options.junit is not None:
        _write_junit(options.junit, results)
    least, as_json = options.min_coverage, options.as_json
    enough = covering is None or covering.tell(streams, options.traffic, least=least, as_json=as_json)
    left = [one for one in updates if one.why_not] if options.update else [one for one in results if one.problems]
    return 1 if left or not enough else 0


def _gathered(streams: Streams, options: TrialOptions) -> list[Group]:
    def load(file: str, environment: Environment) -> Destination:
        return load_config(replace(streams, env=environment), file)

    environment = environment_of(streams, allow_unset=options.allow_unset)
    return _chosen(gather(options.config, options.paths, environment, load), options.only, options.words)


def _run(groups: list[Group], covering: Covering | None, report: Report | None) -> Iterator[Result]:
    """Run all tests; a report tells those of a group when the group is done."""
    for group in groups:
        found = list(run_group(group, covering.take if covering else None))
        if report is not None:
            report.tell_group(group, found)
        yield from found


def _check_junit(file: str, groups: list[Group], traffic: tuple[str, ...]) -> None:
    """See that the report takes no file's place that is read here. Raises UsageError."""
    read = {name for group in groups for name in (group.file, *group.destination.sources.files)}
    cases = [test.case for group in groups for test in group.tests]
    read |= {beside(case, case.rows) for case in cases if case.rows}
    for path in (*traffic, *(beside(case, case.recording) for case in cases if case.recording)):
        with suppress(SourceError):  # who reads it says what is wrong
            read |= {*find_files([path])}
    if os.path.realpath(file) in {os.path.realpath(name) for name in read}:
        raise UsageError(f"--junit {file}: this file is read here, and would be overwritten; name another")


def _write_junit(file: str, results: list[Result]) -> None:
    try:
        Path(file).write_bytes(junit_xml(results))
    except OSError as error:
        raise UsageError(f"--junit {file}: it cannot be written: {error.strerror}") from None


def _print_rows(streams: Streams, results: list[Result], updates: list[Update]) -> None:
    done = {id(update.result): update for update in updates}
    for result in results:
        streams.print_json(case_row(result, done.get(id(result))))


def _chosen(groups: list[Group], only: tuple[str, ...], words: str | None) -> list[Group]:
    """Keep the tests of these mappings and with these words. Raises UsageError when there are none."""
    names = {mapping.name: None for group in groups for mapping in group.destination.mappings}
    for name in only:
        if name not in names:
            known = closest(name, names) or f"known are {', '.join(map(repr, names)) or 'none'}"
            raise UsageError(f"--only {name!r}: there is no such mapping; {known}")
    chosen = []
    for group in groups:
        tests = tuple(
            test
            for test in group.tests
            if (not only or (test.mapping is not None and test.mapping.name in only))
            and (words is None or words.casefold() in test.case.name.casefold())
        )
        if tests or not (only or words is not None):
            chosen.append(replace(group, tests=tests))
    if (only or words is not None) and not chosen:
        asked = [*(f"--only {name!r}" for name in only), *([f"-k {words!r}"] if words is not None else [])]
        raise UsageError(f"{' '.join(asked)}: {_NONE if words is None else 'there is no such test'}")
    return chosen
