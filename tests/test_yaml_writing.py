"""Values written as YAML: whichever way they are written, the loader reads them again, and nothing is hard to see."""

import pytest
import yaml

from connector.documents import read_document
from connector.values import JSON
from connector.yaml_writing import SHOWN, SPARING, STRICT, UNPRINTABLE, Yaml, write_trigger

ODD = [
    *("", " ", "a ", " a", "a  b", "-", "- a", "?", "? a", ":", "a:", "a: b", "a:b", "#", "a #b", "a#b"),
    *("null", "~", "True", "yes", "NO", "off", "y", "12", "-1.5e3", "0x1f", "0b1", "1:30", "2026-11-21", ".inf"),
    *("1_000", "<<", "a <b", "=", "@a", "`a", "%a", "&a", "*a", "!a", "|", ">", "[a]", "{a}", "a, b", "---", "..."),
    *("'a'", '"a"', "it's", "back\\slash", "a\\nb", "two\nlines", "tab\there", "bell\x07", "\x7f", "\x85"),
    *("no\u00a0break", "zero\u200bwidth", "\ufeff", "line\u2028end", "right\u202eleft", "soft\u00adhyphen"),
    *("\uffff", "ünï", "日本", "\U0001f600", "x" * 1_200, "https://app.example.com/a?b=c", "mailto:ada@example.com"),
    *("${NAME}", "$${NAME}", "$$${NAME}", "${", "{{${NAME}}}", "{{a}} ${NAME}", "${{a}}", "{%${NAME}%}"),
    *("$.a", "$.a b", "{{ a }}", "{% if a %}"),
]
WRITERS = [pytest.param(STRICT, id="names"), pytest.param(SPARING, id="texts")]


def read(text: str) -> JSON:
    """Read a text as a destination file is read."""
    return read_document(text.encode(), file="a.yaml", environment={"NAME": "filled"}).value


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_is_read_again(text: str, writer: Yaml) -> None:
    """On one line and over several, as a value, as an item and as a key, a text is read as what it is."""
    whole: JSON = {"a": text, "b": [text, {"c": text}], text or "empty": {"d": [text]}}
    assert read(writer.value(whole)) == whole
    assert read("\n".join(writer.block(whole))) == whole


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("style", ["'", '"'])
def test_quotes_stay(text: str, style: str) -> None:
    """A text that has had quotes keeps them where they can hold it."""
    written = SPARING.scalar(text, style)
    assert written[0] == written[-1]
    assert written[0] in (style, '"')
    assert read(f"a: {written}") == {"a": text}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("text", ODD)
def test_what_cannot_be_seen_is_escaped(text: str, writer: Yaml) -> None:
    """No control character and no space without width stands in the file as itself."""
    assert not UNPRINTABLE.search(writer.scalar(text))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("text", ODD)
def test_a_reader_of_yaml_1_1_sees_a_text(text: str, writer: Yaml) -> None:
    """A text is none but a text for a reader that takes `yes` for true and 1:30 for a number."""
    assert isinstance(yaml.safe_load(f"a: {writer.scalar(text)}")["a"], str)


@pytest.mark.parametrize(
    ("text", "as_name", "as_text"),
    [
        ("Attach Device", "Attach Device", "Attach Device"),
        ("$.context.page", "$.context.page", "$.context.page"),
        ("user-42", '"user-42"', "user-42"),
        ("https://app.example.com/a", '"https://app.example.com/a"', "https://app.example.com/a"),
        ("12", '"12"', '"12"'),
        ("${A}", '"$${A}"', "$${A}"),
    ],
)
def test_what_goes_without_quotes(text: str, as_name: str, as_text: str) -> None:
    """A file made anew has only names and paths bare; in a file that somebody wrote every text is that can be."""
    assert (STRICT.scalar(text), SPARING.scalar(text)) == (as_name, as_text.replace("$${A}", '"$${A}"'))


def test_what_is_shown_is_not_escaped() -> None:
    """For a person to read a variable stands as the text has it."""
    assert list(SHOWN.block({"a": "${A} b"})) == ['a: "${A} b"']


@pytest.mark.parametrize("value", [None, True, False, 0, -12, 2.5, 1e300, 1e-7, 10**30, [], {}, [[]], [{}], {"a": []}])
def test_other_values_are_read_again(value: JSON) -> None:
    """Numbers, true, false, null and what is empty are read as they are."""
    assert read(f"a: {SPARING.value(value)}") == {"a": value}
    assert read("\n".join(SPARING.block({"a": value}))) == {"a": value}


@pytest.mark.parametrize(
    "trigger", ['type = "page"', 'contains(event, "a")', "!(type = 'x')", "yes", 'a = "${B}"', "a "]
)
def test_a_trigger_is_read_again(trigger: str) -> None:
    """A trigger stands bare where it can."""
    assert read(f"trigger: {write_trigger(trigger)}") == {"trigger": trigger}
