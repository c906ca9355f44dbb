"""The definitions: served, in this program's version of the API, with this program's schema.

The API server publishes every schema to whoever may log in, so this needs no right to the
definitions themselves.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from resilience_operator.api.structural import Schema, structural_schema
from resilience_operator.api.v1alpha1.base import API_VERSION
from resilience_operator.api.v1alpha1.level import LevelSpec, LevelStatus
from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    Found,
    failed,
    listed,
    passed,
    unseen,
    warned,
)

DOCUMENT = f"/openapi/v3/apis/{API_VERSION}"
_MODELS: Mapping[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "ResiliencePolicy": (PolicySpec, PolicyStatus),
    "DegradationLevel": (LevelSpec, LevelStatus),
}
_TOLD = 3
_APPLY = "apply the CRDs of this version: helm upgrade, or kubectl apply --server-side -k crds"


def judge(document: Found) -> Iterator[Check]:
    """A check for each kind, from what the API server publishes of the group and version."""
    for kind, (spec, status) in _MODELS.items():
        name = f"CRD {kind}"
        if isinstance(document, Denied):
            yield unseen(name, document, "Log in with a user who may read /openapi/v3.")
            continue
        schema = _published(document or {}, kind)
        if schema is None:
            yield failed(
                name, f"The cluster serves no {kind} of {API_VERSION}.", f"Not installed: {_APPLY}."
            )
            continue
        parts = schema.get("properties") or {}
        yield _compared(
            name,
            (
                *differences(structural_schema(spec, defaults=True), parts.get("spec"), "spec"),
                *differences(
                    structural_schema(status, defaults=False), parts.get("status"), "status"
                ),
            ),
        )


def differences(ours: Schema, theirs: Schema | None, path: str) -> Iterator[tuple[str, str]]:
    """Where schemas differ, as (`lacks` | `adds` | `differs`, path). Descriptions do not count."""
    if theirs is None:
        yield "lacks", path
        return
    mine, other = _children(ours), _children(theirs)
    for child in sorted(mine.keys() | other.keys()):
        below = f"{path}{child}"
        if child not in mine:
            yield "adds", below
        else:
            yield from differences(mine[child], other.get(child), below)
    if _own(ours) != _own(theirs):
        yield "differs", path


def _compared(name: str, found: Sequence[tuple[str, str]]) -> Check:
    by_kind = {
        word: [path for what, path in found if what == word]
        for word in ("lacks", "adds", "differs")
    }
    if not found:
        return passed(name, f"{API_VERSION} is served, with the schema of this program.")
    told = "; ".join(f"{_WORDS[word]} {_some(paths)}" for word, paths in by_kind.items() if paths)
    finding = f"The schema is of another version: it {told}."
    if by_kind["lacks"]:
        return failed(name, finding, f"Fields that it lacks are dropped without a word: {_APPLY}.")
    return warned(name, finding, f"Use the program of the cluster's version, or {_APPLY}.")


_WORDS = {"lacks": "lacks", "adds": "has besides", "differs": "has other rules for"}


def _published(document: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    schemas = (document.get("components") or {}).get("schemas") or {}
    for schema in schemas.values():
        for made in schema.get("x-kubernetes-group-version-kind") or ():
            if f"{made['group']}/{made['version']}" == API_VERSION and made["kind"] == kind:
                return dict(schema)
    return None


def _children(schema: Schema) -> dict[str, Schema]:
    """Schemas inside a schema, by what is put behind its path."""
    found = {f".{name}": child for name, child in (schema.get("properties") or {}).items()}
    for key, suffix in (("items", "[]"), ("additionalProperties", "[*]")):
        if isinstance(schema.get(key), dict):
            found[suffix] = schema[key]
    return found


def _own(schema: Schema) -> Schema:
    """What a schema says by itself."""
    apart = ("description", "properties", "items", "additionalProperties")
    return {key: value for key, value in schema.items() if key not in apart}


def _some(paths: Sequence[str]) -> str:
    more = len(paths) - _TOLD
    return listed([*paths[:_TOLD], *([f"{more} more"] if more > 0 else [])])
