"""How many requests may be in flight, and when none: a limit that learns, and a circuit. Time is a number here."""

from itertools import count, permutations
from typing import Literal

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from connector.circuit import LONGEST_PAUSE
from connector.pacing import FIRST, Pace, sign_of
from connector.retry import Delivered, Hold, Reject, Retry, Verdict
from connector.rupt import Failure, Request, Response, judge

REQUEST = Request("POST", "/v3/user/ada/update", {})
OK, ERROR, BUSY, DOWN = (Response(status, {}, b"") for status in (204, 500, 429, 503))
REFUSED, LOCKED, BAD = (Response(status, {}, b"") for status in (401, 423, 400))
NOBODY, TIMEOUT = Failure("network", "connection refused", may_have_left=False), Failure("timeout", "no answer in time")

Answer = Response | Failure


def make(most: int = 64, *, first: int = FIRST, opens_after: int = 10, draw: float = 0.0) -> Pace:
    """Make a pace without jitter."""
    return Pace(most, first=first, opens_after=opens_after, pause_first=5.0, pause_cap=300.0, draw=lambda: draw)


names = map("user-{}".format, count())


def end(pace: Pace, number: int, answer: Answer, *, mapping: str = "A", account: str = "", now: float = 0.0) -> None:
    """End a request, of another account each time."""
    verdict = judge(answer, REQUEST)
    pace.end(number, answer, verdict, mapping=mapping, account=account or next(names), now=now)


def fill(pace: Pace, now: float = 0.0) -> list[int]:
    """Begin as many requests as may begin."""
    return [pace.begin(now) for _ in range(pace.free(now))]


def round_trip(pace: Pace, *answers: Answer, now: float = 0.0) -> None:
    """Fill up, and answer: the last answer that is given holds for all others."""
    flying = fill(pace, now)
    for number, answer in zip(flying, (*answers, *[answers[-1]] * len(flying)), strict=False):
        end(pace, number, answer, now=now)


def state(pace: Pace) -> str:
    """Read the circuit's state, which a type checker would take for what it was."""
    return pace.circuit


def open_circuit(pace: Pace, answer: Answer = NOBODY, *, now: float = 0.0) -> None:
    """Fail until it is open."""
    while pace.circuit == "closed":
        end(pace, pace.begin(now), answer, now=now)


# ---------------------------------------------------------------------------------------------------------- the limit


def test_it_starts_low_and_doubles() -> None:
    """Before the first failure each round trip doubles the limit, up to the configured one."""
    pace, limits = make(100, first=8), []
    for _ in range(6):
        limits.append(pace.limit)
        round_trip(pace, OK)
    assert limits == [8, 16, 32, 64, 100, 100]


def test_it_starts_no_higher_than_the_configured_limit() -> None:
    """A configured limit below the usual start is the start."""
    assert make(3).limit == 3


def test_a_429_halves_it_once() -> None:
    """However many of the requests that were in flight together get a 429, the limit is halved once."""
    pace = make(64, first=64)
    round_trip(pace, OK, BUSY)
    assert pace.limit == 32


def test_what_began_before_a_cut_cuts_no_more() -> None:
    """A late 429 to a request from before the last cut says nothing new; one to a later request does."""
    pace = make(64, first=64)
    early = fill(pace)
    end(pace, early[0], BUSY)
    later = pace.begin(0.0)
    end(pace, early[1], BUSY)
    assert pace.limit == 32
    end(pace, later, BUSY)
    assert pace.limit == 16


def test_after_a_failure_it_grows_by_one() -> None:
    """After the first cut a round trip of successes adds one."""
    pace = make(64, first=32)
    round_trip(pace, BUSY, OK)
    before = pace.limit
    for _ in range(4):
        round_trip(pace, OK)
    assert before + 3 <= pace.limit <= before + 4


