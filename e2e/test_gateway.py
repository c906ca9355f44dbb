"""The gateway, Prometheus and the demo's two arms, under real requests: no operator takes part.

What a rollout stands on: weights divide the traffic as they say, a change of them is in force at
once, no request is lost while pods are replaced, and both arms can be told apart by queries. The
tests build on each other and run in the order in which they stand.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from e2e import traces
from e2e.cluster import waiting
from e2e.cluster.paths import cluster_folder
from e2e.conftest import CLUSTER
from e2e.demo.deploy import NAMESPACE
from e2e.demo.kubectl import ROOT, CommandFailed, Kubectl
from e2e.demo.rollout_deploy import (
    CANARY,
    HOST,
    ROUTE,
    STABLE,
    add_edge,
    remove_edge,
    set_weights,
)
from e2e.gateway.cli import of_cluster as gateway_of
from e2e.load.plan import Plan
from e2e.load.run import LoadRun
from e2e.prometheus.cli import of_cluster as prometheus_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

RATE = 500
PATH = "/api/stock_levels"
PROMETHEUS = "http://prometheus.retail.svc:9090"


@dataclass(frozen=True)
class Edge:
    """The demo with its gateway."""

    kubectl: Kubectl
    url: str

    def load(self, seconds: float, rate: float = RATE) -> LoadRun:
        return LoadRun(Plan(self.url + PATH, HOST, rate, seconds))

    def weigh(self, canary: int) -> None:
        set_weights(self.kubectl, canary)

    def release(self, deployment: str, version: str) -> None:
        """A new version, and wait until all of the deployment's pods are of it."""
        what = f"deployment/{deployment}"
        self.kubectl.run("-n", NAMESPACE, "set", "env", what, f"VERSION={version}")
        self.kubectl.run(
            "-n", NAMESPACE, "rollout", "status", what, "--timeout=180s", timeout=200
        )  # fmt: skip


@pytest.fixture(scope="module")
def edge(demo: Kubectl) -> Iterator[Edge]:
    """Gateway, Prometheus, and the canary as version v2 without traffic."""
    found = Edge(demo, add_edge(CLUSTER, demo, print))
    found.release(CANARY, "v2")
    found.weigh(0)
    yield found
    remove_edge(CLUSTER)


@pytest.mark.parametrize(
    # The spread of chance is 0.34 points for 4,000 requests at 5 %, and 0.40 for these at 25 %.
    ("weight", "requests"),
    [(5, 4_000), (25, 12_000)],
)
def test_the_canary_gets_the_share_that_its_weight_says(
    edge: Edge, weight: int, requests: int
) -> None:
    edge.weigh(weight)
    with edge.load(requests / RATE) as load:
        result = load.wait()
    print(result.summary())
    assert len(result) == requests
    assert result.failures == 0, result.reasons()
    assert result.share("v2") == pytest.approx(weight, abs=1.5)
    assert set(result.versions) == {"v1", "v2"}


def test_a_change_of_weight_is_in_force_at_once(edge: Edge) -> None:
    edge.weigh(0)
    with edge.load(30, rate=300) as load:
        waiting.until("answers", lambda: len(load.so_far()) > 300, 20)
        changed = time.time()
        edge.weigh(100)
        time.sleep(3)
        load.stop()
        result = load.wait()
    assert result.failures == 0, result.reasons()
    assert result.between(changed + 2).versions.keys() == {"v2"}
    last = max(sample.at for sample in result.samples if sample.version == "v1")
    print(f"the last request by the old weight: {1000 * (last - changed):.0f} ms after the command")
    assert last - changed < 2


def test_no_request_fails_while_the_pods_are_replaced(edge: Edge) -> None:
    edge.weigh(0)
    with edge.load(120) as load:
        waiting.until("answers", lambda: len(load.so_far()) > RATE, 20)
        edge.release(STABLE, "v3")
        time.sleep(8)  # the last of the old pods goes
        load.stop()
        result = load.wait()
    print(result.summary())
    assert result.failures == 0, result.reasons()
    assert set(result.versions) == {"v1", "v3"}
    assert len({sample.pod for sample in result.samples}) == 4


