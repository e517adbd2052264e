"""`@liquid`: templates mean what they mean in Segment's runtime, and what is wrong with one is found when loading."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import Fault, LanguageError, ResolveError
from connector.language.liquid import LONGEST, compile_liquid, liquid_reads
from connector.language.liquid.filters import DISABLED_FILTERS, FILTERS
from connector.language.liquid.syntax import DISABLED_TAGS
from connector.values import JSON, Value, load_json

HERE = Path(__file__).parent
EVENT: dict[str, Value] = {
    "type": "page",
    "userId": "user-42",
    "timestamp": "2026-10-09T12:00:00.000Z",
    "properties": {
        "title": "Straße 😀",
        "price": 2.50,
        "limit": 5,
        "tags": ["a", None, 10, [True, "b"]],
        "items": [{"name": "Tea", "price": 10}, {"name": "Cup"}],
        "plan": {"id": 7},
        "product 1": {"price": 5},
    },
}


def render(template: str, event: Value = EVENT) -> str:
    """Compile and render a template."""
    return compile_liquid(template)(event)


def faults(template: str) -> tuple[Fault, ...]:
    """Load a wrong template."""
    with pytest.raises(LanguageError) as raised:
        compile_liquid(template)
    return raised.value.faults


def load(template: str) -> tuple[Fault, ...]:
    """Load any template: no faults when it is right."""
    try:
        compile_liquid(template)
    except LanguageError as error:
        return error.faults
    return ()


def read_cases(name: str) -> list[dict[str, JSON]]:
    """Read recorded cases, one a line."""
    return [cast(dict[str, JSON], load_json(line)) for line in (HERE / name).read_bytes().splitlines()]


# -- conformance -----------------------------------------------------------------------------------------------------


def test_every_recorded_case_agrees_with_segments_runtime() -> None:
    """On each recorded mapping and event the text is that of Segment's published runtime."""
    wrong = []
    for case in read_cases("liquid.jsonl"):
        fields = cast(dict[str, dict[str, str]], case["mapping"])
        made = {name: render(field["@liquid"], cast(Value, case["event"])) for name, field in fields.items()}
        if made != case["result"]:
            wrong.append((fields, made, case["result"]))
    assert not wrong


def test_filters_tags_and_odd_values_agree_with_segments_runtime() -> None:
    """Over all filters and tags, and values that JavaScript treats in its own way, the text is the same."""
    wrong = []
    for case in read_cases("liquid_recorded.jsonl"):
        made = render(cast(str, case["template"]), cast(Value, case["event"]))
        if made != case["result"]:
            wrong.append((case, made))
    assert not wrong


def test_the_recorded_cases_know_every_filter() -> None:
    """No filter is without a recorded case."""
    templates = "".join(str(case["template"]) for case in read_cases("liquid_recorded.jsonl"))
    assert [name for name in FILTERS if f"| {name}" not in templates] == []


