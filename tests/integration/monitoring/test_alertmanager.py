"""The example for Alertmanager is accepted, and sends each severity where it says."""

import subprocess
from pathlib import Path

import pytest

from e2e.cluster import debian
from tools import rulesgen

CONFIG = Path(__file__).parents[3] / "manifests" / "monitoring" / "alertmanager.yaml"
RECEIVERS = {"critical": "slack-and-email-now", "warning": "slack", "info": "email-digest"}


def amtool(*arguments: str) -> str:
    program = debian.which("amtool") or "amtool"
    ended = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_amtool_accepts_it() -> None:
    said = amtool("check-config", str(CONFIG))
    assert "SUCCESS" in said
    assert " - 3 receivers" in said


@pytest.mark.parametrize("severity", sorted(RECEIVERS))
def test_each_severity_has_its_receiver(severity: str) -> None:
    alert = next(each for each in rulesgen.alerts() if each.severity == severity)
    labels = [f"severity={severity}", f"alertname={alert.name}"]
    to = amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert to.strip() == RECEIVERS[severity]
