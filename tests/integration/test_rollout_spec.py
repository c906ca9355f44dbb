"""`spec.rollout` and `spec.notifications` on a real API server: what is accepted, what is not."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from tests.integration.crd_cases import GOOD, POLICIES, Namespace, changed
from tests.integration.custom_resources import Body
from tests.integration.test_crds import largest

ROOT = Path(__file__).parents[2]
SMALL = {
    "stable": {"deployment": "web", "service": "web"},
    "canary": {"deployment": "web-canary", "service": "web-canary"},
    "traffic": {"httpRoute": {"name": "web"}},
}
COUNT = 'sum(increase(requests_total{deployment="{{ deployment }}",code=~"%s"}[{{window}}]))'


def with_rollout(**rollout: object) -> Body:
    body = copy.deepcopy(GOOD["rollout"])
    body["spec"]["rollout"] = {**SMALL, **rollout}
    return body


def test_a_small_rollout_gets_every_default(here: Namespace) -> None:
    body = with_rollout()
    body["spec"]["notifications"] = [{"name": "a", "urlSecretRef": {"name": "a", "key": "url"}}]

    spec = here.create(POLICIES, body)["spec"]

    assert spec["rollout"] == {
        **SMALL,
        "steps": [
            {"weight": 5, "holdSeconds": 3600},
            {"weight": 25, "holdSeconds": 7200},
            {"weight": 100, "holdSeconds": 21600},
        ],
        "gate": {
            "minLevel": "DEGRADED",
            "maxHoldSeconds": 14400,
            "afterMaxHold": "Rollback",
            "approval": "Never",
        },
        "analysis": {"intervalSeconds": 15, "minSamples": 500},
        "onFailure": "Rollback",
        "afterSuccess": "Promote",
    }
    assert spec["notifications"][0]["format"] == "JSON"
    assert spec["notifications"][0]["topics"] == ["Level", "Rollout"]


def test_what_is_given_in_part_is_filled_up(here: Namespace) -> None:
    made = here.create(
        POLICIES,
        with_rollout(steps=[{"weight": 100}], gate={"approval": "BeforeStart"}, analysis={}),
    )

    rollout = made["spec"]["rollout"]
    assert rollout["steps"] == [{"weight": 100, "holdSeconds": 3600}]
    assert rollout["gate"]["minLevel"] == "DEGRADED"
    assert rollout["analysis"] == {"intervalSeconds": 15, "minSamples": 500}


BY_DEPLOYMENT = {
    "prometheus": {"url": "http://prometheus:9090"},
    "metrics": [
        {
            "name": "errors",
            "proportion": {"failures": COUNT % "5..", "total": COUNT % "..."},
            "maxPercent": 5,
        },
        {"name": "p95", "value": 'p95{deployment="{{deployment}}"}', "maxIncreasePercent": 20},
    ],
}
ACCEPTED = {
    "one-service-by-deployment": {
        "canary": {"deployment": "web-canary", "service": "web"},
        "traffic": {"replicas": {"total": 2}},
        "analysis": BY_DEPLOYMENT,
    },
    "two-services-by-replicas": {"traffic": {"replicas": {"total": 1000}}},
    "ingress-nginx": {"traffic": {"ingressNginx": {"ingress": "web"}}},
    "istio": {"traffic": {"istio": {"virtualService": "web", "routes": ["Main route"]}}},
    "whatever-the-level": {"gate": {"minLevel": "EMERGENCY"}},
    "blue-green": {
        "steps": [{"weight": 100, "holdSeconds": 0}],
        "gate": {
            "approval": "BeforeStart",
            "checks": [{"name": "smoke", "url": "http://web-canary.retail.svc:8080"}],
        },
        "onFailure": "Pause",
        "afterSuccess": "Keep",
    },
    "as-many-steps-as-there-may-be": {"steps": [{"weight": 5 * n} for n in range(1, 21)]},
    "prometheus-without-metrics": {"analysis": {"prometheus": {"url": "https://prometheus/"}}},
    "a-brace-that-opens-nothing": {
        "analysis": {
            "prometheus": {"url": "http://prometheus:9090"},
            "metrics": [
                {"name": "odd", "value": '{"x.y",s="{{service}}",t=~"a{2}|{"} / 2', "max": 0.25}
            ],
        }
    },
}


@pytest.mark.parametrize("rollout", ACCEPTED.values(), ids=ACCEPTED)
def test_what_is_right_is_accepted(here: Namespace, rollout: Body) -> None:
    here.create(POLICIES, with_rollout(**rollout), dryRun="All")


def examples() -> list[Body]:
    """The pieces of a spec that the guide shows, and the demonstration's."""
    found = [
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/rollouts.md").read_text(), re.S)
    ]
    demonstration = ROOT / "manifests" / "demo-rollout" / "policy-rollout.yaml"
    return [*found, yaml.safe_load(demonstration.read_text())["spec"]]