@pytest.mark.parametrize("answer", [ERROR, DOWN, TIMEOUT, NOBODY])
def test_a_round_trip_of_failures_halves_it(answer: Answer) -> None:
    """When all requests of a round trip fail, in whatever way, the limit is halved."""
    pace = make(32, first=32, opens_after=1_000)
    first = fill(pace)
    end(pace, first[0], OK)
    follower = pace.begin(0.0)
    for number in first[1:]:
        end(pace, number, answer)
    end(pace, follower, answer)
    assert pace.limit in (16, 17)


def test_few_failures_shrink_it_little() -> None:
    """When some fail, the limit shrinks in proportion: one error in ten takes off a twentieth."""
    pace = make(100, first=100)
    round_trip(pace, *[*[OK] * 9, ERROR] * 10)
    end(pace, pace.begin(0.0), OK)
    assert pace.limit == 95


def test_a_failing_mapping_slows_down_no_other() -> None:
    """When one mapping's requests all fail and another's do not, it is not Rupt, and the limit stays."""
    pace = make(64, first=64)
    for _ in range(20):
        for number in fill(pace):
            end(pace, number, ERROR if number % 2 else OK, mapping="AB"[number % 2])
    assert pace.limit == 64
    assert pace.circuit == "closed"


def test_when_all_mappings_fail_it_is_rupt() -> None:
    """When every mapping's requests fail alike, several mappings do not keep the limit up."""
    pace = make(64, first=64, opens_after=10_000)
    for _ in range(20):
        for number in fill(pace):
            end(pace, number, ERROR, mapping="AB"[number % 2])
    assert pace.limit == 1


def test_it_does_not_grow_unused() -> None:
    """Successes of a few requests, far below the limit, do not raise it."""
    pace = make(64, first=16)
    for _ in range(100):
        end(pace, pace.begin(0.0), OK)
    assert pace.limit == 16


def test_the_configured_limit_can_change() -> None:
    """A lower configured limit holds at once, a higher one is grown into."""
    pace = make(64, first=64)
    pace.most = 10
    assert (pace.limit, pace.most) == (10, 10)
    pace.most = 40
    round_trip(pace, OK)
    assert pace.limit == 20


@pytest.mark.parametrize(
    ("answer", "sign"),
    [
        (OK, "good"),
        (BAD, "good"),
        (REFUSED, "good"),
        (LOCKED, "good"),
        (BUSY, "busy"),
        (DOWN, "failed"),
        (NOBODY, "down"),
        (ERROR, "failed"),
        (TIMEOUT, "failed"),
    ],
)
def test_signs(answer: Answer, sign: Literal["good", "busy", "down", "failed"]) -> None:
    """An answer about the event, the configuration or one resource says that Rupt works."""
    assert sign_of(answer, judge(answer, REQUEST)) == sign


# --------------------------------------------------------------------------------------------------------- Retry-After


def ask(pace: Pace, seconds: int, account: str, *, now: float = 0.0, status: int = 429) -> None:
    """Let Rupt ask an account to wait."""
    end(pace, pace.begin(now), Response(status, {"retry-after": str(seconds)}, b""), account=account, now=now)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_two_keeps_all_back(status: int) -> None:
    """Retry-After on a 429 or a 503 to two accounts keeps every request back until then, and says why."""
    pace = make()
    ask(pace, 30, "ada", now=10.0, status=status)
    ask(pace, 30, "bob", now=10.0, status=status)
    assert pace.free(39.9) == 0
    assert pace.wait(39.9) == pytest.approx(0.1)
    assert str(pace.reason(12.5)).startswith(f"Rupt asks to wait, for 28 s more: {status} ")
    assert pace.free(40.0) == pace.limit
    assert (pace.wait(40.0), pace.reason(40.0)) == (None, None)


def test_retry_after_of_one_account_is_its_own() -> None:
    """However often one account is told to wait, the others do not: that may be its own fault."""
    pace = make()
    for now in range(20):
        ask(pace, 300, "ada", now=float(now))
        assert (pace.wait(float(now)), pace.reason(float(now))) == (None, None)


