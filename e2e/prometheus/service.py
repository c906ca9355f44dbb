"""The name by which pods reach a Prometheus that is no pod: a Service without a selector."""

from typing import Any

from e2e.prometheus.config import NAMESPACE

NAME = "prometheus"
PORT = 9090
_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "inventario"}


def metadata() -> dict[str, Any]:
    """What every object of Prometheus is called."""
    return {"name": NAME, "namespace": NAMESPACE, "labels": dict(_LABELS)}


def service(selector: dict[str, str] | None = None) -> dict[str, Any]:
    """The Service; with no selector, the addresses behind it are given beside it."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(),
        "spec": {"ports": [{"name": "http", "port": PORT}], "selector": selector},
    }


def endpoints(address: str, port: int) -> dict[str, Any]:
    """The one address behind the Service."""
    meta = metadata()
    meta["labels"]["kubernetes.io/service-name"] = NAME
    meta["labels"]["endpointslice.kubernetes.io/managed-by"] = "resilience-operator-e2e"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }
