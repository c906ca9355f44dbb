"""`status` for people: a block for each policy, most important things first."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from resilience_operator.api.v1alpha1.base import Condition
from resilience_operator.api.v1alpha1.level import RecoveryForecast
from resilience_operator.api.v1alpha1.policy_status import DependencyStatus
from resilience_operator.cli.colours import coloured
from resilience_operator.cli.durations import ago, spoken
from resilience_operator.cli.overview import LevelOverview, PolicyOverview, amiss
from resilience_operator.cli.rollouts.text import rollout_line
from resilience_operator.cli.screen import indented, line, said, table
from resilience_operator.core.times import from_rfc3339


def overviews_text(overviews: Sequence[PolicyOverview], now: float) -> RenderableType:
    """All policies, an empty line between them."""
    parts: list[RenderableType] = []
    for overview in overviews:
        if parts:
            parts.append(Text(""))
        parts += _policy(overview, now)
    return Group(*parts)


def _policy(overview: PolicyOverview, now: float) -> Iterator[RenderableType]:
    status = overview.status
    yield line(
        said(f"{overview.namespace}/{overview.name}", "bold"),
        coloured(status.level),
        "" if status.health is None else f"health {status.health}",
        (status.limiting_dependency and f"limited by {status.limiting_dependency}") or "",
        status.scored and f"{status.scored} known",
    )
    for note in overview.notes:
        yield indented(said(note, "yellow"))
    if overview.levels:
        rows = (_level_row(each, now) for each in overview.levels)
        yield indented(table(_LEVEL_HEADERS, rows))
    if status.dependencies:
        rows = (_dependency_row(each, now) for each in status.dependencies)
        yield indented(table(_DEPENDENCY_HEADERS, rows))
    for condition in amiss(status.conditions):
        yield indented(_condition_line("", condition, now))
    for level in overview.levels:
        for condition in amiss(level.status.conditions):
            yield indented(_condition_line(f"{level.name}: ", condition, now))
    if overview.rollout is not None:
        yield indented(line(said("rollout", "bold"), rollout_line(overview.rollout, now)))


_LEVEL_HEADERS = ("LEVEL OF", "LEVEL", "HEALTH", "SINCE", "LIMITED BY", "NOTES")


def _level_row(level: LevelOverview, now: float) -> tuple[Any, ...]:
    status = level.status
    return (
        level.name,
        coloured(status.level),
        "-" if status.health is None else status.health,
        ago(status.since, now),
        status.limiting_dependency,
        "; ".join(_level_notes(level, now)),
    )


def _level_notes(level: LevelOverview, now: float) -> Iterator[str]:
    spec, status = level.spec, level.status
    if spec is not None and spec.override is not None and level.override_in_force:
        one = spec.override
        left = ago_until(one.expires_at, now)
        yield f"{one.requested_by} forces {one.level} for {left} more: {one.reason}"
    if spec is not None and spec.freeze is not None and level.freeze_in_force:
        left = ago_until(spec.freeze.expires_at, now)
        yield f"frozen for {left} more: {spec.freeze.reason}"
    if status.computed_level is not None and status.computed_level != status.level:
        yield f"the probes say {status.computed_level}"
    if status.recovery is not None:
        yield _forecast(status.recovery, now)


def ago_until(timestamp: str, now: float) -> str:
    """How long it is until then."""
    then = from_rfc3339(timestamp)
    return "?" if then is None else spoken(then - now)


def _forecast(recovery: RecoveryForecast, now: float) -> str:
    expected = from_rfc3339(recovery.expected_at)
    if expected is None:
        when = "recovery unknown"
    elif expected > now:
        when = f"recovery expected in {spoken(expected - now)}"
    else:
        when = "outage longer than usual"
    worst = recovery.p90_seconds
    late = "" if worst is None else f", 90 % of outages end within {spoken(worst)}"
    return f"{when} (of {recovery.samples} outages{late})"


_DEPENDENCY_HEADERS = ("DEPENDENCY", "STATE", "HEALTH", "BREAKER", "P95", "SINCE", "WHY")


def _dependency_row(dependency: DependencyStatus, now: float) -> tuple[Any, ...]:
    reason = dependency.failure_reason
    slow = dependency.latency_p95_milliseconds
    why = ": ".join(part for part in (reason, dependency.message) if part)
    return (
        dependency.name,
        coloured(dependency.state),
        "-" if dependency.health is None else dependency.health,
        coloured(dependency.breaker.state),
        "" if slow is None else f"{slow} ms",
        ago(dependency.since, now),
        why,
    )


def _condition_line(whose: str, condition: Condition, now: float) -> Text:
    return line(
        said(f"{whose}{condition.type}={condition.status}", "yellow"),
        condition.reason,
        f"for {ago(condition.last_transition_time, now)}",
        condition.message,
    )
