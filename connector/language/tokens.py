"""Text to tokens, by one table of named rules; for every small language of this package.

In come a text and a table, out come tokens with their place. It knows no grammar: what may follow what is a parser's
business. A character that no rule knows, or a rule that refuses, is a LanguageError; all of them are reported at once.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from connector.errors import Fault, LanguageError


class Token(msgspec.Struct, frozen=True):
    """A piece of a text: `text` is what stands from `start` to `end`."""

    kind: str
    text: str
    start: int
    end: int


class Rule(msgspec.Struct, frozen=True):
    """How one kind of token looks. `pattern` is a regular expression without capturing groups.

    `skip` drops what it finds. `refusal` makes it a fault: its place is filled in, and `{}` in its message.
    """

    kind: str
    pattern: str
    skip: bool = False
    refusal: Fault | None = None


Tokenizer: TypeAlias = Callable[[str], list[Token]]


def tokenizer(rules: Sequence[Rule], *, unknown: Fault) -> Tokenizer:
    """Compile a table into a function from a text to its tokens; at each place the first rule that matches wins.

    `unknown` is the fault of a character that no rule takes. The function raises LanguageError with every refusal.
    """
    table = {rule.kind: rule for rule in (*rules, Rule("unknown", ".", refusal=unknown))}
    pattern = re.compile("|".join(f"(?P<{rule.kind}>{rule.pattern})" for rule in table.values()), re.ASCII | re.DOTALL)

    def tokenize(text: str) -> list[Token]:
        found = [(table[match.lastgroup or "unknown"], match) for match in pattern.finditer(text)]
        faults = [_refused(rule.refusal, match) for rule, match in found if rule.refusal]
        if faults:
            raise LanguageError(*faults)
        return [Token(rule.kind, match.group(), *match.span()) for rule, match in found if not rule.skip]

    return tokenize


def _refused(refusal: Fault, match: re.Match[str]) -> Fault:
    message = refusal.message.replace("{}", repr(match.group()))
    return replace(refusal, message=message, start=match.start(), end=match.end())
