"""`rupt-connector check`: every problem of a destination file, the tests that stand in it, and what can be mended."""

import os
from collections.abc import Sequence
from typing import Final

import click
import msgspec

from connector.cli.code_table import print_codes
from connector.cli.mending import Mended, diff_of, look_at, mend, write
from connector.cli.options import allow_unset_option, config_option, environment_of, load_config
from connector.cli.painting import Painter
from connector.cli.problem_lines import by_severity, counted, line_of_fix, mendable, print_problem, words_painter
from connector.cli.problem_places import Places, problem_row
from connector.cli.proof_table import print_proof
from connector.cli.sarif import sarif_log
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.errors import Problem, UsageError
from connector.expectations import run_tests
from connector.lints import inspect, without_allowed
from connector.proofs import prove

_FORMS: Final = ("text", "json", "sarif", "markdown")


class _Wanted(msgspec.Struct, frozen=True):
    """What the options ask for."""

    config: str
    form: str
    strict: bool
    notes: bool
    allow_unset: bool


@click.command("check")
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMS),
    default="text",
    show_default=True,
    help="How problems are printed: json is one a line, sarif is for code review; markdown is for --codes.",
)
@click.option("--strict", is_flag=True, help="End with 1 when there are warnings.")
@click.option("--notes", is_flag=True, help="Print notes too; json and sarif always have them.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without a decision, and write the files.")
@click.option(
    "--unsafe-fixes",
    is_flag=True,
    help="With --fix or --diff: mend also where other events would be taken, or something else be sent.",
)
@click.option("--diff", "--dry-run", "diff", is_flag=True, help="Print what --fix would change, and write nothing.")
@click.option("--codes", is_flag=True, help="List what the code of each problem means, and check nothing.")
@click.option(
    "--proof", is_flag=True, help="Print what is proven of each field: its types, when it is left out or fails."
)
@allow_unset_option
@click.pass_obj
def command(
    streams: Streams,
    *,
    config: str,
    form: str,
    strict: bool,
    notes: bool,
    fix: bool,
    diff: bool,
    unsafe_fixes: bool,
    codes: bool,
    proof: bool,
    allow_unset: bool,
) -> int:
    """Check a destination file: its keys, triggers, fields and directives, and run the tests in it.

    A comment `# check: allow CODE` at the end of a line, or above it, allows a warning there.

    Exit code 0 when all is well, warnings or not; 1 when a test fails, with --strict also when there are warnings, with
    --diff when something would change; 2 when the file does not load.
    """
    if codes:
        return _list_codes(streams, form)
    if form == "markdown":
        raise UsageError("--format markdown is for --codes: write text, json or sarif")
    if proof:
        return print_proof(streams, config, form, allow_unset=allow_unset)
    wanted = _Wanted(config, form, strict, notes, allow_unset)
    if unsafe_fixes and not (fix or diff):
        raise UsageError("--unsafe-fixes goes with --fix or --diff")
    if fix or diff:
        mended = _mend(streams, wanted, unsafe=unsafe_fixes)
        if diff:
            return _show_diff(streams, mended)
        write(mended)
        _tell_fixes(streams, mended)
    return _check(streams, wanted)


def _list_codes(streams: Streams, form: str) -> int:
    if form == "sarif":
        raise UsageError("--codes has no sarif: write text, json or markdown")
    print_codes(streams, "json" if form == "json" else "markdown" if form == "markdown" else "text")
    return 0


# ------------------------------------------------------------------------------------------------------------ checking


def _check(streams: Streams, wanted: _Wanted) -> int:
    if not os.path.lexists(wanted.config):
        load_config(streams, wanted.config)  # says what to do about it
    environment = environment_of(streams, allow_unset=wanted.allow_unset)
    state = look_at(wanted.config, environment, _look, {})
    _print_problems(streams, state.problems, wanted)
    if state.destination is None:
        if wanted.form == "text":
            streams.say(_nothing_done(state.problems))
        return 2
    verdict = f"{wanted.config}: {_mappings(state.destination)}, {_tests(state.destination)}"
    if wanted.form == "text":
        streams.print(verdict)
        _print_counts(streams, state.problems, wanted)
    else:
        streams.say(verdict)
    warned = wanted.strict and any(problem.severity == "warning" for problem in state.problems)
    return 1 if state.errors or warned else 0


def _look(destination: Destination) -> list[Problem]:
    """Find what is wrong with a destination that loads: failing tests, warnings and notes."""
    _, failed = run_tests(destination)
    found = without_allowed(destination, [*inspect(destination), *prove(destination)])
    return by_severity([*(failure.problem for failure in failed), *found])


def _print_problems(streams: Streams, problems: Sequence[Problem], wanted: _Wanted) -> None:
    places = Places()
    match wanted.form:
        case "sarif":
            streams.print_json(sarif_log(problems, places), pretty=True)
        case "json":
            for problem in problems:
                streams.print_json(problem_row(problem, places))
        case _:
            painter = words_painter(streams)
            for problem in problems:
                if wanted.notes or problem.severity != "note":
                    print_problem(painter, problem)


def _print_counts(streams: Streams, problems: Sequence[Problem], wanted: _Wanted) -> None:
    if problems:
        Painter(streams).wrap(counted(problems, notes=wanted.notes))


def _nothing_done(problems: Sequence[Problem]) -> str:
    number = len(problems)
    return f"{number:,} problem{'' if number == 1 else 's'}, nothing was done{mendable(problems)}"


def _mappings(destination: Destination) -> str:
    off = sum(not mapping.enabled for mapping in destination.mappings)
    number = len(destination.mappings)
    return f"{number} mapping{'' if number == 1 else 's'}{f' ({off} switched off)' if off else ''}"


def _tests(destination: Destination) -> str:
    count, failed = run_tests(destination)
    passed = count - len({(failure.mapping, failure.test) for failure in failed})
    if passed < count:
        return f"{passed} of {count} test{'' if count == 1 else 's'} pass{'es' if passed == 1 else ''}"
    return {0: "no tests", 1: "its test passes"}.get(count, f"all {count} tests pass")


# ------------------------------------------------------------------------------------------------------------- mending


def _mend(streams: Streams, wanted: _Wanted, *, unsafe: bool) -> Mended:
    if not os.path.lexists(wanted.config):
        load_config(streams, wanted.config)  # says what to do about it
    return mend(wanted.config, environment_of(streams, allow_unset=wanted.allow_unset), _look, unsafe=unsafe)


def _tell_fixes(streams: Streams, mended: Mended) -> None:
    painter = words_painter(streams)
    for problem in mended.problems:
        painter.wrap(*line_of_fix(problem))
    if not mended.problems:
        streams.say("nothing to fix")


def _show_diff(streams: Streams, mended: Mended) -> int:
    painter = Painter(streams)
    for line in diff_of(mended):
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        painter.print((style, line) if style else line)  # type: ignore[arg-type]  # one of the styles above
    problems, files = len(mended.problems), len(mended.after)
    if not problems:
        streams.say("nothing to fix")
        return 0
    told = f"{problems:,} problem{'' if problems == 1 else 's'} in {files:,} file{'' if files == 1 else 's'}"
    streams.say(f"--fix would mend {told}; nothing was written")
    return 1
