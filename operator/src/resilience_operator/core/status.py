"""Everything that was found and done, as the status to write.

Status is for people and for the operator's own restart, and it is written only when it changes:
`materially_equal` says what does not count as a change. Every text is cut to its model's bound.
"""

from collections.abc import Iterator, Sequence

from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    BreakerStatus,
    DependencyState,
    DependencyStatus,
    FailureReason,
    PolicyStatus,
)
from resilience_operator.core import evidence as evidences
from resilience_operator.core import window as windows
from resilience_operator.core.conditions import (
    MAX_MESSAGE,
    MAX_REASON,
    Finding,
    history,
    stamp,
    truncate,
)
from resilience_operator.core.explanation import listed
from resilience_operator.core.level_conditions import level_findings
from resilience_operator.core.level_state import transition_statuses
from resilience_operator.core.model import (
    BreakerState,
    DependencyHealth,
    Evidence,
    LevelPlan,
    Outcome,
    Plan,
    Problem,
    Snapshot,
)
from resilience_operator.core.times import to_rfc3339

MAX_OPEN = 256
MAX_DEPENDENCY_MESSAGE = 256

CORRECTABLE = frozenset(
    {
        FailureReason.SECRET_MISSING,
        FailureReason.SECRET_INVALID,
        FailureReason.ADDRESS_REFUSED,
        FailureReason.CONFIG_INVALID,
    }
)
"""Why a probe cannot ask at all: who wrote the policy, or runs the operator, can mend it."""


def policy_status(snapshot: Snapshot, plan: Plan, outcome: Outcome) -> PolicyStatus:
    """The status of the policy after its plan was carried out with this outcome."""
    policy = snapshot.policy
    default = plan.levels[0]
    past = history(policy.status.conditions, policy.seen_generation, snapshot.now)
    findings = (
        _ready(default, plan.dependencies, outcome),
        _dependencies_healthy(plan.dependencies),
        Finding("FlagsApplied", outcome.flags_applied, outcome.flags_reason, outcome.flags_message),
        Finding(
            "ProbesTrusted", snapshot.trust.trusted, snapshot.trust.reason, snapshot.trust.message
        ),
    )
    opened = ", ".join(each.name for each in plan.dependencies if each.down)
    return PolicyStatus(
        observed_generation=policy.seen_generation,
        level=default.decision.level,
        health=default.score.value,
        limiting_dependency=default.score.limiting,
        scored=f"{default.score.known}/{default.score.scored}",
        open=truncate(opened, MAX_OPEN),
        dependencies=_dependency_statuses(snapshot, plan.dependencies),
        config_map_name=outcome.config_map or policy.status.config_map_name,
        conditions=tuple(stamp(each, past) for each in findings),
    )


def level_status(snapshot: Snapshot, level_plan: LevelPlan) -> LevelStatus:
    """The status of one DegradationLevel."""
    decision = level_plan.decision
    level = next((each for each in snapshot.levels if each.name == level_plan.name), None)
    previous = level.status if level else LevelStatus()
    generation = level.seen_generation if level else 0
    past = history(previous.conditions, generation, snapshot.now)
    return LevelStatus(
        observed_generation=generation,
        level=decision.level,
        computed_level=decision.computed,
        health=level_plan.score.value,
        since=_time(decision.state.since),
        limiting_dependency=level_plan.score.limiting,
        reason=decision.reason[:MAX_REASON],
        message=truncate(decision.message, MAX_MESSAGE),
        features=dict(level_plan.features),
        transitions=transition_statuses(decision.state),
        conditions=tuple(
            stamp(each, past) for each in level_findings(level_plan, snapshot.policy, level)
        ),
    )


