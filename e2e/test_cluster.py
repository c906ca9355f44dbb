"""The cluster from source, for real: what runs on it, and that nothing of it stays behind.

Needs root and a machine on which no other Kubernetes runs; it uses a cluster of its own name.
The tests of this file build on each other and run in the order in which they stand.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from e2e import traces
from e2e.cluster import build, debian, images, paths, waiting
from e2e.cluster.source import SourceProvider
from e2e.traces import Traces

NAME = "cluster-test"
IMAGE = "localhost/resilience-operator/testserver:1"
ROOT = Path(__file__).parent.parent

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a node needs root"),
    # The first of them may have to build everything.
    pytest.mark.timeout(1800),
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "e2e.cluster", arguments[0], "--name", NAME, *arguments[1:]]


def run(*arguments: str) -> str:
    answer = subprocess.run(
        command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=500
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def kubectl_command(*arguments: str) -> list[str]:
    cluster = SourceProvider(NAME)
    return [cluster.kubectl(), f"--kubeconfig={cluster.kubeconfig}", *arguments]


def kubectl(*arguments: str, text: str | None = None) -> str:
    answer = subprocess.run(
        kubectl_command(*arguments),
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def get(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return str(answer.read().decode())


def answers(url: str) -> bool:
    try:
        return bool(get(url))
    except OSError:
        return False


@pytest.fixture(scope="module")
def before() -> Iterator[Traces]:
    """What the machine has without the cluster; the cluster is down again at the end."""
    build.ensure(("kubernetes", "etcd", "coredns", "pause", "testserver"))
    debian.ensure(debian.NODE_NEEDS, cni=True)
    run("down")
    yield traces.of(NAME)
    run("down")


def manifests() -> dict[str, Any]:
    container = {
        "name": "web",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["serve", ":8080", "/data"],
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/hostname", "port": 8080}, "periodSeconds": 1},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "data", "configMap": {"name": "files"}}],
        "terminationGracePeriodSeconds": 1,
    }
    labels = {"app": "web"}
    deployment = {
        "replicas": 2,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    service = {"type": "NodePort", "selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}
    meta = {"name": "web", "namespace": "shop"}
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    items: Sequence[dict[str, Any]] = (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": enforce}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "files", "namespace": "shop"},
            "data": {"flag": "on"},
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
    )
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def test_up_makes_a_ready_node_in_half_a_minute(before: Traces) -> None:
    users_config = Path.home() / ".kube" / "config"
    earlier = users_config.read_bytes() if users_config.exists() else None
    started = time.monotonic()

    output = run("up", "--provider", "source")

    assert time.monotonic() - started < 30
    assert f"KUBECONFIG={SourceProvider(NAME).kubeconfig}" in output
    (node,) = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    ready = {one["type"]: one["status"] for one in node["status"]["conditions"]}["Ready"]
    assert ready == "True"
    assert (users_config.read_bytes() if users_config.exists() else None) == earlier


def test_up_again_is_done_at_once(before: Traces) -> None:
    processes = traces.own_processes(NAME)

    run("up")

    assert traces.own_processes(NAME) == processes


def test_restricted_pods_run_with_a_config_map(before: Traces, tmp_path: Path) -> None:
    archive = tmp_path / "testserver.tar"
    program = Path(build.find(["testserver"])["testserver"])
    images.write_archive(archive, reference=IMAGE, program=program)
    run("load", str(archive))

    kubectl("apply", "-f", "-", text=json.dumps(manifests()))
    kubectl("-n", "shop", "rollout", "status", "deployment/web", "--timeout=60s")

    flag = kubectl(
        "-n", "shop", "exec", "deploy/web", "--",
        "/testserver", "get", "http://127.0.0.1:8080/files/flag",
    )  # fmt: skip
    assert flag == "on"


def test_services_names_and_logs_work_from_inside(before: Traces) -> None:
    def inside(url: str) -> str:
        return kubectl("-n", "shop", "exec", "deploy/web", "--", "/testserver", "get", url)

    seen: set[str] = set()

    def both_pods_answered() -> bool:
        # Until kube-proxy has written its rules, there is no way to the Service.
        with contextlib.suppress(AssertionError):
            seen.add(inside("http://web.shop/hostname"))
        return len(seen) == 2

    # The pod that asks is one of them, so a pod also reaches itself through the Service.
    waiting.until("both pods", both_pods_answered, 30)
    addresses = kubectl("-n", "shop", "get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    name = "web.shop.svc.cluster.local"
    assert inside(f"http://127.0.0.1:8080/lookup?name={name}") == f"[{addresses}]"
    assert "serving /data" in kubectl("-n", "shop", "logs", "deploy/web")


def test_node_port_and_port_forward_answer_on_loopback(before: Traces) -> None:
    port = kubectl(
        "-n", "shop", "get", "service", "web", "-o", "jsonpath={.spec.ports[0].nodePort}"
    )
    waiting.until("the node port", lambda: answers(f"http://127.0.0.1:{port}/files/flag"), 10)

    forward = subprocess.Popen(
        kubectl_command("-n", "shop", "port-forward", "service/web", ":80"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert forward.stdout is not None
        first = forward.stdout.readline()
        local = re.search(r"127\.0\.0\.1:(\d+)", first)
        assert local is not None, first
        assert get(f"http://127.0.0.1:{local[1]}/files/flag") == "on"
    finally:
        forward.kill()
        forward.wait()


def test_the_audit_log_has_writes_and_what_service_accounts_read(before: Traces) -> None:
    log = paths.cluster_folder(NAME) / "audit.log"
    events = [json.loads(line) for line in log.read_text().splitlines()]

    written = {
        event["objectRef"]["name"]
        for event in events
        if event["verb"] == "create"
        and event["objectRef"].get("namespace") == "shop"
        and "name" in event["objectRef"]
    }
    assert {"web", "files"} <= written
    reads = [event for event in events if event["verb"] in ("get", "list", "watch")]
    assert reads, "the controllers have accounts"
    assert all("system:serviceaccounts" in event["user"]["groups"] for event in reads)


def test_down_leaves_nothing_behind(before: Traces) -> None:
    during = traces.of(NAME)
    assert all(during[kind] - before[kind] for kind in during)

    run("down")

    assert traces.left(NAME, before) == {}


def interrupt(arguments: Sequence[str], seconds: float) -> None:
    """Run a command and kill it, the command only, after a time."""
    process = subprocess.Popen(command(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.5, 3.0, 4.0, 5.0, 6.5])
def test_down_removes_an_interrupted_up(before: Traces, seconds: float) -> None:
    interrupt(["up", "--provider", "source"], seconds)

    run("down")

    assert traces.left(NAME, before) == {}


def test_up_replaces_an_interrupted_up(before: Traces) -> None:
    interrupt(["up", "--provider", "source"], 4.0)

    run("up", "--provider", "source")

    assert "Ready" in kubectl("get", "nodes")


@pytest.mark.parametrize("seconds", [0.2, 0.5, 1.0, 2.0])
def test_up_after_an_interrupted_down(before: Traces, tmp_path: Path, seconds: float) -> None:
    run("up", "--provider", "source")
    test_restricted_pods_run_with_a_config_map(before, tmp_path)
    interrupt(["down"], seconds)

    run("up", "--provider", "source")

    assert "Ready" in kubectl("get", "nodes")


def test_down_after_an_interrupted_down(before: Traces, tmp_path: Path) -> None:
    run("up", "--provider", "source")
    test_restricted_pods_run_with_a_config_map(before, tmp_path)
    interrupt(["down"], 0.8)

    run("down")

    assert traces.left(NAME, before) == {}
