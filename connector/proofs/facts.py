"""What is known of an event at one point of a mapping: for each path the kinds that its value can have there.

Facts come from the event schema, the trigger and the @ifs on the way. Frozen: a new fact makes new Facts, or None where
no event can have it.
"""

from typing import Final

import msgspec

from connector.event_model import event_model
from connector.language.paths import Keys
from connector.proofs.event_types import Place, event_place, step, walk_kinds
from connector.proofs.kinds import ALL, BITS, OBJECT, TEXT

TYPE: Final = ("type",)


class Facts(msgspec.Struct, frozen=True, eq=False):
    """`kinds` by path, with all that follows from them; `texts` are the only texts that a path can have.

    `stated` are the conditions under which a point of the mapping is reached, as they were come by.
    """

    kinds: dict[Keys, int]
    texts: dict[Keys, frozenset[str]]
    stated: dict[Keys, int] = {}

    @property
    def types(self) -> frozenset[str]:
        """Give the types that the event can have."""
        return self.texts[TYPE]

    def at(self, keys: Keys) -> int:
        """Give the kinds that the value at a path can have."""
        return self._walk(keys)[0]

    def _walk(self, keys: Keys) -> tuple[int, Place]:
        kinds, place = OBJECT, event_place()
        for end, key in enumerate(keys, 1):
            kinds, place = step(kinds, place, key)
            known = self.kinds.get(keys[:end])
            if known is not None:
                kinds &= known
        return kinds, place

    def where(self, keys: Keys, kinds: int, *, stated: bool = True) -> "Facts | None":
        """Add that the value at a path has one of these kinds; None where it cannot have any."""
        now = self.at(keys)
        left = now & kinds
        if not left:
            return None
        if left == now:
            return self
        said = {**self.stated, keys: left} if stated else self.stated
        facts = Facts({**self.kinds, keys: left}, self.texts, said)
        return facts._with_parents(keys, left)._with_other_id(keys)

    def _with_parents(self, keys: Keys, kinds: int) -> "Facts":
        """Leave out the kinds of each value above from which no such value can be read."""
        known = dict(self.kinds)
        for end in range(len(keys) - 1, 0, -1):
            above, place = self._walk(keys[:end])
            left = sum(bit for bit in BITS if above & bit and walk_kinds(bit, place, keys[end:]) & kinds)
            if left != above:
                known[keys[:end]] = left
        return self if known == self.kinds else Facts(known, self.texts, self.stated)

    def _with_other_id(self, keys: Keys) -> "Facts":
        """Follow that an event without the one id has the other."""
        for pair in event_model().either:
            if keys in pair and not self.kinds[keys] & TEXT:
                other = pair[1] if keys == pair[0] else pair[0]
                return self.where(other, TEXT, stated=False) or self
        return self

    def only_texts(self, keys: Keys, texts: frozenset[str]) -> "Facts":
        """Add that a text at a path is one of these."""
        return Facts(self.kinds, {**self.texts, keys: texts}, self.stated)

    def under(self, others: "Facts") -> "Facts | None":
        """Add the conditions of other facts; None where both cannot be."""
        facts: Facts | None = self
        for keys, kinds in others.stated.items():
            facts = None if facts is None else facts.where(keys, kinds)
        return facts


def first_facts() -> Facts:
    """Give what is known of any event."""
    return Facts({}, {TYPE: event_model().types})


def with_needs(facts: Facts) -> Facts | None:
    """Add what every event of the types that are left must have; None where there is none."""
    found: Facts | None = facts if facts.types else None
    for types, keys in event_model().needs:
        if found is not None and found.types <= types:
            found = found.where(keys, TEXT, stated=False)
    return found


def joined(one: Facts, other: Facts) -> Facts:
    """Give what holds in both of two cases of the trigger."""
    kinds = {keys: one.at(keys) | other.at(keys) for keys in one.kinds.keys() & other.kinds.keys()}
    texts = {keys: one.texts[keys] | other.texts[keys] for keys in one.texts.keys() & other.texts.keys()}
    return Facts({keys: found for keys, found in kinds.items() if found != ALL}, texts)
