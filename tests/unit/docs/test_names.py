"""What the pages name exists: metrics, alerts, settings, reasons, files, targets of make."""

import importlib.util
import re
from collections.abc import Iterable

import pytest
import yaml

from e2e.docs.pages import ROOT, Page, pages
from resilience_operator.settings import Settings, variable
from tools import metricsdoc, rulesgen

PAGES = [page for page in pages() if not page.name.startswith("docs/reference/")]
TEXTS = {page.name: page.path.read_text() for page in PAGES}
CODE = "\n".join(
    path.read_text()
    for folder, kind in (
        ("operator", "py"),
        ("e2e", "py"),
        ("charts", "*"),
        ("crds", "yaml"),
        ("manifests", "yaml"),
    )
    for path in sorted((ROOT / folder).rglob(f"*.{kind}"))
)
# Words of Kubernetes, and of other tools, that none of our files has.
FOREIGN = {
    "CrashLoopBackOff",
    "HelmRelease",
    "RespectIgnoreDifferences",
}
FOLDERS = ("charts", "crds", "docs", "e2e", "manifests", "operator", "tests")


def found(pattern: str) -> Iterable[tuple[str, str]]:
    """Where, and what: every match in every page."""
    return ((name, one) for name, text in TEXTS.items() for one in re.findall(pattern, text))


def spans(pattern: str) -> Iterable[tuple[str, str]]:
    """The same in code within lines, where all of it has to match."""
    return (
        (page.name, one.replace("\n", " "))
        for page in PAGES
        for one in page.spans
        if re.fullmatch(pattern, one)
    )


def scripts(page: Page) -> Iterable[str]:
    return (block.text for block in page.of("sh"))


def test_metrics() -> None:
    rules = [rule for group in rulesgen.groups() for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    families = {metricsdoc.series_of(metric) for metric in metricsdoc.families()}
    known = metricsdoc.series() | families | recorded
    named = set(found(r"(?<![\w/.-])resilience[_:][a-z][\w:]*\w"))
    ours = {one for one in named if not one[1].startswith("resilience_operator")}

    assert len(ours) > 40
    assert {one for one in ours if one[1] not in known} == set()


def test_alerts() -> None:
    alerts = {alert.name for alert in rulesgen.alerts()}
    named = set(found(r"\bResilience[A-Z]\w+"))

    assert {one for one in named if one[1] not in alerts | {"ResiliencePolicy"}} == set()


def test_settings() -> None:
    settings = {variable(field) for field in Settings.model_fields}
    named = set(found(r"\bRESILIENCE_[A-Z_]+[A-Z]"))

    assert {one for one in named if one[1] not in settings} == set()


def test_every_setting_has_a_page() -> None:
    text = "\n".join(TEXTS.values())
    by_downward_api = {"identity", "namespace"}
    for field in Settings.model_fields.keys() - by_downward_api:
        short = variable(field).replace("RESILIENCE_LEASE", "…")
        assert f"`{variable(field)}`" in text or f"`{short}`" in text, variable(field)


def test_reasons_and_kinds() -> None:
    """Code of more than one capitalised word is a reason, a kind, a phase or a state of ours."""
    known = set(re.findall(r"\w+", CODE)) | FOREIGN
    named = set(spans(r"[A-Z][a-z]+(?:[A-Z]+[a-z]+)+"))

    assert len(named) > 40
    assert {one for one in named if one[1] not in known} == set()


def test_files() -> None:
    named = set(spans(rf"(?:{'|'.join(FOLDERS)})/[\w./*-]+"))

    assert {one for one in named if not list(ROOT.glob(one[1].rstrip("/")))} == set()


def test_targets_of_make() -> None:
    targets = set(re.findall(r"(?m)^([a-z0-9-]+):", (ROOT / "Makefile").read_text()))
    code = ((page.name, text) for page in PAGES for text in (*page.spans, *scripts(page)))
    named = {
        (name, one) for name, text in code for one in re.findall(r"^make ([\w-]+)", text, re.M)
    }

    assert len(named) > 8
    assert {one for one in named if one[1] not in targets} == set()


def test_modules() -> None:
    named = set(found(r"python -m ([\w.]+)"))

    assert named
    assert {one for one in named if importlib.util.find_spec(one[1]) is None} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_values_of_the_chart(page: Page) -> None:
    values = yaml.safe_load((ROOT / "charts/resilience-operator/values.yaml").read_text())
    text = " ".join(page.spans) + " ".join(block.text for block in page.of("sh"))
    for path in re.findall(r"--set '?([\w.]+)=", text):
        value = values
        for key in path.split("."):
            assert key in value, path
            value = value[key]
