"""One policy: its levels over time, dependencies, breakers, features."""

from tools.dashboards.building import Dashboard, Panel, Variable, stat, table

_LEVEL = 'namespace="$namespace",name=~"$level"'
_POLICY = 'namespace="$namespace",policy="$policy"'
_BY_LEVEL = "max by (name, level)"
_BY_DEPENDENCY = "by (dependency)"

_NUMBERS = [
    Panel(
        "Level",
        [(f"max by (name, level) (resilience_level{{{_LEVEL}}}) == 1", "{{name}} {{level}}")],
        "stat",
        width=4,
        height=4,
        options={"textMode": "name", "colorMode": "background"},
    ),
    stat("Health", f"max(resilience_health_score{{{_LEVEL}}})", "percent"),
    stat(
        "At this level for",
        f"time() - max(resilience_level_since_timestamp_seconds{{{_LEVEL}}})",
        "s",
    ),
    stat(
        "Forced or frozen",
        f"count(resilience_level_overridden{{{_LEVEL}}} or resilience_level_frozen{{{_LEVEL}}})"
        " or vector(0)",
    ),
    stat("Flags written", f"min(resilience_policy_flags_applied{{{_POLICY}}})"),
    stat(
        "Pods not told",
        f"max(resilience_policy_pods{{{_POLICY}}} - resilience_policy_pods_refreshed{{{_POLICY}}})",
    ),
]
_LEVELS = [
    Panel(
        "Level",
        [(f"{_BY_LEVEL} (resilience_level{{{_LEVEL}}})", "{{name}} {{level}}")],
        stacked=True,
        width=12,
    ),
    Panel(
        "Health",
        [(f"max by (name) (resilience_health_score{{{_LEVEL}}})", "{{name}}")],
        unit="percent",
        width=12,
    ),
    Panel(
        "Changes of level",
        [
            (
                "sum by (name, from, to)"
                f" (increase(resilience_level_transitions_total{{{_LEVEL}}}[$__range]))",
                "{{name}} {{from}} to {{to}}",
            )
        ],
        "bargauge",
    ),
    Panel(
        "Time at each level",
        [
            (
                f"sum by (level) (increase(resilience_level_seconds_total{{{_LEVEL}}}[$__range]))",
                "{{level}}",
            )
        ],
        "bargauge",
        unit="s",
    ),
    Panel(
        "Share of time at a level or better",
        [(f"resilience:level_at_or_above:share1h{{{_LEVEL}}}", "{{name}} {{at}}, 1 h")],
        unit="percentunit",
    ),
    Panel(
        "Error budget left of 30 days",
        [
            (
                f'1 - (1 - resilience:level_at_or_above:share30d{{{_LEVEL},at="LIMITED"}}) / 0.005',
                "{{name}}",
            )
        ],
        unit="percentunit",
    ),
    Panel(
        "Held on old evidence",
        [(f"count(resilience_level_stale{{{_LEVEL}}}) or vector(0)", "levels")],
    ),
]
_DEPENDENCIES = [
    Panel(
        "Health",
        [(f"min {_BY_DEPENDENCY} (resilience_dependency_health{{{_POLICY}}})", "{{dependency}}")],
        unit="percent",
    ),
    Panel(
        "Up",
        [(f"min {_BY_DEPENDENCY} (resilience_dependency_up{{{_POLICY}}})", "{{dependency}}")],
    ),
    Panel(
        "Stale",
        [(f"count(resilience_dependency_stale{{{_POLICY}}}) or vector(0)", "dependencies")],
    ),
    table(
        "State now",
        f"max by (dependency, state) (resilience_dependency_state{{{_POLICY}}}) == 1",
        width=12,
    ),
    table(
        "Breakers now",
        f"max by (dependency, state) (resilience_breaker_state{{{_POLICY}}}) == 1",
        width=12,
    ),
    Panel(
        "Breakers",
        [
            (
                "sum by (dependency, to)"
                f" (increase(resilience_breaker_transitions_total{{{_POLICY}}}[$__rate_interval]))",
                "{{dependency}} {{to}}",
            )
        ],
        width=24,
    ),
]
_FEATURES = [
    table(
        "States now",
        f"max by (name, feature, state) (resilience_feature_state{{{_LEVEL}}})",
    ),
    Panel(
        "Features over time",
        [
            (
                f"max by (feature, state) (resilience_feature_state{{{_LEVEL}}})",
                "{{feature}}: {{state}}",
            )
        ],
        width=12,
        height=8,
    ),
    Panel(
        "Pods",
        [
            (f"max(resilience_policy_pods{{{_POLICY}}})", "pods"),
            (f"max(resilience_policy_pods_refreshed{{{_POLICY}}})", "told"),
        ],
        width=12,
    ),
    Panel(
        "Problems",
        [(f"max(resilience_policy_problems{{{_POLICY}}}) or vector(0)", "problems")],
        width=12,
    ),
]

POLICY = Dashboard(
    "resilience-policy",
    "Resilience / Policy",
    "One policy: levels over time, dependencies, breakers, features.",
    [
        ("Now", _NUMBERS),
        ("Levels", _LEVELS),
        ("Dependencies and breakers", _DEPENDENCIES),
        ("Features and pods", _FEATURES),
    ],
    [
        Variable("namespace", "label_values(resilience_dependency_up, namespace)"),
        Variable(
            "policy", 'label_values(resilience_dependency_up{namespace="$namespace"}, policy)'
        ),
        Variable("level", 'label_values(resilience_level{namespace="$namespace"}, name)', True),
    ],
)
