"""The disaster drill on a real cluster: lost in an outage and in mid-rollout, and rebuilt."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.conftest import CLUSTER, PROVIDER
from e2e.demo.deploy import NAMESPACE, apply_policy, deploy, remove
from e2e.demo.kubectl import Kubectl, cluster_environment
from e2e.demo.walk import PODS, POLICY, SELECTOR
from e2e.demo.watch import ask_pods, wait_for_level
from e2e.docs.shop import NAME as SHOP
from e2e.docs.shop import Shop
from e2e.drill import exporting, report
from e2e.drill.rebuilding import rebuild

pytestmark = pytest.mark.timeout(1800)

OVERRIDE = {
    "level": "MINIMAL",
    "reason": "stock-taking",
    "requestedBy": "ana",
    "expiresAt": "2099-01-01T00:00:00Z",
}


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Kubectl]:
    """The demo without its AI API, a part of it forced by a person, and a rollout under way."""
    try:
        kubectl = deploy(CLUSTER, PROVIDER, print)
        apply_policy(kubectl)
        wait_for_level(kubectl, NAMESPACE, POLICY, "OPTIMAL", 120)
        shop = Shop(kubectl)
        shop.open(tmp_path)
        shop.prepare("pause")
        shop.until("it has its weight", lambda: shop.policy["status"]["rollout"]["weight"] == 50)
        force_a_part(kubectl, tmp_path)
        kubectl.run("-n", NAMESPACE, "scale", "deployment/openai", "--replicas=0")
        wait_for_level(kubectl, NAMESPACE, POLICY, "LIMITED", 60)
        until("all is written", lambda: settled(kubectl))
        yield kubectl
    finally:
        remove(CLUSTER)


def force_a_part(kubectl: Kubectl, folder: Path) -> None:
    level = {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "DegradationLevel",
        "metadata": {"name": "stock", "namespace": NAMESPACE},
        "spec": {
            "policyRef": {"name": POLICY},
            "features": ["stock_levels"],
            "override": OVERRIDE,
        },
    }
    path = folder / "stock.json"
    path.write_text(json.dumps(level))
    kubectl.run("apply", "--server-side", "-f", str(path))
    wait_for_level(kubectl, NAMESPACE, "stock", "MINIMAL", 60)


def settled(kubectl: Kubectl) -> bool:
    """Whether health and flags are those of the outage, and nothing is left of what came before."""
    found = exporting.now(kubectl)
    return bool(
        found[f"level {NAMESPACE}/{POLICY}"]["health"] == 50
        and found[f"policy {NAMESPACE}/{POLICY}"]["openai: breaker"] == "Open"
        and found[f"flags {NAMESPACE}/inventario-flags"]["level"] == "LIMITED"
    )


def until(what: str, holds: Callable[[], Any], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.5)


def test_a_lost_cluster_is_back_as_it_was(outage: Kubectl, tmp_path: Path) -> None:
    done, before, age = rebuild(CLUSTER, PROVIDER, tmp_path / "backup")
    kubectl = Kubectl(cluster_environment(CLUSTER))
    print(report.text_of(done, before, age))
    told = report.data_of(done, before, age)

    assert done.flips == [], "no feature was ever in another state than the exported one"
    assert done.not_right == []
    assert told["rtoSeconds"] < report.RTO_SECONDS
    assert told["rpoSeconds"] < report.RPO_SECONDS
    outcome = {f"{c.subject} {c.what}": c.outcome for c in done.comparisons}
    assert outcome[f"policy {NAMESPACE}/{POLICY} openai: breaker"] == "same"
    assert outcome[f"level {NAMESPACE}/stock override"] == "same"
    assert outcome[f"level {NAMESPACE}/{POLICY} transitions"] == "lost"
    differs = {what for what, how in outcome.items() if how == "differs"}
    # A rollout begins again: at this moment it may not have its first weight back yet.
    assert {what for what in differs if "rollout: " not in what} == set()

    answers = ask_pods(kubectl, NAMESPACE, SELECTOR)
    assert [answer.level for answer in answers] == ["LIMITED"] * PODS
    shop = f"policy {SHOP}/{SHOP}"
    until(
        "the rollout is at its first step again",
        lambda: exporting.now(kubectl)[shop]["rollout: weight"] == 50,
    )
    assert exporting.now(kubectl)[shop]["rollout: phase"] == "Progressing"
