"""Variables in texts: what is filled in, what is left alone, what is wrong, and what is never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.variables import StandIns, fill, redact

ENVIRONMENT = {"NAME": "value", "EMPTY": "", "SECRET": "hunter2-hunter2", "ODD": "a\udc80b"}


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a ${NAME}/${NAME} b", "a value/value b"),
        ("${EMPTY}", ""),
        ("${UNSET:-a default}", "a default"),
        ("${EMPTY:-a default}", "a default"),
        ("${NAME:-a default}", "value"),
        ("${UNSET:-}", ""),
        ("${UNSET:-{{userId}}}", "{{userId}}"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("${{properties.price}}", "${{properties.price}}"),
        ("$${{properties.price}}", "$${{properties.price}}"),
        ("{{ ${NAME} }} {% ${NAME} %} ${NAME}", "{{ ${NAME} }} {% ${NAME} %} value"),
        ("$.context.NAME $NAME $", "$.context.NAME $NAME $"),
    ],
)
def test_fill(written: str, text: str) -> None:
    """Variables are filled in; templates, paths and escaped ones are not."""
    filled = fill(written, ENVIRONMENT)
    assert (filled.text, filled.faults) == (text, ())


@pytest.mark.parametrize(
    ("written", "code", "start", "end"),
    [
        ("a ${UNSET} b", "unset_variable", 2, 10),
        ("a ${", "bad_variable", 2, 4),
        ("${NAME", "bad_variable", 0, 2),
        ("${NAME:?no}", "bad_variable", 0, 2),
        ("${1A}", "bad_variable", 0, 2),
        ("${ODD}", "bad_variable", 0, 6),
    ],
)
def test_faults(written: str, code: str, start: int, end: int) -> None:
    """A variable that is unset, misspelt or not UTF-8 is a fault at its place, and the text stays as it was."""
    filled = fill(written, ENVIRONMENT)
    assert [(fault.code, fault.start, fault.end) for fault in filled.faults] == [(code, start, end)]
    assert filled.text == written


def test_a_near_name_is_offered() -> None:
    """A misspelt variable is told the name that is set."""
    (fault,) = fill("${RUPT_CLIENT}", {"RUPT_CLIENT_ID": "x"}).faults
    assert fault.help.startswith("did you mean 'RUPT_CLIENT_ID'?")


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        (0, 2, "a "),
        (2, 7, "${NAME}"),
        (3, 4, "${NAME}"),
        (0, 9, "a ${NAME} b"),
        (7, 9, " b"),
        (8, 9, "b"),
        (1, 3, " ${NAME}"),
    ],
)
def test_written_span(start: int, end: int, written: str) -> None:
    """A place in the filled text is one in the text as written; a value is its whole variable."""
    text = "a ${NAME} b"
    first, last = fill(text, ENVIRONMENT).written_span(start, end)
    assert text[first:last] == written


@pytest.mark.parametrize(
    ("message", "redacted"),
    [
        ("unknown 'hunter2-hunter2'", "unknown '${SECRET}'"),
        ("unknown 'xhunter2-hunter2x'", "unknown 'x${SECRET}x'"),
        ("unknown 'hunter2-hu…'", "this text is not right once its variables are filled in"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_redact(message: str, redacted: str) -> None:
    """A message shows a variable's name, never its value, whole or in part."""
    assert redact(message, fill("${SECRET}", ENVIRONMENT).pieces) == redacted


def test_redact_of_a_short_value_leaves_words_alone() -> None:
    """A value of one letter is hidden where it stands alone, not in the middle of words."""
    assert redact("a bad 'a'", fill("${A}", {"A": "a"}).pieces) == "${A} bad '${A}'"


@given(st.text(alphabet="${}NAME:-UX%a ", max_size=40))
def test_any_text_is_filled_or_faulty(written: str) -> None:
    """Whatever the text, the answer's pieces and faults lie inside it, in order."""
    filled = fill(written, ENVIRONMENT)
    spans = [piece.written for piece in filled.pieces] or [(fault.start, fault.end) for fault in filled.faults]
    assert all(0 <= start < end <= len(written) for start, end in spans)
    assert spans == sorted(spans)
    for piece in filled.pieces:
        assert filled.text[piece.start : piece.end] == piece.value


def test_stand_ins_fill_what_is_unset() -> None:
    """Where nothing is sent, an unset name gets a URL that leads nowhere; values and defaults go before it."""
    filled = fill("${SET} ${UNSET:-default} ${UNSET}", StandIns({"SET": "value"}))
    assert (filled.text, filled.faults) == ("value default https://unset.invalid/UNSET", ())
