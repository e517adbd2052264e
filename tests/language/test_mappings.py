"""The mapping language: what directives resolve to, what is refused at load, and what never happens."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import LanguageError, ResolveError
from connector.language.builtins import DIRECTIVES
from connector.language.compiler import compile_mapping, mapping_reads, parse_mapping
from connector.language.directives import Call, Example
from connector.values import JSON, MISSING, load_json

HERE = Path(__file__).parent
DIRECTIVE_NAMES = (
    "@path @template @literal @if @arrayPath @case @replace @merge @transform @flatten @json @excludeWhenNull @liquid"
)


def resolve(mapping: JSON, event: dict[str, JSON], *, shorthands: bool = False) -> Any:
    """Compile a mapping and run it."""
    return compile_mapping(parse_mapping(mapping, shorthands=shorthands))(event)


def same(found: JSON, expected: JSON) -> bool:
    """Compare as JSON: 1 and 1.0 are one number, true is not 1."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return found == expected


def test_every_recorded_case_of_the_published_runtime_agrees() -> None:
    """Each mapping that Segment's runtime resolved, resolves here to the same payload."""
    cases: list[Any] = [load_json(line) for line in (HERE / "mapping.jsonl").read_bytes().splitlines()]
    different = [
        (number, case["mapping"], found, case["result"])
        for number, case in enumerate(cases, 1)
        if not same(found := resolve(case["mapping"], case["event"]), case["result"])
    ]
    assert len(cases) == 1487
    assert different == []


def test_there_are_thirteen_directives() -> None:
    """The register holds Segment's thirteen directives, by their names."""
    assert sorted(DIRECTIVES.names()) == sorted(DIRECTIVE_NAMES.split())


def test_every_option_with_a_value_has_a_role() -> None:
    """What a directive does with a value of an option, it says where it is registered."""
    for directive in DIRECTIVES:
        for option in directive.options:
            is_value = option.dynamic or option.kind in ("value", "object", "objects")
            assert (option.role != "word") == is_value, f"{directive.name} {option.name}"
        roles = [option.role for option in directive.options]
        assert ("inside" in roles) == ("source" in roles)


def test_options_are_found_by_their_role() -> None:
    """A call gives its options with a role, those that were given."""
    node = parse_mapping({"@if": {"blank": {"@path": "a"}, "then": "x", "else": "y"}})
    assert isinstance(node, Call)
    assert node.having("test") == [node.options["blank"]]
    assert node.having("given") == [node.options["then"], node.options["else"]]
    assert node.having("inside", "source") == []


@pytest.mark.parametrize(
    ("name", "example"), [(directive.name, example) for directive in DIRECTIVES for example in directive.examples]
)
def test_a_directives_examples_hold(name: str, example: Example) -> None:
    """What the printed reference shows is what the directive does, and the example is about that directive."""
    assert same(resolve(example.mapping, example.event), example.result)
    assert name in str(example.mapping)


EVENT: dict[str, JSON] = {
    "type": "page",
    "userId": "",
    "n": 1e21,
    "small": 1e-7,
    "ten": 10.0,
    "half": 2.50,
    "zero": 0,
    "no": False,
    "null": None,
    "text": "a.b.c",
    "moon": "🌙x",
    "list": [1, {"a": None}],
    "json": '{"b":1,"2":[],"1":null}',
    "o": {"a": 1, "b": None, "c": {"d": None, "e": [None]}},
    "brace": "{{type}}",
}

