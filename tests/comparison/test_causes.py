"""Which edit is blamed for a change: the one without which something else would become of the event."""

from pathlib import Path
from typing import Any

from connector.rehearsing.tallies import Tally
from tests.cli.command import page
from tests.comparison.versions import compared, gone_through, mapping


def causes(tally: Tally) -> list[tuple[str, str, str, int]]:
    """List the groups: kind, the cause's name, what stands there now (or stood there), and how many events."""
    found: list[tuple[str, str, str, int]] = []
    for group in tally.groups():
        assert group.cause is not None
        place = group.cause.new or group.cause.old
        found.append((group.kind, group.cause.name, place.text if place else "", group.count))
    return found


def track(number: int, **more: Any) -> dict[str, Any]:
    """Make a track event."""
    return page(number, **{"type": "track", "event": "A", **more})


def test_only_the_field_that_differs_is_blamed(tmp_path: Path) -> None:
    """Of two edited fields each event blames those whose values differ."""
    before = "{account: $.userId, email: $.properties.a, phone: $.properties.b}"
    after = "{account: $.userId, email: $.properties.c, phone: $.properties.d}"
    events = [page(1, properties={"a": "x", "c": "y"}), page(2, properties={"b": "x", "a": "z", "c": "z"})]
    tally = gone_through(compared(tmp_path, mapping(fields=before), mapping(fields=after)), *events)
    assert sorted(causes(tally)) == [
        ("payload_changed", "email", "email: $.properties.c", 1),
        ("payload_changed", "phone", "phone: $.properties.d", 1),
    ]


def test_of_two_edits_in_one_field_the_one_that_matters_is_blamed(tmp_path: Path) -> None:
    """Each branch of an @if is blamed for the events that go through it."""
    before = "{account: $.userId, email: {'@if': {exists: $.name, then: $.properties.a, else: $.properties.b}}}"
    after = "{account: $.userId, email: {'@if': {exists: $.name, then: $.properties.c, else: $.properties.d}}}"
    values = {"a": "1", "b": "2", "c": "3", "d": "4"}
    events = [page(1, properties=values), page(2, properties=values), page(3, name=None, properties=values)]
    tally = gone_through(compared(tmp_path, mapping(fields=before), mapping(fields=after)), *events)
    assert sorted(causes(tally)) == [
        ("payload_changed", "email", "else: $.properties.d", 1),
        ("payload_changed", "email", "then: $.properties.c", 2),
    ]


def test_a_newly_invalid_event_blames_the_field_at_fault(tmp_path: Path) -> None:
    """A field that was edited too, but is valid, has no part in it."""
    after = "{account: $.properties.id, email: $.properties.mail}"
    tally = gone_through(
        compared(tmp_path, mapping(), mapping(fields=after)), page(1, properties={"mail": "a@x.example"})
    )
    assert causes(tally) == [("newly_invalid", "account", "account: $.properties.id", 1)]


def test_a_mapping_that_cannot_be_resolved_blames_the_field(tmp_path: Path) -> None:
    """What raises while a field is resolved is that field's doing."""
    inner = "{'@transform': {apply: {a: 1}, mapping: {b: $.a}}}"
    metadata = f"{{'@transform': {{apply: $.properties.count, mapping: {inner}}}}}"
    bad = f"{{account: $.userId, email: $.name, metadata: {metadata}}}"
    tally = gone_through(compared(tmp_path, mapping(), mapping(fields=bad)), page(1, properties={"count": 7}))
    assert [(kind, name) for kind, name, _, _ in causes(tally)] == [("newly_invalid", "metadata")]


def test_a_removed_field_is_blamed_with_its_old_place(tmp_path: Path) -> None:
    """What is gone has no line any more, but it had one."""
    before = "{account: $.userId, email: $.name}"
    tally = gone_through(compared(tmp_path, mapping(fields=before), mapping()), page(1))
    assert causes(tally) == [("payload_changed", "email", "email: $.name", 1)]


def test_an_added_clause_decides(tmp_path: Path) -> None:
    """Of a trigger that got a clause, that clause is why events are taken no longer."""
    comparison = compared(tmp_path, mapping(), mapping('type = "page" and name != "Home"'))
    assert causes(gone_through(comparison, page(1))) == [("no_longer_matched", "trigger", 'name != "Home"', 1)]


def test_the_clause_that_was_edited_decides_and_not_its_neighbours(tmp_path: Path) -> None:
    """In a trigger of several groups it is the innermost part that differs."""
    old = '(type = "track" and event = "A") or (type = "page" and name = "Home")'
    new = '(type = "track" and event = "B") or (type = "page" and name = "Home")'
    comparison = compared(tmp_path, mapping(old), mapping(new))
    tally = gone_through(comparison, track(1), track(2, event="B"), page(3))
    assert sorted(causes(tally)) == [
        ("newly_matched", "trigger", 'event = "B"', 1),
        ("no_longer_matched", "trigger", 'event = "B"', 1),
    ]


