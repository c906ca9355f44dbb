"""The evidence to go on with where it cannot simply go on: after a restart, with a changed probe.

Neither brings the window along, and neither may look like news: the health last known stands in
until probes answer, and a breaker that is not closed stays so.
"""

from dataclasses import replace

from resilience_operator.api.v1alpha1.policy_status import (
    OUR_FAILURES,
    BreakerPhase,
    BreakerStatus,
    DependencyStatus,
)
from resilience_operator.core.model import BreakerState, Evidence, ProbeResult, Verdict
from resilience_operator.core.times import from_rfc3339

# Status has whole seconds, rounded down: an opening read from it was at the latest so much later.
ROUNDED_OFF_SECONDS = 0.999
# The time of a probe that was made before a restart, whenever that was.
LONG_AGO = 0.0


def restore(status: DependencyStatus, now: float) -> Evidence:
    """The evidence to go on with after a restart: all but the window, whose health stands in."""
    return Evidence(
        breaker=_restore_breaker(status.breaker, now),
        last=_restore_last(status),
        known_health=status.health,
        known_at=None if status.health is None else now,
        state=status.state,
        since=from_rfc3339(status.since),
    )


def renew(evidence: Evidence, now: float) -> Evidence:
    """To go on with when the probe itself has changed: what is known stands in until it answers.

    A breaker that is not closed stays so, or what requires the dependency would come back without
    an answer; but its trial is due at once, and what it learnt of the old probe is forgotten.
    """
    known = evidence.breaker
    forgotten = replace(known, open_seconds=0, successes=0, flaps=0, closed_at=None)
    return Evidence(
        breaker=BreakerState() if known.phase is BreakerPhase.CLOSED else forgotten,
        known_health=evidence.known_health,
        known_at=now,
        state=evidence.state,
        since=evidence.since,
    )


def _restore_breaker(status: BreakerStatus, now: float) -> BreakerState:
    return BreakerState(
        phase=status.state,
        opened_at=_last_opening(status, now),
        open_seconds=status.open_seconds,
        failures=status.failures,
        successes=status.successes,
        flaps=status.flaps,
        closed_at=from_rfc3339(status.closed_at),
    )


def _restore_last(status: DependencyStatus) -> ProbeResult | None:
    """What the last probe found wrong, in the words of then, until another one has been made."""
    reason = status.failure_reason
    if reason is None:
        return None
    verdict = Verdict.UNKNOWN if reason in OUR_FAILURES else Verdict.UNHEALTHY
    return ProbeResult(verdict, LONG_AGO, reason=reason, message=status.message)


def _last_opening(status: BreakerStatus, now: float) -> float | None:
    """When the breaker opened, or opened again after the last trial.

    Status is not written for a trial that failed like the one before, so late in an outage it has
    the first opening: the failed trials since came one open time after the other, and the next one
    is due where that rhythm has it, not at once.
    """
    opened_at = from_rfc3339(status.opened_at)
    if opened_at is None or status.state is not BreakerPhase.OPEN:
        return opened_at
    opened_at += ROUNDED_OFF_SECONDS
    missed = max(0.0, now - opened_at) // status.open_seconds if status.open_seconds else 0.0
    return opened_at + missed * status.open_seconds
