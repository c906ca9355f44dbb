"""What people and programs do with custom resources: write, list, share, explain and wait."""

import subprocess
from pathlib import Path

import pytest
import yaml

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from tests.integration.crd_cases import GOOD, LEVELS, PLURALS, POLICIES, Namespace, changed
from tests.integration.custom_resources import APPLY, RefusedError, objects


def test_a_level_stays_with_its_policy(here: Namespace) -> None:
    here.create(LEVELS, GOOD["level"])
    name = GOOD["level"]["metadata"]["name"]

    with pytest.raises(RefusedError, match="delete this DegradationLevel and make another"):
        here.patch(LEVELS, name, {"spec": {"policyRef": {"name": "other"}}})

    lifted = here.patch(LEVELS, name, {"spec": {"override": None}})
    assert "override" not in lifted["spec"]


STATUS = {
    "policy": {
        "observedGeneration": 1,
        "level": "LIMITED",
        "health": 50,
        "scored": "4/4",
        "rollout": {"phase": "Progressing", "step": 1, "weight": 5, "attribution": "None"},
    },
    "level": {
        "observedGeneration": 1,
        "level": "LIMITED",
        "computedLevel": "DEGRADED",
        "health": 50,
        "since": "2026-11-01T00:00:00Z",
        "limitingDependency": "postgres",
        "reason": "Overridden",
        "features": {"checkout": "on"},
        "recovery": {"expectedAt": "2036-12-01T18:00:00Z", "samples": 5, "method": "Median"},
        "conditions": [
            {
                "type": "Overridden",
                "status": "True",
                "reason": "ByPerson",
                "message": "",
                "lastTransitionTime": "2026-11-01T00:00:00Z",
            }
        ],
    },
}


@pytest.mark.parametrize("kind", PLURALS)
def test_spec_and_status_are_written_apart(here: Namespace, kind: str) -> None:
    plural, name = PLURALS[kind], GOOD[kind]["metadata"]["name"]
    made = here.create(plural, {**GOOD[kind], "status": STATUS[kind]})
    assert "status" not in made
    assert made["metadata"]["generation"] == 1

    after = here.patch(plural, name, {"spec": {"colour": 1}, "status": STATUS[kind]}, "/status")
    assert after["status"] == STATUS[kind], "what is written is what is read back"
    assert after["spec"] == made["spec"]
    assert after["metadata"]["generation"] == 1

    labelled = here.patch(plural, name, {"status": {"health": 1}})
    assert labelled["status"] == STATUS[kind]


def test_a_status_is_validated_too(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])

    with pytest.raises(RefusedError, match=r"status\.level: Unsupported value"):
        here.patch(POLICIES, "inventario", {"status": {"level": "FINE"}}, "/status")


def test_two_managers_share_a_list_by_name(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])
    path = objects(here.name, POLICIES, "inventario")
    mine = {key: GOOD["policy"][key] for key in ("apiVersion", "kind")}
    feature = {"name": "reports", "states": {"OPTIMAL": "on"}}

    merged, _ = here.api.send(
        "PATCH",
        path,
        {**mine, "spec": {"features": [feature]}},
        content_type=APPLY,
        fieldManager="second",
    )

    names = [one["name"] for one in merged["spec"]["features"]]
    assert names == ["ai_recommendations", "invoices", "reports"]


def test_columns_of_a_policy(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])
    here.patch(POLICIES, "inventario", {"status": STATUS["policy"]}, "/status")

    columns, cells = here.table(POLICIES)

    shown = [(one["name"].upper(), one["priority"]) for one in columns]
    assert shown == [
        ("NAME", 0),
        ("LEVEL", 0),
        ("HEALTH", 0),
        ("LIMITING", 0),
        ("ROLLOUT", 0),
        ("WEIGHT", 0),
        ("MODE", 1),
        ("SCORED", 1),
        ("OPEN", 1),
        ("AGE", 0),
    ]
    assert cells[:-1] == [
        "inventario",
        "LIMITED",
        50,
        None,
        "Progressing",
        5,
        "Enforce",
        "4/4",
        None,
    ]


def test_columns_of_a_level(here: Namespace) -> None:
    here.create(LEVELS, GOOD["level"])
    here.patch(LEVELS, "inventario-checkout", {"status": STATUS["level"]}, "/status")

    columns, cells = here.table(LEVELS)

    row = dict(zip([one["name"].upper() for one in columns], cells, strict=True))
    assert row.pop("SINCE").endswith("d")
    assert row == {
        "NAME": "inventario-checkout",
        "LEVEL": "LIMITED",
        "HEALTH": 50,
        "LIMITING": "postgres",
        "RECOVERY": "2036-12-01T18:00:00Z",
        "OVERRIDE": "True",
        "POLICY": "inventario",
        "COMPUTED": "DEGRADED",
        "REASON": "Overridden",
    }


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [build.find(["kubernetes"])["kubectl"], "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


def test_kubectl_refuses_explains_lists_and_waits(
    control_plane: ControlPlane, here: Namespace
) -> None:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return kubectl(control_plane.kubeconfig, "-n", here.name, *arguments, stdin=stdin)

    wrong = changed(GOOD["policy"], {"set": {"spec.dependencies.0.probe.timeoutSeconds": 60}})
    refused = run("apply", "-f", "-", stdin=yaml.safe_dump(wrong))
    assert refused.returncode != 0
    assert "lower the timeout or lengthen the interval" in refused.stderr

    assert run("apply", "-f", "-", stdin=yaml.safe_dump(GOOD["policy"])).returncode == 0
    assert run("apply", "-f", "-", stdin=yaml.safe_dump(GOOD["policy"])).returncode == 0
    assert run("get", "rp", "-o", "jsonpath={.items[*].metadata.generation}").stdout == "1"

    explained = run("explain", "resiliencepolicy.spec.dependencies").stdout
    assert "each with a weight and a probe" in explained
    assert "No better level than this while the dependency is down" in " ".join(explained.split())

    here.create(LEVELS, GOOD["level"])
    here.patch(LEVELS, "inventario-checkout", {"status": STATUS["level"]}, "/status")
    assert "inventario-checkout" in run("get", "resilience").stdout
    assert "inventario-checkout" in run("get", "dl").stdout
    waited = run("wait", "--for=jsonpath={.status.level}=LIMITED", "dl/inventario-checkout")
    assert waited.returncode == 0, waited.stderr
