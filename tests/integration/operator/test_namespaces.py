"""An operator of some namespaces only, when a Role is missing in one of them."""

import pytest

from tests.integration.operator.harness import OperatorProcess, wait_until
from tests.integration.operator.policies import dependency, policy
from tests.integration.operator.stage import Body, Stage, installed_rights

NARROW = "narrow"
GROUP = "rbac.authorization.k8s.io"
BINDINGS = f"{GROUP}/v1/rolebindings"


def bindings(stage: Stage) -> list[Body]:
    """What gives it all rights in the namespace of the stage, and none elsewhere."""
    subject = {"kind": "ServiceAccount", "name": NARROW, "namespace": stage.namespace}
    roles = [(each["kind"], each["metadata"]["name"]) for each in installed_rights()]
    return [
        {
            "metadata": {"name": f"{NARROW}-{kind.lower()}-{name}"},
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
            "subjects": [subject],
        }
        for kind, name in roles
        if not kind.endswith("Binding")
    ]


def narrow(stage: Stage, *more: str) -> OperatorProcess:
    """It looks after that namespace, and is told to after more."""
    for binding in bindings(stage):
        stage.create(BINDINGS, binding)
    plane = stage.control_plane
    return stage.operator(
        kubeconfig=plane.kubeconfig_for_service_account(stage.namespace, NARROW),
        watch_namespaces=",".join((*more, stage.namespace)),
    )


@pytest.mark.timeout(120)
def test_a_namespace_without_a_role_does_not_keep_the_others_without_an_operator(
    stage: Stage,
) -> None:
    redis = stage.dependency("redis")
    stage.apply(policy(dependency("redis", 100, redis)))
    operator = narrow(stage, "default").start_leading()
    operator.wait_for_log("namespace default is not looked after")
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("EMERGENCY")
    stage.delete_policy()
    wait_until(lambda: not stage.policy(), "the policy is gone")
    assert operator.exit_code is None


def test_a_policy_deleted_after_its_role_waits_for_the_role(stage: Stage) -> None:
    redis = stage.dependency("redis")
    operator = narrow(stage).start_leading()
    stage.apply(policy(dependency("redis", 100, redis)))
    stage.wait_for_level("OPTIMAL")
    redis.down()
    stage.wait_for_level("EMERGENCY")

    for binding in bindings(stage):
        if "leader" not in binding["metadata"]["name"]:
            stage.delete(f"{BINDINGS}/{binding['metadata']['name']}")
    stage.delete_policy()
    wait_until(lambda: len(operator.said("A pass failed")) >= 2, "it is not allowed")
    assert stage.policy()["metadata"]["deletionTimestamp"]
    for binding in bindings(stage):
        if "leader" not in binding["metadata"]["name"]:
            stage.create(BINDINGS, binding)
    wait_until(lambda: not stage.policy(), "the policy is gone")
    assert stage.flags()["DEGRADATION_LEVEL"] == "OPTIMAL"
