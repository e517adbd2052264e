"""Triggers: what they mean, and what is said of those that Segment would read in another way."""

from pathlib import Path
from typing import cast

import pytest

from connector.errors import Fault, LanguageError
from connector.language.triggers import (
    FUNCTIONS,
    And,
    Compare,
    Constant,
    Contains,
    Field,
    Function,
    Gate,
    Not,
    Or,
    clauses,
    compile_operand,
    compile_trigger,
    operands,
    parse_trigger,
    trigger_gate,
    trigger_reads,
)
from connector.values import JSON, MISSING, load_json

CASES = Path(__file__).with_name("trigger.jsonl")
Event = dict[str, JSON]


def holds(trigger: str, event: Event) -> bool:
    """Read, compile and ask a trigger."""
    return compile_trigger(parse_trigger(trigger))(event)


def faults(trigger: str) -> tuple[Fault, ...]:
    """Read a wrong trigger."""
    with pytest.raises(LanguageError) as raised:
        parse_trigger(trigger)
    return raised.value.faults


# -- conformance -----------------------------------------------------------------------------------------------------


def test_every_recorded_case_agrees_with_segments_runtime() -> None:
    """On each recorded trigger and event the answer is that of Segment's published runtime."""
    count = 0
    for number, line in enumerate(CASES.read_bytes().splitlines(), 1):
        recorded = cast(dict[str, JSON], load_json(line))
        trigger = compile_trigger(parse_trigger(cast(str, recorded["trigger"])))
        for case in cast(list[dict[str, JSON]], recorded["cases"]):
            event = cast(Event, case["event"])
            assert trigger(event) is case["matches"], f"line {number}: {recorded['trigger']} on {event}"
            count += 1
    assert count == 2080


# -- meaning ---------------------------------------------------------------------------------------------------------

TRACK: Event = {
    "type": "track",
    "event": "Signed Up",
    "userId": "user-42",
    "properties": {
        "plan": "pro",
        "price": 9.5,
        "count": 3,
        "vip": True,
        "off": False,
        "zero": 0,
        "empty": "",
        "nothing": None,
        "order_id": "o-1",
        "and": "x",
        "product 1": {"price": 5},
        "products": [{"price": 7}, {"price": 8}],
        "tags": ["discounts", "dark-mode", 5, True, None],
        "pair": ["a", 1],
        "city": "Zürich",
    },
    "context": {"page": {"path": "/docs/a*b"}, "library": {"name": "analytics.js", "version": "1.0"}},
    "integrations": {"Rupt": True},
}

