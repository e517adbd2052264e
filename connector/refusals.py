"""Which requests Rupt refuses for the configuration's sake, by the kind of their authorization, and when to try again.

In: answers, and times in seconds of one monotonic clock. Out: whether a request may be sent. Each kind has a gate of
its own: a wrong API secret keeps no attach back. What is done with the jobs is the worker's part.
"""

from collections.abc import Collection, Iterable
from typing import Final, Literal, TypeAlias

from connector.queue import Job
from connector.rupt import Failure, Request, Response

Kind: TypeAlias = Literal["client", "secret"]
"""How a request is authorized: with the client id, or with the API secret."""

SEVERAL: Final = 5  # accounts that are refused one after the other, each for what may be its own: then it is not
_OF_A_TOKEN: Final = frozenset({401, 403})
_ROUNDING: Final = 1e-9  # seconds: a difference of two times that is none
_REMEMBERED: Final = 1_000  # refused jobs that another one is preferred to


class Gate:
    """Lets the requests of one kind through, or after a refusal one at a time, to find out whether that is over.

    `reason` is the last refusal's. `mappings` are those of which jobs are held for it. `is_hungry`: the time for a
    probe has come, but there was no job for it.
    """

    def __init__(self, kind: Kind, *, first: float, cap: float) -> None:
        self.kind = kind
        self.reason: str | None = None
        self.mappings: set[str] = set()
        self.is_hungry = False
        self._first, self._cap = first, cap
        self._probe: str | None = None
        self._probe_after, self._probe_at = first, 0.0
        self._suspects: set[str] = set()
        self._again_at: float | None = None
        self._refused: dict[str, None] = {}
        self._own: dict[str, None] = {}  # those that were refused before a probe was not

    @property
    def is_closed(self) -> bool:
        """Whether such requests are refused."""
        return self.reason is not None

    @property
    def is_probing(self) -> bool:
        """Whether a job is being tried, or the next one would be."""
        return self._probe is not None or self.is_hungry

    def lets(self, job: Job) -> bool:
        """Say whether a job may be sent: any while it is open; the probe, or who comes when one is wanted."""
        if self.reason is None or job.key == self._probe:
            return True
        if self.is_hungry:
            self.try_with(job)
            return True
        return False

    def is_due(self, now: float) -> bool:
        """Whether it is time for a probe that is to be looked for."""
        return self.is_closed and not self.is_probing and now >= self._probe_at - _ROUNDING

    def wait(self, now: float) -> float | None:
        """Say in how many seconds it is time for a probe; None when that is not a question of time."""
        if not self.is_closed:
            return None if self._again_at is None else max(0.0, self._again_at - now)
        return None if self.is_probing else max(0.0, self._probe_at - now)

    def is_over(self, now: float) -> bool:
        """Say whether what is held alone, without the gate being closed, is to be tried again: it may be mended."""
        return not self.is_closed and self._again_at is not None and now >= self._again_at - _ROUNDING

    @property
    def tried(self) -> int:
        """How many jobs are known to have been refused."""
        return len(self._refused)

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """Choose a probe, one that was not refused yet where there is one; without any, the next that comes is it."""
        found = None
        for job in jobs:
            found = found or job
            if job.key not in self._refused:
                found = job
                break
        if found is None:
            self.is_hungry = True
        else:
            self.try_with(found)
        return found

    def try_with(self, job: Job) -> None:
        """Make a job the probe."""
        self._probe, self.is_hungry = job.key, False

    def forget_mappings(self) -> set[str]:
        """Give the mappings of which jobs are held for it, which are released now."""
        found, self.mappings, self._again_at = self.mappings, set(), None
        return found

    # What becomes of a request that was let through.

    def refused(self, job: Job, request: Request, answer: Response | Failure, reason: str, now: float) -> bool:
        """Take a refusal in; says whether it has closed. One that may be this account's or job's alone need not.

        That is one of a signed token, and that of a job that was refused before while others were not.
        """
        self.mappings.add(job.mapping)
        is_closed = self.is_closed
        if not is_closed and (job.key in self._own or _is_of_a_token(request, answer)):
            self._suspects.add(job.account or job.key)
            self._remember(job)
            if len(self._suspects) < SEVERAL:
                self._again_at = self._again_at or now + self._cap
                return False
        self._remember(job)
        self.reason = reason
        if not is_closed:
            self._probe, self._probe_after = None, self._first
            self._probe_at = now + self._first
        else:
            self.untold(job, now)
        return not is_closed

    def accepted(self, job: Job) -> bool:
        """Take an answer in that is no refusal; says whether it has opened: the probe's does that."""
        self._suspects.clear()
        if job.key != self._probe:
            if not self.is_closed:
                self._refused.clear()
            return False
        self.reason, self._probe, self.is_hungry = None, None, False
        self._own, self._refused = self._refused, {}
        return True

    def untold(self, job: Job, now: float) -> None:
        """Take in that a request has told nothing, or no more than before: where it was the probe, wait longer."""
        if job.key == self._probe:
            self._probe_after = min(self._cap, 2 * self._probe_after)
            self._probe, self._probe_at = None, now + self._probe_after

    def unsent(self, job: Job) -> None:
        """Take in that a job was not sent after all: where it was the probe, the next one is."""
        if job.key == self._probe:
            self._probe = None

    def _remember(self, job: Job) -> None:
        if len(self._refused) < _REMEMBERED:
            self._refused[job.key] = None


