"""`rupt-connector check`: every problem of a destination file, and the tests that stand in it."""

from collections.abc import Sequence

import click

from connector.cli.options import config_option, load_config
from connector.cli.sarif import sarif_log
from connector.cli.streams import Streams
from connector.codes import CODES
from connector.destination import Destination
from connector.errors import DestinationError, Problem
from connector.expectations import run_tests


@click.command("check")
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    show_default=True,
    help="How problems are printed: json is one a line, sarif is for code review.",
)
@click.option("--codes", is_flag=True, help="List what the code of each problem means, and check nothing.")
@click.pass_obj
def command(streams: Streams, *, config: str, form: str, codes: bool) -> int:
    """Check a destination file: its keys, triggers, fields and directives, and run the tests in it.

    Exit code 0 when all is well, 1 when a test fails, 2 when the file does not load.
    """
    if codes:
        width = max(map(len, CODES))
        streams.print("\n".join(f"{code:{width}}  {words}" for code, words in CODES.items()))
        return 0
    try:
        destination = load_config(streams, config)
    except DestinationError as error:
        if form == "text":
            raise
        _print_problems(streams, error.problems, form)
        return 2
    count, failed = run_tests(destination)
    _print_problems(streams, [failure.problem for failure in failed], form)
    passed = count - len({(failure.mapping, failure.test) for failure in failed})
    verdict = f"{config}: {_mappings(destination)}, {_tests(count, passed)}"
    if form == "text":
        streams.print(verdict)
    else:
        streams.say(verdict)
    return 1 if failed else 0


def _print_problems(streams: Streams, problems: Sequence[Problem], form: str) -> None:
    if form == "sarif":
        streams.print_json(sarif_log(problems), pretty=True)
        return
    for problem in problems:
        if form == "json":
            streams.print_json(problem)
        else:
            streams.say(problem.render() + "\n")


def _mappings(destination: Destination) -> str:
    off = sum(not mapping.enabled for mapping in destination.mappings)
    number = len(destination.mappings)
    return f"{number} mapping{'' if number == 1 else 's'}{f' ({off} switched off)' if off else ''}"


def _tests(count: int, passed: int) -> str:
    if passed < count:
        return f"{passed} of {count} test{'' if count == 1 else 's'} pass{'es' if passed == 1 else ''}"
    return {0: "no tests", 1: "its test passes"}.get(count, f"all {count} tests pass")
