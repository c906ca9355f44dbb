"""What docs/gitops.md has Argo CD and Flux make of a policy, from its beginning to a rollback."""

from pathlib import Path
from typing import Any

import pytest

from e2e.cluster.controlplane import ControlPlane
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase
from tests.integration.custom_resources import Api
from tests.integration.docs import argo_cd, flux
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import NAME, dependency, policy
from tests.integration.rollouts.shop import CANARY, STABLE, Shop, opened

BROKEN = "broken"


def until_seen(shop: Shop, by_argo_cd: str, by_flux: str, name: str = NAME) -> None:
    """Wait until Argo CD and Flux say that of a policy."""

    def seen() -> bool:
        body = shop.stage.policy(name)
        found = argo_cd.health(body)[0], flux.health(shop.stage.api, shop.namespace, name)
        return found == (by_argo_cd, by_flux)

    wait_until(seen, f"{by_argo_cd} and {by_flux}; it is {shop.stage.policy(name).get('status')}")


@pytest.mark.timeout(240)
def test_health_follows_the_conditions(
    control_plane: ControlPlane, api: Api, namespace: str, tmp_path: Path
) -> None:
    flux.install(api, namespace)
    with opened(control_plane, api, namespace, tmp_path) as shop:
        shop.furnish()
        shop.put_policy(shop.spec((5, 600), (100, 1)))
        until_seen(shop, "Progressing", "waits")  # nobody has seen it yet

        operator = shop.start()
        shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
        until_seen(shop, "Healthy", "current")
        assert argo_cd.health(shop.stage.policy()) == ("Healthy", "Level OPTIMAL.")
        assert argo_cd.health(shop.stage.level())[0] == "Healthy"

        shop.openai.down()  # a low level is no failed deployment
        shop.stage.wait_for_level("DEGRADED")
        until_seen(shop, "Healthy", "current")
        shop.openai.up()
        shop.stage.wait_for_level("OPTIMAL")

        _a_problem_for_a_person(shop)
        _a_rollout(shop)

        operator.stop()
        shop.put_policy(shop.spec((5, 600), (100, 2)))
        until_seen(shop, "Progressing", "inProgress")  # a change that nobody has seen


def _a_problem_for_a_person(shop: Shop) -> None:
    body = policy(dependency("db", 1, shop.postgres), name=BROKEN, targets=[{"name": "nobody"}])
    shop.stage.apply(body)
    shop.stage.wait_for_condition("Ready", "False", "DeploymentMissing", name=BROKEN)
    until_seen(shop, "Degraded", "failed", BROKEN)
    assert "nobody" in argo_cd.health(shop.stage.policy(BROKEN))[1]
    shop.stage.delete_policy(BROKEN)


def _a_rollout(shop: Shop) -> None:
    """Flux looks at the policy only: a rollout takes hours."""
    shop.release()
    shop.until_phase("Progressing", weight=5)
    until_seen(shop, "Progressing", "current")
    shop.say("pause")
    shop.until_phase("Paused")
    until_seen(shop, "Suspended", "current")
    shop.say("resume")
    shop.until_phase("Progressing")
    shop.postgres.down()
    shop.until_phase("Held")
    until_seen(shop, "Suspended", "current")
    shop.postgres.up()
    shop.until_phase("Progressing")
    shop.put_policy(shop.spec((5, 600), (100, 1)), mode="Observe")
    shop.stage.wait_for_condition("RolloutProgressing", "False", "Observing")
    until_seen(shop, "Suspended", "current")
    shop.put_policy(shop.spec((5, 600), (100, 1)))
    shop.prometheus.errors = {STABLE: 0.01, CANARY: 0.3}
    shop.until_phase("RolledBack")
    until_seen(shop, "Degraded", "current")
    assert "error-rate" in argo_cd.health(shop.stage.policy())[1]


def test_every_phase_of_a_rollout_has_a_health() -> None:
    ready = {"type": "Ready", "status": "True", "message": "The policy is in force."}
    body: dict[str, Any] = {
        "kind": "ResiliencePolicy",
        "metadata": {"generation": 1},
        "status": {"observedGeneration": 1, "level": "OPTIMAL", "conditions": [ready]},
    }
    found = {}
    for phase in RolloutPhase:
        body["status"] = {**body["status"], "rollout": {"phase": phase.value}}
        found[phase.value] = argo_cd.health(body)[0]

    assert found == {
        "Idle": "Healthy",
        "Waiting": "Progressing",
        "Progressing": "Progressing",
        "Held": "Suspended",
        "Paused": "Suspended",
        "Promoting": "Progressing",
        "Succeeded": "Healthy",
        "RolledBack": "Degraded",
        "Failed": "Degraded",
    }


def test_the_scripts_are_for_our_kinds() -> None:
    assert set(argo_cd.scripts()) == {"ResiliencePolicy", "DegradationLevel"}


def test_a_script_cannot_use_a_library() -> None:
    body = {"kind": "ResiliencePolicy", "metadata": {"generation": 1}}
    assert argo_cd.health(body)[0] == "Progressing"
