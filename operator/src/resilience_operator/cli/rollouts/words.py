"""What a rollout's state means, in sentences, and what a person can do about it."""

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricVerdict,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.cli.rollouts.view import GONE_WRONG, RolloutView

AWAITING_APPROVAL = "AwaitingApproval"

_NO_STEP = frozenset({RolloutPhase.IDLE, RolloutPhase.SUCCEEDED})
_BLAME = {
    Attribution.VERSION_FAULT: "The new version is at fault.",
    Attribution.DEPENDENCY_FAULT: "Not the new version: a dependency is in trouble, and both "
    "versions suffer alike.",
    Attribution.LOST_FALLBACK: "The new version is at fault: it handles a dependency's outage "
    "worse than stable does.",
    Attribution.SHARED_FAULT: "Both versions are bad while every dependency is healthy: not the "
    "new version alone.",
    Attribution.BLIND: "Nobody can tell: what is needed for a verdict cannot be seen.",
}
_VERDICTS = {
    MetricVerdict.PASSING: "as good as stable",
    MetricVerdict.WORSE: "worse than stable",
    MetricVerdict.BOTH_BAD: "both are bad",
    MetricVerdict.TOO_FEW_SAMPLES: "not enough to judge by yet",
    MetricVerdict.MISSING: "no figures",
}


def verdict(status: RolloutStatus) -> str:
    """Whose fault it is, if anybody's."""
    if status.attribution in _BLAME:
        return _BLAME[status.attribution]
    if status.phase in GONE_WRONG:
        return "Nobody is blamed."
    if status.phase is RolloutPhase.SUCCEEDED:
        return "The new version has passed."
    found = {each.verdict for each in status.metrics}
    if status.phase is RolloutPhase.IDLE or not found:
        return ""
    if found == {MetricVerdict.PASSING}:
        return "So far the new version does as well as stable."
    if found <= {MetricVerdict.PASSING, MetricVerdict.TOO_FEW_SAMPLES}:
        return "There is not enough evidence yet to judge the new version."
    return "No verdict yet."


def metric_verdict(found: MetricVerdict, alone: bool) -> str:
    """What one metric says of the canary."""
    if alone and found is MetricVerdict.PASSING:
        return "within its bounds"
    if alone and found is MetricVerdict.WORSE:
        return "over its ceiling"
    return _VERDICTS[found]


def step_of(view: RolloutView) -> str:
    """`step 2/3`; empty before the first one, and where no step matters any more."""
    if not view.status.step or view.status.phase in _NO_STEP:
        return ""
    return (
        f"step {view.status.step}/{len(view.steps)}" if view.steps else f"step {view.status.step}"
    )


def version(revision: str) -> str:
    """A revision as the operator's own sentences write it."""
    return revision[:8]


def advice(view: RolloutView) -> str:
    """The command that fits the moment; empty where there is nothing to do but wait."""
    status, command = view.status, "kubectl resilience rollout"
    tail = f"{view.name} -n {view.namespace}"
    if view.observing or view.pending is not None or status.ending is not None:
        return ""
    if status.reason == AWAITING_APPROVAL:
        return f"{command} resume {tail}"
    if status.phase is RolloutPhase.PAUSED:
        return f"{command} resume {tail}   or   {command} abort {tail}"
    if status.phase in GONE_WRONG:
        return f"{command} retry {tail}   once the reason is gone"
    if status.phase is RolloutPhase.HELD:
        return f"wait: it goes on by itself   or   {command} abort {tail}"
    return ""