def test_retry_after_of_two_in_turn_is_their_own() -> None:
    """An account whose wait is over when another is told to wait does not count."""
    pace = make()
    ask(pace, 5, "ada", now=0.0)
    ask(pace, 60, "bob", now=5.0)
    assert pace.wait(5.0) is None


def test_retry_after_is_capped() -> None:
    """A Retry-After of an hour keeps others back for minutes only."""
    pace = make()
    ask(pace, 3_600, "ada")
    ask(pace, 3_600, "bob")
    assert pace.wait(0.0) == LONGEST_PAUSE


@pytest.mark.parametrize("order", list(permutations([("ada", 60), ("bob", 20), ("eve", 1)])))
def test_the_pause_lasts_while_two_are_to_wait(order: tuple[tuple[str, int], ...]) -> None:
    """All wait as long as two accounts have been told to, in whatever order; one that waits longer does so alone."""
    pace = make()
    for account, seconds in order:
        ask(pace, seconds, account)
    assert pace.wait(0.0) == 20.0


def test_a_pause_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The beginning of a pause is logged with its length; one that goes on is not logged again, and the next one is."""
    pace = make()
    for account in ("ada", "bob", "eve"):
        ask(pace, 30, account)
    assert [record.getMessage() for record in caplog.records] == [
        "Rupt asks several accounts to wait, so nothing is sent for 30 s: 429 too many requests"
    ]
    ask(pace, 7, "ada", now=100.0)
    ask(pace, 7, "bob", now=100.5)
    assert len(caplog.records) == 2


def test_retry_after_of_other_answers_is_their_own() -> None:
    """A Retry-After on a 423 or a 500 concerns its own job."""
    pace = make()
    for status in (423, 423, 500, 500):
        end(pace, pace.begin(0.0), Response(status, {"retry-after": "60"}, b""))
    assert pace.wait(0.0) is None


# --------------------------------------------------------------------------------------------------------- the circuit


def test_it_opens_when_nobody_is_served() -> None:
    """After failures of several accounts with no success in between nothing may begin, and it says why."""
    pace = make(opens_after=3)
    open_circuit(pace)
    assert (pace.circuit, pace.free(4.9), pace.wait(4.0)) == ("open", 0, 1.0)
    assert pace.reason(0.0) == "network: connection refused"


def test_a_success_in_between_keeps_it_closed() -> None:
    """A success begins the count anew."""
    pace = make(opens_after=3)
    for answer in (NOBODY, NOBODY, OK, NOBODY, NOBODY):
        end(pace, pace.begin(0.0), answer)
    assert pace.circuit == "closed"


def test_one_account_does_not_open_it() -> None:
    """However often one account's request fails, it may be that account's fault."""
    pace = make(opens_after=3)
    for _ in range(50):
        end(pace, pace.begin(0.0), ERROR, account="ada")
    assert pace.circuit == "closed"


def test_one_mapping_of_several_does_not_open_it() -> None:
    """Errors of one mapping alone, where there are others that are silent, may be that mapping's fault."""
    pace = make(opens_after=3)
    end(pace, pace.begin(0.0), OK, mapping="B")
    for _ in range(50):
        end(pace, pace.begin(0.0), ERROR, mapping="A")
    assert state(pace) == "closed"
    end(pace, pace.begin(0.0), ERROR, mapping="B")
    assert state(pace) == "open"


def test_a_mapping_that_is_long_silent_does_not_count() -> None:
    """A mapping of which nothing was sent for hours keeps the circuit no more from opening."""
    pace = make(opens_after=3)
    end(pace, pace.begin(0.0), OK, mapping="B")
    for _ in range(3):
        end(pace, pace.begin(4_000.0), ERROR, mapping="A", now=4_000.0)
    assert pace.circuit == "open"