class Gates:
    """The gates of all kinds. `kinds` are those that may come up; by default those that have."""

    def __init__(self, *, first: float, cap: float, kinds: Collection[Kind] = ()) -> None:
        self._gates: dict[Kind, Gate] = {}
        self._first, self._cap = first, cap
        for kind in kinds:
            self.of(kind)

    def of(self, kind: Kind) -> Gate:
        """Give the gate of a kind; from then on it is one that comes up."""
        gate = self._gates.get(kind)
        if gate is None:
            gate = self._gates[kind] = Gate(kind, first=self._first, cap=self._cap)
        return gate

    @property
    def refusals(self) -> dict[Kind, str]:
        """Say why requests are refused, by kind."""
        return {kind: gate.reason for kind, gate in self._gates.items() if gate.reason is not None}

    @property
    def all_closed(self) -> bool:
        """Whether every kind that comes up is refused."""
        return bool(self._gates) and all(gate.is_closed for gate in self._gates.values())

    @property
    def hold_any(self) -> bool:
        """Whether jobs are held that will be released when a gate opens."""
        return any(gate.is_closed and gate.mappings for gate in self._gates.values())

    @property
    def is_hungry(self) -> bool:
        """Whether a gate waits for any job to try."""
        return any(gate.is_hungry for gate in self._gates.values())

    @property
    def is_probing(self) -> bool:
        """Whether a gate has a job to try, or would take any."""
        return any(gate.is_probing for gate in self._gates.values())

    def unsent(self, jobs: Iterable[Job]) -> None:
        """Take in that jobs are not sent now."""
        closed = [gate for gate in self._gates.values() if gate.is_closed]
        if closed:
            for job in jobs:
                for gate in closed:
                    gate.unsent(job)

    def over(self, now: float) -> Gate | None:
        """Give an open gate that holds jobs alone, and for long enough."""
        return next((gate for gate in self._gates.values() if gate.is_over(now)), None)

    def due(self, now: float) -> Gate | None:
        """Give a gate for which a probe is to be looked for now."""
        return next((gate for gate in self._gates.values() if gate.is_due(now)), None)

    def wait(self, now: float) -> float | None:
        """Say in how many seconds a probe is to be looked for."""
        waits = [wait for gate in self._gates.values() if (wait := gate.wait(now)) is not None]
        return min(waits, default=None)


def _is_of_a_token(request: Request, answer: Response | Failure) -> bool:
    return bool(request.token) and isinstance(answer, Response) and answer.status in _OF_A_TOKEN