MEANINGS = [
    # text
    ('type = "track"', True),
    ("type = 'track'", True),
    ('type = "Track"', False),
    ('type != "page"', True),
    ('name != "x"', True),
    ('properties.count = "3"', False),
    ('properties.count != "3"', True),
    ("event = 'say \"hi\"'", False),
    # null tests absence
    ("properties.nothing = null", True),
    ("properties.missing = null", True),
    ("properties.zero = null", False),
    ("properties.empty != null", True),
    ("traits.a.b.c != null", False),
    # numbers compare only with numbers
    ("properties.count = 3", True),
    ("properties.count = 3.0", True),
    ("properties.count != 3", False),
    ("properties.plan != 3", False),
    ("properties.missing != 3", False),
    ("properties.vip = 1", False),
    ("properties.vip != 5", False),
    ("properties.off < 1", False),
    ("properties.price > 9", True),
    ("properties.price >= 9.5", True),
    ("properties.price < +10", True),
    ("properties.zero <= -0", True),
    ("properties.plan > 0", False),
    # booleans
    ("properties.vip = true", True),
    ("properties.off = false", True),
    ("properties.zero = false", False),
    ("!(properties.missing = true)", True),
    # contains and match look into texts only
    ('contains(event, "ned")', True),
    ('contains(event, "NED")', False),
    ('contains(event, "")', True),
    ('!contains(event, "x")', True),
    ('contains(properties.count, "3")', False),
    ('!contains(properties.count, "x")', False),
    ('!contains(name, "x")', False),
    ('!(contains(name, "x"))', True),
    ('match(event, "Signed*")', True),
    ('match(event, "*up")', False),
    ('match(event, "Signed Up")', True),
    ('match(event, "S*d*p")', True),
    ('match(event, "Signed ?p")', True),
    ('match(event, "[A-T]igned [TU]p")', True),
    (r'match(context.page.path, "*\*b")', True),
    (r'match(context.page.path, "*\*c")', False),
    ('match(properties.city, "Z?rich")', True),
    ('!match(event, "Signed*")', False),
    ('!match(name, "Signed*")', False),
    # in
    ('type in ["page", "track"]', True),
    ("type in ['page']", False),
    ("type in []", False),
    ("properties.count in [1, 3]", True),
    ("properties.vip in [1]", False),
    ("properties.vip in [true]", True),
    ("properties.missing in [null]", True),
    ("properties.products in ['a', null]", False),
    ("'dark-mode' in properties.features", False),
    ("'dark-mode' in properties.tags", True),
    ("5 in properties.tags", True),
    ("1 in properties.tags", False),
    ("true in properties.tags", True),
    ("null in properties.tags", True),
    ("properties.plan in properties.tags", False),
    ("properties.missing in properties.tags", True),
    ("properties.products in properties.tags", False),
    ("!(type in ['track', 'identify'])", False),
    # lists
    ('properties.pair = ["a", 1]', True),
    ('properties.pair = ["a", true]', False),
    ('properties.pair != ["a"]', True),
    # functions
    ("length(properties.products) = 2", True),
    ("length(properties.city) = 7", True),
    ("length(properties.missing) = 0", True),
    ('lowercase(event) = "signed up"', True),
    ("lowercase(name) = null", True),
    ('uppercase(properties.plan) != "PRO"', False),
    ('match(lowercase(event), "signed*")', True),
    ('kebabcase(lowercase(event)) = "signed-up"', True),
    ('typeof(properties.tags) = "list"', True),
    ("number(properties.plan) = null", True),
    ('string(properties.price) = "9.5"', True),
    ("bool(properties.zero) = false", True),
    ('lowercase(event) in ["signed up"]', True),
    # paths
    (r"properties.product\ 1.price = 5", True),
    (r"properties.products.\0.price = 7", True),
    (r"properties.products.\9.price = null", True),
    ("properties.products.length = 2", True),
    ("properties.plan.length = 3", True),
    ('properties.empty.length = ""', True),
    ("properties.zero.anything = 0", True),
    ('properties.order_id = "o-1"', True),
    (r'properties.\and = "x"', True),
    ("integrations.Rupt = true", True),
    ('messageId != "m"', True),
    ("context.library.version.name = null", True),
    # and, or, groups
    ('type = "track" and event = "Signed Up"', True),
    ('type = "page" or event = "Signed Up"', True),
    ('type = "page" or event = "x" or userId = "user-42"', True),
    ('type = "track" and event = "Signed Up" and userId = "x"', False),
    ('type != "" and type != "a" and type != "b" and type != "track"', False),
    ('type = "" or type = "a" or type = "b" or type = "track"', True),
    ('(type = "page" and event = "x") or userId = "user-42"', True),
    ('type = "page" and (event = "x" or userId = "user-42")', False),
    ('type = "track" and (event = "x" or (contains(event, "Up") and !(properties.vip = false)))', True),
    ('!(type = "page")', True),
    ("\n type\t=\r\n'track' ", True),
]


@pytest.mark.parametrize(("trigger", "expected"), MEANINGS)
def test_a_trigger_means_what_is_documented(trigger: str, expected: bool) -> None:
    """A clause compares as Segment's runtime does, and documented clauses beyond it as documented."""
    assert holds(trigger, TRACK) is expected


