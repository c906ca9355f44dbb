"""The process: how it starts, what it says of itself, and how it ends."""

import subprocess
import time

import pytest

from tests.integration.operator.harness import (
    Dependency,
    OperatorProcess,
    command,
    environment,
    wait_until,
)
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.stage import Stage
from tests.integration.stories import story


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"http_port": "many"}, "RESILIENCE_HTTP_PORT"),
        ({"guard_allow": "10.0.0.0/99"}, "RESILIENCE_GUARD_ALLOW"),
        ({"write_qpm": "80"}, "RESILIENCE_WRITE_QPM is not a setting"),
        ({"lease_renew_seconds": "60"}, "RESILIENCE_LEASE_DURATION_SECONDS"),
    ],
)
def test_wrong_settings_end_the_start_with_a_sentence(settings: dict[str, str], says: str) -> None:
    ended = subprocess.run(
        command(),
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_kubeconfig_that_is_not_there_ends_the_start(stage: Stage) -> None:
    operator = stage.operator(kubeconfig="/nowhere/kubeconfig").start()
    assert operator.wait() == 1
    assert operator.said("/nowhere/kubeconfig")
    assert "Traceback" not in operator.log.read_text()


@pytest.mark.parametrize("role", ["leader", "standby"])
def test_sigterm_ends_it_within_seconds(stage: Stage, role: str) -> None:
    ended = stage.operator("leader").start_leading()
    if role == "standby":
        ended = stage.operator("standby").start_serving()
        wait_until(lambda: ended.get("/readyz")[0] == 200, "it knows the lease")
    begin = time.time()
    assert ended.stop() == 0
    assert time.time() - begin < 5
    assert not ended.said("Traceback")


def test_leader_and_standby_answer_for_themselves(stage: Stage) -> None:
    leader = stage.operator("leader").start_leading()
    standby = stage.operator("standby").start_serving()
    redis = stage.dependency("redis")
    stage.apply(
        policy(
            dependency("postgres", 85, stage.dependency("postgres")), dependency("redis", 15, redis)
        )
    )
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("DEGRADED")

    for replica in (leader, standby):
        assert replica.get("/healthz") == (200, "ok\n")
        wait_until(lambda r=replica: r.get("/readyz") == (200, "ok\n"), "it is ready")

    about = f'name="inventario",namespace="{stage.namespace}"'
    assert leader.metric('resilience_leader{lease="resilience-operator"}') == 1
    assert leader.metric("resilience_policies") == 1
    assert leader.metric(f'resilience_level{{level="DEGRADED",{about}}}') == 1
    assert leader.metric(f'resilience_level{{level="OPTIMAL",{about}}}') == 0
    assert leader.metric(f"resilience_health_score{{{about}}}") == 85
    moved = f'resilience_level_transitions_total{{from="OPTIMAL",{about},to="DEGRADED"}}'
    assert leader.metric(moved) == 1
    healthy = 'resilience_probe_results_total{reason="",type="tcp",verdict="Healthy"}'
    assert leader.metric(healthy) > 0
    written = 'resilience_api_requests_total{code="200",resource="configmaps",verb="apply"}'
    assert leader.metric(written) >= 2

    assert standby.metric('resilience_leader{lease="resilience-operator"}') == 0
    assert standby.metric(healthy) == 0
    read = 'resilience_api_requests_total{code="200",resource="leases",verb="get"}'
    assert standby.metric(read) > 0


@story
def test_a_leader_whose_watch_ends_ends_with_it(stage: Stage) -> None:
    """A token that no longer counts: nothing can be watched, nothing kept, so nothing is led."""
    leader = stage.operator(
        lease_duration_seconds=4, lease_renew_seconds=3, lease_retry_seconds=0.5
    ).start_leading()
    stage.delete("v1/serviceaccounts/resilience-operator")
    assert leader.wait() == 1
    assert leader.said("leadership lost")


def _four_probes(dependency: Dependency) -> None:
    asked = len(dependency.asked_at)
    wait_until(lambda: len(dependency.asked_at) >= asked + 4, "four probes")


def test_it_logs_nothing_at_every_probe(stage: Stage, operator: OperatorProcess) -> None:
    redis = stage.dependency("redis")
    stage.apply(policy(dependency("redis", 100, redis)))
    stage.wait_for_level("OPTIMAL")
    _four_probes(redis)  # by then all that the level made it write is told
    lines = len(operator.lines())
    _four_probes(redis)
    assert len(operator.lines()) == lines
