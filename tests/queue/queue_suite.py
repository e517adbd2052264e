"""What every queue must do: one suite over all fillings of the Queue protocol, and a state machine against a model.

A filling's test module subclasses QueueSuite and QueueMachine, and says how its queue is opened.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from connector.queue import Attempt, Cause, Filtered, Full, Job, Note, Ordering, Queue, Receipt, Settled, Tally, new_job
from connector.rupt import Failure, Request

NOW = 1_700_000_000.0
WINDOW = 1_000.0
LEASE = 60.0


class Opener(Protocol):
    """Opens a fresh queue of a filling."""

    def __call__(
        self, *, capacity: int, window: float, ordering: Ordering = "none"
    ) -> AbstractAsyncContextManager[Queue]:
        """Give a context that closes it."""
        ...


Suite = TypeVar("Suite", bound="QueueSuite")
Test = Callable[[Suite, Queue], Coroutine[Any, Any, None]]


def job(name: str, mapping: str = "Attach Device", account: str = "") -> Job:
    """Make a job of a small event."""
    return new_job(name, mapping, b'{"type":"page"}', NOW, account)


def doubtful(reason: str = "timeout") -> Note:
    """Make the note of an attempt that may have landed."""
    request = Request("POST", "/v2/device/attach", {"user": "user-42"})
    return Note(reason, attempt=Attempt(NOW, 10.0, request, Failure("timeout", "no answer"), reason, in_doubt=True))


def on_queue(capacity: int = 1_000, ordering: Ordering = "none") -> Callable[[Test[Suite]], Callable[[Suite], None]]:
    """Run an async test on a fresh queue of the suite's filling."""

    def decorate(test: Test[Suite]) -> Callable[[Suite], None]:
        def run(self: Suite) -> None:
            async def scenario() -> None:
                async with self.opened(capacity=capacity, window=WINDOW, ordering=ordering) as queue:
                    await test(self, queue)

            asyncio.run(scenario())

        run.__doc__ = test.__doc__
        return run

    return decorate


async def total(queue: Queue) -> Tally:
    """Count all jobs, and check that they add up."""
    ledger = await queue.counts()
    assert ledger.balances
    return ledger.total


async def names_claimed(queue: Queue, limit: int = 9, now: float = NOW) -> list[str]:
    """Claim jobs, and name their events."""
    return [one.message_id for one in await queue.claim(limit, now=now, lease=LEASE)]


async def change_ordering(queue: Any, ordering: Ordering) -> None:
    """Set the ordering; one filling waits for it, another need not."""
    done = queue.set_ordering(ordering)
    if done is not None:
        await done


async def claim_one(queue: Queue, now: float = NOW) -> Job:
    """Claim the next job, which there must be."""
    (claimed,) = await queue.claim(1, now=now, lease=LEASE)
    return claimed


