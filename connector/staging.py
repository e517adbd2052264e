"""A retry in stages: one job, then ten, then the rest are put back, and no more of them when they fail again.

In: a desk, the chosen jobs, what they would be now, and how long to wait and how much to tolerate. Out: a result for
each stage. The server on the folder sends the jobs; here they are put back and looked at. What is put back stays so,
however it ends.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, zip_longest
from typing import Final, Literal, TypeAlias

import msgspec

from connector.cause_clusters import Cluster, Clusters
from connector.destination import Destination
from connector.pipeline import Invalid, Plan, Planned
from connector.queue import State
from connector.queue.desk import Desk
from connector.queue.desk_causes import Whereabouts, lanes, standings
from connector.queue.desk_jobs import Stored
from connector.queue.desk_moves import Left, put_back, total
from connector.replanning import Prospect, plans, prospect_of
from connector.retry import Hold

SIZES: Final = (1, 10, None)  # jobs of each stage; the last takes the rest
QUIET: Final = 5.0  # seconds after which nobody seems to take the jobs
_PICKED: Final = 30  # jobs of a cluster that may be a sample
_PAUSE: Final = 0.05  # seconds between two looks at least
_LONGEST_PAUSE: Final = 2.0
_OPEN: Final = frozenset({"waiting", "sending"})

End: TypeAlias = Literal["delivered", "failed", "waiting"]
"""How it ended: all that was put back was delivered, or tolerably much; too much failed; something has no outcome."""


class Rules(msgspec.Struct, frozen=True):
    """How much a retry in stages bears: seconds without any outcome, and the percentage of failures in a stage.

    The only job of the first stage may not fail at all. `everything`: what would fail again as it is goes too.
    """

    timeout: float = 60.0
    tolerate: float = 0.0
    everything: bool = False


class Clock(msgspec.Struct, frozen=True):
    """The times that a retry in stages reads: of the day, a monotonic one, and what waits."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]


class Kept(msgspec.Struct, frozen=True):
    """Jobs that would fail again as they are, for the same cause."""

    prospect: Prospect
    cause: Cluster
    numbers: list[int]


class Outlook(msgspec.Struct, frozen=True):
    """What the chosen jobs would be now: those that may be delivered, and the others by why, the most first.

    `held` are those of the others that keep later events of their account from being sent.
    """

    hopeful: tuple[int, ...]
    kept: tuple[Kept, ...] = ()
    held: tuple[int, ...] = ()

    @property
    def out(self) -> int:
        """Count the jobs that would fail again."""
        return sum(len(kept.numbers) for kept in self.kept)


def look_ahead(desk: Desk, numbers: Sequence[int], destination: Destination, now: float) -> Outlook:
    """Plan the chosen jobs through a destination file."""
    hopeful, held, kept = list[int](), list[int](), dict[tuple[Prospect, Cluster], Kept]()
    clusters = Clusters(destination)
    for stored, plan in plans(desk, numbers, destination, now):
        prospect = prospect_of(stored, plan)
        if prospect == "planned":
            hopeful.append(stored.number)
            continue
        if stored.state == "held":
            held.append(stored.number)
        cause = clusters.of(stored.mapping, *_fault(stored, plan))
        kept.setdefault((prospect, cause), Kept(prospect, cause, [])).numbers.append(stored.number)
    return Outlook(tuple(hopeful), tuple(sorted(kept.values(), key=lambda one: -len(one.numbers))), tuple(held))


def _fault(stored: Stored, plan: Plan | Hold | None) -> tuple[str, str, tuple[str, ...]]:
    """Give the state, reason and problems that a job would have, or has: of one that would be sent as it was."""
    if plan is None or isinstance(plan, Planned):
        return stored.state, stored.reason, stored.problems
    if isinstance(plan, Invalid):
        return "invalid", "", plan.problems
    return ("held" if isinstance(plan, Hold) else "skipped"), plan.reason, ()


