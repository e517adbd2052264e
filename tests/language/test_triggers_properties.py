"""What holds for every trigger and event: made-up ones by the thousand."""

from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import LanguageError
from connector.language.triggers import (
    FUNCTIONS,
    And,
    Call,
    Choices,
    Compare,
    Constant,
    Contains,
    Field,
    Match,
    Member,
    Not,
    Or,
    Trigger,
    clauses,
    compile_trigger,
    parse_trigger,
    trigger_gate,
    trigger_reads,
)
from connector.language.triggers.globs import compile_glob, parse_glob
from connector.values import JSON

Shape: TypeAlias = object
Written: TypeAlias = tuple[str, Shape]
"""A spelling, and what it must be read as: the tree without its places."""

# -- spellings -------------------------------------------------------------------------------------------------------

SNIPPETS = st.sampled_from(
    [
        *("type", "event", "userId", "properties.plan", "traits.a.b", "context", "plan", "property.x", "$.a", "a\\ b"),
        *("=", "!=", "<", ">=", "==", "<>", "!", "&&", "||", "=~", "in", "not", "is", "and", "or", "AND", "Or"),
        *("(", ")", "[", "]", ",", ".", "[0]", '"page"', "'x*'", '"', "'", "\\", '"[a-"', '"a?b"', "“a”"),
        *("0", "-5", "1.5", ".5", "5.", "1e9", "007", "true", "False", "null", "NULL", "contains(", "match(event, "),
        *("lowercase(", "length(properties.a)", "typeof(", "string(", "lenght(", " ", "\n", "é", "\ud800", "\0"),
    ]
)
ANY_TEXT = st.text() | st.lists(SNIPPETS, max_size=12).map(" ".join) | st.lists(SNIPPETS, max_size=12).map("".join)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,3}", fullmatch=True).filter(
    lambda key: key not in ("and", "or", "null")
)
TEXTS = st.text(st.characters(exclude_characters="\"'\\", exclude_categories=["Cs"]), max_size=6)
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])


def _quoted(text: str) -> st.SearchStrategy[Written]:
    return st.sampled_from([(f'"{text}"', text), (f"'{text}'", text)])


def _path(first: str, keys: list[str]) -> Written:
    return ".".join([first, *keys]), ("field", first, *keys)


FIELDS = st.builds(
    _path, st.sampled_from(["properties", "traits", "context"]), st.lists(KEYS, min_size=1, max_size=3)
) | st.sampled_from([("messageId", ("field", "messageId")), (r"traits.a\ b.\0", ("field", "traits", "a b", "0"))])
TEXT_FUNCTIONS = st.sampled_from(
    [name for name, function in FUNCTIONS.items() if function.gives == "text" and name != "typeof"]
)
CALLS = st.builds(lambda name, field: (f"{name}({field[0]})", (name, field[1])), TEXT_FUNCTIONS, FIELDS)
QUOTED = TEXTS.flatmap(_quoted)
NUMBERS = st.sampled_from([("0", 0), ("42", 42), ("-3", -3), ("2.50", 2.5), ("+7", 7)])
SCALARS = QUOTED | NUMBERS | st.sampled_from([("true", True), ("false", False), ("null", None)])
LISTS = st.lists(SCALARS, max_size=3).map(
    lambda items: (f"[{', '.join(item[0] for item in items)}]", ["list", *(item[1] for item in items)])
)
DEEP_FIELDS = FIELDS.filter(lambda field: "." in field[0])


def _join(word: str, *parts: Written) -> Written:
    return f" {word} ".join(part[0] for part in parts), (word, *(part[1] for part in parts))


def _test(name: str, bang: str, field: Written, text: Written) -> Written:
    return f"{bang}{name}( {field[0]},{text[0]} )", (bang + name, field[1], text[1])


CLAUSES = st.one_of(
    st.builds(_join, st.just("="), FIELDS, QUOTED),
    st.builds(_join, st.just("!="), FIELDS, QUOTED),
    st.builds(_join, st.just("="), DEEP_FIELDS, SCALARS | LISTS),
    st.builds(_join, SIGNS, DEEP_FIELDS, NUMBERS),
    st.builds(_join, st.just("in"), DEEP_FIELDS, LISTS),
    st.builds(_join, st.just("in"), SCALARS, DEEP_FIELDS),
    st.builds(_join, st.just("!="), CALLS, QUOTED),
    st.builds(_test, st.just("contains"), st.sampled_from(["", "!"]), FIELDS | CALLS, QUOTED),
    st.builds(_test, st.just("match"), st.sampled_from(["", "!"]), FIELDS, st.sampled_from([('"a*"', "a*")])),
    st.sampled_from(["page", "track"]).map(lambda name: (f'type = "{name}"', ("=", ("field", "type"), name))),
    st.sampled_from(["a", "b"]).map(lambda name: (f'event = "{name}"', ("=", ("field", "event"), name))),
    st.just(('type in ["page", "screen"]', ("in", ("field", "type"), ["list", "page", "screen"]))),
)


def _chain(word: str, parts: list[Written]) -> Written:
    spelled = [
        f"({part[0]})" if isinstance(part[1], tuple) and part[1][0] in ("and", "or") else part[0] for part in parts
    ]
    return f" {word} ".join(spelled), (word, *(part[1] for part in parts))


