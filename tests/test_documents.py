"""YAML files as values with places: what is read how, what is refused where, and what problems show."""

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector.documents import LARGEST, Document, Part, read_document
from connector.errors import DestinationError, Fault, Problem
from connector.values import JSON

LOADERS = [pytest.param(yaml.CSafeLoader, id="libyaml"), pytest.param(yaml.SafeLoader, id="python")]


def read(text: str | bytes, *, loader: type = yaml.CSafeLoader, **environment: str) -> Document:
    """Read a text as the file `f.yaml`."""
    data = text.encode() if isinstance(text, str) else text
    return read_document(data, file="f.yaml", environment=environment, loader=loader)


def problems_of(text: str | bytes, *, loader: type = yaml.CSafeLoader, **environment: str) -> tuple[Problem, ...]:
    """Give the problems of a text, whether it can be read or not."""
    try:
        return read(text, loader=loader, **environment).problems
    except DestinationError as error:
        return error.problems


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("~", None),
        ("Null", None),
        ("", None),
        ("TRUE", True),
        ("false", False),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("y", "y"),
        ("2026-11-21", "2026-11-21"),
        ("12:30:45", "12:30:45"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("[1, [a, {b: c}]]", [1, ["a", {"b": "c"}]]),
        ("{'a': 1, \"b\":2}", {"a": 1, "b": 2}),
        ("|\n  a\n  b", "a\nb\n"),
        (">-\n  a\n  b", "a b"),
        ("&x [1]", [1]),
    ],
)
def test_values_are_yaml_1_2(written: str, value: JSON, loader: type) -> None:
    """A value is read by the core schema of YAML 1.2: yes, on and dates are texts, numbers keep their digits."""
    document = read(f"key: {written}\n", loader=loader)
    assert document.value == {"key": value}
    assert type(document.get(("key",))) is type(value)
    assert document.problems == ()


@pytest.mark.parametrize("loader", LOADERS)
def test_keys_are_texts(loader: type) -> None:
    """A key is its text as written, whatever it would be as a value."""
    assert read("1: a\ntrue: b\n~: c\n2026-11-21: d\n'<<': e", loader=loader).value == {
        "1": "a",
        "true": "b",
        "~": "c",
        "2026-11-21": "d",
        "<<": "e",
    }


def test_aliases() -> None:
    """An alias stands for the value that its anchor names."""
    assert read("a: &x {b: [1]}\nc: *x\nd: [*x]").value == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}]}


def test_a_byte_order_mark_is_skipped() -> None:
    """A file that an editor of Windows marked as UTF-8 reads like any other, columns included."""
    document = read(b"\xef\xbb\xbfa: b")
    assert document.value == {"a": "b"}
    assert str(document.location(("a",))) == "f.yaml:1:4"


