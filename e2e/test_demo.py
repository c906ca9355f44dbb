"""The demo as a user would go through it, and what must hold on a real cluster around it.

The tests build on each other and run in the order in which they stand.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from rich.console import Console

from e2e.cluster.paths import cluster_folder
from e2e.conftest import CLUSTER
from e2e.demo.deploy import NAMESPACE, apply_policy
from e2e.demo.helm import OPERATOR_NAMESPACE
from e2e.demo.kubectl import ROOT, Kubectl
from e2e.demo.walk import CONFIG_MAP, PODS, POLICY, SELECTOR, WALK, Walk
from e2e.demo.watch import ask_pods, wait_for_level

pytestmark = pytest.mark.timeout(1800)

QUIET_SECONDS = int(os.environ.get("QUIET_SECONDS", "300"))
OPERATOR_USER = f"system:serviceaccount:{OPERATOR_NAMESPACE}:resilience-operator"
READS = {"get", "list", "watch"}
PLAIN = Console(width=120)


def wait_until(what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return found


def scale(demo: Kubectl, replicas: int, *names: str) -> None:
    deployments = [f"deployment/{name}" for name in names]
    demo.run("-n", NAMESPACE, "scale", *deployments, f"--replicas={replicas}")


def level(demo: Kubectl) -> dict[str, Any]:
    found: dict[str, Any] = demo.get("-n", NAMESPACE, "dl", POLICY)
    return found


def breaker(demo: Kubectl, name: str) -> dict[str, Any]:
    status = demo.get("-n", NAMESPACE, "rp", POLICY)["status"]
    found: dict[str, Any] = next(d for d in status["dependencies"] if d["name"] == name)["breaker"]
    return found


def flags_version(demo: Kubectl) -> str:
    return str(demo.get("-n", NAMESPACE, "cm", CONFIG_MAP)["metadata"]["resourceVersion"])


def pods_of_the_application(demo: Kubectl) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = demo.get("-n", NAMESPACE, "pods", "-l", SELECTOR)["items"]
    return items


def test_the_walk_tells_the_story_and_no_pod_restarts(demo: Kubectl) -> None:
    before = {pod["metadata"]["uid"] for pod in pods_of_the_application(demo)}
    measured = Walk(demo, PLAIN).run()  # checks levels, health and propagation itself
    assert [m.step for m in measured] == list(WALK)
    pods = pods_of_the_application(demo)
    assert {pod["metadata"]["uid"] for pod in pods} == before
    assert all(s["restartCount"] == 0 for p in pods for s in p["status"]["containerStatuses"])


def test_the_kubectl_columns_tell_where_it_stands(demo: Kubectl) -> None:
    scale(demo, 0, "openai")
    wait_for_level(demo, NAMESPACE, POLICY, "LIMITED", 60)
    row = demo.run("-n", NAMESPACE, "get", "dl", POLICY, "--no-headers").split()
    assert row[:4] == [POLICY, "LIMITED", "50", "openai"]
    scale(demo, 1, "openai")
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)


def test_the_standby_takes_over_and_nothing_moves(demo: Kubectl) -> None:
    scale(demo, 0, "redis")
    wait_for_level(demo, NAMESPACE, POLICY, "DEGRADED", 60)
    wait_until("the breaker is open", lambda: breaker(demo, "redis")["state"] == "Open")
    level_before, flags_before = level(demo)["status"], flags_version(demo)
    leader = _holder(demo)
    # What the kubelet does at once with no grace is a SIGKILL.
    demo.run("-n", OPERATOR_NAMESPACE, "delete", "pod", leader, "--grace-period=0", "--force")
    wait_until("another leads", lambda: _holder(demo) not in ("", leader), 60)
    # It has probed by itself: a trial of the open breaker has failed since.
    wait_until("the new leader probes", lambda: _probes_seen(demo, _holder(demo)) > 20, 60)
    after = level(demo)["status"]
    for field in ("level", "since", "transitions", "features"):
        assert after[field] == level_before[field]
    assert flags_version(demo) == flags_before
    assert breaker(demo, "redis")["state"] == "Open"
    scale(demo, 1, "redis")
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)


def _holder(demo: Kubectl) -> str:
    lease = demo.get("-n", OPERATOR_NAMESPACE, "lease", "resilience-operator")
    return str(lease["spec"].get("holderIdentity", ""))


def _probes_seen(demo: Kubectl, pod: str) -> float:
    path = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}:8080/proxy/metrics"
    lines = demo.run("get", "--raw", path).splitlines()
    prefix = "resilience_probe_results_total{"
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(prefix))


@pytest.mark.parametrize(
    ("down", "worst"),
    [(("openai",), "LIMITED"), (("postgres", "redis", "s3"), "LIMITED")],
    ids=["openai", "all-but-openai"],
)
def test_with_default_times_it_is_back_within_two_minutes(
    demo: Kubectl, down: tuple[str, ...], worst: str
) -> None:
    # A level that has just fallen several times climbs slowly: this one has no such past.
    demo.run("-n", NAMESPACE, "delete", "rp", POLICY, "--timeout=60s")
    _apply_with_default_times(demo)
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)
    scale(demo, 0, *down)
    wait_for_level(demo, NAMESPACE, POLICY, worst, 90)
    scale(demo, 1, *down)
    for name in down:
        demo.run("-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=60s")
    answering = time.monotonic()
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)
    print(f"{' and '.join(down)}: OPTIMAL {time.monotonic() - answering:.0f} s after answering")
    apply_policy(demo)


def _apply_with_default_times(demo: Kubectl) -> None:
    policy = yaml.safe_load((ROOT / "manifests/demo/policy.yaml").read_text())
    for dependency in policy["spec"]["dependencies"]:
        dependency.pop("breaker", None)
        for field in ("intervalSeconds", "timeoutSeconds"):
            dependency["probe"].pop(field, None)
    policy["spec"].pop("stabilization", None)
    path = ROOT / ".pytest_cache" / "default-times.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(policy))
    demo.run("apply", "--server-side", "--force-conflicts", "-f", str(path))


def test_with_everything_healthy_the_operator_writes_nothing_but_its_lease(demo: Kubectl) -> None:
    log = cluster_folder(CLUSTER) / "audit.log"
    if not log.exists():
        pytest.skip("this provider's API server has no audit log within reach")
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)
    wait_until("the pods know", lambda: _all_pods_at(demo, "OPTIMAL"))
    # A change of health or of the spec's generation alone is written within 30 seconds.
    wait_until("the flags are up to date", lambda: _flags_are_up_to_date(demo))
    probes_before = _probes_seen(demo, _holder(demo))
    size = log.stat().st_size
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:  # the five minutes are what is being tested
        time.sleep(1)
    with log.open() as lines:
        lines.seek(size)
        events = [json.loads(line) for line in lines if line.endswith("}\n")]
    ours = [event for event in events if event["user"]["username"] == OPERATOR_USER]
    writes = [(e["verb"], e["requestURI"]) for e in ours if e["verb"] not in READS]
    assert [uri for _, uri in writes if "/leases/" in uri], "the lease was renewed meanwhile"
    assert [write for write in writes if "/leases/" not in write[1]] == []
    assert _probes_seen(demo, _holder(demo)) - probes_before > QUIET_SECONDS


def _flags_are_up_to_date(demo: Kubectl) -> bool:
    flags = json.loads(demo.get("-n", NAMESPACE, "cm", CONFIG_MAP)["data"]["flags.json"])
    generation = demo.get("-n", NAMESPACE, "rp", POLICY)["metadata"]["generation"]
    return (flags["health"], flags["generation"]) == (100, generation)


def _all_pods_at(demo: Kubectl, wanted: str) -> bool:
    answers = ask_pods(demo, NAMESPACE, SELECTOR)
    return len(answers) == PODS and all(answer.level == wanted for answer in answers)


def test_deleting_the_policy_brings_every_feature_back(demo: Kubectl) -> None:
    scale(demo, 0, "redis")
    wait_for_level(demo, NAMESPACE, POLICY, "DEGRADED", 60)
    wait_until("the pods know", lambda: _all_pods_at(demo, "DEGRADED"))
    demo.run("-n", NAMESPACE, "delete", "rp", POLICY, "--timeout=60s")
    _assert_restored(demo)


def test_deleting_it_while_the_operator_is_down_does_so_once_it_is_back(demo: Kubectl) -> None:
    apply_policy(demo)
    wait_for_level(demo, NAMESPACE, POLICY, "DEGRADED", 90)
    wait_until("the pods know", lambda: _all_pods_at(demo, "DEGRADED"))
    operator = ("-n", OPERATOR_NAMESPACE, "scale", "deployment/resilience-operator")
    demo.run(*operator, "--replicas=0")
    wait_until("the operator is gone", lambda: not _operator_pods(demo), 90)
    demo.run("-n", NAMESPACE, "delete", "rp", POLICY, "--wait=false")
    assert demo.get("-n", NAMESPACE, "rp", POLICY)["metadata"]["deletionTimestamp"]
    demo.run(*operator, "--replicas=2")
    demo.run("-n", NAMESPACE, "wait", "--for=delete", f"rp/{POLICY}", "--timeout=90s")
    _assert_restored(demo)
    scale(demo, 1, "redis")


def _operator_pods(demo: Kubectl) -> list[Any]:
    items: list[Any] = demo.get("-n", OPERATOR_NAMESPACE, "pods")["items"]
    return items


def _assert_restored(demo: Kubectl) -> None:
    wait_until("the pods have every feature", lambda: _all_pods_at(demo, "OPTIMAL"), 15)
    assert all(set(a.features.values()) == {"on"} for a in ask_pods(demo, NAMESPACE, SELECTOR))
    assert demo.get("-n", NAMESPACE, "dl")["items"] == []
    for pod in pods_of_the_application(demo):
        ours = [k for k in pod["metadata"].get("annotations", {}) if "resilience.aidrive.dev" in k]
        assert ours == []