# -- what a template may say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("{{ properties.tags }}", "a10trueb"),
        ("{{ properties.plan }}", "[object Object]"),
        ("{{ properties.tags | join }}", "a  10 true,b"),
        ("{{ properties.price }} {{ properties.price | times: 4 }}", "2.5 10"),
        ("{{ 7 | divided_by: 2 }} {{ 7 | divided_by: 2, true }} {{ 1 | divided_by: 0 }}", "3.5 3 Infinity"),
        ("{{ properties.title.size }} {{ properties.title | size }}", "9 9"),
        ("{{ properties.title | truncate: 9, '' }} {{ properties.title | truncate: 7, '…' }}", "Straße 😀 Straße…"),
        ("{{ properties.limit }} {{ properties['product 1'].price }} {{ properties.items[-1].name }}", "5 5 Cup"),
        ("{{ properties.items.first.name }} {{ properties.items.size }} {{ properties.plan.size }}", "Tea 2 1"),
        ("{{ properties.items | where: 'price', 10 | size }} {{ properties.items | sum: 'price' }}", "1 10"),
        ("{% if missing == nil and properties.tags contains 10 %}y{% endif %}", "y"),
        ("{% if '' %}empty is true{% endif %}{% if missing == empty %}!{% endif %}", "empty is true"),
        ("{% if false and false or true %}left{% else %}right binds first{% endif %}", "right binds first"),
        ("{% if not false and true %}not binds tighter{% endif %}", "not binds tighter"),
        ("{% if '10' > 9 %}numbers{% endif %}{% if '10' < '9' %} texts{% endif %}", "numbers texts"),
        ("{% if properties.items | size | at_least: 3 %}y{% endif %}", "y"),
        ("{% if properties.items.size > 1 %}y{% endif %}", "y"),
        ("{{ type == 'page' }} {{ properties.price > 3 }}", "true false"),
        ("{{ 'a\\'b\\n\\u00e9' }} {{ '}}' }}", "a'b\né }}"),
        ("a {{- 1 -}} b {%- if true -%} c {%- endif %} d", "a1bc d"),
        ("{% raw %}{{ x }}{% endraw -%} !{% comment %}{% if %}{% endcomment %}{%# no %}", "{{ x }}!"),
        ("{% capture x %}{{ type }}!{% endcapture %}{{ x | upcase }}", "PAGE!"),
        ("{% liquid\n assign x = 2\n if x > 1\n echo x\n endif %}", "2"),
        ("{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}{% cycle 'a', 'b' %}", "aba"),
        ("a{% if true %}b{% break %}c{% endif %}d", "ab"),
        ("{{ (1..4) | join: '-' }}", "1-2-3-4"),
        ("{{ timestamp | date: '%A, %-d %B %Y, %l %P' }}", "Friday, 9 October 2026, 12 pm"),
        ("{{ timestamp | date: '%H:%M %z', 'America/New_York' }}", "08:00 -0400"),
        ("{{ properties.tags | json }}", '["a",null,10,[true,"b"]]'),
        ("{{ false | default: 1 }} {{ false | default: 1, allow_false: true }}", "1 false"),
    ],
)
def test_a_template_renders(template: str, text: str) -> None:
    """A template gives the text that Segment's runtime gives."""
    assert render(template) == text


def test_whole_numbers_keep_every_digit() -> None:
    """An id beyond 2^53 passes unchanged, where JavaScript would round it."""
    assert render("{{ userId }} {{ userId | append: '!' }}", {"userId": 12345678901234567890}) == (
        "12345678901234567890 12345678901234567890!"
    )


def test_half_a_character_becomes_a_replacement_character() -> None:
    """A cut through an emoji leaves U+FFFD, which UTF-8 can hold, and two halves put together are whole again."""
    assert render("{{ '😀' | slice: 0 }}") == "\ufffd"
    assert render("{{ '😀' | split: '' | join: '' }}{{ '😀' | slice: 0 }}{{ '😀' | slice: 1 }}") == "😀😀"


def test_any_value_can_be_the_event() -> None:
    """Inside @arrayPath an item takes the event's place, whatever it is."""
    items: list[Value] = [{"name": "x"}, ["a"], "ab", 5, None]
    assert [render("[{{ name }}{{ length }}]", item) for item in items] == ["[x]", "[1]", "[2]", "[]", "[]"]


def test_counting_leaves_the_event_alone() -> None:
    """`increment` begins at the event's number, and neither that nor anything assigned shows in the event."""
    event: dict[str, Value] = {"n": 5, "tags": [1]}
    before = copy.deepcopy(event)
    template = "{% increment n %}{% increment n %}{{ n }}{% decrement k %}{% assign tags = tags | push: 2 %}{{ tags }}"
    assert render(template, event) == "567-112"
    assert event == before


