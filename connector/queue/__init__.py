"""What is delivered, and where it waits: the Job, its ledger, and the protocol that every queue fills.

A job is one event for one mapping. It is `waiting`, `sending` while a worker has claimed it, or `held` until somebody
releases it, and ends as `delivered`, `skipped`, `invalid` or `dead`. Times are arguments, in seconds since the epoch.
What is put, claimed and settled is all that a queue knows; it reads no clock, no event and no mapping.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from connector.rupt import Failure, Request, Response
from connector.values import JSON

State: TypeAlias = Literal["waiting", "sending", "held", "delivered", "filtered", "skipped", "invalid", "dead"]
Settled: TypeAlias = Literal["delivered", "skipped", "invalid"]
Cause: TypeAlias = Literal["refused", "in_doubt", "mapping"]
"""Why a job is held: Rupt refused the configuration, the job may have landed, its mapping cannot be used."""

Ordering: TypeAlias = Literal["none", "account"]
"""Whether jobs of one account are delivered one after the other, in the order in which they were accepted."""

WINDOW: Final = 86_400.0  # seconds in which a key is not accepted twice, as Segment has it


class Job(msgspec.Struct, frozen=True, gc=False):
    """One event for one mapping. `raw` is the event's JSON text, `accepted_at` when its sender was told it is safe.

    `attempts` counts the claims of this series, this one included, and `first_at` is when the first of them was made; a
    job that was held begins a new series. `in_doubt`: an attempt of it may have landed without an answer. `claim`
    numbers all claims of a job, so that a worker that lost its lease cannot settle another's claim. `account` is whom
    the event is of, as `account_of` says; empty when it names nobody.
    """

    key: str
    message_id: str
    mapping: str
    raw: bytes
    accepted_at: float
    attempts: int = 0
    in_doubt: bool = False
    first_at: float | None = None
    claim: int = 0
    account: str = ""

    def __repr__(self) -> str:
        return f"Job({self.key!r}, attempts={self.attempts}, in_doubt={self.in_doubt})"  # the event names a person


def new_job(message_id: str, mapping: str, raw: bytes, accepted_at: float, account: str = "") -> Job:
    """Make the job of an event and a mapping; the length in its key keeps apart what a separator could not."""
    return Job(f"{len(mapping)}:{mapping}:{message_id}", message_id, mapping, raw, accepted_at, account=account)


def account_of(event: dict[str, JSON]) -> str:
    """Name whom an event is of: its userId, else its anonymousId. The jobs of one such are one account's, in order."""
    user, device = event.get("userId"), event.get("anonymousId")
    return user if isinstance(user, str) and user else device if isinstance(device, str) else ""


class Filtered(msgspec.Struct, frozen=True, gc=False):
    """An event that makes no job, and why; `mapping` is empty when no mapping took it. Counted each time it comes.

    What an ingest discards is one too: its sender was told that it is accepted. `detail` names no value of the event.
    """

    message_id: str
    reason: str
    mapping: str = ""
    detail: str = ""


class Receipt(msgspec.Struct, frozen=True):
    """What a put has done: how many jobs are new, and the keys of those that it knew already and left alone."""

    accepted: int
    duplicates: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True):
    """A job that was accepted before: its state now, and when it was put."""

    state: State
    put_at: float


class Full(msgspec.Struct, frozen=True):
    """A put that was refused whole: so many jobs are waiting, of so many that may; or the disk has no room for it."""

    waiting: int
    capacity: int
    cause: Literal["capacity", "disk"] = "capacity"


class Attempt(msgspec.Struct, frozen=True):
    """One request and what came back. `at` is when it was made, `latency` the seconds until the answer.

    `in_doubt`: it may have landed although no answer says so. The request holds no credential but the account's token.
    """

    at: float
    latency: float
    request: Request
    answer: Response | Failure
    reason: str = ""
    in_doubt: bool = False