ODD_EVENTS: list[tuple[str, Event, bool]] = [
    ('properties.a = "text"', {"properties": "text"}, False),
    ('properties.a = ""', {"properties": ""}, True),
    ("properties.a.b = null", {"properties": [1]}, True),
    (r"properties.\0 = 1", {"properties": [1]}, True),
    ("properties.length = 2", {"properties": "ab"}, True),
    ("properties.a.b.c = 0", {"properties": {"a": 0}}, True),
    ("properties.a.length = 2", {"properties": {"a": "😀"}}, True),
    ('type != "page"', {}, True),
    ('userId = "42"', {"userId": 42}, False),
    ("userId > 41", {"userId": 42}, True),
    ("userId = true", {"userId": True}, True),
    ("length(properties.a) = 0", {"properties": {"a": {}}}, False),
    ('properties.a in ["x"]', {"properties": {"a": {"x": 1}}}, False),
]


@pytest.mark.parametrize(("trigger", "event", "expected"), ODD_EVENTS)
def test_odd_events_are_read_as_javascript_reads_them(trigger: str, event: Event, expected: bool) -> None:
    """A falsy value on the way is the answer, lists have positions, texts and lists a length."""
    assert holds(trigger, event) is expected


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_the_examples_of_each_function_are_true(function: Function) -> None:
    """What a function's entry shows is what it does, and a missing value is null to it."""
    assert [function.call(argument) for argument, _ in function.examples] == [result for _, result in function.examples]
    assert function.call(MISSING) == function.call(None)


def test_string_gives_up_on_values_nested_too_deep() -> None:
    """A list in a list a hundred thousand times is no reason to fail."""
    value: JSON = []
    for _ in range(100_000):
        value = [value]
    assert holds("string(properties.a) = null", {"properties": {"a": value}})


GLOBS = [
    ("abc", "abc", True),
    ("abc", "abcd", False),
    ("", "", True),
    ("*", "", True),
    ("**", "anything", True),
    ("*b*", "abc", True),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("a*b*c", "a-b-b-c", True),
    ("a*b*c", "a-c-b", False),
    ("*ab", "aab", True),
    ("?", "é", True),
    ("?", "", False),
    ("a.c", "abc", False),
    ("[abc]", "b", True),
    ("[a-c][0-9]", "b7", True),
    ("[a-c]", "d", False),
    ("[-a]", "-", True),
    ("[a-]", "-", True),
    (r"[\]]", "]", True),
    (r"[\^a]", "^", True),
    ("[[:&&~~||]", "&", True),
    ("]", "]", True),
    (r"\[x\]", "[x]", True),
    (r"a\*", "a*", True),
    (r"a\*", "ab", False),
    ("line*", "line\nbreak", True),
]


@pytest.mark.parametrize(("pattern", "text", "expected"), GLOBS)
def test_globs_match_the_whole_text(pattern: str, text: str, expected: bool) -> None:
    """`*`, `?`, lists and backslashes mean what the documentation says, and the whole text has to match."""
    assert holds(f'match(event, "{pattern}")', {"event": text}) is expected


def test_a_glob_of_many_stars_comes_to_an_end() -> None:
    """A pattern and a text on which going back over each `*` would take longer than there is time."""
    assert not holds(f'match(event, "{"*a" * 50}*b?")', {"event": "a" * 20_000})


# -- the tree --------------------------------------------------------------------------------------------------------


def test_and_binds_tighter_than_or_inside_groups() -> None:
    """Groups nest, and each node knows the text it was read from."""
    text = 'type = "a" or (event = "b" and !(name = "c" or contains(userId, "d")))'
    tree = parse_trigger(text)
    assert isinstance(tree, Or)
    inner = tree.parts[1]
    assert isinstance(inner, And)
    assert text[inner.start : inner.end] == 'event = "b" and !(name = "c" or contains(userId, "d"))'
    negated = inner.parts[1]
    assert isinstance(negated, Not)
    assert text[negated.start : negated.end] == '!(name = "c" or contains(userId, "d"))'
    assert isinstance(negated.part, Or)


