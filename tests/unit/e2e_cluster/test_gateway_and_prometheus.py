"""What is told to the gateway and to Prometheus, and what they are told of the pods."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from e2e.cluster import ports
from e2e.cluster.errors import ClusterError
from e2e.cluster.tools import lookup
from e2e.gateway import envoy, resources
from e2e.prometheus import config, service, targets


def pod(name: str, *, phase: str = "Running", address: str | None = "10.1.2.3") -> Any:
    port = SimpleNamespace(name="http", container_port=8080)
    other = SimpleNamespace(name="admin", container_port=9000)
    return SimpleNamespace(
        metadata=SimpleNamespace(
            name=name, namespace="retail", labels={config.NAME_LABEL: "dashboard"}
        ),
        spec=SimpleNamespace(
            containers=[SimpleNamespace(ports=[other, port]), SimpleNamespace(ports=None)]
        ),
        status=SimpleNamespace(phase=phase, pod_ip=address),
    )


def test_a_running_pod_is_a_target_with_the_labels_of_the_queries() -> None:
    found = targets.groups([pod("b"), pod("a", address="10.1.2.4")])
    assert [group["targets"] for group in found] == [["10.1.2.4:8080"], ["10.1.2.3:8080"]]
    assert found[1]["labels"] == {"namespace": "retail", "pod": "b", "service": "dashboard"}


def test_a_pod_without_address_or_past_its_end_is_none() -> None:
    assert targets.groups([pod("a", address=None), pod("b", phase="Succeeded")]) == []


def test_both_ways_to_find_pods_are_for_the_same_jobs(tmp_path: Path) -> None:
    outside, inside = config.from_files(tmp_path), config.in_cluster()
    names = [[one["job_name"] for one in kind["scrape_configs"]] for kind in (outside, inside)]
    assert names[0] == names[1] == ["retail", "operator"]
    assert str(tmp_path) in json.dumps(outside)
    labels = {
        rule["target_label"]
        for rule in inside["scrape_configs"][0]["relabel_configs"]
        if "target_label" in rule
    }
    assert labels == targets.groups([pod("a")])[0]["labels"].keys()


def test_the_service_of_a_host_process_has_its_address_beside_it() -> None:
    assert service.service()["spec"]["selector"] is None
    slice_ = service.endpoints("10.0.0.1", 9091)
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == service.NAME
    assert slice_["endpoints"][0]["addresses"] == ["10.0.0.1"]
    # Names of ports are what ties the two together.
    assert slice_["ports"][0]["name"] == service.service()["spec"]["ports"][0]["name"]


def test_contour_maps_the_listener_to_the_port_that_is_wanted() -> None:
    assert resources.listener_port(8080) == 80
    assert resources.listener_port(40_000) == 32_000
    for impossible in (80, 8000, 70_000):
        with pytest.raises(ClusterError):
            resources.listener_port(impossible)


def test_routes_of_every_namespace_may_attach_to_the_gateway() -> None:
    _, gateway = resources.gateway(80)
    (listener,) = gateway["spec"]["listeners"]
    assert listener["allowedRoutes"] == {"namespaces": {"from": "All"}}
    assert (gateway["metadata"]["namespace"], gateway["metadata"]["name"]) == ("default", "edge")


def test_contour_is_of_one_fixed_version() -> None:
    assert lookup("contour").version() == "v1.33.8"


def test_envoy_is_not_fetched_for_a_machine_without_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ClusterError, match="riscv64"):
        envoy.ensure()


def test_another_port_is_found_when_the_usual_one_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.preferred("127.0.0.1", port) != port
    assert ports.preferred("127.0.0.1", port) == port
