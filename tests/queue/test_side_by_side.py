"""The memory queue and the SQLite queue, given the same steps, give the same answers, with and without ordering.

Also when the SQLite queue is closed and opened again in the middle: then what was being sent is given back by neither.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from connector.queue import Cause, Filtered, Job, Note, Ordering, Settled, new_job
from connector.queue.memory import MemoryQueue
from connector.queue.sqlite import SqliteQueue, open_sqlite
from tests.queue.queue_suite import LEASE, NOW, WINDOW, causes, doubtful, mappings

names = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])
accounts = st.sampled_from(["", "ada", "bob"])
orderings = st.sampled_from(["none", "account"])
notes = st.sampled_from([Note(), Note("500"), doubtful()])
CAPACITY = 6


class SideBySide(RuleBasedStateMachine):
    """Both queues answer every step alike, and have the same ledger after it."""

    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.mkdtemp()
        self.now = NOW
        self.ordering: Ordering = "none"

    @initialize(ordering=orderings)
    def open(self, ordering: Ordering) -> None:
        """Open both with the same ordering."""
        self.ordering = ordering
        self.memory = MemoryQueue(capacity=CAPACITY, window=WINDOW, ordering=ordering)
        self.sqlite = self.run(self._open())

    async def _open(self) -> SqliteQueue:
        return await open_sqlite(
            self.folder,
            capacity=CAPACITY,
            window=WINDOW,
            ordering=self.ordering,
            retention=0,
            dead_retention=0,
            min_free=0,
        )

    def teardown(self) -> None:
        """Close the file, and remove it."""
        self.run(self.sqlite.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Do one step."""
        return self.runner.run(step)

    def both(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Do one step on both, and compare what they answer."""
        expected = self.run(getattr(self.memory, method)(*args, **kwargs))
        answer = self.run(getattr(self.sqlite, method)(*args, **kwargs))
        assert answer == expected
        return answer

    @rule(seconds=st.sampled_from([1.0, 29.0, LEASE, WINDOW]))
    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds

    @rule(names=st.lists(names, max_size=4), mapping=mappings, account=accounts, filtered=st.booleans())
    def put(self, names: list[str], mapping: str, account: str, filtered: bool) -> None:
        """Put jobs, and filtered events with them."""
        jobs = [new_job(name, mapping, b"{}", self.now, account) for name in names]
        events = [Filtered(name, "NO_MATCHING_MAPPING") for name in names] if filtered else []
        self.both("put", jobs, now=self.now, filtered=events)

    @rule(target=claims, limit=st.integers(0, 4))
    def claim(self, limit: int) -> Any:
        """Claim the same jobs in the same order."""
        return multiple(*self.both("claim", limit, now=self.now, lease=LEASE))

    @rule(one=claims, state=st.sampled_from(["delivered", "skipped", "invalid"]), note=notes)
    def settle(self, one: Job, state: Settled, note: Note) -> None:
        """Settle a claim, good or not."""
        self.both("settle", one, state, now=self.now, note=note)

    @rule(one=claims, note=notes)
    def bury(self, one: Job, note: Note) -> None:
        """Bury a claim."""
        self.both("bury", one, now=self.now, note=note)

    @rule(one=claims, delay=st.sampled_from([0.0, 10.0, 100.0]), note=notes)
    def retry(self, one: Job, delay: float, note: Note) -> None:
        """Let a claim wait."""
        self.both("retry", one, at=self.now + delay, now=self.now, note=note)

    @rule(one=claims, cause=causes, note=notes)
    def hold(self, one: Job, cause: Cause, note: Note) -> None:
        """Hold a claim."""
        self.both("hold", one, cause, now=self.now, note=note)

    @rule(cause=causes, limit=st.sampled_from([None, 1]), chosen=st.sampled_from([None, ["one"]]))
    def release(self, cause: Cause, limit: int | None, chosen: list[str] | None) -> None:
        """Release what is held."""
        self.both("release", cause, now=self.now, limit=limit, mappings=chosen)

    @rule(jobs=st.lists(claims, max_size=3))
    def hand_back(self, jobs: list[Job]) -> None:
        """Hand claims back."""
        self.both("hand_back", jobs)

    @rule(ordering=orderings)
    def set_ordering(self, ordering: Ordering) -> None:
        """Change the ordering."""
        self.ordering = ordering
        self.memory.set_ordering(ordering)
        self.run(self.sqlite.set_ordering(ordering))

    @rule()
    def purge(self) -> None:
        """Forget finished jobs that are older than the window: nobody can tell."""
        self.run(self.sqlite.purge(self.now))

    @rule()
    def reopen(self) -> None:
        """Close the file and open it again when nothing is being sent: nobody can tell."""
        if self.run(self.memory.counts()).total.sending == 0:
            self.run(self.sqlite.close())
            self.sqlite = self.run(self._open())

    @invariant()
    def has_the_same_ledger(self) -> None:
        """Both ledgers say the same, and balance."""
        expected, ledger = self.run(self.memory.counts()), self.run(self.sqlite.counts())
        assert ledger.balances
        assert dict(ledger.mappings) == {name: tally for name, tally in expected.mappings.items() if tally.accepted}

    @invariant()
    def is_due_at_the_same_time(self) -> None:
        """Both say alike when there is something to claim."""
        expected, due = self.run(self.memory.due()), self.run(self.sqlite.due())
        assert (due if due is None else max(due, self.now)) == (
            expected if expected is None else max(expected, self.now)
        )


TestSideBySide = SideBySide.TestCase
TestSideBySide.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