def test_a_clause_knows_its_parts() -> None:
    """Operand, operator and value of a clause keep their own places."""
    tree = parse_trigger(' properties.a\\ b >= 5 and !contains(event, "x")')
    assert isinstance(tree, And)
    assert tree.parts == (
        Compare(Field(("properties", "a b"), 1, 16), ">=", Constant(5, 20, 21), 1, 21),
        Contains(Field(("event",), 36, 41), Constant("x", 43, 46), True, 26, 47),
    )


def test_clauses_can_be_compiled_one_by_one() -> None:
    """What explains a trigger can ask each clause by itself for its answer and the value it saw."""
    text = 'type = "page" and (lowercase(event) = "x" or !(properties.plan != "pro"))'
    seen = [
        (text[clause.start : clause.end], compile_trigger(clause)(TRACK), compile_operand(operand)(TRACK))
        for clause in clauses(parse_trigger(text))
        for operand in operands(clause)
    ]
    assert seen == [
        ('type = "page"', False, "track"),
        ('lowercase(event) = "x"', False, "signed up"),
        ('properties.plan != "pro"', False, "pro"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a"', "a"),
        ("'a'", "a"),
        (r'"a\"b"', 'a"b'),
        (r"'it\'s'", "it's"),
        (r'"it\'s"', r"it\'s"),
        (r'"C:\dir"', r"C:\dir"),
        (r'"a\\"', r"a\\"),
        ('"two\nlines"', "two\nlines"),
        ("007", 7),
        ("-2.50", -2.5),
    ],
)
def test_constants_are_read_as_segment_reads_them(text: str, value: JSON) -> None:
    """Only a backslash before the quote itself means anything; numbers are decimal."""
    tree = parse_trigger(f"properties.a = {text}")
    assert isinstance(tree, Compare)
    assert isinstance(tree.value, Constant)
    assert tree.value.value == value


def test_a_trigger_knows_the_fields_it_reads() -> None:
    """Fields inside functions, groups and lists are all among them."""
    tree = parse_trigger(
        'type = "a" and (length(traits.list) > 1 or "x" in context.traits.tags or !(userId in properties.ids))'
    )
    assert trigger_reads(tree) == {
        ("type",),
        ("traits", "list"),
        ("context", "traits", "tags"),
        ("userId",),
        ("properties", "ids"),
    }


GATES: list[tuple[str, Gate]] = [
    ('type = "page"', Gate(frozenset({"page"}), None)),
    ('type != "page"', Gate(None, None)),
    ('!(type = "page")', Gate(None, None)),
    ("userId != null", Gate(None, None)),
    ('type in ["page", "track"]', Gate(frozenset({"page", "track"}), None)),
    ("type in ['page', null]", Gate(None, None)),
    ('type = "track" and event in ["a", "b"]', Gate(frozenset({"track"}), frozenset({"a", "b"}))),
    ('type = "page" or type = "screen"', Gate(frozenset({"page", "screen"}), None)),
    ('type = "page" or userId != null', Gate(None, None)),
    ('(type = "page" or type = "track") and type = "track"', Gate(frozenset({"track"}), None)),
    ('type = "page" and type = "track"', Gate(frozenset(), None)),
    ('event = "a" and (event = "a" or type = "page")', Gate(None, frozenset({"a"}))),
    ('lowercase(type) = "page"', Gate(None, None)),
]


@pytest.mark.parametrize(("trigger", "gate"), GATES)
def test_a_gate_names_what_a_trigger_cannot_do_without(trigger: str, gate: Gate) -> None:
    """Types and event names are known where equality, `in`, and, or fix them, and nowhere else."""
    assert trigger_gate(parse_trigger(trigger)) == gate


# -- strictness ------------------------------------------------------------------------------------------------------

