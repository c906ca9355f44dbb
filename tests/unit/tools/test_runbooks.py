"""Every alert has its runbook, every runbook its alert, and each says the four things."""

import re
from pathlib import Path

import pytest
import yaml

from tools import rulesgen
from tools.rules import RUNBOOKS, Severity

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "runbooks"
HEADINGS = ["What it means", "How to see it", "What to do", "How to know it is over"]
NAMES = sorted(alert.name for alert in rulesgen.alerts())


def test_alerts_and_runbooks_are_the_same() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README") == NAMES
    assert len(set(NAMES)) == len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_says_the_four_things(name: str) -> None:
    text = (FOLDER / f"{name}.md").read_text()
    head, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert head == f"# {name}\n\n"
    assert [part.splitlines()[0] for part in parts] == HEADINGS
    assert all(len(part.split("\n", 1)[1].strip()) > 20 for part in parts)


def test_the_index_has_each_under_its_severity() -> None:
    sections = re.split(r"^## ", (FOLDER / "README.md").read_text(), flags=re.MULTILINE)[1:]
    assert len(sections) == len(Severity)
    for severity, section in zip(Severity, sections, strict=True):
        wanted = sorted(each.name for each in rulesgen.alerts() if each.severity is severity)
        assert section.lower().startswith(severity.value)
        assert re.findall(r"- \[(\w+)\]", section) == wanted


def test_every_rendered_alert_links_its_runbook() -> None:
    plain = yaml.safe_load(rulesgen.render()["resilience.rules.yaml"])
    manifest = yaml.safe_load(rulesgen.render()["prometheusrule.yaml"])
    assert manifest["spec"]["groups"] == plain["groups"]
    alerts = [rule for group in plain["groups"] for rule in group["rules"] if "alert" in rule]
    for rule in alerts:
        link = rule["annotations"]["runbook_url"]
        assert link == f"{RUNBOOKS}/{rule['alert']}.md"
        assert (ROOT / "docs" / "runbooks" / link.rsplit("/", 1)[1]).exists()
