"""The worker delivers what the queue holds: bounded, paced, patient, and without losing or burying what it must not.

Everything runs on a fake clock; Rupt is a function here.
"""

import asyncio
import logging

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from connector.delivery import Finish, Outcome, Pace, Rules, Worker
from connector.pipeline import Invalid, Plan, Skipped
from connector.queue import Job, Tally
from connector.queue.memory import MemoryQueue
from connector.retry import Hold, Policy
from connector.rupt import Failure, Request, Response
from tests.delivering import (
    BAD,
    ERROR,
    NOT_SENT,
    OK,
    TIMEOUT,
    Answer,
    Delivery,
    Rupt,
    StoredQueue,
    planned,
    until,
)
from tests.fake_time import START, now, run

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


def test_a_shared_pace_holds_for_all() -> None:
    """Two workers with one pace have together as many requests in flight as it allows, and the second is woken."""
    pace = Pace(4, first=4)
    rupt = Rupt(latency=1.0)
    one, two = Delivery(rupt, pace=pace), Delivery(rupt, pace=pace)

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one.drain(*"abcdef"))
            group.create_task(two.drain(*"ghijkl"))

    run(scenario())
    assert rupt.most == 4
    assert len(one.outcomes) == len(two.outcomes) == 6
    assert now_of(one) == 2.0


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
    delivery = Delivery(rules=Rules(rate=5_000), pace=Pace(1_000, first=1_000))
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
    """A request that takes its time to be given up can be cut off twice, and is waited for a little."""
    delivery = Delivery()

    async def stubborn(request: Request) -> Response | Failure:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(0.9)
        return OK

    worker = Worker(delivery.queue, planned, stubborn, delivery.outcomes.append, clock=now, monotonic=now)

    async def scenario() -> float:
        await delivery.put("a")
        until(1, lambda: worker.stop(within=0))
        until(1.5, lambda: worker.stop(within=0))
        await worker.run()
        return now() - START

    assert run(scenario()) == pytest.approx(1.9)
    assert run(delivery.total()) == Tally(accepted=1, waiting=1, in_doubt=1)


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
        until(5, lambda: delivery.queue.claim(1, now=now() + 50, lease=1_000))  # by a clock that is ahead
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
