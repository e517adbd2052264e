"""A group of tests is run: each gives a Result, with the problems at their places, a diff, and what would mend it.

Nothing is sent and nothing is written; recordings are read once for each test that names one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from connector.cases import Case, Expected
from connector.destination import Mapping
from connector.errors import Problem
from connector.events import Discard, Event, event_reader
from connector.expectations import (
    Difference,
    Finder,
    Verdict,
    case_problem,
    compare,
    compile_finder,
    is_same,
)
from connector.routes import NO_MATCHING_MAPPING, Routes
from connector.rows import requests_base
from connector.testing.gathering import Group, Planned
from connector.testing.recordings import UnusableError, beside, chosen_events, kept_rows, parse_rows, read_rows
from connector.trials.diffs import diff_rows, diff_values
from connector.values import JSON, dump_json
from connector.variables import redact

MOST_SAMPLES: Final = 3  # events of a recording whose differences are told one by one
_TELLING: Final = 8  # characters of a variable's value; a shorter one is found in too much
See: TypeAlias = Callable[[Mapping, dict[str, JSON]], None]
"""Told of each event that a test puts through a mapping."""


class Result(msgspec.Struct, frozen=True):
    """What became of a test; it passes without problems. `texts` say what differs, one for each problem.

    `diff` are the lines of a unified diff. `made` is the test as it would have to be written to pass, `rows` the
    content of its file of rows; None where there is nothing to write, or `unmade` says why not.
    """

    group: Group
    planned: Planned
    problems: tuple[Problem, ...] = ()
    texts: tuple[str, ...] = ()
    diff: tuple[str, ...] = ()
    made: dict[str, JSON] | None = None
    rows: bytes | None = None
    unmade: str = ""

    @property
    def case(self) -> Case:
        """Give the test."""
        return self.planned.case

    @property
    def mapping(self) -> str:
        """Name the mapping that is tested; empty for the whole destination."""
        return self.planned.mapping.name if self.planned.mapping else ""


def run_group(group: Group, see: See = lambda _mapping, _event: None) -> Iterator[Result]:
    """Run the tests of a group in their order."""
    runner = _Runner(group, see)
    for planned in group.tests:
        yield runner.run(planned)


class _Runner:
    """Runs tests against one destination."""

    def __init__(self, group: Group, see: See) -> None:
        self._group, self._see = group, see
        self._destination = group.destination
        self._base = requests_base(group.destination.settings)
        self._match = Routes(group.destination).match
        self._finders: dict[str, Finder] = {}
        self._read = event_reader(None).read

    def run(self, planned: Planned) -> Result:
        case = planned.case
        try:
            if case.event is not None:
                return self._result(planned, _Tally().add(self._verdict(planned, case.event)))
            tally = self._recorded(planned) if case.expected or case.takers is not None else _Tally()
            result = self._result(planned, tally)
            return self._with_rows(result) if case.rows else result
        except UnusableError as error:
            return self._failed(planned, [Difference((error.key,), str(error))], unmade=str(error))

    def _failed(self, planned: Planned, differences: list[Difference], *, unmade: str = "") -> Result:
        name = planned.mapping.name if planned.mapping else ""
        problems = tuple(case_problem(planned.case, name, difference) for difference in differences)
        texts = tuple(_redacted(planned.case, [difference.message for difference in differences]))
        return Result(self._group, planned, problems, texts, unmade=unmade)

    def _find(self, mapping: Mapping) -> Finder:
        found = self._finders.get(mapping.name)
        if found is None:
            found = self._finders[mapping.name] = compile_finder(mapping, self._destination.settings)
        return found

    # ------------------------------------------------------------------------------------------------ one event

    def _verdict(self, planned: Planned, event: dict[str, JSON]) -> Verdict:
        mapping, expected = planned.mapping, planned.case.expected
        if mapping is not None and expected is not None:
            self._see(mapping, event)
            return compare(mapping, expected, self._find(mapping)(event), self._base)
        self._see_all(mapping, event)
        item = self._read(dump_json(event))
        if isinstance(item, Discard):
            text = f"the event would be discarded: {item.reason}: {item.detail}"
            return Verdict((Difference(("event",), text),))
        matched = self._match(item.data)
        if planned.case.takers is not None:
            return self._compare_takers(planned.case, matched, item)
        assert expected is not None
        return _compare_filtered(expected, matched if isinstance(matched, str) else [one.name for one in matched])

    def _compare_takers(self, case: Case, matched: Sequence[Mapping] | str, event: Event) -> Verdict:
        """Compare the mappings that take an event with those that must, and what each makes of it."""
        expected, taken = case.takers or {}, [] if isinstance(matched, str) else matched
        names = [mapping.name for mapping in taken]
        differences = [
            Difference(("expect_mappings",), f"{name} does not take the event: {self._why_not(name, matched)}")
            for name in expected
            if name not in names
        ]
        if extra := [name for name in names if name not in expected]:
            differences.append(Difference(("expect_mappings",), f"{', '.join(extra)} takes the event too"))
        verdicts = {
            mapping.name: compare(mapping, part, self._find(mapping)(event.data), self._base)
            for mapping in taken
            if (part := expected.get(mapping.name)) is not None
        }
        differences += [
            Difference(("expect_mappings", name, *difference.path), f"{name}: {difference.message}")
            for name, verdict in verdicts.items()
            for difference in verdict.differences
        ]
        order = [*(name for name in expected if name in names), *extra]
        return _takers_verdict(case, order, verdicts, differences)

    def _why_not(self, name: str, matched: Sequence[Mapping] | str) -> str:
        mapping = next(mapping for mapping in self._destination.mappings if mapping.name == name)
        if not mapping.enabled:
            return "it is switched off"
        return matched if isinstance(matched, str) else NO_MATCHING_MAPPING

    # ----------------------------------------------------------------------------------------------- recordings

    def _recorded(self, planned: Planned) -> "_Tally":
        """Compare each event of a recording; the differences say of which event they are."""
        tally = _Tally()
        for file, line, item in chosen_events(planned.case):
            if isinstance(item, Event):
                verdict, where = self._verdict(planned, item.data), f"{item.message_id} ({file}:{line})"
                told = (Difference(one.path, f"{where}: {one.message}") for one in verdict.differences)
                tally.add(replace(verdict, differences=tuple(told)))
            else:
                text = f"{file}:{line} is no event: {item.reason}: {item.detail}; choose others with `only`"
                tally.add(Verdict((Difference(("events",), text),)))
        return tally

    def _with_rows(self, result: Result) -> Result:
        """Compare the rows of a recording with those that are kept."""
        case, planned = result.case, result.planned
        mapping = planned.mapping
        raw = read_rows(case, self._destination, mapping, lambda event: self._see_all(mapping, event.data))
        file = beside(case, case.rows)
        kept, found = kept_rows(file), raw.splitlines()
        start, end = _alike(kept or [], found)
        before = parse_rows((kept or [])[start : len(kept or []) - end], case.rows, start + 1)
        after = parse_rows(found[start : len(found) - end], case.recording, start + 1)
        if kept is not None and is_same(before, after):
            return result
        message = (
            _rows_differ(before, after, case.rows, start + 1) if kept is not None else f"{case.rows} does not exist"
        )
        more = self._failed(planned, [Difference(("expect_rows",), message)])
        problems, texts = (*result.problems, *more.problems), (*result.texts, *more.texts)
        diff = (*result.diff, *diff_rows(before, after, start + 1))
        return replace(result, problems=problems, texts=texts, diff=diff, rows=raw)

    # ------------------------------------------------------------------------------------------------- results

    def _see_all(self, mapping: Mapping | None, event: dict[str, JSON]) -> None:
        for taker in self._destination.mappings if mapping is None else [mapping]:
            if taker.enabled or mapping is not None:
                self._see(taker, event)

    def _result(self, planned: Planned, tally: "_Tally") -> Result:
        """Put the verdicts on a test's events together: told are some, and only what holds for all can be written."""
        if not tally.failed:
            return Result(self._group, planned)
        told = [difference for verdict in tally.samples for difference in verdict.differences]
        if (more := tally.failed - len(tally.samples)) > 0:
            text = f"{more:,} further event{'' if more == 1 else 's'} of {planned.case.recording} differ"
            told.append(Difference(("events",), text))
        made, unmade = _made(planned.case, tally)
        diff = tuple(_redacted(planned.case, diff_values(tally.samples[0].given, tally.samples[0].made)))
        return replace(self._failed(planned, told, unmade=unmade), diff=diff, made=made)


