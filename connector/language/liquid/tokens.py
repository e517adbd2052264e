"""Where markup begins and ends in a Liquid template, and where words do inside it: a text to python-liquid's tokens.

Read as liquidjs 10.27.2 does, not as python-liquid would: quotes may hold `}}`, `-` trims what JavaScript calls white
space, texts have escapes, and after a dot every word is a name (`properties.limit`). Raises RefusedError.
"""

import re
from collections.abc import Iterator
from typing import Final

from liquid.exceptions import LiquidSyntaxError
from liquid.stream import TokenStream
from liquid.token import (
    TOKEN_CONTENT,
    TOKEN_DOT,
    TOKEN_EOF,
    TOKEN_EXPRESSION,
    TOKEN_FLOAT,
    TOKEN_IDENTINDEX,
    TOKEN_IDENTSTRING,
    TOKEN_INTEGER,
    TOKEN_LBRACKET,
    TOKEN_OUTPUT,
    TOKEN_RANGE,
    TOKEN_RANGE_LITERAL,
    TOKEN_RBRACKET,
    TOKEN_STRING,
    TOKEN_TAG,
    TOKEN_WORD,
    Token,
    operators,
)

from connector.errors import Fault
from connector.language.liquid.values import NAME_CHAR, SPACES, join_units