SYNTAX = [
    ("a: {@if: 1}", "needs_quotes", 1, 5, 'write "@if"'),
    ("a: @x", "needs_quotes", 1, 4, 'write "@x"'),
    ("a: `x`", "needs_quotes", 1, 4, 'write "`x`"'),
    ("a: %x", "needs_quotes", 1, 4, 'write "%x"'),
    ("a: *b*", "needs_quotes", 1, 4, 'write "*b*"'),
    ("a: b: c", "needs_quotes", 1, 5, "put a text that holds `: ` in quotes"),
    ("a: 1\n  b: 2", "needs_quotes", 2, 4, "indent the keys of one object alike"),
    ("a:\n\tb: 1", "tab", 2, 1, "indent with spaces"),
    ("a:\n  b: |\n\tc", "tab", 3, 1, "indent with spaces"),
    ('a: "x', "bad_yaml", 1, 4, "close the quote"),
    ("a: 'x\nb: c", "bad_yaml", 1, 4, "close the quote"),
    ("a: 'it's'", "bad_yaml", 1, 8, "put all of it in one pair of quotes"),
    ('a: "b" c', "bad_yaml", 1, 8, "put all of it in one pair of quotes"),
    ("a: [1", "bad_yaml", 1, 4, "close it"),
    ("a: {b: {c: 1}", "bad_yaml", 1, 4, "close it"),
    ("a: {b: ${C}}", "needs_quotes", 1, 8, 'write "${NAME}"'),
    ("a: [x, ${C}]", "needs_quotes", 1, 8, 'write "${NAME}"'),
    ("a: {b: $.c[0]}", "bad_yaml", 1, 11, 'in quotes: "$.items[0].id"'),
    ("a: 1\nb", "bad_yaml", 2, 1, "write `key: value`"),
    ("a:\n  - b\n c: d", "bad_yaml", 3, 2, "indent the keys of one object alike"),
    ("a: 1\n- b", "bad_yaml", 2, 1, "indent the keys of one object alike"),
    ("a: - b", "bad_yaml", 1, 4, "begin the list on the next line"),
    ("a: |x\n  y", "bad_yaml", 1, 5, "begin the text on the next line"),
    ("a: {}}", "bad_yaml", 1, 6, "remove it"),
    ("{a: 1}}", "bad_yaml", 1, 7, "remove it"),
    ("--- a\n...\nb", "bad_yaml", 3, 1, "remove what is too much"),
    ("- a\n---\n- b", "several_documents", 2, 1, "include"),
    ("trigger: !foo(x)", "tag", 1, 10, "in quotes"),
    ("a: !!python/object:os.system {}", "tag", 1, 4, "in quotes"),
    ("a: !!str 1", "tag", 1, 4, "in quotes"),
    ("a: &x !foo b", "tag", 1, 7, "in quotes"),
    ("a: {{userId}}", "complex_key", 1, 5, '"{{properties.title}}"'),
    ("? [a]\n: b", "complex_key", 1, 3, ""),
    ("a: &x b\n*x : c", "complex_key", 2, 1, "write the key out"),
    ("<<: {a: 1}", "merge_key", 1, 1, "`preset:`"),
    ("a: 1\nb:\n  c: 1\n  'c': 2", "duplicate_key", 4, 3, "remove one of them"),
    ("a: *x", "unknown_alias", 1, 4, "`&x`"),
    ("a: &x [*x]", "endless_alias", 1, 8, "write the value out"),
    ("a: .inf", "bad_number", 1, 4, "in quotes"),
    ("a: -.INF", "bad_number", 1, 4, "in quotes"),
    ("a: .NaN", "bad_number", 1, 4, "in quotes"),
    ("a: 1e400", "bad_number", 1, 4, "in quotes"),
    ("a: 1\nb: " + "9" * 5_000, "bad_number", 2, 4, "in quotes"),
    ("a: b\x00", "control_character", 1, 5, "remove it"),
    ("a: b\u2028c", "control_character", 1, 5, '"\\u2028"'),
    ("a: \x1b[31m", "control_character", 1, 4, "remove it"),
    ("a: b\nc: ${D}", "unset_variable", 2, 4, "set D in the environment"),
    ('c: "\\u00e9 ${D}"', "unset_variable", 1, 12, "set D in the environment"),
    ("c: |\n  a\n  b ${D}", "unset_variable", 3, 5, "set D in the environment"),
    ("c: ${D", "bad_variable", 1, 4, "$${"),
    ("[" * 101, "too_deep", 1, 101, "flatter"),
    ("[" * 100_000, "too_deep", 1, 101, "flatter"),
    ("{a: " * 100_000, "too_deep", 1, 401, "flatter"),
    ("- " * 5_000, "too_deep", 1, 201, "flatter"),
]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("text", "code", "line", "column", "help"), SYNTAX)
def test_problems(*, text: str, code: str, line: int, column: int, help: str, loader: type) -> None:
    """What cannot be read, or not safely, is a problem at its place that says what to write."""
    problem = problems_of(text, loader=loader)[0]
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert help in problem.help


def test_differences_between_parsers() -> None:
    """Without libyaml some spellings are told differently, yet told."""
    for loader in (yaml.CSafeLoader, yaml.SafeLoader):
        assert problems_of('a: !x(b, "c")', loader=loader)[0].code == "tag"
        assert problems_of('a: "\\q"', loader=loader)[0].help.startswith("write \\\\ for one backslash")
        assert problems_of('a: "\\ud83d\\ude00"', loader=loader)[0].help == "write the character itself"


@pytest.mark.parametrize(
    ("data", "code", "line", "column"),
    [
        (b"", "empty_file", 0, 0),
        (b"# only a comment\n", "empty_file", 0, 0),
        (b"a: b\nc: \xe9\n", "not_utf8", 2, 4),
        (b"\x1f\x8b\x08\x00", "not_utf8", 1, 2),
        ("a: b".encode("utf-16"), "not_utf8", 0, 0),
        ("a: b".encode("utf-16-le"), "not_utf8", 0, 0),
        ("a: b".encode("utf-16-be"), "not_utf8", 0, 0),
        (b"\x00\x00\x00", "control_character", 1, 1),
        (b"a: " + b"b" * LARGEST, "file_too_large", 0, 0),
    ],
)
def test_bytes_that_are_no_yaml(data: bytes, code: str, line: int, column: int) -> None:
    """Bytes of another kind are one problem, at the first of them."""
    (problem,) = problems_of(data)
    assert (problem.code, problem.line, problem.column) == (code, line, column)


def test_problems_are_collected() -> None:
    """What does not stop the reading is told together with all else."""
    text = "a: .inf\na: !x b\nc: ${D}\n<<: 1\nd: [1"
    assert [problem.code for problem in problems_of(text)] == [
        "bad_number",
        "duplicate_key",
        "tag",
        "unset_variable",
        "merge_key",
        "bad_yaml",
    ]


