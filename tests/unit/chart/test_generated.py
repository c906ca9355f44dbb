"""The generated parts of the chart are what their sources say, and its settings the operator's."""

import json
from typing import Any

import pytest
import yaml

from resilience_operator.settings import Settings
from tools import ROOT, chartcrds, chartdashboards, chartdoc, chartrules
from tools.chartdoc import CHART, UndocumentedValueError, values
from tools.generated import out_of_date
from tools.rules import RUNBOOKS

# The downward API gives the first two; the others are values of their own.
NOT_IN_SETTINGS = {
    *("identity", "namespace"),
    *("watch_namespaces", "policy_selector", "otlp_endpoint", "trace_ratio"),
}


def schema() -> dict[str, Any]:
    return dict(json.loads((CHART / "values.schema.json").read_text()))


def default_values() -> dict[str, Any]:
    return dict(yaml.safe_load((CHART / "values.yaml").read_text()))


def default_settings() -> dict[str, Any]:
    return dict(default_values()["settings"])


def snake(camel: str) -> str:
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in camel)


def test_the_crd_templates_are_in_sync() -> None:
    assert out_of_date(CHART / "templates" / "crds", chartcrds.render()) == []


def test_the_rules_are_in_sync() -> None:
    assert out_of_date(CHART / "rules", chartrules.render()) == []


def test_the_dashboards_are_in_sync() -> None:
    assert out_of_date(CHART / "dashboards", chartdashboards.render()) == []


def test_the_readme_is_in_sync() -> None:
    assert out_of_date(CHART, chartdoc.render(), alone=False) == []


def test_a_crd_template_escapes_what_helm_would_fill_in() -> None:
    made = chartcrds.template("# x\nkind: C\nmetadata:\n  name: a.b\nspec: 'a {{ b }}'\n")

    assert "spec: 'a {{ \"{{\" }} b }}'" in made
    assert "helm.sh/resource-policy: keep" in made


def test_a_crd_that_has_metadata_of_its_own_is_refused() -> None:
    with pytest.raises(ValueError, match="not 0"):
        chartcrds.template("kind: C\nmetadata:\n  labels: {}\n")


def test_a_value_without_a_comment_or_a_schema_is_refused() -> None:
    known = {"properties": {"a": {"type": "string"}}}

    with pytest.raises(UndocumentedValueError, match="a has no comment"):
        list(values("# something else\na: x\n", known))
    with pytest.raises(UndocumentedValueError, match="does not know b"):
        list(values("# -- Known.\na: x\n# -- Not.\nb: x\n", known))


def test_a_comment_of_two_lines_is_one_text() -> None:
    (one,) = values("# -- First\n# second.\na: x\n", {"properties": {"a": {"type": "string"}}})

    assert (one.path, one.text, one.default) == ("a", "First second.", "x")


def test_every_setting_of_the_operator_is_a_value() -> None:
    names = {snake(name) for name in default_settings()}

    assert names == Settings.model_fields.keys() - NOT_IN_SETTINGS
    assert schema()["properties"]["settings"]["properties"].keys() == default_settings().keys()


def test_the_defaults_are_the_operators_own() -> None:
    own = Settings(identity="x", namespace="x").model_dump(mode="json")
    given = {snake(name): value for name, value in default_settings().items()}

    different = {name for name in given if (given[name] or None) != (own[name] or None)}
    assert different == {"lease_name"}  # that of the release
    tracing = {"endpoint": own["otlp_endpoint"], "ratio": own["trace_ratio"]}
    assert default_values()["tracing"] == tracing


def test_the_chart_links_the_runbooks_that_the_rules_link() -> None:
    assert default_values()["metrics"]["prometheusRule"]["runbookUrl"] == RUNBOOKS


def test_the_chart_has_the_version_of_the_operator() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert f'version = "{chart["appVersion"]}"' in (ROOT / "pyproject.toml").read_text()
    assert chart["version"] == chart["appVersion"]  # a release looks for an archive of that name


def objects(node: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found = [(path, node)] if "properties" in node else []
    for name, child in node.get("properties", {}).items():
        found += objects(child, f"{path}.{name}")
    return found


@pytest.mark.parametrize(
    ("path", "node"),
    [pytest.param(path, node, id=path or "values") for path, node in objects(schema())],
)
def test_no_level_takes_a_misspelt_value(path: str, node: dict[str, Any]) -> None:
    assert node["additionalProperties"] is False
