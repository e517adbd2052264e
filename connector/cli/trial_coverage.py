"""The coverage of tests: counted while they run, then told as a table, and as rows for programs."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from connector.cli.painting import Painter, Style, cells, padded
from connector.cli.places import short_file, split_place
from connector.cli.streams import Streams
from connector.coverage import Coverage, CoverageReport, Item, MappingCoverage, Unread, percentage
from connector.destination import Destination, Mapping
from connector.events import Event
from connector.sources.files import read_events
from connector.testing import Group
from connector.values import JSON

_MOST_UNREAD: Final = 50
_ROUNDING: Final = 1e-9  # percent: what counting in binary fractions may lose


class Covering:
    """Counts what tests reach of their destinations; of one file there is one count, whatever its variables are."""

    def __init__(self, groups: Sequence[Group], only: Sequence[str]) -> None:
        self._only = frozenset(only)
        destinations = {id(group.destination): group.destination for group in groups}
        self._counts = {key: (destination, Coverage(destination)) for key, destination in destinations.items()}
        self._by_mapping = {
            id(mapping): coverage for destination, coverage in self._counts.values() for mapping in destination.mappings
        }

    def take(self, mapping: Mapping, event: dict[str, JSON]) -> None:
        """Count what an event reaches of a mapping."""
        self._by_mapping[id(mapping)].take(mapping, event)

    def tell(self, streams: Streams, traffic: Sequence[str], *, least: float | None, as_json: bool) -> bool:
        """Tell what was reached, and say whether it is enough. Raises SourceError when a recording cannot be opened."""
        if traffic:
            self._see(traffic, streams)
        files: dict[str, list[tuple[Destination, CoverageReport]]] = {}
        for destination, coverage in self._counts.values():
            files.setdefault(os.path.realpath(destination.file), []).append((destination, coverage.report()))
        reports = [added_up(found) for found in files.values()]
        mappings = [one for report in reports for one in report.mappings if not self._only or one.name in self._only]
        reached, total = sum(one.reached for one in mappings), sum(len(one.items) for one in mappings)
        if as_json:
            _print_rows(streams, mappings, reports)
        else:
            _print_table(Painter(streams), mappings, reports)
        if least is None or percentage(reached, total) >= least - _ROUNDING:
            return True
        streams.say(f"coverage is {percent(reached, total)} %, below the {least:g} % of --min-coverage")
        return False

    def _see(self, traffic: Sequence[str], streams: Streams) -> None:
        broken, first = 0, ""
        for file, line, item in read_events(traffic, reads=None, stdin=streams.stdin):
            if isinstance(item, Event):
                for _, coverage in self._counts.values():
                    coverage.see(item.data)
            else:
                broken += 1
                first = first or f"{file}:{line}: {item.reason}: {item.detail}"
        if broken:
            what = "place of the traffic is" if broken == 1 else "places of the traffic are"
            streams.say(f"{broken:,} {what} no event and not counted, first {first}")


def added_up(found: Sequence[tuple[Destination, CoverageReport]]) -> CoverageReport:
    """Add up what was reached of one file with several sets of variables, place by place; texts are the first's."""
    mappings: dict[str, list[MappingCoverage]] = {}
    for destination, report in found:
        for mapping, one in zip(destination.mappings, report.mappings, strict=True):
            mappings.setdefault(str(mapping.location()), []).append(one)
    reports = [report for _, report in found]
    unread = {one.path for one in reports[0].unread}.intersection(*({one.path for one in r.unread} for r in reports))
    return replace(
        reports[0],
        mappings=tuple(_one_mapping(several) for several in mappings.values()),
        unread=tuple(one for one in reports[0].unread if one.path in unread),
        reads_all=any(report.reads_all for report in reports),
    )


def _one_mapping(several: Sequence[MappingCoverage]) -> MappingCoverage:
    items: dict[tuple[str, str, int], Item] = {}
    for one in several:
        at = Counter[tuple[str, str]]()
        for item in one.items:
            place = item.kind, item.location
            at[place] += 1
            known = items.get((*place, at[place]))
            items[*place, at[place]] = _sum(known, item) if known else item
    return MappingCoverage(several[0].name, sum(one.events for one in several), tuple(items.values()))


def _sum(one: Item, other: Item) -> Item:
    return replace(
        one,
        hits=one.hits + other.hits,
        refused=one.refused + other.refused,
        converted=one.converted + other.converted,
    )


def percent(reached: int, total: int) -> str:
    """Print a percentage, rounded down: what is printed is reached."""
    tenths = 1000 * reached // total if total else 1000
    return f"{tenths // 10}.{tenths % 10}"


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
    style: Style = "green" if reached == total else "yellow"
    if cells(name) > width:
        painter.wrap(name)
        name = ""
    painter.print(padded(name, width), f"{reached:>10,}{total:>9,}", (style, f"{percent(reached, total):>7} %"))


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