class QueueSuite:
    """Subclass it as Test… and fill `opened`."""

    opened: ClassVar[Opener]

    @on_queue()
    async def test_claim_order(self, queue: Queue) -> None:
        """Fresh jobs are claimed in the order in which they were put, at most as many as asked for."""
        await queue.put([job("a"), job("b")], now=NOW)
        await queue.put([job("c")], now=NOW)
        claimed = await queue.claim(2, now=NOW, lease=LEASE)
        claimed += await queue.claim(9, now=NOW, lease=LEASE)
        assert [one.message_id for one in claimed] == ["a", "b", "c"]

    @on_queue()
    async def test_a_claimed_job_is_what_was_put(self, queue: Queue) -> None:
        """A claimed job has its event, its mapping and its first attempt."""
        await queue.put([job("a", "Detach")], now=NOW)
        claimed = await claim_one(queue, NOW + 5)
        assert (claimed.message_id, claimed.mapping, claimed.raw) == ("a", "Detach", b'{"type":"page"}')
        assert (claimed.accepted_at, claimed.attempts, claimed.first_at, claimed.in_doubt) == (NOW, 1, NOW + 5, False)

    @on_queue()
    async def test_duplicates_in_one_put(self, queue: Queue) -> None:
        """A key that comes twice in one put is accepted once."""
        assert await queue.put([job("a"), job("a")], now=NOW) == Receipt(1, (job("a").key,))
        assert (await total(queue)).accepted == 1

    @on_queue()
    async def test_same_event_two_mappings(self, queue: Queue) -> None:
        """The same event is accepted once for each mapping."""
        assert await queue.put([job("a", "one"), job("a", "two")], now=NOW) == Receipt(2)

    @on_queue()
    async def test_keys_do_not_run_together(self, queue: Queue) -> None:
        """No choice of mapping name and message id makes the key of another job."""
        assert await queue.put([job("b:c", "a"), job("c", "a:b")], now=NOW) == Receipt(2)

    @on_queue()
    async def test_finished_job_stays_known(self, queue: Queue) -> None:
        """A job that is done is not accepted again within the window, and is after it."""
        await queue.put([job("a")], now=NOW)
        await queue.settle(await claim_one(queue), "delivered", now=NOW)
        assert await queue.put([job("a")], now=NOW + WINDOW - 1) == Receipt(0, (job("a").key,))
        assert await queue.put([job("a")], now=NOW + WINDOW) == Receipt(1)

    @on_queue()
    async def test_unfinished_job_stays_known(self, queue: Queue) -> None:
        """A job that is not done is not accepted again, however long ago it was put."""
        await queue.put([job("a")], now=NOW)
        assert await queue.put([job("a")], now=NOW + 10 * WINDOW) == Receipt(0, (job("a").key,))

    @on_queue()
    async def test_claimed_once(self, queue: Queue) -> None:
        """A claimed job cannot be claimed again while its lease lasts."""
        await queue.put([job("a")], now=NOW)
        await claim_one(queue)
        assert await queue.claim(9, now=NOW + LEASE - 1, lease=LEASE) == []

    @on_queue()
    async def test_lease_runs_out(self, queue: Queue) -> None:
        """A job whose lease ran out can be claimed again and is in doubt; the attempt that was lost counts."""
        await queue.put([job("a")], now=NOW)
        await claim_one(queue)
        again = await claim_one(queue, NOW + LEASE)
        assert (again.in_doubt, again.attempts, again.first_at) == (True, 2, NOW)
        assert (await total(queue)).in_doubt == 1

    @on_queue()
    async def test_late_settle_counts(self, queue: Queue) -> None:
        """Who is late, but before anybody else claimed the job, still settles it."""
        await queue.put([job("a")], now=NOW)
        late = await claim_one(queue)
        assert await queue.settle(late, "delivered", now=NOW + 2 * LEASE)
        assert (await total(queue)).delivered == 1

    @on_queue()
    async def test_lost_claim(self, queue: Queue) -> None:
        """Who lost the lease to another cannot settle, retry, bury or hold the job, nor hand it back."""
        await queue.put([job("a")], now=NOW)
        lost = await claim_one(queue)
        mine = await claim_one(queue, NOW + LEASE)
        assert not await queue.settle(lost, "delivered", now=NOW)
        assert not await queue.bury(lost, now=NOW)
        assert not await queue.retry(lost, at=NOW, now=NOW)
        assert not await queue.hold(lost, "refused", now=NOW)
        await queue.hand_back([lost])
        assert (await total(queue)).sending == 1
        assert await queue.settle(mine, "delivered", now=NOW)

    @on_queue()
    async def test_settled_once(self, queue: Queue) -> None:
        """A job that is done is done once."""
        await queue.put([job("a")], now=NOW)
        claimed = await claim_one(queue)
        assert await queue.settle(claimed, "delivered", now=NOW)
        assert not await queue.settle(claimed, "delivered", now=NOW)
        assert (await total(queue)).delivered == 1

    @pytest.mark.parametrize("state", ["delivered", "skipped", "invalid"])
    def test_settled_states(self, state: Settled) -> None:
        """A settled job counts in the state it was settled in."""

        async def scenario() -> None:
            async with self.opened(capacity=9, window=WINDOW) as queue:
                await queue.put([job("a")], now=NOW)
                await queue.settle(await claim_one(queue), state, now=NOW)
                tally = await total(queue)
                assert (getattr(tally, state), tally.accepted) == (1, 1)

        asyncio.run(scenario())

    @on_queue()
    async def test_buried(self, queue: Queue) -> None:
        """A dead letter counts as dead, and is not claimed again."""
        await queue.put([job("a")], now=NOW)
        assert await queue.bury(await claim_one(queue), now=NOW, note=Note("400 bad request"))
        assert (await total(queue)).dead == 1
        assert await queue.claim(9, now=NOW + 10 * LEASE, lease=LEASE) == []

    @on_queue()
    async def test_retry_waits_for_its_time(self, queue: Queue) -> None:
        """A job to be retried is claimed at its time and not before, as the next attempt of the same series."""
        await queue.put([job("a")], now=NOW)
        assert await queue.retry(await claim_one(queue), at=NOW + 30, now=NOW + 1, note=Note("500"))
        assert await queue.claim(9, now=NOW + 29, lease=LEASE) == []
        assert (await total(queue)).waiting == 1
        again = await claim_one(queue, NOW + 30)
        assert (again.attempts, again.first_at, again.in_doubt) == (2, NOW, False)

    @on_queue()
    async def test_retry_in_doubt(self, queue: Queue) -> None:
        """An attempt that may have landed leaves its job in doubt, and is counted."""
        await queue.put([job("a")], now=NOW)
        await queue.retry(await claim_one(queue), at=NOW, now=NOW, note=doubtful())
        assert (await claim_one(queue)).in_doubt
        assert (await total(queue)).in_doubt == 1

    @on_queue()
    async def test_retries_do_not_block(self, queue: Queue) -> None:
        """A job that waits for its time keeps no other from being claimed, and goes before fresh ones when it comes."""
        await queue.put([job("a"), job("b"), job("c")], now=NOW)
        await queue.retry(await claim_one(queue), at=NOW + 30, now=NOW)
        assert (await claim_one(queue)).message_id == "b"
        assert (await claim_one(queue, NOW + 30)).message_id == "a"

    @on_queue()
    async def test_held_until_released(self, queue: Queue) -> None:
        """A held job is claimed only after it was released, then with a new series of attempts."""
        await queue.put([job("a")], now=NOW)
        assert await queue.hold(await claim_one(queue), "refused", now=NOW, note=Note("401"))
        assert await queue.claim(9, now=NOW + 10 * LEASE, lease=LEASE) == []
        assert (await total(queue)).held == 1
        assert await queue.release("refused", now=NOW + 500) == 1
        again = await claim_one(queue, NOW + 500)
        assert (again.attempts, again.first_at) == (1, NOW + 500)

    @on_queue()
    async def test_release_by_cause(self, queue: Queue) -> None:
        """Only jobs held for the given cause are released, the oldest first, at most as many as asked for."""
        await queue.put([job(name) for name in "abcd"], now=NOW)
        causes: list[Cause] = ["refused", "in_doubt", "refused", "mapping"]
        for cause in causes:
            await queue.hold(await claim_one(queue), cause, now=NOW)
        assert await queue.release("refused", now=NOW, limit=1) == 1
        assert (await claim_one(queue)).message_id == "a"
        assert await queue.release("refused", now=NOW, limit=9) == 1
        assert await queue.release("refused", now=NOW) == 0
        assert (await total(queue)).held == 2

    @on_queue()
    async def test_release_ends_doubt(self, queue: Queue) -> None:
        """Who releases what is in doubt has decided: it is in doubt no more; other releases decide nothing."""
        await queue.put([job("a"), job("b")], now=NOW)
        await queue.hold(await claim_one(queue), "in_doubt", now=NOW, note=doubtful())
        await queue.hold(await claim_one(queue), "refused", now=NOW, note=doubtful())
        await queue.release("in_doubt", now=NOW)
        await queue.release("refused", now=NOW)
        assert [one.in_doubt for one in await queue.claim(2, now=NOW, lease=LEASE)] == [False, True]

    @on_queue()
    async def test_hand_back(self, queue: Queue) -> None:
        """Jobs that are handed back untried wait in front, in their order, and the claim was no attempt."""
        await queue.put([job(name) for name in "abc"], now=NOW)
        await queue.hand_back(await queue.claim(2, now=NOW, lease=LEASE))
        assert (await total(queue)).waiting == 3
        again = await queue.claim(3, now=NOW + 7, lease=LEASE)
        assert [(one.message_id, one.attempts, one.first_at) for one in again] == [(name, 1, NOW + 7) for name in "abc"]

    @on_queue()
    async def test_hand_back_keeps_the_series(self, queue: Queue) -> None:
        """A job that is handed back after earlier attempts keeps their number and time."""
        await queue.put([job("a")], now=NOW)
        await queue.retry(await claim_one(queue), at=NOW, now=NOW)
        await queue.hand_back([await claim_one(queue, NOW + 5)])
        again = await claim_one(queue, NOW + 9)
        assert (again.attempts, again.first_at) == (2, NOW)

    @on_queue(capacity=2)
    async def test_full(self, queue: Queue) -> None:
        """When as many jobs wait as may, a put is refused whole and counts nothing; its jobs are not known then."""
        await queue.put([job("a"), job("b")], now=NOW)
        refused = await queue.put([job("c")], now=NOW, filtered=[Filtered("d", "NO_MATCHING_MAPPING")])
        assert refused == Full(waiting=2, capacity=2)
        assert (await total(queue)).accepted == 2
        await claim_one(queue)
        assert await queue.put([job("c")], now=NOW) == Receipt(1)

    @on_queue(capacity=2)
    async def test_a_batch_is_taken_whole(self, queue: Queue) -> None:
        """A batch that is longer than the queue is taken whole when there is room at all."""
        assert await queue.put([job(name) for name in "abcde"], now=NOW) == Receipt(5)

    @on_queue(capacity=1)
    async def test_room(self, queue: Queue) -> None:
        """Who waits for room goes on as soon as a job is claimed."""
        await queue.room()
        await queue.put([job("a")], now=NOW)
        waiter = asyncio.ensure_future(queue.room())
        await asyncio.sleep(0)
        assert not waiter.done()
        await claim_one(queue)
        await asyncio.wait_for(waiter, timeout=5)

    @on_queue()
    async def test_filtered(self, queue: Queue) -> None:
        """Events that make no job are counted, under the mapping that would have taken them or under none."""
        events = [Filtered("a", "NO_MATCHING_MAPPING"), Filtered("b", "FILTERED_BY_END_USER_CONSENT", "Detach")]
        assert await queue.put([], now=NOW, filtered=events) == Receipt(0)
        ledger = await queue.counts()
        assert ledger.mappings == {"": Tally(1, filtered=1), "Detach": Tally(1, filtered=1)}
        assert ledger.total == Tally(2, filtered=2)

    @on_queue()
    async def test_counts_by_mapping(self, queue: Queue) -> None:
        """Each mapping has its own tally, and the total adds them up."""
        await queue.put([job("a", "one"), job("b", "one"), job("a", "two")], now=NOW)
        await queue.settle(await claim_one(queue), "delivered", now=NOW)
        ledger = await queue.counts()
        assert ledger.mappings == {"one": Tally(2, delivered=1, waiting=1), "two": Tally(1, waiting=1)}
        assert ledger.total == Tally(3, delivered=1, waiting=2)
        assert ledger.total.unfinished == 2

    @on_queue()
    async def test_due(self, queue: Queue) -> None:
        """The queue says when the next job can be claimed: put, to be retried, or its lease run out."""
        assert await queue.due() is None
        await queue.put([job("a"), job("b")], now=NOW)
        due = await queue.due()
        assert due is not None
        assert due <= NOW
        first, second = await queue.claim(2, now=NOW, lease=LEASE)
        assert await queue.due() == NOW + LEASE
        await queue.retry(first, at=NOW + 30, now=NOW)
        assert await queue.due() == NOW + 30
        await queue.hold(second, "refused", now=NOW)
        await queue.settle(await claim_one(queue, NOW + 30), "delivered", now=NOW + 30)
        assert await queue.due() is None

    @on_queue()
    async def test_watch(self, queue: Queue) -> None:
        """Whoever watches is woken when more can be claimed, until it ends the watch."""
        woken: list[str] = []
        unwatch = queue.watch(lambda: woken.append("woken"))
        await queue.put([job("a")], now=NOW)
        assert len(woken) == 1
        await queue.put([job("a")], now=NOW)
        assert len(woken) == 1, "a duplicate is nothing to claim"
        await queue.retry(await claim_one(queue), at=NOW, now=NOW)
        await queue.hold(await claim_one(queue), "refused", now=NOW)
        assert len(woken) == 2
        await queue.release("refused", now=NOW)
        await queue.hand_back([await claim_one(queue)])
        assert len(woken) == 4
        unwatch()
        await queue.put([job("b")], now=NOW)
        assert len(woken) == 4

    @on_queue()
    async def test_release_of_mappings(self, queue: Queue) -> None:
        """Only the jobs of the given mappings are released, the oldest first; the others stay held."""
        await queue.put([job("a", "one"), job("b", "two"), job("c", "one"), job("d", "three")], now=NOW)
        for one in await queue.claim(9, now=NOW, lease=LEASE):
            await queue.hold(one, "mapping", now=NOW)
        assert await queue.release("mapping", now=NOW, mappings=["one", "two"], limit=2) == 2
        assert await names_claimed(queue) == ["a", "b"]
        assert await queue.release("mapping", now=NOW, mappings=[]) == 0
        assert await queue.release("mapping", now=NOW, mappings={"one", "never heard of"}) == 1
        assert await names_claimed(queue) == ["c"]
        assert (await total(queue)).held == 1

    @on_queue()
    async def test_account_of_a_claim(self, queue: Queue) -> None:
        """A claimed job says whose it is."""
        await queue.put([job("a", account="user-42"), job("b")], now=NOW)
        assert [one.account for one in await queue.claim(2, now=NOW, lease=LEASE)] == ["user-42", ""]

    @on_queue()
    async def test_no_order_by_default(self, queue: Queue) -> None:
        """Without an ordering, jobs of one account are claimed together."""
        await queue.put([job("a", account="ada"), job("b", account="ada")], now=NOW)
        assert await names_claimed(queue) == ["a", "b"]

    @on_queue(ordering="account")
    async def test_order_of_an_account(self, queue: Queue) -> None:
        """With ordering by account, a job waits for an earlier one of its account, and for no other."""
        jobs = [job("a1", account="ada"), job("b1", account="bob"), job("a2", account="ada"), job("x"), job("y")]
        await queue.put(jobs, now=NOW)
        first, *others = await queue.claim(9, now=NOW, lease=LEASE)
        assert [one.message_id for one in (first, *others)] == ["a1", "b1", "x", "y"]
        await queue.settle(first, "delivered", now=NOW)
        assert await names_claimed(queue) == ["a2"]

    @on_queue(ordering="account")
    async def test_order_within_an_event(self, queue: Queue) -> None:
        """The jobs that one event made for several mappings are delivered one after the other too."""
        await queue.put([job("a", "one", "ada"), job("a", "two", "ada")], now=NOW)
        first = await claim_one(queue)
        assert await names_claimed(queue) == []
        await queue.bury(first, now=NOW)
        assert (await claim_one(queue)).mapping == "two"

    @on_queue(ordering="account")
    async def test_order_over_a_retry(self, queue: Queue) -> None:
        """While a job is to be retried or is held, the later ones of its account wait, and are not due."""
        await queue.put([job("a1", account="ada"), job("a2", account="ada")], now=NOW)
        await queue.retry(await claim_one(queue), at=NOW + 30, now=NOW)
        assert await names_claimed(queue) == []
        assert await queue.due() == NOW + 30
        await queue.hold(await claim_one(queue, NOW + 30), "refused", now=NOW + 30)
        assert await names_claimed(queue, now=NOW + 30) == []
        assert await queue.due() is None
        await queue.release("refused", now=NOW + 40)
        await queue.settle(await claim_one(queue, NOW + 40), "delivered", now=NOW + 40)
        assert await names_claimed(queue, now=NOW + 40) == ["a2"]

    @on_queue(ordering="account")
    async def test_order_keeps_its_place(self, queue: Queue) -> None:
        """A job that had to wait for its account goes before those that came after it, when it may go."""
        await queue.put([job("a1", account="ada"), job("a2", account="ada"), job("b1", account="bob")], now=NOW)
        await queue.settle(await claim_one(queue), "delivered", now=NOW)
        assert await names_claimed(queue, limit=1) == ["a2"]

    @on_queue(ordering="account")
    async def test_order_is_watched(self, queue: Queue) -> None:
        """Whoever watches is woken when the end of a job lets the next of its account go on."""
        await queue.put([job("a1", account="ada"), job("a2", account="ada")], now=NOW)
        woken: list[str] = []
        queue.watch(lambda: woken.append("woken"))
        await queue.settle(await claim_one(queue), "delivered", now=NOW)
        assert woken == ["woken"]

    @on_queue()
    async def test_order_is_changed(self, queue: Queue) -> None:
        """The ordering can be changed at any time: what waits is put in order, or let go."""
        await queue.put([job(name, account="ada") for name in "abcd"], now=NOW)
        first, second = await queue.claim(2, now=NOW, lease=LEASE)
        await change_ordering(queue, "account")
        assert await names_claimed(queue) == []
        await queue.settle(first, "delivered", now=NOW)
        assert await names_claimed(queue) == [], "the second is still being sent"
        await queue.settle(second, "delivered", now=NOW)
        assert await names_claimed(queue) == ["c"]
        await change_ordering(queue, "none")
        assert await names_claimed(queue) == ["d"]

    @on_queue()
    async def test_order_of_expired_leases(self, queue: Queue) -> None:
        """Also of jobs whose leases ran out, only the first of an account is claimed."""
        await queue.put([job(name, account="ada") for name in "ab"], now=NOW)
        await queue.claim(2, now=NOW, lease=LEASE)
        await change_ordering(queue, "account")
        assert await names_claimed(queue, now=NOW + LEASE) == ["a"]
        assert await queue.due() == NOW + 2 * LEASE

    def test_a_repr_names_no_person(self) -> None:
        """A job's repr, which logs print, does not show its event."""
        assert "page" not in repr(job("a"))


