"""Words of letters and digits to words of the same shape: a letter stays a letter of its script and case.

In: a word, which is a run of letters and digits. Out: a word of the same length, another for every other. A word in
lower case becomes the lower case of what the word becomes: equality without regard to case is kept.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Final, TypeAlias

from connector.pseudonyms.permutations import Permutations

_DIGITS: Final = "0123456789"
_HEX: Final = "0123456789abcdef"
_LATIN: Final = "abcdefghijklmnopqrstuvwxyz"
_BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_RANGES: Final = (  # first and last letter of an alphabet, in lower case where it has cases
    ("\u00e0", "\u00f6"),
    ("\u00f8", "\u00fe"),
    ("\u0430", "\u044f"),
    ("\u03b1", "\u03c1"),
    ("\u03c3", "\u03c9"),
    ("\u0561", "\u0586"),
    ("\u05d0", "\u05ea"),
    ("\u0628", "\u063a"),
    ("\u0641", "\u064a"),
    ("\u0905", "\u0939"),
    ("\u0e01", "\u0e2e"),
    ("\u10d0", "\u10f0"),
    ("\u3042", "\u3093"),
    ("\u30a2", "\u30f3"),
    ("\u4e00", "\u9fa5"),
    ("\uac00", "\ud7a3"),
)
_BLOCK: Final = 64  # characters that are neighbours
_MOST: Final = 1 << 64  # words of which there are more are drawn: two become the same one less often than a disk fails
_REMEMBERED: Final = 50_000  # words whose pseudonyms are kept
_LONGEST_KEPT: Final = 32
is_hex: Final = re.compile(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{16,}").fullmatch

_Place: TypeAlias = tuple[str, int, bool]  # an alphabet, a letter's number in it, and whether it is upper case


class Words:
    """Pseudonyms of words under one key."""

    def __init__(self, permutations: Permutations) -> None:
        self._permutations = permutations
        self._known: dict[str, str] = {}

    def word(self, word: str) -> str:
        """Give the word that stands for this one; hexadecimal stays so, and digits keep their leading zeros."""
        known = self._known.get(word)
        if known is None:
            known = self._word(word)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if len(word) <= _LONGEST_KEPT:
                self._known[word] = known
        return known

    def _word(self, word: str) -> str:
        if is_hex(word.lower()):
            return self.hexadecimal(word)
        if word.isdecimal() and word.isascii():
            return self.digit_run(word)
        return self._spell(word, [_place(letter) for letter in word])

    def digits(self, text: str, *, last: bool = False) -> str:
        """Give other digits, as many; the first that is not 0 stays so, and with `last` the last one too."""
        zeros = len(text) - len(text.lstrip("0"))
        places = [_digit_place(letter, at == zeros) for at, letter in enumerate(text)]
        places[:zeros] = [("0", 0, False)] * zeros
        if last and text[-1] != "0":
            places[-1] = _digit_place(text[-1], True)
        return self._spell(text, places)

    def digit_run(self, text: str) -> str:
        """Give other digits, as many, of what is no number: leading zeros stay so, but the last digit may become any.

        So 0 and 00 have others too.
        """
        if text[:-1].strip("0"):
            return self.digits(text)
        return self._spell(text, [*(("0", 0, False),) * (len(text) - 1), _digit_place(text[-1], False)])

    def lone_digit(self, digit: str) -> str:
        """Give another digit for one that stands alone, as a number does; 0 and 1 stay, since they mean no and yes."""
        return digit if digit in "01" else self._spell(digit, [(_DIGITS[2:], int(digit) - 2, False)])

    def hexadecimal(self, text: str) -> str:
        """Give other hexadecimal digits, as many."""
        is_upper = text.isupper()
        return self._spell(text, [_hex_place(letter, is_upper) for letter in text])

    def base64(self, text: str) -> str:
        """Give other letters of base64 as URLs have it, as many."""
        return self._spell(text, [_base64_place(letter) for letter in text])

    def _spell(self, text: str, places: Sequence[_Place]) -> str:
        sizes = [len(alphabet) for alphabet, _, _ in places]
        shape = "".join(alphabet[0] + alphabet[-1] for alphabet, _, _ in places).encode("utf-8", "surrogatepass")
        size = prod(sizes) if len(sizes) <= 64 else _MOST
        if size >= _MOST:
            lower = text if _BASE64 in (alphabet for alphabet, _, _ in places[:1]) else text.lower()
            drawn = self._permutations.draws(len(places), b"word", shape, lower.encode("utf-8", "surrogatepass"))
            numbers = [number % own for number, own in zip(drawn, sizes, strict=True)]
        else:
            number = 0
            for (_, at, _), own in zip(places, sizes, strict=True):
                number = number * own + at
            numbers = _unfolded(self._permutations.moved(number, size, shape), sizes)
        return "".join(
            alphabet[at].upper() if is_upper else alphabet[at]
            for (alphabet, _, is_upper), at in zip(places, numbers, strict=True)
        )


def _unfolded(number: int, sizes: Sequence[int]) -> list[int]:
    numbers = []
    for own in reversed(sizes):
        number, at = divmod(number, own)
        numbers.append(at)
    return numbers[::-1]


@lru_cache(maxsize=64)
def _digit_place(letter: str, is_first: bool) -> _Place:
    return (_DIGITS[1:], int(letter) - 1, False) if is_first and letter != "0" else (_DIGITS, int(letter), False)


@lru_cache(maxsize=64)
def _hex_place(letter: str, is_upper: bool) -> _Place:
    return _HEX, _HEX.index(letter.lower()), is_upper


@lru_cache(maxsize=4096)
def _base64_place(letter: str) -> _Place:
    return (_BASE64, _BASE64.index(letter), False) if letter in _BASE64 else _place(letter)


@lru_cache(maxsize=4096)
def _place(letter: str) -> _Place:
    """Find a letter in the alphabet of its script, or among its neighbours where that is not listed."""
    if letter.isdecimal():
        number = unicodedata.decimal(letter)
        zero = ord(letter) - number
        return "".join(map(chr, range(zero, zero + 10))), number, False
    lower = letter.lower()
    is_upper = len(lower) == 1 and lower != letter and lower.upper() == letter
    base = lower if is_upper else letter
    if base in _LATIN:
        return _LATIN, _LATIN.index(base), is_upper
    for first, last in _RANGES:
        if first <= base <= last:
            return _alphabet(first, last), ord(base) - ord(first), is_upper
    alphabet = _neighbours(ord(base) // _BLOCK, _sort(base))
    return alphabet, alphabet.index(base), is_upper


@lru_cache
def _alphabet(first: str, last: str) -> str:
    return "".join(map(chr, range(ord(first), ord(last) + 1)))


@lru_cache(maxsize=1024)
def _neighbours(block: int, sort: str) -> str:
    return "".join(letter for letter in map(chr, range(block * _BLOCK, (block + 1) * _BLOCK)) if _sort(letter) == sort)


def _sort(letter: str) -> str:
    """Say which letters can take one another's place: those whose capital is one letter that leads back, and so on."""
    upper = letter.upper()
    has_capital = upper != letter and len(upper) == 1 and upper.lower() == letter
    return "small" if has_capital else unicodedata.category(letter)
