"""What is exposed, and that nothing of a deleted policy is left behind."""

from collections.abc import Callable

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from resilience_operator.actuators import Applied, FlagsOutcome, RefreshOutcome
from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
    FailureReason,
)
from resilience_operator.core.errors import TransientError
from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    LevelTransition,
    ProbeKey,
    ProbeResult,
    Problem,
    Trust,
    Verdict,
)
from resilience_operator.metrics.registry import Metrics
from tests.no_secrets import assert_no_secrets

KEY = ("retail", "inventario")
PROBE = ProbeKey("retail", "redis", "digest")
APPLIED = Applied("flags", "c", "d", "1", None)
OPEN = DependencyHealth("openai", 50, DependencyState.DOWN, 0, BreakerPhase.OPEN)
UNKNOWN = DependencyHealth("pg", 50, DependencyState.UNKNOWN, None, BreakerPhase.CLOSED)
SCORE = HealthScore(50, 50, 50, 2, 2, "openai")


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("0.1.0")


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    found = metrics.registry.get_sample_value(series, labels)
    return None if found is None else float(found)


def observe_policy(metrics: Metrics) -> None:
    metrics.dependency_observed(KEY, OPEN)
    metrics.dependency_observed(KEY, UNKNOWN)
    metrics.level_decided(KEY, "LIMITED", SCORE)
    metrics.level_changed(KEY, LevelTransition(Level.OPTIMAL, Level.LIMITED, 1.0, "Health"))


def test_a_policy_in_numbers(metrics: Metrics) -> None:
    observe_policy(metrics)
    openai = {"namespace": "retail", "policy": "inventario", "dependency": "openai"}
    level = {"namespace": "retail", "name": "inventario"}
    assert value(metrics, "resilience_breaker_state", **openai, state="Open") == 1
    assert value(metrics, "resilience_breaker_state", **openai, state="Closed") == 0
    assert value(metrics, "resilience_dependency_health", **openai) == 0
    unknown = {**openai, "dependency": "pg"}
    assert value(metrics, "resilience_dependency_health", **unknown) is None
    assert value(metrics, "resilience_health_score", **level) == 50
    assert value(metrics, "resilience_level", **level, level="LIMITED") == 1
    assert value(metrics, "resilience_level", **level, level="OPTIMAL") == 0
    moved = {**level, "from": "OPTIMAL", "to": "LIMITED"}
    assert value(metrics, "resilience_level_transitions_total", **moved) == 1


def test_the_first_level_of_all_is_no_transition(metrics: Metrics) -> None:
    metrics.level_changed(KEY, LevelTransition(None, Level.OPTIMAL, 1.0, "First"))
    assert b"resilience_level_transitions_total{" not in generate_latest(metrics.registry)


def test_a_deleted_policy_leaves_nothing_behind(metrics: Metrics) -> None:
    observe_policy(metrics)
    assert b"inventario" in generate_latest(metrics.registry)
    metrics.forget_policy(KEY)
    assert b"inventario" not in generate_latest(metrics.registry)


@pytest.mark.parametrize(
    ("forget", "gone"),
    [
        (lambda m: m.forget_dependency(KEY, "pg"), b'"pg"'),
        (lambda m: m.forget_level(KEY), b"resilience_level{"),
    ],
    ids=["dependency", "level"],
)
def test_parts_of_a_policy_can_go_alone(
    metrics: Metrics, forget: Callable[[Metrics], None], gone: bytes
) -> None:
    observe_policy(metrics)
    assert gone in generate_latest(metrics.registry)
    forget(metrics)
    assert gone not in generate_latest(metrics.registry)
    assert b'"openai"' in generate_latest(metrics.registry)


def test_probe_results_are_counted_by_closed_sets(metrics: Metrics) -> None:
    metrics.probe_started("redis", -0.001)
    timeout = ProbeResult(Verdict.UNHEALTHY, 1.0, 3000.0, FailureReason.TIMEOUT)
    metrics.probe_finished(PROBE, timeout, ())
    metrics.probe_finished(PROBE, ProbeResult(Verdict.HEALTHY, 1.0, 4.0), ())
    results = "resilience_probe_results_total"
    bad = {"type": "redis", "verdict": "Unhealthy", "reason": "Timeout"}
    assert value(metrics, results, **bad) == 1
    assert value(metrics, results, type="redis", verdict="Healthy", reason="") == 1
    duration = value(metrics, "resilience_probe_duration_seconds_sum", type="redis")
    assert duration == pytest.approx(3.004)
    assert value(metrics, "resilience_probe_schedule_lag_seconds_sum") == 0


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        (FlagsOutcome(APPLIED, written=True), "written"),
        (FlagsOutcome(APPLIED), "unchanged"),
        (FlagsOutcome(problems=(Problem("ConfigMapNotOurs", ""),)), "refused"),
    ],
)
def test_flags_by_result(metrics: Metrics, outcome: FlagsOutcome, result: str) -> None:
    metrics.flags_written(outcome)
    assert value(metrics, "resilience_flags_applied_total", result=result) == 1


@pytest.mark.parametrize(
    ("error", "result", "retries"),
    [(None, "ok", 0), (TransientError("503"), "retry", 1), (KeyError("x"), "error", 1)],
)
def test_passes_by_result(
    metrics: Metrics, error: Exception | None, result: str, retries: int
) -> None:
    metrics.run_finished(KEY, 0.01, error)
    assert value(metrics, "resilience_reconciles_total", result=result) == 1
    assert value(metrics, "resilience_workqueue_retries_total") == retries


def test_our_own_bugs_are_counted_and_logged_without_their_text(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    metrics.prober_failed(PROBE, ValueError("postgres://user:hunter2@db"))
    metrics.subscriber_failed(ValueError("hunter2"))
    metrics.run_finished(KEY, 0.1, ValueError("hunter2"))
    assert value(metrics, "resilience_internal_errors_total", where="prober") == 1
    assert value(metrics, "resilience_internal_errors_total", where="subscriber") == 1
    assert "ValueError" in caplog.text
    assert_no_secrets(caplog.records, "hunter2")


def test_the_operator_itself(metrics: Metrics) -> None:
    metrics.leadership_changed(True)
    metrics.trust_changed(Trust(False, "Blind", "All targets fail."))
    metrics.policies_changed(12)
    metrics.pods_told(RefreshOutcome(refreshed=3, total=3, patched=2))
    metrics.flags_propagated(0.2)
    metrics.loop_lagged(0.003)
    metrics.api_requested("apply", "configmaps", "200")
    assert value(metrics, "resilience_leader", lease="resilience-operator") == 1
    assert value(metrics, "resilience_trusted") == 0
    assert value(metrics, "resilience_policies") == 12
    assert value(metrics, "resilience_pods_refreshed_total") == 2
    assert value(metrics, "resilience_flag_propagation_seconds_count") == 1
    assert value(metrics, "resilience_event_loop_lag_seconds_count") == 1
    request = {"verb": "apply", "resource": "configmaps", "code": "200"}
    assert value(metrics, "resilience_api_requests_total", **request) == 1


def test_the_text_is_valid_and_every_family_is_explained(metrics: Metrics) -> None:
    observe_policy(metrics)
    text = generate_openmetrics(metrics.registry).decode()
    families = [f for f in text_string_to_metric_families(text) if f.name.startswith("resilience")]
    assert len(families) > 20
    assert all(family.documentation for family in families)
