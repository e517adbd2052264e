"""Edits of a file's text: one value or key changes, whatever stands around it, or nothing does."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents import Document, Part, read_document
from connector.edits import applied
from connector.errors import Fix, Path
from connector.values import JSON, dump_json

SHAPES = """\
# first
top:
  - name: "One"   # behind
    text: type = 'page'
    folded: >-
      a and
      b
    flow: {a: x, "b": [y, 'z', {c: w}], d: plain words}
    lists:
      - - q
        - r
      -   k: v
          l: m
"""
NEW = st.text(st.sampled_from("ab \"'#:,[]{}&*!|>-\\\n%@`"), max_size=12)


def read(text: str) -> Document:
    """Read a file."""
    return read_document(text.encode(), file="rupt.yaml", environment={})


def texts(value: JSON, path: Path = ()) -> list[Path]:
    """List the paths of all texts."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in texts(inner, (*path, key))]
    if isinstance(value, list):
        return [found for at, inner in enumerate(value) for found in texts(inner, (*path, at))]
    return [path] if isinstance(value, str) else []


def fixed(text: str, fix: Fix) -> JSON:
    """Give what a file holds after a fix."""
    return read(applied(text, [(edit.start, edit.end, edit.text) for edit in fix.edits])).value


def put(value: JSON, path: Path, new: str) -> JSON:
    """Give a value in which one place holds another text."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: put(inner, path[1:], new) if key == path[0] else inner for key, inner in value.items()}
    return [put(inner, path[1:], new) if at == path[0] else inner for at, inner in enumerate(cast(list[JSON], value))]


@given(st.sampled_from(texts(read(SHAPES).value)), NEW, st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_text_becomes_another_and_nothing_else_changes(path: Path, new: str, ends: str) -> None:
    """In any place, block or flow, a text is written so that the file holds it there and else what it held."""
    text = SHAPES.replace("\n", ends)
    document = read(text)
    fix = Part(document, path).rewritten(new)
    if fix is not None:
        assert dump_json(fixed(text, fix)) == dump_json(put(document.value, path, new))


@pytest.mark.parametrize("path", [path for path in texts(read(SHAPES).value) if path[-1] != "folded"])
def test_a_text_can_be_written_in_any_place(path: Path) -> None:
    """There is always a way to write a text on one line."""
    fix = Part(read(SHAPES), path).rewritten("it's: {new} # here")
    assert fix is not None
    assert fixed(SHAPES, fix) == put(read(SHAPES).value, path, "it's: {new} # here")


@pytest.mark.parametrize("path", [("top", 0, "text"), ("top", 0, "flow", "a"), ("top", 0, "lists", 1, "k")])
def test_a_key_becomes_another(path: Path) -> None:
    """A key is renamed where no other has the name, and its value stays."""
    fix = Part(read(SHAPES), path).renamed("new: key")
    assert fix is not None
    above = Part(read(SHAPES), path[:-1]).value
    assert isinstance(above, dict)
    renamed = read(applied(SHAPES, [(edit.start, edit.end, edit.text) for edit in fix.edits])).get(path[:-1])
    assert renamed == {"new: key" if key == path[-1] else key: value for key, value in above.items()}
    assert Part(read(SHAPES), ("top", 0, "text")).renamed("folded") is None


@pytest.mark.parametrize("path", [("a", "x"), ("b", "x")])
def test_what_an_alias_shares_is_not_rewritten(path: Path) -> None:
    """A value that stands in several places by an alias is left alone: the others would change with it."""
    assert Part(read("a: &it {x: one}\nb: *it\n"), path).rewritten("two") is None
    assert Part(read("a: &it\n  x: one\nb: *it\n"), path).rewritten("two") is None
    assert Part(read("a: {x: one}\nb: {x: one}\n"), path).rewritten("two") is not None