def dependency_status(
    health: DependencyHealth, evidence: Evidence, since: float | None
) -> DependencyStatus:
    """One dependency's status; `since` is when its state last changed."""
    return DependencyStatus(
        name=health.name,
        state=health.state,
        health=health.health,
        breaker=_breaker_status(evidence.breaker),
        failure_reason=health.reason,
        message=truncate(health.message, MAX_DEPENDENCY_MESSAGE),
        latency_p50_milliseconds=windows.percentile_ms(evidence.window, 50),
        latency_p95_milliseconds=windows.percentile_ms(evidence.window, 95),
        since=_time(since),
    )


def materially_equal(a: PolicyStatus, b: PolicyStatus) -> bool:
    """Whether writing `b` over `a` would tell nobody anything.

    Latencies wobble with every probe. A breaker that stays open is opened again by every failed
    trial: a restart that finds the time of an earlier one only tries a little sooner.
    """
    return _settled(a) == _settled(b)


def _settled(status: PolicyStatus) -> PolicyStatus:
    dependencies = tuple(_settled_dependency(each) for each in status.dependencies)
    return status.model_copy(update={"dependencies": dependencies})


def _settled_dependency(status: DependencyStatus) -> DependencyStatus:
    update: dict[str, object] = {
        "latency_p50_milliseconds": None,
        "latency_p95_milliseconds": None,
    }
    if status.breaker.state is BreakerPhase.OPEN:
        update["breaker"] = status.breaker.model_copy(update={"opened_at": None, "failures": 0})
    return status.model_copy(update=update)


def _dependency_statuses(
    snapshot: Snapshot, healths: Sequence[DependencyHealth]
) -> tuple[DependencyStatus, ...]:
    statuses: list[DependencyStatus] = []
    for health, dependency in zip(healths, snapshot.policy.spec.dependencies, strict=True):
        evidence = snapshot.evidence.get(dependency.name, Evidence())
        # A state of Unknown began when what was known before became stale.
        lost_at = evidences.stale_at(evidence, dependency) if health.stale else None
        since = evidence.since if lost_at is None or evidence.known_at is None else lost_at
        statuses.append(dependency_status(health, evidence, since))
    return tuple(statuses)


def _breaker_status(state: BreakerState) -> BreakerStatus:
    return BreakerStatus(
        state=state.phase,
        opened_at=_time(state.opened_at),
        open_seconds=state.open_seconds,
        failures=state.failures,
        successes=state.successes,
        flaps=state.flaps,
        closed_at=_time(state.closed_at),
    )


def _ready(
    default: LevelPlan, dependencies: Sequence[DependencyHealth], outcome: Outcome
) -> Finding:
    problems = (*outcome.problems, *_unasked(dependencies))
    if problems:
        message = " ".join(problem.message for problem in problems)
        return Finding("Ready", False, problems[0].reason, message)
    if default.decision.level is None:
        return Finding("Ready", None, default.decision.reason, default.decision.message)
    return Finding("Ready", True, "Reconciled", "The policy is in force.")


def _unasked(dependencies: Sequence[DependencyHealth]) -> Iterator[Problem]:
    """What keeps dependencies from being asked until a person corrects it."""
    for each in dependencies:
        if each.reason in CORRECTABLE:
            yield Problem(each.reason.value, f"Dependency {each.name}: {each.message}")


def _dependencies_healthy(healths: Sequence[DependencyHealth]) -> Finding:
    """By the worst state that any dependency is in."""
    for state, holds, text in (
        (DependencyState.DOWN, False, "down"),
        (DependencyState.FAILING, False, "failing"),
        (DependencyState.SLOW, False, "slow"),
        (DependencyState.UNKNOWN, None, "unknown"),
    ):
        names = [each.name for each in healths if each.state is state]
        if names:
            verb = "is" if len(names) == 1 else "are"
            message = f"{listed(names)} {verb} {text}."
            return Finding("DependenciesHealthy", holds, f"Dependency{state}", message)
    return Finding("DependenciesHealthy", True, "AllHealthy", "Every dependency is healthy.")


def _time(epoch: float | None) -> str | None:
    return None if epoch is None else to_rfc3339(epoch)
