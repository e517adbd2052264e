"""Keyed bijections: a number of a range becomes another number of the same range, and no two become the same one.

In: a key and a number below a size. Out: a number below that size. Without the key nobody can go back or look one up.
"""

import hashlib
from math import isqrt
from typing import Final

_ROUNDS: Final = 8
_ROUNDS_EACH: Final = 4  # where a number goes there and back
_RARE: Final = 1 << 48  # in ranges from here on a number becomes itself too rarely to look after it


class Permutations:
    """All permutations of one key: `tweak` names which, so that texts of another shape go by another one."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=64, person=b"pseudonyms").digest()
        self._round_key = self._key[:32]  # before short texts: key and text are one block then, with BLAKE2 as safe

    def moved(self, number: int, size: int, tweak: bytes) -> int:
        """Give the number that stands for this one; never the same one, unless the range has no other."""
        if size <= 1:
            return number
        if size >= _RARE:
            return self._forward(number, size, tweak)
        step = 1 + self.draw(b"step", tweak) % (size - 1)
        return self._back((self._forward(number, size, tweak, _ROUNDS_EACH) + step) % size, size, tweak)

    def draw(self, *parts: bytes) -> int:
        """Give a number of 64 bits that is the same for the same parts."""
        text = b"\0".join(parts)
        return int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self._key).digest(), "big")

    def draws(self, count: int, *parts: bytes) -> list[int]:
        """Give so many numbers of 32 bits."""
        text, found = b"\0".join(parts), bytearray()
        while len(found) < 4 * count:
            salt = len(found).to_bytes(8, "big")
            found += hashlib.blake2b(text, digest_size=64, key=self._key, salt=salt).digest()
        return [int.from_bytes(found[at : at + 4], "big") for at in range(0, 4 * count, 4)]

    def _forward(self, number: int, size: int, tweak: bytes, rounds: int = _ROUNDS) -> int:
        """A Feistel network over pairs below a root of the size; what falls outside of the range goes through again."""
        root = isqrt(size - 1) + 1
        while True:
            high, low = divmod(number, root)
            for turn in range(rounds):
                high, low = low, (high + self._round(turn, low, tweak)) % root
            number = high * root + low
            if number < size:
                return number

    def _back(self, number: int, size: int, tweak: bytes) -> int:
        root = isqrt(size - 1) + 1
        while True:
            high, low = divmod(number, root)
            for turn in reversed(range(_ROUNDS_EACH)):
                high, low = (low - self._round(turn, high, tweak)) % root, high
            number = high * root + low
            if number < size:
                return number

    def _round(self, turn: int, number: int, tweak: bytes) -> int:
        text = b"%s%d %d %s" % (self._round_key, turn, number, tweak)
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
