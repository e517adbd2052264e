"""The worker delivers what the queue holds: bounded, paced, patient, and without losing or burying what it must not.

Everything runs on a fake clock; Rupt is a function here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from connector.delivery import Finish, Outcome, Rules, Worker
from connector.pipeline import Invalid, Plan, Planned, Skipped
from connector.queue import NO_NOTE, Attempt, Filtered, Full, Job, Note, Receipt, Settled, Tally, new_job
from connector.queue.memory import MemoryQueue
from connector.retry import Hold, Policy
from connector.rupt import Failure, Request, Response
from tests.fake_time import START, now, run

OK = Response(200, {}, b'{"success":true,"device_id":"d1","attached_devices":1}')
BAD = Response(400, {}, b'{"message":"user is required"}')
ERROR = Response(503, {}, b"")
REFUSED = Response(401, {}, b"")
TIMEOUT = Failure("timeout", "no answer in time")
NOT_SENT = Failure("network", "connection refused", may_have_left=False)

Answer = Response | Failure | Exception


def planned(job: Job) -> Plan:
    """Plan an attach for the account that the message id names."""
    return Planned(
        {"account": job.message_id}, Request("POST", "/v2/device/attach", {"user": job.message_id}), ("a warning",)
    )


@dataclass
class Rupt:
    """A Rupt that takes `latency` seconds and gives each account its answers in turn, then the one for all others."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    otherwise: Answer = OK
    latency: float = 0.1
    slow: dict[str, float] = field(default_factory=dict)
    calls: list[tuple[float, str]] = field(default_factory=list)
    in_flight: int = 0
    most: int = 0

    async def send(self, request: Request) -> Response | Failure:
        """Take a request, as the transport does."""
        account = str(request.body["user"])
        self.calls.append((round(now() - START, 6), account))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.slow.get(account, self.latency))
        finally:
            self.in_flight -= 1
        answers = self.answers.get(account)
        answer = answers.pop(0) if answers else self.otherwise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def times(self, account: str) -> list[float]:
        """Tell when an account's requests came, in seconds since the start."""
        return [at for at, one in self.calls if one == account]


class StoredQueue(MemoryQueue):
    """A queue whose steps take time, as those of a store on disk do: others go on meanwhile."""

    async def put(self, jobs: Sequence[Job], *, now: float, filtered: Sequence[Filtered] = ()) -> Receipt | Full:
        """Put, after a while."""
        await asyncio.sleep(0.05)
        return await super().put(jobs, now=now, filtered=filtered)

    async def claim(self, limit: int, *, now: float, lease: float) -> list[Job]:
        """Claim, and come back after a while."""
        claimed = await super().claim(limit, now=now, lease=lease)
        await asyncio.sleep(0.05)
        return claimed

    async def settle(self, job: Job, state: Settled, *, now: float, note: Note = NO_NOTE) -> bool:
        """Settle, after a while."""
        await asyncio.sleep(0.05)
        return await super().settle(job, state, now=now, note=note)

    async def retry(self, job: Job, *, at: float, now: float, note: Note = NO_NOTE) -> bool:
        """Let it wait, after a while."""
        await asyncio.sleep(0.05)
        return await super().retry(job, at=at, now=now, note=note)


