"""What the generator makes of the models: structural, described, bounded, and in sync."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from resilience_operator.api.structural import Schema, UnsupportedSchemaError, structural_schema
from resilience_operator.api.v1alpha1.rules import Rule, at_most, exactly_one, rules, says
from tools import ROOT, crdgen, docgen
from tools.generated import out_of_date, write
from tools.resources import RESOURCES, Resource

RULES = "x-kubernetes-validations"
NOT_STRUCTURAL = {
    "$ref",
    "$defs",
    "anyOf",
    "oneOf",
    "allOf",
    "title",
    "nullable",
    "propertyNames",
    "x-kubernetes-preserve-unknown-fields",
}


def nodes(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """A schema and all below it, with their paths."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for part in ("items", "additionalProperties"):
        if part in schema:
            yield from nodes(schema[part], f"{path}[]")


def part(resource: Resource, name: str) -> Schema:
    schema: Schema = crdgen.root_schema(resource)["properties"][name]
    return schema


ALL = [
    pytest.param(path, node, id=f"{resource.short_name}:{path}")
    for resource in RESOURCES
    for name in ("spec", "status")
    for path, node in nodes(part(resource, name), name)
]


@pytest.mark.parametrize(("path", "node"), ALL)
def test_every_node_is_structural_and_bounded(path: str, node: Schema) -> None:
    assert not NOT_STRUCTURAL & node.keys()
    assert "type" in node
    if node["type"] == "array":
        assert "maxItems" in node
    if node["type"] == "string":
        assert "enum" in node or "maxLength" in node
    if "additionalProperties" in node:
        assert "maxProperties" in node
    if node["type"] == "integer":
        assert "minimum" in node


@pytest.mark.parametrize(("path", "node"), ALL)
def test_every_field_is_described(path: str, node: Schema) -> None:
    if path.endswith("[]") and node["type"] != "object":
        return
    assert len(node["description"].split()) >= 3
    assert node["description"].endswith(".")


@pytest.mark.parametrize(("path", "node"), ALL)
def test_every_rule_points_at_a_field_and_says_something(path: str, node: Schema) -> None:
    for rule in node.get(RULES, ()):
        assert len(rule["message"].split()) >= 5
        assert "\n" not in rule["rule"] + rule["message"]
        at = node
        for name in rule.get("fieldPath", "").split(".")[1:]:
            at = at["properties"][name]


@pytest.mark.parametrize(("path", "node"), ALL)
def test_keys_of_a_list_are_required(path: str, node: Schema) -> None:
    for key in node.get("x-kubernetes-list-map-keys", ()):
        assert key in node["items"]["required"]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.kind)
def test_only_a_spec_has_defaults(resource: Resource) -> None:
    assert not [
        path for path, node in nodes(part(resource, "status"), "status") if "default" in node
    ]


def test_a_policy_has_its_defaults() -> None:
    spec = part(RESOURCES[0], "spec")

    assert spec["properties"]["mode"]["default"] == "Enforce"
    assert spec["properties"]["levels"]["default"] == {
        "optimal": 90,
        "degraded": 70,
        "limited": 50,
        "minimal": 20,
    }
    assert "configMapName" not in spec["properties"]["flags"]["default"]
    assert "default" not in spec["properties"]["features"]
    assert "default" not in spec["properties"]["rollout"]
    assert spec["properties"]["rollout"]["properties"]["steps"]["default"] == [
        {"weight": 5, "holdSeconds": 3600},
        {"weight": 25, "holdSeconds": 7200},
        {"weight": 100, "holdSeconds": 21600},
    ]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.kind)
def test_a_column_reads_a_field_that_is_there(resource: Resource) -> None:
    schema = {"properties": {**crdgen.root_schema(resource)["properties"]}}
    schema["properties"]["metadata"] = {"properties": {"creationTimestamp": {}}}
    for column in resource.columns:
        at = schema
        for name in re.findall(r"\.(\w+)", re.sub(r"\[\?\(.*?\)\]", "", column.path)):
            at = at.get("items", at)["properties"][name]


