"""The API server with the CRDs and the Gateway API's HTTPRoute, and the stories running on it."""

from collections.abc import Iterator

import pytest
import yaml

from e2e.cluster.controlplane import ControlPlane
from e2e.gateway.resources import module_folder
from tests.integration.custom_resources import APPLY, Api, install
from tests.integration.operator.harness import wait_until
from tests.integration.rollouts.stories import Stories

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A story may have to wait for others that began before it."""
    for item in items:
        if hasattr(getattr(item, "function", None), "rollout_story"):
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session", autouse=True)
def stories(control_plane: ControlPlane, request: pytest.FixtureRequest) -> Iterator[Stories]:
    """The stories that were selected, in the order of the tests."""
    api = Api(control_plane.kubeconfig)
    install(api)
    _install_routes(api)
    functions = [getattr(item, "function", None) for item in request.session.items]
    told = [each.rollout_story for each in functions if hasattr(each, "rollout_story")]
    begun = Stories(control_plane, told)
    yield begun
    begun.close()
    api.close()


def _install_routes(api: Api) -> None:
    folder = module_folder("sigs.k8s.io/gateway-api") / "config" / "crd" / "experimental"
    text = (folder / "gateway.networking.k8s.io_httproutes.yaml").read_text()
    body = yaml.safe_load(text)
    path = f"{_DEFINITIONS}/{body['metadata']['name']}"
    api.send("PATCH", path, body, content_type=APPLY, fieldManager="tests", force="true")

    def served() -> bool:
        conditions = api.get(path).get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    wait_until(served, "HTTPRoutes are served")