@dataclass
class Delivery:
    """A worker over a memory queue and a Rupt, and all that it reported."""

    rupt: Rupt = field(default_factory=Rupt)
    rules: Rules = field(default_factory=Rules)
    plan: Callable[[Job], Plan | Hold] = planned
    draw: Callable[[], float] = lambda: 0.5
    allowed: Callable[[], int] | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    attempts: list[tuple[Job, Attempt]] = field(default_factory=list)
    queue: MemoryQueue = field(default_factory=MemoryQueue)

    def __post_init__(self) -> None:
        """Wire them up."""
        self.worker = Worker(
            self.queue,
            self.plan,
            self.rupt.send,
            self.outcomes.append,
            rules=self.rules,
            observe=lambda job, attempt: self.attempts.append((job, attempt)),
            allowed=self.allowed,
            clock=now,
            monotonic=now,
            draw=self.draw,
        )

    async def put(self, *names: str) -> None:
        """Put a job for each name."""
        receipt = await self.queue.put([new_job(name, "Attach Device", b"{}", now()) for name in names], now=now())
        assert not isinstance(receipt, Full)

    async def drain(self, *names: str) -> Finish:
        """Put jobs, and run until nothing is left to do."""
        await self.put(*names)
        self.worker.drain()
        return await self.worker.run()

    async def total(self) -> Tally:
        """Count all jobs; the ledger must balance."""
        ledger = await self.queue.counts()
        assert ledger.balances
        return ledger.total

    def states(self) -> dict[str, str]:
        """Tell the last reported state of each job."""
        return {outcome.job.message_id: outcome.state for outcome in self.outcomes}


def until(seconds: float, act: Callable[[], object]) -> "asyncio.Task[None]":
    """Do something in so many seconds."""

    async def later() -> None:
        await asyncio.sleep(seconds)
        result = act()
        if isinstance(result, Awaitable):
            await result

    return asyncio.ensure_future(later())


# ------------------------------------------------------------------------------------------------- what becomes of jobs


def test_delivered() -> None:
    """A delivered job is reported once, with what was sent, what came back and how long it took."""
    delivery = Delivery()
    assert run(delivery.drain("ada")) == Finish("drained")
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.reason, outcome.attempts, outcome.in_doubt) == ("delivered", "", 1, False)
    assert outcome.payload == {"account": "ada"}
    assert outcome.request == Request("POST", "/v2/device/attach", {"user": "ada"})
    assert outcome.access["device_id"] == "d1"
    assert outcome.warnings == ("a warning",)
    assert outcome.latency == pytest.approx(0.1)
    assert run(delivery.total()) == Tally(accepted=1, delivered=1)


def test_skipped_and_invalid() -> None:
    """What the plan skips or finds invalid is reported with its reason or problems, and no request is made."""
    plans: dict[str, Plan] = {
        "old": Skipped("stale: too old"),
        "bad": Invalid(("Account must be a string.",), {"x": 1}),
    }
    delivery = Delivery(plan=lambda job: plans[job.message_id])
    run(delivery.drain("old", "bad"))
    old, bad = delivery.outcomes
    assert (old.state, old.reason, old.attempts) == ("skipped", "stale: too old", 0)
    assert (bad.state, bad.problems, bad.payload) == ("invalid", ("Account must be a string.",), {"x": 1})
    assert delivery.rupt.calls == []
    assert run(delivery.total()) == Tally(accepted=2, skipped=1, invalid=1)


def test_rejected() -> None:
    """A request that Rupt will never take is buried at once, with Rupt's reason."""
    delivery = Delivery(Rupt({"ada": [BAD]}))
    run(delivery.drain("ada"))
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.attempts) == ("dead", 1)
    assert outcome.reason.startswith("400 bad request")
    assert run(delivery.total()) == Tally(accepted=1, dead=1)


def test_a_job_without_its_mapping_is_held_alone() -> None:
    """A job whose plan says Hold is held with that reason; the others go on, and the worker ends without it."""
    delivery = Delivery(plan=lambda job: Hold("no mapping of this name") if job.message_id == "gone" else planned(job))
    assert run(delivery.drain("gone", "ada")) == Finish("drained")
    assert delivery.states() == {"gone": "held", "ada": "delivered"}
    assert delivery.outcomes[0].reason == "no mapping of this name"
    assert delivery.worker.refused is None
    assert run(delivery.total()) == Tally(accepted=2, delivered=1, held=1)


# ---------------------------------------------------------------------------------------------------------------- retry


def test_backoff_is_drawn() -> None:
    """The waits between attempts double and are drawn with full jitter."""
    delivery = Delivery(Rupt({"ada": [ERROR, ERROR, ERROR]}, latency=0.0), draw=lambda: 0.5)
    run(delivery.drain("ada"))
    assert delivery.rupt.times("ada") == [0.0, 0.5, 1.5, 3.5]
    assert delivery.states() == {"ada": "delivered"}
    assert delivery.outcomes[0].attempts == 4


