"""The coverage of tests: counted while they run, then told as a table, and as rows for programs."""

import os
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from connector.cli.painting import Painter, Style, cells, padded
from connector.cli.places import short_file, split_place
from connector.cli.streams import Streams
from connector.coverage import Coverage, CoverageReport, MappingCoverage, Unread, percentage
from connector.destination import Mapping
from connector.events import Event
from connector.sources.files import read_events
from connector.testing import Group
from connector.values import JSON

_MOST_UNREAD: Final = 50


class Covering:
    """Counts what tests reach of their destinations; of one file there is one count, whatever its variables are."""

    def __init__(self, groups: Sequence[Group], only: Sequence[str]) -> None:
        self._only = frozenset(only)
        self._by_file: dict[str, Coverage] = {}
        self._by_mapping: dict[int, Coverage] = {}
        for group in groups:
            file = os.path.realpath(group.destination.file)
            coverage = self._by_file.setdefault(file, Coverage(group.destination))
            self._by_mapping |= {id(mapping): coverage for mapping in group.destination.mappings}

    def take(self, mapping: Mapping, event: dict[str, JSON]) -> None:
        """Count what an event reaches of a mapping."""
        self._by_mapping[id(mapping)].take(mapping, event)

    def tell(self, streams: Streams, traffic: Sequence[str], *, least: float | None, as_json: bool) -> bool:
        """Tell what was reached, and say whether it is enough. Raises SourceError when a recording cannot be opened."""
        if traffic:
            self._see(traffic, streams)
        reports = [coverage.report() for coverage in self._by_file.values()]
        mappings = [one for report in reports for one in report.mappings if not self._only or one.name in self._only]
        reached, total = sum(one.reached for one in mappings), sum(len(one.items) for one in mappings)
        if as_json:
            _print_rows(streams, mappings, reports)
        else:
            _print_table(Painter(streams), mappings, reports)
        found = percentage(reached, total)
        if least is None or found >= least:
            return True
        streams.say(f"coverage is {found:.1f} %, below the {least:g} % of --min-coverage")
        return False

    def _see(self, traffic: Sequence[str], streams: Streams) -> None:
        for _, _, item in read_events(traffic, reads=None, stdin=streams.stdin):
            if isinstance(item, Event):
                for coverage in self._by_file.values():
                    coverage.see(item.data)


class _ItemRow(msgspec.Struct, frozen=True):
    mapping: str
    kind: str
    text: str
    at: str
    hits: int
    refused: int
    converted: int


class _UnreadRow(msgspec.Struct, frozen=True):
    unread: str
    events: int
    types: tuple[str, ...]


def _print_rows(streams: Streams, mappings: Iterable[MappingCoverage], reports: Iterable[CoverageReport]) -> None:
    for mapping in mappings:
        for item in mapping.items:
            row = _ItemRow(mapping.name, item.kind, item.text, item.location, item.hits, item.refused, item.converted)
            streams.print_json(row)
    for unread in (one for report in reports for one in report.unread):
        streams.print_json(_UnreadRow(unread.path, unread.events, unread.types))


def _print_table(painter: Painter, mappings: Sequence[MappingCoverage], reports: Sequence[CoverageReport]) -> None:
    width = min(
        painter.columns - 30, max((cells(name) for name in ("all", *(one.name for one in mappings))), default=3)
    )
    painter.print()
    painter.print(("bold", padded("coverage", width)), ("bold", "   reached       of        %"))
    for mapping in mappings:
        _print_line(painter, mapping.name, mapping.reached, len(mapping.items), width)
    reached, total = sum(one.reached for one in mappings), sum(len(one.items) for one in mappings)
    _print_line(painter, "all", reached, total, width)
    if reached < total:
        painter.print()
        painter.print(("bold", "never reached"))
    for mapping in mappings:
        _print_missed(painter, mapping)
    for report in reports:
        _print_unread(painter, report)


def _print_missed(painter: Painter, mapping: MappingCoverage) -> None:
    missed = mapping.never()
    if not missed:
        return
    painter.wrap(("cyan", mapping.name), "" if mapping.events else "  no test has an event for it", indent=2)
    file = ""
    for item in missed if mapping.events else ():
        own, at = split_place(item.location)
        if own != file:
            file = own
            painter.print("    ", ("dim", f"in {short_file(file)}"))
        kind = "rule: " if item.kind == "rule" else ""
        painter.wrap(("dim", f"{at[1:]:>8}  "), kind, item.text, indent=4, hang=10)


def _print_line(painter: Painter, name: str, reached: int, total: int, width: int) -> None:
    part = percentage(reached, total)
    style: Style = "green" if reached == total else "yellow"
    if cells(name) > width:
        painter.wrap(name)
        name = ""
    painter.print(padded(name, width), f"{reached:>10,}{total:>9,}", (style, f"{part:>8.1f}%"))


def _print_unread(painter: Painter, report: CoverageReport) -> None:
    if not report.traffic:
        return
    painter.print()
    events = f"{report.traffic:,} event{'' if report.traffic == 1 else 's'}"
    if report.reads_all or not report.unread:
        why = "a mapping may read any field" if report.reads_all else "every field is read by a mapping"
        painter.wrap(f"in {events} of the traffic {why}")
        return
    painter.print(("bold", f"fields that no mapping reads, in {events}"))
    width = min(50, max(cells(one.path) for one in report.unread[:_MOST_UNREAD]))
    for unread in report.unread[:_MOST_UNREAD]:
        painter.print(*_unread_line(unread, width))
    if (more := len(report.unread) - _MOST_UNREAD) > 0:
        painter.print("  ", ("dim", f"… and {more:,} further fields"))


def _unread_line(unread: Unread, width: int) -> tuple[str, str, str, str]:
    return "  ", padded(unread.path, width), f"{unread.events:>10,}", f"  {', '.join(unread.types)}"
