"""For each alert: series that make it fire, and series of the same kind that must not.

Values are promtool's notation, one a minute: `0+5x10` is eleven values from 0 in steps of 5.
"""

from dataclasses import dataclass, field

Series = dict[str, str]

LEVEL = 'namespace="retail",name="inventario"'
POLICY = 'namespace="retail",policy="inventario"'
REDIS = f'{POLICY},dependency="redis"'
OF_LEVEL = {"namespace": "retail", "name": "inventario"}
OF_POLICY = {"namespace": "retail", "policy": "inventario"}
OF_REDIS = {**OF_POLICY, "dependency": "redis"}
POD = 'job="operator",instance="one"'
OF_LEASE = {"lease": "north"}
NORTH, SOUTH = 'lease="north"', 'lease="south"'
LAG = "resilience_probe_schedule_lag_seconds_bucket"
LOOP = "resilience_event_loop_lag_seconds_bucket"


@dataclass(frozen=True)
class Case:
    """`at`: when it is looked at; `every`: how far the values are apart."""

    fires: Series
    quiet: Series
    at: str = "30m"
    labels: dict[str, str] = field(default_factory=dict)
    every: str = "1m"


def phase(of: str, *values: str) -> Series:
    return {f'resilience_rollout_phase{{{POLICY},phase="{of}"}}': " ".join(values)}


def level(of: str, values: str) -> Series:
    return {f'resilience_level{{{LEVEL},level="{of}"}}': values}


def leaders(north: dict[str, str], south: dict[str, str]) -> Series:
    """Which pods of two shards lead."""
    shards = ((NORTH, north), (SOUTH, south))
    return {
        f'resilience_leader{{{lease},pod="{pod}"}}': values
        for lease, pods in shards
        for pod, values in pods.items()
    }


def begun(lease: str, values: str) -> Series:
    return {f'resilience_leadership_transitions_total{{{lease},to="leading"}}': values}


def lags(series: str, late: str) -> Series:
    """A hundred a minute, all within 5 seconds; within half a second: `late`."""
    return {
        f'{series}{{le="0.5"}}': late,
        **{f'{series}{{le="{le}"}}': "0+100x40" for le in (5, "+Inf")},
    }