CORRECTED = [
    # what is wrong stands between « and »; the last is the text that the help ends with
    ('type = "page" and userId != null «or» name = "x"', "mixed", '(type = "page" and userId != null) or name = "x"'),
    ('type = "a" or name = "b" «and» name = "c"', "mixed", 'type = "a" or (name = "b" and name = "c")'),
    ('!(type = "a" or name = "b" «and» name = "c")', "mixed", '!(type = "a" or (name = "b" and name = "c"))'),
    ('type = "page" «AND» userId != null', "case", 'type = "page" and userId != null'),
    ('type = "page" «Or» userId != null', "case", 'type = "page" or userId != null'),
    ('type «IN» ["page"]', "case", 'type in ["page"]'),
    ("userId != «NULL»", "case", "userId != null"),
    ("properties.vip = «True»", "case", "properties.vip = true"),
    ('«not» contains(event, "x")', "not", '!contains(event, "x")'),
    ('«NOT»(type = "page")', "not", '!(type = "page")'),
    ('«!»type = "page"', "not", '!(type = "page")'),
    ('«!»length(properties.a) > 3 and type = "a"', "not", '!(length(properties.a) > 3) and type = "a"'),
    ('«!»!contains(event, "x")', "not", 'contains(event, "x")'),
    ('type «not» in ["page"]', "not", 'type != "page"'),
    ('event «not» in ["a", "b"] and name = "c"', "not", 'event != "a" and event != "b" and name = "c"'),
    ('event «not» in ["a", "b"] or name = "c"', "not", '(event != "a" and event != "b") or name = "c"'),
    ("properties.a «not» in [true]", "not", "!(properties.a in [true])"),
    ('type «==» "page"', "operator", 'type = "page"'),
    ('type «===» "page"', "operator", 'type = "page"'),
    ('type «!==» "page"', "operator", 'type != "page"'),
    ('type «<>» "page"', "operator", 'type != "page"'),
    ("properties.a «=>» 5", "operator", "properties.a >= 5"),
    ('type = "page"«&&»userId != null', "operator", 'type = "page" and userId != null'),
    ('type = "page" «||» userId != null', "operator", 'type = "page" or userId != null'),
    ("properties.a «is» null", "operator", "properties.a = null"),
    ("properties.a «is» not null", "operator", "properties.a != null"),
    ('type «"page"»', "operator", 'type = "page"'),
    ("properties.a «>=»5", "space", "properties.a >= 5"),
    ('type = "a" «or»(type = "b")', "space", 'type = "a" or (type = "b")'),
    ('type = «"a"»or type = "b"', "space", 'type = "a" or type = "b"'),
    ("«property».x = 5", "field", "properties.x = 5"),
    ("«trait».x = 5", "field", "traits.x = 5"),
    ('«user_id» = "x"', "field", 'userId = "x"'),
    ('«Type» = "page"', "field", 'type = "page"'),
    ('«page».url = "x"', "field", 'context.page.url = "x"'),
    ('«type.x» = "page"', "field", 'type = "page"'),
    ("properties.products.«0».price = 5", "key", r"properties.products.\0.price = 5"),
    ("properties.«or» = 5", "key", r"properties.\or = 5"),
    ("properties.a.«null» != null", "key", r"properties.a.\null != null"),
    ("properties.products«[»0].price = 5", "brackets", r"properties.products.\0.price = 5"),
    ('properties«[»"product 1"].price = 5', "brackets", r"properties.product\ 1.price = 5"),
    ("«properties.vip != true»", "boolean", "properties.vip = false or properties.vip = null"),
    ("!(«properties.vip != false»)", "boolean", "!(properties.vip = true or properties.vip = null)"),
    (
        'type = "page" and «context.vip != true»',
        "boolean",
        'type = "page" and (context.vip = false or context.vip = null)',
    ),
    ("«bool(properties.vip) != true»", "boolean", "bool(properties.vip) = false"),
    ("«userId != true»", "boolean", 'userId != "true"'),
    ("«type != null»", "null", 'type != ""'),
    ("«event != null»", "null", 'type = "track"'),
    ("«event = null»", "null", 'type != "track"'),
    ("event = «5»", "type", 'event = "5"'),
    ("name != «true»", "type", 'name != "true"'),
    ("userId = «42»", "type", 'userId = "42"'),
    ('type in ["page", «5»]', "type", 'type in ["page", "5"]'),
    ("length(properties.a) = «'3'»", "type", "length(properties.a) = 3"),
    ("«length(properties.a) = null»", "type", "length(properties.a) = 0"),
    ("«typeof(properties.a) != null»", "type", 'typeof(properties.a) != "null"'),
    ('typeof(properties.a) = «"boolean"»', "type", 'typeof(properties.a) = "bool"'),
    ('properties.a > «"5"»', "order", "properties.a > 5"),
    ("properties.a = «1e3»", "number", "properties.a = 1000"),
    ("properties.a = «.5»", "number", "properties.a = 0.5"),
    ("properties.a = «5.»", "number", "properties.a = 5"),
    ("properties.a = «2024-01-31»", "number", 'properties.a = "2024-01-31"'),
    ("properties.a = «1.2.3»", "number", 'properties.a = "1.2.3"'),
    ('«"page"» = type', "value_left", 'type = "page"'),
    ("«5» <= properties.a", "value_left", "properties.a >= 5"),
    ("type = «page»", "unquoted", 'type = "page"'),
    ('event = «Signed Up» and type = "track"', "unquoted", 'event = "Signed Up" and type = "track"'),
    ("«properties.vip»", "bare", "properties.vip = true"),
    ('(«properties.vip» or type = "page")', "bare", '(properties.vip = true or type = "page")'),
    ("«bool(properties.vip)»", "bare", "bool(properties.vip) = true"),
    ('type = "page" «userId» != null', "connective", 'type = "page" and userId != null'),
    ('type = "page" «(»userId != null)', "connective", 'type = "page" and (userId != null)'),
    ('type = "page"«)»', "group", 'type = "page"'),
    ('«(»type = "page"', "group", '(type = "page")'),
    ("contains(event, «5»)", "arguments", 'contains(event, "5")'),
    ("match(event, «true»)", "arguments", 'match(event, "true")'),
    ('contains(«"Button"», event)', "arguments", 'contains(event, "Button")'),
    ("contains(event, «Up»)", "unquoted", 'contains(event, "Up")'),
    ('contains(event, "x") «= true»', "test", 'contains(event, "x")'),
    ('contains(event, "x") «= false»', "test", '!contains(event, "x")'),
    ('!match(event, "x*") «= false»', "test", 'match(event, "x*")'),
    ('«Contains»(event, "x")', "function", 'contains(event, "x")'),
    ("«lenght»(properties.a) > 3", "function", "length(properties.a) > 3"),
    ('type in «"page"»', "list", 'type in ["page"]'),
    ('type in «(»"page", "track")', "list", 'type in ["page", "track"]'),
    ('type in ["page"«,»]', "list", 'type in ["page"]'),
    ('type in ["page" «"track"»]', "list", 'type in ["page", "track"]'),
    ('type in «[»"page"', "group", 'type in ["page"]'),
    ('«type = ["page"]»', "list", 'type in ["page"]'),
    ('«type != ["page"]»', "list", 'type != "page"'),
    ('«event != ["a", "b"]»', "list", 'event != "a" and event != "b"'),
    ('event «match» "Log*"', "operator", 'match(event, "Log*")'),
    ("type = \"page\" and name «contains» 'Log'", "operator", "type = \"page\" and contains(name, 'Log')"),
]


