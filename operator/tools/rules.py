"""What a Prometheus rule is here: alerts with a severity and a runbook, and recordings."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

RUNBOOKS = "https://github.com/aidrive/resilience-operator/blob/main/docs/runbooks"
"""Where the runbooks are read; of the chart it is a value."""


class Severity(StrEnum):
    """How soon a person has to look."""

    CRITICAL = "critical"  # at once, at night too
    WARNING = "warning"  # today
    INFO = "info"  # at leisure


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule; `summary` may name the labels that the expression keeps."""

    name: str
    severity: Severity
    wait: str
    expression: str
    summary: str

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.wait,
            "labels": {"severity": self.severity.value},
            "annotations": {
                "summary": self.summary,
                "runbook_url": f"{RUNBOOKS}/{self.name}.md",
            },
        }


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule."""

    name: str
    expression: str
    labels: dict[str, str] = field(default_factory=dict)

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        rule: dict[str, Any] = {"record": self.name, "expr": self.expression}
        return {**rule, "labels": self.labels} if self.labels else rule