def _redacted(case: Case, lines: list[str]) -> list[str]:
    """Put the names of variables where lines show their values, as problems have it."""
    filled = case.part.document.filled.values()
    pieces = [piece for one in filled for piece in one.pieces if len(piece.value) >= _TELLING]
    return [redact(line, pieces) for line in lines] if pieces else lines


class _Tally:
    """The verdicts on the events of one test: how many failed, some of them, and whether all want it written alike."""

    def __init__(self) -> None:
        self.failed = 0
        self.samples: list[Verdict] = []
        self.first: Verdict | None = None
        self.is_alike = True

    def add(self, verdict: Verdict) -> "_Tally":
        """Count one more."""
        self.first = self.first or verdict
        self.is_alike = self.is_alike and verdict.written == self.first.written
        if verdict.differences:
            self.failed += 1
            if len(self.samples) < MOST_SAMPLES:
                self.samples.append(verdict)
        return self


def _made(case: Case, tally: _Tally) -> tuple[dict[str, JSON] | None, str]:
    """Write the test as it would pass, its new keys in the place of the old ones; or say why that cannot be done."""
    first, value = tally.samples[0].written, case.part.value
    if first is None or not isinstance(value, dict):
        return None, "a field that is never shown differs, or the event is none: write it by hand"
    if not tally.is_alike:
        return None, "the events differ among themselves: choose some with `only`, or keep rows with `expect_rows`"
    given = tally.samples[0].given
    gone, added = [key for key in given if key not in first], [key for key in first if key not in given]
    instead = dict(zip(gone, added, strict=False))
    names = {key: instead.get(key, key) for key in value if key not in gone or key in instead}
    made = {name: first.get(name, value.get(key)) for key, name in names.items()}
    return {**made, **{key: first[key] for key in added}}, ""


