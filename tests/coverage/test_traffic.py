"""Fields of the traffic that no mapping reads: folded, sorted, bounded."""

from connector.coverage import Coverage, CoverageReport
from connector.values import JSON
from tests.planning import SETTINGS, load_text

Event = dict[str, JSON]


def seen(fields: str, *events: Event) -> CoverageReport:
    """Look at events as the traffic of a destination whose mapping has these fields."""
    coverage = Coverage(
        load_text(
            f"destination: rupt\nsettings: {{{SETTINGS}}}\nmappings:\n"
            f'  - {{name: One, action: update_user, trigger: type = "page", fields: {{account: $.userId{fields}}}}}\n'
        )
    )
    for event in events:
        coverage.see(event)
    return coverage.report()


def unread(report: CoverageReport) -> list[tuple[str, int]]:
    """Give the unread fields and how many events have them."""
    return [(field.path, field.events) for field in report.unread]


def test_fields_that_are_read_are_not_listed() -> None:
    """What a trigger or field reads is left out with all that is below it, and so is what senders add by themselves."""
    event: Event = {
        "type": "page",
        "messageId": "m",
        "timestamp": "2026-11-21T08:00:00Z",
        "userId": "u",
        "context": {"library": {"name": "x"}, "traits": {"email": "e", "plan": "p"}, "locale": "de"},
    }
    assert unread(seen(", email: $.context.traits.email", event)) == [("context.locale", 1), ("context.traits.plan", 1)]
    assert unread(seen(", metadata: $.context.traits", event)) == [("context.locale", 1)]


def test_a_disabled_mapping_reads_nothing() -> None:
    """What only a mapping reads that is switched off is a field that no mapping reads."""
    head = f"destination: rupt\nsettings: {{{SETTINGS}}}\nmappings:\n"
    fields = "fields: {account: $.a, email: $.b}"
    text = f'{head}  - {{name: Off, action: update_user, trigger: type = "page", enabled: false, {fields}}}\n'
    coverage = Coverage(load_text(text))
    coverage.see({"type": "page", "a": 1, "b": 2})
    assert unread(coverage.report()) == [("a", 1), ("b", 1)]


def test_the_commonest_come_first_with_their_types() -> None:
    """Fields are sorted by how many events have them, and tell of which types those are."""
    report = seen("", {"type": "track", "b": 1, "a": 1}, {"type": "page", "b": 1, "c": 2}, {"type": "bus", "c": 1})
    assert [(field.path, field.events, field.types) for field in report.unread] == [
        ("b", 2, ("page", "track")),
        ("c", 2, ("page",)),
        ("a", 1, ("track",)),
    ]
    assert report.traffic == 3


def test_positions_in_lists_are_folded() -> None:
    """All items of a list are one field, which an event has once; reading one position reads that field."""
    event: Event = {"type": "page", "products": [{"sku": 1, "name": "a"}, {"sku": 2}], "tags": ["x", "y"]}
    assert unread(seen("", event)) == [("products[].name", 1), ("products[].sku", 1), ("tags[]", 1)]
    assert unread(seen(", email: '$.products[0].sku'", event)) == [("products[].name", 1), ("tags[]", 1)]


def test_a_length_reads_only_how_long_something_is() -> None:
    """Where only the length of a list is read, what is in it is not."""
    event: Event = {"type": "page", "products": [{"sku": 1}], "name": "text"}
    fields = ", metadata: {count: $.products.length, letters: $.name.length}"
    assert unread(seen(fields, event)) == [("products[].sku", 1)]


def test_what_is_empty_is_nothing_to_read() -> None:
    """Null and empty objects and lists are no fields."""
    assert unread(seen("", {"type": "page", "a": None, "b": {}, "c": [], "d": [{}], "e": ""})) == [("e", 1)]


def test_a_mapping_that_may_read_everything_leaves_nothing_unread() -> None:
    """Where a mapping takes the whole event, or a path that the event decides, nothing can be called unread."""
    report = seen(', metadata: {all: "{{{properties.path}}}"}', {"type": "page", "a": 1})
    assert (report.unread, report.reads_all, report.traffic) == ((), True, 1)


def test_keys_that_are_ids_do_not_fill_the_memory() -> None:
    """Of an object with very many keys those beyond 200 are one field; so memory does not grow with the events."""
    events: list[Event] = [{"type": "page", "carts": {f"id-{number}": {"sum": 1}}} for number in range(1_000)]
    report = seen("", *events)
    assert len(report.unread) == 201
    assert report.unread[0].path == "carts.*.sum"
    assert report.unread[0].events == 800


def test_levels_without_end_are_one_value() -> None:
    """What is nested more than twelve levels deep counts as one value."""
    value: JSON = 1
    for _ in range(100):
        value = {"a": value}
    (path,) = [field.path for field in seen("", {"type": "page", "root": value}).unread]
    assert path == "root" + ".a" * 11


def test_keys_that_are_no_names_are_quoted() -> None:
    """A key with a dot or a blank is written as a mapping would write it."""
    assert unread(seen("", {"type": "page", "a b": {"c.d": 1}})) == [("['a b']['c.d']", 1)]
