"""Rollouts: where each stands, whose fault it is, and what has become of them."""

from tools.dashboards.building import Dashboard, Panel, Variable, stat, table

_CHOSEN = 'namespace=~"$namespace",policy=~"$policy"'
_BY = "by (namespace, policy)"
_NAME = "{{namespace}}/{{policy}}"


def _in(phases: str) -> str:
    series = f'resilience_rollout_phase{{{_CHOSEN},phase=~"{phases}"}}'
    return f"sum(max by (namespace, policy, phase) ({series}))"


def _ended(result: str) -> str:
    series = f'resilience_rollouts_total{{result="{result}"}}'
    return f"sum(increase({series}[$__range])) or vector(0)"


_NUMBERS = [
    stat("Under way", _in("Waiting|Progressing|Promoting")),
    stat("Held", _in("Held")),
    stat("Paused", _in("Paused")),
    stat("Succeeded", _ended("Succeeded")),
    stat("Rolled back", _ended("RolledBack")),
    stat("Failed", _ended("Failed")),
]
_STANDING = [
    table(
        "Where they stand",
        f"max by (namespace, policy, phase) (resilience_rollout_phase{{{_CHOSEN}}}) == 1",
    ),
    table(
        "Whose fault it is",
        "max by (namespace, policy, attribution)"
        f" (resilience_rollout_attribution{{{_CHOSEN}}}) == 1",
    ),
    Panel(
        "Traffic of the canary",
        [(f"max {_BY} (resilience_rollout_weight_percent{{{_CHOSEN}}})", _NAME)],
        unit="percent",
        width=12,
    ),
    Panel(
        "Step",
        [(f"max {_BY} (resilience_rollout_step{{{_CHOSEN}}})", _NAME)],
        width=12,
    ),
    Panel(
        "Phase",
        [
            (
                f"max by (namespace, policy, phase) (resilience_rollout_phase{{{_CHOSEN}}}) == 1",
                f"{_NAME} {{{{phase}}}}",
            )
        ],
        width=12,
    ),
    Panel(
        "Held or paused in this step",
        [(f"max {_BY} (resilience_rollout_held_seconds{{{_CHOSEN}}})", _NAME)],
        unit="s",
        width=12,
    ),
    Panel(
        "Since the beginning",
        [
            (
                f"time() - max {_BY} (resilience_rollout_started_timestamp_seconds{{{_CHOSEN}}})",
                _NAME,
            )
        ],
        "bargauge",
        unit="s",
        width=12,
    ),
    Panel(
        "Since this step",
        [
            (
                f"time() - max {_BY}"
                f" (resilience_rollout_step_started_timestamp_seconds{{{_CHOSEN}}})",
                _NAME,
            )
        ],
        "bargauge",
        unit="s",
        width=12,
    ),
]
_JUDGED = [
    table(
        "Metrics now",
        "max by (namespace, policy, metric, verdict)"
        f" (resilience_rollout_metric_verdict{{{_CHOSEN}}}) == 1",
    ),
    Panel(
        "Verdicts over time",
        [
            (
                f"max by (metric, verdict) (resilience_rollout_metric_verdict{{{_CHOSEN}}}) == 1",
                "{{metric}} {{verdict}}",
            )
        ],
        width=12,
        height=8,
    ),
    Panel(
        "What happened",
        [
            (
                "sum by (reason) (increase(resilience_rollout_events_total[$__rate_interval]))",
                "{{reason}}",
            )
        ],
        width=12,
    ),
    Panel(
        "Ended, by result and fault",
        [
            (
                "sum by (result, attribution) (resilience_rollouts_total)",
                "{{result}} {{attribution}}",
            )
        ],
        "bargauge",
        width=6,
    ),
    Panel(
        "Duration, median",
        [
            (
                "histogram_quantile(0.5, sum by (le, result)"
                " (resilience_rollout_duration_seconds_bucket))",
                "{{result}}",
            )
        ],
        "bargauge",
        unit="s",
        width=6,
    ),
]

ROLLOUTS = Dashboard(
    "resilience-rollouts",
    "Resilience / Rollouts",
    "Where each rollout stands, whose fault it is, and what has become of them.",
    [("Now", _NUMBERS), ("Each", _STANDING), ("Judgement and history", _JUDGED)],
    [
        Variable("namespace", "label_values(resilience_rollout_phase, namespace)", True),
        Variable(
            "policy",
            'label_values(resilience_rollout_phase{namespace=~"$namespace"}, policy)',
            True,
        ),
    ],
)