class RefusedError(LiquidSyntaxError):
    """Carries a fault through python-liquid's parser."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, token=None)
        self.fault = fault


def place(token: Token) -> tuple[int, int]:
    """Give where a token begins and ends in its template; quotes and brackets are not in its value."""
    start = min(token.start_index, len(token.source))
    is_wrapped = token.kind in (TOKEN_STRING, TOKEN_IDENTSTRING, TOKEN_IDENTINDEX)
    match = _EXPRESSION.match(token.source, start) if is_wrapped else None
    return start, match.end() if match else min(start + len(token.value), len(token.source))


def refuse(message: str, help: str, token: Token) -> RefusedError:
    """Make the error for a token that cannot stand where it does."""
    return RefusedError(Fault("liquid_syntax", message, help, (), *place(token)))


def not_ended(tag: Token) -> RefusedError:
    """Make the error for a tag without its end."""
    help = f"write {{% end{tag.value} %}} after it"
    return RefusedError(Fault("liquid_unclosed", f"the tag {tag.value!r} is not ended", help, (), *place(tag)))


# A template is texts, tags and outputs.

_QUOTED: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_OPENING: Final = re.compile(r"\{[{%]")
_MARKUP: Final = re.compile(rf"""\{{%(?P<tag>.*?)%\}}|\{{\{{(?P<output>(?:{_QUOTED}|[^"'])*?)\}}\}}""", re.DOTALL)
_TAG: Final = re.compile(rf"(#|{NAME_CHAR}*)[{SPACES}]*(.*)", re.DOTALL)
_BLOCK_ENDS: Final = {
    name: re.compile(
        rf"\{{%{dash}[{SPACES}]*end{name}(?=-%\}}|(?!{NAME_CHAR}))(?:(?!\{{%).)*?(?P<dash>-?)%\}}", re.DOTALL
    )
    for name, dash in (("raw", ""), ("comment", "-?"))
}


def split_template(source: str) -> Iterator[Token]:
    """Split a template into texts, outputs and tags; an expression is one token of its own."""
    at, trim = 0, False
    while at < len(source):
        opening = _OPENING.search(source, at)
        markup = _MARKUP.match(source, opening.start()) if opening else None
        if opening and not markup:
            raise _unclosed(source, opening.start())
        inner = markup[markup.lastgroup or 0] if markup else ""
        text = source[at : opening.start() if opening else len(source)]
        text = text.lstrip(SPACES) if trim else text
        text = text.rstrip(SPACES) if inner.startswith("-") else text
        if text:
            yield Token(TOKEN_CONTENT, text, at, source)
        if markup is None:
            return
        at, trim = markup.end(), inner.endswith("-")
        tokens = [*_markup_tokens(markup)]
        if markup["tag"] is None or tokens[0].value not in _BLOCK_ENDS:
            yield from tokens
            continue
        end = _BLOCK_ENDS[tokens[0].value].search(source, at)
        if end is None:
            raise not_ended(tokens[0])
        yield from _block_tokens(tokens[0], source, at, end)
        at, trim = end.end(), end["dash"] == "-"


def _markup_tokens(markup: re.Match[str]) -> Iterator[Token]:
    source, kind = markup.string, str(markup.lastgroup)
    start, end = markup.span(kind)
    start += source.startswith("-", start)
    end -= start < end and source[end - 1] == "-"
    inner = source[start:end].strip(SPACES)
    start += source[start:end].find(inner)
    if kind == "output":
        yield Token(TOKEN_OUTPUT, markup[0], markup.start(), source)
        yield Token(TOKEN_EXPRESSION, inner, start, source)
    else:
        yield from _tag_tokens(inner, start, source)


def _tag_tokens(text: str, start: int, source: str) -> Iterator[Token]:
    match = _TAG.match(text)
    assert match is not None
    yield Token(TOKEN_TAG, match[1], start, source)
    if match[2]:
        yield Token(TOKEN_EXPRESSION, match[2], start + match.start(2), source)


def _block_tokens(tag: Token, source: str, at: int, end: re.Match[str]) -> Iterator[Token]:
    """What stands in `raw` is text, what stands in `comment` is for nobody; neither is read."""
    if tag.value == "raw":
        yield Token(TOKEN_CONTENT, source[at : end.start()], at, source)
    else:
        yield from (tag, Token(TOKEN_TAG, "endcomment", end.start(), source))


def _unclosed(source: str, start: int) -> RefusedError:
    opening, closing = source[start : start + 2], "%}" if source.startswith("{%", start) else "}}"
    fault = Fault("liquid_unclosed", f"{opening!r} is not closed", f"write {closing!r} after it", (), start, start + 2)
    return RefusedError(fault)


def split_lines(block: Token) -> Iterator[Token]:
    """Split what stands in `{% liquid %}`: each line is a tag."""
    at = block.start_index
    for line in block.value.split("\n"):
        text = line.strip(SPACES)
        if text:
            yield from _tag_tokens(text, at + line.index(text), block.source)
        at += len(line) + 1


# An expression is values, operators and filters.

_EXPRESSION: Final = re.compile(
    rf"""(?P<skip>[{SPACES}]+)|\[\s*(?P<identindex>-?[0-9]+)\s*\]|\[\s*(?P<identstring>{_QUOTED})\s*\]"""
    rf"""|(?P<string>{_QUOTED})|(?P<range>\.\.)|\.[{SPACES}]*(?P<member>{NAME_CHAR}+)"""
    rf"""|(?P<number>[+-]?[0-9]+(?:\.(?!\.)[0-9]*)?(?!{NAME_CHAR}))|(?P<word>{NAME_CHAR}+)"""
    r"""|(?P<operator>[=!<>]=|[<>=()\[\]:,|.])|(?P<other>.)""",
    re.DOTALL,
)
_KEYWORDS: Final = frozenset({"true", "false", "nil", "null", "empty", "blank", "and", "or", "not", "contains"})
_KINDS: Final = {
    "identindex": TOKEN_IDENTINDEX,
    "identstring": TOKEN_IDENTSTRING,
    "range": TOKEN_RANGE,
    "string": TOKEN_STRING,
}
_PATH_ENDS: Final = frozenset({TOKEN_WORD, TOKEN_IDENTINDEX, TOKEN_IDENTSTRING, TOKEN_RBRACKET})
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{0,4}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def split_expression(parent: Token) -> Iterator[Token]:
    """Split an expression into its words; white space inside a path is refused, for liquidjs ends the path there."""
    last, gap = "", False
    for match in _EXPRESSION.finditer(parent.value):
        group, start = str(match.lastgroup), parent.start_index + match.start()
        if group == "skip":
            gap = True
            continue
        token = Token(_kind(group, match), _content(group, match[group]), start, parent.source)
        if group == "other":
            raise _unexpected(token)
        if (group == "member" and last not in _PATH_ENDS) or (gap and last in _PATH_ENDS and _goes_on(group, token)):
            raise refuse("a path is torn apart here", "write a path without white space: a.b[0]", token)
        if group == "member":
            yield Token(TOKEN_DOT, ".", start, parent.source)
            token = token._replace(start_index=parent.start_index + match.start(group))
        yield token
        last, gap = token.kind, False


def _goes_on(group: str, token: Token) -> bool:
    return group in ("member", "identindex", "identstring") or token.kind == TOKEN_LBRACKET


def _unexpected(token: Token) -> RefusedError:
    if token.value in "\"'":
        return refuse(f"a text that begins with {token.value} does not end", "write the same quote after it", token)
    return refuse(f"unexpected {token.value!r}", "put a text in quotes", token)


def _kind(group: str, match: re.Match[str]) -> str:
    text = match[group]
    if group == "word" and text in _KEYWORDS:
        return text
    if group == "number":
        return TOKEN_FLOAT if "." in text else TOKEN_INTEGER
    if group == "operator":
        is_range = text == "(" and ".." in match.string[match.end() :]
        return TOKEN_RANGE_LITERAL if is_range else operators[text]
    return _KINDS.get(group, TOKEN_WORD)


def _content(group: str, text: str) -> str:
    return join_units(_ESCAPE.sub(_unescape, text[1:-1])) if group in ("string", "identstring") else text


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] == "u":
        return chr(int(code[1:] or "0", 16))
    return chr(int(code, 8)) if code[0] in "01234567" else _ESCAPED.get(code, code)


class Stream(TokenStream):
    """Tokens whose end has a place, and whose expressions are split by the rules above."""

    def __init__(self, tokens: Iterator[Token], source: str, end: int, depth: int = 0) -> None:
        super().__init__(tokens, depth)
        self.eof = Token(TOKEN_EOF, "", end, source)

    def into_inner(self, *, tag: Token | None = None, eat: bool = True) -> TokenStream:
        """Give the current expression's words as a stream of their own."""
        token = self.current
        if token.kind != TOKEN_EXPRESSION:
            raise refuse("a value is missing", "write one after the tag's name", tag or token)
        if eat:
            next(self)
        return Stream(split_expression(token), token.source, token.start_index + len(token.value))
