from dataclasses import replace

import pybreaker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.policy import BreakerSpec
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core import breaker
from resilience_operator.core.model import BreakerState

SPEC = BreakerSpec()  # 3 failures open, 2 successes close, 30 s open, at most 300 s
CLOSED, OPEN, HALF_OPEN = BreakerPhase.CLOSED, BreakerPhase.OPEN, BreakerPhase.HALF_OPEN
# Outcomes with the seconds since the one before: True a success, False a failure.
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 900), st.booleans()), max_size=60)


def play(picture: str, state: BreakerState | None = None, spec: BreakerSpec = SPEC) -> BreakerState:
    """`.` a success and `x` a failure, a second apart; `>` waits for the trial to be due."""
    state, now = state or BreakerState(), _last(state)
    for each in picture:
        now += 1
        if each == ">":
            due = breaker.trial_due_at(state)
            assert due is not None
            now = due - 1
        elif each == ".":
            state = breaker.record_success(state, spec, now)
        else:
            state = breaker.record_failure(state, spec, now)
    return state


def _last(state: BreakerState | None) -> float:
    times = (state.opened_at, state.closed_at) if state else ()
    return max((at for at in times if at is not None), default=1000.0)


@pytest.mark.parametrize(
    ("story", "picture", "phase"),
    [
        ("successes keep it closed", "....", CLOSED),
        ("two failures are not three", "xx", CLOSED),
        ("a success starts the count anew", "xx.xx", CLOSED),
        ("three in a row open it", "xxx", OPEN),
        ("a success before the trial is due counts for nothing", "xxx..", OPEN),
        ("a trial that succeeds half-opens it", "xxx>.", HALF_OPEN),
        ("a second success closes it", "xxx>..", CLOSED),
        ("a trial that fails opens it again", "xxx>x", OPEN),
        ("a failure in half-open opens it again", "xxx>.x", OPEN),
        ("half-open starts the count of successes anew", "xxx>.x>.", HALF_OPEN),
        ("closed again, it takes three failures again", "xxx>..xx", CLOSED),
    ],
)
def test_phases(story: str, picture: str, phase: BreakerPhase) -> None:
    assert play(picture).phase is phase, story


@pytest.mark.parametrize(
    ("story", "picture", "open_seconds", "flaps"),
    [
        ("the first time", "xxx", 30, 0),
        ("still down: the same time, however often it is tried", "xxx>x>x>x>x>x", 30, 0),
        ("it answered once and failed: twice the time", "xxx>.x", 60, 1),
        ("again: four times", "xxx>.x>.x", 120, 2),
        ("still down after a flap: as long as before", "xxx>.x>x>x", 60, 1),
        ("on probation after closing: twice the time", "xxx>..xxx", 60, 1),
        ("never longer than the maximum", "xxx" + ">.x" * 12, 300, 4),
    ],
)
def test_open_time_doubles_for_flapping_only(
    story: str, picture: str, open_seconds: int, flaps: int
) -> None:
    state = play(picture)
    assert (state.open_seconds, state.flaps) == (open_seconds, flaps), story


def test_every_probation_spent_healthy_forgives_one_flap() -> None:
    recovered = play("xxx>.x>.x>..")
    assert recovered.flaps == 2
    assert recovered.closed_at is not None
    for healthy, flaps in ((299, 3), (300, 1), (600, 0), (9000, 0)):
        state = recovered
        for _ in range(3):
            state = breaker.record_failure(state, SPEC, recovered.closed_at + healthy)
        assert state.flaps == flaps


def test_the_window_may_demand_opening() -> None:
    state = breaker.record_failure(BreakerState(), SPEC, 5.0, trip=True)
    assert state.phase is OPEN
    assert state.opened_at == 5.0
    assert breaker.trial_due_at(state) == 35.0


def test_half_open_counts_successes_up_to_the_threshold() -> None:
    spec = BreakerSpec(failure_threshold=1, success_threshold=3)
    state = breaker.record_failure(BreakerState(), spec, 0.0)
    for successes in (1, 2):
        state = breaker.record_success(state, spec, 29.0 + successes)
        assert (state.phase, state.successes) == (HALF_OPEN, successes)
    state = breaker.record_success(state, spec, 32.0)
    assert (state.phase, state.successes, state.closed_at) == (CLOSED, 0, 32.0)


def test_a_threshold_of_one_closes_at_the_first_trial() -> None:
    state = play("x>.", spec=BreakerSpec(failure_threshold=1, success_threshold=1))
    assert state.phase is CLOSED
    assert state.closed_at is not None


def test_an_open_breaker_without_a_time_is_due_at_once() -> None:
    state = BreakerState(phase=OPEN)
    assert breaker.ready(state, 1.0)
    assert breaker.record_success(state, SPEC, 1.0).phase is HALF_OPEN


def test_the_wall_clock_never_matters() -> None:
    """Decades before and after now, the same steps give the same phases."""
    for epoch in (0.0, 4e9):
        state = BreakerState()
        for _ in range(3):
            state = breaker.record_failure(state, SPEC, epoch)
        assert breaker.record_success(state, SPEC, epoch + 29.9) is state
        assert breaker.record_success(state, SPEC, epoch + 30).phase is HALF_OPEN


def test_storage_overrides_every_member_of_pybreakers() -> None:
    wanted = {name for name in vars(pybreaker.CircuitBreakerStorage) if not name.startswith("_")}
    assert wanted - {"name"} <= set(vars(breaker._FrozenStorage))


@given(STEPS)
def test_invariants(steps: list[tuple[bool, int, bool]]) -> None:
    state, now = BreakerState(), 0.0
    for ok, wait, trip in steps:
        before, now = state, now + wait
        if ok:
            state = breaker.record_success(state, SPEC, now)
        else:
            state = breaker.record_failure(state, SPEC, now, trip)
        due = breaker.trial_due_at(state)
        assert (due is not None) == (state.phase is OPEN)
        if state.phase is OPEN:
            assert SPEC.open_seconds <= state.open_seconds <= SPEC.max_open_seconds
            assert due is not None
            assert due <= now + SPEC.max_open_seconds
        if state.phase is HALF_OPEN:
            # It came through exactly one due trial, which succeeded.
            assert 1 <= state.successes < SPEC.success_threshold
            assert breaker.ready(before, now)
        else:
            assert state.successes == 0
        if before.phase is OPEN and not breaker.ready(before, now):
            assert state is before


@given(STEPS)
def test_never_stuck(steps: list[tuple[bool, int, bool]]) -> None:
    """From wherever it is, a dependency that answers closes it within the threshold."""
    state, now = BreakerState(), 0.0
    for ok, wait, trip in steps:
        now += wait
        if ok:
            state = breaker.record_success(state, SPEC, now)
        else:
            state = breaker.record_failure(state, SPEC, now, trip)
    now = max(now, breaker.trial_due_at(state) or now)
    for _ in range(SPEC.success_threshold):
        state = breaker.record_success(state, SPEC, now)
    assert state.phase is CLOSED


@given(st.integers(1, 3600), st.integers(1, 86_400), st.integers(0, 40))
def test_open_time_is_bounded_whatever_the_spec(shortest: int, longest: int, flaps: int) -> None:
    spec = BreakerSpec(open_seconds=shortest, max_open_seconds=longest, failure_threshold=1)
    flapping = replace(BreakerState(), flaps=flaps, phase=HALF_OPEN, successes=1)
    state = breaker.record_failure(flapping, spec, 0.0)
    assert shortest <= state.open_seconds <= max(shortest, longest)
