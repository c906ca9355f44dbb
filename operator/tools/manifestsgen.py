"""Generates the manifests of an installation with kubectl alone from the chart: `make generate`.

`manifests/base` is what helm renders with the chart's defaults. An overlay is the difference to
that with other values: what is new, what changes, what goes. Needs helm, which is built here.
"""

import re
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

from e2e.cluster import build
from tools import ROOT
from tools.generated import main

CHART = ROOT / "charts" / "resilience-operator"
NAMESPACE = "resilience-system"
EXAMPLE_NAMESPACE = "shop"
BASE = "base"
_HEADER = "# Generated from the chart by `make generate`: change that, not this.\n"
_SOURCE = re.compile(r"\A# Source: \S+/templates/([a-z]+)\S*\.yaml\n")
# What only an object that helm looks after may say of itself.
_OF_HELM = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Overlay:
    """Values that differ from the defaults, and what that is good for."""

    about: str
    values: dict[str, Any]


OVERLAYS = {
    "cluster-secrets": Overlay(
        "The operator may get Secrets by name in every namespace.",
        {"rbac": {"clusterSecrets": True}},
    ),
    "namespaced": Overlay(
        f"The operator may act in the namespace `{EXAMPLE_NAMESPACE}` only, which has to exist.\n"
        "For others, copy this folder and put their names in its place: each needs a Role and a\n"
        "RoleBinding.",
        {"watchNamespaces": [EXAMPLE_NAMESPACE]},
    ),
}


@dataclass(frozen=True, slots=True)
class Document:
    """One rendered object, and the part of the chart that it comes from."""

    part: str
    text: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        body = yaml.safe_load(self.text)
        metadata = body["metadata"]
        return body["kind"], metadata.get("namespace", ""), metadata["name"]


Documents = dict[tuple[str, str, str], Document]


def render() -> dict[str, str]:
    """The text of every file, by its path below `manifests`."""
    base = documents({})
    files = {f"{BASE}/{name}": text for name, text in _base(base).items()}
    for folder, overlay in OVERLAYS.items():
        made = _overlay(overlay.about, base, documents(overlay.values))
        files |= {f"overlays/{folder}/{name}": text for name, text in made.items()}
    return files


def documents(values: dict[str, Any]) -> Documents:
    """What the chart renders with these values, without the CRDs: those have a folder."""
    helm = build.ensure(["helm"])["helm"]
    done = subprocess.run(
        [helm, "template", CHART.name, str(CHART), "--namespace", NAMESPACE, "--values", "-"],
        input=yaml.safe_dump({**values, "crds": {"enabled": False}}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"helm cannot render the chart: {done.stderr.strip()}")
    found = [_document(text) for text in re.split(r"^---\n", done.stdout, flags=re.MULTILINE)]
    return {each.identity: each for each in found if each is not None}


def _document(text: str) -> Document | None:
    source = _SOURCE.match(text)
    if source is None or yaml.safe_load(text) is None:
        return None
    return Document(source[1], _OF_HELM.sub("", text[source.end() :]).rstrip() + "\n")


def _base(found: Documents) -> dict[str, str]:
    parts: dict[str, list[str]] = {}
    for document in found.values():
        parts.setdefault(document.part, []).append(document.text)
    files = {f"{part}.yaml": _file(texts) for part, texts in parts.items()}
    files["namespace.yaml"] = _namespace()
    files["kustomization.yaml"] = _kustomization(
        "The operator as it is installed with kubectl alone: "
        "kubectl apply --server-side -k manifests/base",
        {"resources": ["../../crds", "namespace.yaml", *sorted(files.keys() - {"namespace.yaml"})]},
    )
    return files


def _overlay(about: str, base: Documents, found: Documents) -> dict[str, str]:
    new = [found[key].text for key in found if key not in base]
    patches = {
        **{key: found[key].text for key in found if key in base and found[key] != base[key]},
        **{key: _deletion(base[key].text) for key in base if key not in found},
    }
    files = {
        f"{kind.lower()}-{name}.yaml": _file([text]) for (kind, _, name), text in patches.items()
    }
    content: dict[str, Any] = {"resources": [f"../../{BASE}", "additions.yaml"]}
    if files:
        content["patches"] = [{"path": name} for name in files]
    files["additions.yaml"] = _file(new)
    files["kustomization.yaml"] = _kustomization(about, content)
    return files


def _deletion(text: str) -> str:
    """The patch that takes a cluster-wide object away."""
    body = yaml.safe_load(text)
    return _yaml(
        {
            "apiVersion": body["apiVersion"],
            "kind": body["kind"],
            "metadata": {"name": body["metadata"]["name"]},
            "$patch": "delete",
        }
    )


def _namespace() -> str:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return _HEADER + _yaml(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": labels},
        }
    )


def _kustomization(about: str, content: dict[str, Any]) -> str:
    opening = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    comment = "".join(f"# {line}\n" for line in about.splitlines())
    return _HEADER + comment + _yaml({**opening, **content})


def _file(texts: list[str]) -> str:
    return _HEADER + "---\n".join(texts)


def _yaml(content: dict[str, Any]) -> str:
    return yaml.safe_dump(content, sort_keys=False, width=100)


if __name__ == "__main__":
    main(render, default_folder="manifests", source="the chart")
