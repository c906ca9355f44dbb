"""The series per policy, level and dependency: what they say, and that they go with it."""

import pytest
from prometheus_client import generate_latest

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    LevelDecision,
    LevelPlan,
    LevelState,
    Outcome,
    Problem,
)
from resilience_operator.metrics.levels import LevelMetrics
from resilience_operator.metrics.registry import Metrics

KEY = ("retail", "inventario")
SCORE = HealthScore(50, 50, 50, 2, 2, "openai")
LEVEL = {"namespace": "retail", "name": "inventario"}
POLICY = {"namespace": "retail", "policy": "inventario"}
OPENAI = {**POLICY, "dependency": "openai"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("0.1.0")


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    found = metrics.registry.get_sample_value(series, labels)
    return None if found is None else float(found)


def health(state: DependencyState, breaker: BreakerPhase, stale: bool = False) -> DependencyHealth:
    return DependencyHealth("openai", 50, state, 0, breaker, stale)


def plan(**decision: bool) -> LevelPlan:
    state = LevelState(Level.LIMITED, since=1000.0)
    made = LevelDecision(Level.LIMITED, Level.LIMITED, "Health", "", state, **decision)
    return LevelPlan("inventario", False, SCORE, made, {"search": "plain", "exports": "daily"})


def test_a_breakers_moves_are_counted_and_its_first_sight_is_none(metrics: Metrics) -> None:
    for state, phase in [
        (DependencyState.HEALTHY, BreakerPhase.CLOSED),
        (DependencyState.DOWN, BreakerPhase.OPEN),
        (DependencyState.DOWN, BreakerPhase.HALF_OPEN),
        (DependencyState.DOWN, BreakerPhase.OPEN),
    ]:
        metrics.dependency_observed(KEY, health(state, phase))
    moves = "resilience_breaker_transitions_total"
    assert value(metrics, moves, **OPENAI, to="Open") == 2
    assert value(metrics, moves, **OPENAI, to="HalfOpen") == 1
    assert value(metrics, moves, **OPENAI, to="Closed") is None


def test_a_dependency_in_words_and_numbers(metrics: Metrics) -> None:
    metrics.dependency_observed(KEY, health(DependencyState.DOWN, BreakerPhase.OPEN, stale=True))
    assert value(metrics, "resilience_dependency_up", **OPENAI) == 0
    assert value(metrics, "resilience_dependency_stale", **OPENAI) == 1
    assert value(metrics, "resilience_dependency_state", **OPENAI, state="Down") == 1
    assert value(metrics, "resilience_dependency_state", **OPENAI, state="Healthy") is None


def test_what_else_a_decision_says(metrics: Metrics) -> None:
    metrics.level_planned(KEY, plan(overridden=True, stale=True))
    assert value(metrics, "resilience_level_overridden", **LEVEL) == 1
    assert value(metrics, "resilience_level_frozen", **LEVEL) is None
    assert value(metrics, "resilience_level_stale", **LEVEL) == 1
    assert value(metrics, "resilience_level_since_timestamp_seconds", **LEVEL) == 1000
    states = "resilience_feature_state"
    assert value(metrics, states, **LEVEL, feature="search", state="plain") == 1


def test_time_is_counted_for_the_level_it_was_spent_at() -> None:
    now = [100.0]
    levels = LevelMetrics(lambda: now[0])
    levels.decided(KEY, None, SCORE)
    for elapsed, level in [(5, "OPTIMAL"), (10, "LIMITED"), (20, "LIMITED"), (30, "OPTIMAL")]:
        now[0] += elapsed
        levels.decided(KEY, level, SCORE)
    now[0] += 7
    [spent] = [each for each in levels.families() if each.name == "resilience_level_seconds"]
    by_level = {each.labels["level"]: each.value for each in spent.samples}
    assert by_level == {"OPTIMAL": 17, "LIMITED": 50}


def test_what_came_of_a_plan(metrics: Metrics) -> None:
    metrics.dependency_observed(KEY, health(DependencyState.DOWN, BreakerPhase.OPEN))
    metrics.plan_carried_out(KEY, Outcome())
    applied = "resilience_policy_flags_applied"
    assert value(metrics, applied, **POLICY) is None
    problems = (Problem("DeploymentMissing", ""),)
    metrics.plan_carried_out(
        KEY, Outcome(True, "", "", pods_refreshed=3, pods_total=4, problems=problems)
    )
    assert value(metrics, applied, **POLICY) == 1
    assert value(metrics, "resilience_policy_problems", **POLICY) == 1
    assert value(metrics, "resilience_policy_pods", **POLICY) == 4
    assert value(metrics, "resilience_policy_pods_refreshed", **POLICY) == 3


def test_nothing_is_left_of_a_policy_that_goes_even_while_its_plan_is_carried_out(
    metrics: Metrics,
) -> None:
    metrics.dependency_observed(KEY, health(DependencyState.HEALTHY, BreakerPhase.CLOSED))
    metrics.dependency_observed(KEY, health(DependencyState.DOWN, BreakerPhase.OPEN))
    metrics.level_decided(KEY, "LIMITED", SCORE)
    metrics.level_planned(KEY, plan())
    metrics.plan_carried_out(KEY, Outcome(True))
    metrics.forget_policy(KEY)
    metrics.plan_carried_out(KEY, Outcome(True))
    assert b"inventario" not in generate_latest(metrics.registry)


def test_a_policy_whose_spec_is_refused_has_a_problem_until_it_has_a_plan_or_goes(
    metrics: Metrics,
) -> None:
    metrics.policy_refused(KEY)
    assert value(metrics, "resilience_policy_problems", **POLICY) == 1
    assert value(metrics, "resilience_policy_flags_applied", **POLICY) is None
    metrics.dependency_observed(KEY, health(DependencyState.HEALTHY, BreakerPhase.CLOSED))
    metrics.plan_carried_out(KEY, Outcome(True))
    assert value(metrics, "resilience_policy_problems", **POLICY) is None
    metrics.policy_refused(KEY)
    metrics.forget_policy(KEY)
    assert b"inventario" not in generate_latest(metrics.registry)