# ------------------------------------------------------------------------------------------------------ state machine


@dataclass
class _Known:
    """What the model knows of a job."""

    put_at: float
    state: str = "waiting"
    fresh: bool = True
    at: float = 0.0
    attempts: int = 0
    first_at: float | None = None
    in_doubt: bool = False
    claim: int = 0
    cause: Cause | None = None

    def can_be_claimed(self, now: float) -> bool:
        if self.state == "waiting":
            return self.fresh or self.at <= now
        return self.state == "sending" and self.at <= now


@dataclass
class _Model:
    jobs: dict[str, _Known] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    accepted: int = 0
    doubts: int = 0

    def end(self, key: str, state: str) -> None:
        self.ended[state] = self.ended.get(state, 0) + 1
        self.jobs[key].state = "ended"

    def tally(self) -> Tally:
        states = [known.state for known in self.jobs.values()]
        live = {state: states.count(state) for state in ("waiting", "sending", "held")}
        return Tally(accepted=self.accepted, in_doubt=self.doubts, **self.ended, **live)


names = st.sampled_from(["a", "b", "c", "d", "e"])
mappings = st.sampled_from(["one", "two"])
causes = st.sampled_from(["refused", "in_doubt", "mapping"])
notes = st.sampled_from([Note(), doubtful()])


