"""Coverage: which triggers, clauses, branches, defaults and rules events reach, and what they do not."""

import pytest

from connector.coverage import Coverage, CoverageReport, Item, MappingCoverage
from connector.destination import Destination
from connector.values import JSON
from tests.planning import SETTINGS, load_text

Event = dict[str, JSON]


def destination_of(fields: str, trigger: str = 'type = "page"', *, enabled: str = "true", **env: str) -> Destination:
    """Load a destination with one mapping of these fields, a flow mapping in YAML."""
    head = f"destination: rupt\nsettings: {{{SETTINGS}}}\nmappings:\n"
    return load_text(
        f"{head}  - name: One\n    action: attach\n    enabled: {enabled}\n"
        f"    trigger: {trigger}\n    fields: {{account: $.userId{fields}}}\n",
        **env,
    )


def covered(destination: Destination, *events: Event) -> MappingCoverage:
    """Run events through the one mapping of a destination."""
    coverage = Coverage(destination)
    for event in events:
        coverage.take(destination.mappings[0], event)
    (found,) = coverage.report().mappings
    return found


def hits(found: MappingCoverage, kind: str) -> dict[str, int]:
    """Give the counts of one kind of items."""
    return {item.text: item.hits for item in found.items if item.kind == kind}


def item(found: MappingCoverage, text: str) -> Item:
    """Find the item that reads so."""
    return next(item for item in found.items if item.text == text)


def test_without_events_nothing_is_reached() -> None:
    """A mapping that no event was run through has 0 % of its items."""
    found = covered(destination_of(""))
    assert (found.events, found.reached, found.percentage) == (0, 0, 0.0)
    assert found.never() == found.items
    assert len(found.items) == 4


def test_a_trigger_is_reached_both_ways() -> None:
    """That a trigger holds and that it does not hold are two items; a trigger of one clause has no others."""
    found = covered(destination_of(""), {"type": "page", "userId": "u"}, {"type": "track"}, {"type": "group"})
    assert hits(found, "trigger") == {"the trigger: held": 1, "the trigger: did not hold": 2}
    assert hits(found, "clause") == {}


def test_a_clause_counts_only_when_it_is_asked() -> None:
    """A clause behind one that has decided is not asked, by neither `and` nor `or`, nor under a `!`."""
    trigger = """'type = "track" and (event = "A" or !(name = "B"))'"""
    destination = destination_of("", trigger)
    found = covered(
        destination,
        {"type": "page", "event": "A"},
        {"type": "track", "event": "A", "name": "B"},
        {"type": "track", "event": "C", "name": "B"},
    )
    assert hits(found, "clause") == {
        'type = "track": held': 2,
        'type = "track": did not hold': 1,
        'event = "A": held': 1,
        'event = "A": did not hold': 1,
        'name = "B": held': 1,
        'name = "B": did not hold': 0,
    }
    assert hits(found, "trigger") == {"the trigger: held": 1, "the trigger: did not hold": 2}


def test_the_branches_of_an_if() -> None:
    """`then` is a branch, `else` a default; without an else it is a branch that nothing is given."""
    both = '{"@if": {exists: $.name, then: $.name, else: none}}'
    alone = '{"@if": {exists: $.name, then: $.name}}'
    found = covered(destination_of(f", event: {both}, client: {alone}"), {"type": "page", "userId": "u", "name": "N"})
    assert hits(found, "branch") == {
        "event: `then` of @if exists $.name": 1,
        "client: `then` of @if exists $.name": 1,
        "client: nothing, for @if exists $.name has no `else`": 0,
    }
    assert hits(found, "default") == {"event: `else` of @if exists $.name": 0}


def test_the_branches_of_a_case() -> None:
    """A @case is reached with a text and with what is none, but for what can never come to it."""
    path, text = (f'{{"@case": {{operator: upper, value: {value}}}}}' for value in ("$.name", "'{{name}}'"))
    found = covered(destination_of(f", event: {path}, client: {text}"), {"type": "page", "userId": "u"})
    assert hits(found, "branch") == {
        "event: @case upper of a text": 0,
        "event: @case upper of what is no text": 1,
        "client: @case upper of a text": 1,
    }


def test_the_branches_of_a_replace() -> None:
    """A @replace works on a text, or gives an empty one; what is always given a text has no such default."""
    path, text = (f'{{"@replace": {{pattern: a, value: {value}}}}}' for value in ("$.name", "'{{name}}'"))
    destination = destination_of(f", event: {path}, client: {text}")
    worked, default = 'event: @replace "a" of a text', 'event: "" of @replace "a", given no text'
    always = 'client: @replace "a" of a text'
    number = covered(destination, {"type": "page", "userId": "u", "name": 7})
    assert (hits(number, "branch"), hits(number, "default")) == ({worked: 1, always: 1}, {default: 0})
    none = covered(destination, {"type": "page", "userId": "u", "name": {}})
    assert (hits(none, "branch"), hits(none, "default")) == ({worked: 0, always: 1}, {default: 1})


def test_branches_inside_lists_count_once_an_event() -> None:
    """A branch in the shape of a list's items is hit once by an event, however many items take it."""
    shape = '{"@arrayPath": [$.properties.teams, {id: $.id, name: {"@if": {exists: $.name, then: $.name}}}]}'
    event: Event = {"type": "page", "userId": "u", "properties": {"teams": [{"id": 1, "name": "a"}, {"name": "b"}]}}
    found = covered(destination_of(f", groups: {shape}"), event)
    assert hits(found, "branch")["groups: `then` of @if exists $.name"] == 1