def _takers_verdict(
    case: Case, order: list[str], verdicts: dict[str, Verdict], differences: list[Difference]
) -> Verdict:
    whole = case.part.child("expect_mappings").value
    if not isinstance(whole, dict):
        made: dict[str, JSON] = {"expect_mappings": list(order)}
        return Verdict(tuple(differences), {"expect_mappings": whole}, made, made)
    given: dict[str, JSON] = {
        name: verdicts[name].given if name in verdicts else value for name, value in whole.items()
    }
    shown: dict[str, JSON] = {name: verdicts[name].made if name in verdicts else True for name in order}
    written: dict[str, JSON] = {name: verdicts[name].written if name in verdicts else True for name in order}
    is_whole = all(verdict.written is not None for verdict in verdicts.values())
    return Verdict(
        tuple(differences),
        {"expect_mappings": given},
        {"expect_mappings": shown},
        {"expect_mappings": written} if is_whole else None,
    )


def _compare_filtered(expected: Expected, matched: str | list[str]) -> Verdict:
    """Compare what the whole destination does with an event, where nothing must take it."""
    given: dict[str, JSON] = {"expect_filtered": True}
    if isinstance(expected.part.value, dict):
        given = {"expect_filtered": expected.part.value["expect_filtered"]}
    if isinstance(matched, list):
        text = f"expected filtered, found that {', '.join(matched)} takes the event"
        made: dict[str, JSON] = {"expect_mappings": list(matched)}
    elif missing := [reason for reason in expected.reasons if reason not in matched]:
        text = f"expected a reason with {' and '.join(map(repr, missing))}, found {matched}"
        made = {"expect_filtered": matched}
    else:
        return Verdict((), given, given, given)
    return Verdict((Difference(("expect_filtered",), text),), given, made, made)


def _alike(kept: list[bytes], found: list[bytes]) -> tuple[int, int]:
    """Count the lines at the start and at the end that are the same, so that only the others are looked into."""
    most = min(len(kept), len(found))
    start = next((at for at in range(most) if kept[at] != found[at]), most)
    most -= start
    return start, next((at for at in range(most) if kept[-at - 1] != found[-at - 1]), most)


def _rows_differ(kept: list[JSON], found: list[JSON], name: str, start: int) -> str:
    """Count the rows that differ, and say from which on; where their number does too, that is told instead."""
    more = len(found) - len(kept)
    if more:
        rows = f"{abs(more):,} row{'' if abs(more) == 1 else 's'}"
        return f"{rows} {'more' if more > 0 else 'fewer'} than in {name}, from row {start:,} on"
    differing = [at for at, (one, other) in enumerate(zip(kept, found, strict=True), start) if not is_same(one, other)]
    if len(differing) == 1:
        return f"row {differing[0]:,} differs from that in {name}"
    return f"{len(differing):,} rows differ from those in {name}, from row {differing[0]:,} on"
