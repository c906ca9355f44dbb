"""Whose fault it is: the metrics' verdicts against the dependencies' state.

Telling arms apart needs no dependency: a canary significantly worse than a stable that lives
through the same minutes is at fault, and the state of the dependencies only tells for what. Telling
bad minutes from a bad version needs both. Without a stable arm (all traffic on the canary) a figure
over its ceiling is proof only if no dependency turns out to be in trouble while that would show,
and none if nothing is known of one.
"""

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricStatus,
    MetricVerdict,
    RolloutPhase,
)
from resilience_operator.core.rollout.findings import (
    Fault,
    Hold,
    degraded,
    named,
    troubled,
    unknown,
)
from resilience_operator.core.rollout.turn import Turn

# A probe takes its time to find an outage that requests feel at once.
ALONE_CONFIRM_SECONDS = 120.0

_SHARED = frozenset({Attribution.DEPENDENCY_FAULT, Attribution.SHARED_FAULT})
VOIDING = _SHARED | {Attribution.BLIND}
"""Attributions whose end begins a fresh window: what was counted meanwhile is not the version's."""


def judge(turn: Turn) -> Fault | Hold | None:
    """What the last look at the metrics says of the version, or None if nothing is against it."""
    worse = _those(turn, MetricVerdict.WORSE)
    if worse:
        return _alone(turn, worse[0]) if turn.status.weight == 100 else _fault(turn, worse[0])
    missing = _those(turn, MetricVerdict.MISSING)
    if missing:
        return _blind(missing)
    both_bad = _those(turn, MetricVerdict.BOTH_BAD)
    if both_bad:
        return _not_the_version(turn, both_bad[0].name)
    return _not_over_yet(turn)


def passing(turn: Turn) -> bool:
    """Whether every metric of the spec has evidence, and none of it is against the canary."""
    verdicts = {each.name: each.verdict for each in turn.status.metrics}
    wanted = turn.seen.spec.analysis.metrics
    return all(verdicts.get(each.name) is MetricVerdict.PASSING for each in wanted)


def held_for_metrics(turn: Turn) -> bool:
    """Whether the present hold is one of both arms being bad."""
    status = turn.status
    held = status.phase is RolloutPhase.HELD and status.attribution in _SHARED
    return held and status.reason == status.attribution.value


def _those(turn: Turn, verdict: MetricVerdict) -> tuple[MetricStatus, ...]:
    return tuple(each for each in turn.status.metrics if each.verdict is verdict)


def _fault(turn: Turn, metric: MetricStatus) -> Fault:
    figures = f"{metric.name} is {metric.canary} on the canary, {metric.stable} on stable"
    if not degraded(turn.seen):
        return Fault(
            Attribution.VERSION_FAULT,
            "VersionFault",
            f"{figures} ({metric.evidence}) {_health(turn)}: it is the version.",
        )
    return Fault(
        Attribution.LOST_FALLBACK,
        "LostFallback",
        f"{figures} ({metric.evidence}) while {_outage(turn)}: the new version handles it worse.",
    )


def _alone(turn: Turn, metric: MetricStatus) -> Fault | Hold | None:
    if degraded(turn.seen):
        return _not_the_version(turn, metric.name)
    if unknown(turn.seen):
        return None  # nobody can tell, and the gate holds it for that
    return Fault(
        Attribution.VERSION_FAULT,
        "VersionFault",
        f"{metric.name} is {metric.canary} ({metric.evidence}) with all dependencies well.",
        ALONE_CONFIRM_SECONDS,
    )


def _not_the_version(turn: Turn, metric: str) -> Hold:
    if degraded(turn.seen):
        return Hold(
            Attribution.DEPENDENCY_FAULT.value,
            f"{metric} is bad while {_outage(turn)}: not the version's fault. Goes on by itself, "
            "with a fresh analysis, when that is over.",
            Attribution.DEPENDENCY_FAULT,
        )
    return Hold(
        Attribution.SHARED_FAULT.value,
        f"{metric} is bad on stable as well as on the canary, and every dependency is well: "
        "something else hurts both. Goes on by itself when the figures are good again.",
        Attribution.SHARED_FAULT,
    )


def _blind(missing: tuple[MetricStatus, ...]) -> Hold:
    names = named(tuple(each.name for each in missing))
    return Hold(
        "MetricsMissing",
        f"No figures for {names} ({missing[0].evidence}): nothing can be said of the version. "
        "Goes on by itself, with a fresh analysis, when they are back.",
        Attribution.BLIND,
    )


def _not_over_yet(turn: Turn) -> Hold | None:
    """A hold of both arms being bad lasts until its outage is over or a fresh window is good."""
    if not held_for_metrics(turn) or passing(turn):
        return None
    outage_over = turn.status.attribution is Attribution.DEPENDENCY_FAULT and not degraded(
        turn.seen
    )
    if outage_over:
        return None
    status = turn.status
    return Hold(status.reason, status.message, status.attribution)


def _health(turn: Turn) -> str:
    names = unknown(turn.seen)
    if not names:
        return "with all dependencies well"
    return f"with no dependency known to be in trouble (nothing is known of {named(names)})"


def _outage(turn: Turn) -> str:
    names = troubled(turn.seen)
    if not names:
        return "the probes are not to be believed"
    return f"{named(names)} {'is' if len(names) == 1 else 'are'} in trouble"
