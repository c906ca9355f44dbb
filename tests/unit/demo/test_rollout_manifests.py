"""The manifests of the rollout's demonstration: two arms alike, and a policy that knows them."""

from pathlib import Path
from typing import Any

import yaml

from e2e.demo.app.metrics import Metrics
from e2e.demo.rollout_deploy import CANARY, HOST, ROUTE, STABLE
from e2e.prometheus import service
from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.api.v1alpha1.rollout import Rollout

MANIFESTS = Path(__file__).resolve().parents[3] / "manifests"


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / name).read_text()))


def test_the_arms_differ_in_their_names_only() -> None:
    stable = (MANIFESTS / "demo" / "dashboard.yaml").read_text().split("apiVersion:", 1)[1]
    canary = (MANIFESTS / "demo-rollout" / "dashboard-canary.yaml").read_text()
    for before, after in (
        ("name: dashboard}", f"name: {CANARY}}}"),
        ("name: dashboard,", f"name: {CANARY},"),
        ("  name: dashboard\n", f"  name: {CANARY}\n"),
    ):
        stable = stable.replace(before, after)
    assert canary.split("apiVersion:", 1)[1] == stable


def test_each_service_selects_one_arm() -> None:
    selectors = []
    for name in ("demo/dashboard.yaml", "demo-rollout/dashboard-canary.yaml"):
        deployment, found = documents(name)
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert found["spec"]["selector"].items() <= labels.items()
        selectors.append(found["spec"]["selector"])
    assert selectors[0].keys() == selectors[1].keys()
    assert selectors[0] != selectors[1]


def test_a_pod_serves_on_before_it_ends() -> None:
    for name in ("demo/dashboard.yaml", "demo-rollout/dashboard-canary.yaml"):
        spec = documents(name)[0]["spec"]
        pod = spec["template"]["spec"]
        wait = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert 3 <= wait < pod["terminationGracePeriodSeconds"]
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_route_sends_everything_to_the_stable_arm() -> None:
    (route,) = documents("demo-rollout/route.yaml")
    assert route["metadata"]["name"] == ROUTE
    assert route["spec"]["hostnames"] == [HOST]
    (rule,) = route["spec"]["rules"]
    assert {one["name"]: one["weight"] for one in rule["backendRefs"]} == {STABLE: 100, CANARY: 0}


def test_the_policy_is_the_reference_one_with_a_rollout() -> None:
    (reference,) = documents("demo/policy.yaml")
    (policy,) = documents("demo-rollout/policy-rollout.yaml")
    policy["spec"].pop("rollout")
    assert policy["spec"].pop("targets") == [{"name": STABLE}, {"name": CANARY}]
    assert reference["spec"].pop("targets") == [{"name": STABLE}]
    # Without the database no release goes on, although the level by the mean would do.
    (postgres,) = (d for d in policy["spec"]["dependencies"] if d["name"] == "postgres")
    assert postgres.pop("levelWhenDown") == "LIMITED"
    assert policy == reference


def test_the_rollout_is_what_the_operator_takes() -> None:
    spec = documents("demo-rollout/policy-rollout.yaml")[0]["spec"]
    rollout = Rollout.model_validate(spec.pop("rollout"))
    PolicySpec.model_validate(spec)
    assert (rollout.stable.deployment, rollout.canary.deployment) == (STABLE, CANARY)
    assert rollout.traffic.http_route is not None
    assert rollout.traffic.http_route.name == ROUTE
    assert [step.weight for step in rollout.steps] == [5, 25, 100]
    assert rollout.analysis.prometheus is not None
    url = f"http://{service.NAME}.{service.metadata()['namespace']}.svc:{service.PORT}"
    assert str(rollout.analysis.prometheus.url) == url


def test_the_queries_are_for_metrics_that_the_application_has() -> None:
    metrics = Metrics("v1")
    metrics.announce(["/", "/healthz"])
    exposed = metrics.response().body
    assert isinstance(exposed, bytes)
    text = (MANIFESTS / "demo-rollout" / "policy-rollout.yaml").read_text()
    for name in ("http_requests_total", "http_request_duration_seconds_bucket"):
        assert name in text
        assert name.encode() in exposed


def test_failures_count_from_zero_and_probes_do_not_count() -> None:
    metrics = Metrics("v1")
    metrics.announce(["/", "/healthz"])
    exposed = metrics.response().body
    assert isinstance(exposed, bytes)
    assert b'http_requests_total{code="500",path="/",version="v1"} 0.0' in exposed
    assert b"/healthz" not in exposed
