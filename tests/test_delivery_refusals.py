"""What is done when Rupt refuses the configuration: held, told, probed, and never more than what is refused.

Everything runs on a fake clock; Rupt is a function here.
"""

import asyncio
from dataclasses import dataclass, field
from functools import partial

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from connector.courier import Rules
from connector.delivery import Finish
from connector.pipeline import Plan, Planned, Skipped
from connector.queue import Job, Tally
from connector.queue.memory import MemoryQueue
from connector.refusals import SEVERAL
from connector.retry import Policy
from connector.rupt import Failure, Request, Response
from tests.delivering import (
    BAD,
    ERROR,
    OK,
    REFUSED,
    TIMEOUT,
    Delivery,
    Rupt,
    StoredQueue,
    planned,
    until,
)
from tests.fake_time import START, now, run

ATTACH, UPDATE = "Attach Device", "Update User"


def by_mapping(job: Job) -> Plan:
    """Plan what the job's mapping does; a name with a plus carries a token."""
    if job.mapping == ATTACH:
        token = "token" if "+" in job.message_id else ""
        return Planned({}, Request("POST", "/v2/device/attach", {"user": job.message_id}, token=token), ())
    return Planned({}, Request("POST", f"/v3/user/{job.message_id}/update", {"user": job.message_id}, "secret"), ())


@dataclass
class Door(Rupt):
    """A Rupt that refuses every request of some kinds, and tokens, while it is told to."""

    refuses: set[str] = field(default_factory=set)
    kinds: list[tuple[float, float, str, int]] = field(default_factory=list)

    async def send(self, request: Request) -> Response | Failure:
        """Take a request, and remember when it came and was answered, its kind and the status."""
        begun, refuses = now(), set(self.refuses)
        answer = await super().send(request)
        if request.auth in refuses or (request.token and "token" in refuses):
            answer = REFUSED
        self.kinds.append((begun, now(), request.auth, answer.status if isinstance(answer, Response) else 0))
        return answer

    def sent(self, kind: str) -> int:
        """Count the requests of a kind."""
        return sum(one == kind for _, _, one, _ in self.kinds)


def deliveries(
    rules: Rules | None = None, *, refuses: str = "", queue: MemoryQueue | None = None
) -> tuple[Delivery, Door]:
    """Make a delivery to a door."""
    door = Door(latency=0.0, refuses=set(refuses.split()))
    return Delivery(door, rules or Rules(), plan=by_mapping, queue=queue or MemoryQueue()), door


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
    delivery = Delivery(Rupt({"a": [REFUSED], "b": [TIMEOUT]}, latency=0.0), Rules(concurrency=1, probe_first=5))
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


# ---------------------------------------------------------------------------------------------------- kinds, each alone


@pytest.mark.parametrize(
    ("refused", "kind", "other", "free"), [(UPDATE, "secret", ATTACH, "client"), (ATTACH, "client", UPDATE, "secret")]
)
def test_one_kind_holds_no_other(refused: str, kind: str, other: str, free: str) -> None:
    """While one credential is refused, jobs that need it are held, and those that need the other are delivered."""
    delivery, door = deliveries(Rules(concurrency=2, probe_first=1_000, kinds=("client", "secret")), refuses=kind)

    async def scenario() -> Tally:
        for number in range(20):
            await delivery.put(f"r{number}", mapping=refused)
            await delivery.put(f"o{number}", mapping=other)
        until(100, delivery.worker.stop)
        await delivery.worker.run()
        return await delivery.total()

    assert run(scenario()) == Tally(accepted=40, delivered=20, held=20)
    assert door.sent(kind) <= 2, "what was in flight when the first was refused"
    assert door.sent(free) == 20
    assert all(outcome.reason.startswith("401") for outcome in delivery.outcomes if outcome.state == "held")
    assert list(delivery.worker.refusals) == [kind]


def test_held_jobs_go_on_when_it_is_mended() -> None:
    """What was held for one credential is all delivered when that works again, though nothing new of it comes."""
    delivery, door = deliveries(Rules(concurrency=2, probe_first=5, probe_cap=20), refuses="secret")

    async def scenario() -> Finish:
        for number in range(10):
            await delivery.put(f"r{number}", mapping=UPDATE)
            await delivery.put(f"o{number}", mapping=ATTACH)
        until(50, door.refuses.clear)
        return await delivery.drain()

    assert run(scenario()) == Finish("drained")
    assert run(delivery.total()) == Tally(accepted=20, delivered=20)
    assert [at for at, *_ in door.kinds if START < at < START + 55] == [START + 5, START + 15, START + 35]


