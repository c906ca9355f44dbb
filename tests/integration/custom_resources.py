"""The CRDs installed on a test's API server, and requests about objects of theirs."""

import json
import time
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config

GROUP, VERSION = "resilience.aidrive.dev", "v1alpha1"
CRDS = Path(__file__).parents[2] / "crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"

Body = dict[str, Any]


class RefusedError(Exception):
    """The API server's answer was an error; `message` is the one of its Status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Api:
    """Requests through the Kubernetes client's connection, any path and any content type."""

    def __init__(self, kubeconfig: Path) -> None:
        configuration = client.Configuration()
        config.load_kube_config(str(kubeconfig), client_configuration=configuration)
        configuration.proxy = None
        self._client = client.ApiClient(configuration)

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        content_type: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> tuple[Body, list[str]]:
        """The decoded answer and the warnings that came with it."""
        request = self._client.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": accept, "Content-Type": content_type},
            body=body,
        )
        response = self._client.call_api(*request)
        response.read()
        answer = json.loads(response.data or b"{}")
        if response.status >= 400:
            raise RefusedError(response.status, answer["message"])
        headers = urllib3.HTTPHeaderDict(response.getheaders())
        return answer, headers.getlist("Warning")

    def get(self, path: str) -> Body:
        return self.send("GET", path)[0]


def objects(namespace: str, plural: str, name: str = "") -> str:
    """The path of a collection of custom resources, or of one of them."""
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}"
    return f"{path}/{name}" if name else path


def definitions() -> list[Body]:
    """The CRDs as they are in `crds/`."""
    return [yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob(f"{GROUP}_*.yaml"))]


def install(api: Api) -> list[str]:
    """Apply every CRD and wait until it is served; the warnings that came with it."""
    warnings = []
    for definition in definitions():
        path = f"{DEFINITIONS}/{definition['metadata']['name']}"
        _, said = api.send(
            "PATCH",
            path,
            definition,
            content_type=APPLY,
            fieldManager="tests",
            fieldValidation="Strict",
        )
        warnings += said
    for definition in definitions():
        wait_until_served(api, definition)
    return warnings


def conditions(api: Api, definition: Body) -> dict[str, Body]:
    """The conditions that the API server gives a CRD, by type."""
    stored = api.get(f"{DEFINITIONS}/{definition['metadata']['name']}")
    return {one["type"]: one for one in stored.get("status", {}).get("conditions", [])}


def wait_until_served(api: Api, definition: Body) -> None:
    """Established comes first; the paths are served a moment later."""
    deadline = time.monotonic() + 30
    collection = objects("default", definition["spec"]["names"]["plural"])
    while time.monotonic() < deadline:
        if conditions(api, definition).get("Established", {}).get("status") == "True":
            try:
                api.get(collection)
            except RefusedError as refused:
                if refused.status != 404:
                    raise
            else:
                return
        time.sleep(0.05)
    raise AssertionError(f"{collection} is not served: {conditions(api, definition)}")
