"""Differences of fields, on any trees."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.comparison.trees import differences, shape, undo
from connector.language.compiler import compile_mapping, parse_mapping
from connector.language.directives import Node
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