def unmarked(marked: str) -> tuple[str, int, int]:
    """Take the marks out of a text; they give the place of its fault."""
    before, _, rest = marked.partition("«")
    inside, _, after = rest.partition("»")
    return before + inside + after, len(before), len(before) + len(inside)


@pytest.mark.parametrize("trigger", ['event not contains "x"', 'event !contains "x"'])
def test_a_test_written_as_a_negated_operator(trigger: str) -> None:
    """Where a function is written as an operator behind `not`, the whole clause is written right."""
    assert {fault.instead for fault in faults(trigger)} == {'!contains(event, "x")'}


@pytest.mark.parametrize(("marked", "code", "corrected"), CORRECTED)
def test_a_spelling_that_segment_reads_otherwise_is_refused_with_the_right_one(
    marked: str, code: str, corrected: str
) -> None:
    """The fault names exactly what is wrong, and its help ends with the whole trigger as it should be."""
    text, start, end = unmarked(marked)
    (fault,) = faults(text)
    assert (fault.code, fault.start, fault.end) == (f"trigger_{code}", start, end)
    assert fault.help.endswith(f": {corrected}")
    parse_trigger(corrected)


ADVISED = [
    ("«»", "empty", 'to take every event, write type != ""'),
    ("  «»", "empty", 'to take every event, write type != ""'),
    ("«type = null»", "null", "leave it out"),
    ('«plan» = "pro"', "field", "properties.plan, traits.plan or context.traits.plan"),
    ('«foo».plan = "pro"', "field", "start with properties"),
    ("«properties» != null", "field", "name a field in it: properties.plan"),
    ("length(«traits») > 1", "field", "name a field in it"),
    (r"properties.a«\.»b = 5", "escape", "copy the value"),
    (r"properties.a«\[»b = 5", "escape", "copy the value"),
    ("properties.«».a = 5", "key", "name it or remove the dot"),
    ("properties.a.«» = 5", "key", "name it or remove the dot"),
    ('properties.a > «"abc"»', "order", "write a number"),
    ("properties.a < «true»", "order", "write a number"),
    ("properties.a < «null»", "order", "write a number"),
    ("properties.a >= «[1]»", "order", "write a number"),
    ("«lowercase(event) > 5»", "type", "use length(...) or number(...)"),
    ("lowercase(«length(event)») = 'x'", "type", "apply it to a field"),
    ("contains(«length(event)», 'x')", "type", "compare it with ="),
    ('typeof(properties.a) in [«"thing"»]', "type", "the types are string"),
    ("properties.a = «properties.b»", "unquoted", "two fields cannot be compared"),
    ("properties.a = «length»(properties.b)", "value", "compare it with a constant"),
    ("properties.a in [«[»1]]", "value", "side by side"),
    ("type =«»", "value", "write a text in quotes"),
    ('type = «and» name = "x"', "value", "write a text in quotes"),
    ("«type»", "bare", "write an operator"),
    ('«"page"»', "value_left", "write a clause"),
    ("«5» < 6", "value_left", "put a field on the left"),
    ('"x" in «[»"x"]', "value_left", "put a field before in"),
    ("type = \"page\" «'x'»", "trailing", "join clauses"),
    ('type = "page"«,» userId != null', "trailing", "join clauses"),
    ('type = "page" and«»', "clause", "write one"),
    ('«and» type = "page"', "clause", "write one"),
    ("«()»", "group", "write a clause in it"),
    ("contains(event«)»", "arguments", 'write contains(event, "text")'),
    ('contains(event, "a"«,» "b")', "arguments", 'write contains(event, "text")'),
    ("contains(event, «properties.a»)", "arguments", "write a text in quotes"),
    ("lowercase(event«,» name) = 'x'", "arguments", "write lowercase(event)"),
    ("lowercase(«)» = 'x'", "arguments", "write lowercase(properties.plan)"),
    ("lowercase(«5») = 'x'", "arguments", "write lowercase(properties.plan)"),
    ("lowercase(«match»(event, 'x')) = 'x'", "function", "let it stand alone"),
    ("«qqq»(event) = 'x'", "function", "the functions are contains, match, length"),
    ('event «like» "x%"', "operator", "use match(field"),
    ('event «=~» "x.*"', "operator", "use match(field"),
    ('event «contains» "x"', "operator", "write contains(field"),
    ('event «match» "x*"', "operator", "write match(field"),
    ('event «beats» "x"', "operator", "the operators are"),
    ('"x" in «event»', "list", "contains(event"),
    ("userId in «5»", "list", "write it in brackets"),
    ('match(event, "a«[»b")', "pattern", r"write \["),
    ('match(event, "a«[]»b")', "pattern", "name its characters"),
    ('match(event, "a[«z-a»]")', "pattern", "write a-z"),
    ('match(event, "[«!»a]")', "pattern", "put ! before match"),
    (r'match(event, "\"[«^»a]")', "pattern", "put ! before match"),
    ('event = «"Signed Up»', "unterminated", "close it"),
    (r'event = «"C:\"»', "unterminated", "a backslash before a quote"),
    ("«$.»type = 'page'", "path", "write the field alone"),
    ("type «:» 'page'", "character", "put texts in quotes"),
    ("properties.caf«é» = 5", "character", "write a backslash"),
    (f"properties.a = «{'9' * 400}»", "number", "no event holds it"),
    (f"{'(' * 50}«(»type = 'page'{')' * 51}", "depth", "side by side"),
    (f"{'lowercase(' * 50}lowercase«(»event{')' * 51} = 'x'", "depth", "side by side"),
]