def test_both_places_of_a_duplicate_key() -> None:
    """A duplicate key is shown where it stands again, and the message names the first line."""
    (problem,) = problems_of("a: 1\nb: 2\na: 3")
    assert (problem.line, problem.message) == (3, "the key 'a' stands twice here, first in line 1")


def test_a_yaml_bomb_is_refused() -> None:
    """Aliases of aliases are counted as written out, and refused before anything of that size is made."""
    lines = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    lines += [f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 10)}]" for at in range(1, 30)]
    (problem,) = problems_of("\n".join(lines))
    assert (problem.code, problem.message) == ("too_many_values", "the file expands to more than 100,000 values")


def test_aliases_cannot_nest_too_deeply() -> None:
    """A chain of aliases counts its levels as if it were written out."""
    lines = ["a0: &a0 " + "[" * 60 + "]" * 60]
    lines += [f"a{at}: &a{at} " + "[" * 60 + f"*a{at - 1}" + "]" * 60 for at in range(1, 3)]
    (problem,) = problems_of("\n".join(lines))
    assert (problem.code, problem.line) == ("too_deep", 2)


PLACED = """\
plain: type = "page" # comment
single: 'it''s page'
double: "\\u00e9\\tpage"
folded: >-
  one
  two page
literal: |
    one
     page
lines: one
  two page
anchored: &x page
filled: ${NAME} page
"""


@pytest.mark.parametrize(
    ("key", "line", "column"),
    [
        ("plain", 1, 16),
        ("single", 2, 16),
        ("double", 3, 18),
        ("folded", 6, 7),
        ("literal", 9, 6),
        ("lines", 11, 7),
        ("anchored", 12, 14),
        ("filled", 13, 17),
    ],
)
def test_a_place_inside_a_text(key: str, line: int, column: int) -> None:
    """An offset in a text is found in the file, however the text is written."""
    document = read(PLACED, NAME="a long value")
    text = document.get((key,))
    assert isinstance(text, str)
    at = text.index("page")
    problem = document.problem("code", "message", (key,), start=at, end=at + 4)
    assert (problem.line, problem.column, problem.width) == (line, column, 4)
    assert problem.source[column - 1 : column + 3] == "page"


@pytest.mark.parametrize(
    ("path", "column", "width"),
    [
        (("a",), 1, 1),
        (("a", "bb"), 5, 2),
        (("a", "bb", 1), 15, 3),
        (("a", "c"), 21, 1),
        (("a", "ddd"), 26, 3),
        (("a", "missing"), 1, 1),
        (("missing", "key"), 1, 1),
    ],
)
def test_a_place_of_a_path(path: tuple[str | int, ...], column: int, width: int) -> None:
    """A scalar is shown itself; a list, an object, nothing and a missing path by the nearest key."""
    problem = read("a: {bb: [one, two], c: , ddd: {}}").problem("code", "message", path)
    assert (problem.column, problem.width) == (column, width)


def test_a_value_of_the_environment_is_in_no_problem() -> None:
    """A problem shows a variable's name where the text holds its value, in the message, the help and the line."""
    document = read("a: x ${TOKEN}\nb: c", TOKEN="tok-123456789")
    for path in (("a",), ("b",)):
        problem = document.problem("code", "found 'x tok-123456789'", path, help="not tok-123456789")
        assert "123456789" not in problem.render()
        assert "${TOKEN}" in problem.message


def test_no_repr_shows_a_value() -> None:
    """What holds values of the environment does not print them."""
    document = read("a: ${TOKEN}", TOKEN="tok-123456789")
    assert "123456789" not in repr(document)
    assert "123456789" not in repr(Part(document, ("a",)))
    assert "123456789" not in repr(document.filled)


def test_a_fault_of_the_language_points_at_the_directive() -> None:
    """A fault of an object is shown at the directive in it, one of an option at the option."""
    part = Part(read('a: {b: {"@iff": {exist: 1}}}'), ("a",))
    assert part.fault(Fault("unknown_directive", "m", path=("b",))).column == 9
    assert part.fault(Fault("unknown_option", "m", path=("b", "@iff", "exist"))).column == 18


@settings(max_examples=200, deadline=None)
@example("%YAML 1.2\n---\na: b")
@given(st.text(alphabet="ab:-[]{}&*!|>'\"%@`#?,\n \t$\\0.~<é\u2028\x00", max_size=40))
def test_any_text_answers_or_raises_our_error(text: str) -> None:
    """Whatever the file holds, it is read or its problems lie inside it."""
    lines = text.count("\n") + text.count("\r") + 1
    for problem in problems_of(text):
        assert 0 <= problem.line <= lines
        assert problem.message
        problem.render()
