"""The plan as lines of JSON: one object for each group of events that change alike, then one for the whole.

A group: `mapping` (null: filtered before and after), `was` (its old name), `change`, `count`, `of` and `percent` (of
all events for `newly_matched`, else of those that the mapping took before), `cause` and `samples`.
"""

from connector.cli.plan_report import Report, group_order, sample_place
from connector.cli.streams import Streams
from connector.comparison.outcomes import Leaf, Side
from connector.comparison.versions import Edit, Place
from connector.rehearsing.tallies import Group, PairTally, Sample
from connector.values import JSON, Missing


def print_rows(streams: Streams, report: Report) -> None:
    """Print the groups, then the summary."""
    for pair in (*report.tally.pairs, report.tally.filtered):
        for _, groups in group_order(pair):
            for group in groups:
                streams.print_json(_group(report, pair, group))
    streams.print_json(_summary(report))
    streams.say(report.headline())


def _group(report: Report, pair: PairTally, group: Group) -> dict[str, JSON]:
    base, _ = report.base(group.kind, pair)
    row: dict[str, JSON] = {"mapping": group.mapping}
    if pair.pair and (was := report.was(pair.pair)):
        row["was"] = was
    row |= {"change": group.kind, "count": group.count, "of": base, "percent": _percent(group.count, base)}
    row["cause"] = None if group.cause is None else edit_row(group.cause)
    row["samples"] = [_sample(report, sample) for sample in group.samples]
    return row


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 3) if whole else None


def edit_row(edit: Edit) -> dict[str, JSON]:
    """Print an edit, with only the keys that it has."""
    row: dict[str, JSON] = {"kind": edit.kind}
    for key, value in (("mapping", edit.mapping), ("name", edit.name), ("inside", edit.inside)):
        if value:
            row[key] = value
    for key, place, value in (("from", edit.old, edit.before), ("to", edit.new, edit.after)):
        if place is not None or value:
            row[key] = _place(place, value)
    return row


def _place(place: Place | None, value: str) -> dict[str, JSON]:
    row: dict[str, JSON] = {}
    if place is not None:
        row |= {"file": place.file, "line": place.line, "column": place.column, "text": place.text}
    return row | ({"value": value} if value else {})


def _sample(report: Report, sample: Sample) -> dict[str, JSON]:
    return {
        "messageId": report.values.message_id(sample.message_id),
        "at": sample_place(sample).encode("utf-8", "backslashreplace").decode(),
        "before": _side(sample.before),
        "after": _side(sample.after),
        "diff": [_leaf(report, leaf) for leaf in sample.leaves],
    }


def _side(side: Side) -> dict[str, JSON]:
    row: dict[str, JSON] = {"outcome": side.outcome}
    return row | ({"reasons": list(side.reasons)} if side.reasons else {})


def _leaf(report: Report, leaf: Leaf) -> dict[str, JSON]:
    row: dict[str, JSON] = {"path": report.values.name(leaf.path)}
    for key, value in (("from", leaf.old), ("to", leaf.new)):
        shown = report.values.shown(value, leaf.path)
        if not isinstance(shown, Missing):
            row[key] = shown
    return row


def _summary(report: Report) -> dict[str, JSON]:
    tally, (old, new) = report.tally, report.names
    mappings: list[JSON] = []
    for pair in tally.pairs:
        assert pair.pair is not None
        row: dict[str, JSON] = {"name": pair.pair.name}
        if was := report.was(pair.pair):
            row["was"] = was
        row |= {"before": pair.took_before, "after": pair.took_after}
        row["changes"] = {kind: pair.kinds[kind] for kind, _ in group_order(pair)}
        mappings.append(row)
    return {
        "from": old,
        "to": new,
        "events": tally.summary.events,
        "changed": tally.changed,
        "percent": _percent(tally.changed, tally.summary.events),
        "outcomes": {outcome: {"before": before, "after": after} for outcome, before, after in report.outcomes()},
        "mappings": mappings,
        "edits": [edit_row(edit) for edit in report.comparison.edits],
        "hidden": [
            {**edit_row(edit), "behind": [edit_row(other) for other in others]} for edit, others in report.hidden()
        ],
        "unseen": [{**edit_row(edit), "why": why} for edit, why in report.unseen()],
        "stale": tally.stale,
        "discarded": dict(tally.summary.discards),
        "leftOut": tally.summary.left_out,
        "exitCode": report.exit_code,
    }
