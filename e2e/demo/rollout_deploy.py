"""Puts what a rollout needs on the demo's cluster: gateway, Prometheus, the application's two arms.

It comes on top of the demo as `e2e.demo.deploy` leaves it. The walk through a rollout is not here.
"""

import json

from e2e.cluster.errors import ClusterError
from e2e.demo.deploy import (
    ARCHIVE_ANNOTATION,
    NAMESPACE,
    Say,
    Steps,
    apply,
    deploy,
    run_module,
    wait_available,
)
from e2e.demo.kubectl import Kubectl
from e2e.gateway.cli import of_cluster as gateway_of

STABLE = "dashboard"
CANARY = "dashboard-canary"
ROUTE = "dashboard"
HOST = "inventario.example"


def deploy_rollout(name: str, provider: str, say: Say) -> tuple[Kubectl, str]:
    """Everything up to, and not including, the policy; and the gateway's URL. Safe to run again."""
    kubectl = deploy(name, provider, say)
    return kubectl, add_edge(name, kubectl, say)


def apply_rollout_policy(kubectl: Kubectl) -> None:
    """The reference policy with `spec.rollout`."""
    apply(kubectl, "-f", "manifests/demo-rollout/policy-rollout.yaml")


def add_edge(name: str, kubectl: Kubectl, say: Say) -> str:
    """Gateway, Prometheus, canary and route on a demo that is there; the gateway's URL."""
    step = Steps(say)
    step("gateway: Contour and Envoy")
    run_module("e2e.gateway", "up", "--name", name)
    step("Prometheus")
    run_module("e2e.prometheus", "up", "--name", name)
    step("canary and route: kubectl apply -k manifests/demo-rollout")
    apply(kubectl, "-k", "manifests/demo-rollout")
    _renew_canary(kubectl)
    wait_available(kubectl, NAMESPACE, (STABLE, CANARY))
    await_route(kubectl)
    step.done()
    url = gateway_of(name).url()
    if url is None:
        raise ClusterError("the gateway went down again")
    return url


def remove_edge(name: str) -> None:
    """Prometheus and the gateway, with its definitions and every route; the arms stay."""
    run_module("e2e.prometheus", "down", "--name", name)
    run_module("e2e.gateway", "down", "--name", name)


def set_weights(kubectl: Kubectl, canary: int) -> None:
    """Divide the traffic by hand, and wait until the gateway says that it has taken it in."""
    weights = enumerate((100 - canary, canary))
    patch = [
        {"op": "replace", "path": f"/spec/rules/0/backendRefs/{place}/weight", "value": weight}
        for place, weight in weights
    ]
    kubectl.run(
        "-n", NAMESPACE, "patch", "httproute", ROUTE, "--type=json", f"--patch={json.dumps(patch)}"
    )
    await_route(kubectl)


def await_route(kubectl: Kubectl) -> None:
    """Wait until the gateway has accepted the route as it is now."""
    generation = kubectl.get("-n", NAMESPACE, "httproute", ROUTE)["metadata"]["generation"]
    condition = '.status.parents[0].conditions[?(@.type=="Accepted")]'
    for field, value in (("observedGeneration", generation), ("status", "True")):
        kubectl.run(
            "-n", NAMESPACE, "wait", f"httproute/{ROUTE}", "--timeout=30s",
            f"--for=jsonpath={{{condition}.{field}}}={value}",
        )  # fmt: skip


def _renew_canary(kubectl: Kubectl) -> None:
    """New pods, if the image was built anew; its template must not change, as that is a release."""
    last, built = (
        kubectl.get("-n", NAMESPACE, "deployment", name)["metadata"]
        .get("annotations", {})
        .get(ARCHIVE_ANNOTATION)
        for name in (CANARY, STABLE)
    )
    if built is None or last == built:
        return
    mark = f"{ARCHIVE_ANNOTATION}={built}"
    kubectl.run("-n", NAMESPACE, "annotate", "--overwrite", f"deployment/{CANARY}", mark)
    if last is not None:
        kubectl.run("-n", NAMESPACE, "delete", "pod", "-l", f"app.kubernetes.io/name={CANARY}")