def test_when_all_kinds_are_refused_nothing_is_claimed() -> None:
    """When both credentials are refused, what was not sent stays waiting and costs the queue nothing."""
    delivery, door = deliveries(Rules(concurrency=1, probe_first=10), refuses="client secret")

    async def scenario() -> Tally:
        for number in range(20):
            await delivery.put(f"r{number}", mapping=UPDATE)
            await delivery.put(f"o{number}", mapping=ATTACH)
        until(9, delivery.worker.stop)
        await delivery.worker.run()
        return await delivery.total()

    total = run(scenario())
    assert total.waiting + total.held == 40
    assert total.waiting >= 38
    assert len(door.kinds) <= 2


def test_both_are_probed() -> None:
    """When both credentials are refused each is probed by itself, and what works first goes on first."""
    delivery, door = deliveries(
        Rules(probe_first=10, probe_cap=10, kinds=("client", "secret")), refuses="client secret"
    )

    async def scenario() -> dict[str, str]:
        for number in range(5):
            await delivery.put(f"r{number}", mapping=UPDATE)
            await delivery.put(f"o{number}", mapping=ATTACH)
        until(35, lambda: door.refuses.discard("secret"))
        until(95, door.refuses.clear)
        running = asyncio.ensure_future(delivery.drain())
        await asyncio.sleep(60)
        states = delivery.states()
        await running
        return states

    states = run(scenario())
    assert {states[f"r{number}"] for number in range(5)} == {"delivered"}
    assert {states.get(f"o{number}") for number in range(5)} <= {"held", None}
    assert run(delivery.total()) == Tally(accepted=10, delivered=10)


def test_a_probe_is_another_job_where_there_is_one() -> None:
    """Each probe tries a job that was not refused yet, and those that are refused again then keep nobody back."""
    rupt = Rupt({"a": [REFUSED] * 9, "b": [REFUSED] * 9}, latency=0.0)
    delivery = Delivery(rupt, Rules(concurrency=2, probe_first=5))

    async def scenario() -> None:
        until(6, delivery.worker.stop)
        await delivery.drain(*"abcd")

    run(scenario())
    states = delivery.states()
    assert (states["c"], states["d"]) == ("delivered", "delivered")
    assert rupt.calls[2] == (5.0, "c")


