"""Generates the chart's copy of the Prometheus rules: `make generate`."""

from tools.generated import main
from tools.rulesgen import render as render_rules

FILE = "resilience.rules.yaml"


def render() -> dict[str, str]:
    """The rules file alone: the chart makes its own PrometheusRule of it."""
    return {FILE: render_rules()[FILE]}


if __name__ == "__main__":
    main(render, default_folder="charts/resilience-operator/rules", source="the rules")
