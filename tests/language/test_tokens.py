"""The tokenizer that the small languages share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Fault, LanguageError
from connector.language.tokens import Rule, Token, tokenizer

UNKNOWN = Fault("unknown", "{} means nothing here", "remove it")
OPEN = Fault("open", "a text without its end", "close it")
tokenize = tokenizer(
    (
        Rule("space", r"\s+", skip=True),
        Rule("text", '"[^"]*"'),
        Rule("open", '".*', refusal=OPEN),
        Rule("keyword", r"and(?!\w)"),
        Rule("word", r"\w+"),
    ),
    unknown=UNKNOWN,
)


def test_tokens_know_their_kind_text_and_place() -> None:
    """Each token says what it is and where it stands, and skipped text leaves none."""
    assert tokenize(' ab  "c d"') == [Token("word", "ab", 1, 3), Token("text", '"c d"', 5, 10)]


def test_the_first_rule_that_matches_wins() -> None:
    """A keyword is no word, but a word that starts like a keyword is one."""
    assert [(token.kind, token.text) for token in tokenize("and android")] == [("keyword", "and"), ("word", "android")]


def test_no_text_has_no_tokens() -> None:
    """An empty text is not an error of the tokenizer."""
    assert tokenize("") == []


def test_every_unknown_character_is_reported() -> None:
    """All characters that no rule takes are named at once, each with its place."""
    with pytest.raises(LanguageError) as raised:
        tokenize("a ? b §")
    assert raised.value.faults == (
        Fault("unknown", "'?' means nothing here", "remove it", (), 2, 3),
        Fault("unknown", "'§' means nothing here", "remove it", (), 6, 7),
    )


def test_a_refusing_rule_is_a_fault_with_its_place() -> None:
    """A rule may name what is wrong, such as a text that is never closed."""
    with pytest.raises(LanguageError) as raised:
        tokenize('ab "cd')
    assert raised.value.faults == (Fault("open", "a text without its end", "close it", (), 3, 6),)


def spans(text: str) -> list[tuple[int, int, str | None]]:
    """The places that the tokenizer gives, with the text of tokens."""
    try:
        return [(token.start, token.end, token.text) for token in tokenize(text)]
    except LanguageError as error:
        return [(fault.start, fault.end, None) for fault in error.faults]


@given(st.text())
def test_any_text_gives_tokens_or_faults_inside_it(text: str) -> None:
    """Whatever the text, tokens spell what stands at their place, and faults lie inside the text."""
    for start, end, spelled in spans(text):
        assert 0 <= start < end <= len(text)
        assert spelled in (None, text[start:end])