def test_a_held_probe_is_another_job_too() -> None:
    """Also when all of a kind are held, the probe is one that was not sent before."""
    delivery, door = deliveries(Rules(concurrency=1, probe_first=5, kinds=("client", "secret")), refuses="secret")

    async def scenario() -> None:
        await delivery.put("r0", "r1", mapping=UPDATE)
        await delivery.put("o0", mapping=ATTACH)
        until(6, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert [user for _, user in door.calls] == ["r0", "o0", "r1"]


def test_what_comes_later_is_the_probe() -> None:
    """When there is no job to try, the next one of that kind is tried as soon as it comes."""
    delivery, door = deliveries(Rules(probe_first=5, kinds=("client", "secret")), refuses="secret")

    async def scenario() -> None:
        await delivery.put("r0", mapping=UPDATE)
        until(1, lambda: delivery.queue.release("refused", now=now()))
        until(1, lambda: delivery.queue.claim(1, now=now(), lease=1_000))  # somebody takes it away
        until(30, door.refuses.clear)
        until(40, lambda: delivery.put("r1", mapping=UPDATE))
        until(50, lambda: delivery.put("r2", mapping=UPDATE))
        until(60, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert door.calls == [(0.0, "r0"), (40.0, "r1"), (50.0, "r2")]


@pytest.mark.parametrize("make_queue", [MemoryQueue, StoredQueue])
def test_what_an_earlier_run_held_is_tried(make_queue: type[MemoryQueue]) -> None:
    """A server that starts again tries what was held for the configuration: that may have been mended meanwhile."""
    delivery, _ = deliveries(queue=make_queue())

    async def scenario() -> None:
        await delivery.put("r0", mapping=UPDATE)
        (job,) = await delivery.queue.claim(1, now=now(), lease=60)
        await delivery.queue.hold(job, "refused", now=now())
        until(1, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert delivery.states() == {"r0": "delivered"}


# --------------------------------------------------------------------------------------------------------------- tokens


def test_a_refused_token_is_held_alone() -> None:
    """A job whose signed token is refused is held with the reason, and keeps nobody back."""
    rupt = Door({"bad+": [REFUSED]}, latency=0.0)
    delivery = Delivery(rupt, Rules(concurrency=1), plan=by_mapping)
    assert run(delivery.drain("bad+", "good+", "plain")) == Finish("drained")
    assert delivery.states() == {"bad+": "held", "good+": "delivered", "plain": "delivered"}
    assert delivery.outcomes[0].reason.startswith("401 no valid client id or signed token")
    assert delivery.worker.refused is None


def test_one_account_with_a_wrong_token_closes_nothing() -> None:
    """However many jobs of one account are refused for their token, others go on."""
    names = [f"bad:{number}+" for number in range(20)]
    delivery = Delivery(Door({name: [REFUSED] for name in names}, latency=0.0), Rules(concurrency=1), plan=by_mapping)
    assert run(delivery.drain(*names, "good")) == Finish("drained")
    assert delivery.states()["good"] == "delivered"
    assert run(delivery.total()) == Tally(accepted=21, held=20, delivered=1)


def test_many_refused_tokens_are_no_accident() -> None:
    """When the tokens of several accounts are refused in a row, it is the configuration, and that is told."""
    delivery, door = deliveries(Rules(concurrency=1, probe_first=10), refuses="token")

    async def scenario() -> str | None:
        await delivery.put(*(f"user-{number}+" for number in range(20)))
        until(9, delivery.worker.stop)
        await delivery.worker.run()
        return delivery.worker.refused

    assert str(run(scenario())).startswith("401")
    assert len(door.kinds) == 5
    assert run(delivery.total()) == Tally(accepted=20, held=5, waiting=15)


def test_a_success_in_between_clears_the_others() -> None:
    """Refused tokens with a success now and then are each account's own."""
    names = [f"user-{number}{'' if number % 3 == 0 else '+'}" for number in range(30)]
    delivery, _ = deliveries(Rules(concurrency=1), refuses="token")
    assert run(delivery.drain(*names)) == Finish("drained")
    assert run(delivery.total()) == Tally(accepted=30, held=20, delivered=10)


def test_a_redirect_is_no_token() -> None:
    """A refusal that cannot be a token's fault closes the gate at once, token or not."""
    rupt = Door({"a+": [Response(302, {}, b"")]}, latency=0.0)
    delivery = Delivery(rupt, Rules(concurrency=1, on_hold="stop"), plan=by_mapping)
    assert run(delivery.drain("a+", "b+")).why == "held"
    assert run(delivery.total()) == Tally(accepted=2, held=1, waiting=1)


# ----------------------------------------------------------------------------------------------------- whatever happens


@settings(max_examples=150, deadline=None)
@given(
    jobs=st.lists(st.tuples(st.floats(0, 60), st.sampled_from([ATTACH, UPDATE])), min_size=1, max_size=25),
    changes=st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["client", "secret"])), max_size=6),
    concurrency=st.integers(1, 4),
    make_queue=st.sampled_from([MemoryQueue, StoredQueue]),
    kinds=st.sampled_from([(), ("client", "secret")]),
)
def test_nothing_is_sent_through_a_closed_gate(
    *,
    jobs: list[tuple[float, str]],
    changes: list[tuple[float, str]],
    concurrency: int,
    make_queue: type[MemoryQueue],
    kinds: tuple[()],
) -> None:
    """Whenever credentials fail and are mended, few are sent meanwhile, and in the end all is delivered.

    A job that was refused before may be at fault itself: so many of them are sent as it takes to know better.
    """
    rules = Rules(concurrency=concurrency, probe_first=5, probe_cap=20, kinds=kinds)
    delivery, door = deliveries(rules, queue=make_queue())
    door.latency = 0.5

    async def scenario() -> None:
        for number, (at, mapping) in enumerate(jobs):
            until(at, partial(delivery.put, f"user-{number}", mapping=mapping))
        for at, kind in changes:
            until(at, partial(door.refuses.symmetric_difference_update, {kind}))
        until(101, door.refuses.clear)
        until(300, delivery.worker.stop)
        await delivery.worker.run()

    run(scenario())
    assert run(delivery.total()) == Tally(accepted=len(jobs), delivered=len(jobs))
    for kind in ("client", "secret"):
        calls = [call for call in door.kinds if call[2] == kind]
        for refused_at in (end for _, end, _, status in calls if status == 401):
            assert len([begun for begun, *_ in calls if refused_at < begun < refused_at + 4.4]) < SEVERAL
