"""Generates `crds/` from the API models: `make generate`."""

from typing import Any

import yaml

from resilience_operator.api.structural import Schema, structural_schema
from resilience_operator.api.v1alpha1.base import GROUP, VERSION
from tools.generated import main
from tools.resources import RESOURCES, Column, Resource

_HEADER = "# Generated from the API models by `make generate`: change those, not this.\n"
_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
    "#types-kinds"
)


def root_schema(resource: Resource) -> Schema:
    """The schema of the whole object."""
    schema: Schema = {
        "description": resource.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": _API_VERSION, "type": "string"},
            "kind": {"description": _KIND, "type": "string"},
            "metadata": {"type": "object"},
            "spec": structural_schema(resource.spec, defaults=True),
            "status": structural_schema(resource.status, defaults=False),
        },
    }
    if resource.rules:
        schema["x-kubernetes-validations"] = [rule.as_schema() for rule in resource.rules]
    return schema


def _column(column: Column) -> dict[str, Any]:
    wire: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        wire["description"] = column.description
    if column.wide:
        wire["priority"] = 1
    return wire


def build_crd(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition of a resource."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short_name],
                "categories": ["resilience"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(one) for one in resource.columns],
                    "schema": {"openAPIV3Schema": root_schema(resource)},
                }
            ],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Writes equal values out each time: anchors have no place in a manifest."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render() -> dict[str, str]:
    """The text of every CRD file, and of the kustomization that lists them, by file name."""
    crds = {f"{GROUP}_{resource.plural}.yaml": build_crd(resource) for resource in RESOURCES}
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(crds),
    }
    return {
        name: _HEADER + yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=100)
        for name, content in {**crds, "kustomization.yaml": kustomization}.items()
    }


if __name__ == "__main__":
    main(render, default_folder="crds")