def test_of_several_new_clauses_the_first_that_fails_decides(tmp_path: Path) -> None:
    """Events that stumble over different clauses are in different groups."""
    comparison = compared(tmp_path, mapping(), mapping('type = "page" and name = "Home" and userId != "user-2"'))
    tally = gone_through(comparison, page(1, name="Docs"), page(2), page(3))
    assert sorted(causes(tally)) == [
        ("no_longer_matched", "trigger", 'name = "Home"', 1),
        ("no_longer_matched", "trigger", 'userId != "user-2"', 1),
    ]


def test_settings_are_blamed_for_what_they_do(tmp_path: Path) -> None:
    """The way in which devices are named, and where requests go, are settings."""
    device = compared(tmp_path, mapping(), mapping(), after=("device_identity: strict",))
    assert [found[:2] for found in causes(gone_through(device, page(1)))] == [("newly_skipped", "device_identity")]


def test_another_address_changes_every_request(tmp_path: Path) -> None:
    """With equal payloads the requests still go elsewhere."""
    domain = compared(tmp_path, mapping(), mapping(), after=("domain: rupt.example.com",))
    tally = gone_through(domain, page(1), page(2))
    assert [found[:2] for found in causes(tally)] == [("request_changed", "domain")]
    (sample, _) = next(tally.groups()).samples
    (leaf,) = sample.leaves
    assert leaf.path == ("url",)


def test_a_field_and_a_setting_share_the_blame(tmp_path: Path) -> None:
    """An event of which both change what is sent counts for both."""
    fields = "{account: $.userId, email: $.name}"
    comparison = compared(tmp_path, mapping(), mapping(fields=fields), after=("logout_url: https://a.example/",))
    tally = gone_through(comparison, page(1))
    assert [found[:2] for found in causes(tally)] == [("payload_changed", "email"), ("payload_changed", "logout_url")]
    assert tally.pairs[0].kinds.total() == tally.changed == 1


def test_consent_is_blamed_for_what_it_keeps_back(tmp_path: Path) -> None:
    """Events without consent are taken no longer when categories are asked for; those filtered anyhow say why."""
    comparison = compared(tmp_path, mapping(), mapping(), after=("consent_categories: [ads]",))
    refused = {"consent": {"categoryPreferences": {"ads": False}}}
    tally = gone_through(comparison, page(1, context=refused), track(2, context=refused), page(3))
    assert [found[:2] for found in causes(tally)] == [
        ("no_longer_matched", "consent_categories"),
        ("reason_changed", "consent_categories"),
    ]


def test_an_event_is_no_duplicate_any_more(tmp_path: Path) -> None:
    """When the first event of a messageId is not taken any more, the second one is sent: the trigger is why."""
    comparison = compared(tmp_path, mapping(), mapping('type = "page" and name != "Home"'))
    tally = gone_through(comparison, page(1), page(1, name="Docs"))
    assert [(kind, name) for kind, name, _, _ in causes(tally)] == [
        ("no_longer_matched", "trigger"),
        ("no_longer_skipped", "trigger"),
    ]


def test_samples_show_different_things_first(tmp_path: Path) -> None:
    """Three events are kept, the first of each shape before more of the same."""
    fields = "{account: $.userId, email: $.properties.a, phone: $.properties.b}"
    same = [page(number, properties={"a": f"{number}@x.example"}) for number in range(1, 9)]
    other = page(9, properties={"a": "9@x.example", "b": "+14155550100"})
    tally = gone_through(compared(tmp_path, mapping(), mapping(fields=fields)), *same, other)
    group = next(group for group in tally.groups() if group.cause and group.cause.name == "email")
    assert [sample.message_id for sample in group.samples] == ["m-1", "m-2", "m-9"]
    assert [sample.line for sample in group.samples] == [1, 2, 9]


def test_a_number_is_no_flag(tmp_path: Path) -> None:
    """1 and true are equal to Python, and are not the same in a payload."""
    before, after = (f"{{account: $.userId, metadata: {{n: $.properties.{key}}}}}" for key in "ab")
    comparison = compared(tmp_path, mapping(fields=before), mapping(fields=after))
    assert gone_through(comparison, page(1, properties={"a": 1, "b": True})).changed == 1
    assert gone_through(comparison, page(1, properties={"a": 1, "b": 1})).changed == 0
