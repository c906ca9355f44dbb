"""Drives pybreaker's state machine from frozen values and an injected clock.

pybreaker owns the transitions; this module owns time, and keeps the state where a restart finds
it. Each step builds a breaker from the frozen state, feeds it one outcome and reads the state
back. pybreaker would compare `opened_at` with its own wall clock: here it never gets to, because
an outcome is fed to an open breaker only once its trial is due, and with no `opened_at` to
compare. How long a breaker stays open is decided here too; the reasons are in
docs/decisions/2026-11-24-breaker-open-time.md.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

import pybreaker

from resilience_operator.api.v1alpha1.policy import BreakerSpec
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core.model import BreakerState

# A dependency is on probation for this many open times after its breaker closed.
PROBATION_OPEN_TIMES = 10

_NAMES = {
    BreakerPhase.CLOSED: pybreaker.STATE_CLOSED,
    BreakerPhase.OPEN: pybreaker.STATE_OPEN,
    BreakerPhase.HALF_OPEN: pybreaker.STATE_HALF_OPEN,
}
_PHASES = {name: phase for phase, name in _NAMES.items()}


def trial_due_at(state: BreakerState) -> float | None:
    """When an open breaker may be tried; None unless it is open."""
    if state.phase is not BreakerPhase.OPEN:
        return None
    return (state.opened_at or 0.0) + state.open_seconds


def ready(state: BreakerState, now: float) -> bool:
    """Whether an outcome counts now. While the breaker is open, only that of a due trial does."""
    due = trial_due_at(state)
    return due is None or now >= due


def record_success(state: BreakerState, spec: BreakerSpec, now: float) -> BreakerState:
    """The breaker after a success: half-open or closed if it was being tried."""
    # Nearly every step of a running operator: nothing to undo, nothing to build.
    if state.phase is BreakerPhase.CLOSED and not state.failures:
        return state
    if not ready(state, now):
        return state
    storage = _FrozenStorage(state)
    _breaker(storage, spec).call(_succeed)
    return _advance(state, storage, spec, now)


def record_failure(
    state: BreakerState, spec: BreakerSpec, now: float, trip: bool = False
) -> BreakerState:
    """The breaker after a failure; `trip` when the window's rate demands that it open."""
    if not ready(state, now):
        return state
    storage = _FrozenStorage(state)
    machine = _breaker(storage, spec)
    with suppress(_ProbeFailedError):
        machine.call(_fail)
    if trip and storage.state == pybreaker.STATE_CLOSED:
        machine.open()
    return _advance(state, storage, spec, now)


def _advance(
    before: BreakerState, storage: "_FrozenStorage", spec: BreakerSpec, now: float
) -> BreakerState:
    """What the state machine made of a step, with the times that it does not keep."""
    phase = _PHASES[storage.state]
    after = replace(before, phase=phase, failures=storage.counter, successes=0)
    if storage.opened:
        flaps = _flaps(before, spec, now)
        return replace(after, opened_at=now, flaps=flaps, open_seconds=_open_seconds(flaps, spec))
    if phase is BreakerPhase.HALF_OPEN:
        return replace(after, successes=storage.success_counter)
    if before.phase is not BreakerPhase.CLOSED:
        return replace(after, closed_at=now)
    return after


def _flaps(before: BreakerState, spec: BreakerSpec, now: float) -> int:
    """How often it has flapped, counting this opening if it is one.

    A failed trial of a dependency that is simply still down is none. Each probation time spent
    healthy forgives one.
    """
    if before.phase is not BreakerPhase.CLOSED and not before.successes:
        return before.flaps
    if before.phase is BreakerPhase.CLOSED:
        if before.closed_at is None:
            return before.flaps
        probations = int((now - before.closed_at) // (PROBATION_OPEN_TIMES * spec.open_seconds))
        if probations > 0:
            return max(0, before.flaps - probations)
    # Counting further than the open time can grow would only make forgiveness take longer.
    at_most = _open_seconds(before.flaps, spec) >= spec.max_open_seconds
    return before.flaps if at_most else before.flaps + 1


def _open_seconds(flaps: int, spec: BreakerSpec) -> int:
    return int(min(spec.open_seconds << flaps, max(spec.open_seconds, spec.max_open_seconds)))


class _ProbeFailedError(Exception):
    """The failure that is fed to pybreaker."""


def _fail() -> None:
    raise _ProbeFailedError


def _succeed() -> None:
    return


def _breaker(storage: "_FrozenStorage", spec: BreakerSpec) -> pybreaker.CircuitBreaker:
    return pybreaker.CircuitBreaker(
        fail_max=spec.failure_threshold,
        success_threshold=spec.success_threshold,
        reset_timeout=0,
        state_storage=storage,
        throw_new_error_on_trip=False,
    )


class _FrozenStorage(pybreaker.CircuitBreakerStorage):
    """pybreaker's storage over a frozen state.

    Overrides every member: the base class's own are silent no-ops.
    """

    def __init__(self, state: BreakerState) -> None:
        super().__init__("frozen")
        self._state = _NAMES[state.phase]
        self._failures = state.failures
        self._successes = state.successes
        self.opened = False

    @property
    def state(self) -> str:
        return self._state

    @state.setter
    def state(self, state: str) -> None:
        self._state = state

    def increment_counter(self) -> None:
        self._failures += 1

    def reset_counter(self) -> None:
        self._failures = 0

    def increment_success_counter(self) -> None:
        self._successes += 1

    def reset_success_counter(self) -> None:
        self._successes = 0

    @property
    def counter(self) -> int:
        return self._failures

    @property
    def success_counter(self) -> int:
        return self._successes

    @property
    def opened_at(self) -> datetime | None:
        # None: there is nothing for pybreaker to compare its wall clock with.
        return None

    @opened_at.setter
    def opened_at(self, _: datetime) -> None:
        self.opened = True