def test_retry_after() -> None:
    """A job is not sent again before the time that Rupt's Retry-After names."""
    busy = Response(429, {"retry-after": "30"}, b"")
    delivery = Delivery(Rupt({"ada": [busy]}, latency=0.0), draw=lambda: 0.0)
    run(delivery.drain("ada"))
    assert delivery.rupt.times("ada") == [0.0, 30.0]


def test_backoff_blocks_nobody() -> None:
    """While one job waits for its next attempt, with one slot in all, the others are delivered."""
    delivery = Delivery(Rupt({"ada": [ERROR]}), Rules(concurrency=1), draw=lambda: 0.999)
    run(delivery.drain("ada", "bob", "eve"))
    assert [account for _, account in delivery.rupt.calls] == ["ada", "bob", "eve", "ada"]


def test_attempts_are_finite() -> None:
    """After the last attempt the job is buried with the last reason."""
    delivery = Delivery(Rupt(otherwise=ERROR), Rules(policy=Policy(attempts=3)))
    assert run(delivery.drain("ada")) == Finish("drained")
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.attempts) == ("dead", 3)
    assert outcome.reason.startswith("503")
    assert len(delivery.rupt.calls) == 3
    assert run(delivery.total()) == Tally(accepted=1, dead=1)


def test_every_attempt_is_observed() -> None:
    """Whoever observes sees each attempt with its time, answer and reason, also the ones that are retried."""
    delivery = Delivery(Rupt({"ada": [ERROR]}), draw=lambda: 0.0)
    run(delivery.drain("ada"))
    (first_job, first), (_, second) = delivery.attempts
    assert (first_job.message_id, first.answer, first.at, first.reason[:3]) == ("ada", ERROR, START, "503")
    assert (second.answer, second.reason, second.in_doubt) == (OK, "", False)


# ------------------------------------------------------------------------------------------------------------- in doubt


def test_a_timeout_is_sent_again_in_doubt() -> None:
    """A request that may have landed is sent again, and its outcome says that it is in doubt."""
    delivery = Delivery(Rupt({"ada": [TIMEOUT]}))
    run(delivery.drain("ada"))
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.in_doubt, outcome.attempts) == ("delivered", True, 2)
    assert run(delivery.total()) == Tally(accepted=1, delivered=1, in_doubt=1)


def test_what_never_left_is_not_in_doubt() -> None:
    """A request that surely did not leave is sent again and in no doubt."""
    delivery = Delivery(Rupt({"ada": [NOT_SENT]}))
    run(delivery.drain("ada"))
    assert not delivery.outcomes[0].in_doubt
    assert run(delivery.total()) == Tally(accepted=1, delivered=1)


def test_in_doubt_can_be_held() -> None:
    """With in_doubt: hold, what may have landed is held, with the reason, and not sent a second time."""
    delivery = Delivery(Rupt({"ada": [TIMEOUT]}), Rules(in_doubt="hold"))
    assert run(delivery.drain("ada", "bob")) == Finish("drained")
    outcome = next(outcome for outcome in delivery.outcomes if outcome.job.message_id == "ada")
    assert (outcome.state, outcome.in_doubt, len(delivery.rupt.times("ada"))) == ("held", True, 1)
    assert outcome.reason == "in doubt, it may have landed: timeout: no answer in time"
    assert run(delivery.total()) == Tally(accepted=2, delivered=1, held=1, in_doubt=1)


def test_what_never_left_is_not_held() -> None:
    """With in_doubt: hold, a request that surely did not leave is sent again."""
    delivery = Delivery(Rupt({"ada": [NOT_SENT]}), Rules(in_doubt="hold"))
    run(delivery.drain("ada"))
    assert delivery.states() == {"ada": "delivered"}


