"""What happened, as numbers: the cluster, rollouts, and the operator's own parts."""

from typing import Any

import pytest
from prometheus_client import generate_latest

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricStatus,
    MetricVerdict,
    RolloutPhase,
    RolloutRecord,
    RolloutStatus,
)
from resilience_operator.core.errors import TransientError
from resilience_operator.core.model import Trust
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.core.rollout.model import RolloutEvent
from resilience_operator.kube.calls import Call
from resilience_operator.metrics.reports import Reports
from resilience_operator.metrics.runtime import RuntimeMetrics
from resilience_operator.probes.prober import InternalProbeError

KEY = ("retail", "inventario")
POLICY = {"namespace": "retail", "policy": "inventario"}
BEGAN, ENDED = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"


@pytest.fixture
def reports() -> Reports:
    return Reports("0.1.0")


def value(reports: Reports, series: str, /, **labels: str) -> float | None:
    found = reports.registry.get_sample_value(series, labels)
    return None if found is None else float(found)


def status(phase: RolloutPhase, **fields: Any) -> RolloutStatus:
    return RolloutStatus(phase=phase, step=2, weight=25, started_at=BEGAN, **fields)


def test_there_are_at_least_fifty_series_of_ours_each_explained(reports: Reports) -> None:
    families = [each for each in reports.registry.collect() if each.name.startswith("resilience_")]
    assert len({each.name for each in families}) == len(families) >= 60
    assert all(each.documentation.endswith(".") for each in families)


@pytest.mark.parametrize(
    ("code", "result"), [(200, "ok"), (409, "conflict"), (503, "error"), (0, "none")]
)
def test_writes_by_result(reports: Reports, code: int, result: str) -> None:
    reports.requested(Call("apply", CONFIG_MAPS, code=code))
    assert value(reports, "resilience_api_writes_total", resource="configmaps", result=result) == 1
    answered = value(reports, "resilience_api_last_answer_timestamp_seconds")
    assert bool(answered) is (code == 200)


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_reads_are_no_writes(reports: Reports, verb: str) -> None:
    reports.requested(Call(verb, CONFIG_MAPS, code=200))
    assert b"resilience_api_writes_total{" not in generate_latest(reports.registry)


def test_the_lease_and_the_watches(reports: Reports) -> None:
    reports.leadership_changed(True)
    reports.leadership_changed(False)
    reports.lease_failed(TransientError("503"))
    reports.watch_failed(CONFIG_MAPS, TransientError("503"))
    for to in ("leading", "standby"):
        labels = {"lease": "resilience-operator", "to": to}
        assert value(reports, "resilience_leadership_transitions_total", **labels) == 1
    assert value(reports, "resilience_lease_errors_total") == 1
    assert value(reports, "resilience_watch_restarts_total", resource="configmaps") == 1


def test_events_by_result(reports: Reports) -> None:
    reports.event_recorded("LevelDegraded")
    reports.event_dropped("LevelDegraded", None)
    reports.event_dropped("LevelDegraded", TransientError("503"))
    for result in ("recorded", "limited", "failed"):
        assert value(reports, "resilience_events_total", result=result) == 1


class Parts:
    """Stands for the pool, a queue and the webhooks."""

    in_flight, targets, subscriptions, waiting = 3, 10, 40, 2
    depth, added, delayed, retries, running = 6, 7, 3, 1, 2

    def __init__(self) -> None:
        self.counts = {"delivered": 5, "failed": 1, "dropped": 0}

    def overdue(self) -> float:
        return 0.5


def test_the_parts_are_read_at_the_scrape(reports: Reports) -> None:
    reports.runtime.watch_pool(Parts())
    reports.runtime.watch_queue("levels", Parts())
    reports.runtime.watch_notifier(Parts())
    reports.runtime.watch_silence(lambda: 1.5)
    assert value(reports, "resilience_probes_in_flight") == 3
    assert value(reports, "resilience_probe_targets") == 10
    assert value(reports, "resilience_probe_subscriptions") == 40
    assert value(reports, "resilience_probe_deduplication_ratio") == 4
    assert value(reports, "resilience_probe_overdue_seconds") == 0.5
    of_queues = {"depth": 6, "added_total": 7, "delayed": 3, "failing": 1, "running": 2}
    for series, wanted in of_queues.items():
        assert value(reports, f"resilience_workqueue_{series}", queue="levels") == wanted
    assert value(reports, "resilience_notifications_total", outcome="delivered") == 5
    assert value(reports, "resilience_notifications_waiting") == 2
    assert value(reports, "resilience_policy_watch_silence_seconds") == 1.5