class Result(msgspec.Struct, frozen=True):
    """What became of the jobs of a stage. `outcomes` are by state; `gone` are jobs whose retention was over.

    `failures` are the clusters of those that were not delivered, `open` how those stand that have no outcome yet.
    `left` are those that could not be put back any more.
    """

    stage: int
    numbers: tuple[int, ...]
    outcomes: Counter[str]
    failures: tuple[Cluster, ...] = ()
    open: tuple[Whereabouts, ...] = ()
    left: Counter[Left] = Counter()

    @property
    def failed(self) -> int:
        """Count the jobs that ended otherwise than delivered: a skipped job did not arrive either."""
        return sum(count for state, count in self.outcomes.items() if state not in ("delivered", "gone"))

    def is_tolerable(self, rules: Rules) -> bool:
        """Whether as few jobs failed as may."""
        if self.stage == 1:
            return not self.failed
        return self.failed * 100 <= rules.tolerate * self.outcomes.total()


class Sample(msgspec.Struct, frozen=True):
    """What is put back, and what goes first: jobs of the largest cluster, then of each in turn, a few for all.

    `kept` are the jobs that are left out, since they would fail again as they are; `destination` tells what fails for
    the same cause, where it is known.
    """

    numbers: tuple[int, ...]
    candidates: tuple[int, ...]
    clusters: tuple[Cluster, ...]
    kept: tuple[Kept, ...] = ()
    destination: Destination | None = None

    @property
    def out(self) -> int:
        """Count the jobs that are left out."""
        return sum(len(kept.numbers) for kept in self.kept)


def sample(
    desk: Desk,
    numbers: Sequence[int],
    outlook: Outlook | None = None,
    *,
    everything: bool = False,
    destination: Destination | None = None,
) -> Sample:
    """Choose the jobs that are put back, and those that go first; without an outlook nothing is left out."""
    if outlook is None:
        return _sample(desk, numbers, numbers, destination)
    if not everything:
        found = _sample(desk, outlook.hopeful, outlook.hopeful, destination, behind=outlook.held)
        return msgspec.structs.replace(found, kept=outlook.kept)
    same = [number for kept in outlook.kept if kept.prospect == "same" for number in kept.numbers]
    return _sample(desk, numbers, {*outlook.hopeful, *same} or numbers, destination)


def _sample(
    desk: Desk,
    numbers: Sequence[int],
    first: Collection[int],
    destination: Destination | None,
    *,
    behind: Iterable[int] = (),
) -> Sample:
    """Let jobs of `first` go first, and of an account that keeps its order only the oldest: others would overtake it.

    The jobs `behind` are not put back, and yet may be the oldest: what comes after them waits, and goes first only
    where there is nothing else.
    """
    clusters, some = Clusters(destination), dict[Cluster, list[int]]()
    may_go = set(first) & _oldest(desk, [*numbers, *behind]) or set(first) & _oldest(desk, numbers)
    for job in standings(desk, numbers):
        cluster = clusters.of(job.mapping, job.state, job.reason, job.problems)
        cluster.add(1, job.due, job.due, (job.number,))
        kept = some.setdefault(cluster, [])
        if len(kept) < _PICKED and job.number in may_go:
            kept.append(job.number)
    largest = tuple(clusters.largest())
    turns = zip_longest(*(some[cluster] for cluster in largest))
    first_ones = tuple(number for number in chain(*turns) if number is not None)
    return Sample(tuple(numbers), first_ones, largest, destination=destination)


def _oldest(desk: Desk, numbers: Sequence[int]) -> set[int]:
    """Give the jobs that are the oldest of their account, or keep no order."""
    accounts = lanes(desk, numbers)
    first = dict[str, int]()
    for number in sorted(accounts):
        first.setdefault(accounts[number], number)
    return {number for number in numbers if number not in accounts or first[accounts[number]] == number}


def planned_stages(found: Sample) -> list[tuple[int, ...]]:
    """Say which jobs each stage would put back; a stage without any is left out."""
    first, second = found.candidates[:1], found.candidates[1 : 1 + SIZES[1]]
    taken = {*first, *second}
    rest = tuple(number for number in found.numbers if number not in taken)
    return [stage for stage in (first, second, rest) if stage]


