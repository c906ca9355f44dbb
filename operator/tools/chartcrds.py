"""Generates the chart's CRD templates from the CRDs: `make generate`.

Templates and not the chart's `crds/` folder: helm never upgrades nor removes what lies there.
"""

import re

from tools.crdgen import render as render_crds
from tools.generated import main

_OPENING = """\
{{- /* Generated from the API models by `make generate`: change those, not this. */}}
{{- if .Values.crds.enabled }}
"""
_METADATA = """\
  labels:
    {{- include "resilience-operator.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
"""


def template(crd: str) -> str:
    """The template of a CRD, given as the text of its file."""
    body = "".join(line for line in crd.splitlines(keepends=True) if not line.startswith("#"))
    escaped = body.replace("{{", '{{ "{{" }}')
    with_metadata, count = re.subn(
        r"^(metadata:\n  name: \S+\n)", lambda found: found[1] + _METADATA, escaped, flags=re.M
    )
    if count != 1:
        raise ValueError(f"expected the metadata of one CRD with nothing but a name, not {count}")
    return _OPENING + with_metadata + "{{- end }}\n"


def render() -> dict[str, str]:
    """The text of every template, by file name."""
    crds = {name: text for name, text in render_crds().items() if name != "kustomization.yaml"}
    return {name: template(text) for name, text in crds.items()}


if __name__ == "__main__":
    main(render, default_folder="charts/resilience-operator/templates/crds")
