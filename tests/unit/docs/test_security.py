"""What the security page says of the API, as far as no other test does."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.custom_resources import definitions

KINDS = {one["spec"]["names"]["kind"]: one for one in definitions()}


def fields(schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child.get("items", child), f"{path}.{name}")


@pytest.mark.parametrize("kind", KINDS)
def test_no_reference_leads_to_another_namespace(kind: str) -> None:
    (version,) = KINDS[kind]["spec"]["versions"]
    found = dict(fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"]))

    assert len(found) > 10
    assert [path for path in found if "namespace" in path.lower()] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_and_list_is_bounded(kind: str) -> None:
    (version,) = KINDS[kind]["spec"]["versions"]
    for path, schema in fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"]):
        if schema["type"] == "string":
            assert "maxLength" in schema or "enum" in schema, path
        if schema["type"] == "array":
            assert "maxItems" in schema, path


def test_tls_is_always_verified() -> None:
    (version,) = KINDS["ResiliencePolicy"]["spec"]["versions"]
    found = fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"])
    names = {path.rsplit(".", 1)[1].lower() for path, _ in found if ".tls." in path}

    assert names >= {"casecretref", "servername"}
    assert [name for name in names if "insecure" in name or "skip" in name] == []
