"""Alerts on policies, their dependencies and their rollouts."""

from tools.rules import Alert, Severity

_CRITICAL, _WARNING, _INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
_LEVEL = "{{ $labels.namespace }}/{{ $labels.name }}"
_POLICY = "{{ $labels.namespace }}/{{ $labels.policy }}"
_DEPENDENCY = "{{ $labels.dependency }} of " + _POLICY
_CONFIGURATION = "SecretMissing|SecretInvalid|AddressRefused|ConfigInvalid"


def policies() -> list[Alert]:
    """Levels, dependencies, flags and pods."""
    return [
        Alert(
            "ResilienceLevelEmergency",
            _CRITICAL,
            "1m",
            _at("EMERGENCY"),
            f"{_LEVEL} is at EMERGENCY: only what must not go is left.",
        ),
        Alert(
            "ResilienceLevelMinimal",
            _WARNING,
            "5m",
            _at("MINIMAL"),
            f"{_LEVEL} is at MINIMAL.",
        ),
        Alert(
            "ResilienceLevelNotOptimal",
            _INFO,
            "1h",
            'max by (namespace, name) (resilience_level{level=~"DEGRADED|LIMITED"}) == 1',
            f"{_LEVEL} has not been at OPTIMAL for an hour.",
        ),
        Alert(
            "ResilienceLevelFlaps",
            _WARNING,
            "0m",
            "sum by (namespace, name) (increase(resilience_level_transitions_total[30m])) > 8",
            f"{_LEVEL} goes up and down.",
        ),
        Alert(
            "ResilienceLevelStale",
            _WARNING,
            "5m",
            "max by (namespace, name) (resilience_level_stale) == 1",
            f"{_LEVEL} may be wrong: dependencies have not answered for too long.",
        ),
        Alert(
            "ResilienceLevelForced",
            _INFO,
            "4h",
            "max by (namespace, name) (resilience_level_overridden or resilience_level_frozen)"
            " == 1",
            f"A person has forced or frozen {_LEVEL} for four hours.",
        ),
        Alert(
            "ResilienceDependencyDown",
            _WARNING,
            "5m",
            "min by (namespace, policy, dependency) (resilience_dependency_up) == 0",
            f"{_DEPENDENCY} is down.",
        ),
        Alert(
            "ResilienceDependencyUnknown",
            _WARNING,
            "10m",
            "max by (namespace, policy, dependency)"
            ' (resilience_dependency_state{state="Unknown"}) == 1',
            f"Nobody knows how {_DEPENDENCY} does.",
        ),
        Alert(
            "ResilienceBreakerFlaps",
            _WARNING,
            "0m",
            "sum by (namespace, policy, dependency)"
            ' (increase(resilience_breaker_transitions_total{to="Closed"}[30m])) > 3',
            f"The breaker of {_DEPENDENCY} opens and closes again and again.",
        ),
        Alert(
            "ResilienceProbeMisconfigured",
            _WARNING,
            "15m",
            "sum by (type, reason)"
            f' (resilience:probe_results:rate5m{{reason=~"{_CONFIGURATION}"}}) > 0',
            "Probes of type {{ $labels.type }} cannot be carried out: {{ $labels.reason }}.",
        ),
        Alert(
            "ResilienceFlagsNotApplied",
            _CRITICAL,
            "2m",
            "min by (namespace, policy) (resilience_policy_flags_applied) == 0",
            f"The flags of {_POLICY} are decided and not in its ConfigMap.",
        ),
        Alert(
            "ResiliencePodsNotTold",
            _WARNING,
            "5m",
            "max by (namespace, policy)"
            " (resilience_policy_pods - resilience_policy_pods_refreshed) > 0",
            f"Pods of {_POLICY} do not know of its present flags.",
        ),
        Alert(
            "ResiliencePolicyProblems",
            _WARNING,
            "15m",
            "max by (namespace, policy) (resilience_policy_problems) > 0",
            f"{_POLICY} has a problem that a person has to mend.",
        ),
    ]


def rollouts() -> list[Alert]:
    """Rollouts that a person should look at."""
    return [
        Alert(
            "ResilienceRolloutFailed",
            _CRITICAL,
            "0m",
            _lately("Failed"),
            f"The rollout of {_POLICY} has failed.",
        ),
        Alert(
            "ResilienceRolloutRolledBack",
            _WARNING,
            "0m",
            _lately("RolledBack"),
            f"The rollout of {_POLICY} was taken back.",
        ),
        Alert(
            "ResilienceRolloutHeld",
            _WARNING,
            "30m",
            'max by (namespace, policy) (resilience_rollout_phase{phase="Held"}) == 1',
            f"The rollout of {_POLICY} has been held for half an hour.",
        ),
        Alert(
            "ResilienceRolloutPaused",
            _INFO,
            "1d",
            'max by (namespace, policy) (resilience_rollout_phase{phase="Paused"}) == 1',
            f"The rollout of {_POLICY} has waited a day for a person.",
        ),
        Alert(
            "ResilienceRolloutWaiting",
            _INFO,
            "1d",
            'max by (namespace, policy) (resilience_rollout_phase{phase="Waiting"}) == 1',
            f"The rollout of {_POLICY} has not begun for a day: it may wait for a person.",
        ),
    ]


def _at(level: str) -> str:
    return f'max by (namespace, name) (resilience_level{{level="{level}"}}) == 1'


def _lately(phase: str) -> str:
    """In that phase, and within half an hour seen in another: it lasts until the next rollout.

    Seen, not missed: a gap in the series, as when the leader changes, is no other phase.
    """
    series = f'resilience_rollout_phase{{phase="{phase}"}}'
    now = f"max by (namespace, policy) ({series}) == 1"
    before = f"min by (namespace, policy) (min_over_time({series}[30m])) == 0"
    return f"({now}) and ({before})"