@pytest.mark.parametrize(("in_doubt", "state", "calls"), [("send", "delivered", 1), ("hold", "held", 0)])
def test_a_crashed_attempt(in_doubt: str, state: str, calls: int) -> None:
    """A job whose worker went away while sending is in doubt: it is sent again, or held, as the rules say."""
    delivery = Delivery(rules=Rules(in_doubt="hold" if in_doubt == "hold" else "send", lease=60))

    async def scenario() -> None:
        await delivery.put("ada")
        await delivery.queue.claim(1, now=now(), lease=60)  # by a worker that is gone
        await delivery.drain()

    run(scenario())
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.in_doubt, len(delivery.rupt.calls)) == (state, True, calls)


def test_released_in_doubt_is_sent() -> None:
    """What was held in doubt and is released is sent, once."""
    delivery = Delivery(Rupt({"ada": [TIMEOUT]}), Rules(in_doubt="hold"))

    async def scenario() -> None:
        await delivery.put("ada")
        until(60, lambda: delivery.queue.release("in_doubt", now=now()))
        until(70, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert delivery.rupt.times("ada") == [0.0, 60.0]
    assert delivery.states() == {"ada": "delivered"}


def test_a_job_that_crashes_its_worker_ends() -> None:
    """A job whose attempts all ended with their worker is buried, and not sent for ever."""
    delivery = Delivery(rules=Rules(policy=Policy(attempts=2)))

    async def scenario() -> None:
        await delivery.put("ada")
        for _ in range(2):
            await delivery.queue.claim(1, now=now(), lease=1)
            await asyncio.sleep(1)
        await delivery.drain()

    run(scenario())
    (outcome,) = delivery.outcomes
    assert (outcome.state, outcome.attempts, outcome.in_doubt) == ("dead", 2, True)
    assert delivery.rupt.calls == []


# ----------------------------------------------------------------------------------------------------------------- hold


def test_hold_stops_a_replay() -> None:
    """When Rupt refuses the configuration and the rules say stop, nothing is buried and the rest waits untouched."""
    delivery = Delivery(Rupt(otherwise=REFUSED), Rules(concurrency=2, on_hold="stop"))
    finish = run(delivery.drain("a", "b", "c", "d", "e"))
    assert finish.why == "held"
    assert finish.reason.startswith("401 no valid client id")
    assert delivery.states() == {"a": "held", "b": "held"}
    assert run(delivery.total()) == Tally(accepted=5, held=2, waiting=3)


def test_hold_finishes_what_is_in_flight() -> None:
    """Requests that were in flight when Rupt refused one are waited for, and count as what they become."""
    delivery = Delivery(Rupt({"a": [REFUSED]}, slow={"b": 5, "c": 6}), Rules(concurrency=3, on_hold="stop"))
    assert run(delivery.drain("a", "b", "c", "d")).why == "held"
    assert delivery.states() == {"a": "held", "b": "delivered", "c": "delivered"}
    assert run(delivery.total()) == Tally(accepted=4, held=1, delivered=2, waiting=1)


def test_hold_goes_on_by_itself() -> None:
    """A serving worker probes with one job at growing intervals, and delivers everything once Rupt takes it again."""
    delivery = Delivery(Rupt(otherwise=REFUSED, latency=0.0), Rules(concurrency=4, probe_first=5, probe_cap=20))

    def mend() -> None:
        delivery.rupt.otherwise = OK

    async def scenario() -> Finish:
        until(50, mend)
        return await delivery.drain(*"abcdefgh")

    assert run(scenario()) == Finish("drained")
    probes = [at for at, _ in delivery.rupt.calls if 0 < at < 55]
    assert probes == [5.0, 15.0, 35.0], "after 5, 10 and 20 seconds; the next one is at 55"
    assert len([at for at, _ in delivery.rupt.calls if at >= 55]) == 8
    assert delivery.states() == dict.fromkeys("abcdefgh", "delivered")
    assert run(delivery.total()) == Tally(accepted=8, delivered=8)


def test_hold_costs_no_attempt() -> None:
    """However long a job was held, it has all its attempts and its whole window afterwards."""
    rules = Rules(policy=Policy(attempts=2, window=60), probe_first=100)
    delivery = Delivery(Rupt({"a": [REFUSED, REFUSED, ERROR, OK]}, latency=0.0), rules, draw=lambda: 0.0)
    run(delivery.drain("a"))
    assert delivery.states() == {"a": "delivered"}
    assert delivery.outcomes[-1].attempts == 2


def test_what_is_refused_is_told() -> None:
    """While Rupt refuses, the worker says why; when it goes on, it does not."""
    delivery = Delivery(Rupt({"a": [REFUSED]}), Rules(probe_first=60))
    told: list[str | None] = []

    async def scenario() -> None:
        until(30, lambda: told.append(delivery.worker.refused))
        await delivery.drain("a")

    run(scenario())
    assert told[0] is not None
    assert told[0].startswith("401")
    assert delivery.worker.refused is None


def test_an_unanswered_probe_tells_nothing() -> None:
    """A probe without an answer, or with an error of Rupt's, leaves the others waiting."""
    delivery = Delivery(Rupt({"a": [REFUSED, TIMEOUT]}, latency=0.0), Rules(concurrency=1, probe_first=5))
    run(delivery.drain("a", "b", "c"))
    assert [at for at, _ in delivery.rupt.calls][:3] == [0.0, 5.0, 15.0]
    assert delivery.states() == dict.fromkeys("abc", "delivered")


def test_a_probe_that_is_not_sent_tells_nothing() -> None:
    """When the job that should be the probe is skipped, the next one is."""
    plans = {"a": planned, "b": lambda _job: Skipped("no device"), "c": planned}
    delivery = Delivery(
        Rupt({"a": [REFUSED]}, latency=0.0), Rules(concurrency=1), plan=lambda job: plans[job.message_id](job)
    )
    run(delivery.drain("a", "b", "c"))
    assert delivery.states() == {"a": "delivered", "b": "skipped", "c": "delivered"}


def test_a_rejected_probe_lets_all_go_on() -> None:
    """Rupt reads requests again when it finds fault with the event and no more with who sends it."""
    delivery = Delivery(Rupt({"a": [REFUSED, BAD]}), Rules(probe_first=5))
    run(delivery.drain("a", "b"))
    assert delivery.states() == {"a": "dead", "b": "delivered"}


# --------------------------------------------------------------------------------------------------- how many, how fast


def test_concurrency_is_bounded() -> None:
    """Never are more requests in flight than allowed, and as many as allowed when there is enough to do."""
    delivery = Delivery(rules=Rules(concurrency=7))
    run(delivery.drain(*(f"user-{number}" for number in range(50))))
    assert delivery.rupt.most == 7
    assert len(delivery.outcomes) == 50
    assert now_of(delivery) == pytest.approx(0.7), "eight rounds of 0.1 seconds, the last one starting at 0.7"


def now_of(delivery: Delivery) -> float:
    """Tell when the last request was made."""
    return delivery.rupt.calls[-1][0]


def test_concurrency_can_be_lowered() -> None:
    """Whoever adapts the concurrency can lower it at any time, to nothing too; the rules stay the upper limit."""
    limits = {0: 9, 1: 2, 2: 0, 3: 2}
    delivery = Delivery(
        Rupt(latency=1.0), Rules(concurrency=4, poll=1.0), allowed=lambda: limits.get(int(now() - START), 4)
    )
    run(delivery.drain(*(f"user-{number}" for number in range(14))))
    starts = [int(at) for at, _ in delivery.rupt.calls]
    assert [starts.count(second) for second in range(6)] == [4, 2, 0, 2, 4, 2]


def test_rate() -> None:
    """A rate spaces requests evenly, from the first one on."""
    delivery = Delivery(rules=Rules(rate=10))
    run(delivery.drain(*(f"user-{number}" for number in range(6))))
    assert [at for at, _ in delivery.rupt.calls] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])