def test_no_request_fails_while_a_version_is_promoted(edge: Edge) -> None:
    edge.release(CANARY, "v4")
    with edge.load(180) as load:
        for weight in (5, 25, 100):
            edge.weigh(weight)
            time.sleep(3)
        edge.release(STABLE, "v4")
        edge.weigh(0)
        time.sleep(8)  # the last of the old pods goes
        load.stop()
        result = load.wait()
    print(result.summary())
    assert result.failures == 0, result.reasons()
    assert set(result.versions) == {"v3", "v4"}
    end = result.samples[-1].at
    assert {sample.pod.rpartition("-")[0] for sample in result.between(end - 5).samples} == {
        sample.pod.rpartition("-")[0]
        for sample in result.samples
        if sample.version == "v4" and not sample.pod.startswith(f"{CANARY}-")
    }


def analysis() -> dict[str, Any]:
    """The analysis of the demo's policy, by metric name."""
    text = (ROOT / "manifests" / "demo-rollout" / "policy-rollout.yaml").read_text()
    found = yaml.safe_load(text)["spec"]["rollout"]["analysis"]
    assert found["prometheus"]["url"] == PROMETHEUS
    return {metric["name"]: metric for metric in found["metrics"]}


def ask(template: str, service: str, window: str = "10s") -> float | None:
    """The value of one of the policy's queries for an arm, as the operator would ask it."""
    query = template
    for name, value in (("service", service), ("namespace", NAMESPACE), ("window", window)):
        query = query.replace(f"{{{{{name}}}}}", value)
    url = prometheus_of(CLUSTER).url()
    assert url is not None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with opener.open(address, timeout=5) as answer:
        body = json.load(answer)
    assert body["status"] == "success"
    result = body["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def test_prometheus_answers_the_queries_of_the_policy_for_both_arms(edge: Edge) -> None:
    metrics = analysis()
    edge.weigh(25)
    with edge.load(14) as load:
        result = load.wait()
    assert result.failures == 0, result.reasons()
    totals = {}
    for service in (STABLE, CANARY):
        proportion = metrics["error-rate"]["proportion"]
        assert ask(proportion["failures"], service) == 0
        totals[service] = ask(proportion["total"], service) or 0
        p95 = ask(metrics["p95"]["value"], service)
        assert p95 is not None
        assert 0 < p95 < 5
    assert sum(totals.values()) > 5 * RATE
    assert 100 * totals[CANARY] / sum(totals.values()) == pytest.approx(25, abs=5)


def reached_by_a_pod(kubectl: Kubectl) -> bool:
    """Whether Prometheus answers by the name that the policy has, to a pod of the cluster."""
    code = f"import urllib.request as r; print(r.urlopen('{PROMETHEUS}/-/ready', timeout=3).status)"
    try:
        said = kubectl.run(
            "-n", NAMESPACE, "exec", f"deployment/{STABLE}", "--", "python3", "-c", code
        )
    except CommandFailed:
        return False
    return said.strip() == "200"


def test_prometheus_can_go_and_come_back_with_its_data(edge: Edge) -> None:
    prometheus = prometheus_of(CLUSTER)
    total = analysis()["error-rate"]["proportion"]["total"]
    assert reached_by_a_pod(edge.kubectl)

    prometheus.stop()
    assert not reached_by_a_pod(edge.kubectl)

    prometheus.start()
    assert reached_by_a_pod(edge.kubectl)
    before = ask(total, CANARY, "5m")
    assert before is not None
    assert before > 0


def test_the_operators_own_metrics_are_there(edge: Edge) -> None:
    def answers() -> bool:
        return ask('min(up{job="operator"})', "") == 1

    waiting.until("the operator's metrics", answers, 30)


def test_down_leaves_nothing_of_them_behind(edge: Edge) -> None:
    before = traces.own_processes(CLUSTER)
    url = prometheus_of(CLUSTER).url()
    assert url is not None

    remove_edge(CLUSTER)

    assert before - traces.own_processes(CLUSTER)
    for address in (edge.url, url):
        with pytest.raises((urllib.error.URLError, OSError)):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=2)
    folder = cluster_folder(CLUSTER)
    assert not [name for name in ("gateway", "prometheus") if (folder / name).exists()]
    assert gateway_of(CLUSTER).url() is None
    programs = {"contour", "envoy", "prometheus", "prometheus-targets"}
    assert not programs & {path.name for path in (folder / "processes").glob("*")}
    definitions = edge.kubectl.run("get", "crd", "-o", "name")
    assert "gateway.networking" not in definitions
    assert "projectcontour" not in definitions
    services = edge.kubectl.run("-n", NAMESPACE, "get", "service,endpointslice", "-o", "name")
    assert "prometheus" not in services
    with pytest.raises(CommandFailed):
        edge.kubectl.get("-n", NAMESPACE, "httproute", ROUTE)
