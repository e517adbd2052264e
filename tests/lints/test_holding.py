"""Triggers that hold never, always or in part without effect: what is said, and that it is never false."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connector.errors import LanguageError
from connector.events import EVENT_TYPES
from connector.language.triggers import compile_trigger, parse_trigger
from connector.lints.satisfying import Spent, World, both, differ, fails, holds
from tests.lints.inspecting import fixed, found_in, mapping, shown_by


def test_what_holds_is_not_told_of(tmp_path: Path) -> None:
    """Triggers of every kind that hold for some events and not for others are given no warning."""
    triggers = [
        'type = "track" and event = "Signed Up"',
        'type = "track" and event in ["Signed Up", "Upgraded"]',
        'type = "page" and name != "Home"',
        'type = "page" and (contains(name, "a") or match(name, "b*"))',
        "properties.price > 3 and properties.price < 4",
        "length(properties.items) > 0 and length(properties.items) < 2",
        '"a" in properties.tags and "b" in properties.tags',
        'lowercase(event) = "order" and event != "order"',
        "!(properties.a = 1) and !(properties.b = 2)",
        'match(event, "[a-c]*") and !match(event, "a*") and !match(event, "b*")',
    ]
    mappings = [mapping(trigger, f"account: a{n}", name=f"M{n}") for n, trigger in enumerate(triggers)]
    codes = {problem.code for problem in found_in(tmp_path, *mappings)}
    assert codes <= {"segment_reads_otherwise"}


@pytest.mark.parametrize(
    ("trigger", "shown"),
    [
        ('type = "page" and type = "track"', 'type = \\"track\\"'),
        ('type = "page" and event = "X"', 'event = \\"X\\"'),
        ("properties.n > 3 and properties.n < 2", "properties.n < 2"),
        ("length(properties.n) > 3 and length(properties.n) < 4", "length(properties.n) < 4"),
        ("length(properties.n) < 0", "length(properties.n) < 0"),
        ('lowercase(event) = "Order"', 'lowercase(event) = \\"Order\\"'),
        ('contains(name, "ab") and !match(name, "*a*")', '!match(name, \\"*a*\\")'),
        ('match(name, "[a-c]x") and match(name, "d*")', 'match(name, \\"d*\\")'),
        ('"a" in properties.t and properties.t = ["b"]', 'properties.t = [\\"b\\"]'),
        ('typeof(properties.n) = "string" and properties.n > 3', "properties.n > 3"),
        ("bool(properties.n) = true and properties.n = 0", "properties.n = 0"),
        ("userId = true", "userId = true"),
    ],
)
def test_a_trigger_that_never_holds(trigger: str, shown: str, tmp_path: Path) -> None:
    """A trigger that no event can make hold is a warning at the part that is to blame."""
    (problem,) = [one for one in found_in(tmp_path, mapping(trigger)) if one.code == "never_holds"]
    assert "holds for no event" in problem.message
    assert shown_by(problem, tmp_path) == shown


def test_a_dead_part_of_a_trigger(tmp_path: Path) -> None:
    """A part that never holds is told of although the trigger holds for other events."""
    trigger = 'type = "page" or (type = "identify" and event = "X")'
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert (problem.code, problem.message.startswith("this part holds for no event")) == ("never_holds", True)
    assert problem.help == "only track events have event"


@pytest.mark.parametrize("trigger", ['type != "page" or type != "track"', 'type != "" or name = "x"'])
def test_a_trigger_that_always_holds(trigger: str, tmp_path: Path) -> None:
    """A trigger that holds for every event is a warning."""
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert problem.code == "always_holds"


def test_the_way_to_take_every_event_is_a_note(tmp_path: Path) -> None:
    """`type != ""` alone says on purpose that every event is taken: no warning, but a note."""
    problems = found_in(tmp_path, mapping('type != ""'), notes=True)
    assert {(problem.code, problem.severity) for problem in problems} == {
        ("takes_every_event", "note"),
        ("no_tests", "note"),
    }


@pytest.mark.parametrize(
    ("trigger", "shown"),
    [
        ('type = "page" or type = "screen" or type = "page"', 'type = \\"page\\"'),
        ('type = "page" or (type = "page" and name = "x")', 'type = \\"page\\" and name = \\"x\\"'),
        ("properties.n > 1 and properties.n > 0", "properties.n > 0"),
    ],
)
def test_a_part_that_changes_nothing(trigger: str, shown: str, tmp_path: Path) -> None:
    """A part without which the same events are taken is a warning, once."""
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert (problem.code, shown_by(problem, tmp_path)) == ("redundant_part", shown)


@pytest.mark.parametrize(
    ("trigger", "mended"),
    [
        ("userId != null and userId != null", "userId != null"),
        ('type = "page" or type = "screen" or type = "page"', 'type = "page" or type = "screen"'),
        (
            'type = "page" and (name = "a" or name = "a" or name = "b")',
            'type = "page" and (name = "a" or name = "b")',
        ),
    ],
)
def test_a_repetition_is_mended(trigger: str, mended: str, tmp_path: Path) -> None:
    """The fix of a clause that stands twice removes the second, which needs no decision."""
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert problem.fix is not None
    assert (problem.fix.title, problem.fix.safe) == ("remove the repetition", True)
    assert mapping(mended) in fixed(problem, tmp_path)


@pytest.mark.parametrize(
    "trigger",
    ["properties.n > 1 and properties.n > 0", '(type = "page") or type = "page"', 'type = "page" or (type = "page")'],
)
def test_only_a_plain_repetition_is_mended(trigger: str, tmp_path: Path) -> None:
    """What changes nothing for another reason, or stands beside parentheses, is left to a person."""
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert (problem.code, problem.fix) == ("redundant_part", None)


def test_a_field_that_would_need_two_values(tmp_path: Path) -> None:
    """Of two values asked of one field the help says how to ask for either, not which events have the field."""
    trigger = 'type = "track" and event = "order completed" and event = "Order Completed"'
    (problem,) = found_in(tmp_path, mapping(trigger))
    assert problem.code == "never_holds"
    assert problem.help.endswith('write event in ["order completed", "Order Completed"]')


def test_a_type_that_no_event_has(tmp_path: Path) -> None:
    """A misspelt type is a warning at its text, and the fix puts the type that was meant."""
    (problem,) = found_in(tmp_path, mapping('type = "pgae" or type in ["scren", "track"]'))[:1]
    assert (problem.code, problem.help) == ("unknown_type", "did you mean 'page'?")
    assert 'type = \\"page\\"' in fixed(problem, tmp_path)
    (problem,) = found_in(tmp_path, mapping('type = "Page"'))
    assert 'type = \\"page\\"' in fixed(problem, tmp_path)
    assert [one.code for one in found_in(tmp_path, mapping('type = "pgae" or type in ["scren", "track"]'))] == [
        "unknown_type",
        "unknown_type",
    ]


def test_what_takes_too_long_is_left_alone(tmp_path: Path) -> None:
    """A trigger of clauses that tell apart more texts than can be tried is given no warning, and soon."""
    clauses = [f'contains(properties.x, "{letter * 3}{letter}b")' for letter in "acdefghijklmnopq"]
    trigger = " and ".join(clauses)
    assert [problem.code for problem in found_in(tmp_path, mapping(trigger))] == []


# ------------------------------------------------------------------------------------------------ never a false warning

_TEXTS = ["", "a", "ab", "b", "A", "abc", "false", "page", "x y"]
_SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(_TEXTS), st.sampled_from([0, 1, 2, 1.5, -1, 3]), st.booleans(), st.none()
)
_VALUES: st.SearchStrategy[Any] = st.one_of(_SCALARS, st.lists(_SCALARS, max_size=3), st.just({"k": "a"}))
_FIELDS = st.sampled_from(
    ["properties.x", "properties.y", "traits.x", "context.x", "event", "name", "userId", "category"]
)
_CALLS = st.sampled_from(["{}"] * 6 + [f"{name}({{}})" for name in ("lowercase", "length", "typeof", "bool", "string")])
_CONSTANTS = st.sampled_from(['"a"', '"ab"', '""', '"A"', '"x y"', "0", "1", "1.5", "2", "true", "null", '"number"'])
_LISTS = st.lists(_CONSTANTS, max_size=3).map(lambda items: f"[{', '.join(items)}]")
_GLOBS = st.sampled_from(["a*", "*b", "*", "?b", "[a-b]", "a[b]*", "", "*b*", "ab"])


@st.composite
def _clauses(draw: st.DrawFn) -> str:
    operand = draw(_CALLS).format(draw(_FIELDS))
    match draw(st.integers(0, 6)):
        case 0:
            kind = draw(st.sampled_from([*sorted(EVENT_TYPES), "pgae"]))
            return f'type {draw(st.sampled_from(["=", "!="]))} "{kind}"'
        case 1:
            return f'{draw(st.sampled_from(["", "!"]))}contains({operand}, "{draw(st.sampled_from(["a", "b", ""]))}")'
        case 2:
            return f'{draw(st.sampled_from(["", "!"]))}match({operand}, "{draw(_GLOBS)}")'
        case 3:
            return f"{operand} in {draw(_LISTS)}"
        case 4:
            return f"{draw(_CONSTANTS)} in {draw(_FIELDS)}"
        case 5:
            return f"{operand} {draw(st.sampled_from(['=', '!=']))} {draw(_LISTS)}"
        case _:
            return f"{operand} {draw(st.sampled_from(['=', '!=', '<', '>=', '>']))} {draw(_CONSTANTS)}"


_TRIGGERS = st.recursive(
    _clauses(),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} and {parts[1]})"),
        st.tuples(inner, inner).map(lambda parts: f"({parts[0]} or {parts[1]})"),
        inner.map(lambda part: f"!({part})"),
    ),
    max_leaves=5,
)


@st.composite
def _events(draw: st.DrawFn) -> dict[str, Any]:
    """Make an event that keeps to Segment's specification: fields stand where its type has them."""
    kind = draw(st.sampled_from(sorted(EVENT_TYPES)))
    event: dict[str, Any] = {"type": kind, "userId": draw(st.sampled_from(["a", "ab", "u"]))}
    if kind == "track":
        event["event"] = draw(st.sampled_from([text for text in _TEXTS if text]))
    if kind in ("page", "screen"):
        event |= draw(st.fixed_dictionaries({}, optional={"name": st.sampled_from(_TEXTS), "category": _SCALARS}))
    if kind in ("group", "alias"):
        event["groupId" if kind == "group" else "previousId"] = "g"
    if kind not in ("alias", "delete"):
        inner = st.fixed_dictionaries({}, optional={"x": _VALUES, "y": _VALUES})
        event["traits" if kind in ("identify", "group") else "properties"] = draw(inner)
        event["context"] = draw(st.fixed_dictionaries({}, optional={"x": _VALUES}))
    return event


