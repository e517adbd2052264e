"""`rupt-connector check`: every problem of a destination file, the tests that stand in it, and what can be mended."""

import os
from collections.abc import Sequence
from typing import Final

import click
import msgspec
from msgspec.structs import replace

from connector.cli.code_table import print_codes
from connector.cli.mending import Looked, Mended, Refused, State, diff_of, look_at, mend, write
from connector.cli.options import allow_unset_option, config_option, environment_of, load_config
from connector.cli.painting import Painter
from connector.cli.problem_lines import (
    by_severity,
    count_problems,
    line_of_fix,
    line_of_refusal,
    mendable,
    print_problem,
)
from connector.cli.problem_places import Places, problem_row
from connector.cli.proof_table import print_proof
from connector.cli.sarif import sarif_log
from connector.cli.streams import Streams
from connector.destination import Destination
from connector.errors import Problem, UsageError
from connector.expectations import recorded_tests, run_tests
from connector.lints import inspect, without_allowed
from connector.positions import quoted
from connector.proofs import prove

_FORMS: Final = ("text", "json", "sarif", "markdown")
_DIFFERS: Final = "`rupt-connector test` shows the difference; with --update it takes over what was found"


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
@click.option("--notes", is_flag=True, help="Print notes too; json always has them.")
@click.option("--fix", is_flag=True, help="Mend what can be mended without a decision, and write the files.")
@click.option(
    "--unsafe-fixes",
    is_flag=True,
    help="With --fix or --diff: mend also what is a choice: other events are taken then, or something else is sent.",
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

    A comment `# check: allow CODE` at the end of a line, or above it, allows a warning there; above a mapping, in all
    of it.

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
    if diff and form != "text":
        raise UsageError(f"--format {form} does not go with --diff: it prints a diff")
    if wanted.form == "text" and not os.path.lexists(wanted.config):
        load_config(streams, wanted.config)  # says what to do about it
    environment = environment_of(streams, allow_unset=allow_unset)
    if not (fix or diff):
        return _check(streams, wanted, look_at(config, environment, _look, {}))
    mended = mend(config, environment, _look, unsafe=unsafe_fixes)
    if diff:
        return _show_diff(streams, wanted, mended)
    write(mended)
    _tell_fixes(streams, mended)
    return _check(streams, wanted, mended.state, fixed=len(mended.problems))


def _list_codes(streams: Streams, form: str) -> int:
    if form == "sarif":
        raise UsageError("--codes has no sarif: write text, json or markdown")
    print_codes(streams, "json" if form == "json" else "markdown" if form == "markdown" else "text")
    return 0


# ------------------------------------------------------------------------------------------------------------ checking


def _check(streams: Streams, wanted: _Wanted, state: State, *, fixed: int = 0) -> int:
    _print_problems(streams, state.problems, wanted)
    done = f"{fixed:,} problem{'' if fixed == 1 else 's'} fixed, " if fixed else ""
    if state.destination is None:
        if wanted.form == "text":
            streams.say(f"{done}{_left(state.problems, is_rest=bool(fixed))}")
        return 2
    verdict = f"{wanted.config}: {_mappings(state.destination)}, {_tests(state.destination)}"
    if wanted.form == "text":
        streams.print(verdict)
        counts = count_problems(state.problems, notes=wanted.notes)
        if done or counts:
            Painter(streams).wrap(f"{done}{f'left: {counts}' if counts else 'none is left'}" if done else counts)
    else:
        streams.say(verdict)
    warned = wanted.strict and any(problem.severity == "warning" for problem in state.problems)
    return 1 if state.errors or warned else 0


def _look(destination: Destination) -> Looked:
    """Find what is wrong with a destination that loads: failing tests, warnings and notes."""
    _, failed = run_tests(destination)
    found = without_allowed(destination, [*inspect(destination), *prove(destination)])
    told = (replace(failure.problem, help=failure.problem.help or _DIFFERS) for failure in failed)
    problems = by_severity([*told, *found])
    names = (f"the test {quoted(failure.test)} of {quoted(failure.mapping)}" for failure in failed)
    return Looked(tuple(problems), frozenset(names))


def _print_problems(streams: Streams, problems: Sequence[Problem], wanted: _Wanted) -> None:
    places = Places()
    match wanted.form:
        case "sarif":
            told = [problem for problem in problems if wanted.notes or problem.severity != "note"]
            streams.print_json(sarif_log(told, places), pretty=True)
        case "json":
            for problem in problems:
                streams.print_json(problem_row(problem, places))
        case _:
            painter = Painter(streams, words=True)
            for problem in problems:
                if wanted.notes or problem.severity != "note":
                    print_problem(painter, problem)


def _left(problems: Sequence[Problem], *, is_rest: bool) -> str:
    number = len(problems)
    what = f" {'is' if number == 1 else 'are'} left" if is_rest else f" problem{'' if number == 1 else 's'}"
    return f"{number:,}{what}{mendable(problems)}"


def _mappings(destination: Destination) -> str:
    off = sum(not mapping.enabled for mapping in destination.mappings)
    number = len(destination.mappings)
    return f"{number} mapping{'' if number == 1 else 's'}{f' ({off} switched off)' if off else ''}"


def _tests(destination: Destination) -> str:
    count, failed = run_tests(destination)
    recorded = recorded_tests(destination)
    more = f" ({recorded:,} more on recordings: rupt-connector test)" if recorded else ""
    if not count and recorded:
        return f"{recorded:,} test{'' if recorded == 1 else 's'} on recordings: rupt-connector test"
    passed = count - len({(failure.mapping, failure.test) for failure in failed})
    if passed < count:
        return f"{passed} of {count} test{'' if count == 1 else 's'} pass{'es' if passed == 1 else ''}{more}"
    return {0: "no tests", 1: "its test passes"}.get(count, f"all {count} tests pass") + more


# ------------------------------------------------------------------------------------------------------------- mending


def _tell_fixes(streams: Streams, mended: Mended) -> None:
    painter = Painter(streams, words=True)
    for problem in mended.problems:
        painter.wrap(*line_of_fix(problem))
    if not (mended.problems or mended.refused):
        streams.say("nothing to fix")
    _tell_refused(painter, mended.refused)


def _tell_refused(painter: Painter, refused: Sequence[Refused]) -> None:
    for one in refused:
        painter.wrap(*line_of_refusal(one.problem, one.why))


def _show_diff(streams: Streams, wanted: _Wanted, mended: Mended) -> int:
    painter = Painter(streams)
    for line in diff_of(mended):
        style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        painter.print((style, line) if style else line)  # type: ignore[arg-type]  # one of the styles above
    _tell_refused(Painter(streams, words=True), mended.refused)
    is_broken = mended.state.destination is None
    if is_broken:
        _print_problems(streams, [one for one in mended.state.problems if one.severity == "error"], wanted)
    problems, files = len(mended.problems), len(mended.after)
    told = f"{problems:,} problem{'' if problems == 1 else 's'} in {files:,} file{'' if files == 1 else 's'}"
    is_safe = all(problem.fix is None or problem.fix.safe for problem in mended.problems)
    option = "--fix" if is_safe else "--fix --unsafe-fixes"
    told = f"{option} would mend {told}; nothing was written" if problems else "nothing to fix"
    left = len(mended.state.problems)
    rest = f"{left:,} problem{'' if left == 1 else 's'} would be left, and the file would not load" if is_broken else ""
    streams.say(f"{told}; {rest}" if rest else told)
    return 2 if is_broken else 1 if problems else 0
