"""A YAML parser's error becomes a problem in the words of somebody who writes mappings.

In: the error of PyYAML or libyaml and the file's text. Out: one Problem at the place to edit. Nothing is parsed here.
"""

import re
from typing import Final

import msgspec
import yaml

from connector.errors import Problem
from connector.positions import Source

_CHAR_MESSAGE: Final = "a text that starts with CHAR must be in quotes"
_BANG_HELP: Final = "put it in quotes, for example a trigger: '!contains(event, \"x\")'"
_BRACKET_HELP: Final = 'put a text that holds any of , [ ] { } in quotes: "$.items[0].id"'
_UNCLOSED_HELP: Final = "close it; a text that holds any of , [ ] { } must be in quotes"
_VARIABLE_MESSAGE: Final = "a variable must be in quotes inside { } and [ ]"
_ONE_QUOTE: Final = "inside single quotes write '' for one"


class _Saying(msgspec.Struct, frozen=True):
    """What a parser's error is known by, and what we say. `begun`: show what was begun, not where it went wrong."""

    words: str
    code: str
    message: str
    help: str
    begun: bool = False


_SAYINGS: Final = (
    _Saying("tab character", "tab", "a tab stands where only spaces can indent", "indent with spaces"),
    _Saying("cannot start any token", "needs_quotes", _CHAR_MESSAGE, 'write "WORD"'),
    _Saying("an? (?:anchor|alias)", "needs_quotes", _CHAR_MESSAGE, 'write "WORD"', True),
    _Saying(r"\btag\b", "tag", "a text that starts with ! is a YAML tag, and tags are not read", _BANG_HELP, True),
    _Saying("mapping values are not allowed", "needs_quotes", "no key can stand before this colon",
            "put a text that holds `: ` in quotes, and indent the keys of one object alike"),
    _Saying("sequence entries are not", "bad_yaml", "no list can begin here", "begin the list on the next line"),
    _Saying("quoted scalar .*(?:end of stream|document)", "bad_yaml", "this text has no closing quote",
            f"close the quote; {_ONE_QUOTE}", True),
    _Saying("unknown escape|hexa?decimal", "bad_yaml", "there is no such escape in double quotes",
            r"write \\ for one backslash, or use single quotes"),
    _Saying("character escape", "bad_yaml", "this escape stands for no character", "write the character itself"),
    _Saying("block scalar", "bad_yaml", "this cannot stand behind | or >", "begin the text on the next line"),
    _Saying("expected ':'", "bad_yaml", "this line is neither a key nor a value", "write `key: value`", True),
    _Saying("flow (?:mapping|sequence|node)", "bad_yaml", "a comma or closing bracket is missing here", _BRACKET_HELP),
    _Saying("expected key|<block end>|block collection", "bad_yaml", "this does not go with what stands above it",
            f"indent the keys of one object alike; {_ONE_QUOTE}"),
    _Saying("node content", "bad_yaml", "a value is missing here", "write a value, or null"),
    _Saying("document start", "bad_yaml", "the document ends before this", "remove what is too much"),
    _Saying("YAML document|YAML version|directive", "bad_yaml", "no such line with % is read", "remove it"),
)  # fmt: skip


def syntax_problem(source: Source, error: yaml.MarkedYAMLError) -> Problem:
    """Say what a YAML parser stumbled over, and show it."""
    said = f"{error.context or ''} {error.problem or ''}"
    saying = next((saying for saying in _SAYINGS if re.search(saying.words, said)), None)
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    at = mark.index if mark else 0
    text = source.text
    if text[at : at + 1] in ("}", "]"):
        return source.problem("bad_yaml", f"nothing is open that this {text[at]} closes", at, at + 1, help="remove it")
    if text[at - 1 : at + 1] == "${":
        return source.problem("needs_quotes", _VARIABLE_MESSAGE, at - 1, at, help='write "${NAME}"')
    if text[at : at + 1] == "\t":
        saying = _SAYINGS[0]
    elif begun and ((saying and saying.begun) or not text[at:].strip()):
        at = begun.index
        if saying and text[at : at + 1] in ("{", "["):
            message = f"this {text[at]} is not closed"
            return source.problem("bad_yaml", message, at, at + 1, help=_UNCLOSED_HELP)
    if saying is None:
        return source.problem("bad_yaml", said.strip(), at, at + 1)
    if saying.words.startswith("expected key") and text[:at].rstrip().endswith(("'", '"')):
        help = f"put all of it in one pair of quotes; {_ONE_QUOTE}"
        return source.problem("bad_yaml", "the text goes on behind its closing quote", at, at + 1, help=help)
    word = re.compile(r"[^\s,:{}\[\]]*").match(text, at)
    message = saying.message.replace("CHAR", text[at : at + 1])
    return source.problem(saying.code, message, at, at + 1, help=saying.help.replace("WORD", word[0] if word else ""))
