"""The generated function of a mapping gives what its closures give: one meaning, compiled in two ways.

A mapping under `@literal` is compiled into closures alone, and without shorthands means the same.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import LanguageError, ResolveError
from connector.language.compiler import compile_mapping, parse_mapping
from connector.values import JSON, Value, dump_json, load_json

RECORDED = Path(__file__).parent / "mapping.jsonl"


def generated(mapping: JSON, event: dict[str, JSON]) -> bytes:
    """Resolve a mapping with its generated function."""
    return resolved(mapping, event)


def with_closures(mapping: JSON, event: dict[str, JSON]) -> bytes:
    """Resolve a mapping with closures alone."""
    return resolved({"@literal": mapping}, event)


def resolved(mapping: JSON, event: dict[str, JSON]) -> bytes:
    """Resolve a mapping: the payload as JSON, keys in their order, or the words of the error."""
    resolve = compile_mapping(parse_mapping(mapping))
    try:
        value: Value = resolve(event)  # type: ignore[assignment]  # dict is invariant
        return dump_json(value)
    except ResolveError as error:
        return str(error).encode()


def test_every_recorded_mapping() -> None:
    """Each of the recorded mappings resolves the same in both ways, on its event and on those of its neighbours."""
    cases = [case for line in RECORDED.read_bytes().splitlines() if isinstance(case := load_json(line), dict)]
    events = [case["event"] for case in cases]
    different = []
    for at, case in enumerate(cases):
        for event in ({}, *events[at : at + 2]):
            assert isinstance(event, dict)
            if generated(case["mapping"], event) != with_closures(case["mapping"], event):
                different.append((case["mapping"], event))
    assert len(cases) == 1487
    assert different == []


DEEP_CONDITION: JSON = {"@path": "$.a.b"}
for _ in range(20):
    DEEP_CONDITION = {"@if": {"exists": {"@path": "$.missing"}, "then": "no", "else": DEEP_CONDITION}}
DEEP_OBJECT: JSON = {"@path": "$.a.b"}
for _ in range(90):
    DEEP_OBJECT = {"k": DEEP_OBJECT}

ODD: list[JSON] = [
    {},
    {"": {"@path": "$."}},
    {"a'b\"c\\\n": "text ' \" \\ \n {}", "{x}": "%s {0}"},
    {"e": {"@path": "$.e"}, "M": {"@path": "$.M"}, "d1": {"@path": "d1"}, "r": {"@path": "$.['e'][\"M\"]"}},
    {"x": {"@path": "$.a.b"}, "y": {"@path": "$.a.b.c"}, "z": {"@path": "$.a"}, "w": {"@path": "$.a.b.0"}},
    {"x": {"@if": {"exists": {"@path": "$.a.b"}, "then": {"@path": "$.a.b"}, "else": {"@path": "$.a"}}}},
    {"x": {"@if": {"exists": {"@path": "$.n"}, "then": {"@path": "$.n"}, "else": 0}}},
    {"x": {"@if": {"exists": {"@path": "$.n"}, "then": {"@path": "$.a"}, "else": ""}}},
    {"x": {"@if": {"exists": {"@path": "$.zero"}, "then": {"in": {"@path": "$.missing"}}, "else": [1]}}},
    {"x": {"@if": {"exists": {"@path": "$.zero"}}}, "y": {"@if": {"exists": {"@path": "$.zero"}, "else": 1}}},
    {"x": {"@if": {"exists": {"@if": {"exists": {"@path": "$.a"}, "then": None}}, "then": 1, "else": 2}}},
    {"x": {"@if": {"blank": {"@path": "$.zero"}, "then": 1, "else": {"@template": "{{a.b}}{{zero}}"}}}},
    {"x": {"@template": ""}, "y": {"@template": "{{missing}}"}, "z": {"@template": "{{a}}|{{list}}|{{half}}"}},
    {"x": {"@template": "{{{braces}}}{{a.b}}"}, "y": {"@template": "{{braces}}"}, "z": {"@template": "'\"\\n{{n}}"}},
    {"x": [{"@path": "$.missing"}, {"@path": "$.n"}, [{"@path": "$.missing"}], {"y": {"@path": "$.missing"}}]},
    {"x": {"y": {"z": {"@path": "$.missing"}}}, "u": {"v": {"@path": "$.n"}}},
    {"x": {"@flatten": {"value": {"@path": "$.a"}, "separator": "."}}, "y": {"@json": {"mode": "encode", "value": {}}}},
    {"x": {"@merge": {"direction": "right", "objects": [{"b": 1}, {"b": {"@path": "$.missing"}}]}}},
    {"x": {"@transform": {"apply": {"a": {"@path": "$.missing"}}, "mapping": {"y": {"@path": "$.a.b"}}}}},
    {"x": {"@literal": {"@path": "$.a"}}, "y": {"@excludeWhenNull": {"@path": "$.n"}}},
    {"x": DEEP_CONDITION, "y": DEEP_OBJECT},
    {"x": None, "t": True, "f": False, "i": 10**30, "neg": -1.5e-300, "list": [], "o": {}},
]
EVENTS: list[dict[str, JSON]] = [
    {},
    {"a": {"b": [1, {"c": 2}]}, "e": {"M": 1}, "M": 2, "d1": 3, "n": None, "zero": 0, "braces": "{{a.b.length}}"},
    {"a": "text", "e": "", "n": False, "zero": [], "list": [1, None, {}], "half": 2.50, "braces": "{{{a}}}"},
    {"a": [{"b": 1}], "e": None, "": 1},
    {"a": None, "missing": "there"},
]


@pytest.mark.parametrize("mapping", ODD)
def test_odd_mappings(mapping: JSON) -> None:
    """Texts that could break out of generated code, shared paths, nesting and conditions mean the same in both ways."""
    for event in EVENTS:
        before = copy.deepcopy(event)
        assert generated(mapping, event) == with_closures(mapping, event)
        assert event == before


def test_names_of_the_generated_code_are_not_reachable() -> None:
    """A text of a mapping never becomes code: names of the generated function are plain keys."""
    mapping: JSON = {"x');import os;('": {"@path": "$.__class__"}, "y": {"@template": "{{W}}{M}{e}"}}
    assert generated(mapping, {"__class__": "c", "W": 1}) == b'{"x\');import os;(\'":"c","y":"1{M}{e}"}'


def _under(name: str) -> Callable[[JSON], JSON]:
    return lambda value: {name: value}


KEYS = st.sampled_from(["a", "b", "n", "zero", "missing", "length", "0", "k k", "é", "'", "\\", "e", "M"])
PATHS = st.lists(KEYS, min_size=1, max_size=4).map(lambda keys: "$." + ".".join(keys))
TEXTS = st.lists(st.sampled_from(["{{a}}", "{{a.b}}", "{{n}}", "{{{a}}}", "x", "'", '"', "\\", "{", "}"])).map("".join)
LEAVES: st.SearchStrategy[JSON] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3)
    | PATHS.map(_under("@path"))
    | TEXTS.map(_under("@template"))
)


def _nodes(inner: st.SearchStrategy[JSON]) -> st.SearchStrategy[JSON]:
    """Put nodes together."""
    conditions = st.fixed_dictionaries({"exists": inner}, optional={"then": inner, "else": inner})
    blanks = st.fixed_dictionaries({"blank": inner}, optional={"then": inner, "else": inner})
    return st.one_of(
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(inner, max_size=2),
        conditions.map(_under("@if")),
        blanks.map(_under("@if")),
        inner.map(_under("@literal")),
        inner.map(lambda value: {"@flatten": {"value": value, "separator": "_"}}),
        PATHS.flatmap(lambda path: inner.map(lambda shape: {"@arrayPath": [path, shape]})),
        st.lists(st.dictionaries(KEYS, inner, max_size=2), max_size=2).map(
            lambda objects: {"@merge": {"direction": "right", "objects": list(objects)}}
        ),
    )


MAPPINGS = st.dictionaries(KEYS, st.recursive(LEAVES, _nodes, max_leaves=8), max_size=4)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "x", "{{a}}", 1.5, 1e21]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(MAPPINGS, st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_mapping(mapping: dict[str, JSON], event: dict[str, JSON]) -> None:
    """Any mapping on any event resolves the same in both ways, and neither is changed."""
    before = copy.deepcopy((mapping, event))
    try:
        parse_mapping(mapping)
    except LanguageError:
        with pytest.raises(LanguageError):
            parse_mapping({"@literal": mapping})
    else:
        assert generated(mapping, event) == with_closures(mapping, event)
    assert (mapping, event) == before
