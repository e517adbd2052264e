"""The verdicts on the events of one test, put together: how many fail, some of them, and what would mend all."""

from typing import Final

from connector.cases import Case
from connector.values import JSON
from connector.verdicts import Verdict

MOST_SAMPLES: Final = 3  # events of a recording whose differences are told one by one


class Tally:
    """Counts the events of one test that fail, keeps some, and sees whether all want the test written alike."""

    def __init__(self) -> None:
        self.failed = 0
        self.samples: list[Verdict] = []
        self._first: Verdict | None = None
        self._is_alike = True
        self._unwritten = ""

    def add(self, verdict: Verdict) -> "Tally":
        """Count one more."""
        self._first = self._first or verdict
        self._is_alike = self._is_alike and verdict.written == self._first.written
        self._unwritten = self._unwritten or verdict.unwritten
        if verdict.differences:
            self.failed += 1
            if len(self.samples) < MOST_SAMPLES:
                self.samples.append(verdict)
        return self

    def made(self, case: Case) -> tuple[dict[str, JSON] | None, str]:
        """Write the test as it would pass, its new keys in the place of the old ones; or say why that cannot be."""
        first, value = self.samples[0], case.part.value
        if self._unwritten:
            return None, self._unwritten
        if not self._is_alike or first.written is None or not isinstance(value, dict):
            return None, "the events differ among themselves: choose some with `only`, or keep rows with `expect_rows`"
        written = first.written
        gone = [key for key in first.given if key not in written]
        added = [key for key in written if key not in first.given]
        instead = dict(zip(gone, added, strict=False))
        names = {key: instead.get(key, key) for key in value if key not in gone or key in instead}
        made = {name: written.get(name, value.get(key)) for key, name in names.items()}
        return {**made, **{key: written[key] for key in added}}, ""
