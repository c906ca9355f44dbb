"""PromQL of a policy, with the names of an arm and the window filled in.

The window runs from the beginning of the analysis to now, so `increase(...[{{window}}])` counts
what has happened since. Prometheus extrapolates such an increase to the edges of the window and
needs two samples in it: counts are not whole numbers, a window shorter than two scrapes has no
result, and what a pod counted before its first scrape is missing. Failures and requests are bent in
the same way, so their proportion is not.
"""

import re
from dataclasses import dataclass

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_KNOWN = ("service", "deployment", "namespace", "window")


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """Why a query has no number: one word, and a sentence of our own."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class QueryArm:
    """What the placeholders of one arm stand for."""

    service: str
    deployment: str
    namespace: str


def render_query(template: str, arm: QueryArm, window_seconds: float) -> str | QueryProblem:
    """The query of one arm over the last `window_seconds`, at least one."""
    unknown = sorted({found for found in _PLACEHOLDER.findall(template) if found not in _KNOWN})
    if unknown:
        known = ", ".join(f"{{{{{name}}}}}" for name in _KNOWN)
        return QueryProblem(
            "QueryPlaceholderUnknown",
            f"The query has a placeholder {{{{{unknown[0][:63]}}}}}, which is none of {known}.",
        )
    values = {
        "service": arm.service,
        "deployment": arm.deployment,
        "namespace": arm.namespace,
        "window": f"{max(int(window_seconds), 1)}s",
    }
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)
