"""Specs that the API server holds and the operator refuses: said on the object, and nothing moves.

With an API server of its own, whose definitions are those of an older version for a while.
"""

import copy
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import Audit, ControlPlane
from tests.integration.custom_resources import (
    APPLY,
    DEFINITIONS,
    MERGE,
    Api,
    RefusedError,
    definitions,
    install,
    objects,
)
from tests.integration.operator.harness import OperatorProcess, throughout, wait_until
from tests.integration.operator.policies import NAME, Body, dependency, level, policy
from tests.integration.operator.stage import LEVELS, POLICIES, Stage, staged

SINCE = "2026-01-01T00:00:00Z"
STORED: Body = {
    "observedGeneration": 1,
    "level": "LIMITED",
    "health": 50,
    "dependencies": [
        {
            "name": "db",
            "state": "Down",
            "breaker": {"state": "Open", "openedAt": SINCE, "openSeconds": 60, "flaps": 2},
        }
    ],
    "rollout": {"phase": "Progressing", "weight": 5, "step": 0},
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": "Stored",
            "message": "",
            "lastTransitionTime": SINCE,
        }
        for kind in ("Ready", "FlagsApplied", "RolloutProgressing")
    ],
}


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ControlPlane, Api]]:
    """A control plane of its own: definitions are everybody's."""
    with ControlPlane(audit=Audit.ALL) as plane:
        api = Api(plane.kubeconfig)
        install(api)
        yield plane, api
        api.close()


@pytest.fixture
def stage(older: tuple[ControlPlane, Api], tmp_path: Path) -> Iterator[Stage]:
    plane, api = older
    name = f"refused-{secrets.token_hex(4)}"
    plane.client.create("/api/v1/namespaces", {"metadata": {"name": name}})
    with staged(plane, api, name, tmp_path) as made:
        yield made
    install(api)


def loosen(api: Api) -> None:
    """Definitions of a version that let any spec through."""
    for definition in copy.deepcopy(definitions()):
        (version,) = definition["spec"]["versions"]
        schema = version["schema"]["openAPIV3Schema"]
        schema["properties"]["spec"] = {
            "type": "object",
            "x-kubernetes-preserve-unknown-fields": True,
        }
        path = f"{DEFINITIONS}/{definition['metadata']['name']}"
        api.send("PATCH", path, definition, content_type=APPLY, fieldManager="tests")


def apply_refused(stage: Stage, body: Body) -> Body:
    """Apply what the present definitions refuse; the older ones come into force with a delay."""
    loosen(stage.api)

    def applied() -> Body | None:
        try:
            return stage.apply(body)
        except RefusedError:
            return None

    return wait_until(applied, "the older definitions are in force")


def wrong(body: Body) -> Body:
    """The policy with a word that the present API does not have."""
    return {**body, "spec": {**body["spec"], "stabilization": {"recovery": "Gently"}}}


def settle(stage: Stage) -> None:
    wait_until(lambda: not stage.writes(time.time() - 3), "the last write is past")


def problems(stage: Stage, operator: OperatorProcess) -> float:
    """What the alert goes by."""
    labels = f'namespace="{stage.namespace}",policy="{NAME}"'
    return operator.metric(f"resilience_policy_problems{{{labels}}}")


def test_a_policy_stored_under_an_older_definition(stage: Stage) -> None:
    db = stage.dependency("db")
    db.down()
    body = policy(dependency("db", 100, db))
    apply_refused(stage, wrong(body))
    stage.apply(level("checkout"))
    path = f"{objects(stage.namespace, POLICIES, NAME)}/status"
    stage.api.send("PATCH", path, {"status": STORED}, content_type=MERGE)
    install(stage.api)

    began_at = time.time()
    operator = stage.operator().start_leading()
    ready = stage.wait_for_condition("Ready", "False", "SpecInvalid")
    assert ready["message"].startswith("spec.stabilization.recovery: ")
    assert "Correct" in ready["message"]
    assert ready["observedGeneration"] == stage.policy()["metadata"]["generation"]
    status = stage.policy()["status"]
    stored = {**STORED, "observedGeneration": ready["observedGeneration"]}
    others = {each["type"]: each for each in stored.pop("conditions")[1:]}
    assert {key: status[key] for key in stored} == stored
    assert {each["type"]: each for each in status["conditions"]} == {**others, "Ready": ready}

    # Nothing is asked, written or said twice; also not of its level, whose policy is there.
    throughout(7, lambda: None)
    operator.stop()
    operator.start_leading()
    wait_until(lambda: problems(stage, operator) == 1, "the alert has its number")
    throughout(3, lambda: None)
    assert stage.writes(began_at) == [f"patch resiliencepolicies/{NAME}/status"]
    assert db.asked_at == []

    stage.apply(body)
    stage.wait_for_condition("Ready", "True")
    assert problems(stage, operator) == 0
    breaker = stage.dependency_status("db")["breaker"]
    assert (breaker["state"], breaker["flaps"]) == ("Open", 2)