def test_when_nobody_is_there_one_mapping_is_enough() -> None:
    """That there is no connection is no mapping's fault."""
    pace = make(opens_after=3)
    end(pace, pace.begin(0.0), OK, mapping="B")
    for _ in range(3):
        end(pace, pace.begin(0.0), NOBODY, mapping="A")
    assert pace.circuit == "open"


def test_one_probe_at_a_time() -> None:
    """After the pause one request may begin, and no other until it has an answer."""
    pace = make()
    open_circuit(pace)
    assert pace.free(5.0) == 1
    pace.begin(5.0)
    assert (pace.circuit, pace.free(100.0), pace.wait(100.0)) == ("half_open", 0, None)


def test_pauses_grow() -> None:
    """The pause doubles with each probe that fails, up to its cap."""
    pace, now, pauses = make(), 0.0, []
    open_circuit(pace)
    for _ in range(8):
        wait = pace.wait(now)
        assert wait is not None
        pauses.append(wait)
        now += wait
        end(pace, pace.begin(now), TIMEOUT, now=now)
    assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300])


def test_pauses_are_jittered() -> None:
    """The draw makes a pause up to half as long again, and never longer than the cap."""
    pace = make(draw=0.5)
    open_circuit(pace)
    assert pace.wait(0.0) == 6.25


def test_a_probe_that_is_not_sent_is_replaced() -> None:
    """When the job that should be the probe is not sent after all, the next one may be."""
    pace = make()
    open_circuit(pace)
    pace.give_up(pace.begin(5.0))
    assert pace.free(5.0) == 1


def test_it_closes_and_grows_from_one() -> None:
    """After a success the limit is one, and doubles to half of what it was; from there it grows by one."""
    pace = make(64, first=64)
    round_trip(pace, NOBODY)
    before = pace.limit
    end(pace, pace.begin(5.0), OK, now=5.0)
    limits = []
    for _ in range(8):
        limits.append(pace.limit)
        round_trip(pace, OK, now=6.0)
    assert pace.circuit == "closed"
    assert limits[:5] == [1, 2, 4, 8, 16]
    assert before // 2 <= pace.limit <= before // 2 + 3


def test_late_failures_do_not_lengthen_the_pause() -> None:
    """Requests that were in flight when it opened, and fail, are no probes."""
    pace = make(64, first=64)
    flying = fill(pace)
    for number in flying:
        end(pace, number, NOBODY)
    assert pace.wait(0.0) == 5.0


def test_a_late_success_closes_it() -> None:
    """A request from before that succeeds after all says as much as a probe."""
    pace = make(64, first=64)
    slow, *others = fill(pace)
    for number in others:
        end(pace, number, TIMEOUT)
    assert state(pace) == "open"
    end(pace, slow, OK)
    assert state(pace) == "closed"


# ------------------------------------------------------------------------------------------------------------- restart


def test_a_restart_closes_the_circuit() -> None:
    """After a restart requests may begin at once, as many as at the very first, and nothing is wrong."""
    pace, told = make(40, first=8), list[float]()
    open_circuit(pace)
    pace.watch(lambda: told.append(0.0))
    pace.restart()
    assert (state(pace), pace.reason(0.0), pace.wait(0.0)) == ("closed", None, None)
    assert (pace.limit, pace.free(0.0), told) == (8, 8, [0.0])


def test_a_restart_forgets_the_longer_pauses() -> None:
    """When it opens again after a restart, the first probe comes as soon as the first time."""
    pace = make()
    open_circuit(pace)
    end(pace, pace.begin(6.0), NOBODY, now=6.0)
    pace.restart()
    open_circuit(pace, now=7.0)
    assert pace.wait(7.0) == 5.0


def test_a_restart_ends_the_pause() -> None:
    """After a restart nobody waits for what accounts were told before."""
    pace = make()
    ask(pace, 60, "ada")
    ask(pace, 60, "bob")
    pace.restart()
    assert (pace.wait(0.0), pace.reason(0.0)) == (None, None)
    ask(pace, 60, "eve")
    assert pace.wait(0.0) is None


