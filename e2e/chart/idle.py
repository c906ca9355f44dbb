"""Ten policies of the reference's four dependencies that share nothing, in ten namespaces."""

from collections.abc import Iterator
from typing import Any

import yaml

from e2e.chart.live import reference
from e2e.demo.kubectl import ROOT

NAME = "idle"
PLACES = tuple(f"idle-{number}" for number in range(10))

Body = dict[str, Any]


def namespaces() -> Iterator[Body]:
    """Where they are; the chart can be told to let the operator read Secrets there."""
    for place in PLACES:
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}


def policies() -> Iterator[Body]:
    """Each with the Secrets that it needs, at the default pace: the servers are the demo's."""
    secrets = list(yaml.safe_load_all((ROOT / "manifests/demo/secrets.yaml").read_text()))
    for place in PLACES:
        for secret in secrets:
            yield {**secret, "metadata": {"name": secret["metadata"]["name"], "namespace": place}}
        policy = reference(NAME)
        policy["metadata"]["namespace"] = place
        for dependency in policy["spec"]["dependencies"]:
            dependency.pop("breaker")
            for field in ("intervalSeconds", "timeoutSeconds"):
                dependency["probe"].pop(field)
        yield policy
