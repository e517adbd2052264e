"""Values replaced in a YAML file: their own text changes, every other character stays, and what was meant is read."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from connector.documents import Document, read_document
from connector.errors import DestinationError, Path
from connector.trials.rewriting import UnwritableError, rewrite, rewrite_each
from connector.values import JSON
from connector.yaml_writing import SPARING


def read(text: str) -> Document:
    """Read a text as a document."""
    return read_document(text.encode(), file="a.yaml", environment={"NAME": "value"})


def rewritten(text: str, path: Path, value: JSON) -> str:
    """Put one value into a text."""
    return rewrite(read(text), {path: value}, {"NAME": "value"})


# Before, path, new value, after.
CASES: list[tuple[str, Path, JSON, str]] = [
    ("a: 1 # one\nb: 2\n", ("a",), 3, "a: 3 # one\nb: 2\n"),
    ("a: one\n", ("a",), "yes", 'a: "yes"\n'),
    ("a: 'one'\n", ("a",), "it's", "a: 'it''s'\n"),
    ('a: "one"\n', ("a",), "two", 'a: "two"\n'),
    ("a: one\n", ("a",), "12", 'a: "12"\n'),
    ("a: one\n", ("a",), "a: b", 'a: "a: b"\n'),
    ("a: one\n", ("a",), "a #b", 'a: "a #b"\n'),
    ("a: one\n", ("a",), "${NAME}", 'a: "$${NAME}"\n'),
    ("a: one\n", ("a",), "two\nlines", 'a: "two\\nlines"\n'),
    ("a: one\n", ("a",), None, "a: null\n"),
    ("a:\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
    ("a: # note\n  b: 1\nc: 2\n", ("a",), 5, "a: 5  # note\nc: 2\n"),
    ("a: |\n  one\n  two\n\nb: 1\n", ("a",), "x", "a: x\n\nb: 1\n"),
    ("{a: {b: 1, c: 2}, d: 3}", ("a",), {"b": 1, "c": 5}, "{a: {b: 1, c: 5}, d: 3}"),
    ("{a: {b: 1, c: 2}}", ("a",), {"b": 1}, "{a: {b: 1}}"),
    ("{a: {b: 1, c: 2}}", ("a",), {"c": 2}, "{a: {c: 2}}"),
    ("{a: {b: 1, c: 2, d: 3}}", ("a",), {"b": 1}, "{a: {b: 1}}"),
    ("a:\n  b: 1\n  c: 2\n  d: 3\ne: 4\n", ("a",), {"b": 1}, "a:\n  b: 1\ne: 4\n"),
    ("{a: {b: 1}}", ("a",), {"b": 1, "c": [2]}, "{a: {b: 1, c: [2]}}"),
    ("{a: {b: 1}}", ("a",), {}, "{a: {}}"),
    ("{a: {}}", ("a",), {"b": 1}, "{a: {b: 1}}"),
    ("{a: {b: , c: 1}}", ("a",), {"b": "x", "c": 1}, "{a: {b: x, c: 1}}"),
    ("{a: [1, 2]}", ("a",), [1, 3], "{a: [1, 3]}"),
    ("{a: [1, 2]}", ("a",), [1], "{a: [1]}"),
    ("a:\n  - 1 # first\n  - 2\n", ("a",), [1, 3], "a:\n  - 1 # first\n  - 3\n"),
    ("a:\n  - 1\n  - 2\nb: 1\n", ("a",), [1, 2, 3], "a:\n  - 1\n  - 2\n  - 3\nb: 1\n"),
    ("a:\n- 1\nb: 1\n", ("a",), [2, 3], "a:\n- 2\n- 3\nb: 1\n"),
    ("a:\n  # of b\n  b: 1\n  c: 2 # of c\n", ("a",), {"b": 2, "c": 2}, "a:\n  # of b\n  b: 2\n  c: 2 # of c\n"),
    ("a:\n  b: 1 # x\n  c: 2\nd: 1\n", ("a",), {"c": 2}, "a:\n  c: 2\nd: 1\n"),
    ("a:\n  b: 1 # x\nd: 1\n", ("a",), {"b": 1, "c": 2}, "a:\n  b: 1 # x\n  c: 2\nd: 1\n"),
    ("a:\n  b:\n    c: 1\n", ("a",), {"b": {"c": 1}, "d": 2}, "a:\n  b:\n    c: 1\n  d: 2\n"),
    ("- a: 1\n  b: 2\n", (0,), {"b": 2}, "- b: 2\n"),
    ("- a: 1\n  b: 2\n", (0,), {"c": 1, "b": 2}, "- c: 1\n  b: 2\n"),
    ("a:\r\n  b: 1\r\n", ("a",), {"b": 1, "c": 2}, "a:\r\n  b: 1\r\n  c: 2\r\n"),
    ("a: &x {b: 1}\n", ("a",), {"b": 2}, "a: &x {b: 2}\n"),
    (
        'a:\n  # why c\n  c: "3" # third\n  b: "x" # second\n  a: "1" # first\n',
        ("a",),
        {"a": "1", "b": "2", "c": "3"},
        'a:\n  # why c\n  c: "3" # third\n  b: "2" # second\n  a: "1" # first\n',
    ),
    (
        "a:\n  u: 1 # one\n  w: {y: 2} # two\nb: 1\n",
        ("a",),
        {"u": 1, "v": 5, "w": {"x": 1, "y": 2}},
        "a:\n  u: 1 # one\n  w: {y: 2, x: 1} # two\n  v: 5\nb: 1\n",
    ),
    ("a:\n  b: 1\n  # of c\n  c: 2 # c\n  d: 3 # d\n", ("a",), {"b": 1, "d": 3}, "a:\n  b: 1\n  d: 3 # d\n"),
    ("a:\n  b: 1 # b\n  c: 2\n", (), {"a": {"x": 5, "c": 2}}, "a:\n  c: 2\n  x: 5\n"),
    ("a:\n  - 1 # one\n  - 2 # two\n  - 3 # three\n", ("a",), [1, 3], "a:\n  - 1 # one\n  - 3 # three\n"),
    ("a:\n  - 1 # one\n  - 2 # two\nb: 1\n", ("a",), [1, 5, 2], "a:\n  - 1 # one\n  - 5\n  - 2 # two\nb: 1\n"),
    ("a:\n  - 1 # one\n  - 2 # two\n", ("a",), [0, 1, 2], "a:\n  - 0\n  - 1 # one\n  - 2 # two\n"),
    (
        "a:\n  - {b: 1} # one\n  # second\n  - {b: 2} # two\n",
        ("a",),
        [{"b": 1}, {"b": 3}, {"b": 4}],
        "a:\n  - {b: 1} # one\n  - {b: 3}\n  - {b: 4}\n",
    ),
    (
        "a:\n  - b: 1 # one\n    c: 2\n",
        ("a",),
        [{"b": 1, "c": 2}, {"b": 3}],
        "a:\n  - b: 1 # one\n    c: 2\n  - b: 3\n",
    ),
    (
        "a:\n" + "".join(f"  # about {x}\n  - id: {x} # {x}!\n" for x in ("g0", "z", "y", "g9")) + "b: 1\n",
        ("a",),
        [{"id": "z"}, {"id": "y"}],
        "a:\n  # about z\n  - id: z # z!\n  # about y\n  - id: y # y!\nb: 1\n",
    ),
    (
        "a:\n  - 1 # one\n  # of two\n  # and more\n  - 2\n  # of three\n  - 3\n",
        ("a",),
        [1, 3],
        "a:\n  - 1 # one\n  # of three\n  - 3\n",
    ),
    ("a:\n  # of one\n  - 1\n  # of two\n  - 2\n", ("a",), [2], "a:\n  # of two\n  - 2\n"),
    ("a:\n  # of b\n  b: 1\n  # of c\n  c: 2\n", ("a",), {"c": 2}, "a:\n  # of c\n  c: 2\n"),
    ("# of one\n- 1\n- 2\n- 3\n", (), [4, 5, 2, 3], "- 4\n- 5\n- 2\n- 3\n"),
    ("a:\n  # one\n  - 1\n  # two\n  - 2\n  # 3\n  - 3\n", ("a",), [4, 3], "a:\n  - 4\n  # 3\n  - 3\n"),
    ("a:\n  - 1\n  # two\n  - 2\nb: 1\n", ("a",), [1, 3, 4], "a:\n  - 1\n  - 3\n  - 4\nb: 1\n"),
    ("a:\n  # 1\n  - 1\n  # 2\n  - 2\n", ("a",), [2, 0, 1, 4], "a:\n  - 2\n  - 0\n  # 1\n  - 1\n  - 4\n"),
    ("a:\n  # one\n  - 1\n", ("a",), [0, 1], "a:\n  - 0\n  # one\n  - 1\n"),
    ("a:\n  - # one\n    1\n  - 2\n", ("a",), [3, 2], "a:\n  - # one\n    3\n  - 2\n"),
    ("a: [\n  1, # one\n  2 # two\n]\n", ("a",), [1], "a: [\n  1, # one\n   # two\n]\n"),
    ("a: [1, 2] # it\n", ("a",), [1, 2, {"b": 3}], "a: [1, 2, {b: 3}] # it\n"),
    ("a:\n  b: 1 # b\n  c: 2 # c\nd: 1\n", ("a",), "x", "a: x\nd: 1\n"),
    ("x: &x {b: 1}\na: {e: *x, c: 1}\n", ("a",), {"e": {"b": 1}, "c": 2}, "x: &x {b: 1}\na: {e: *x, c: 2}\n"),
    (
        "x: &x {b: 1}\na:\n  c: 1\n  e: *x\n",
        ("a",),
        {"c": 2, "e": {"b": 1}, "f": 3},
        "x: &x {b: 1}\na:\n  c: 2\n  e: *x\n  f: 3\n",
    ),
]


@pytest.mark.parametrize(("before", "path", "value", "after"), CASES)
def test_what_a_value_becomes(before: str, path: Path, value: JSON, after: str) -> None:
    """A value's own text is replaced: flow stays flow, block stays block, quotes and comments stay."""
    assert rewritten(before, path, value) == after