class Staged:
    """One retry in stages. `watch` is told of each look at jobs that have no outcome yet."""

    def __init__(
        self,
        desk: Desk,
        found: Sample,
        states: Collection[State],
        *,
        rules: Rules,
        clock: Clock,
        watch: Callable[[Result, float], None] = lambda _result, _quiet: None,
    ) -> None:
        self._desk, self._states = desk, states
        self._rules, self._clock, self._watch = rules, clock, watch
        self.found = found
        self._candidates = iter(found.candidates)
        self._tried: set[int] = set()
        self._begun = clock.now()
        self.stage = 1  # that is under way, also while its jobs are being put back
        self.end: End = "delivered"

    def run(self, begin: Callable[[int, Sequence[int]], None]) -> Iterator[Result]:
        """Put the jobs back stage by stage, and give what became of each; `begin` is told what was put back.

        It ends early when too much of a stage failed, or when a stage has no outcome in time; `end` says how it ended.
        """
        for stage, size in enumerate(SIZES, 1):
            self.stage = stage
            numbers, left = self._put(size)
            if not numbers and not left:
                continue
            begin(stage, numbers)
            result = self._outcomes(stage, numbers, left)
            self.end = self._end_of(result)
            yield result
            if self.end != "delivered":
                return

    def standing(self) -> Counter[str]:
        """Say how the jobs stand now, `left` those that nobody has touched."""
        found = Counter[str]()
        for job in standings(self._desk, self.found.numbers):
            found["left" if self._is_left(job) else job.state] += 1
        return found

    def again(self) -> int:
        """Count the jobs that the same command would send: those left, and of those that failed again what has hope."""
        left, failed = 0, list[int]()
        for job in standings(self._desk, self.found.numbers):
            if self._is_left(job):
                left += 1
            elif job.state in self._states:
                failed.append(job.number)
        if self.found.destination is None or self._rules.everything:
            return left + len(failed)
        return left + len(look_ahead(self._desk, failed, self.found.destination, self._clock.now()).hopeful)

    def _is_left(self, job: Whereabouts) -> bool:
        return job.state in self._states and job.due < self._begun

    def _end_of(self, result: Result) -> End:
        if not result.is_tolerable(self._rules):
            return "failed"
        return "waiting" if result.open else "delivered"

    def _put(self, size: int | None) -> tuple[tuple[int, ...], Counter[Left]]:
        """Put jobs back, as many as a stage has; those that cannot be are passed over."""
        if size is None:
            rest = [number for number in self.found.numbers if number not in self._tried]
            self._tried.update(rest)
            moved = total(put_back(self._desk, rest, self._states, now=self._clock.now()))
            return moved.numbers, moved.left
        numbers, left = list[int](), Counter[Left]()
        for number in self._candidates:
            self._tried.add(number)
            moved = total(put_back(self._desk, (number,), self._states, now=self._clock.now()))
            numbers += moved.numbers
            left.update(moved.left)
            if len(numbers) == size:
                break
        return tuple(numbers), left

    def _outcomes(self, stage: int, numbers: tuple[int, ...], left: Counter[Left]) -> Result:
        """Wait until each job has an outcome, or none has come for too long."""
        tally, last = _Tally(numbers, self.found.destination), self._clock.monotonic()
        while True:
            begun = self._clock.monotonic()
            has_news = tally.look(self._desk)
            now = self._clock.monotonic()
            last = now if has_news else last
            result = Result(stage, numbers, +tally.outcomes, tuple(tally.clusters.largest()), tally.open, left)
            if not tally.open or now - last >= self._rules.timeout:
                return result
            self._watch(result, now - last)
            pause = min(_LONGEST_PAUSE, max(_PAUSE, 5 * (now - begun)))
            self._clock.sleep(min(pause, self._rules.timeout))


class _Tally:
    """What has become of the jobs of a stage up to now."""

    def __init__(self, numbers: Sequence[int], destination: Destination | None) -> None:
        self.outcomes, self.clusters = Counter[str](), Clusters(destination)
        self.open: tuple[Whereabouts, ...] = ()
        self._waiting = list(numbers)

    def look(self, desk: Desk) -> bool:
        """Look at the jobs that had no outcome; says whether one of them has by now."""
        found = list(standings(desk, self._waiting))
        before = len(self._waiting)
        self.outcomes["gone"] += before - len(found)
        for job in found:
            if job.state not in _OPEN:
                self._count(job)
        self.open = tuple(job for job in found if job.state in _OPEN)
        self._waiting = [job.number for job in self.open]
        return len(self._waiting) < before

    def _count(self, job: Whereabouts) -> None:
        self.outcomes[job.state] += 1
        if job.state != "delivered":
            cluster = self.clusters.of(job.mapping, job.state, job.reason, job.problems)
            cluster.add(1, job.due, job.due, (job.number,))