TABLE: list[tuple[JSON, object]] = [
    ({"@template": "{{n}} {{small}} {{ten}} {{half}} {{no}}"}, "1e+21 1e-7 10 2.5 false"),
    ({"@template": "{{o}} {{list}} {{null}}{{missing}}|"}, "[object Object] 1,[object Object] |"),
    ({"@template": "{{{brace}}}"}, "page"),
    ({"@template": "{{brace}}"}, "{{type}}"),
    ({"@path": "$.userId.deeper"}, ""),
    ({"@path": "$.null.deeper"}, None),
    ({"@path": "$.missing.deeper"}, MISSING),
    ({"@path": "$.moon.length"}, 3),
    ({"@path": "$.list.length"}, 2),
    ({"@path": "$.list.-1"}, MISSING),
    ({"@path": "$.list.00"}, MISSING),
    ({"@path": "$.text[0]"}, "a"),
    ({"@if": {"exists": {"@path": "$.zero"}, "then": "yes", "else": "no"}}, "yes"),
    ({"@if": {"exists": {"@path": "$.null"}, "then": "yes", "else": "no"}}, "no"),
    ({"@if": {"blank": {"@path": "$.zero"}, "then": "yes", "else": "no"}}, "no"),
    ({"@if": {"blank": {"@path": "$.no"}, "then": "yes", "else": "no"}}, "no"),
    ({"@if": {"blank": {"@path": "$.o"}, "then": "yes", "else": "no"}}, "yes"),
    ({"@if": {"blank": {"@literal": [None]}, "then": "yes", "else": "no"}}, "no"),
    ({"@if": {"exists": {"@path": "$.missing"}, "then": 1, "else": False}}, MISSING),
    ({"@if": {"exists": {"@path": "$.missing"}, "then": 1}}, MISSING),
    ({"@replace": {"pattern": ".", "replacement": "$&$&", "value": {"@path": "$.text"}}}, "a..b..c"),
    ({"@replace": {"pattern": ".", "replacement": "$$", "value": {"@path": "$.text"}, "global": False}}, "a$b.c"),
    ({"@replace": {"pattern": "b", "replacement": "[$`|$']", "value": {"@path": "$.text"}}}, "a.[a.|.c].c"),
    ({"@replace": {"pattern": "1", "replacement": "x", "value": {"@path": "$.n"}}}, "xe+2x"),
    ({"@replace": {"pattern": "f", "replacement": "F", "value": {"@path": "$.no"}}}, "False"),
    ({"@replace": {"pattern": "A", "value": {"@path": "$.text"}, "ignorecase": True}}, ".b.c"),
    ({"@replace": {"pattern": "a", "value": {"@path": "$.o"}}}, ""),
    ({"@replace": {"pattern": "a", "replacement": "b", "pattern2": "b", "replacement2": "c", "value": "ab"}}, "cc"),
    ({"@replace": {"pattern": "\u212a", "value": "k\u212a", "ignorecase": True}}, "k"),
    ({"@case": {"operator": "lower", "value": {"@path": "$.ten"}}}, 10),
    ({"@case": {"operator": "upper"}}, MISSING),
    ({"@arrayPath": ["$.list"]}, [1, {"a": None}]),
    ({"@arrayPath": ["$.list", {"x": {"@path": "$.a"}}]}, [{}, {"x": None}]),
    ({"@arrayPath": ["$.list", {"@path": "$.a"}]}, [None, None]),
    ({"@arrayPath": ["$.o", {"x": {"@path": "$.a"}}]}, [{"x": 1}]),
    ({"@arrayPath": ["$.text", {"x": 1}]}, "a.b.c"),
    ({"@merge": {"direction": "right", "objects": [{"a": 1}, {"a": {"@path": "$.missing"}}]}}, {}),
    ({"@merge": {"direction": "left", "objects": [{"a": 1}, {"a": 2, "b": 3}]}}, {"a": 1, "b": 3}),
    ({"@merge": {"direction": "right", "objects": [{"@path": "$.moon"}]}}, {"0": "\ufffd", "1": "\ufffd", "2": "x"}),
    ({"@flatten": {"separator": ".", "value": {"@path": "$.o"}}}, {"a": 1, "b": None, "c.d": None, "c.e.0": None}),
    (
        {"@flatten": {"separator": ".", "omitArrays": True, "value": {"@path": "$.o"}}},
        {"a": 1, "b": None, "c.d": None, "c.e": [None]},
    ),
    ({"@flatten": {"separator": ".", "value": {"@path": "$.text"}}}, {"": "a.b.c"}),
    ({"@flatten": {"separator": ".", "value": [{"@path": "$.missing"}, 1]}}, {"1": 1}),
    ({"@json": {"mode": "encode", "value": {"@path": "$.half"}}}, "2.5"),
    (
        {"@json": {"mode": "encode", "value": {"b": {"@path": "$.n"}, "1": {"@path": "$.missing"}, "0": 1}}},
        '{"0":1,"b":1e+21}',
    ),
    ({"@json": {"mode": "encode", "value": {"@path": "$.missing"}}}, MISSING),
    ({"@json": {"mode": "decode", "value": {"@path": "$.json"}}}, {"b": 1, "2": [], "1": None}),
    ({"@json": {"mode": "decode", "value": {"@path": "$.text"}}}, "a.b.c"),
    ({"@excludeWhenNull": {"@path": "$.null"}}, MISSING),
    ({"@excludeWhenNull": {"@path": "$.o"}}, {"a": 1, "c": {"e": [None]}}),
    ({"@transform": {"apply": {"x": {"@path": "$.text"}}, "mapping": {"@path": "$.x"}}}, "a.b.c"),
    ({"@literal": {"@path": "$.text"}}, "a.b.c"),
    ({"@path": "$.text", "_metadata": {"label": "from the web form"}}, "a.b.c"),
    ([{"@path": "$.missing"}, {"k": {"@path": "$.missing"}}], [None, {}]),
]


