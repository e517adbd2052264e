"""Jobs that failed for the same cause, together: by mapping, state, code and field, and Rupt's words where it has some.

In: jobs, alone or alike ones at once, and the destination that tells their fields. Out: clusters with counts, times and
a few jobs each. Their number is bounded, whatever the reasons are.
"""

import re
from collections import Counter
from typing import Final

import msgspec

from connector.causes import ENUM, REQUIRED, TYPE, Finding, Findings, find, mappings_of
from connector.destination import Destination

_MOST: Final = 1_000  # clusters; what is beyond is counted by its mapping, state and first code alone
_MOST_WORDS: Final = 100  # of one mapping, state, code and field
_REMEMBERED: Final = 10_000  # reasons whose cluster is remembered
_SAMPLES: Final = 3
_MOST_SENTENCES: Final = 20  # of one cluster that are counted
MANY: Final = "several answers in different words"
_NUMBER: Final = re.compile(r"\d+")


class Key(msgspec.Struct, frozen=True):
    """What the jobs of a cluster have in common; `words` are Rupt's, or ours where there are no problems.

    Numbers in the words are left out, since they differ from job to job.
    """

    mapping: str
    state: str
    faults: tuple[tuple[str, str], ...]
    words: str = ""

    @property
    def code(self) -> str:
        """Give the code of the first thing that is wrong."""
        return self.faults[0][0]

    @property
    def field(self) -> str:
        """Give the field of the first thing that is wrong."""
        return self.faults[0][1]


class Cluster:
    """Jobs that are where they are for the same cause. Times are in seconds since the epoch."""

    __slots__ = ("_said", "count", "first", "key", "last", "numbers")

    def __init__(self, key: Key) -> None:
        self.key = key
        self._said = Counter[tuple[str, ...]]()
        self.count, self.first, self.last = 0, float("inf"), 0.0
        self.numbers: tuple[int, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Give a sentence for each thing that is wrong: that of most jobs, which says so where types differ."""
        ((most, _),) = self._said.most_common(1)
        return tuple(
            _and_others(sentence) if code == TYPE and len({said[at] for said in self._said}) > 1 else sentence
            for at, ((code, _), sentence) in enumerate(zip(self.key.faults, most, strict=False))
        )

    def say(self, sentences: tuple[str, ...], count: int) -> None:
        """Take in what some jobs say of what is wrong with them; of different sentences some are enough."""
        if sentences in self._said or len(self._said) < _MOST_SENTENCES:
            self._said[sentences] += count

    def add(self, count: int, first: float, last: float, numbers: tuple[int, ...]) -> None:
        """Take jobs in: how many, since when the first and the last, and some of them."""
        self.count += count
        self.first, self.last = min(self.first, first), max(self.last, last)
        self.numbers = (*self.numbers, *numbers)[:_SAMPLES]


class Clusters:
    """Clusters of jobs; their number is bounded, whatever the reasons are."""

    def __init__(self, destination: Destination | None) -> None:
        self._mappings = mappings_of(destination)
        self._found: dict[Key, Cluster] = {}
        self._words: dict[Key, int] = {}
        self._known: dict[tuple[str, str, str, tuple[str, ...]], tuple[Cluster, tuple[str, ...]]] = {}

    def of(self, mapping: str, state: str, reason: str, problems: tuple[str, ...], *, jobs: int = 1) -> Cluster:
        """Find or make the cluster of a job, or of so many alike; what they say counts each time."""
        asked = (mapping, state, reason, problems)
        known = self._known.get(asked)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[asked] = self._cluster(*asked)
        cluster, sentences = known
        cluster.say(sentences, jobs)
        return cluster

    def largest(self) -> list[Cluster]:
        """Give the clusters that have jobs, the largest first."""
        return sorted(
            (cluster for cluster in self._found.values() if cluster.count),
            key=lambda cluster: (-cluster.count, cluster.key.mapping, cluster.key.state, cluster.key.faults),
        )

    def _cluster(
        self, mapping: str, state: str, reason: str, problems: tuple[str, ...]
    ) -> tuple[Cluster, tuple[str, ...]]:
        mapped = self._mappings.get(mapping)
        found = find(state, reason, problems, mapped.action if mapped else None)
        sentences = tuple(one.sentence for one in found)
        key = self._key(mapping, state, found)
        if key not in self._found:
            self._found[key] = Cluster(key)
        return self._found[key], (MANY,) if key.words == MANY else sentences

    def _key(self, mapping: str, state: str, found: Findings) -> Key:
        bare = Key(mapping, state, tuple((one.code, one.field) for one in found))
        key = bare if _is_told_by_field(found) else msgspec.structs.replace(bare, words=_alike(found[0]))
        if key in self._found:
            return key
        if len(self._found) >= _MOST:
            return Key(mapping, state, ((found[0].code, ""),), MANY)
        self._words[bare] = self._words.get(bare, 0) + 1
        return key if self._words[bare] <= _MOST_WORDS else msgspec.structs.replace(bare, words=MANY)


def _and_others(sentence: str) -> str:
    return f"{sentence.removesuffix('.')} (and other types)."


def _alike(finding: Finding) -> str:
    """Give the words of a finding without what changes from one job to the next."""
    return _NUMBER.sub("N", finding.sentence)


def _is_told_by_field(found: Findings) -> bool:
    """Whether code and field say it all: of a payload that its schema refused."""
    return all(one.field and one.code in (REQUIRED, TYPE, ENUM) for one in found)