@pytest.mark.parametrize(("marked", "code", "advice"), ADVISED)
def test_what_has_no_single_right_spelling_is_refused_with_advice(marked: str, code: str, advice: str) -> None:
    """The fault names exactly what is wrong, and its help says what to do."""
    text, start, end = unmarked(marked)
    first = faults(text)[0]
    assert (first.code, first.start, first.end) == (f"trigger_{code}", start, end)
    assert advice in first.help or advice in first.message


def test_all_faults_of_a_trigger_are_reported_at_once() -> None:
    """Faults come in the order of their places, and each help ends with the one text that mends them all."""
    found = faults('type == page AND "x" = event or properties.vip')
    corrected = '(type = "page" and event = "x") or properties.vip = true'
    assert [fault.code.removeprefix("trigger_") for fault in found] == [
        "operator",
        "unquoted",
        "case",
        "value_left",
        "mixed",
        "bare",
    ]
    assert all(fault.help.endswith(f": {corrected}") for fault in found)
    parse_trigger(corrected)


def test_typographic_quotes_are_named() -> None:
    """A trigger that was pasted from a text with curly quotes says so, once for each."""
    found = faults("event = \u201cSigned Up\u201d")
    assert [(fault.code, fault.start) for fault in found] == [("trigger_quote", 8), ("trigger_quote", 18)]
    assert {(fault.instead, fault.choice) for fault in found} == {('event = "Signed Up"', False)}