def _tree(text: str) -> Any:
    try:
        return parse_trigger(text)
    except LanguageError:
        return None


@settings(max_examples=150, deadline=None)
@given(_TRIGGERS, st.lists(_events(), min_size=8, max_size=8))
def test_never_and_always_are_never_said_in_vain(text: str, events: list[dict[str, Any]]) -> None:
    """Where a trigger is said to hold never, always or only for some types, no event says otherwise."""
    tree = _tree(text)
    assume(tree is not None)
    matches = compile_trigger(tree)
    try:
        world = World(tree)
        types, always = set(world.types(holds(tree))), not world.allows(fails(tree))
    except Spent:
        return
    for event in events:
        assert not matches(event) or event["type"] in types
        assert matches(event) or not always


@settings(max_examples=100, deadline=None)
@given(_TRIGGERS, _TRIGGERS, st.lists(_events(), min_size=8, max_size=8))
def test_being_the_same_is_never_said_in_vain(one: str, other: str, events: list[dict[str, Any]]) -> None:
    """Where two triggers are said to be the same, or never to hold at once, no event says otherwise."""
    first, second = _tree(one), _tree(other)
    assume(first is not None and second is not None)
    try:
        world = World(first, second, loose=True)
        same = not world.allows(differ(holds(first), holds(second)))
        apart = not world.allows(both(holds(first), holds(second)))
    except Spent:
        return
    for event in events:
        answers = compile_trigger(first)(event), compile_trigger(second)(event)
        assert not same or answers[0] is answers[1]
        assert not apart or answers != (True, True)
