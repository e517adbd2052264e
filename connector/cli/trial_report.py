"""What `test` prints: a line for each mapping and test file, each failure with its place and a diff, and a count."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from connector.cli.painting import USUAL_COLUMNS, Painter, Part, Style, cells, padded
from connector.cli.streams import Streams
from connector.testing import Group, Result, Update
from connector.testing.recordings import beside

_COLOURS: Final[dict[str, Style]] = {"+": "green", "-": "red", "@": "cyan"}
_MOST_DIFF_LINES: Final = 40
_COUNT_WIDTH: Final = 24  # columns of "1,204 of 2,408 tests fail"
_WIDEST_LABEL: Final = USUAL_COLUMNS - _COUNT_WIDTH


class Difference(msgspec.Struct, frozen=True):
    """Something that differs, and where it was expected: file:line:column."""

    message: str
    at: str


class CaseRow(msgspec.Struct, frozen=True):
    """One line of `--json`: a test, by whom it is tested (null: the whole destination), and what came of it."""

    file: str
    line: int
    column: int
    mapping: str | None
    test: str
    outcome: str
    differences: tuple[Difference, ...] | UnsetType = UNSET
    diff: tuple[str, ...] | UnsetType = UNSET
    wrote: str | UnsetType = UNSET
    notWritten: str | UnsetType = UNSET  # noqa: N815 - the field's own name


def case_row(result: Result, update: Update | None) -> CaseRow:
    """Make a test's line of `--json`."""
    place = result.case.part.child("name").location()
    outcome = "failed" if result.problems else "passed"
    found = tuple(
        Difference(text, f"{problem.file}:{problem.line}:{problem.column}")
        for text, problem in zip(result.texts, result.problems, strict=True)
    )
    row = CaseRow(place.file, place.line, place.column, result.mapping or None, result.case.name, outcome)
    if not result.problems:
        return row
    row = msgspec.structs.replace(row, differences=found, diff=result.diff or UNSET)
    if update is None:
        return row
    if update.why_not:
        return msgspec.structs.replace(row, notWritten=update.why_not)
    return msgspec.structs.replace(row, outcome="updated", wrote=update.file)


class Report:
    """Tells of tests as they are run; results go to standard output."""

    def __init__(self, streams: Streams, groups: Sequence[Group], *, verbose: bool) -> None:
        self._streams, self._verbose = streams, verbose
        self._painter = Painter(streams)
        self._elsewhere = frozenset(_tested_in_files(groups))
        self._width = min(_WIDEST_LABEL, max((cells(_label(group)) for group in groups), default=0))

    def tell_group(self, group: Group, results: Sequence[Result]) -> None:
        """Tell of the tests of one mapping or file."""
        failed = sum(bool(result.problems) for result in results)
        count = len(results)
        label = padded(_label(group), self._width)
        if cells(label) > self._painter.columns - _COUNT_WIDTH:
            self._painter.wrap(label)
            label = ""
        none = "none here" if group.mapping in self._elsewhere else "no tests"
        self._painter.print(label, "  ", *_counted(count, failed, none))
        for result in results:
            if result.problems:
                self._tell_failure(result)
            elif self._verbose:
                self._painter.wrap(("green", "passed"), f"  {result.case.name}", indent=2, hang=8)

    def _tell_failure(self, result: Result) -> None:
        painter, name = self._painter, result.case.name
        of = f" of {result.mapping}" if result.mapping and not result.group.mapping else ""
        painter.wrap(("red", "failed"), ("bold", f"  {name}"), of, indent=2, hang=8)
        place = ""
        for text, problem in zip(result.texts, result.problems, strict=True):
            before, place = place, f"{problem.file}:{problem.line}:{problem.column}"
            if place != before:
                painter.print("    ", ("dim", "--> "), place)
            painter.wrap(text, indent=8, hang=2)
        self._tell_diff(result.diff, "" if result.unmade else "; --update writes them")

    def _tell_diff(self, lines: Sequence[str], hint: str = "") -> None:
        for line in lines[:_MOST_DIFF_LINES]:
            style = _COLOURS.get(line[:1]) if line[:3] not in ("---", "+++") else "bold"
            self._painter.wrap(*_diff_parts(line, style), indent=6, hang=2)
        if more := max(0, len(lines) - _MOST_DIFF_LINES):
            self._painter.print("      ", ("dim", f"… {more:,} more line{'' if more == 1 else 's'}{hint}"))

    def tell_updates(self, updates: Sequence[Update]) -> None:
        """Tell which tests were rewritten, and why others were not."""
        for update in updates:
            result = update.result
            words: Part = ("red", "left alone") if update.why_not else ("green", "rewritten")
            self._painter.wrap(words, ("bold", f"  {result.case.name}"), hang=2)
            place = f"{result.case.part.child('name').location()}"
            rows = [beside(result.case, result.case.rows)] if result.rows is not None else []
            self._painter.print("  ", ("dim", "--> "), ", ".join([place, *rows]))
            if update.why_not:
                told = [text for text in result.texts[:1] if text != update.why_not]
                self._painter.wrap(*(f"{text}; " for text in told), update.why_not, indent=4)
            self._tell_diff(result.diff)

    def tell_end(self, results: Sequence[Result], updates: Sequence[Update], *, as_data: bool) -> None:
        """Tell how many tests there were."""
        failed = sum(bool(result.problems) for result in results)
        text = ", ".join(_end(len(results), failed, updates))
        if as_data:
            self._painter.print(text)
        else:
            self._streams.say(text)
        if not updates and any(result.problems and not result.unmade for result in results):
            self._streams.say("where what was found is right, `test --update` writes it into the files")
        if not results:
            self._streams.say("write `tests:` under a mapping, or a file such as rupt_test.yaml beside rupt.yaml")


def _diff_parts(line: str, style: Style | None) -> tuple[Part, ...]:
    return (line if style is None else (style, line),)


def _label(group: Group) -> str:
    return f"{group.file}: {group.mapping}" if group.mapping else group.file


def _tested_in_files(groups: Sequence[Group]) -> Iterator[str]:
    """Name the mappings that tests in test files name."""
    for test in (test for group in groups if not group.mapping for test in group.tests):
        yield from test.case.takers or ()
        if test.mapping is not None:
            yield test.mapping.name


def _counted(count: int, failed: int, none: str) -> Iterator[Part]:
    if not count:
        yield "dim", none
    elif failed:
        yield "red", f"{failed:,} of {_tests(count)} fail{'s' if failed == 1 else ''}"
    else:
        yield "green", f"{_tests(count)} pass{'es' if count == 1 else ''}"


def _tests(count: int) -> str:
    return f"{count:,} test{'' if count == 1 else 's'}"


def _end(count: int, failed: int, updates: Sequence[Update]) -> Iterator[str]:
    written = sum(not update.why_not for update in updates)
    yield _tests(count)
    yield f"{count - failed:,} passed"
    if written:
        yield f"{written:,} rewritten"
    if failed - written:
        yield f"{failed - written:,} failed"