def test_a_path_of_another_place_loses_its_dollar() -> None:
    """A field that is spelled as a path of the fields is corrected to the field alone."""
    (fault,) = faults("$.properties.price > 5")
    assert (fault.code, fault.instead) == ("trigger_path", "properties.price > 5")
    assert fault.help == "write the field alone: properties.price > 5"


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("event == 'a'", False),
        ("userId = 5", False),
        ('type = "track" and event = "a" or event = "b"', True),
        ("properties.x != true", True),
        ("event != null", True),
        ('type = "page" name = "a"', True),
        ("properties.x", True),
        ('(type = "page" and name = "a"', True),
    ],
)
def test_which_corrections_are_a_choice(text: str, choice: bool) -> None:
    """Where another correction would take other events, the fault says that a person must choose."""
    found = faults(text)
    assert found[0].instead is not None
    assert {fault.choice for fault in found} == {choice}


@pytest.mark.parametrize("name", ["anonymousId", "groupId", "previousId", "category", "messageId", "timestamp"])
def test_every_field_that_events_have_may_be_named(name: str) -> None:
    """Fields that Segment's published parser does not know are read as documented."""
    assert holds(f'{name} = "x"', {name: "x"})
    assert not holds(f'{name} = "x"', {})


def test_fifty_groups_in_one_another_are_read() -> None:
    """The limit on nesting is far from what anybody writes."""
    assert holds("(" * 50 + 'type = "page"' + ")" * 50, {"type": "page"})


def test_a_long_trigger_is_read() -> None:
    """Clauses side by side are not limited, and reading them takes time in proportion."""
    trigger = " or ".join(f'event = "{number}"' for number in range(5_000))
    assert holds(trigger, {"event": "4999"})
