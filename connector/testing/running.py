"""A group of tests is run: each gives a Result, with the problems at their places, a diff, and what would mend it.

Nothing is sent and nothing is written; recordings are read once for each test that names one, twice where it keeps rows
and expects something of each event too.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from connector.cases import Case, Expected
from connector.destination import Mapping
from connector.errors import Problem
from connector.events import Discard, Event, event_reader
from connector.expectations import Finder, case_problem, compile_finder
from connector.hiding import Hiding
from connector.routes import NO_MATCHING_MAPPING, Routes
from connector.rows import requests_base
from connector.testing.gathering import Group, Planned
from connector.testing.kept_rows import compare_rows
from connector.testing.masking import Mask
from connector.testing.recordings import UnusableError, chosen_events, kept_files, read_rows
from connector.testing.tallies import MOST_SAMPLES, Tally
from connector.testing.whole import compare_filtered, compare_takers
from connector.trials.diffs import diff_values
from connector.values import JSON, dump_json
from connector.variable_covers import Covers, FindCovers, compile_covers
from connector.verdicts import Difference, Verdict, compare

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


def run_group(group: Group, see: See | None = None) -> Iterator[Result]:
    """Run the tests of a group in their order."""
    runner = _Runner(group, see)
    for planned in group.tests:
        yield runner.run(planned)


class _Runner:
    """Runs tests against one destination."""

    def __init__(self, group: Group, see: See | None) -> None:
        self._group, self._see = group, see
        self._destination = group.destination
        self._base = requests_base(group.destination.settings)
        self._match = Routes(group.destination).match
        self._secrets = Hiding(group.destination).texts
        self._finders: dict[str, Finder] = {}
        self._covers: dict[str, FindCovers | None] = {}
        self._own: list[str] = []  # the recorded events that are told of, for the test that is run
        self._read = event_reader(None).read
        self._kept = kept_files(planned.case for planned in group.tests)

    def run(self, planned: Planned) -> Result:
        case, self._own = planned.case, []
        try:
            if case.event is not None:
                return self._result(planned, Tally().add(self._verdict(planned, case.event)))
            is_compared = case.expected is not None or case.takers is not None
            result = self._result(planned, self._recorded(planned) if is_compared else Tally())
            return self._with_rows(result, see=not is_compared) if case.rows else result
        except UnusableError as error:
            return self._failed(planned, [Difference((error.key,), str(error))], unmade=str(error))

    # ------------------------------------------------------------------------------------------------ one event

    def _verdict(self, planned: Planned, event: dict[str, JSON]) -> Verdict:
        mapping, expected = planned.mapping, planned.case.expected
        if mapping is not None and expected is not None:
            if self._see is not None:
                self._see(mapping, event)
            return self._compare(event, mapping, expected)
        item = self._read(dump_json(event))
        if isinstance(item, Discard):
            text = f"the event would be discarded: {item.reason}: {item.detail}"
            return Verdict((Difference(("event",), text),), unwritten="the event would be discarded")
        self._see_all(mapping, item)
        matched = self._match(item.data)
        if planned.case.takers is not None:
            compare = partial(self._compare, item.data)
            return compare_takers(planned.case, self._destination, matched, compare)
        assert expected is not None
        return compare_filtered(expected, matched)

    def _compare(self, event: dict[str, JSON], mapping: Mapping, expected: Expected, is_shown: bool = False) -> Verdict:
        find = self._finders.get(mapping.name)
        if find is None:
            find = self._finders[mapping.name] = compile_finder(mapping, self._destination.settings)
        secrets, covers = partial(self._secrets, event), partial(self._covers_of, mapping, event)
        return compare(mapping, expected, find(event), self._base, secrets, covers=covers, is_shown=is_shown)

    def _covers_of(self, mapping: Mapping, event: dict[str, JSON]) -> Covers:
        """Find what of a payload came from variables."""
        if mapping.name not in self._covers:
            self._covers[mapping.name] = compile_covers(mapping, self._group.mask.names)
        find = self._covers[mapping.name]
        return find(event) if find else {}

    def _see_all(self, mapping: Mapping | None, event: Event) -> None:
        """Tell of an event that comes as far as the mappings: what is filtered before them reaches nothing of them."""
        if self._see is None:
            return
        matched = self._match(event.data)
        if isinstance(matched, str) and matched != NO_MATCHING_MAPPING:
            return
        for taker in self._destination.mappings if mapping is None else [mapping]:
            if taker.enabled or mapping is not None:
                self._see(taker, event.data)

    # ----------------------------------------------------------------------------------------------- recordings

    def _recorded(self, planned: Planned) -> Tally:
        """Compare each event of a recording; the differences say of which event they are."""
        tally = Tally()
        for file, line, item in chosen_events(planned.case, self._kept):
            if isinstance(item, Event):
                verdict, where = self._verdict(planned, item.data), f"{item.message_id} ({file}:{line})"
                told = (Difference(one.path, f"{where}: {one.message}") for one in verdict.differences)
                if verdict.differences and tally.failed < MOST_SAMPLES:
                    self._own.append(dump_json(item.data).decode())
                tally.add(replace(verdict, differences=tuple(told)))
            else:
                what = f"{file}:{line} is no event"
                text = f"{what}: {item.reason}: {item.detail}; choose others with `only`"
                tally.add(Verdict((Difference(("events",), text),), unwritten=f"{what}: choose others with `only`"))
        return tally

    def _with_rows(self, result: Result, *, see: bool) -> Result:
        """Compare the rows of a recording with those that are kept."""
        case, mapping = result.case, result.planned.mapping
        mask, covers = self._group.mask, dict[tuple[str, str], Covers]()

        masks: dict[str, Mask] = {}

        def watch(event: Event) -> None:
            if (own := mask.without(dump_json(event.data).decode())) != mask:
                masks.setdefault(event.message_id, own)
            for taker in self._destination.mappings if mapping is None else [mapping]:
                if taker.matches(event.data) and (found := self._covers_of(taker, event.data)):
                    covers.setdefault((event.message_id, taker.name), found)
            if see:
                self._see_all(mapping, event)

        raw = read_rows(case, self._destination, mapping, self._kept, watch)
        raw = mask.rows(raw, covers, masks)
        message, diff = compare_rows(case, raw)
        if not message:
            return result
        more = self._failed(result.planned, [Difference(("expect_rows",), message)])
        problems, texts = (*result.problems, *more.problems), (*result.texts, *more.texts)
        return replace(result, problems=problems, texts=texts, diff=(*result.diff, *diff), rows=raw)

    # ------------------------------------------------------------------------------------------------- results

    def _mask(self, planned: Planned) -> Mask:
        """Give the mask for one test: what its author wrote, and what stands in its events, is no secret."""
        return self._group.mask.without(planned.case.part.document.source.text, *self._own)

    def _failed(self, planned: Planned, differences: list[Difference], *, unmade: str = "") -> Result:
        name, mask = planned.mapping.name if planned.mapping else "", self._mask(planned).text
        told = [replace(difference, message=mask(difference.message)) for difference in differences]
        problems = tuple(case_problem(planned.case, name, difference) for difference in told)
        texts = tuple(difference.message for difference in told)
        return Result(self._group, planned, problems, texts, unmade=mask(unmade))

    def _result(self, planned: Planned, tally: Tally) -> Result:
        """Put the verdicts on a test's events together: told are some, and only what holds for all can be written."""
        if not tally.failed:
            return Result(self._group, planned)
        told = [difference for verdict in tally.samples for difference in verdict.differences]
        if (more := tally.failed - len(tally.samples)) > 0:
            text = f"{more:,} further event{'' if more == 1 else 's'} of {planned.case.recording}"
            told.append(Difference(("events",), f"{text} differ{'s' if more == 1 else ''}"))
        made, unmade = tally.made(planned.case)
        diff = tuple(map(self._mask(planned).text, diff_values(tally.samples[0].given, tally.samples[0].made)))
        return replace(self._failed(planned, told, unmade=unmade), diff=diff, made=made)
