"""The API server itself goes away: on one of its own, since it is everybody's."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import Audit, ControlPlane
from tests.integration.custom_resources import Api, install
from tests.integration.operator.harness import throughout, wait_until
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.stage import Stage, staged

PATIENT = {"lease_duration_seconds": 90, "lease_renew_seconds": 60, "lease_retry_seconds": 1}


@pytest.fixture(scope="module")
def private() -> Iterator[ControlPlane]:
    with ControlPlane(audit=Audit.ALL) as running:
        yield running


@pytest.fixture
def alone(private: ControlPlane, tmp_path: Path) -> Iterator[Stage]:
    api = Api(private.kubeconfig)
    install(api)
    name = f"alone-{secrets.token_hex(4)}"
    private.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    made = Stage(private, api, name, tmp_path)
    yield made
    made.close()
    api.close()


@pytest.mark.timeout(120)
def test_an_operator_that_is_there_before_its_definitions_waits_for_them(tmp_path: Path) -> None:
    """kopf would never hear of what was not there when it first looked."""
    with ControlPlane(audit=Audit.ALL) as empty:
        empty.client.create("/api/v1/namespaces", {"metadata": {"name": "early"}})
        api = Api(empty.kubeconfig)
        with staged(empty, api, "early", tmp_path) as stage:
            operator = stage.operator().start_leading()
            operator.wait_for_log("waiting for the definitions of resiliencepolicies")
            install(api)
            stage.apply(policy(dependency("redis", 100, stage.dependency("redis"))))
            stage.wait_for_level("OPTIMAL")
            assert operator.exit_code is None
        api.close()


def restart(control_plane: ControlPlane) -> None:
    control_plane.stop_api_server()
    control_plane.start_api_server()


def relisted(stage: Stage, since: float) -> bool:
    """Whether the operator has looked at everything it watches anew."""
    read = [
        e["objectRef"]["resource"] for e in stage.audit(since, began=True) if e["verb"] == "watch"
    ]
    return {"resiliencepolicies", "degradationlevels", "configmaps"} <= set(read)


@pytest.mark.timeout(180)
def test_a_relist_with_everything_unchanged_writes_nothing(
    alone: Stage, private: ControlPlane
) -> None:
    operator = alone.operator(**PATIENT).start_leading()
    servers = {name: alone.dependency(name) for name in ("postgres", "redis")}
    alone.apply(policy(*(dependency(name, 50, server) for name, server in servers.items())))
    alone.wait_for_level("OPTIMAL")
    wait_until(lambda: not alone.writes(time.time() - 1.5), "the last write is past")

    begin = time.time()
    restart(private)
    wait_until(lambda: relisted(alone, begin), "the watches are back", seconds=60)
    throughout(3, lambda: None)
    assert alone.writes(begin) == []
    assert operator.exit_code is None

    # And they work.
    alone.patch_level("inventario", freeze={"reason": "drill", "expiresAt": "2126-01-01T00:00:00Z"})
    wait_until(lambda: alone.level_condition("Frozen").get("status") == "True", "it is frozen")


@pytest.mark.timeout(180)
def test_an_outage_without_the_api_server_is_made_up_for(
    alone: Stage, private: ControlPlane
) -> None:
    operator = alone.operator(**PATIENT).start_leading()
    servers = {"postgres": alone.dependency("postgres"), "redis": alone.dependency("redis")}
    alone.apply(
        policy(
            dependency("postgres", 85, servers["postgres"]),
            dependency("redis", 15, servers["redis"]),
        )
    )
    alone.wait_for_level("OPTIMAL")

    private.stop_api_server()
    servers["redis"].down()
    operator.wait_for_log("LevelDegraded")  # it decides
    wait_until(lambda: len(operator.said("A pass failed")) >= 2, "it tries to write")
    assert operator.get("/healthz")[0] == 200
    private.start_api_server()

    level = alone.wait_for_level("DEGRADED", seconds=70)
    assert [each["to"] for each in level["status"]["transitions"]] == ["OPTIMAL", "DEGRADED"]
    wait_until(lambda: alone.events("LevelDegraded"), "the Event comes late, but comes")
    assert len(operator.said("LevelDegraded: ")) == 1
    assert len(operator.said("BreakerOpened: ")) == 1
    assert operator.exit_code is None
    servers["redis"].up()
    alone.wait_for_level("OPTIMAL")


@pytest.mark.timeout(180)
def test_without_the_api_server_a_leader_ends_and_comes_up_again_with_it(
    alone: Stage, private: ControlPlane
) -> None:
    short = {"lease_duration_seconds": 4, "lease_renew_seconds": 3, "lease_retry_seconds": 0.5}
    operator = alone.operator(**short).start_leading()
    redis = alone.dependency("redis")
    alone.apply(policy(dependency("redis", 100, redis)))
    alone.wait_for_level("OPTIMAL")

    private.stop_api_server()
    assert operator.wait() == 1
    operator.start_serving()  # as a kubelet would
    wait_until(lambda: operator.said("lease: "), "it cannot get the lease")
    assert operator.get("/healthz")[0] == 200
    assert operator.get("/readyz") == (503, "The lease could not be read yet.\n")
    redis.down()
    private.start_api_server()
    alone.wait_for_level("EMERGENCY", seconds=60)
    assert operator.get("/readyz")[0] == 200
