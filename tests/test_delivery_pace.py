"""The worker keeps the pace: busy while Rupt answers, patient while it does not, stoppable whatever the queue does.

Everything runs on a fake clock; Rupt is a function here.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from connector.delivery import Finish, Pace, Rules
from connector.queue import NO_NOTE, Job, Note, Settled, Tally
from connector.queue.memory import MemoryQueue
from connector.retry import Policy
from connector.rupt import Failure, Request, Response
from tests.delivering import ERROR, NOT_SENT, OK, TIMEOUT, Answer, Delivery, Rupt, StoredQueue, until
from tests.fake_time import START, now, run

PATIENT = Policy(attempts=3)
FAULT = Response(500, {}, b"")


def users(count: int) -> list[str]:
    """Name so many accounts."""
    return [f"user-{number}" for number in range(count)]


def make_pace(most: int, *, first: int | None = None, opens_after: int = 10) -> Pace:
    """Make a pace without jitter."""
    return Pace(most, first=first or most, opens_after=opens_after, draw=lambda: 0.0)


# --------------------------------------------------------------------------------------------------------- Rupt is down


def test_while_rupt_is_down_jobs_burn_no_attempts() -> None:
    """While nobody is there jobs stay waiting; now and then one is tried; when somebody is, all are delivered."""
    rupt = Rupt(otherwise=NOT_SENT, latency=0.0)
    delivery = Delivery(rupt, Rules(policy=PATIENT), pace=make_pace(4, opens_after=4), draw=lambda: 0.0)

    async def scenario() -> Finish:
        until(200, lambda: setattr(rupt, "otherwise", OK))
        return await delivery.drain(*users(50))

    assert run(scenario()) == Finish("drained")
    assert run(delivery.total()) == Tally(accepted=50, delivered=50)
    tried = [at for at, _ in rupt.calls if at < 200]
    assert tried == [0.0] * 4 + [5.0, 15.0, 35.0, 75.0, 155.0]


def test_what_is_claimed_goes_back_when_rupt_is_down() -> None:
    """When the circuit opens, what was claimed ahead waits in the queue again, as if it had never been claimed."""
    rupt = Rupt(otherwise=NOT_SENT, latency=0.02)
    delivery = Delivery(rupt, pace=make_pace(4, opens_after=6), queue=StoredQueue())

    async def scenario() -> Tally:
        await delivery.put(*users(100))
        until(3, delivery.worker.stop)
        until(2.9, lambda: tallies.append(delivery.worker.pace.circuit))
        await delivery.worker.run()
        return await delivery.total()

    tallies = list[str]()
    assert run(scenario()) == Tally(accepted=100, waiting=100)
    assert tallies == ["open"]


def test_a_drained_worker_waits_while_rupt_is_down() -> None:
    """Drained means that nothing waits: a worker that waits for its next probe goes on."""
    rupt = Rupt({name: [TIMEOUT] for name in users(10)}, latency=0.0)
    delivery = Delivery(rupt, pace=make_pace(10), draw=lambda: 0.0)
    assert run(delivery.drain(*users(10))) == Finish("drained")
    assert run(delivery.total()) == Tally(accepted=10, delivered=10, in_doubt=10)
    assert rupt.calls[10][0] == 5.0


def test_stop_while_rupt_is_down() -> None:
    """A worker that waits for its next probe stops at once."""
    delivery = Delivery(Rupt(otherwise=NOT_SENT, latency=0.0), pace=make_pace(10))

    async def scenario() -> float:
        await delivery.put(*users(20))
        until(2, delivery.worker.stop)
        await delivery.worker.run()
        return now() - START

    assert run(scenario()) == pytest.approx(2)


def test_a_failing_mapping_delays_no_other() -> None:
    """While all requests of one mapping fail, another's are delivered as they come, and at full concurrency."""

    class Half(Rupt):
        async def send(self, request: Request) -> Response | Failure:
            answer = await super().send(request)
            return FAULT if str(request.body["user"]).startswith("bad") else answer

    delivery = Delivery(Half(latency=0.1), Rules(policy=PATIENT), pace=make_pace(8))

    async def scenario() -> None:
        for number in range(200):
            await delivery.put(f"bad-{number}", mapping="Bad")
            await delivery.put(f"good-{number}", mapping="Good")
        until(10, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    good = [outcome for outcome in delivery.outcomes if outcome.state == "delivered"]
    assert len(good) == 200
    assert max(outcome.job.accepted_at for outcome in good) == START
    assert delivery.worker.pace.limit == 8


def test_retry_after_of_two_pauses_all() -> None:
    """After two accounts got a 429 with Retry-After nothing is sent until then, whoever's job it is."""
    busy = Response(429, {"retry-after": "30"}, b"")
    rupt = Rupt({"user-1": [busy], "user-2": [busy]}, latency=1.0, slow={"user-1": 0.5, "user-2": 0.5})
    delivery = Delivery(rupt, pace=make_pace(4), draw=lambda: 0.0)
    run(delivery.drain(*users(12)))
    assert [at for at, _ in rupt.calls if at < 30.5] == [0.0] * 4
    assert len(delivery.outcomes) == 12


def test_retry_after_of_one_account_delays_no_other() -> None:
    """While one account is told to wait each time it is tried, all others are delivered as if it were not there."""
    busy = Response(429, {"retry-after": "2"}, b"")
    rupt = Rupt({"user-0": [busy] * 50}, latency=0.1)
    delivery = Delivery(rupt, Rules(policy=Policy(attempts=100)), pace=make_pace(4), draw=lambda: 0.0)
    run(delivery.drain(*users(40)))
    others = [at for at, account in rupt.calls if account != "user-0"]
    assert max(others) <= 2.0
    assert delivery.states() == dict.fromkeys(users(40), "delivered")


def test_a_restart_sends_what_waits() -> None:
    """What waits because Rupt is down is sent at once when the pace is restarted, since it goes elsewhere now."""
    rupt = Rupt(otherwise=NOT_SENT, latency=0.0)
    delivery = Delivery(rupt, Rules(policy=PATIENT), pace=make_pace(4, opens_after=4), draw=lambda: 0.0)

    def mend() -> None:
        rupt.otherwise = OK
        delivery.worker.pace.restart()

    async def scenario() -> Finish:
        until(40, mend)
        return await delivery.drain(*users(50))

    assert run(scenario()) == Finish("drained")
    assert [at for at, _ in rupt.calls if at > 35] == pytest.approx([40.0] * 50, abs=0.1)


# ------------------------------------------------------------------------------------------------------------- the pace


def test_it_starts_slowly_and_grows() -> None:
    """A worker without a pace of its own makes one, whose upper limit is the rules' concurrency."""
    rupt = Rupt(latency=1.0)
    delivery = Delivery(rupt, Rules(concurrency=40))
    run(delivery.drain(*users(200)))
    starts = [int(at) for at, _ in rupt.calls]
    assert [starts.count(second) for second in range(3)] == [16, 32, 40]
    assert rupt.most == 40


def test_settling_keeps_no_one_waiting() -> None:
    """While the queue writes down what became of jobs, others are sent: only those without an answer count."""
    rupt = Rupt(latency=0.05)
    delivery = Delivery(rupt, pace=make_pace(4), queue=StoredQueue())
    run(delivery.drain(*users(200)))
    assert len(delivery.outcomes) == 200
    assert now_of(rupt) <= 1.3 * 200 / 4 * 0.05, "though a job is with the queue as long as with Rupt, and longer"
    assert rupt.most == 4


def now_of(rupt: Rupt) -> float:
    """Tell when the last request was made."""
    return rupt.calls[-1][0]


def test_few_are_claimed_ahead() -> None:
    """No more is claimed than is in flight and will be soon; with a queue that answers at once, nothing is."""
    delivery = Delivery(Rupt(latency=10.0), pace=make_pace(5))

    async def scenario() -> Tally:
        await delivery.put(*users(100))
        until(5, delivery.worker.stop)
        task = asyncio.ensure_future(delivery.worker.run())
        await asyncio.sleep(4)
        tally = await delivery.total()
        await task
        return tally

    assert run(scenario()) == Tally(accepted=100, sending=5, waiting=95)


class LateQueue(MemoryQueue):
    """A queue whose claims take so long that half of the lease is over."""

    lates: int = 1

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim, and come back late the first time."""
        claimed = await super().claim(limit, now=now, lease=lease)
        if self.lates:
            self.lates -= 1
            await asyncio.sleep(0.6 * lease)
        return claimed


def test_what_was_claimed_long_ago_is_not_sent() -> None:
    """A job whose lease may end before its answer comes is handed back, and sent under a new one."""
    delivery = Delivery(queue=LateQueue())
    run(delivery.drain("ada"))
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.in_doubt, outcome.attempts) == ("delivered", False, 1)
    assert delivery.rupt.times("ada") == [36.0]


# ------------------------------------------------------------------------------------------------ a queue that is stuck


@dataclass
class Stuck:
    """Whether a queue's disk is full."""

    is_full: bool = False


class FullQueue(MemoryQueue):
    """A queue on a disk that is full from some moment on: it claims nothing, and what became of jobs has to wait."""

    def __init__(self, stuck: Stuck) -> None:
        super().__init__()
        self._stuck = stuck
        self.claims = 0

    async def _room_comes(self) -> None:
        while self._stuck.is_full:
            await asyncio.sleep(0.25)

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim nothing while it is full."""
        self.claims += 1
        return [] if self._stuck.is_full else await super().claim(limit, now=now, lease=lease)

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """Settle when there is room."""
        await self._room_comes()
        return await super().settle(job, state, now=now, note=note)

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:
        """Let it wait when there is room."""
        await self._room_comes()
        return await super().retry(job, at=at, now=now, note=note)

    async def hand_back(self, jobs: Iterable[Job]) -> None:
        """Take back when there is room."""
        await self._room_comes()
        await super().hand_back(jobs)


def stuck_delivery(latency: float) -> tuple[Delivery, Stuck]:
    """Make a delivery whose disk can be filled."""
    stuck = Stuck()
    return Delivery(Rupt(latency=latency), pace=make_pace(2), queue=FullQueue(stuck)), stuck


@pytest.mark.parametrize("latency", [2.0, 100.0])
def test_stop_while_the_disk_is_full(latency: float) -> None:
    """A worker whose queue cannot write ends all the same, a second late; what it could not settle keeps its lease."""
    delivery, stuck = stuck_delivery(latency)

    async def scenario() -> tuple[Finish, float]:
        await delivery.put("a", "b", "c")
        until(1, lambda: setattr(stuck, "is_full", True))
        until(5, lambda: delivery.worker.stop(within=3))
        finish = await delivery.worker.run()
        assert len(asyncio.all_tasks()) <= 3, "the scenario and what the test has started"
        return finish, now() - START

    finish, took = run(scenario())
    assert finish == Finish("stopped")
    assert took == pytest.approx(9)
    assert delivery.outcomes == []
    assert run(delivery.total()) == Tally(accepted=3, sending=2, waiting=1)


def test_a_queue_that_gives_nothing_is_not_pressed() -> None:
    """A queue that has jobs and cannot give them is asked now and then, not all the time."""
    queue = FullQueue(Stuck(is_full=True))
    delivery = Delivery(queue=queue)

    async def scenario() -> None:
        await delivery.put(*users(10))
        until(10, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert 10 <= queue.claims <= 50


def test_it_goes_on_when_there_is_room() -> None:
    """What could not be settled is settled once there is room, and the rest is delivered; nothing is sent twice."""
    delivery, stuck = stuck_delivery(0.5)

    async def scenario() -> None:
        until(0.2, lambda: setattr(stuck, "is_full", True))
        until(20, lambda: setattr(stuck, "is_full", False))
        await delivery.drain(*"abcdef")

    run(scenario())
    assert run(delivery.total()) == Tally(accepted=6, delivered=6)
    assert len(delivery.rupt.calls) == 6


def test_a_free_place_is_used_when_the_rate_allows() -> None:
    """A place that is free before the rate's next time is used at that time, though all others are taken for long."""
    rupt = Rupt(latency=0.35, slow={"user-0": 10.0})
    delivery = Delivery(rupt, Rules(rate=5), pace=make_pace(2))
    run(delivery.drain(*users(6)))
    assert [at for at, _ in rupt.calls] == pytest.approx([0.0, 0.2, 0.55, 0.9, 1.25, 1.6], abs=0.06)


# ----------------------------------------------------------------------------------------------------- whatever happens


@settings(max_examples=150, deadline=None)
@given(
    rate=st.floats(0.5, 2_000),
    most=st.integers(1, 20),
    tick=st.floats(1e-7, 2e-4),
    latency=st.sampled_from([0.0, 0.01, 0.3]),
    make_queue=st.sampled_from([MemoryQueue, StoredQueue]),
)
def test_with_a_rate_all_are_delivered(
    *, rate: float, most: int, tick: float, latency: float, make_queue: type[MemoryQueue]
) -> None:
    """With any rate and a clock that moves at every look, a worker goes on until all are delivered, and no faster."""
    rupt = Rupt(latency=latency)
    delivery = Delivery(rupt, Rules(rate=rate), pace=make_pace(most), queue=make_queue())
    assert run(delivery.drain(*users(40)), tick=tick) == Finish("drained")
    assert delivery.states() == dict.fromkeys(users(40), "delivered")
    assert rupt.most <= most
    starts = [at for at, _ in rupt.calls]
    assert starts[-1] - starts[0] >= 39 / rate - 0.15, "what it may catch up on, and what the looks take"
    assert starts[-1] - starts[0] <= 2 * (39 / rate + 40 * (latency + 0.1) / most) + 1


answers = st.sampled_from([OK, OK, ERROR, TIMEOUT, NOT_SENT, Response(429, {"retry-after": "2"}, b"")])


@settings(max_examples=150, deadline=None)
@given(
    script=st.lists(st.lists(answers, max_size=6), min_size=1, max_size=30),
    most=st.integers(1, 6),
    opens_after=st.integers(1, 6),
    make_queue=st.sampled_from([MemoryQueue, StoredQueue]),
    workers=st.integers(1, 2),
)
def test_nothing_is_lost_and_the_pace_is_kept(
    *,
    script: Sequence[list[Answer]],
    most: int,
    opens_after: int,
    make_queue: type[MemoryQueue],
    workers: int,
) -> None:
    """However Rupt fails and recovers, every job is delivered in the end, and no more are in flight than allowed."""
    rupt = Rupt({f"user-{number}": list(lines) for number, lines in enumerate(script)}, latency=0.3)
    pace, queue, rules = make_pace(most, opens_after=opens_after), make_queue(), Rules(policy=Policy(attempts=1_000))
    made = [Delivery(rupt, rules, pace=pace, queue=queue) for _ in range(workers)]

    async def scenario() -> Tally:
        await made[0].put(*users(len(script)))
        async with asyncio.TaskGroup() as group:
            for delivery in made:
                group.create_task(delivery.drain())
        return (await queue.counts()).total

    total = run(scenario())
    assert (total.accepted, total.delivered) == (len(script), len(script))
    assert rupt.most <= most
    assert pace.in_flight == 0
    assert sorted(outcome.job.message_id for delivery in made for outcome in delivery.outcomes) == sorted(
        users(len(script))
    )