def test_rate_does_not_save_up() -> None:
    """After a pause the rate is the same: what was not used is not made up for."""
    delivery = Delivery(rules=Rules(rate=10))

    async def scenario() -> None:
        await delivery.put("a", "b")
        until(10, lambda: delivery.put("c", "d", "e"))
        until(20, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert [at for at, _ in delivery.rupt.calls] == pytest.approx([0.0, 0.1, 10.0, 10.1, 10.2])


def test_rate_counts_requests() -> None:
    """Only requests use up the rate: what is skipped costs no time."""
    delivery = Delivery(
        rules=Rules(rate=1),
        plan=lambda job: Skipped("no device") if job.message_id.startswith("skip") else planned(job),
    )
    run(delivery.drain(*(f"skip-{number}" for number in range(100)), "a", "b"))
    assert [at for at, _ in delivery.rupt.calls] == pytest.approx([0.0, 1.0], abs=0.05)


def test_high_rate() -> None:
    """A rate beyond what sleeps can space is met all the same, in small bursts."""
    delivery = Delivery(rules=Rules(rate=5_000, concurrency=1_000))
    run(delivery.drain(*(f"user-{number}" for number in range(1_000))))
    assert now_of(delivery) == pytest.approx(0.2, abs=0.03)


# ----------------------------------------------------------------------------------------------------- starting, ending


def test_waits_for_jobs() -> None:
    """A worker that is not drained waits for jobs, and delivers one as soon as it is put."""
    delivery = Delivery(rules=Rules(poll=1_000))

    async def scenario() -> None:
        until(100, lambda: delivery.put("ada"))
        until(200, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert delivery.rupt.calls == [(100.0, "ada")]


def test_a_drained_worker_waits_for_retries() -> None:
    """Drained means that nothing waits: a job with a retry to come is waited for."""
    delivery = Delivery(Rupt({"ada": [Response(503, {"retry-after": "3600"}, b"")]}))
    assert run(delivery.drain("ada")) == Finish("drained")
    assert delivery.rupt.times("ada")[1] >= 3600


def test_stop_finishes_what_is_in_flight() -> None:
    """A worker that is stopped claims nothing more, waits for the answers it can get, and leaves the rest waiting."""
    delivery = Delivery(Rupt(latency=5), Rules(concurrency=2))

    async def scenario() -> tuple[Finish, float]:
        await delivery.put("a", "b", "c", "d")
        until(1, lambda: delivery.worker.stop(within=10))
        return await delivery.worker.run(), now() - START

    finish, took = run(scenario())
    assert finish == Finish("stopped")
    assert took == pytest.approx(5)
    assert delivery.states() == {"a": "delivered", "b": "delivered"}
    assert run(delivery.total()) == Tally(accepted=4, delivered=2, waiting=2)


def test_stop_has_a_deadline() -> None:
    """What has no answer by the deadline waits again, in doubt, even after its last attempt; nothing is reported."""
    delivery = Delivery(Rupt(latency=100), Rules(concurrency=2, policy=Policy(attempts=1)))

    async def scenario() -> float:
        await delivery.put("a", "b", "c")
        until(1, lambda: delivery.worker.stop(within=10))
        await delivery.worker.run()
        return now() - START

    assert run(scenario()) == pytest.approx(11)
    assert delivery.outcomes == []
    assert run(delivery.total()) == Tally(accepted=3, waiting=3, in_doubt=2)
    jobs = run(delivery.queue.claim(3, now=START + 20, lease=60))
    assert sorted((job.message_id, job.in_doubt, job.attempts) for job in jobs) == [
        ("a", True, 2),
        ("b", True, 2),
        ("c", False, 1),
    ]


def test_stop_at_once() -> None:
    """A second, impatient stop cuts the first one's deadline short."""
    delivery = Delivery(Rupt(latency=100))

    async def scenario() -> float:
        await delivery.put("a")
        until(1, lambda: delivery.worker.stop(within=50))
        until(2, lambda: delivery.worker.stop(within=0))
        await delivery.worker.run()
        return now() - START

    assert run(scenario()) == pytest.approx(2)


def test_stop_twice_at_once() -> None:
    """A request that takes its time to be given up can be cut off twice."""
    delivery = Delivery()

    async def stubborn(request: Request) -> Response | Failure:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(5)
        return OK

    worker = Worker(delivery.queue, planned, stubborn, delivery.outcomes.append, clock=now, monotonic=now)

    async def scenario() -> float:
        await delivery.put("a")
        until(1, lambda: worker.stop(within=0))
        until(2, lambda: worker.stop(within=0))
        await worker.run()
        return now() - START

    assert run(scenario()) == pytest.approx(6)
    assert run(delivery.total()) == Tally(accepted=1, waiting=1, in_doubt=1)


@pytest.mark.parametrize(
    ("after", "ends", "tally"),
    [(5, 5, Tally(accepted=1, held=1)), (12.5, 13.5, Tally(accepted=1, waiting=1, in_doubt=1))],
)
def test_stop_while_refused(after: float, ends: float, tally: Tally) -> None:
    """A worker that waits for its next probe, or for the probe's answer, stops as well."""
    delivery = Delivery(Rupt(otherwise=REFUSED, latency=2), Rules(probe_first=10))

    async def scenario() -> tuple[Finish, float]:
        await delivery.put("a")
        until(after, lambda: delivery.worker.stop(within=1))
        return await delivery.worker.run(), now() - START

    finish, took = run(scenario())
    assert finish == Finish("stopped")
    assert took == pytest.approx(ends)
    assert run(delivery.total()) == tally


def test_stop_while_a_probe_is_claimed() -> None:
    """A worker that is stopped while a store gives it the probe hands it back, and sends nothing more."""
    delivery = Delivery(Rupt(otherwise=REFUSED, latency=0), Rules(probe_first=10), queue=StoredQueue())

    async def scenario() -> None:
        await delivery.put("a")
        until(10.07, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert len(delivery.rupt.calls) == 1
    assert run(delivery.total()) == Tally(accepted=1, waiting=1)


def test_stopped_before_it_ran() -> None:
    """A worker that was stopped before it runs claims nothing."""
    delivery = Delivery()

    async def scenario() -> Finish:
        await delivery.put("a")
        delivery.worker.stop()
        return await delivery.worker.run()

    assert run(scenario()) == Finish("stopped")
    assert run(delivery.total()) == Tally(accepted=1, waiting=1)


def test_stop_hands_back_what_was_only_claimed() -> None:
    """A job that was claimed and not yet sent when the worker is stopped waits as if nothing had been."""

    def plan(job: Job) -> Plan:
        delivery.worker.stop()  # while the first of three claimed jobs is planned
        return planned(job)

    delivery = Delivery(Rupt(latency=5), Rules(concurrency=3), plan)
    run(delivery.drain("a", "b", "c"))
    assert delivery.states() == {"a": "delivered"}
    assert run(delivery.total()) == Tally(accepted=3, delivered=1, waiting=2)


def test_no_task_is_left() -> None:
    """When run() returns, none of the worker's tasks is left; nor when it is cancelled."""
    delivery = Delivery(Rupt(latency=50), Rules(rate=2))

    async def scenario() -> None:
        await delivery.put("a", "b", "c")
        running = asyncio.ensure_future(delivery.worker.run())
        await asyncio.sleep(5)
        assert len(asyncio.all_tasks()) > 2
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())
    assert run(delivery.total()) == Tally(accepted=3, sending=3), "their leases will run out"


# ---------------------------------------------------------------------------------------------------- faults of our own


def test_a_fault_in_a_plan_ends_one_job(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception ends its job alone; neither the outcome nor the log shows what the exception says."""

    def plan(job: Job) -> Plan:
        if job.message_id == "bad":
            raise KeyError("ada@example.com")
        return planned(job)

    delivery = Delivery(plan=plan)
    with caplog.at_level(logging.ERROR):
        assert run(delivery.drain("bad", "good")) == Finish("drained")
    assert delivery.states() == {"bad": "dead", "good": "delivered"}
    assert delivery.outcomes[0].reason == "internal error: KeyError"
    assert "internal error KeyError at" in caplog.text
    assert "'Attach Device', message 'bad'" in caplog.text
    assert "ada@example.com" not in caplog.text + repr(delivery.outcomes)
    assert run(delivery.total()) == Tally(accepted=2, delivered=1, dead=1)


def test_a_fault_in_sending_ends_one_job(caplog: pytest.LogCaptureFixture) -> None:
    """An exception that is no Failure ends its job alone, even one that is called TimeoutError."""
    delivery = Delivery(Rupt({"a": [ValueError("secret")], "b": [TimeoutError()]}))
    run(delivery.drain("a", "b", "c"))
    assert delivery.states() == {"a": "dead", "b": "dead", "c": "delivered"}
    reasons = {outcome.job.message_id: outcome.reason for outcome in delivery.outcomes}
    assert reasons == {"a": "internal error: ValueError", "b": "internal error: TimeoutError", "c": ""}
    assert "secret" not in caplog.text


def test_a_fault_of_the_reporter_ends_the_worker() -> None:
    """When nobody can be told any more, the worker ends with that error itself, and leaves no task."""
    delivery = Delivery()

    def closed(outcome: Outcome) -> None:
        raise BrokenPipeError

    worker = Worker(delivery.queue, planned, delivery.rupt.send, closed, clock=now, monotonic=now)

    async def scenario() -> None:
        await delivery.put("a", "b")
        with pytest.raises(BrokenPipeError):
            await worker.run()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run(scenario())


def test_a_lost_lease_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A worker whose job another has claimed meanwhile reports nothing and says so: the other will."""
    delivery = Delivery(Rupt(latency=100), Rules(concurrency=1, lease=10))

    async def scenario() -> None:
        await delivery.put("a")
        until(50, lambda: delivery.queue.claim(1, now=now(), lease=1_000))
        until(200, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert delivery.outcomes == []
    assert "the lease of" in caplog.text
    assert run(delivery.total()) == Tally(accepted=1, sending=1, in_doubt=1)


# ----------------------------------------------------------------------------------------------------- whatever happens

answers = st.sampled_from([OK, ERROR, BAD, TIMEOUT, NOT_SENT, ValueError("fault")])


@settings(max_examples=200, deadline=None)
@given(
    script=st.dictionaries(st.sampled_from("abcdefgh"), st.lists(answers, max_size=4), min_size=1),
    stop_at=st.floats(0.0, 8.0),
    within=st.sampled_from([0.0, 0.2, 60.0]),
    concurrency=st.integers(1, 4),
    rate=st.sampled_from([None, 2.0]),
    make_queue=st.sampled_from([MemoryQueue, StoredQueue]),
)
def test_nothing_is_lost(
    *,
    script: dict[str, list[Answer]],
    stop_at: float,
    within: float,
    concurrency: int,
    rate: float | None,
    make_queue: type[MemoryQueue],
) -> None:
    """Whatever Rupt answers and whenever the worker is stopped, every job is somewhere, and reported once at most."""
    rupt = Rupt({name: list(lines) for name, lines in script.items()}, latency=0.3)
    delivery = Delivery(rupt, Rules(concurrency=concurrency, rate=rate, policy=Policy(attempts=3)), queue=make_queue())

    async def scenario() -> None:
        until(stop_at, lambda: delivery.worker.stop(within=within))
        await delivery.drain(*script)

    run(scenario())
    total = run(delivery.total())
    assert total.accepted == len(script) == total.delivered + total.dead + total.waiting
    assert sorted(outcome.job.message_id for outcome in delivery.outcomes) == sorted(delivery.states())
    assert len(delivery.outcomes) == total.delivered + total.dead
    assert rupt.most <= concurrency
    for outcome in delivery.outcomes:
        assert len(rupt.times(outcome.job.message_id)) == outcome.attempts
    assert sum(attempt.in_doubt for _, attempt in delivery.attempts) == total.in_doubt