@pytest.mark.parametrize(("mapping", "expected"), TABLE)
def test_a_directive_resolves_as_segments_runtime_does(mapping: JSON, expected: object) -> None:
    """Each line of the table was checked against the published runtime."""
    found = resolve({"f": mapping}, EVENT)
    assert found == ({} if expected is MISSING else {"f": expected})


def test_a_missing_key_disappears_and_null_stays() -> None:
    """In objects missing is not null; in lists it becomes null."""
    assert resolve({"a": {"@path": "$.missing"}, "b": {"@path": "$.null"}}, EVENT) == {"b": None}


def test_the_shorthands_are_read_in_yaml_only() -> None:
    """`$.` and `{{` mean a path and a template with shorthands, a plain text without, and a plain text in @literal."""
    mapping: JSON = {"a": "$.text", "b": "{{type}}!", "c": {"@literal": ["$.text", "{{type}}"]}, "d": "plain $."}
    assert resolve(mapping, EVENT, shorthands=True) == {
        "a": "a.b.c",
        "b": "page!",
        "c": ["$.text", "{{type}}"],
        "d": "plain $.",
    }
    assert resolve(mapping, EVENT) == {"a": "$.text", "b": "{{type}}!", "c": ["$.text", "{{type}}"], "d": "plain $."}


def test_a_shorthand_works_inside_options() -> None:
    """The design's example: a @if written with paths as texts."""
    mapping: JSON = {"@if": {"exists": "$.missing", "then": "$.missing", "else": "$.text"}}
    assert resolve({"f": mapping}, EVENT, shorthands=True) == {"f": "a.b.c"}


def test_a_transform_of_something_else_than_an_object_is_an_error_of_that_event() -> None:
    """Segment's runtime fails the event; here the outcome is invalid, so the closure raises ResolveError."""
    mapping: JSON = {"@arrayPath": ["$.list", {"x": {"@transform": {"apply": {"a": 1}, "mapping": {"@path": "a"}}}}]}
    with pytest.raises(ResolveError, match="@transform works on an object"):
        resolve({"f": mapping}, EVENT)