def test_rules_are_tested_by_values() -> None:
    """A rule is reached when a value puts it to the test; what is empty is removed before, and tests nothing."""
    destination = destination_of(", email: $.email, tolerance: $.tolerance")
    found = covered(destination, {"type": "page", "userId": "u", "email": "", "tolerance": None})
    assert hits(found, "rule") == {
        "account is required": 1,
        "account is a string": 1,
        "email is a string": 0,
        "tolerance is a string": 0,
        'tolerance is one of "default", "strict", "lenient"': 0,
    }


def test_rules_tell_what_was_refused_and_converted() -> None:
    """Beside the hits it is told how many events broke a rule, and how many fitted only once they were converted."""
    destination = destination_of(", email: $.email, tolerance: $.tolerance")
    found = covered(
        destination,
        {"type": "page", "userId": 7, "email": {"a": 1}, "tolerance": "mild"},
        {"type": "page", "email": ["a@example.com"], "tolerance": "strict"},
    )
    told = {item.text: (item.hits, item.refused, item.converted) for item in found.items if item.kind == "rule"}
    assert told == {
        "account is required": (2, 1, 0),
        "account is a string": (1, 0, 1),
        "email is a string": (2, 1, 1),
        "tolerance is a string": (2, 0, 0),
        'tolerance is one of "default", "strict", "lenient"': (2, 1, 0),
    }


def test_rules_inside_objects_and_lists() -> None:
    """Fields of an object that the mapping spells out have rules too, in lists one for all items."""
    shape = '{"@arrayPath": [$.teams, {id: $.id}]}'
    destination = destination_of(f", limit_config: {{people_limit: $.people}}, groups: {shape}")
    event: Event = {"type": "page", "userId": "u", "people": "2", "teams": [{"id": 7}, {"id": "b"}]}
    found = covered(destination, event)
    assert item(found, "limit_config.people_limit is a number").converted == 1
    assert item(found, "groups[].id is a string").hits == 1
    assert item(found, "groups[].id is a string").converted == 1


def test_rules_inside_directives() -> None:
    """What the branches of an @if and the objects of a @merge spell out has rules, each once, with the first place."""
    groups = '{"@if": {exists: $.g, then: [{id: $.g, name: $.gn}], else: [{id: $.h}]}}'
    limits = '{"@merge": {direction: right, objects: [{people_limit: $.pl}, $.more]}}'
    found = covered(
        destination_of(f", groups: {groups}, limit_config: {limits}"),
        {"type": "page", "userId": "u", "g": "1", "gn": 7, "pl": 2},
        {"type": "page", "userId": "u", "h": "2"},
    )
    rules = hits(found, "rule")
    assert (rules["groups[].id is a string"], rules["groups[].name is a string"]) == (2, 1)
    assert rules["limit_config.people_limit is a number"] == 1
    texts = [item.text for item in found.items]
    assert texts.count("groups[].id is a string") == 1


def test_no_value_of_a_variable_is_shown() -> None:
    """Clauses, constants and paths are told as the file has them."""
    event = '{"@if": {exists: "$.${WHERE}", then: a}}'
    client = '{"@replace": {pattern: "${WHAT}", value: $.name}}'
    destination = destination_of(
        f", event: {event}, client: {client}",
        """'type = "page" and name = "${EV}"'""",
        EV="hm",
        WHERE="there",
        WHAT="abc",
    )
    told = " ".join(item.text for item in covered(destination).items)
    assert 'name = "${EV}": held' in told
    assert "`then` of @if exists $.${WHERE}" in told
    assert '@replace "${WHAT}" of a text' in told
    assert not any(value in told for value in ("hm", "there", "abc"))


def test_an_event_that_cannot_be_resolved_tests_no_rule() -> None:
    """Where a mapping fails on an event, its trigger was reached and no rule."""
    fields = ', metadata: {"@arrayPath": [$.list, {"@transform": {apply: {a: $.b}, mapping: {c: $.a}}}]}'
    found = covered(destination_of(fields), {"type": "page", "userId": "u", "list": [1]})
    assert hits(found, "trigger")["the trigger: held"] == 1
    assert set(hits(found, "rule").values()) == {0}


def test_a_disabled_mapping_counts() -> None:
    """A mapping that is switched off has tests like any other, and its items count."""
    found = covered(destination_of("", enabled="false"), {"type": "page", "userId": "u"})
    assert found.reached == 3


def test_every_item_has_its_place() -> None:
    """An item says where in the file it stands; a clause where in the text of its trigger."""
    destination = destination_of(', event: {"@if": {exists: $.name, then: a}}', """'type = "page" and name = "B"'""")
    found = covered(destination)
    file = destination.file
    assert item(found, 'name = "B": held').location == f"{file}:7:33"
    assert item(found, "event: `then` of @if exists $.name").location.startswith(f"{file}:8:")
    assert all(item.location.startswith(f"{file}:") for item in found.items)


def test_the_percentage_is_of_items() -> None:
    """The percentage of a mapping and of all is the reached of all items; of nothing it is 100."""
    found = covered(destination_of(""), {"type": "page", "userId": "u"})
    assert (found.reached, len(found.items), found.percentage) == (3, 4, 75.0)
    report = CoverageReport((found, covered(destination_of(""))))
    assert (report.reached, report.total, report.percentage) == (3, 8, 37.5)
    assert [name for name, _ in report.never()] == ["One"] * 5
    assert CoverageReport(()).percentage == pytest.approx(100.0)
