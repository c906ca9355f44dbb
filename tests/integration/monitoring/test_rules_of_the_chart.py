"""What only the chart can ask Prometheus: it knows which leases there should be."""

from pathlib import Path

import pytest
import yaml

from e2e.cluster import build
from tests.integration.chart.helm import Helm, found
from tests.integration.chart.matrix import MONITORED, OPTIONS
from tests.integration.monitoring.cases import Series
from tests.integration.monitoring.test_rules import input_series, promtool

RUNBOOKS = "https://wiki.example/runbooks"
RUNS = 'resilience_leader{lease="resilience-operator-a",pod="a"}'
OTHER = 'resilience_leader{lease="resilience-operator-b",pod="b"}'
BUILD = "resilience_build_info"


@pytest.mark.parametrize(
    ("series", "missing"),
    [
        ({RUNS: "1x40", BUILD: "1x40"}, "resilience-operator-b"),
        ({RUNS: "1x40", OTHER: "1x40", BUILD: "1x40"}, ""),
        ({"other": "1x40"}, ""),  # ResilienceOperatorDown says so
    ],
    ids=["one shard is gone", "all are there", "nothing is there"],
)
def test_a_shard_of_which_nothing_is_left(tmp_path: Path, series: Series, missing: str) -> None:
    metrics = {"prometheusRule": {**MONITORED["prometheusRule"], "runbookUrl": RUNBOOKS}}
    helm = Helm(build.find(["helm"])["helm"], tmp_path)
    (made,) = found(helm.render({**OPTIONS["shards"], "metrics": metrics}), "PrometheusRule")
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(made["spec"]))
    fires = {
        "exp_labels": {"severity": "critical", "lease": missing},
        "exp_annotations": {
            "summary": f"No replica holds {missing}: nothing is probed and no level changes.",
            "runbook_url": f"{RUNBOOKS}/ResilienceNoLeader.md",
        },
    }
    test = {
        "interval": "1m",
        "input_series": input_series(series),
        "alert_rule_test": [
            {
                "eval_time": "30m",
                "alertname": "ResilienceNoLeader",
                "exp_alerts": [fires] if missing else [],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(tmp_path / "rules.yaml")], "tests": [test]}))

    assert promtool("check", "rules", "--lint-fatal", tmp_path / "rules.yaml").returncode == 0
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr
