"""Every query of every panel gets data from a real Prometheus that scraped a real operator.

The operator goes through an outage and a rollout, and is asked during the rollout and at the end.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import Api, install
from tests.integration.monitoring.prometheus import RealPrometheus
from tests.integration.operator.harness import wait_until
from tests.integration.operator.policies import NAME
from tests.integration.operator.workloads import pods
from tests.integration.rollouts.shop import STABLE, Shop, opened
from tests.integration.routes import install_routes
from tools.dashboards.building import Dashboard
from tools.dashgen import DASHBOARDS

RULES = Path(__file__).parents[3] / "manifests" / "monitoring" / "rules" / "resilience.rules.yaml"


@pytest.fixture
def shop(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Shop]:
    api = Api(control_plane.kubeconfig)
    install(api)
    install_routes(api)
    with opened(control_plane, api, namespace, tmp_path) as made:
        yield made
    api.close()


def queries(dashboard: Dashboard, namespace: str) -> dict[str, str]:
    """Every query of a dashboard by its panel, with Grafana's variables filled in."""
    chosen = {
        "$namespace": namespace,
        "$policy": NAME,
        "$level": ".*",
        "$__rate_interval": "5m",
        "$__range": "5m",
    }
    found: dict[str, str] = {}
    for panel in dashboard.panels:
        for number, (query, _) in enumerate(panel.queries):
            for variable, value in chosen.items():
                query = query.replace(variable, value)
            found[f"{panel.title}#{number}"] = query
    return found


def empty(prometheus: RealPrometheus, asked: dict[str, str]) -> set[str]:
    """The panels that get nothing."""
    return {title for title, query in asked.items() if not prometheus.values(query)}


def test_every_panel_gets_data(shop: Shop, tmp_path: Path) -> None:
    asked = {
        f"{dashboard.uid}: {title}": query
        for dashboard in DASHBOARDS
        for title, query in queries(dashboard, shop.namespace).items()
    }
    shop.furnish()
    pods(shop.stage, STABLE, 2)
    operator = shop.start()
    prometheus = RealPrometheus(tmp_path, RULES, operator.port)
    try:
        # A policy that the operator sees only after the first scrape, so that counters rise.
        wait_until(lambda: prometheus.values("resilience_leader == 1"), "it is scraped")
        rollout = shop.spec((5, 600), (100, 1))
        shop.put_policy(rollout, targets=[{"name": STABLE}, {"name": "missing"}])
        shop.until(lambda s: s.get("reason") == "UpToDate", "version 1 is the stable one")
        shop.release()
        shop.until(lambda s: s.get("weight") == 5 and s.get("metrics"), "the first step is judged")
        seen = "resilience_rollout_weight_percent == 5"
        wait_until(lambda: prometheus.values(seen), "it is scraped")
        left = empty(prometheus, asked)

        shop.say("promote")
        shop.until_phase("Succeeded")
        shop.postgres.down()
        shop.stage.wait_for_level("MINIMAL")

        def lacking() -> set[str]:
            nonlocal left
            left &= empty(prometheus, asked)
            return left

        try:
            wait_until(lambda: not lacking(), "every panel has data", 15.0)
        except AssertionError:
            pytest.fail("no data for " + "; ".join(f"{key}: {asked[key]}" for key in sorted(left)))
        wait_until(lambda: not prometheus.unhealthy_rules(), "every rule can be evaluated")
    finally:
        prometheus.close()