def test_the_machines_zone_plays_no_part_and_python_liquid_is_imported_late() -> None:
    """Dates are UTC's wherever the process runs; importing the module alone imports no python-liquid."""
    program = (
        "import sys; from connector.language.liquid import compile_liquid as c; assert 'liquid' not in sys.modules;"
        'print(c(\'{{ 0 | date: "%F %Y-%m-%d %H:%M %Z" }}|{{ "2026-10-09 12:00" | date: "%s" }}\')({}))'
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "%F 1970-01-01 00:00 UTC|1791547200\n"


# -- what cannot be rendered for one event ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ properties.broken | url_decode }}", "not URL-encoded"),
        ("{{ timestamp | date: '%Y', properties.title }}", "no time zone"),
        ("{{ properties.now | date: '%Y' }}", "another at every replay"),
        ("{{ timestamp | date: '%99999d' }}", "wider than"),
        ("{{ '😀' | slice: 0 | url_encode }}", "half a character"),
    ],
)
def test_a_filter_that_cannot_answer_is_a_resolve_error(template: str, says: str) -> None:
    """An event on which a filter has no answer is refused with the reason."""
    event: Value = {**EVENT, "properties": {"broken": "100%", "title": "Nowhere/City", "now": "now"}}
    with pytest.raises(ResolveError, match=says):
        render(template, event)


@pytest.mark.parametrize(
    "template",
    [
        "{% assign x = 'abcdefgh' %}" + "{% assign x = x | append: x %}" * 30 + "{{ x }}",
        "{% assign x = 'a' %}" + "{% assign x = x | append: x | replace: 'a', x %}" * 12,
        "{% assign x = 'a' | split: ',' %}" + "{% assign x = x | push: x %}" * 30 + "{{ x }}",
        "{% assign x = (1..99) | json %}" + "{% assign x = x | replace: '', x %}" * 9,
        "{% assign x = (1..9) %}{% assign y = x | join %}" + "{% assign y = x | join: y %}" * 20,
        "{{ (1..100000000) | size }}",
        "{% if (1..400000) == (1..400000) and (1..400000) == (1..400000) %}{% endif %}",
        "{% assign x = 'a' %}" + "{% assign x = x | append: x %}" * 17 + "{{ x }}" * 20,
    ],
)
def test_what_grows_without_end_is_stopped(template: str) -> None:
    """Text, lists and ranges that a template makes are limited, however it makes them."""
    assert len(template) <= LONGEST
    with pytest.raises(ResolveError, match="would make more than"):
        render(template)


def test_an_event_nested_too_deeply_is_a_resolve_error() -> None:
    """Printing a value of a thousand levels is refused instead of breaking."""
    deep: Value = "x"
    for _ in range(3_000):
        deep = [deep]
    with pytest.raises(ResolveError, match="nested too deeply"):
        render("{{ deep }}", {"deep": deep})


# -- what is wrong with a template -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "code", "where", "help"),
    [
        ("{{ title | upcas }}", "liquid_unknown_filter", "upcas", "did you mean 'upcase'?"),
        ("{{ title | map: 'x' }}", "liquid_disabled_filter", "map", "directive"),
        ("{{ tags | sample }}", "liquid_unrepeatable", "sample", "first, last"),
        ("{{ 'now' | date: '%Y' }}", "liquid_unrepeatable", "'now'", "timestamp"),
        ("{{ a | plus }}", "liquid_arguments", "plus", "plus: other"),
        ("{{ a | upcase: 1 }}", "liquid_arguments", "upcase", "upcase"),
        ("{{ a | default: 1, allow_fals: true }}", "liquid_arguments", "allow_fals", "did you mean 'allow_false'?"),
        ("{% for x in y %}{% endfor %}", "liquid_disabled_tag", "for", "@arrayPath"),
        ("{% iff a %}", "liquid_unknown_tag", "iff", "did you mean 'if'?"),
        ("{% %}", "liquid_unknown_tag", "", "known are"),
        ("{% if a %}", "liquid_unclosed", "if", "{% endif %}"),
        ("{% capture a %}x", "liquid_unclosed", "capture", "{% endcapture %}"),
        ("{% comment %}x", "liquid_unclosed", "comment", "{% endcomment %}"),
        ("{% raw %}x", "liquid_unclosed", "raw", "{% endraw %}"),
        ("a {{ b", "liquid_unclosed", "{{", "}}"),
        ("a {{ 'b }}", "liquid_unclosed", "{{", "}}"),
        ("{% if a", "liquid_unclosed", "{%", "%}"),
        ("{% endif %}", "liquid_misplaced_tag", "endif", "remove it"),
        ("{% if a %}{% else %}{% else %}{% endif %}", "liquid_syntax", "else", "remove"),
        ("{% if a %}{% else b %}{% endif %}", "liquid_syntax", "b", "remove it"),
        ("{% if %}{% endif %}", "liquid_syntax", "if", "write one"),
        ("{{ a b }}", "liquid_syntax", "b", "Liquid is written"),
        ("{{ a .b }}", "liquid_syntax", ".", "white space"),
        ("{{ a [0] }}", "liquid_syntax", "[0]", "white space"),
        ("{{ }}", "liquid_syntax", "", "Liquid is written"),
        ("{{ a | }}", "liquid_syntax", "", "Liquid is written"),
        ("{{ a & b }}", "liquid_syntax", "&", "quotes"),
        ("{% assign a = 'b %}", "liquid_syntax", "'", "same quote"),
        ("{% cycle 'a' 'b' %}", "liquid_syntax", "'b'", "Liquid is written"),
        ("{% liquid\n echo a\n nope b %}", "liquid_unknown_tag", "nope", "known are"),
    ],
)
def test_a_wrong_template_says_what_and_where(template: str, code: str, where: str, help: str) -> None:
    """A fault has a code, the place in the text, and what to write instead."""
    (fault,) = faults(template)
    assert (fault.code, template[fault.start : fault.end]) == (code, where)
    assert help in fault.help


def test_every_wrong_filter_is_reported_at_once() -> None:
    """Several wrong filters are several faults."""
    found = faults("{{ a | upcasee }}{% if b | reverse %}{{ c | plus }}{% endif %}")
    assert [fault.code for fault in found] == ["liquid_unknown_filter", "liquid_disabled_filter", "liquid_arguments"]


@pytest.mark.parametrize("name", sorted(DISABLED_TAGS))
def test_a_disabled_tag_does_not_load(name: str) -> None:
    """A tag that Segment disables is a fault."""
    assert faults(f"{{% {name} x %}}")[0].code == "liquid_disabled_tag"


@pytest.mark.parametrize("name", sorted(DISABLED_FILTERS))
def test_a_disabled_filter_does_not_load(name: str) -> None:
    """A filter that Segment disables is a fault."""
    assert faults(f"{{{{ x | {name}: 'y' }}}}")[0].code == "liquid_disabled_filter"


def test_the_length_is_counted_in_utf_16_code_units() -> None:
    """A thousand units load, one more does not; an emoji is two."""
    assert render("x" * 1_000) == "x" * 1_000
    assert render("😀" * 500) == "😀" * 500
    for template in ("x" * 1_001, "😀" * 500 + "x"):
        (fault,) = faults(template)
        assert (fault.code, fault.start, fault.end) == ("liquid_too_long", 0, len(template))


def test_what_is_no_text_does_not_load() -> None:
    """A number in a template's place is a fault, not a break."""
    assert "not of type number" in faults(cast(str, 5))[0].message


@pytest.mark.parametrize(
    "template",
    ["{% if a %}" * 40 + "{% endif %}" * 40, "{{ " + "a[" * 400 + "1" + "]" * 400 + "}}", "{{ a" + " or a" * 199],
)
def test_deep_nesting_answers(template: str) -> None:
    """A template as deep as its length allows loads or is refused."""
    found = load(template)
    assert all(fault.end <= len(template) for fault in found)
    assert found or isinstance(render(template), str)


# -- what a template reads -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "reads"),
    [
        ("text", set()),
        ("{{ a.b.c | default: d }}", {("a", "b", "c"), ("d",)}),
        ("{{ a.items[0].name }}{{ a.items.size }}{{ a.items.0 }}", {("a", "items")}),
        ("{{ a[b.c].d }}", {("a",), ("b", "c")}),
        ("{% if a.b == 'x' %}{% elsif c %}{% else %}{{ d['e f'] }}{% endif %}", {("a", "b"), ("c",), ("d", "e f")}),
        ("{% assign x = a %}{{ x.y }}", {("a",), ("x", "y")}),
        ("{% increment n %}{% cycle g: h, 2 %}", {("n",), ("g",), ("h",)}),
        ("{{ (a..b) | slice: c, d }}", {("a",), ("b",), ("c",), ("d",)}),
        ("{% raw %}{{ a }}{% endraw %}{% comment %}{{ b }}{% endcomment %}", set()),
        ("{{ [a].b }}", None),
    ],
)
def test_the_reads_of_a_template_are_known(template: str, reads: set[tuple[str, ...]] | None) -> None:
    """Every path that a template may read is named as far as it names keys, or nothing is promised."""
    assert liquid_reads(template) == reads


