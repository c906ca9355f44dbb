"""The YAML of the documentation as whole objects: what is a piece of one is put into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from e2e.docs.pages import ROOT, Block, pages
from resilience_operator.api.v1alpha1.base import API_VERSION
from resilience_operator.api.v1alpha1.policy import PolicySpec

Body = dict[str, Any]

VALUES = ROOT / "charts" / "resilience-operator" / "values.yaml"
_POLICY_FIELDS = {field.alias or name for name, field in PolicySpec.model_fields.items()}
_POD_FIELDS = {"containers", "volumes"}
_DEPENDENCY = {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db:5432"}}}


@dataclass(frozen=True)
class Document:
    """One object, or the values of a Helm release, and where the page has it."""

    where: str
    body: Body
    values: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is of one of the two kinds."""
        return not self.values and self.body["apiVersion"] == API_VERSION


def documents() -> Iterator[Document]:
    """Every document of every block without a mark; AssertionError for what is none of these."""
    for page in pages():
        for block in page.of("yaml"):
            for body in () if block.mark else yaml.safe_load_all(block.text):
                yield _document(block, body)


def _document(block: Block, body: Body) -> Document:
    keys = set(body)
    if {"apiVersion", "kind"} <= keys:
        return Document(block.where, body)
    if keys <= _POLICY_FIELDS:
        return Document(block.where, _policy(body))
    if keys <= _POD_FIELDS:
        return Document(block.where, _pod(body))
    if keys <= set(yaml.safe_load(VALUES.read_text())):
        return Document(block.where, body, values=True)
    raise AssertionError(
        f"{block.where}: neither an object, nor fields of a policy's spec or of a pod's, nor "
        "values of the chart; put a mark before it if no test can try it: "
        "<!-- not run in CI: needs … -->"
    )


def _policy(spec: Body) -> Body:
    spec = {"dependencies": [_DEPENDENCY], **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "ResiliencePolicy",
        "metadata": {"name": "piece"},
        "spec": spec,
    }


def _pod(spec: Body) -> Body:
    containers = [
        {"name": "app", "image": "app:1", **each} for each in spec.get("containers", [{}])
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "piece"},
        "spec": {**spec, "containers": containers},
    }