def test_an_object_too_wide_for_a_line_becomes_a_block() -> None:
    """A key that is new in a block gets its object over several lines when one would be too long."""
    wide: JSON = {f"a_long_key_{at}": "a long value indeed" for at in range(4)}
    after = rewritten("a:\n  b: 1\n", ("a",), {"b": 1, "c": wide})
    assert after.startswith("a:\n  b: 1\n  c:\n    a_long_key_0: a long value indeed\n    a_long_key_1")


def test_an_alias_is_left_alone() -> None:
    """What stands elsewhere in the file is not changed in two places: it is refused with a reason."""
    with pytest.raises(UnwritableError, match="alias"):
        rewritten("x: &x {b: 1}\na: {c: *x}\n", ("a",), {"c": {"b": 2}})


def test_an_anchor_that_is_used_is_left_alone() -> None:
    """A value that an alias repeats cannot change alone."""
    with pytest.raises(UnwritableError, match="the anchor &x, which is used elsewhere too"):
        rewritten("x: &x {b: 1}\na: *x\n", ("x",), {"b": 2})


def test_comments_that_would_be_lost_stop_a_change() -> None:
    """A list with a comment beside a dash is not written anew when it gets longer or shorter."""
    with pytest.raises(UnwritableError, match="its comments"):
        rewritten("a:\n  - # one\n    1\n  - 2 # two\n", ("a",), [1])
    assert rewritten("a:\n  -\n    1\n  - 2\n", ("a",), [1]) == "a:\n  - 1\n"


def test_a_text_with_a_variable_is_left_alone() -> None:
    """The value of a variable is never written into a file in the variable's place."""
    with pytest.raises(UnwritableError, match="variable"):
        rewritten("a: ${NAME}\n", ("a",), "other")


def test_the_value_of_another_files_variable_is_not_written() -> None:
    """A value that a variable of another file has is refused too, unless it stands in this one anyway."""
    for text, word, is_refused in (
        ("a: one\n", "a-secret", True),
        ("a: one # a-secret\n", "a-secret", False),
        ("a: one\n", "a-secretary", False),
    ):
        try:
            rewrite(read(text), {("a",): f"has {word} in it"}, {}, [("KEY", "a-secret")])
        except UnwritableError as error:
            assert is_refused
            assert "the value of the variable KEY" in str(error)
        else:
            assert not is_refused


def test_what_can_be_written_is_written() -> None:
    """Of several values one that cannot be written is left out with the reason, and the others are written."""
    text = "x: &x {b: 1}\na: *x\nc: 1\nd: 2\n"
    done = rewrite_each(read(text), {("c",): 3, ("x",): {"b": 2}, ("d",): 4, ("e",): 5}, {})
    assert done.text == "x: &x {b: 1}\na: *x\nc: 3\nd: 4\n"
    assert list(done.faults) == [("e",), ("x",)]


def test_several_values_at_once() -> None:
    """Several values of one file are replaced in one go."""
    document = read("a: 1\nb: {c: 2}\n")
    assert rewrite(document, {("b", "c"): 3, ("a",): "x"}, {}) == "a: x\nb: {c: 3}\n"


TEXTS = st.one_of(
    st.sampled_from(
        ["", "yes", "null", "1e5", "0x1f", "- a", "a: b", "#", "{{a}} ${B}", "$${", "$$${A}", "\u2028", "~"]
    ),
    st.sampled_from(["2026-01-01", "12:30", "  x ", "a\tb", "'", '"', "\\", "\x7f", "a\nb\n", "é", "🙂", "@a", "*a"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(value=VALUES)
def test_what_is_written_is_what_is_read(value: JSON) -> None:
    """Any value, written on one line or over several, is read again as that value."""
    for text in (f"a: {SPARING.value(value)}\n", "a:\n  " + "\n  ".join(SPARING.block(value)) + "\n"):
        again = read(text).value
        assert again == {"a": value}


@settings(max_examples=200, deadline=None)
@given(before=VALUES, after=VALUES, is_block=st.booleans())
def test_any_value_can_become_any_other(before: JSON, after: JSON, is_block: bool) -> None:
    """Whatever stands there and shall stand there, the file says it afterwards, and the lines around it stay."""
    written = "\n    ".join(SPARING.block({"k": before})) if is_block else f"k: {SPARING.value(before)}"
    text = f"# head\nt:\n  - n: 1 # n\n    {written}\n    # last\n    z: 1\n# tail\n"
    try:
        document = read(text)
    except DestinationError:
        assume(False)
    assume(not document.problems)
    found = rewrite(document, {("t", 0, "k"): after}, {"NAME": "value"})
    assert read(found).get(("t", 0, "k")) == after
    assert found.startswith("# head\nt:\n  - n: 1 # n\n    k:")
    assert found.endswith("    # last\n    z: 1\n# tail\n")
    assert rewrite(read(found), {("t", 0, "k"): after}, {"NAME": "value"}) == found
