"""Foreign text that may be shown: what could name a person or open a door is taken out of it, and it is cut.

In: text of any kind and length. Out: one line of printable text. It errs on the side of taking out too much.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, TypeAlias

LONGEST: Final = 200
_READ: Final = 1_000  # of a text of any length only this much is looked at
_Rule: TypeAlias = "tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]"


def redact(text: str, known: Iterable[str] = (), longest: int = LONGEST) -> str:
    """Take e-mail addresses, phone numbers, credentials, ids and the `known` values out of a text, and cut it.

    What was taken out leaves a mark in brackets, so that texts that differ in it only are the same afterwards.
    """
    line = _beginning(text)
    for value in known:
        if value:
            line = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[redacted]", line)
    for pattern, replacement in _rules():
        line = pattern.sub(replacement, line)
    line = line.strip()
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _beginning(text: str) -> str:
    """Cut a long text before a word: half an e-mail address would not be known for one."""
    if len(text) <= _READ:
        return text
    words = text[:_READ].split()
    return " ".join(words[:-1] or words)


@cache
def _rules() -> tuple[_Rule, ...]:
    """Compile the rules, in their order, when the first foreign text comes: most runs see none, and start-up counts."""
    words = (
        "an?|and|auth|authentication|authorization|be|credentials?|expected|for|from|has|have|header|in|invalid|is|key"
        "|missing|must|not|or|provided|required|scheme|secret|the|this|tokens?|was|were|with|your"
    )
    named = r"[\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|authorization|signature)"
    uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    rules: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
        (r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]+", " "),
        (
            rf"\b(basic|bearer)((?:\s+(?:{words})\b)*)\s*[:=]?\s+(?!(?:{words})\b)(?:(?:basic|bearer)\s+)?\S+",
            r"\1\2 [redacted]",
        ),
        (rf"\b({named})(\"?\s*[:=]\s*)(?:\"[^\"]*\"?|\S+)", r"\1\2[redacted]"),
        (r"\beyJ[\w-]+(?:\.[\w-]*)*", "[redacted]"),  # a JSON web token
        (r"[^\s\"'<>,;()\[\]]+", _redact_address),
        (rf"\b(?:[0-9a-f]{{16,}}|{uuid})\b", "[id]"),
        (r"\+?\(?\d(?:[ ()./-]*\d){6,}", "[number]"),
    ]
    return tuple((re.compile(pattern, re.IGNORECASE), replacement) for pattern, replacement in rules)


def _redact_address(word: re.Match[str]) -> str:
    return "[email]" if "@" in word[0] or "%40" in word[0] else word[0]
