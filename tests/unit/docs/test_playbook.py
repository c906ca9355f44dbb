"""The incident playbook sorts every alert into a severity, as urgent as the alert is."""

import re

from e2e.docs.pages import read
from tools import rulesgen
from tools.rules import Severity

PAGE = read("docs/incident-playbook.md").path.read_text()
ROWS = dict(re.findall(r"(?m)^\| (SEV\d) \|[^|]*\| ([^|]*) \|", PAGE))
BY_SEVERITY = {
    severity: {alert.name for alert in rulesgen.alerts() if alert.severity is severity}
    for severity in Severity
}


def named(severity: str) -> set[str]:
    return set(re.findall(r"`(Resilience\w+)`", ROWS[severity]))


def test_there_are_four() -> None:
    assert list(ROWS) == ["SEV1", "SEV2", "SEV3", "SEV4"]


def test_the_worst_are_critical_alerts_about_applications() -> None:
    operators = {alert.name for alert in rulesgen.alerts_operator.alerts()}

    assert named("SEV1") == BY_SEVERITY[Severity.CRITICAL] - operators
    assert "every other critical alert: they are about the operator" in ROWS["SEV2"]


def test_the_others_follow_the_alerts() -> None:
    assert named("SEV2") == {"ResilienceLevelMinimal"} <= BY_SEVERITY[Severity.WARNING]
    assert ROWS["SEV3"].strip() == "every other warning"
    assert ROWS["SEV4"].strip() == "every info alert"