@pytest.mark.parametrize("spec", examples(), ids=lambda spec: "-".join(spec)[:30])
def test_what_the_guide_and_the_demonstration_show_is_accepted(here: Namespace, spec: Body) -> None:
    body = {**GOOD["rollout"], "spec": {**GOOD["rollout"]["spec"], **spec}}

    here.create(POLICIES, body, dryRun="All")


def padded(query: str) -> str:
    """The query with as much white space behind it as it may have."""
    return query.ljust(4096)


def largest_rollout() -> Body:
    """Every list of a rollout full, and every query as long as it may be."""
    metric = {
        "proportion": {"failures": padded(COUNT % "5.."), "total": padded(COUNT % "...")},
        "maxPercent": 5,
        "maxIncreasePercent": 1,
    }
    return {
        **SMALL,
        "canary": {"deployment": f"{'c' * 250}", "service": "web"},
        "traffic": {"replicas": {"total": 20}},
        "steps": [{"weight": weight} for weight in range(81, 101)],
        "gate": {
            "checks": [
                {"name": f"check-{number}", "url": f"http://{'s' * 63}/{'p' * 1900}"}
                for number in range(8)
            ]
        },
        "analysis": {
            "prometheus": {"url": "http://prometheus:9090/" + "p" * 2000},
            "metrics": [{**metric, "name": f"{'m' * 60}{number:03}"} for number in range(16)],
        },
    }


def test_the_largest_rollout_in_the_largest_policy_is_within_the_budget(here: Namespace) -> None:
    body = largest(64, 200)
    body["spec"]["rollout"] = largest_rollout()
    body["spec"]["notifications"] = [
        {"name": f"{'n' * 60}{number}", "urlSecretRef": {"name": "n" * 253, "key": "k" * 253}}
        for number in range(8)
    ]

    spec = here.create(POLICIES, body)["spec"]

    assert len(spec["features"]) == 200
    assert len(spec["rollout"]["steps"]) == 20
    assert len(spec["rollout"]["analysis"]["metrics"]) == 16
    assert len(spec["notifications"]) == 8


def test_a_mistake_in_the_largest_is_still_named(here: Namespace) -> None:
    body = largest(64, 200)
    body["spec"]["rollout"] = largest_rollout()
    body["spec"]["rollout"]["analysis"]["metrics"][15] = {
        "name": "p95",
        "value": padded('p95{service="{{service}}"}'),
        "max": 1,
    }

    assert 'metrics ["p95"] must select by {{deployment}}' in here.refusal(POLICIES, body)


@pytest.mark.parametrize(
    ("path", "count", "says"),
    [
        ("steps", 21, "spec.rollout.steps: Too many: 21: must have at most 20 items"),
        ("gate.checks", 9, "spec.rollout.gate.checks: Too many: 9: must have at most 8 items"),
        ("analysis.metrics", 17, "analysis.metrics: Too many: 17: must have at most 16 items"),
    ],
)
def test_more_is_refused(here: Namespace, path: str, count: int, says: str) -> None:
    body = changed(GOOD["rollout"], {"set": {f"spec.rollout.{path}": [{}] * count}})

    assert says in here.refusal(POLICIES, body)


def test_a_rollout_can_be_added_changed_and_taken_away(here: Namespace) -> None:
    without = copy.deepcopy(GOOD["rollout"])
    rollout = without["spec"].pop("rollout")
    here.create(POLICIES, without)

    here.patch(POLICIES, "inventario", {"spec": {"rollout": rollout}})
    changed_to = here.patch(
        POLICIES, "inventario", {"spec": {"rollout": {"traffic": {"httpRoute": None, **ISTIO}}}}
    )
    gone = here.patch(POLICIES, "inventario", {"spec": {"rollout": None}})

    assert changed_to["spec"]["rollout"]["traffic"] == ISTIO
    assert "rollout" not in gone["spec"]


ISTIO = {"istio": {"virtualService": "dashboard"}}
EVERYTHING = {
    "phase": "Held",
    "step": 20,
    "weight": 100,
    "revision": "r" * 63,
    "finishedRevision": "f" * 63,
    "startedAt": "2026-11-01T00:00:00Z",
    "stepStartedAt": "2026-11-01T00:00:00Z",
    "windowStartedAt": "2026-11-01T00:00:00Z",
    "heldSeconds": 7,
    "heldSince": "2026-11-01T00:00:00Z",
    "approvedStep": 20,
    "attribution": "DependencyFault",
    "reason": "DependencyFault",
    "message": "m" * 1024,
    "metrics": [{"name": f"m{n}", "verdict": "Passing", "stable": "1 %"} for n in range(16)],
    "originals": [{"path": "p" * 128, "weight": 1_000_000}] * 64,
    "history": [{"revision": "r", "result": "RolledBack", "attribution": "VersionFault"}] * 10,
}


def test_a_full_status_is_read_back_as_written(here: Namespace) -> None:
    here.create(POLICIES, GOOD["rollout"])
    status = {"rollout": EVERYTHING}

    written = here.patch(POLICIES, "inventario", {"status": status}, "/status")

    assert written["status"] == status
