"""Panels and dashboards as Grafana stores them; rows of panels are laid out from left to right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_WIDTH = 24
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_COLOURS = {
    "OPTIMAL": "green",
    "DEGRADED": "yellow",
    "LIMITED": "orange",
    "MINIMAL": "red",
    "EMERGENCY": "dark-red",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `queries` are pairs of an expression and a legend."""

    title: str
    queries: Sequence[tuple[str, str]]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 7
    description: str = ""
    stacked: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, number: int, x: int, y: int) -> dict[str, Any]:
        """As Grafana stores it."""
        instant = self.kind in ("stat", "table", "bargauge")
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": _SOURCE,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": _SOURCE,
                    "expr": expression,
                    "legendFormat": legend,
                    "instant": instant,
                    "range": not instant,
                    "format": "table" if self.kind == "table" else "time_series",
                }
                for index, (expression, legend) in enumerate(self.queries)
            ],
            "fieldConfig": {"defaults": self._defaults(), "overrides": self._overrides()},
            "options": dict(self.options),
        }

    def _defaults(self) -> dict[str, Any]:
        defaults: dict[str, Any] = {"unit": self.unit}
        if self.kind == "timeseries":
            mode = "normal" if self.stacked else "none"
            defaults["min"] = 0
            defaults["custom"] = {
                "fillOpacity": 60 if self.stacked else 5,
                "showPoints": "never",
                "stacking": {"mode": mode, "group": "A"},
            }
        return defaults

    def _overrides(self) -> list[dict[str, Any]]:
        """Levels have the same colours everywhere."""
        if not any("{{level}}" in legend or "{{to}}" in legend for _, legend in self.queries):
            return []
        return [
            {
                "matcher": {"id": "byRegexp", "options": f"(^|.* ){level}$"},
                "properties": [
                    {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}},
                ],
            }
            for level, colour in _COLOURS.items()
        ]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard, from the values of a label."""

    name: str
    query: str
    every: bool = False

    def build(self) -> dict[str, Any]:
        """As Grafana stores it."""
        return {
            "name": self.name,
            "type": "query",
            "datasource": _SOURCE,
            "definition": self.query,
            "query": {"query": self.query, "refId": self.name},
            "refresh": 2,
            "sort": 1,
            "multi": self.every,
            "includeAll": self.every,
            "allValue": ".*" if self.every else None,
            "current": {},
        }


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Sections of panels, each under its title."""

    uid: str
    title: str
    description: str
    sections: Sequence[tuple[str, Sequence[Panel]]]
    variables: Sequence[Variable] = ()

    @property
    def panels(self) -> list[Panel]:
        """All panels."""
        return [panel for _, panels in self.sections for panel in panels]

    def build(self) -> dict[str, Any]:
        """As Grafana imports it."""
        source = {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}}
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["resilience-operator"],
            "schemaVersion": 39,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [
                {
                    "type": "dashboards",
                    "title": "Resilience",
                    "tags": ["resilience-operator"],
                    "asDropdown": True,
                    "keepTime": True,
                }
            ],
            "templating": {"list": [source, *(each.build() for each in self.variables)]},
            "annotations": {"list": []},
            "panels": self._laid_out(),
        }

    def _laid_out(self) -> list[dict[str, Any]]:
        built: list[dict[str, Any]] = []
        y = 0
        for title, panels in self.sections:
            where = {"h": 1, "w": _WIDTH, "x": 0, "y": y}
            row = {"id": len(built) + 1, "type": "row", "title": title, "gridPos": where}
            built.append({**row, "collapsed": False, "panels": []})
            x, y, tallest = 0, y + 1, 0
            for panel in panels:
                if x + panel.width > _WIDTH:
                    x, y, tallest = 0, y + tallest, 0
                built.append(panel.build(len(built) + 1, x, y))
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest
        return built


def stat(title: str, expression: str, unit: str = "short", description: str = "") -> Panel:
    """One number."""
    return Panel(title, [(expression, "")], "stat", unit, 4, 4, description)


def table(title: str, expression: str, width: int = 12) -> Panel:
    """A table of what is the case now, one row for each set of labels."""
    return Panel(title, [(expression, "")], "table", width=width, height=8)


def p99(series: str, by: str = "") -> str:
    """The 99th percentile of a histogram over the interval that the graph has room for."""
    labels = f"le, {by}" if by else "le"
    rate = f"rate({series}_bucket[$__rate_interval])"
    return f"histogram_quantile(0.99, sum by ({labels}) ({rate}))"


def rate(series: str, by: str = "") -> str:
    """A rate, summed over replicas."""
    inner = f"rate({series}[$__rate_interval])"
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"
