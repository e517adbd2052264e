"""A place in the tokens of one trigger, and what was found wrong so far; the grammar's functions move it along."""

from collections.abc import Iterable
from typing import Final, NoReturn, Protocol

from connector.errors import Fault
from connector.language.tokens import Token
from connector.language.triggers.repairs import Edit, Finding
from connector.language.triggers.spelling import spell

_DEEPEST: Final = 50  # parentheses, `!` and functions inside one another


_TOUCHY: Final = ("and", "or", "<=", ">=")  # as is a text: its tokenizer takes what follows for part of it ...
_APART: Final = ("", " ", "\t", "\n", ",", "]", ")", "&", "|")  # ... but for these; the last two are refused anyway


class Stop(Exception):  # noqa: N818 - no error of the product: the grammar's own way out, caught where it starts
    """The rest cannot be read; the reason is the cursor's last finding."""


class Placed(Protocol):
    """What stands somewhere in the text: a token or a node."""

    @property
    def start(self) -> int:
        """The offset of its first character."""

    @property
    def end(self) -> int:
        """The offset behind its last character."""


class Cursor:
    """The tokens of a text and the place in them. The last token is of kind `end` and is never passed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens, self.findings = spell(text)
        self._at = 0
        self._depth = 0

    @property
    def token(self) -> Token:
        """The token that is read next."""
        return self.tokens[self._at]

    @property
    def last_end(self) -> int:
        """Where the token before ends."""
        return self.tokens[self._at - 1].end if self._at else 0

    def ahead(self, count: int) -> list[Token]:
        """The next tokens, filled up with the end of the trigger."""
        return [*self.tokens[self._at : self._at + count], *[self.tokens[-1]] * count][:count]

    def rest(self) -> list[Token]:
        """All tokens from here on."""
        return self.tokens[self._at :]

    def next(self) -> Token:
        """Pass a token and give it."""
        token = self.token
        self._at = min(self._at + 1, len(self.tokens) - 1)
        return token

    def sees(self, kind: str, *texts: str) -> bool:
        """Is the next token of this kind, and one of these texts if any are given?"""
        return self.token.kind == kind and (not texts or self.token.text in texts)

    def source(self, node: Placed) -> str:
        """A node as it is spelled."""
        return self.text[node.start : node.end]

    def report(self, code: str, message: str, help: str, at: Placed, edits: Iterable[Edit] = ()) -> None:
        """Note what is wrong and read on."""
        self.findings.append(Finding(Fault(f"trigger_{code}", message, help, (), at.start, at.end), tuple(edits)))

    def stop(self, code: str, message: str, help: str, at: Placed, edits: Iterable[Edit] = ()) -> NoReturn:
        """Note what is wrong and give up. Raises Stop."""
        self.report(code, message, help, at, edits)
        raise Stop

    def apart(self, token: Token) -> None:
        """Report a token that Segment's tokenizer needs something behind, where nothing is."""
        touchy = token.kind == "text" or self.source(token) in _TOUCHY
        if touchy and self.text[token.end : token.end + 1] not in _APART:
            message = f"Segment does not read {token.text} right without a space behind it"
            self.report("space", message, "write one", token, ((token.end, token.end, " "),))

    def enter(self, token: Token) -> None:
        """Go one deeper, for a parenthesis, `!` or function. Raises Stop where it gets too deep."""
        self._depth += 1
        if self._depth > _DEEPEST:
            help = "join clauses with and/or side by side, or use in [...]"
            self.stop("depth", f"nested more than {_DEEPEST} deep", help, token)

    def leave(self) -> None:
        """Come up again."""
        self._depth -= 1

    def unclosed(self, opening: Token, char: str) -> NoReturn:
        """Say that what was opened is not closed here. Raises Stop."""
        edits = ((self.last_end, self.last_end, char),)
        self.stop("group", f"this '{opening.text}' has no '{char}'", f"write '{char}'", opening, edits)