WRONG: list[tuple[JSON, str, tuple[object, ...]]] = [
    ({"@pth": "$.a"}, "unknown_directive", ("f",)),
    ({"@path": "$.a", "@case": {}}, "directive_not_alone", ("f",)),
    ({"@path": "$.a", "b": 1}, "directive_not_alone", ("f",)),
    ({"@path": 5}, "wrong_option", ("f", "@path")),
    ({"@path": {"@path": "$.a"}}, "wrong_option", ("f", "@path")),
    ({"@path": "$"}, "path_root", ("f", "@path")),
    ({"@path": "$.a[*].b"}, "path_bracket", ("f", "@path")),
    ({"@path": "$..a"}, "path_empty_key", ("f", "@path")),
    ({"@template": "{{$.a}}"}, "template_dollar", ("f", "@template")),
    ({"@template": None}, "wrong_option", ("f", "@template")),
    ({"@if": {"then": 1}}, "missing_option", ("f", "@if")),
    ({"@if": {"exists": "", "then": 1}}, "empty_option", ("f", "@if", "exists")),
    ({"@if": {"exists": {"@path": "a"}, "blank": {"@path": "a"}}}, "missing_option", ("f", "@if")),
    ({"@if": {"exist": {"@path": "a"}, "blank": {"@path": "a"}}}, "unknown_option", ("f", "@if", "exist")),
    ({"@if": []}, "wrong_form", ("f", "@if")),
    ({"@case": {"operator": "title", "value": "x"}}, "wrong_option", ("f", "@case", "operator")),
    ({"@case": {"value": "x"}}, "missing_option", ("f", "@case")),
    ({"@case": {"operator": "upper", "value": 1}}, "wrong_option", ("f", "@case", "value")),
    ({"@replace": {"pattern": "", "value": "x"}}, "empty_option", ("f", "@replace", "pattern")),
    ({"@replace": {"pattern": "12345678901", "value": "x"}}, "too_long", ("f", "@replace", "pattern")),
    (
        {"@replace": {"pattern": "1234567890🌙"[-6:], "replacement": "🌙" * 6, "value": "x"}},
        "too_long",
        ("f", "@replace", "replacement"),
    ),
    ({"@replace": {"pattern": "a"}}, "missing_option", ("f", "@replace")),
    ({"@replace": {"pattern": "a", "value": "x", "global": "yes"}}, "wrong_option", ("f", "@replace", "global")),
    ({"@arrayPath": "$.a"}, "wrong_form", ("f", "@arrayPath")),
    ({"@arrayPath": []}, "missing_option", ("f", "@arrayPath")),
    ({"@arrayPath": ["$.a", {}, {}]}, "wrong_form", ("f", "@arrayPath")),
    ({"@merge": {"objects": [{}]}}, "missing_option", ("f", "@merge")),
    ({"@merge": {"objects": [{}], "direction": "up"}}, "wrong_option", ("f", "@merge", "direction")),
    ({"@merge": {"objects": {}, "direction": "left"}}, "wrong_option", ("f", "@merge", "objects")),
    ({"@merge": {"objects": [1], "direction": "left"}}, "wrong_option", ("f", "@merge", "objects", 0)),
    ({"@transform": {"apply": {}, "mapping": 1}}, "wrong_option", ("f", "@transform", "mapping")),
    ({"@transform": {"mapping": {}}}, "missing_option", ("f", "@transform")),
    ({"@flatten": {"value": {"@path": "a"}}}, "missing_option", ("f", "@flatten")),
    ({"@flatten": {"value": {"@path": "a"}, "separator": ""}}, "empty_option", ("f", "@flatten", "separator")),
    ({"@json": {"value": {"@path": "a"}, "mode": "Encode"}}, "wrong_option", ("f", "@json", "mode")),
    ({"@json": {"value": "", "mode": "encode"}}, "empty_option", ("f", "@json", "value")),
    ({"@liquid": "x" * 1001}, "too_long", ("f", "@liquid")),
    ({"@liquid": 5}, "wrong_option", ("f", "@liquid")),
    (
        {"a": [{"@path": "$.b"}, {"@excludeWhenNull": {"@nope": 1}}]},
        "unknown_directive",
        ("f", "a", 1, "@excludeWhenNull"),
    ),
]


@pytest.mark.parametrize(("mapping", "code", "path"), WRONG)
def test_a_wrong_option_is_found_at_load(mapping: JSON, code: str, path: tuple[object, ...]) -> None:
    """A fault has a code, the path to it and a word of help."""
    with pytest.raises(LanguageError) as caught:
        parse_mapping({"f": mapping})
    assert [(fault.code, fault.path) for fault in caught.value.faults] == [(code, path)]
    assert all(fault.help for fault in caught.value.faults)


def test_all_faults_of_a_mapping_are_found_at_once() -> None:
    """Loading does not stop at the first fault."""
    mapping: JSON = {"a": {"@pth": 1}, "b": {"@case": {"operator": "x"}}, "c": {"@template": "{{a[*]}} {{b..c}}"}}
    with pytest.raises(LanguageError) as caught:
        parse_mapping(mapping)
    assert [fault.code for fault in caught.value.faults] == [
        "unknown_directive",
        "wrong_option",
        "path_bracket",
        "path_empty_key",
    ]