def test_a_standby_has_no_parts(reports: Reports) -> None:
    text = generate_latest(reports.registry)
    assert b"\nresilience_workqueue_running{" not in text
    assert b"\nresilience_probe_overdue_seconds " not in text


def test_a_fault_of_our_own_inside_a_probe_is_counted(reports: Reports) -> None:
    reports.internal_probe_error(InternalProbeError(KeyError("x")))
    assert value(reports, "resilience_internal_errors_total", where="prober") == 1


def test_blindness_is_counted_while_it_lasts(reports: Reports) -> None:
    now = [0.0]
    runtime = RuntimeMetrics(lambda: now[0])

    def blind() -> float:
        [found] = [each for each in runtime.collect() if each.name == "resilience_blind_seconds"]
        return next(iter(found.samples)).value

    now[0] = 10.0
    assert blind() == 0
    runtime.trust_changed(False)
    now[0] = 15.0
    assert blind() == 5
    runtime.trust_changed(False)
    now[0] = 20.0
    runtime.trust_changed(True)
    now[0] = 99.0
    assert blind() == 10
    reports.trust_changed(Trust(False, "Blind", ""))
    assert value(reports, "resilience_trusted") == 0


def test_by_replicas_the_weight_is_the_share_of_the_pods(reports: Reports) -> None:
    reports.rollout_decided(KEY, status(RolloutPhase.PROGRESSING, real_weight=33), "")
    assert value(reports, "resilience_rollout_weight_percent", **POLICY) == 33


def test_a_rollout_in_numbers(reports: Reports) -> None:
    look = MetricStatus(name="errors", verdict=MetricVerdict.WORSE)
    reports.rollout_decided(
        KEY,
        status(
            RolloutPhase.HELD,
            step_started_at=ENDED,
            held_seconds=30,
            held_since="2026-01-01T11:00:00Z",
            attribution=Attribution.DEPENDENCY_FAULT,
            metrics=(look,),
        ),
        "",
    )
    assert value(reports, "resilience_rollout_phase", **POLICY, phase="Held") == 1
    assert value(reports, "resilience_rollout_phase", **POLICY, phase="Progressing") == 0
    fault = {**POLICY, "attribution": "DependencyFault"}
    assert value(reports, "resilience_rollout_attribution", **fault) == 1
    assert value(reports, "resilience_rollout_weight_percent", **POLICY) == 25
    assert value(reports, "resilience_rollout_step", **POLICY) == 2
    began = value(reports, "resilience_rollout_started_timestamp_seconds", **POLICY)
    step = value(reports, "resilience_rollout_step_started_timestamp_seconds", **POLICY)
    assert began == 1767261600
    assert step == 1767265200
    held = value(reports, "resilience_rollout_held_seconds", **POLICY)
    assert held is not None
    assert held > 30
    verdict = {**POLICY, "metric": "errors"}
    assert value(reports, "resilience_rollout_metric_verdict", **verdict, verdict="Worse") == 1
    assert value(reports, "resilience_rollout_metric_verdict", **verdict, verdict="Passing") == 0


def test_the_end_of_a_rollout_is_counted_once(reports: Reports) -> None:
    record = RolloutRecord(
        revision="r2",
        result=RolloutPhase.ROLLED_BACK,
        attribution=Attribution.VERSION_FAULT,
        started_at=BEGAN,
        ended_at=ENDED,
    )
    reports.rollout_decided(KEY, status(RolloutPhase.PROGRESSING), "")
    for _ in range(2):
        reports.rollout_decided(KEY, status(RolloutPhase.ROLLED_BACK, history=(record,)), "")
    result = {"result": "RolledBack", "attribution": "VersionFault"}
    assert value(reports, "resilience_rollouts_total", **result) == 1
    assert value(reports, "resilience_rollout_duration_seconds_sum", result="RolledBack") == 3600


def test_an_end_before_this_process_is_not_counted_again(reports: Reports) -> None:
    reports.rollout_decided(KEY, status(RolloutPhase.SUCCEEDED), "")
    result = {"result": "Succeeded", "attribution": "None"}
    assert value(reports, "resilience_rollouts_total", **result) == 0


def test_nothing_is_left_of_a_rollout_that_is_gone(reports: Reports) -> None:
    reports.rollout_decided(KEY, status(RolloutPhase.PROGRESSING), "")
    reports.rollout_moved(KEY, RolloutEvent("Normal", "RolloutStarted", "It begins."))
    reports.forget_rollout(KEY)
    text = generate_latest(reports.registry)
    assert b"inventario" not in text
    assert b'resilience_rollout_events_total{reason="RolloutStarted"} 1.0' in text
