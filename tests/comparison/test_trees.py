"""Differences of fields and of triggers, on any trees."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.comparison.trees import differences, shape, undo
from connector.comparison.triggers import Decider
from connector.language.compiler import compile_mapping, parse_mapping
from connector.language.directives import Node
from connector.language.triggers import compile_trigger, parse_trigger
from connector.values import dump_json, load_json

LEAVES = st.sampled_from(["$.a", "$.b", "{{a}} {{b}}", "x", 1, True, 1.0, None])
TEXTS = st.sampled_from(["$.a", "$.b", "{{a}}"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["k", "l"]), inner, max_size=2),
        st.lists(inner, max_size=2),
        st.fixed_dictionaries({"@if": st.fixed_dictionaries({"exists": TEXTS, "then": inner, "else": inner})}),
        st.fixed_dictionaries({"@case": st.fixed_dictionaries({"operator": st.just("upper"), "value": TEXTS})}),
    ),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from(["email", "phone", "metadata", "account"]), VALUES, max_size=3)
EVENT: dict[str, Any] = {"a": "one", "b": {"c": 2}}


def parse(value: Any) -> Node:
    """Read fields as a destination file has them."""
    return parse_mapping(value, shorthands=True)


@settings(max_examples=150, deadline=None)
@given(FIELDS, FIELDS)
def test_without_all_differences_the_new_fields_do_what_the_old_ones_did(old: Any, new: Any) -> None:
    """Undone one after the other, the differences of two trees lead from the new one back to the old one."""
    before, tree = parse(old), parse(new)
    for difference in differences(before, tree):
        tree = undo(tree, difference)
    assert differences(before, tree) == ()
    assert sorted_json(compile_mapping(tree)(EVENT)) == sorted_json(compile_mapping(before)(EVENT))


def sorted_json(value: Any) -> Any:
    """Read a value once more, so that only what is printed of it counts."""
    return load_json(dump_json(value))


@given(FIELDS)
def test_equal_fields_do_not_differ(fields: Any) -> None:
    """What is written twice alike has the same shape, wherever it stands."""
    one, other = parse(fields), parse(fields)
    assert shape(one) == shape(other)
    assert differences(one, other) == ()


def test_a_number_is_no_flag() -> None:
    """1, 1.0 and true are three values."""
    shapes = [shape(parse({"a": value})) for value in (1, 1.0, True)]
    assert len({str(found) for found in shapes}) == 3


CLAUSES = st.sampled_from(
    ['type = "page"', 'name = "Home"', 'userId != "u"', '!contains(event, "x")', "properties.n > 3", "traits.x = null"]
)
TRIGGERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' and '.join(parts)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({' or '.join(parts)})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=5,
)
EVENTS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["page", "track"]),
        "name": st.sampled_from(["Home", None]),
        "userId": st.sampled_from(["u", "v"]),
        "event": st.sampled_from([None, "x", "y"]),
        "properties": st.sampled_from([{}, {"n": 1}, {"n": 5}]),
    }
)


@settings(max_examples=200, deadline=None)
@given(TRIGGERS, TRIGGERS, st.lists(EVENTS, max_size=6))
def test_the_deciding_part_is_one_that_was_edited(old: str, new: str, events: list[dict[str, Any]]) -> None:
    """For an event that one trigger takes and the other does not, a part is named that the other trigger has not."""
    before, after = parse_trigger(old), parse_trigger(new)
    decider, holds = Decider(before, after), (compile_trigger(before), compile_trigger(after))
    for event in events:
        if holds[0](event) != holds[1](event):
            lost, added = decider.decide(event)
            assert lost is not None or added is not None
            assert lost is None or old[lost.start : lost.end]
            assert lost is None or added is None or shape(lost) != shape(added)
