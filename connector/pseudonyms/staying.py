"""Which words of a text stay: those that say nothing of a person where they stand.

In: a word where it is found in a text, and how that text is treated. Out: whether it stays as it is.
"""

import re
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from connector.pseudonyms.alphabets import is_hex
from connector.pseudonyms.vocabulary import AGENTS, PREFIXES, TECHNICAL, WORDS

Treatment: TypeAlias = Literal["plain", "words", "agent", "label", "name", "all"]
"""How much of a text stays: ids' prefixes; also words of routes and pages; of browsers; all that looks like no data;
the same without ids and what is known of the person; nothing."""

NOBODY: Final = frozenset[str]()
_SEPARATED: Final = frozenset("-_:|")
_has_digits: Final = re.compile(r"[0-9]{5}").search  # so many in a row are no part of an ordinary name
_is_possessive: Final = re.compile(r"(?: [^\W\d_]+){0,2}['\u2019]s(?![^\W_])").match
_is_numbered: Final = re.compile(r"[^\W\d_]+[0-9]{1,2}").fullmatch  # line2, oauth2
_PIECE: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SHORT: Final = 3  # of letters and digits mixed: b2b, 2fa
_LEAST_LETTERS: Final = 8
_LEAST_PIECE: Final = 2.5  # letters: words that are written in one have longer pieces, such as pageViewed


def stays(text: str, found: re.Match[str], treatment: Treatment, own: frozenset[str]) -> bool:
    """Whether a word of a text stays; `own` are words in lower case that are known of the person."""
    if treatment == "all":
        return False
    word = found[0].lower()
    if treatment in ("label", "name"):
        return _is_label(text, found, word, own if treatment == "name" else None)
    if treatment != "plain" and word in (AGENTS if treatment == "agent" else WORDS):
        return word not in own or not _is_beside(text, found, own)
    ahead = text[found.end() : found.end() + 2]
    is_start = found.start() == 0 or text[found.start() - 1] not in "@."
    if not is_start or word not in PREFIXES or len(ahead) < 2:
        return False
    return ahead[0] in _SEPARATED and (ahead[1].isalnum() or ahead[1] == "+")


def _is_label(text: str, found: re.Match[str], word: str, own: frozenset[str] | None) -> bool:
    if is_hex(word) or _has_digits(word):
        return False
    if own is None:
        return True
    if word in WORDS:
        return word not in own or not _is_beside(text, found, own)
    return word not in own and not looks_random(found[0]) and not _is_possessive(text, found.end())


def _is_beside(text: str, found: re.Match[str], own: frozenset[str]) -> bool:
    """Whether the word before or behind is the person's and no word of the vocabulary: of Ada Price, but not Price."""
    before, behind = text[: found.start()].split()[-1:], text[found.end() :].split()[:1]
    return any(word.lower() in own and word.lower() not in WORDS for word in (*before, *behind))


@lru_cache(maxsize=8192)
def looks_random(word: str) -> bool:
    """Whether a word is drawn rather than written: letters and digits mixed, or capitals where no word begins."""
    if word.lower() in WORDS or word.lower() in TECHNICAL or len(word) <= _SHORT:
        return False
    letters = sum(letter.isalpha() for letter in word)
    if letters < len(word):
        return letters > 0 and not _is_numbered(word)
    pieces = _PIECE.findall(word)
    is_mixed = not (word.islower() or word.isupper())
    return is_mixed and letters >= _LEAST_LETTERS and letters / max(len(pieces), 1) < _LEAST_PIECE
