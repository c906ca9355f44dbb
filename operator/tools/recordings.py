"""Recording rules, and the objective: the share of time that a policy is at or above a level."""

from tools.rules import Alert, Recording, Severity

OBJECTIVE = 0.995
OBJECTIVE_LEVEL = "LIMITED"
"""The objective of every policy: at LIMITED or better for 99.5 % of 30 days."""

_ABOVE = {
    "OPTIMAL": "OPTIMAL",
    "DEGRADED": "OPTIMAL|DEGRADED",
    "LIMITED": "OPTIMAL|DEGRADED|LIMITED",
    "MINIMAL": "OPTIMAL|DEGRADED|LIMITED|MINIMAL",
}
_NOW = "resilience:level_at_or_above:bool"
_SHARE = "resilience:level_at_or_above:share"
LONG_WINDOWS_EVERY = "3m"
"""A look at 30 days costs 5 ms for each policy and level, a third of it by way of `share30m`: too
much for each evaluation. It must stay below Prometheus' lookback of 5 minutes."""


def levels() -> list[Recording]:
    """For each level: whether a policy is at or above it, and for how much of the short windows."""
    now = [
        Recording(
            _NOW,
            f'max by (namespace, name) (resilience_level{{level=~"{levels}"}})',
            {"at": at},
        )
        for at, levels in _ABOVE.items()
    ]
    return [*now, *(_share(window) for window in ("5m", "1h"))]


def long_windows() -> list[Recording]:
    """For how much of the longer windows a policy was there; evaluated less often."""
    shares = [_share(window) for window in ("30m", "2h", "6h", "1d", "3d")]
    return [*shares, _share("30d", f"{_SHARE}30m")]


def _share(window: str, of: str = _NOW) -> Recording:
    return Recording(f"{_SHARE}{window}", f"avg_over_time({of}[{window}])")


def operator() -> list[Recording]:
    """What dashboards and alerts ask again and again."""
    return [
        Recording(
            "resilience:probe_results:rate5m",
            "sum by (type, verdict, reason) (rate(resilience_probe_results_total[5m]))",
        ),
        Recording(
            "resilience:probe_unhealthy:ratio5m",
            'sum by (type) (rate(resilience_probe_results_total{verdict="Unhealthy"}[5m]))'
            " / sum by (type) (rate(resilience_probe_results_total[5m]))",
        ),
        Recording(
            "resilience:probe_schedule_lag_seconds:p99_5m",
            "histogram_quantile(0.99,"
            " sum by (le) (rate(resilience_probe_schedule_lag_seconds_bucket[5m])))",
        ),
        Recording(
            "resilience:event_loop_lag_seconds:p99_5m",
            "histogram_quantile(0.99,"
            " sum by (le) (rate(resilience_event_loop_lag_seconds_bucket[5m])))",
        ),
        Recording(
            "resilience:api_errors:ratio5m",
            'sum(rate(resilience_api_requests_total{code=~"5..|429|none"}[5m]))'
            " / sum(rate(resilience_api_requests_total[5m]))",
        ),
        Recording(
            "resilience:api_writes:rate5m",
            "sum by (resource, result) (rate(resilience_api_writes_total[5m]))",
        ),
    ]


def objectives() -> list[Alert]:
    """Multi-window burn rates: the long window says that it matters, the short that it lasts."""
    fast = f"({_burns('1h', '5m', 14.4)}) or ({_burns('6h', '30m', 6)})"
    slow = f"({_burns('1d', '2h', 3)}) or ({_burns('3d', '6h', 1)})"
    about = "The error budget of {{ $labels.namespace }}/{{ $labels.name }}"
    return [
        Alert(
            "ResilienceBudgetBurnsFast",
            Severity.CRITICAL,
            "2m",
            fast,
            f"{about} will be gone within days: too long below {OBJECTIVE_LEVEL}.",
        ),
        Alert(
            "ResilienceBudgetBurnsSlowly",
            Severity.WARNING,
            "15m",
            slow,
            f"{about} will not last the month: too long below {OBJECTIVE_LEVEL}.",
        ),
    ]


def _burns(long: str, short: str, rate: float) -> str:
    limit = f"> {rate:g} * {1 - OBJECTIVE:.4g}"
    parts = [f'1 - {_SHARE}{window}{{at="{OBJECTIVE_LEVEL}"}} {limit}' for window in (long, short)]
    return " and ".join(parts)
