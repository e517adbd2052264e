"""What a trace says of a mapping and of a trigger is what the compiled ones do."""

from pathlib import Path
from typing import Any

import pytest

from connector.errors import ResolveError
from connector.language.compiler import compile_mapping, parse_mapping
from connector.language.directives import Node, walk_nodes
from connector.language.tracing import (
    Step,
    branches,
    compile_trace,
    describe,
    describe_path,
    walk_steps,
)
from connector.language.triggers import (
    And,
    Not,
    Or,
    Seen,
    compile_trigger,
    compile_trigger_trace,
    operands,
    parse_trigger,
)
from connector.values import JSON, MISSING, load_json

HERE = Path(__file__).parent
PAGE: dict[str, Any] = {
    "type": "page",
    "userId": "user-42",
    "name": "Home",
    "context": {"traits": {"email": "ada@example.com", "plan": None}},
    "properties": {"items": [{"id": 7}, {"id": 8}], "total": 3},
}


def recorded(name: str) -> list[Any]:
    """Read recorded cases."""
    return [load_json(line) for line in (HERE / name).read_bytes().splitlines()]


def shorthand(mapping: JSON) -> Node:
    """Read a mapping as YAML has it."""
    return parse_mapping(mapping, shorthands=True)


def trace_one(mapping: JSON) -> Step:
    """Trace the field `f` on a page."""
    (step,) = compile_trace(shorthand({"f": mapping}))(PAGE).steps
    return step


def resolved(node: Node, event: dict[str, JSON]) -> tuple[Any, str]:
    """Give the payload, or the error's text."""
    try:
        return compile_mapping(node)(event), ""
    except ResolveError as error:
        return None, str(error)


def test_a_trace_gives_what_the_mapping_gives() -> None:
    """On every recorded case the payload and error are the compiled mapping's, and steps are of its nodes."""
    for case in recorded("mapping.jsonl"):
        node = parse_mapping(case["mapping"])
        traced = compile_trace(node)(case["event"])
        assert (traced.payload, traced.error) == resolved(node, case["event"])
        nodes = {id(inner) for inner in walk_nodes(node)}
        known = {(id(inner), branch) for inner, branch in branches(node)}
        for step in walk_steps(traced.steps):
            assert id(step.node) in nodes
            assert step.branch == "" or (id(step.node), step.branch) in known


def test_a_trace_can_be_asked_again() -> None:
    """What one event left behind, an error above all, is not in the next event's trace."""
    trace = compile_trace(shorthand({"f": {"@arrayPath": ["$.x", {"@transform": {"apply": {}, "mapping": {}}}]}}))
    assert trace({"x": ["no object"]}).error
    assert [step.value for step in trace({"x": [{}]}).steps] == [[{}]]


def test_an_error_leaves_the_steps_before_it() -> None:
    """Where a mapping cannot be resolved, the trace shows how far it came."""
    wrong: JSON = {"@arrayPath": ["$.x", {"@transform": {"apply": {}, "mapping": {}}}]}
    traced = compile_trace(shorthand({"a": "$.userId", "f": wrong}))({**PAGE, "x": [1]})
    assert traced.payload is None
    assert "@transform" in traced.error
    assert [step.value for step in traced.steps] == ["user-42", MISSING]


@pytest.mark.parametrize(
    ("condition", "branch"),
    [
        ({"exists": "$.userId", "then": "$.name", "else": "$.type"}, "then"),
        ({"exists": "$.missing", "then": "$.name", "else": "$.type"}, "else"),
        ({"exists": "$.missing", "then": "$.name"}, "none"),
        ({"exists": "$.missing", "then": "$.name", "else": False}, "none"),
        ({"exists": "$.userId", "then": "$.userId", "else": "$.type"}, "then"),
        ({"exists": "$.missing", "then": "$.missing", "else": "$.type"}, "else"),
        ({"exists": "$.missing", "then": "$.missing"}, "none"),
        ({"exists": "$.context.traits.plan", "then": "$.context.traits.plan"}, "none"),
        ({"blank": "$.name", "then": 1, "else": 2}, "then"),
        ({"blank": "$.missing", "then": 1, "else": 2}, "else"),
    ],
)
def test_the_branch_of_an_if_is_the_one_taken(condition: dict[str, JSON], branch: str) -> None:
    """An @if tells which way it went, whether its test and its value are one path or two."""
    assert trace_one({"@if": condition}).branch == branch