def test_answers_from_before_a_restart_say_nothing() -> None:
    """What was in flight at a restart keeps its place until it ends; its answer opens nothing and pauses nobody."""
    pace = make(16, opens_after=2)
    flying = fill(pace)
    pace.restart()
    assert (pace.in_flight, pace.free(0.0)) == (16, 0)
    for number in flying[:8]:
        end(pace, number, NOBODY)
    for number in flying[8:]:
        end(pace, number, Response(429, {"retry-after": "60"}, b""))
    assert (pace.circuit, pace.wait(0.0), pace.limit, pace.in_flight) == ("closed", None, 16, 0)


def test_an_old_probe_says_nothing() -> None:
    """A probe that was under way at a restart keeps nobody back, whatever becomes of it."""
    pace = make()
    open_circuit(pace)
    probe = pace.begin(5.0)
    pace.restart()
    assert pace.free(5.0) == 15
    end(pace, probe, NOBODY, now=5.0)
    assert (state(pace), pace.free(5.0)) == ("closed", 16)


# ----------------------------------------------------------------------------------------------------- those who watch


def test_who_watches_is_told() -> None:
    """Whoever watches is called when a request has ended or was given up, until they end it."""
    pace, told = make(), list[int]()
    unwatch = pace.watch(lambda: told.append(pace.in_flight))
    end(pace, pace.begin(0.0), OK)
    pace.give_up(pace.begin(0.0))
    unwatch()
    end(pace, pace.begin(0.0), OK)
    assert told == [0, 0]


# ----------------------------------------------------------------------------------------------------- whatever happens

answers = st.sampled_from(
    [OK, OK, OK, BAD, ERROR, BUSY, DOWN, TIMEOUT, NOBODY, Response(429, {"retry-after": "7"}, b"")]
)
steps = st.tuples(st.sampled_from(["begin", "begin", "end", "give up"]), answers, st.floats(0.0, 20.0))


@settings(max_examples=300, deadline=None)
@given(
    most=st.integers(1, 20),
    opens_after=st.integers(1, 5),
    history=st.lists(steps, max_size=80),
    mappings=st.sampled_from(["A", "AB"]),
)
def test_whatever_comes(most: int, opens_after: int, history: list[tuple[str, Answer, float]], mappings: str) -> None:
    """The limit keeps its bounds, no more is in flight than it allows, and the first success closes the circuit."""
    pace, now, flying = make(most, opens_after=opens_after), 0.0, list[int]()
    for act, answer, later in history:
        now += later
        if act == "begin" and pace.free(now) > 0:
            flying.append(pace.begin(now))
            assert len(flying) <= pace.limit or pace.circuit == "half_open"
        elif flying and act == "end":
            number = flying.pop(0)
            end(pace, number, answer, mapping=mappings[number % len(mappings)], now=now)
            assert pace.circuit == "closed" or sign_of(answer, judge(answer, REQUEST)) != "good"
        elif flying:
            pace.give_up(flying.pop())
        assert 1 <= pace.limit <= most
        assert pace.in_flight == len(flying)
        assert pace.free(now) >= 0
    for number in flying:
        pace.give_up(number)
    now += 1_000.0
    assert pace.free(now) >= 1, "after long enough somebody may try"
    end(pace, pace.begin(now), OK, now=now)
    assert (pace.circuit, pace.reason(now)) == ("closed", None)


verdicts = st.sampled_from([Delivered({}), Reject("no"), Hold("no"), Retry("later"), Retry("x", 5.0)])


@given(st.integers(300, 599), verdicts)
def test_every_answer_has_a_sign(status: int, verdict: Verdict) -> None:
    """Only what is to be retried can say anything bad of Rupt."""
    assert isinstance(verdict, Retry) or sign_of(Response(status, {}, b""), verdict) == "good"