CASES = {
    "ResilienceOperatorDown": Case(
        {f"other{{{POD}}}": "1x40"}, {f"resilience_build_info{{{POD}}}": "1x40"}
    ),
    "ResilienceNoLeader": Case(
        leaders({"a": "0x40", "b": "0x40"}, {"c": "1x40"}),
        leaders({"a": "1x40", "b": "0x40"}, {"c": "1x40"}),
        labels=OF_LEASE,
    ),
    "ResilienceSeveralLeaders": Case(
        leaders({"a": "1x40", "b": "1x40"}, {"c": "1x40"}),
        leaders({"a": "1x40", "b": "0x40"}, {"c": "1x40"}),
        labels=OF_LEASE,
    ),
    "ResilienceLeadershipFlaps": Case(
        begun(NORTH, "0x10 1 2 3 4 5 6 6x30"),
        {**begun(NORTH, "0x10 1 2 2x40"), **begun(SOUTH, "0x10 1 2 2x40")},
        labels=OF_LEASE,
    ),
    "ResilienceOperatorRestarts": Case(
        {
            f"process_start_time_seconds{{{POD}}}": "0x10 60 120 180 _ 300 _ _ 480x30",
            f"resilience_build_info{{{POD}}}": "1x10 1 1 1 _ 1 _ _ 1x30",
        },
        {
            f"process_start_time_seconds{{{POD}}}": "0x10 60 120 180x40",
            f"resilience_build_info{{{POD}}}": "1x50",
            'process_start_time_seconds{job="other",instance="one"}': "0x10 60 120 180 240 300x40",
        },
        labels={"job": "operator", "instance": "one"},
    ),
    "ResilienceLeaseErrors": Case(
        {"resilience_lease_errors_total": "0+1x40"}, {"resilience_lease_errors_total": "0x20 1x30"}
    ),
    "ResilienceBlind": Case(
        {'resilience_trusted{pod="a"}': "1x20 0x30", 'resilience_trusted{pod="b"}': "1x50"},
        {'resilience_trusted{pod="a"}': "0 1x50", 'resilience_trusted{pod="b"}': "1x50"},
    ),
    "ResilienceApiUnreachable": Case(
        {"resilience_api_last_answer_timestamp_seconds": "600x40"},
        {"resilience_api_last_answer_timestamp_seconds": "0+60x40"},
    ),
    "ResilienceApiErrors": Case(
        {
            'resilience_api_requests_total{code="200"}': "0+90x40",
            'resilience_api_requests_total{code="503"}': "0+6x40",
            'resilience_api_requests_total{code="none"}': "0+4x40",
        },
        {
            'resilience_api_requests_total{code="200"}': "0+90x40",
            'resilience_api_requests_total{code="409"}': "0+9x40",
            'resilience_api_requests_total{code="503"}': "0+1x40",
        },
    ),
    "ResilienceWatchSilent": Case(
        {"resilience_policy_watch_silence_seconds": "0+60x40"},
        {"resilience_policy_watch_silence_seconds": "5x40"},
    ),
    "ResilienceWatchRestarts": Case(
        {'resilience_watch_restarts_total{resource="pods"}': "0+1x40"},
        {'resilience_watch_restarts_total{resource="pods"}': "0x20 1x20"},
        labels={"resource": "pods"},
    ),
    "ResilienceTooManyWrites": Case(
        {'resilience_api_writes_total{resource="configmaps",result="ok"}': "0+600x40"},
        {
            'resilience_api_writes_total{resource="leases",result="ok"}': "0+600x40",
            'resilience_api_writes_total{resource="configmaps",result="ok"}': "0+6x40",
        },
        labels={"resource": "configmaps"},
    ),
    "ResilienceReconcileFails": Case(
        {'resilience_workqueue_failing{queue="levels"}': "1x40"},
        {'resilience_workqueue_failing{queue="levels"}': "1x12 0 1x12 0 1x12"},
        labels={"queue": "levels"},
    ),
    "ResilienceWorkqueueBacklog": Case(
        {"resilience_workqueue_depth": "400x40"}, {"resilience_workqueue_depth": "400x5 20x40"}
    ),
    "ResilienceProbesStuck": Case(
        {"resilience_probe_overdue_seconds": "0+60x40"},
        {"resilience_probe_overdue_seconds": "0x20 70 0x20"},
    ),
    "ResilienceProbesLate": Case(lags(LAG, "0+95x40"), lags(LAG, "0+100x40")),
    "ResilienceEventLoopBlocked": Case(lags(LOOP, "0+95x40"), lags(LOOP, "0+100x40")),
    "ResilienceInternalErrors": Case(
        {'resilience_internal_errors_total{where="prober"}': "0x20 1x20"},
        {'resilience_internal_errors_total{where="prober"}': "7x40"},
        labels={"where": "prober"},
    ),
    "ResilienceMemoryHigh": Case(
        {
            f"process_resident_memory_bytes{{{POD}}}": "500000000x40",
            f"resilience_memory_limit_bytes{{{POD}}}": "536870912x40",
        },
        {
            f"process_resident_memory_bytes{{{POD}}}": "500000000x40",
            f"resilience_memory_limit_bytes{{{POD}}}": "2147483648x40",
            'process_resident_memory_bytes{job="operator",instance="two"}': "900000000x40",
            'resilience_memory_limit_bytes{job="operator",instance="two"}': "+Inf " * 41,
            'process_resident_memory_bytes{job="other",instance="one"}': "900000000x40",
        },
        labels={"job": "operator", "instance": "one"},
    ),
    "ResilienceNotificationsFail": Case(
        {'resilience_notifications_total{outcome="failed"}': "0x20 1x20"},
        {'resilience_notifications_total{outcome="delivered"}': "0+1x40"},
    ),
    "ResilienceLevelEmergency": Case(
        level("EMERGENCY", "0x20 1x20"), level("EMERGENCY", "0x40"), labels=OF_LEVEL
    ),
    "ResilienceLevelMinimal": Case(
        level("MINIMAL", "0x20 1x20"), level("MINIMAL", "0x20 1x2 0x20"), labels=OF_LEVEL
    ),
    "ResilienceLevelNotOptimal": Case(
        level("LIMITED", "1x100"), level("LIMITED", "1x50 0 1x50"), labels=OF_LEVEL, at="90m"
    ),
    "ResilienceLevelFlaps": Case(
        {f'resilience_level_transitions_total{{{LEVEL},from="OPTIMAL",to="LIMITED"}}': "0+1x40"},
        {f'resilience_level_transitions_total{{{LEVEL},from="OPTIMAL",to="LIMITED"}}': "0x20 1x20"},
        labels=OF_LEVEL,
    ),
    "ResilienceLevelStale": Case(
        {f"resilience_level_stale{{{LEVEL}}}": "_x10 1x40"},
        {f"resilience_level_stale{{{LEVEL}}}": "_x10 1x2 _x40"},
        labels=OF_LEVEL,
    ),
    "ResilienceLevelForced": Case(
        {f"resilience_level_frozen{{{LEVEL}}}": "1x300"},
        {f"resilience_level_overridden{{{LEVEL}}}": "1x200 _x100"},
        labels=OF_LEVEL,
        at="5h",
    ),
    "ResilienceDependencyDown": Case(
        {f"resilience_dependency_up{{{REDIS}}}": "1x20 0x20"},
        {f"resilience_dependency_up{{{REDIS}}}": "1x20 0x2 1x20"},
        labels=OF_REDIS,
    ),
    "ResilienceDependencyUnknown": Case(
        {f'resilience_dependency_state{{{REDIS},state="Unknown"}}': "1x40"},
        {f'resilience_dependency_state{{{REDIS},state="Unknown"}}': "1x5 _x40"},
        labels=OF_REDIS,
    ),
    "ResilienceBreakerFlaps": Case(
        {f'resilience_breaker_transitions_total{{{REDIS},to="Closed"}}': "0x20 1 2 3 4 5 6 7x20"},
        {
            f'resilience_breaker_transitions_total{{{REDIS},to="Closed"}}': "0x20 1x20",
            f'resilience_breaker_transitions_total{{{REDIS},to="Open"}}': "0+1x40",
        },
        labels=OF_REDIS,
    ),
    "ResilienceProbeMisconfigured": Case(
        {'resilience_probe_results_total{type="redis",reason="SecretMissing"}': "0+6x40"},
        {'resilience_probe_results_total{type="redis",reason="Refused"}': "0+6x40"},
        labels={"type": "redis", "reason": "SecretMissing"},
    ),
    "ResilienceFlagsNotApplied": Case(
        {f"resilience_policy_flags_applied{{{POLICY}}}": "1x20 0x20"},
        {f"resilience_policy_flags_applied{{{POLICY}}}": "1x20 0 1x20"},
        labels=OF_POLICY,
    ),
    "ResiliencePodsNotTold": Case(
        {
            f"resilience_policy_pods{{{POLICY}}}": "3x40",
            f"resilience_policy_pods_refreshed{{{POLICY}}}": "2x40",
        },
        {
            f"resilience_policy_pods{{{POLICY}}}": "3x40",
            f"resilience_policy_pods_refreshed{{{POLICY}}}": "3x20 1 3x20",
        },
        labels=OF_POLICY,
    ),
    "ResiliencePolicyProblems": Case(
        {f"resilience_policy_problems{{{POLICY}}}": "2x40"},
        {f"resilience_policy_problems{{{POLICY}}}": "2x20 _x20"},
        labels=OF_POLICY,
    ),
    "ResilienceRolloutFailed": Case(
        phase("Failed", "1x45 0x10 1x60"),  # tried again, and failed again
        {  # failed long ago, and half an hour ago the leader changed
            f'resilience_rollout_phase{{{POLICY},phase="Failed",pod="a"}}': "1x39 stale",
            f'resilience_rollout_phase{{{POLICY},phase="Failed",pod="b"}}': "_x42 1x60",
        },
        labels=OF_POLICY,
        at="71m",
    ),
    "ResilienceRolloutRolledBack": Case(
        phase("RolledBack", "0x60 1x60"),
        phase("RolledBack", "0x10 1x120"),
        labels=OF_POLICY,
        at="70m",
    ),
    "ResilienceRolloutHeld": Case(
        phase("Held", "1x60"), phase("Held", "1x20 0 1x25 0x15"), labels=OF_POLICY, at="45m"
    ),
    "ResilienceRolloutPaused": Case(
        phase("Paused", "1x40"),
        phase("Paused", "1x20 0 1x20"),
        labels=OF_POLICY,
        at="30h",
        every="1h",
    ),
    "ResilienceRolloutWaiting": Case(
        phase("Waiting", "1x40"),
        phase("Waiting", "1x20 0 1x20"),
        labels=OF_POLICY,
        at="30h",
        every="1h",
    ),
    "ResilienceBudgetBurnsFast": Case(
        {**level("LIMITED", "1x60 0x30"), **level("EMERGENCY", "0x60 1x30")},
        {**level("LIMITED", "1x60 0x1 1x30"), **level("EMERGENCY", "0x60 1x1 0x30")},
        labels=OF_LEVEL,
        at="80m",
    ),
    "ResilienceBudgetBurnsSlowly": Case(
        level("LIMITED", "1x60 0x4 1x50 0x4 1x10"),
        level("LIMITED", "1x10 0x1 1x120"),
        labels=OF_LEVEL,
        at="10h",
        every="5m",
    ),
}
