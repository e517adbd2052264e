import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.sources.splitter import Piece, is_document, split_values
from connector.values import JSON


def split(text: bytes, limit: int = 1_000) -> list[str]:
    """The pieces of a text in short: `line:raw`, or `line!fault`."""
    pieces = split_values([text], limit=limit)
    return [f"{piece.line}!{piece.fault}" if piece.fault else f"{piece.line}:{piece.raw.decode()}" for piece in pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b" \r\n ", []),
        (b'{"a":1}', ['1:{"a":1}']),
        (b'{"a":1}{"b":2}', ['1:{"a":1}', '1:{"b":2}']),
        (b'{"a":1},\n\n {"b":2}\n', ['1:{"a":1}', '3:{"b":2}']),
        (b'[{"a":1},{"b":2}]', ['1:{"a":1}', '1:{"b":2}']),
        (b'[\n{"a":\n1}\n,\n{"b":2}]', ['2:{"a":\n1}', '5:{"b":2}']),
        (b'[{"a":1}]\n[{"b":2}]{"c":3}', ['1:{"a":1}', '2:{"b":2}', '2:{"c":3}']),
        (b"[[1,2],[]]", ["1:[1,2]", "1:[]"]),
        (b"[]", ["1:[]"]),
        (b"[ \n ]", ["2:[]"]),
        (b'[1, "a,]}", null, {}]', ["1:1", '1:"a,]}"', "1:null", "1:{}"]),
        (rb'{"a":"\"}{"}{}', [r'1:{"a":"\"}{"}', "1:{}"]),
        (b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", ['1:{"a":' + "[" * 50 + "]" * 50 + "}"]),
        (b"some words\n{}", ["1:some words", "2:{}"]),
        (b'"half\n{}', ['1:"half', "2:{}"]),
        (b"}{}", ["1!a bracket closes that was not opened", "1:{}"]),
        (b"[{}]]{}", ["1:{}", "1!a bracket closes that was not opened", "1:{}"]),
        (b"[{}", ["1:{}", "1!the text ends inside an object or list"]),
    ],
)
def test_split(text: bytes, expected: list[str]) -> None:
    """Values stand one after another or in lists, on any number of lines."""
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b'[\n  {"a": 1,\n  {"a": 2},\n  {"a": {\n    "b": 1}},\n  {"a": 4}\n]',
            ['2:{"a": 1', '3:{"a": 2}', '4:{"a": {\n    "b": 1}}', '6:{"a": 4}'],
        ),
        (b'{\n  "a": 1\n{\n  "a": 2\n}\n', ['1:{\n  "a": 1', '3:{\n  "a": 2\n}']),
        (
            b'[{"a": "b},\n{"a": 2},\n{"a": 3}]',
            ["1!a line ends inside a string; 11 bytes skipped", '2:{"a": 2}', '3:{"a": 3}'],
        ),
        (
            b'[{"t":{"a":1},{"t":2},{"t":3}]',
            ['1:{"t":{"a":1}', '1:{"t":2}', '1:{"t":3}'],
        ),
        (
            b'[{"a":1},{"a":[1},{"a":3}]',
            ['1:{"a":1}', '1:{"a":[1}', '1:{"a":3}'],
        ),
        (
            b'[{"a":{"b":1},{"c":2}]',
            ["1!the brackets do not match; 21 bytes skipped", "1!the text ends inside an object or list"],
        ),
        (b'{"a":1', ["1!the text ends inside an object or list; 6 bytes skipped"]),
    ],
)
def test_broken_values(text: bytes, expected: list[str]) -> None:
    """After a value whose brackets or quotes do not match, the next that begins like it is found again."""
    assert split(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            b'[{"a":1},{"a":"%s"},{"a":3}]',
            ['1:{"a":1}', "1!a value of more than 50 bytes; 109 bytes skipped", '1:{"a":3}'],
        ),
        (
            b'{"a":1}\n{"a":"%s"}\n{"a":3}',
            ['1:{"a":1}', "2!a value of more than 50 bytes; 109 bytes skipped", '3:{"a":3}'],
        ),
        (b'{"a":"%s"}', ["1!a value of more than 50 bytes; 108 bytes skipped"]),
    ],
)
def test_limit(text: bytes, expected: list[str]) -> None:
    """A value over the limit is skipped, and said how long it was."""
    assert split(text % (b"x" * 100), limit=50) == expected


