"""Places in a file: decoded texts aligned with their raw slices, lines, columns, and what a printed line hides."""

from typing import Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents import read_document
from connector.positions import align, make_source, printable, quoted, shown


@pytest.mark.parametrize(
    ("raw", "text", "style", "offsets"),
    [
        ("abc", "abc", "", [0, 1, 2, 3]),
        ("ab\n  cd", "ab cd", "", [0, 1, 2, 5, 6, 7]),
        ("ab  \r\n\r\n  cd", "ab\ncd", "", [0, 1, 2, 10, 11, 12]),
        ("'it''s'", "it's", "'", [1, 2, 3, 5, 6]),
        ('"a\\tb"', "a\tb", '"', [1, 2, 4, 5]),
        ('"\\u00e9\\x41\\U0001F600z"', "éA😀z", '"', [1, 7, 11, 21, 22]),
        ('"a\\\n   b"', "ab", '"', [1, 7, 8]),
        ('"a\n\n b"', "a\nb", '"', [1, 2, 5, 6]),
        ("|\n  ab\n   c\n", "ab\n c\n", "|", [4, 5, 6, 9, 10, 11, 11]),
        ("|2-\n   ab", " ab", "|", [6, 7, 8, 9]),
        (">\n  ab\n  cd\n", "ab cd\n", ">", [4, 5, 6, 9, 10, 11, 11]),
    ],
)
def test_align(raw: str, text: str, style: str, offsets: list[int]) -> None:
    """Each character of the text, and its end, is found where it stands in the file."""
    assert align(raw, text, style) == offsets


def test_align_gives_up_on_what_does_not_fit() -> None:
    """Where the text was not read from the slice, every offset is the slice's start."""
    assert align("abc", "abcdef", "") == [0] * 7


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(alphabet="ab é😀\"'\\\n\t:#{}", max_size=60),
    style=st.sampled_from(["'", '"', "|", ">", None]),
    width=st.sampled_from([8, 20, 400]),
    loader=st.sampled_from([yaml.CSafeLoader, yaml.SafeLoader]),
)
def test_offsets_of_any_text_in_any_style(
    text: str, style: Literal["'", '"', "|", ">"] | None, width: int, loader: type
) -> None:
    """Whatever way a text is written, each visible character of it is found at itself, or at its escape."""
    written = yaml.safe_dump({"deep": {"key": text}}, default_style=style, width=width, allow_unicode=True)
    document = read_document(written.encode(), file="f.yaml", environment={}, loader=loader)
    assert document.value == {"deep": {"key": text}}
    for at, char in enumerate(text):
        start, _ = document.span(("deep", "key"), at, at + 1)
        found = written[start]
        assert found == char or char in " \n\t" or found == "\\", (written, at)


def test_lines_and_columns() -> None:
    """Lines end with a line feed, a carriage return or both; columns count characters."""
    source = make_source("f.yaml", "a\r\né😀x\rb\nc")
    where = [str(source.location(source.text.index(char))) for char in "axbc"]
    assert where == ["f.yaml:1:1", "f.yaml:2:3", "f.yaml:3:1", "f.yaml:4:1"]


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("api_secret: sk_live_1, 2", "api_secret: ************"),
        ("{api_secret: 'sk', debug: x}", "{api_secret: ****, debug: x}"),
        ('"api_secret" : "sk"', '"api_secret" : ****'),
        ("api_secret: ${RUPT_API_SECRET}", "api_secret: ${RUPT_API_SECRET}"),
        ("api_secret: ${X:-sk_live}", "api_secret: *************"),
        ("secret: $.context.secret", "secret: $.context.secret"),
        ("domain: https://me:word@example.com", "domain: https://*******@example.com"),
        ("account: $.userId", "account: $.userId"),
    ],
)
def test_a_printed_line_hides_secrets(line: str, printed: str) -> None:
    """What stands behind a key of a secret is starred, a path or a variable's name is not."""
    assert make_source("f.yaml", line).problem("code", "message", 0, 1).source == printed


def test_a_very_long_line_is_not_printed() -> None:
    """A file of one long line does not fill the screen."""
    assert make_source("f.yaml", "a" * 401).problem("code", "message", 3, 4).source == ""


def test_control_characters_are_not_printed() -> None:
    """Nothing of a file can move the cursor or colour the terminal."""
    problem = make_source("f.yaml", "a\x1b[31m").problem("code", "m\x1b", 0, 1, help="h\x07")
    assert (problem.source, problem.message, problem.help) == ("a\ufffd[31m", "m\ufffd", "h\ufffd")
    assert printable("a\tb") == "a\tb"
    assert quoted("a\x1b") == "'a\\x1b'"


@pytest.mark.parametrize(
    ("value", "text"),
    [("abc", "'abc'"), (1, "1"), (2.5, "2.5"), (True, "true"), (None, "null"), ([], "a list"), ({}, "an object")],
)
def test_shown(value: None, text: str) -> None:
    """A message shows a scalar itself and of anything else the type."""
    assert shown(value) == text


def test_quoted_cuts_long_texts() -> None:
    """A long text is cut in a message."""
    assert quoted("x" * 100) == repr("x" * 59 + "…")
