"""HTTPRoutes on an API server without a gateway."""

from e2e.gateway.resources import route_definition
from tests.integration.custom_resources import APPLY, Api
from tests.integration.operator.harness import wait_until

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install_routes(api: Api) -> None:
    """Install the definition as the Gateway API ships it, and wait until it is served."""
    body = route_definition()
    path = f"{_DEFINITIONS}/{body['metadata']['name']}"
    api.send("PATCH", path, body, content_type=APPLY, fieldManager="tests", force="true")

    def served() -> bool:
        conditions = api.get(path).get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    wait_until(served, "HTTPRoutes are served")
