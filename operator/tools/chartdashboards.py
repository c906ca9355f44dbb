"""Generates the chart's copy of the dashboards: `make generate`."""

from tools.dashgen import render
from tools.generated import main

if __name__ == "__main__":
    main(
        render,
        default_folder="charts/resilience-operator/dashboards",
        source="the dashboards",
    )
