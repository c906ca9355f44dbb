"""Each alert fires when it should and is quiet when it should be, says `promtool test rules`."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import debian
from tests.integration.monitoring.cases import CASES, LEVEL, Case, Series
from tools import rulesgen
from tools.rules import Alert

RULES = Path(__file__).parents[3] / "manifests" / "monitoring" / "rules"
ALERTS = {alert.name: alert for alert in rulesgen.alerts()}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = debian.which("promtool") or "promtool"
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


def test_every_alert_has_its_case() -> None:
    assert CASES.keys() == ALERTS.keys()
    assert len(ALERTS) >= 15


def test_promtool_finds_no_fault_in_the_rules() -> None:
    checked = promtool("check", "rules", "--lint-fatal", RULES / "resilience.rules.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", sorted(CASES))
def test_it_fires_and_is_quiet(name: str, tmp_path: Path) -> None:
    case, alert = CASES[name], ALERTS[name]
    document = {
        "rule_files": [str(RULES / "resilience.rules.yaml")],
        "evaluation_interval": case.every,
        "tests": [
            group("fires", case, alert, case.fires, fires=True),
            group("quiet", case, alert, case.quiet, fires=False),
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(document))
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_share_of_thirty_days_is_that_of_all_samples(tmp_path: Path) -> None:
    asked = {
        "expr": 'abs(resilience:level_at_or_above:share30d{at="LIMITED"} - 0.5) < bool 0.01',
        "eval_time": "400h",
        "exp_samples": [{"labels": f'{{{LEVEL},at="LIMITED"}}', "value": 1}],
    }
    series = {f'resilience_level{{{LEVEL},level="LIMITED"}}': "1x400 0x400"}
    test = {"interval": "30m", "promql_expr_test": [asked], "input_series": input_series(series)}
    file = tmp_path / "test.yaml"
    rules = {"rule_files": [str(RULES / "resilience.rules.yaml")], "evaluation_interval": "30m"}
    file.write_text(yaml.safe_dump({**rules, "tests": [test]}))
    tested = promtool("test", "rules", file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def input_series(series: Series) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


def group(title: str, case: Case, alert: Alert, series: Series, *, fires: bool) -> dict[str, Any]:
    """One group of promtool's: the series, and what is firing at the end."""
    return {
        "name": title,
        "interval": case.every,
        "input_series": input_series(series),
        "alert_rule_test": [
            {
                "eval_time": case.at,
                "alertname": alert.name,
                "exp_alerts": [expected(case, alert)] if fires else [],
            }
        ],
    }


def expected(case: Case, alert: Alert) -> dict[str, Any]:
    """The alert with its labels in its summary."""
    rule = alert.rule()
    annotations = dict(rule["annotations"])
    for label, value in case.labels.items():
        annotations["summary"] = annotations["summary"].replace(f"{{{{ $labels.{label} }}}}", value)
    assert "{{" not in annotations["summary"]
    objective = {"at": "LIMITED"} if "Budget" in alert.name else {}
    labels = {**rule["labels"], **case.labels, **objective}
    return {"exp_labels": labels, "exp_annotations": annotations}
