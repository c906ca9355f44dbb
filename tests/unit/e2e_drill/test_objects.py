"""What an export has of each object, and in which order."""

from typing import Any

from e2e.drill.objects import (
    before_the_rollout,
    cleaned,
    ordered,
    owner_of,
    part_of,
    secrets_of,
    wanted,
)

Body = dict[str, Any]


def body(kind: str, name: str = "web", **more: Any) -> Body:
    return {"kind": kind, "metadata": {"name": name, "namespace": "shop"}, **more}


def owned(kind: str, owner: str) -> Body:
    made = body(kind)
    made["metadata"]["ownerReferences"] = [{"kind": owner, "name": "shop", "controller": True}]
    return made


def test_what_others_make_anew_is_left_out() -> None:
    assert wanted(body("Deployment"))
    assert not wanted(owned("Job", "CronJob"))
    assert not wanted(body("ConfigMap", "kube-root-ca.crt"))
    assert not wanted(body("ServiceAccount", "default"))
    going = body("Deployment")
    going["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    assert not wanted(going)


def test_a_level_that_the_operator_made_comes_along_with_its_owner() -> None:
    level = owned("DegradationLevel", "ResiliencePolicy")

    assert wanted(level)
    assert owner_of(level) == "shop"
    assert owner_of(body("DegradationLevel")) is None
    assert "ownerReferences" not in cleaned(level)["metadata"]


def test_neither_status_nor_what_the_server_fills_in_is_exported() -> None:
    live = body("Deployment", spec={"replicas": 2}, status={"readyReplicas": 2})
    live["metadata"] |= {
        "uid": "1",
        "resourceVersion": "2",
        "generation": 3,
        "creationTimestamp": "2026-11-24T12:00:00Z",
        "managedFields": [{}],
        "finalizers": ["resilience.aidrive.dev/restore"],
        "labels": {"app": "web"},
        "annotations": {
            "deployment.kubernetes.io/revision": "7",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "resilience.aidrive.dev/rollout": "promote",
            "resilience.aidrive.dev/original-weights": "[]",
        },
    }

    assert cleaned(live) == {
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "labels": {"app": "web"},
            "annotations": {"resilience.aidrive.dev/original-weights": "[]"},
        },
        "spec": {"replicas": 2},
    }
    assert live["status"], "the object itself is left alone"


def test_a_service_gets_an_address_of_the_new_cluster() -> None:
    spec = {"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "ports": [{"nodePort": 30001}]}

    assert cleaned(body("Service", spec=spec))["spec"] == {"ports": [{}]}
    headless = {"clusterIP": "None", "clusterIPs": ["None"]}
    assert cleaned(body("Service", spec=headless))["spec"] == headless


def test_flags_come_before_the_pods_that_read_them() -> None:
    kinds = ["HTTPRoute", "Deployment", "ConfigMap", "Role", "ServiceAccount"]

    found = [each["kind"] for each in ordered(body(kind) for kind in kinds)]

    assert found == ["ServiceAccount", "Role", "ConfigMap", "Deployment", "HTTPRoute"]


def test_each_object_has_its_file() -> None:
    kinds = ("Namespace", "ResiliencePolicy", "DegradationLevel", "Deployment")

    assert [part_of(body(kind)) for kind in kinds] == [
        "namespaces",
        "policies",
        "levels",
        "objects",
    ]


def test_replicas_go_back_to_where_they_were_before_a_rollout_under_way() -> None:
    stable, canary = (body("Deployment", name, spec={"replicas": 1}) for name in ("web", "next"))
    other = body("Deployment", "other", spec={"replicas": 3})
    rollout = {
        "traffic": {
            "kind": "replicas",
            "stable": {"deployment": "web", "service": "web"},
            "canary": {"deployment": "next", "service": "web"},
        },
        "originals": [
            {"path": "replicas/stable", "weight": 2},
            {"path": "replicas/canary", "weight": 0},
        ],
    }
    by_route = {**rollout, "traffic": {**rollout["traffic"], "kind": "httpRoute"}}

    before_the_rollout([stable, canary, other], [("shop", rollout), ("another", by_route)])

    assert [each["spec"]["replicas"] for each in (stable, canary, other)] == [2, 0, 3]


def test_secrets_that_have_to_be_there_are_found_wherever_they_are_named() -> None:
    policy = {"spec": {"dependencies": [{"probe": {"redis": {"urlSecretRef": {"name": "redis"}}}}]}}
    pod = {
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [{"secret": {"secretName": "tls"}}],
        "containers": [
            {
                "envFrom": [{"secretRef": {"name": "all"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}],
            }
        ],
    }

    assert list(secrets_of(policy)) == ["redis"]
    assert set(secrets_of(pod)) == {"registry", "tls", "all", "one"}
