"""Edits that others hide: none is called without effect that would change something alone."""

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from connector.cli.plan_report import Report, Values
from connector.comparison.edits import compare
from connector.comparison.versions import Edit, Version
from connector.destination import load
from connector.documents import read_document
from connector.events import Cutoff, Event, cutoff_at
from connector.rehearsing.passes import Pass
from tests.cli.command import page
from tests.comparison.test_whole import SETTINGS, event, mapping, specs, whole
from tests.comparison.versions import compared, gone_through
from tests.comparison.versions import mapping as written

NOW = 1_795_248_000.0  # 2026-11-21T08:00Z
CHOICES = SETTINGS | {"client_id": ["one", "two"], "device_identity": ["auto", "strict", "optional"]}


def report_of(comparison: Any, tally: Any) -> Report:
    """Make what the command prints."""
    return Report(comparison, tally, (), Values(None))


def hidden(comparison: Any, *events: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Name the edits that are hidden, each with those that hide it; none of them may be called without effect."""
    report = report_of(comparison, gone_through(comparison, *events))
    found = report.hidden()
    assert not {edit for edit, _ in found} & {edit for edit, _ in report.unseen()}
    return [(edit.name or edit.kind, [other.name or other.kind for other in others]) for edit, others in found]


DEVICES = {"before": ("device_identity: optional",), "after": ("device_identity: strict",)}
PLAIN, NAMED = (f'{{account: $.userId, metadata: {{t: "{text}{{{{name}}}}"}}}}' for text in ("", "v2 "))


def test_a_field_is_hidden_where_events_are_skipped_now(tmp_path: Path) -> None:
    """What is made of an event that is not sent any more would have changed too, but for the other edit."""
    comparison = compared(tmp_path, written(fields=PLAIN), written(fields=NAMED), **DEVICES)
    assert hidden(comparison, page(1)) == [("metadata.t", ["device_identity"])]


def test_a_field_is_hidden_where_events_are_no_longer_skipped(tmp_path: Path) -> None:
    """The same the other way: the first payload that is sent has the edit in it."""
    turned = {"before": DEVICES["after"], "after": DEVICES["before"]}
    comparison = compared(tmp_path, written(fields=PLAIN), written(fields=NAMED), **turned)
    assert hidden(comparison, page(1)) == [("metadata.t", ["device_identity"])]


def test_a_field_is_hidden_where_another_set_of_events_is_taken(tmp_path: Path) -> None:
    """No event is taken in both versions, so that none can show the field."""
    comparison = compared(tmp_path, written(fields=PLAIN), written("type = 'track'".replace("'", '"'), NAMED))
    assert hidden(comparison, page(1), page(2, type="track", event="A")) == [("metadata.t", ["trigger"])]


def test_settings_are_hidden_too(tmp_path: Path) -> None:
    """Where nothing is sent any more, nothing is sent elsewhere."""
    after = (*DEVICES["after"], "domain: rupt.example.com", "logout_url: https://app.example.com/logout")
    comparison = compared(tmp_path, written(), written(), before=DEVICES["before"], after=after)
    assert sorted(hidden(comparison, page(1))) == [
        ("domain", ["device_identity"]),
        ("logout_url", ["device_identity"]),
    ]


def test_an_edit_that_one_event_shows_is_not_hidden(tmp_path: Path) -> None:
    """One event that changes for it is enough, whatever hides it elsewhere."""
    comparison = compared(tmp_path, written(fields=PLAIN), written(fields=NAMED), **DEVICES)
    device = {"rupt": {"fingerprint": "f-1"}}
    assert hidden(comparison, page(1), page(2, context=device)) == []


def test_what_changes_nothing_alone_is_without_effect(tmp_path: Path) -> None:
    """A field of which events have nothing is not hidden, also beside an edit that changes everything."""
    after = "{account: $.userId, email: $.properties.nothing}"
    comparison = compared(tmp_path, written(), written(fields=after), **DEVICES)
    report = report_of(comparison, gone_through(comparison, page(1)))
    assert report.hidden() == []
    assert [edit.name for edit, _ in report.unseen()] == ["email"]


def test_an_edit_of_what_is_taken_is_hidden_by_another(tmp_path: Path) -> None:
    """A mapping that was switched on takes nothing, since its trigger was narrowed too; and the other way."""
    off = written(enabled="false")
    comparison = compared(tmp_path, off, written('type = "page" and name = "None"'))
    assert hidden(comparison, page(1)) == [("enabled", ["trigger"]), ("trigger", ["enabled"])]


# ------------------------------------------------------------------------------------------------- for any edits


@st.composite
def edited(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a mapping with settings, and two to four edits of them."""
    both = st.tuples(specs(), st.fixed_dictionaries({name: st.sampled_from(found) for name, found in CHOICES.items()}))
    old, other = ({**spec, **chosen} for spec, chosen in (draw(both), draw(both)))
    keys = draw(st.sets(st.sampled_from(sorted(old)), min_size=2, max_size=4))
    return old, {key: other[key] if key in keys else old[key] for key in old}


@st.composite
def one_event(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event."""
    return event(draw, "m-1")


def version(folder: Path, spec: dict[str, Any]) -> Version:
    """Write a destination of one mapping, and load it."""
    chosen = {name: spec[name] for name in CHOICES}
    file = folder / "rupt.yaml"
    file.write_text(json.dumps(whole(chosen, [mapping("One", spec)])), encoding="utf-8")
    return Version(load(file, {}), read_document(file.read_bytes(), file=str(file), environment={}))


def cutoff(version: Version) -> Cutoff | None:
    """Tell before which moment events are too old."""
    age = version.destination.settings.max_event_age
    return None if age is None else cutoff_at(NOW - age)


def planned(folder: Path, old: dict[str, Any], new: dict[str, Any], data: dict[str, Any]) -> Report:
    """Plan an edit on one event; ages count."""
    comparison = compare(version(folder, old), version(folder, new))
    work = Pass(comparison, (cutoff(comparison.old), cutoff(comparison.new)), say=lambda _: None)
    work.run([("events.jsonl", 1, Event(data["type"], data["messageId"], data, b""))])
    return report_of(comparison, work.tally)


def key_of(edit: Edit) -> str:
    """Name the part of the specification that an edit is of."""
    return {"setting": edit.name, "field": edit.name.partition(".")[0]}.get(
        edit.kind, "enabled" if edit.kind == "disabled" else edit.kind
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(versions=edited(), data=one_event())
def test_an_edit_without_effect_changes_nothing_alone(
    tmp_path_factory: Any, versions: tuple[dict[str, Any], dict[str, Any]], data: dict[str, Any]
) -> None:
    """On an event that changes: neither made alone nor undone does an edit show that the plan calls without effect."""
    folder = tmp_path_factory.mktemp("plan")
    old, new = versions
    report = planned(folder, old, new, data)
    assume(report.tally.changed)
    unseen = {edit for edit, _ in report.unseen()}
    keys = {key_of(edit) for edit in unseen} - {key_of(edit) for edit in report.comparison.edits if edit not in unseen}
    for key in keys & old.keys():
        assert not planned(folder, old, {**old, key: new[key]}, data).tally.changed, key
        assert not planned(folder, {**new, key: old[key]}, new, data).tally.changed, key
