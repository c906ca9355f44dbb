"""A rollout's queries to a real Prometheus whose past was written for it."""

import asyncio
import time
from pathlib import Path

import pytest
import yaml

from resilience_operator.api.v1alpha1.rollout import Analysis
from resilience_operator.core.rollout.model import MetricView
from resilience_operator.core.rollout.queries import QueryArm
from resilience_operator.probes.dial import Dialler, Resolver
from resilience_operator.probes.guard import AddressGuard
from resilience_operator.probes.prometheus_query import PrometheusQueries
from resilience_operator.probes.rollout_metrics import gather_metrics
from resilience_operator.probes.tls import TlsContexts
from resilience_operator.probes.toolkit import Toolkit
from tests.integration.monitoring.prometheus import RealPrometheus
from tests.integration.monitoring.test_rules import promtool

HOUR = 3600
TOTAL = 'sum(increase(http_requests_total{service="{{service}}"}[{{window}}]))'
FAILURES = 'sum(increase(http_requests_total{service="{{service}}",code="500"}[{{window}}]))'
ANALYSIS = Analysis.model_validate(
    {
        "prometheus": {"url": "http://prometheus:9090"},
        "metrics": [
            {
                "name": "errors",
                "proportion": {"failures": FAILURES, "total": TOTAL},
                "maxPercent": 5,
            }
        ],
    }
)


def write_past(folder: Path, **minutes_ago: int) -> None:
    """An hour of ten requests a second, per service up to so many minutes ago."""
    now = int(time.time())
    lines = ["# TYPE http_requests counter"]
    for service, minutes in minutes_ago.items():
        for at in range(now - HOUR, now - 60 * minutes + 1, 30):
            labels = f'service="{service}",code="200"'
            lines.append(f"http_requests_total{{{labels}}} {10 * (at - now + HOUR)} {at}")
    text = folder / "past.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    made = promtool("tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    assert made.returncode == 0, made.stderr


def look(url: str) -> MetricView:
    """The proportion of both arms over half an hour."""

    async def once() -> MetricView:
        guard = AddressGuard(allow=["127.0.0.0/8"])
        kit = Toolkit(Dialler(guard, Resolver(None)), TlsContexts(), time.monotonic)
        queries = PrometheusQueries(kit)
        arms = (QueryArm(name, name, "shop") for name in ("web", "canary"))
        try:
            views = await gather_metrics(
                ANALYSIS, *arms, HOUR / 2, lambda query: queries.instant(url, query, 5)
            )
        finally:
            await kit.aclose()
        return views["errors"]

    return asyncio.run(once())


@pytest.mark.parametrize("stopped", [None, "canary", "web"])
def test_an_arm_that_is_scraped_no_longer_has_no_figures(
    tmp_path: Path, stopped: str | None
) -> None:
    ends = {"web": 0, "canary": 0}
    if stopped:
        ends[stopped] = 10
    write_past(tmp_path, **ends)
    rules = tmp_path / "none.yaml"
    rules.write_text(yaml.safe_dump({"groups": []}))
    server = RealPrometheus(tmp_path, rules)
    try:
        seen = look(server.url)
    finally:
        server.close()

    figures = {"web": seen.stable, "canary": seen.canary}
    for name, counts in figures.items():
        if name == stopped:
            assert counts is None
        else:
            assert counts is not None
            assert counts.total == pytest.approx(10 * HOUR / 2, rel=0.05)
            assert counts.failures == 0
    arm = {"web": "stable", "canary": "canary", None: None}[stopped]
    assert seen.problem == (
        f"For {arm}: Nothing was counted in the last 5 minutes, not even none: "
        "Prometheus has stopped scraping it."
        if stopped
        else ""
    )
