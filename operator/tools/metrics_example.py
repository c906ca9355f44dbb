"""A registry in which everything has happened once, so that every family shows its labels."""

from prometheus_client import CollectorRegistry

from resilience_operator.actuators import FlagsOutcome, RefreshOutcome
from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.api.v1alpha1.rollout_status import (
    MetricStatus,
    MetricVerdict,
    RolloutPhase,
    RolloutRecord,
    RolloutStatus,
)
from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    Key,
    LevelDecision,
    LevelPlan,
    LevelState,
    LevelTransition,
    Outcome,
    ProbeKey,
    ProbeResult,
    Problem,
    Verdict,
)
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.core.rollout.model import RolloutEvent
from resilience_operator.kube.calls import Call
from resilience_operator.metrics.reports import Reports

_KEY: Key = ("namespace", "name")
_PROBE = ProbeKey("namespace", "tcp", "digest")
_TIME = "2026-01-01T00:00:00Z"


class _Parts:
    """Stands for the pool, a workqueue and the webhooks."""

    in_flight = targets = subscriptions = depth = added = delayed = retries = running = waiting = 1

    def __init__(self) -> None:
        self.counts = {"delivered": 1, "failed": 0, "dropped": 0}

    def overdue(self) -> float:
        return 0.0


def example() -> CollectorRegistry:
    """The registry of an operator that has seen a bit of everything."""
    reports = Reports("0")
    _policy(reports)
    _rollout(reports)
    _operator(reports)
    return reports.registry


def _policy(reports: Reports) -> None:
    score = HealthScore(100, 100, 100, 1, 1, None)
    for breaker in (BreakerPhase.CLOSED, BreakerPhase.OPEN):
        health = DependencyHealth("dependency", 1, DependencyState.DOWN, 0, breaker, True)
        reports.dependency_observed(_KEY, health)
    reports.level_decided(_KEY, Level.OPTIMAL, score)
    decision = LevelDecision(
        Level.OPTIMAL,
        Level.OPTIMAL,
        "",
        "",
        LevelState(Level.OPTIMAL, since=0.0),
        overridden=True,
        frozen=True,
        stale=True,
    )
    reports.level_planned(_KEY, LevelPlan("name", False, score, decision, {"feature": "on"}))
    reports.level_changed(_KEY, LevelTransition(Level.DEGRADED, Level.OPTIMAL, 0.0, ""))
    reports.plan_carried_out(_KEY, Outcome(flags_applied=True, problems=(Problem("", ""),)))
    reports.flags_written(FlagsOutcome())
    reports.pods_told(RefreshOutcome())
    reports.flags_propagated(0.0)


def _rollout(reports: Reports) -> None:
    record = RolloutRecord(
        revision="1", result=RolloutPhase.SUCCEEDED, started_at=_TIME, ended_at=_TIME
    )
    status = RolloutStatus(
        phase=RolloutPhase.PROGRESSING,
        started_at=_TIME,
        step_started_at=_TIME,
        metrics=(MetricStatus(name="metric", verdict=MetricVerdict.PASSING),),
        history=(record,),
    )
    reports.rollout_decided(_KEY, status, "")
    ended = status.model_copy(update={"phase": RolloutPhase.SUCCEEDED})
    reports.rollout_decided(_KEY, ended, "")
    reports.rollout_moved(_KEY, RolloutEvent("Normal", "RolloutSucceeded", ""))


def _operator(reports: Reports) -> None:
    parts = _Parts()
    reports.runtime.watch_pool(parts)
    reports.runtime.watch_queue("levels", parts)
    reports.runtime.watch_notifier(parts)
    reports.runtime.watch_silence(parts.overdue)
    reports.probe_started("tcp", 0.0)
    reports.probe_finished(_PROBE, ProbeResult(Verdict.HEALTHY, 0.0), ())
    reports.prober_failed(_PROBE, ValueError())
    reports.run_finished(_KEY, 0.0, None)
    reports.requested(Call("apply", CONFIG_MAPS, code=200))
    reports.leadership_changed(True)
    reports.watch_failed(CONFIG_MAPS, ValueError())
    reports.loop_lagged(0.0)
