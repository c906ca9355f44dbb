"""What is known of one dependency: probe results in, health and the next probe's time out.

Every definite answer is measured at once and the health kept, so that assessing is a matter of
asking whether that health is still fresh enough to stand. An Unknown result is our own failure to
find out: it moves neither window nor breaker, and lets the last health stand until it is stale.
"""

from dataclasses import replace

from resilience_operator.api.v1alpha1.policy import Dependency
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
)
from resilience_operator.core import breaker as breakers
from resilience_operator.core import window as windows
from resilience_operator.core.model import (
    BreakerState,
    DependencyHealth,
    Evidence,
    ProbeResult,
    Sample,
    Verdict,
    Window,
)

# The most that a dependency counts for while its breaker is half-open.
HALF_OPEN_HEALTH = 50
# The pace, in seconds, at which a probe that could not tell is asked again.
UNKNOWN_RETRY_SECONDS = 5
# A breaker opens at `failureRatePercent`; from half of it on the dependency is called Failing.
FAILING_SHARE_OF_TRIP_RATE = 2


def begin(now: float) -> Evidence:
    """Of a dependency never seen before: nothing is known, and from `now` on that grows stale."""
    return Evidence(since=now)


def observe(
    evidence: Evidence, result: ProbeResult, dependency: Dependency, now: float
) -> Evidence:
    """The evidence with this result.

    While the breaker is open and its trial is not due, a result (of a probe that another policy
    shares) is remembered as the last one and counts for nothing.
    """
    if result.verdict is Verdict.UNKNOWN or not breakers.ready(evidence.breaker, now):
        since = now if evidence.since is None else evidence.since
        return replace(evidence, last=result, since=since)
    sample = _sample(result, dependency)
    window = windows.add(_window_before(evidence, sample), sample, dependency.window)
    breaker = _step(evidence.breaker, window, sample, dependency, now)
    health = _health(evidence, window, breaker, dependency)
    state = _state(evidence, window, breaker, dependency)
    return Evidence(
        window=window,
        breaker=breaker,
        last=result,
        known_health=health,
        known_at=None if health is None else now,
        state=state,
        since=evidence.since if state is evidence.state and evidence.since is not None else now,
    )


def next_probe_at(evidence: Evidence, dependency: Dependency, now: float) -> float:
    """When to ask again: when a trial is due, soon while a change is being confirmed, or later.

    Counted from the last result, so that asking twice gives the same answer. Never before `now`.
    """
    last = evidence.last
    due = breakers.trial_due_at(evidence.breaker)
    if due is not None and (last is None or last.at < due):
        return max(now, due)
    return now if last is None else max(now, last.at + _pace(evidence, last, dependency))


def assess(evidence: Evidence, dependency: Dependency, now: float) -> DependencyHealth:
    """The dependency as the score sees it: the health last measured, until that is stale."""
    ends = stale_at(evidence, dependency)
    stale = ends is not None and now >= ends
    healthless = stale or evidence.known_health is None
    last = evidence.last
    told = last is not None and last.verdict is not Verdict.HEALTHY
    return DependencyHealth(
        name=dependency.name,
        weight=dependency.weight,
        state=DependencyState.UNKNOWN if healthless else evidence.state,
        health=None if healthless else evidence.known_health,
        breaker=evidence.breaker.phase,
        stale=stale,
        reason=last.reason if told and last else None,
        message=last.message if told and last else "",
        assumed=not healthless
        and evidence.breaker.phase is BreakerPhase.CLOSED
        and not evidence.window.samples,
    )


def stale_at(evidence: Evidence, dependency: Dependency) -> float | None:
    """When what is known stops counting, unless a definite answer arrives before.

    `staleAfterSeconds` from the last definite answer; but never so early that a probe in its
    regular place, and one that is late, would both miss it. An open breaker asks nothing until
    its trial is due: the time runs from then.
    """
    known = evidence.since if evidence.known_at is None else evidence.known_at
    if known is None:
        return None
    due = breakers.trial_due_at(evidence.breaker)
    probe = dependency.probe
    patience = max(
        dependency.stale_after_seconds, 2 * probe.interval_seconds + probe.timeout_seconds
    )
    return (known if due is None else max(known, due)) + patience


def _sample(result: ProbeResult, dependency: Dependency) -> Sample:
    ok = result.verdict is Verdict.HEALTHY
    slow = ok and result.latency_ms >= dependency.window.slow_milliseconds
    return Sample(ok, slow, result.latency_ms)


def _window_before(evidence: Evidence, sample: Sample) -> Window:
    """A successful trial starts a new window: what failed before the outage ended is over."""
    starts_anew = sample.ok and evidence.breaker.phase is BreakerPhase.OPEN
    return Window() if starts_anew else evidence.window


def _step(
    state: BreakerState, window: Window, sample: Sample, dependency: Dependency, now: float
) -> BreakerState:
    if sample.ok:
        return breakers.record_success(state, dependency.breaker, now)
    spec = dependency.window
    trip = (
        windows.enough(window, spec)
        and windows.failure_rate_percent(window) >= spec.failure_rate_percent
    )
    return breakers.record_failure(state, dependency.breaker, now, trip)


def _health(
    evidence: Evidence, window: Window, breaker: BreakerState, dependency: Dependency
) -> int | None:
    """Health after a definite answer; with too few samples the one known before stands."""
    if breaker.phase is BreakerPhase.OPEN:
        return 0
    measured = _measure(window, dependency)
    if breaker.phase is BreakerPhase.HALF_OPEN:
        return min(HALF_OPEN_HEALTH, measured)
    # Closing is the user's own definition of "recovered": it needs no `window.minimum` on top.
    closing = evidence.breaker.phase is not BreakerPhase.CLOSED
    return (
        measured
        if closing or windows.enough(window, dependency.window)
        else (evidence.known_health)
    )


def _measure(window: Window, dependency: Dependency) -> int:
    """100 less the failure rate; at `slowRatePercent` and above, a slow success counts half."""
    succeeded = 100 - windows.failure_rate_percent(window)
    slow = windows.slow_rate_percent(window)
    if slow < dependency.window.slow_rate_percent:
        return succeeded
    return succeeded * (200 - slow) // 200


def _state(
    evidence: Evidence, window: Window, breaker: BreakerState, dependency: Dependency
) -> DependencyState:
    if breaker.phase is not BreakerPhase.CLOSED:
        return DependencyState.DOWN
    if breaker.failures:
        return DependencyState.FAILING
    closing = evidence.breaker.phase is not BreakerPhase.CLOSED
    if not (closing or windows.enough(window, dependency.window)):
        return evidence.state
    rate = windows.failure_rate_percent(window)
    if rate * FAILING_SHARE_OF_TRIP_RATE >= dependency.window.failure_rate_percent:
        return DependencyState.FAILING
    if windows.slow_rate_percent(window) >= dependency.window.slow_rate_percent:
        return DependencyState.SLOW
    return DependencyState.HEALTHY


def _pace(evidence: Evidence, last: ProbeResult, dependency: Dependency) -> int:
    """Seconds from the last result to the next probe."""
    probe = dependency.probe
    if last.verdict is Verdict.UNKNOWN:
        # Soon enough to notice before the health is stale, never faster than confirming.
        return min(
            probe.interval_seconds, max(UNKNOWN_RETRY_SECONDS, probe.confirm_interval_seconds)
        )
    confirming = (
        evidence.breaker.phase is BreakerPhase.HALF_OPEN
        or evidence.breaker.failures > 0
        or not windows.enough(evidence.window, dependency.window)
    )
    return probe.confirm_interval_seconds if confirming else probe.interval_seconds