@pytest.mark.parametrize(("value", "branch"), [("$.name", "text"), ("$.properties.total", "other"), ("", "other")])
def test_the_branch_of_a_case_says_whether_there_was_a_text(value: str, branch: str) -> None:
    """A @case tells whether it had a text to change."""
    assert trace_one({"@case": {"operator": "upper", "value": value}}).branch == branch


def test_each_item_of_a_list_has_its_steps() -> None:
    """The shape of @arrayPath is at work once for each item, on paths that start at the item."""
    step = trace_one({"@arrayPath": ["$.properties.items", {"sku": "$.id"}]})
    values = [
        (inner.value, inner.inner) for inner in walk_steps(step.steps) if not isinstance(inner.value, dict | list)
    ]
    assert values == [(7, True), (8, True)]


def test_a_step_names_no_person() -> None:
    """The repr of a trace, as a failing test would print it, has no value in it."""
    assert "user-42" not in repr(compile_trace(shorthand({"f": "$.userId"}))(PAGE))
    assert "user-42" not in repr(compile_trigger_trace(parse_trigger('userId = "x"'))(PAGE))


def agree(seen: Seen, event: dict[str, Any]) -> None:
    """Every part says what it says alone, and shows what its operands gave."""
    assert seen.holds is compile_trigger(seen.node)(event)
    assert len(seen.values) == (0 if isinstance(seen.node, And | Or | Not) else len(list(operands(seen.node))))
    for part in seen.parts:
        agree(part, event)


def test_every_part_of_a_trigger_says_what_it_says_alone() -> None:
    """On every recorded case a trace holds where the trigger holds, and so does each part of it."""
    for recording in recorded("trigger.jsonl"):
        trace = compile_trigger_trace(parse_trigger(recording["trigger"]))
        for case in recording["cases"]:
            agree(trace(case["event"]), case["event"])


def test_what_was_decided_before_is_not_reached() -> None:
    """Parts behind the one that decides are looked at all the same, and marked; so are the parts below them."""
    seen = compile_trigger_trace(parse_trigger('type = "track" and (name = "Home" or !(userId = "x"))'))(PAGE)
    first, rest = seen.parts
    assert (seen.holds, first.holds, first.values, rest.holds) == (False, False, ("page",), True)
    assert (first.reached, rest.reached) == (True, False)
    assert [part.reached for part in rest.parts] == [False, False]
    assert rest.parts[1].parts[0].values == ("user-42",)


def test_what_is_missing_is_seen_as_missing() -> None:
    """A clause on a field that the event does not have saw MISSING, which is not null."""
    seen = compile_trigger_trace(parse_trigger("properties.x = null or context.traits.plan = null"))(PAGE)
    assert [part.values for part in seen.parts] == [(MISSING,), (None,)]


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ("$.context.traits.email", "$.context.traits.email"),
        ({"@path": "properties.items[0]['k k']"}, "$.properties.items[0]['k k']"),
        ("{{name}} b", '"{{name}} b"'),
        ("text", '"text"'),
        ({"@literal": None}, "@literal null"),
        ({"@if": {"exists": "$.a", "then": 1}}, "@if exists $.a"),
        ({"@case": {"operator": "lower", "value": "$.a"}}, "@case lower"),
        ({"@json": {"mode": "encode", "value": "$.a"}}, "@json encode"),
        ({"@replace": {"pattern": " ", "value": "$.a"}}, '@replace " "'),
        ({"@arrayPath": ["$.a"]}, "@arrayPath $.a"),
        ({"@merge": {"objects": [], "direction": "left"}}, "@merge"),
        ({"@excludeWhenNull": "$.a"}, "@excludeWhenNull $.a"),
        ({"@liquid": "{{ a }}"}, '@liquid "{{ a }}"'),
        ({"plan": 1, "title": 2}, "{plan, title}"),
        ([1, 2], "a list of 2"),
    ],
)
def test_a_node_is_described_in_one_line(mapping: JSON, words: str) -> None:
    """A description reads like the file."""
    assert describe(shorthand({"f": mapping}).fields[0][1]) == words  # type: ignore[union-attr]  # an object of fields


def test_a_path_without_keys_is_the_whole_event() -> None:
    """`$.` is how a mapping writes it."""
    assert describe_path(()) == "$."
