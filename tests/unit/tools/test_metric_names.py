"""Every metric in a dashboard or a rule is one that the operator exposes or a rule records."""

import json
import re
from collections.abc import Iterator

import pytest

from tools import dashgen, metricsdoc, rulesgen

_WORDS = {"and", "or", "unless", "offset", "bool"}
_RECORDED = {
    rule["record"] for group in rulesgen.groups() for rule in group["rules"] if "record" in rule
}


def metrics_of(query: str) -> set[str]:
    """The metrics that a PromQL expression names, once all else is taken away."""
    rest = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", query)
    rest = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", rest)
    rest = re.sub(r"\boffset\s+\w+", " ", rest)
    names = re.findall(r"(?<![\w.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])", rest)
    return set(names) - _WORDS


def expressions() -> Iterator[tuple[str, str]]:
    for group in rulesgen.groups():
        for rule in group["rules"]:
            yield rule.get("alert") or rule["record"], rule["expr"]
    for dashboard in dashgen.DASHBOARDS:
        for panel in dashboard.panels:
            for query, _ in panel.queries:
                yield f"{dashboard.title}: {panel.title}", query
        for variable in dashboard.variables:
            inner = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.query)
            assert inner is not None
            yield f"{dashboard.title}: ${variable.name}", inner.group(1)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('sum by (le) (rate(a_bucket{x="b_c"}[5m])) > 1.5e3', {"a_bucket"}),
        ("time() - max(a) > 60 and on (job) b:c offset 30m", {"a", "b:c"}),
        ("(a unless b) or vector(0)", {"a", "b"}),
    ],
)
def test_names_are_found_in_promql(query: str, names: set[str]) -> None:
    assert metrics_of(query) == names


def test_every_metric_that_is_asked_for_exists() -> None:
    known = metricsdoc.series() | _RECORDED
    unknown = {
        f"{where}: {name}" for where, query in expressions() for name in metrics_of(query) - known
    }
    assert not unknown
    assert all(metrics_of(query) for _, query in expressions())


def test_long_windows_are_not_asked_for_at_each_evaluation() -> None:
    """Of ten thousand policies a look at 30 days takes minutes; and five lose a series."""
    for group in rulesgen.groups():
        asked = " ".join(rule["expr"] for rule in group["rules"])
        if re.search(r"\[([6-9]h|\d\dh|\d+d)\]", asked):
            assert re.fullmatch(r"[1-4]m", group["interval"]), group["name"]


@pytest.mark.parametrize("name", sorted(dashgen.render()))
def test_a_dashboard_is_laid_out_without_overlaps(name: str) -> None:
    board = json.loads(dashgen.render()[name])
    assert f"{board['uid']}.json" == name
    cells = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert x < 24
                assert (x, y) not in cells, panel["title"]
                cells.add((x, y))
    identities = [panel["id"] for panel in board["panels"]]
    assert len(set(identities)) == len(identities)
