"""Every rendered object on a real API server, in a namespace with the restricted level enforced."""

import copy
import json

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.chart.helm import NAMESPACE, ROOT, Body, Helm, Kubectl, found
from tests.integration.chart.matrix import OPTIONS

RESTRICTED = {
    f"pod-security.kubernetes.io/{what}": "restricted" for what in ("enforce", "audit", "warn")
}


@pytest.fixture(scope="module", autouse=True)
def namespaces(cluster: ControlPlane, kubectl: Kubectl) -> None:
    """The namespaces that the matrix names, and the kinds of prometheus-operator."""
    for name in (NAMESPACE, "shop", "retail", "123"):
        path = f"/api/v1/namespaces/{name}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        body["metadata"]["labels"] = RESTRICTED  # type: ignore[index]
        cluster.client.apply(path, body)
    crds = ROOT / "tests" / "integration" / "chart" / "monitoring_crds.yaml"
    kubectl.output("apply", "--server-side", "-f", str(crds))
    kubectl.output("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


@pytest.fixture(scope="module")
def accepted() -> set[str]:
    """Objects that the API server has accepted already, as text: it need not be asked again."""
    return set()


@pytest.mark.parametrize("name", OPTIONS)
def test_every_object_and_pod_is_accepted(
    helm: Helm, kubectl: Kubectl, accepted: set[str], name: str
) -> None:
    objects = helm.render(OPTIONS[name])
    texts = {json.dumps(one, sort_keys=True): one for one in [*objects, pod(objects)]}
    new = texts.keys() - accepted

    assert kubectl.refuses([texts[text] for text in new]) == ""

    accepted |= new


def test_a_pod_with_more_rights_would_not_be(helm: Helm, kubectl: Kubectl) -> None:
    made = pod(helm.render({"securityContext": {"allowPrivilegeEscalation": True}}))

    assert 'violates PodSecurity "restricted:latest"' in kubectl.refuses([made])


def pod(objects: list[Body]) -> Body:
    """A pod as the (first) Deployment would make it."""
    deployment, *_ = found(objects, "Deployment")
    template = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"] |= {"name": "one", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", **template}