def test_value_at_the_limit() -> None:
    """A value may have as many bytes as the limit says."""
    assert split(b'{"a":1}' * 3, limit=7) == ['1:{"a":1}'] * 3


def test_open_brackets() -> None:
    """Nobody counts millions of opening brackets."""
    (found,) = split_values([b'{"a":' * 20_000], limit=1_000_000)
    assert found.fault == "more than 10,000 brackets are open; 100,000 bytes skipped"


def test_cut() -> None:
    """A piece says when the stream ended before it did."""
    assert [piece.cut for piece in split_values([b'[{"a":1},{"a":'])] == [False, True, True]


parts = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b":",
        b"\n",
        b" ",
        b"x",
        b"1",
        b'"a"',
        b'{"a":1}',
        b'\n  {"a":1},',
        b"\xff",
    ]
)
streams = st.lists(parts, max_size=60).map(b"".join)
limits = st.sampled_from([8, 20, 1_000])


@given(streams, st.lists(st.integers(0, 200), max_size=8), limits)
@example(b'[\n  {"a":1,\n  {"a":1},\n  {"a":1}]', [3, 5, 9], 1_000)
def test_chunks(stream: bytes, cuts: list[int], limit: int) -> None:
    """Wherever a stream is cut into chunks, its pieces are the same."""
    ends = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[start:end] for start, end in pairwise(ends)]
    whole = list(split_values([stream], limit=limit))
    assert list(split_values(chunks, limit=limit)) == whole
    assert list(split_values((stream[at : at + 1] for at in range(len(stream))), limit=limit)) == whole


def test_long_stream_in_chunks() -> None:
    """The same holds where a value is longer than what is kept of the text before it."""
    stream = b'[\n%s{"a": ["%s"],\n "b": "\n%s{"a": 2}]' % (b" " * 40, b"x" * 3_000, b" " * 40)
    whole = list(split_values([stream]))
    assert [piece.line for piece in whole] == [2, 4]
    for size in (1, 7, 64, 100, 1_000):
        assert list(split_values(stream[at : at + size] for at in range(0, len(stream), size))) == whole


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
containers = st.lists(st.dictionaries(st.text(max_size=3), values, max_size=4), min_size=1, max_size=5)


@given(containers, st.booleans(), st.sampled_from([None, 0, 1, 2]), st.booleans())
def test_right_json(items: list[dict[str, JSON]], in_list: bool, indent: int | None, ascii_only: bool) -> None:
    """The values of right JSON come out as they are, each with the line that it starts on."""
    texts = [json.dumps(item, indent=indent, ensure_ascii=ascii_only) for item in items]
    stream = json.dumps(items, indent=indent, ensure_ascii=ascii_only) if in_list else "\n".join(texts)
    found = list(split_values([stream.encode()]))
    assert [json.loads(piece.raw) for piece in found] == items
    lines = stream.encode().split(b"\n")
    for piece in found:
        assert b"\n".join(lines[piece.line - 1 :]).find(piece.raw) >= 0


@given(st.binary())
def test_any_bytes(stream: bytes) -> None:
    """Whatever the bytes are, there are pieces where there is anything to see, and nothing raises."""
    assert bool(list(split_values([stream], limit=100))) or not stream.strip(b" \t\r\n\f\v,[")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (b"{", b'"a": 1', True),
        (b'{"a": {', b'"b": 1', True),
        (b'{"a":', b'{"b": 1}}', True),
        (b'{"batch": [', b'{"a": 1}]}', True),
        (b'{"batch": [{"a": 1},', b'{"a": 1}]}', True),
        (b'{"batch": [{"a": 1}', b', {"a": 1}]}', True),
        (b'{"a": 1,', b'"b": 1}', True),
        (b'{"a":1}{"b":2}', b"", True),
        (b'{"a": 1', b"", True),
        (b'{"a": 1,', b'{"a": 1}', False),
        (b'{"a": [1', b'{"a": 1}', False),
        (b'{"a": "b', b'{"a": 1}', False),
        (b'{"a": "b', b'"c": 1}', False),
        (b"{'a': 1}", b'{"a": 1}', False),
        (b"{}}", b"", False),
    ],
)
def test_is_document(first: bytes, second: bytes, expected: bool) -> None:
    """A line that is not JSON by itself belongs to a document when it ends inside one that the next line can go on."""
    assert is_document(first, second) is expected


def test_piece_of_a_fault_is_empty() -> None:
    """What is wrong has no text."""
    assert list(split_values([b"}"])) == [Piece(1, b"", "a bracket closes that was not opened")]