# -- properties ------------------------------------------------------------------------------------------------------

PATHS = [
    "type",
    "missing.x",
    *(f"properties.{key}" for key in ("title", "tags", "items[0].name", "items.size", "plan")),
]
VALUES = st.sampled_from([*PATHS, "'a,b'", "2.5", "-1", "nil", "empty", "true", "(1..3)", "properties['product 1']"])
CALLS = {"date": "'%Y-%m-%d'", "replace": "'a', 'b'", "slice": "1, 2", "hmac_sha256": "'k'", "where": "'name'"}
NEEDY = [
    *("append", "at_least", "at_most", "default", "divided_by", "minus", "modulo", "plus", "prepend", "push", "remove"),
    *("remove_first", "remove_last", "replace_first", "replace_last", "split", "times", "unshift"),
]


@st.composite
def outputs(draw: st.DrawFn) -> str:
    """Make an output with up to three filters."""
    text = draw(VALUES)
    for name in draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=3)):
        arguments = CALLS.get(name, draw(VALUES) if name in NEEDY else "")
        text += f" | {name}" + (f": {arguments}" if arguments else "")
    return f"{{{{ {text} }}}}"


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Make a template that loads."""
    condition = f"{draw(VALUES)} {draw(st.sampled_from(['==', '<', '>=', 'contains', 'and', 'or']))} {draw(VALUES)}"
    first, second, third = draw(outputs()), draw(outputs()), draw(outputs())
    return f"{first}{{% if {condition} %}}{second}{{% else %}}{{% assign x = {third[3:-3]} %}}{{{{ x }}}}{{% endif %}}"


PIECES = [
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "-",
        "|",
        ":",
        ",",
        ".",
        "..",
        "[",
        "]",
        "(",
        ")",
        '"',
        "'",
        "\\",
        " ",
        "\n",
        "a",
        "é",
        "😀",
    ),
    *(
        " if ",
        " endif ",
        " else ",
        " raw ",
        " endraw ",
        " comment ",
        " liquid ",
        " assign ",
        "=",
        "==",
        " and ",
        " not ",
    ),
    *(" capture ", " endcapture ", " cycle ", " # ", "upcase", "date", "1", "2.5", "nil", "now", "\x00", "\ud800"),
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_any_text_loads_or_says_where_it_is_wrong(text: str) -> None:
    """Whatever the text, it renders to what UTF-8 can hold, or raises our error with places inside the text."""
    found = load(text)
    assert all(0 <= fault.start <= fault.end <= len(text) and fault.message and fault.help for fault in found)
    assert found or not any("\ud800" <= char <= "\udfff" for char in _render_or_say(text, EVENT))


def _render_or_say(template: str, event: Value) -> str:
    try:
        return render(template, event)
    except ResolveError as error:
        return f"! {error}"


@settings(max_examples=200, deadline=None)
@given(templates())
def test_rendering_twice_gives_the_same_and_changes_no_event(template: str) -> None:
    """A template has one answer for an event, which stays as it is."""
    event = copy.deepcopy(EVENT)
    assert _render_or_say(template, event) == _render_or_say(template, event)
    assert event == EVENT


@settings(max_examples=200, deadline=None)
@given(templates())
def test_what_a_template_reads_is_all_that_it_needs(template: str) -> None:
    """An event cut down to the paths that a template reads renders the same."""
    reads = liquid_reads(template)
    assert reads is not None
    properties = cast(dict[str, Value], EVENT["properties"])
    kept: dict[str, Value] = {path[0]: EVENT[path[0]] for path in reads if len(path) == 1 and path[0] in EVENT}
    if "properties" not in kept:
        kept["properties"] = {path[1]: properties[path[1]] for path in reads if path[:1] == ("properties",)}
    assert _render_or_say(template, kept) == _render_or_say(template, EVENT)
