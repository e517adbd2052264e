"""The plan for a person: the headline first, outcomes, then each mapping with what changes, why, and three samples."""

from typing import Final

from connector.cli.painting import Line, Painter, Style, counted, padded
from connector.cli.plan_report import (
    KIND_WORDS,
    RENAMED,
    Report,
    Sign,
    behind_words,
    edit_lines,
    edit_name,
    edit_title,
    group_order,
    sample_place,
    share,
)
from connector.cli.streams import Streams
from connector.comparison.versions import Edit
from connector.rehearsing.tallies import Group, PairTally, Sample

_COLOURS: Final[dict[Sign, Style]] = {"-": "red", "+": "green", " ": "dim"}
_BAD: Final = frozenset({"newly_invalid", "no_longer_matched", "newly_skipped"})


def print_text(streams: Streams, report: Report) -> None:
    """Print the plan to standard output."""
    _Text(Painter(streams), report).print()


class _Text:
    def __init__(self, painter: Painter, report: Report) -> None:
        self._painter, self._report = painter, report

    def print(self) -> None:
        report, wrap = self._report, self._painter.wrap
        old, new = report.names
        wrap(("dim", f"{old} → {new}, {report.recordings}"))
        wrap(("bold", report.headline()))
        if left_out := report.left_out():
            wrap(left_out)
        if stale := report.stale():
            wrap(("yellow", stale))
        if report.tally.changed:
            self._outcomes()
        for pair in report.changed:
            self._mapping(pair)
        if report.tally.filtered.kinds:
            self._painter.print()
            wrap(("bold", "Filtered for another reason"))
            self._kinds(report.tally.filtered)
        self._renamed()
        self._unseen()

    def _outcomes(self) -> None:
        rows = [("", "before", "after", "")]
        rows += [(name, f"{one:,}", f"{two:,}", _moved(two - one)) for name, one, two in self._report.outcomes()]
        widths = [max(len(row[at]) for row in rows) for at in range(4)]
        self._painter.print()
        for name, one, two, moved in rows:
            numbers = f"{padded(name, widths[0])}  {one:>{widths[1]}}  {two:>{widths[2]}}"
            self._painter.print(f"  {numbers}", ("dim", f"  {moved:>{widths[3]}}"))

    def _mapping(self, counts: PairTally) -> None:
        pair = counts.pair
        assert pair is not None
        self._painter.print()
        took = f"took {counted(counts.took_before, 'event')}, takes {counts.took_after:,}"
        was = f" (was {was})" if (was := self._report.was(pair)) else ""
        self._painter.wrap(("bold", pair.name), f"{was}  ", ("dim", took))
        self._kinds(counts)

    def _kinds(self, counts: PairTally) -> None:
        for kind, groups in group_order(counts):
            base, words = self._report.base(kind, counts)
            number = counts.kinds[kind]
            colour: Style = "red" if kind in _BAD else "yellow"
            self._painter.wrap((colour, KIND_WORDS[kind]), f": {number:,} ({share(number, base)} {words})", indent=2)
            for group in groups:
                self._group(group)

    def _group(self, group: Group) -> None:
        self._painter.wrap(("cyan", edit_title(group.cause)), f": {group.count:,}", indent=4)
        self._edit(group.cause, 6)
        for sample in group.samples:
            self._sample(sample)

    def _edit(self, edit: Edit | None, indent: int) -> None:
        found = edit_lines(edit)
        width = max((len(place) for _, place, _ in found), default=0)
        for sign, place, text in found:
            line: Line = ((_COLOURS[sign], sign), " ", ("dim", padded(place, width)), "  " if place else "", text)
            self._painter.wrap(*line, indent=indent, hang=4)

    def _sample(self, sample: Sample) -> None:
        values = self._report.values
        name = values.message_id(sample.message_id)
        self._painter.wrap(("bold", name), "  ", ("dim", sample_place(sample)), indent=6)
        for sign, text in values.lines(sample):
            self._painter.wrap((_COLOURS[sign], f"{sign} {text}"), indent=8, hang=4)

    def _renamed(self) -> None:
        for pair in self._report.comparison.pairs:
            if was := self._report.was(pair):
                self._painter.print()
                self._painter.wrap(("bold", pair.name), f" was {was}: {RENAMED.format(old=was)}")

    def _unseen(self) -> None:
        report = self._report
        hidden = [(edit, f"hidden behind: {', '.join(behind_words(edit, others))}") for edit, others in report.hidden()]
        self._edits(hidden, "hidden by others on these events")
        self._edits(report.unseen(), "without effect on these events")

    def _edits(self, found: list[tuple[Edit, str]], what: str) -> None:
        if not found:
            return
        self._painter.print()
        self._painter.wrap(("bold", f"{counted(len(found), 'edit')} {what}"))
        for edit, why in found:
            self._painter.wrap(("cyan", edit_name(edit)), ("dim", f"  {why}"), indent=2)
            self._edit(edit, 4)


def _moved(number: int) -> str:
    return f"{number:+,}" if number else ""