TRIGGERS: st.SearchStrategy[Written] = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.builds(_chain, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4)),
        inner.map(lambda part: (f"!( {part[0]} )", ("!", part[1]))),
    ),
    max_leaves=8,
)


def _shape(node: Trigger | Field | Call | Constant | Choices) -> Shape:
    match node:
        case And(parts) | Or(parts):
            return ("and" if isinstance(node, And) else "or", *map(_shape, parts))
        case Not(part):
            return ("!", _shape(part))
        case Compare(operand, operator, value):
            return (operator, _shape(operand), _shape(value))
        case Contains(operand, text, negated) | Match(operand, text, negated):
            name = "contains" if isinstance(node, Contains) else "match"
            return ("!" * negated + name, _shape(operand), text.value)
        case Member(item, choices):
            return ("in", _shape(item), _shape(choices))
        case Field(keys):
            return ("field", *keys)
        case Call(name, argument):
            return (name, _shape(argument))
        case Choices(items):
            return ["list", *map(_shape, items)]
        case Constant(value):
            return value


# -- events ----------------------------------------------------------------------------------------------------------

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4)
NAMES = st.sampled_from(["type", "event", "properties", "traits", "context", "a", "b", "plan", "messageId"])
VALUES: st.SearchStrategy[JSON] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | KEYS, inner, max_size=4), max_leaves=12
)
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["page", "track", "screen"]) | VALUES,
        "event": st.sampled_from(["a", "b"]) | VALUES,
        **dict.fromkeys(("messageId", "properties", "traits", "context"), VALUES),
    },
)

# -- properties ------------------------------------------------------------------------------------------------------


def _read(text: str) -> Trigger | LanguageError:
    try:
        return parse_trigger(text)
    except LanguageError as error:
        return error


@settings(max_examples=400)
@given(ANY_TEXT)
def test_any_text_is_a_trigger_or_a_fault_inside_the_text(text: str) -> None:
    """Whatever is written, the answer is a tree or faults in order, each with a place in the text and a help."""
    result = _read(text)
    if not isinstance(result, LanguageError):
        compile_trigger(result)
        return
    assert result.faults
    places = [(fault.start, fault.end) for fault in result.faults]
    assert places == sorted(places)
    for fault in result.faults:
        assert 0 <= fault.start <= fault.end <= len(text)
        assert fault.code.startswith("trigger_")
        assert fault.message
        assert fault.help


@settings(max_examples=300)
@given(TRIGGERS)
def test_a_written_trigger_is_read_as_it_was_meant(written: Written) -> None:
    """Reading gives back the structure from which the text was written, and each clause its own spelling."""
    text, meant = written
    tree = parse_trigger(text)
    assert _shape(tree) == meant
    for clause in clauses(tree):
        assert _shape(parse_trigger(text[clause.start : clause.end])) == _shape(clause)


@settings(max_examples=300)
@given(TRIGGERS, VALUES.map(lambda value: value if isinstance(value, dict) else {"properties": value}) | EVENTS)
def test_a_trigger_answers_on_every_event(written: Written, event: dict[str, JSON]) -> None:
    """No event, however odd, makes a trigger raise, and the answer is true or false and the same again."""
    holds = compile_trigger(parse_trigger(written[0]))
    answer = holds(event)
    assert answer is True or answer is False
    assert holds(event) is answer


@settings(max_examples=300)
@given(TRIGGERS, EVENTS)
def test_a_trigger_holds_only_inside_its_gate(written: Written, event: dict[str, JSON]) -> None:
    """Where a trigger holds, the event's type and name are among those that its gate names."""
    tree = parse_trigger(written[0])
    gate = trigger_gate(tree)
    if compile_trigger(tree)(event):
        assert gate.types is None or event.get("type") in gate.types
        assert gate.events is None or event.get("event") in gate.events


@given(TRIGGERS, EVENTS)
def test_a_trigger_reads_only_the_fields_it_names(written: Written, event: dict[str, JSON]) -> None:
    """What an event holds under other first keys changes nothing."""
    tree = parse_trigger(written[0])
    named = {keys[0] for keys in trigger_reads(tree)}
    holds = compile_trigger(tree)
    assert holds({key: value for key, value in event.items() if key in named}) is holds(event)


def _matches_slowly(pieces: list[str], text: str) -> bool:
    """Match by trying everything: the plain meaning of `*` and `?`."""
    if not pieces:
        return text == ""
    if pieces[0] == "*":
        return any(_matches_slowly(pieces[1:], text[at:]) for at in range(len(text) + 1))
    return text != "" and pieces[0] in ("?", text[0]) and _matches_slowly(pieces[1:], text[1:])


@settings(max_examples=300)
@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_globs_match_what_trying_everything_matches(pattern: str, text: str) -> None:
    """The compiled pattern, in whatever form, agrees with the plain definition."""
    assert compile_glob(pattern)(text) is _matches_slowly(list(pattern), text)


@given(st.text("ab*?[]\\-!^", max_size=8))
def test_any_pattern_compiles_or_is_a_fault_inside_it(pattern: str) -> None:
    """A pattern is pieces, or one fault with its place in the pattern."""
    try:
        parse_glob(pattern)
    except LanguageError as error:
        (fault,) = error.faults
        inside = 0 <= fault.start <= fault.end <= len(pattern)
    else:
        inside = True
        assert compile_glob(pattern)("ab") in (True, False)
    assert inside