class QueueMachine(RuleBasedStateMachine):
    """Any sequence of steps leaves the ledger balanced, no job claimed twice, and every job where the model has it."""

    open: ClassVar[Opener]
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.context = type(self).open(capacity=1_000, window=WINDOW)
        self.queue = self.runner.run(self.context.__aenter__())
        self.model, self.now = _Model(), NOW

    def teardown(self) -> None:
        """Close the queue."""
        self.runner.run(self.context.__aexit__(None, None, None))
        self.runner.close()

    def run(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Do one step on the queue."""
        return self.runner.run(step)

    @rule(seconds=st.sampled_from([1.0, 29.0, LEASE, WINDOW]))
    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += seconds

    @rule(names=st.lists(names, max_size=4), mapping=mappings)
    def put(self, names: list[str], mapping: str) -> None:
        """Put jobs; known ones are told."""
        duplicates = []
        for key in [new_job(name, mapping, b"{}", self.now).key for name in names]:
            known = self.model.jobs.get(key)
            if known is not None and (known.state != "ended" or self.now < known.put_at + WINDOW):
                duplicates.append(key)
            else:
                self.model.jobs[key] = _Known(self.now)
                self.model.accepted += 1
        receipt = self.run(self.queue.put([new_job(name, mapping, b"{}", self.now) for name in names], now=self.now))
        assert receipt == Receipt(len(names) - len(duplicates), tuple(duplicates))

    @rule(name=names)
    def put_filtered(self, name: str) -> None:
        """Count an event that no mapping takes."""
        self.run(self.queue.put([], now=self.now, filtered=[Filtered(name, "NO_MATCHING_MAPPING")]))
        self.model.accepted += 1
        self.model.ended["filtered"] = self.model.ended.get("filtered", 0) + 1

    @rule(target=claims, limit=st.integers(0, 4))
    def claim(self, limit: int) -> Any:
        """Claim jobs: only such as can be, as many as can be, those whose time has come before fresh ones."""
        free = {key for key, known in self.model.jobs.items() if known.can_be_claimed(self.now)}
        due = {key for key in free if not self.model.jobs[key].fresh}
        jobs: list[Job] = self.run(self.queue.claim(limit, now=self.now, lease=LEASE))
        keys = [one.key for one in jobs]
        assert len(set(keys)) == len(keys) == min(limit, len(free))
        assert set(keys) <= free
        assert due <= set(keys) or set(keys) <= due
        for one in jobs:
            self._model_claim(one, self.model.jobs[one.key])
        return multiple(*jobs)

    def _model_claim(self, one: Job, known: _Known) -> None:
        if known.state == "sending":
            known.in_doubt = True
            self.model.doubts += 1
        known.state, known.fresh, known.at = "sending", False, self.now + LEASE
        known.attempts += 1
        known.first_at = self.now if known.first_at is None else known.first_at
        assert (one.attempts, one.first_at, one.in_doubt) == (known.attempts, known.first_at, known.in_doubt)
        known.claim = one.claim

    def _is_mine(self, one: Job) -> bool:
        known = self.model.jobs[one.key]
        return known.state == "sending" and known.claim == one.claim

    def _model_doubt(self, one: Job, note: Note) -> _Known:
        known = self.model.jobs[one.key]
        if note.in_doubt:
            known.in_doubt = True
            self.model.doubts += 1
        return known

    @rule(one=claims, state=st.sampled_from(["delivered", "skipped", "invalid"]), note=notes)
    def settle(self, one: Job, state: Settled, note: Note) -> None:
        """Settle a claim, also one that is not good any more."""
        mine = self._is_mine(one)
        assert self.run(self.queue.settle(one, state, now=self.now, note=note)) == mine
        if mine:
            self._model_doubt(one, note)
            self.model.end(one.key, state)

    @rule(one=claims, note=notes)
    def bury(self, one: Job, note: Note) -> None:
        """Bury a claim."""
        mine = self._is_mine(one)
        assert self.run(self.queue.bury(one, now=self.now, note=note)) == mine
        if mine:
            self._model_doubt(one, note)
            self.model.end(one.key, "dead")

    @rule(one=claims, delay=st.sampled_from([0.0, 10.0, 100.0]), note=notes)
    def retry(self, one: Job, delay: float, note: Note) -> None:
        """Let a claim wait."""
        mine = self._is_mine(one)
        assert self.run(self.queue.retry(one, at=self.now + delay, now=self.now, note=note)) == mine
        if mine:
            known = self._model_doubt(one, note)
            known.state, known.at = "waiting", self.now + delay

    @rule(one=claims, cause=causes, note=notes)
    def hold(self, one: Job, cause: Cause, note: Note) -> None:
        """Hold a claim."""
        mine = self._is_mine(one)
        assert self.run(self.queue.hold(one, cause, now=self.now, note=note)) == mine
        if mine:
            known = self._model_doubt(one, note)
            known.state, known.cause = "held", cause

    @precondition(lambda self: any(known.state == "held" for known in self.model.jobs.values()))
    @rule(cause=causes)
    def release(self, cause: Cause) -> None:
        """Release what is held for a cause."""
        held = [known for known in self.model.jobs.values() if known.state == "held" and known.cause == cause]
        assert self.run(self.queue.release(cause, now=self.now)) == len(held)
        for known in held:
            known.state, known.at, known.attempts, known.first_at = "waiting", self.now, 0, None
            known.in_doubt = known.in_doubt and cause != "in_doubt"

    @rule(one=consumes(claims))
    def hand_back(self, one: Job) -> None:
        """Hand a claim back."""
        mine = self._is_mine(one)
        self.run(self.queue.hand_back([one]))
        if mine:
            known = self.model.jobs[one.key]
            known.state, known.fresh, known.attempts = "waiting", True, known.attempts - 1
            known.first_at = known.first_at if known.attempts else None

    @invariant()
    def balances(self) -> None:
        """The ledger balances at any time, and says what the model says."""
        ledger = self.run(self.queue.counts())
        assert ledger.balances
        assert ledger.total == self.model.tally()

    @invariant()
    def due_tells_the_truth(self) -> None:
        """Something is due exactly when something can be claimed."""
        due = self.run(self.queue.due())
        can = any(known.can_be_claimed(self.now) for known in self.model.jobs.values())
        assert (due is not None and due <= self.now) == can
