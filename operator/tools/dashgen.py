"""Generates the dashboards for Grafana: `make generate`."""

import json

from tools.dashboards.building import Dashboard
from tools.dashboards.fleet import FLEET
from tools.dashboards.policy import POLICY
from tools.dashboards.rollouts import ROLLOUTS
from tools.generated import main

DASHBOARDS: tuple[Dashboard, ...] = (FLEET, POLICY, ROLLOUTS)


def render() -> dict[str, str]:
    """The text of each dashboard, by file name."""
    return {
        f"{each.uid}.json": json.dumps(each.build(), indent=2, ensure_ascii=False) + "\n"
        for each in DASHBOARDS
    }


if __name__ == "__main__":
    main(render, default_folder="manifests/monitoring/dashboards")
