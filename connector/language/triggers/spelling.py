"""The tokens of a trigger, and the spellings of other languages that people bring along.

In comes a text, out come tokens of FQL, with a finding for each that had to be translated: `AND`, `==`, `&&`, `not`.
Segment's published parser passes over most of these in silence, and the trigger then means something else.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from connector.errors import Fault
from connector.language.tokens import Rule, Token, tokenizer
from connector.language.triggers.repairs import Finding

_END_OF_WORD: Final = r"(?![\w.\\-])"
_UNPLAIN: Final = re.compile(r"[^A-Za-z0-9_-]")
_LETTER: Final = re.compile(r"[A-Za-z_\\]")
_UNTERMINATED: Final = Fault(
    "trigger_unterminated",
    "a text without its closing quote",
    "close it with the quote that opens it; a backslash before a quote keeps the text open",
)
_CURLY: Final = Fault("trigger_quote", "{} is a typographic quote", "use the straight quotes \" or '")
_DOLLAR: Final = Fault("trigger_path", "a trigger names fields without '$'", "write the field alone")
_UNKNOWN: Final = Fault(
    "trigger_character",
    "{} means nothing here",
    r"put texts in quotes; in a field name write a backslash before any other character: properties.product\ 1",
)

tokenize: Final = tokenizer(
    (
        Rule("space", r"\s+", skip=True),
        Rule("text", r'"(?:[^"\\]|\\.)*"|' r"'(?:[^'\\]|\\.)*'"),
        Rule("unterminated", "[\"'].*", refusal=_UNTERMINATED),
        Rule("curly", "[\u2018-\u201f\u00ab\u00bb]", refusal=_CURLY),
        Rule("dollar", r"\$\.?", refusal=_DOLLAR),
        Rule("number", rf"[+-]?[0-9]+(?:\.[0-9]+)?{_END_OF_WORD}"),
        Rule("odd_number", r"[+-]?\.?[0-9][\w.+-]*|[+-]"),
        Rule("keyword", rf"(?:and|or|in|null|true|false){_END_OF_WORD}"),
        Rule("odd_keyword", rf"(?i:and|or|not|in|null|true|false){_END_OF_WORD}"),
        Rule("function", r"[A-Za-z_][\w-]*(?=\s*\()"),
        Rule("word", r"(?:[A-Za-z_]|\\.)(?:[\w.-]|\\.)*"),
        Rule("dot", r"\.(?:[\w.-]|\\.)*"),
        Rule("foreign", r"===?|!==|<>|=~|!~|~=?|=>|=<|&&?|\|\|?"),
        Rule("operator", "<=|>=|!=|<|>|="),
        Rule("bang", "!"),
        Rule("group_open", r"\("),
        Rule("group_close", r"\)"),
        Rule("list_open", r"\["),
        Rule("list_close", r"\]"),
        Rule("comma", ","),
    ),
    unknown=_UNKNOWN,
)

_TRANSLATIONS: Final = {
    **dict.fromkeys(("==", "==="), ("operator", "=")),
    **dict.fromkeys(("!==", "<>"), ("operator", "!=")),
    "=>": ("operator", ">="),
    "=<": ("operator", "<="),
    **dict.fromkeys(("&&", "&"), ("keyword", "and")),
    **dict.fromkeys(("||", "|"), ("keyword", "or")),
}


class Spelled(NamedTuple):
    """The tokens of a text, ended by one of kind `end`, and what is wrong with their spelling."""

    tokens: list[Token]
    findings: list[Finding]


def spell(text: str) -> Spelled:
    """Read a text's tokens, each odd spelling translated. Raises LanguageError for what is no token at all."""
    spelled = Spelled([], [])
    found = [*tokenize(text), Token("end", "", len(text), len(text))]
    for before, token, after in _in_context(found):
        instead = _translate(before, token, after)
        spelled.tokens.append(instead)
        if instead is not token:
            spelled.findings.append(_translated(token, instead, after, text))
    return spelled


def _in_context(tokens: list[Token]) -> Iterator[tuple[Token, Token, Token]]:
    return zip((tokens[-1], *tokens), tokens, (*tokens[1:], tokens[-1]), strict=False)


def _translate(before: Token, token: Token, after: Token) -> Token:
    if token.kind == "odd_keyword":
        lower = token.text.lower()
        if lower != "not":
            return replace(token, kind="keyword", text=lower)
        in_comparison = after.text.lower() == "in" or before.text.lower() == "is"  # the parser knows what to say
        return token if in_comparison else replace(token, kind="bang", text="!")
    if token.kind == "foreign" and token.text in _TRANSLATIONS:
        kind, text = _TRANSLATIONS[token.text]
        return replace(token, kind=kind, text=text)
    return token


def _translated(token: Token, instead: Token, after: Token, text: str) -> Finding:
    edit = (token.start, token.end, _spaced(instead.text, token, text))
    if instead.kind == "bang":
        code, message = "trigger_not", f"Segment passes over '{token.text}'"
        edit = (token.start, after.start, "!")
    elif token.kind == "foreign":
        code, message = "trigger_operator", f"'{token.text}' is not an operator of triggers"
    else:
        code, message = "trigger_case", f"Segment passes over '{token.text}': operators and values are lower case"
    return Finding(Fault(code, message, f"write {instead.text}", (), token.start, token.end), (edit,))


def _spaced(word: str, token: Token, text: str) -> str:
    """Keep a word apart from what it would touch; a sign may touch."""
    before, after = text[max(token.start - 1, 0) : token.start], text[token.end : token.end + 1]
    return f"{' ' if before.strip() else ''}{word}{' ' if after.strip() else ''}" if word.isalpha() else word


def text_value(token: Token) -> str:
    r"""Take a text out of its quotes: `\"` between double quotes is the quote, other backslashes stay as they are."""
    quote = token.text[0]
    return token.text[1:-1].replace(f"\\{quote}", quote)


def quoted(text: str) -> str:
    """Put a text in quotes."""
    return '"' + text.replace('"', '\\"') + '"'


def escaped(key: str) -> str:
    """Spell one key of a path: a backslash before all but letters, digits, `_` and `-`, and before a first digit."""
    spelled = _UNPLAIN.sub(r"\\\g<0>", key)
    return spelled if _LETTER.match(spelled) else f"\\{spelled}"