class Note(msgspec.Struct, frozen=True):
    """Why a job goes where it goes: a queue with a memory keeps it, for the question why an event did not arrive."""

    reason: str = ""
    problems: tuple[str, ...] = ()
    attempt: Attempt | None = None

    @property
    def in_doubt(self) -> bool:
        """Whether the attempt that is noted may have landed."""
        return self.attempt is not None and self.attempt.in_doubt


NO_NOTE: Final = Note()


class Tally(msgspec.Struct, frozen=True):
    """How many jobs are in each state, of how many accepted; `in_doubt` counts attempts, not jobs."""

    accepted: int = 0
    delivered: int = 0
    filtered: int = 0
    skipped: int = 0
    invalid: int = 0
    dead: int = 0
    waiting: int = 0
    sending: int = 0
    held: int = 0
    in_doubt: int = 0

    @property
    def balances(self) -> bool:
        """Whether everything accepted is accounted for: the identity that holds at any time."""
        ended = self.delivered + self.filtered + self.skipped + self.invalid + self.dead
        return self.accepted == ended + self.waiting + self.sending + self.held

    @property
    def unfinished(self) -> int:
        """How many jobs can still move without anybody's doing."""
        return self.waiting + self.sending


class Ledger(msgspec.Struct, frozen=True):
    """The tally of each mapping, under "" that of the events no mapping took, and of all together."""

    mappings: Mapping[str, Tally]
    total: Tally

    @property
    def balances(self) -> bool:
        """Whether each mapping balances, and all together."""
        return self.total.balances and all(tally.balances for tally in self.mappings.values())


def add_up(mappings: Mapping[str, Tally]) -> Ledger:
    """Make a ledger of its mappings."""
    return Ledger(mappings, Tally(*map(sum, zip(*map(msgspec.structs.astuple, mappings.values()), strict=True))))


class Queue(Protocol):
    """Where jobs wait. Every method but `watch` is one step: it is done whole, with its counters, or not at all.

    A method that takes a claimed job says whether the claim was still good; if not, nothing has changed.
    """

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Accept jobs, each once: a key that was accepted within the window, or is not finished, is left alone.

        It is refused when no more jobs may wait; a batch is taken whole or not at all, so it may exceed that by itself.
        """
        ...

    async def room(self) -> None:
        """Wait until a put would not be refused."""
        ...

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Take jobs to send, at most `limit`: those whose time has come first, then the rest in the order they came.

        A queue that keeps the order of accounts passes over a job while an earlier one of the same account is waiting,
        sending or held; a job without account waits for none.

        They are `sending` from then on, before any request leaves, so that no crash can hide that one may have left.
        A job that is not given back within `lease` seconds can be claimed again, in doubt.
        """
        ...

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """End a claimed job."""
        ...

    async def bury(self, job: Job, *, now: float, note: Note = NO_NOTE) -> bool:
        """End a claimed job as a dead letter; a queue with a memory keeps its event, so that it can be sent again."""
        ...

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:
        """Let a claimed job wait until `at`."""
        ...

    async def hold(self, job: Job, cause: Cause, *, now: float, note: Note = NO_NOTE) -> bool:
        """Let a claimed job wait until somebody releases it."""
        ...

    async def release(
        self, cause: Cause, *, now: float, limit: int | None = None, mappings: Collection[str] | None = None
    ) -> int:
        """Let held jobs wait for a claim again, the oldest first, each with a new series of attempts; say how many.

        With `mappings` only theirs. Who releases what is in doubt has decided that it may be sent again: it is in doubt
        no more.
        """
        ...

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Give back claimed jobs that were not tried: they wait in front, as if they had never been claimed."""
        ...

    async def due(self) -> float | None:
        """Say when the next waiting or leased job can be claimed, or could have been; None when there is none."""
        ...

    async def counts(self) -> Ledger:
        """Count the jobs by mapping and state."""
        ...

    def watch(self, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake`, on the event loop's thread, whenever more may be claimable than before; returns what ends it."""
        ...