def test_a_fault_in_a_template_points_at_the_character() -> None:
    """The offsets of a path's fault count in the whole template."""
    with pytest.raises(LanguageError) as caught:
        parse_mapping({"@template": "Hello {{ a[*] }}"})
    (fault,) = caught.value.faults
    assert "Hello {{ a[*] }}"[fault.start : fault.end] == "["


def test_a_mapping_names_what_it_reads() -> None:
    """A compiled mapping can say which fields it reads, also through directives."""
    mapping: JSON = {
        "a": {"@if": {"exists": {"@path": "$.x.y"}, "then": {"@template": "{{z}}"}}},
        "b": {"@arrayPath": ["$.items", {"n": {"@path": "$.name"}}]},
        "c": {"@transform": {"apply": {"q": {"@path": "w"}}, "mapping": {"@path": "$.q"}}},
    }
    assert mapping_reads(parse_mapping(mapping)) == frozenset({("x", "y"), ("z",), ("items",), ("w",)})


@pytest.mark.parametrize("mapping", [{"@path": "$."}, {"@template": "{{{a}}}"}])
def test_a_mapping_that_may_read_anything_says_so(mapping: JSON) -> None:
    """The whole event, and what triple braces bring in, cannot be named beforehand."""
    assert mapping_reads(parse_mapping({"a": mapping})) is None


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
TREES: st.SearchStrategy[JSON] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
OPTION_NAMES = sorted({option.name for directive in DIRECTIVES for option in directive.options})
KEYS = st.sampled_from([*DIRECTIVES.names(), *OPTION_NAMES, "a", "@x"])
TEXTS = st.text(max_size=10) | st.sampled_from(
    ["$.a", "{{a.b}}", "{{{a}}}", "a[0]", "$.", "lower", "left", "encode", "{% if a %}"]
)
MAPPINGS: st.SearchStrategy[JSON] = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)


@settings(max_examples=400, deadline=None)
@given(MAPPINGS, st.booleans(), st.dictionaries(st.sampled_from(["a", "b", "userId"]), TREES, max_size=3))
def test_any_tree_compiles_or_is_refused_with_a_place_inside_it(
    mapping: JSON, shorthands: bool, event: dict[str, JSON]
) -> None:
    """Any tree gives a closure, or faults whose paths and offsets exist, and the closure gives the same twice."""
    before = copy.deepcopy((mapping, event))
    try:
        node = parse_mapping(mapping, shorthands=shorthands)
    except LanguageError as error:
        assert error.faults
        for fault in error.faults:
            assert_inside(mapping, fault.path, fault.start, fault.end)
        return
    run = compile_mapping(node)
    try:
        first = run(event)
        assert run(event) == first
    except ResolveError:
        pass
    assert (mapping, event) == before


def assert_inside(mapping: JSON, path: tuple[str | int, ...], start: int, end: int) -> None:
    """Check that a fault's path leads to a value, and its offsets into that value's text."""
    value: Any = mapping
    for key in path:
        value = value[key]
    length = len(value) if isinstance(value, str) else 0
    assert 0 <= start <= end <= length


@given(st.text(max_size=30))
def test_any_text_is_a_path_or_is_refused_with_a_place(text: str) -> None:
    """Paths of any characters answer or name the characters that are wrong."""
    try:
        resolve({"@path": text}, {"a": 1})
    except LanguageError as error:
        assert all(0 <= fault.start <= fault.end <= len(text) for fault in error.faults)


@given(st.text(alphabet="{}ab.$ []0'\"", max_size=24))
def test_any_text_is_a_template_or_is_refused_with_a_place(text: str) -> None:
    """Templates of any braces answer a text or name the characters that are wrong."""
    try:
        assert isinstance(resolve({"f": {"@template": text}}, {"a": 1})["f"], str)
    except LanguageError as error:
        assert all(0 <= fault.start <= fault.end <= len(text) for fault in error.faults)


def test_a_mapping_of_a_thousand_levels_is_refused() -> None:
    """Nesting has a limit, with an error of ours."""
    mapping: JSON = "x"
    for _ in range(1000):
        mapping = {"a": mapping}
    with pytest.raises(LanguageError, match="more than 100 levels"):
        parse_mapping(mapping)