def test_a_change_that_is_refused_leaves_the_spec_before_it_in_force(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    db = stage.dependency("db")
    body = policy(dependency("db", 100, db))
    stage.apply(body)
    stage.wait_for_level("OPTIMAL")
    flags = stage.flags()
    settle(stage)

    changed_at = time.time()
    apply_refused(stage, wrong(body))
    ready = stage.wait_for_condition("Ready", "False", "SpecInvalid")
    assert "spec.stabilization.recovery" in ready["message"]
    assert "the one before it" in ready["message"]
    generation = stage.policy()["metadata"]["generation"]
    assert stage.policy()["status"]["observedGeneration"] == generation
    settle(stage)
    assert stage.writes(changed_at) == [f"patch resiliencepolicies/{NAME}/status"]
    assert stage.flags() == flags
    assert problems(stage, operator) == 1

    db.down()
    stage.wait_for_level("EMERGENCY")
    stage.wait_for_condition("DependenciesHealthy", "False")
    assert stage.condition("Ready")["reason"] == "SpecInvalid"

    operator.stop()
    operator.start_leading()
    wait_until(
        lambda: "nothing is probed" in stage.condition("Ready").get("message", ""),
        "an operator that knows no other spec says so",
    )
    db.up()
    settle(stage)
    assert stage.standing() == "EMERGENCY"

    stage.apply(body)
    stage.wait_for_condition("Ready", "True")
    stage.wait_for_level("OPTIMAL")


def test_a_level_that_is_refused_says_so(stage: Stage) -> None:
    operator = stage.operator().start_leading()
    db = stage.dependency("db")
    stage.apply(policy(dependency("db", 100, db)))
    stage.apply(level("checkout"))
    stage.wait_for_level("OPTIMAL", "checkout")

    apply_refused(stage, level("checkout", override={"level": "BEST"}))

    def ready_says(words: str) -> Body | None:
        found = stage.level_condition("Ready", "checkout")
        right = found.get("reason") == "SpecInvalid" and words in found["message"]
        return found if right else None

    ready = wait_until(lambda: ready_says("the one before it"), "the level says SpecInvalid")
    assert "spec.override.level: " in ready["message"]
    assert ready["observedGeneration"] == 2
    db.down()
    stage.wait_for_level("EMERGENCY", "checkout")

    operator.stop()
    operator.start_leading()
    wait_until(lambda: ready_says("is not decided"), "it says that it is left alone")
    assert stage.standing("checkout") == "EMERGENCY"
    path = objects(stage.namespace, LEVELS, "checkout")
    stage.api.send("PATCH", path, {"spec": {"override": None}}, content_type=MERGE)
    db.up()
    stage.wait_for_level("OPTIMAL", "checkout")
    wait_until(
        lambda: stage.level_condition("Ready", "checkout").get("status") == "True", "it is mended"
    )


@pytest.mark.parametrize("stricter", [False, True])
def test_a_policy_whose_own_level_is_refused_goes_on_without_it(
    stage: Stage, stricter: bool
) -> None:
    operator = stage.operator().start_leading()
    db = stage.dependency("db")
    stage.apply(policy(dependency("db", 100, db)))
    stage.wait_for_level("OPTIMAL")
    operator.stop()
    apply_refused(stage, level(NAME, override={"level": "BEST"}))
    if stricter:
        install(stage.api)

    operator.start_leading()
    ready = stage.wait_for_condition("Ready", "False", "LevelSpecInvalid")
    assert "spec.override.level: " in ready["message"]
    assert problems(stage, operator) == 1
    db.down()
    wait_until(lambda: "EMERGENCY" in stage.flags()["flags.json"], "flags follow the probes")
    assert operator.metric("resilience_internal_errors_total") == 0

    path = objects(stage.namespace, LEVELS, NAME)
    stage.api.send("PATCH", path, {"spec": {"override": None}}, content_type=MERGE)
    stage.wait_for_condition("Ready", "True")
    stage.wait_for_level("EMERGENCY")
