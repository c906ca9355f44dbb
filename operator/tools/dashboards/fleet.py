"""All policies, and the operator that looks after them."""

from tools.dashboards.building import Dashboard, Panel, p99, rate, stat, table

_OPTIMAL = 'max by (namespace, name) (resilience_level{level="OPTIMAL"})'
_UP = "min by (namespace, policy, dependency) (resilience_dependency_up)"
_MEMORY = "process_resident_memory_bytes and on (job, instance) resilience_build_info"

_NUMBERS = [
    stat("Policies", "sum(resilience_policies)"),
    stat("Not OPTIMAL", f"count(({_OPTIMAL}) == 0) or vector(0)"),
    stat("Dependencies down", f"count(({_UP}) == 0) or vector(0)"),
    stat("Sees", "min(resilience_trusted)", description="0 while the operator is blind."),
    stat("Leaders", "sum(resilience_leader)", description="One for each shard is right."),
    stat("Memory", f"max({_MEMORY})", "bytes"),
]
_LEVELS = [
    Panel(
        "Policies by level",
        [("sum by (level) (max by (namespace, name, level) (resilience_level))", "{{level}}")],
        stacked=True,
        width=12,
    ),
    Panel(
        "Changes of level",
        [(rate("resilience_level_transitions_total", "to"), "to {{to}}")],
        unit="cps",
        width=12,
    ),
    table(
        "Below OPTIMAL now",
        'max by (namespace, name, level) (resilience_level{level!="OPTIMAL"}) == 1',
    ),
    table(
        "Dependencies down now",
        f"{_UP} == 0",
    ),
    table(
        "At LIMITED or better, share of 30 days",
        'sort(min by (namespace, name) (resilience:level_at_or_above:share30d{at="LIMITED"}))',
    ),
    table(
        "What a person has to mend",
        "max by (namespace, policy) (resilience_policy_problems) > 0"
        " or min by (namespace, policy) (resilience_policy_flags_applied) == 0",
    ),
]
_PROBES = [
    Panel(
        "Probes by verdict",
        [(rate("resilience_probe_results_total", "verdict"), "{{verdict}}")],
        unit="reqps",
        stacked=True,
    ),
    Panel(
        "Failures by reason",
        [(rate('resilience_probe_results_total{reason!=""}', "reason"), "{{reason}}")],
        unit="reqps",
    ),
    Panel(
        "Duration, p99",
        [(p99("resilience_probe_duration_seconds", "type"), "{{type}}")],
        unit="s",
    ),
    Panel(
        "Schedule lag, p99",
        [("resilience:probe_schedule_lag_seconds:p99_5m", "lag")],
        unit="s",
    ),
    Panel(
        "In flight and overdue",
        [
            ("max(resilience_probes_in_flight)", "in flight"),
            ("max(resilience_probe_overdue_seconds)", "seconds overdue"),
        ],
    ),
    Panel(
        "Targets and sharing",
        [
            ("max(resilience_probe_targets)", "distinct probes"),
            ("max(resilience_probe_subscriptions)", "dependencies"),
            ("max(resilience_probe_deduplication_ratio)", "dependencies a probe"),
        ],
    ),
]
_EFFECTS = [
    Panel(
        "Flags by result",
        [(rate("resilience_flags_applied_total", "result"), "{{result}}")],
        unit="cps",
    ),
    Panel(
        "From decision to all pods, p99",
        [(p99("resilience_flag_propagation_seconds"), "p99")],
        unit="s",
    ),
    Panel("Pods told", [(rate("resilience_pods_refreshed_total"), "pods")], unit="cps"),
    Panel(
        "Notifications",
        [(rate("resilience_notifications_total", "outcome"), "{{outcome}}")],
        unit="cps",
    ),
    Panel("Events", [(rate("resilience_events_total", "result"), "{{result}}")], unit="cps"),
    Panel(
        "Blind",
        [("max(increase(resilience_blind_seconds_total[$__rate_interval]))", "seconds")],
        unit="s",
    ),
]
_OPERATOR = [
    Panel(
        "Passes by result",
        [(rate("resilience_reconciles_total", "result"), "{{result}}")],
        unit="cps",
    ),
    Panel("Pass, p99", [(p99("resilience_reconcile_duration_seconds"), "p99")], unit="s"),
    Panel(
        "Workqueues",
        [
            ("max(resilience_workqueue_depth)", "waiting"),
            ("max by (queue) (resilience_workqueue_running)", "{{queue}} running"),
            ("max by (queue) (resilience_workqueue_failing)", "{{queue}} failing"),
            ("max by (queue) (resilience_workqueue_delayed)", "{{queue}} later"),
        ],
    ),
    Panel(
        "Requests to the API server",
        [(rate("resilience_api_requests_total", "verb, code"), "{{verb}} {{code}}")],
        unit="reqps",
    ),
    Panel(
        "Writes to the API server",
        [("resilience:api_writes:rate5m", "{{resource}} {{result}}")],
        unit="reqps",
    ),
    Panel(
        "Lease and watches",
        [
            (rate("resilience_lease_errors_total"), "lease errors"),
            (rate("resilience_leadership_transitions_total", "to"), "{{to}}"),
            ("max(resilience_policy_watch_silence_seconds)", "watch silent, s"),
        ],
    ),
    Panel(
        "Event loop lag, p99",
        [("resilience:event_loop_lag_seconds:p99_5m", "lag")],
        unit="s",
    ),
    Panel(
        "Memory",
        [
            (_MEMORY, "{{instance}}"),
        ],
        unit="bytes",
    ),
    Panel(
        "CPU",
        [
            (
                "rate(process_cpu_seconds_total[$__rate_interval])"
                " and on (job, instance) resilience_build_info",
                "{{instance}}",
            )
        ],
        unit="percentunit",
    ),
    Panel(
        "Failures of our own",
        [(rate("resilience_internal_errors_total", "where"), "{{where}}")],
        unit="cps",
    ),
    Panel(
        "Garbage collections",
        [
            (
                "sum by (generation) (rate(python_gc_collections_total[$__rate_interval])"
                " and on (job, instance) resilience_build_info)",
                "generation {{generation}}",
            )
        ],
        unit="cps",
    ),
    table("Versions", "count by (version, python) (resilience_build_info)", width=8),
]

FLEET = Dashboard(
    "resilience-fleet",
    "Resilience / Fleet",
    "Levels of all policies, probes, flags, and the operator itself.",
    [
        ("Now", _NUMBERS),
        ("Levels", _LEVELS),
        ("Probes", _PROBES),
        ("Flags, pods and people", _EFFECTS),
        ("The operator", _OPERATOR),
    ],
)