def test_the_definition_is_namespaced_with_a_status_and_names() -> None:
    spec = crdgen.build_crd(RESOURCES[1])["spec"]

    assert spec["scope"] == "Namespaced"
    assert spec["names"]["shortNames"] == ["dl"]
    assert spec["names"]["categories"] == ["resilience"]
    assert spec["versions"][0]["subresources"] == {"status": {}}


@pytest.mark.parametrize(("generator", "folder"), [(crdgen, "crds"), (docgen, "docs/reference")])
def test_generated_files_are_what_the_models_say(generator: Any, folder: str) -> None:
    assert generator.render() == generator.render()
    assert out_of_date(ROOT / folder, generator.render()) == []


def test_definitions_are_plain_yaml() -> None:
    files = crdgen.render()
    kustomization = yaml.safe_load(files.pop("kustomization.yaml"))

    assert kustomization["resources"] == sorted(files)
    for text in files.values():
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"
        assert not re.search(r"[&*]id\d", text)


def test_a_difference_is_named(tmp_path: Path) -> None:
    files = {"a.yaml": "a", "b.yaml": "b"}
    write(tmp_path, files)
    assert out_of_date(tmp_path, files) == []

    (tmp_path / "a.yaml").write_text("changed")
    (tmp_path / "b.yaml").unlink()
    (tmp_path / "stale.yaml").write_text("")

    assert out_of_date(tmp_path, files) == ["a.yaml", "b.yaml", "stale.yaml"]


class Inner(BaseModel):
    """An inner model."""

    model_config = ConfigDict(json_schema_extra=rules(Rule("self.a > 0", "a must be more than 0")))

    a: int = 1


class Outer(BaseModel):
    """An outer model."""

    inner: Inner | None = Field(
        default=None,
        description="The field.",
        json_schema_extra=rules(Rule("self.a < 9", "a must be less than 9")),
    )
    word: Annotated[str, Field(pattern=r"^a\d$", json_schema_extra=says("must be a word"))]


def test_rules_and_descriptions_of_type_and_field_add_up() -> None:
    inner = structural_schema(Outer, defaults=True)["properties"]["inner"]

    assert inner["description"] == "The field. An inner model."
    assert [rule["rule"] for rule in inner[RULES]] == ["self.a > 0", "self.a < 9"]
    assert "default" not in inner


def test_a_pattern_with_a_message_becomes_a_rule() -> None:
    word = structural_schema(Outer, defaults=True)["properties"]["word"]

    assert word == {
        "type": "string",
        RULES: [{"rule": r'self.matches("^a\\d$")', "message": "must be a word"}],
    }


class TwoTypes(BaseModel):
    """A field that takes two types."""

    share: int | str


class Exotic(BaseModel):
    """A field with a key that has no translation."""

    share: Annotated[int, Field(multiple_of=5)]


@pytest.mark.parametrize("model", [TwoTypes, Exotic])
def test_what_has_no_translation_is_refused_by_name(model: type[BaseModel]) -> None:
    with pytest.raises(UnsupportedSchemaError, match=f"{model.__name__}.share"):
        structural_schema(model, defaults=True)


def test_rules_are_spelt_for_the_api_server() -> None:
    assert at_most("low", "high", "raise high").as_schema() == {
        "rule": "self.low <= self.high",
        "message": "low must not be more than high: raise high",
        "messageExpression": "'low (%d) must not be more than high (%d): raise high'"
        ".format([self.low, self.high])",
        "fieldPath": ".low",
    }
    assert exactly_one(("a", "b"), "one of a and b").as_schema() == {
        "rule": "[has(self.a), has(self.b)].filter(given, given).size() == 1",
        "message": "one of a and b",
    }


def test_the_reference_shows_types_defaults_and_bounds() -> None:
    text = docgen.render()["resiliencepolicy.md"]

    assert (
        "| `spec.dependencies[].probe.intervalSeconds` | integer | `10` | 1 to 3600 | Seconds"
        in text
    )
    assert "| `spec.features[].states` | map to string | required | 1 to 5 keys |" in text
    assert "default: &lt;policy>-flags" in text
    assert "| `{weight: 5, holdSeconds: 3600}`, `{weight: 25, holdSeconds: 7200}`, `{" in text
    assert "| `spec.rollout.analysis.metrics[].max` | number |  | at least 0 |" in text
    assert "- states must name OPTIMAL" in text
