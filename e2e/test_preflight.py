"""Preflight on a real cluster: what only a pod of the operator can tell, it is asked in its pod."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.demo.deploy import NAMESPACE
from e2e.demo.helm import OPERATOR_NAMESPACE
from e2e.demo.kubectl import ROOT, Kubectl
from e2e.demo.walk import POLICY
from e2e.demo.watch import wait_for_level

pytestmark = pytest.mark.timeout(900)

Checks = dict[str, dict[str, str]]


def preflight(demo: Kubectl, *words: str, code: int = 0) -> Checks:
    """Every check by its name."""
    command = [sys.executable, "-m", "resilience_operator.cli", "preflight", *words]
    done = subprocess.run(
        [*command, "-n", NAMESPACE, "-o", "json"],
        env=demo.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return {each["check"]: each for each in json.loads(done.stdout)["checks"]}


@pytest.fixture
def planned(tmp_path: Path) -> Path:
    """The demo's policy under another name, with more dependencies and a rollout: not applied."""
    body: dict[str, Any] = yaml.safe_load((ROOT / "manifests/demo/policy.yaml").read_text())
    with_rollout = yaml.safe_load((ROOT / "manifests/demo-rollout/policy-rollout.yaml").read_text())
    body["metadata"]["name"] = "planned"
    spec = body["spec"]
    spec["flags"]["configMapName"] = "planned-flags"
    spec["rollout"] = copy.deepcopy(with_rollout["spec"]["rollout"])
    for name, address in (("nowhere", "nowhere.retail.svc:80"), ("itself", "127.0.0.1:8080")):
        spec["dependencies"].append(
            {"name": name, "weight": 1, "probe": {"tcp": {"address": address}}}
        )
    path = tmp_path / "planned.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def test_the_demo_passes(demo: Kubectl) -> None:
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)

    checks = preflight(demo, POLICY)

    assert {name: each for name, each in checks.items() if each["result"] != "pass"} == {}


def test_what_is_not_applied_is_asked_in_the_operators_pod(demo: Kubectl, planned: Path) -> None:
    checks = preflight(demo, "-f", str(planned), code=1)

    for name in ("openai", "postgres", "redis", "s3"):  # with the Secrets that only it may read
        assert checks[f"{name}: reachable"]["finding"].startswith("Healthy within")
    assert checks["nowhere: reachable"]["finding"].startswith("Not healthy. DNS")
    assert "loopback" in checks["itself: reachable"]["finding"]  # the guard of that pod
    assert checks["version"]["result"] == "pass"
    assert "by its label" not in checks["version"]["finding"]  # the pod has told it
    metric = checks["rollout: metric error-rate"]
    assert (metric["result"], "Prometheus" in metric["finding"]) == ("fail", True)
    assert "planned" not in demo.run("-n", NAMESPACE, "get", "rp")


def test_who_may_not_exec_is_told_what_else_would_do(
    demo: Kubectl, planned: Path, tmp_path: Path
) -> None:
    demo.run("-n", NAMESPACE, "create", "serviceaccount", "ana")
    for name, role, where in (("ana", "edit", NAMESPACE), ("ana", "view", OPERATOR_NAMESPACE)):
        subject = f"--serviceaccount={NAMESPACE}:ana"
        demo.run("-n", where, "create", "rolebinding", name, f"--clusterrole={role}", subject)
    token = demo.run("-n", NAMESPACE, "create", "token", "ana").strip()
    config = yaml.safe_load(Path(demo.environment["KUBECONFIG"]).read_text())
    config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    checks = preflight(demo, "-f", str(planned), "--kubeconfig", str(path), code=1)

    said = checks["openai: reachable"]
    assert said["finding"] == f"You may not create pods/exec in namespace {OPERATOR_NAMESPACE}."
    assert (said["result"], "mode: Observe" in said["remedy"]) == ("skipped", True)
    assert checks["accepted"]["result"] == "pass"
    for where in (NAMESPACE, OPERATOR_NAMESPACE):
        demo.run("-n", where, "delete", "rolebinding", "ana")
    demo.run("-n", NAMESPACE, "delete", "serviceaccount", "ana")
