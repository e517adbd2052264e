import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.retry import (
    PATIENT,
    Bury,
    Decision,
    Delivered,
    Hold,
    Park,
    Policy,
    Reject,
    Retry,
    RetryAt,
    Settle,
    Verdict,
    decide,
    longest_wait,
)

START = 1_700_000_000.0
POLICY = Policy()
attempts = st.integers(min_value=1, max_value=9)
draws = st.floats(min_value=0, max_value=1, exclude_max=True)
elapsed_times = st.floats(min_value=0, max_value=POLICY.window - 1)


def decided(
    verdict: Verdict, *, attempt: int = 1, elapsed: float = 0.0, draw: float = 0.5, policy: Policy = POLICY
) -> Decision:
    """Decide at a time counted from the first attempt."""
    return decide(verdict, attempt=attempt, first_at=START, now=START + elapsed, draw=draw, policy=policy)


def test_delivered_settles_with_the_access_state() -> None:
    """What Rupt said of the device goes on with the settled job."""
    assert decided(Delivered({"device_id": "d"})) == Settle({"device_id": "d"})


def test_a_refusal_buries_at_once() -> None:
    """A request that Rupt never takes is not sent again."""
    assert decided(Reject("400 bad request")) == Bury("400 bad request")


def test_a_wrong_configuration_parks_however_old_the_job_is() -> None:
    """The event is not at fault: neither attempts nor time can bury it."""
    assert decided(Hold("401"), attempt=99, elapsed=1e9) == Park("401")


@pytest.mark.parametrize(
    ("attempt", "wait"), [(1, 1), (2, 2), (3, 4), (5, 16), (9, 256), (11, 1_024), (12, 1_800), (99, 1_800)]
)
def test_the_longest_wait_doubles_up_to_the_cap(attempt: int, wait: float) -> None:
    """1, 2, 4 … seconds, never more than half an hour."""
    assert longest_wait(attempt, POLICY) == wait


def test_a_patient_policy_spreads_its_attempts() -> None:
    """A server's ten attempts are spread over the most of four hours, and begin as quickly as any."""
    waits = [longest_wait(attempt, PATIENT) for attempt in range(1, PATIENT.attempts)]
    assert waits == [1, 4, 16, 64, 256, 1024, 3600, 3600, 3600]
    assert 0.8 * PATIENT.window < sum(waits) < PATIENT.window


@pytest.mark.parametrize(("draw", "at"), [(0.0, START), (0.25, START + 2), (0.5, START + 4)])
def test_the_wait_is_drawn_from_nothing_to_the_longest(draw: float, at: float) -> None:
    """Full jitter: jobs that failed together come back apart."""
    assert decided(Retry("503"), attempt=4, draw=draw) == RetryAt(at, "503")


def test_retry_after_comes_before_the_jitter() -> None:
    """Rupt's own wait is kept whole, and the draw spreads the jobs behind it."""
    assert decided(Retry("429", after=30.0), attempt=2, draw=0.5) == RetryAt(START + 31, "429")


def test_the_last_attempt_buries() -> None:
    """Ten attempts in all; the reason says what happened and how often it was tried."""
    assert isinstance(decided(Retry("503 unavailable"), attempt=9), RetryAt)
    assert decided(Retry("503 unavailable"), attempt=10) == Bury("503 unavailable; gave up after 10 attempts")


def test_the_end_of_the_window_buries() -> None:
    """Four hours in all, however few the attempts."""
    assert decided(Retry("timeout"), elapsed=14_400) == Bury("timeout; gave up after 4 h")


def test_a_wait_that_passes_the_window_ends_with_it() -> None:
    """An attempt is made at the very end rather than none."""
    assert decided(Retry("503"), attempt=9, elapsed=14_399, draw=0.9) == RetryAt(START + 14_400, "503")


@pytest.mark.parametrize("after", [math.inf, 1e300, 14_401.0])
def test_a_retry_after_beyond_the_window_is_cut_to_it(after: float) -> None:
    """Rupt cannot put a job off for ever."""
    assert decided(Retry("429", after=after)) == RetryAt(START + 14_400, "429")


@pytest.mark.parametrize("after", [math.nan, -1.0, -math.inf, 0.0, None])
def test_a_senseless_retry_after_counts_as_none(after: float | None) -> None:
    """Only a number above zero puts a job off."""
    assert decided(Retry("429", after=after)) == RetryAt(START + 0.5, "429")


def test_the_policy_sets_every_limit() -> None:
    """Attempts, window, first wait and cap are the policy's."""
    policy = Policy(attempts=2, window=60, first=10, cap=15)
    assert decided(Retry("x"), policy=policy) == RetryAt(START + 5, "x")
    assert longest_wait(2, policy) == 15
    assert decided(Retry("x"), attempt=2, policy=policy) == Bury("x; gave up after 2 attempts")
    assert decided(Retry("x"), elapsed=60, policy=policy) == Bury("x; gave up after 60 s")


@given(attempts, elapsed_times, draws)
def test_a_wait_is_between_nothing_and_the_cap(attempt: int, elapsed: float, draw: float) -> None:
    """Without Retry-After no wait is negative or longer than the cap."""
    decision = decided(Retry("503"), attempt=attempt, elapsed=elapsed, draw=draw)
    assert isinstance(decision, RetryAt)
    assert 0 <= decision.at - (START + elapsed) <= POLICY.cap


@given(attempts, elapsed_times, draws, st.floats(allow_nan=True))
def test_a_retry_is_never_before_retry_after_nor_after_the_window(
    attempt: int, elapsed: float, draw: float, after: float
) -> None:
    """Any number in Retry-After is obeyed as far as the window goes."""
    decision = decided(Retry("429", after=after), attempt=attempt, elapsed=elapsed, draw=draw)
    assert isinstance(decision, RetryAt)
    deadline = START + POLICY.window
    assert START + elapsed <= decision.at <= deadline
    if not math.isnan(after):
        assert decision.at >= min(START + elapsed + after, deadline)


@given(st.integers(min_value=1, max_value=10**400), draws)
def test_no_attempt_number_overflows(attempt: int, draw: float) -> None:
    """However often something was tried, the wait is a finite number within the cap."""
    policy = Policy(attempts=10**500)
    decision = decided(Retry("503"), attempt=attempt, draw=draw, policy=policy)
    assert isinstance(decision, RetryAt)
    assert 0 <= decision.at - START <= policy.cap


@given(st.integers(min_value=1, max_value=10_000))
def test_the_longest_wait_never_shrinks(attempt: int) -> None:
    """A later attempt waits at least as long as an earlier one may."""
    assert longest_wait(attempt, POLICY) <= longest_wait(attempt + 1, POLICY)


@given(st.lists(draws, min_size=10, max_size=10), st.floats(min_value=0, max_value=1e6))
def test_a_job_that_always_fails_ends(chances: list[float], after: float) -> None:
    """Attempts are finite, whatever Rupt answers."""
    now = START
    for attempt, draw in enumerate(chances, 1):
        decision = decide(Retry("503", after=after), attempt=attempt, first_at=START, now=now, draw=draw, policy=POLICY)
        if isinstance(decision, Bury):
            break
        assert isinstance(decision, RetryAt)
        now = decision.at
    assert isinstance(decision, Bury)
    assert now <= START + POLICY.window
