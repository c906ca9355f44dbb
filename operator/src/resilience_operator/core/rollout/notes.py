"""What a decision at a step takes note of before it judges: weights, time, window, metrics."""

from dataclasses import replace

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricVerdict,
    RolloutPhase,
)
from resilience_operator.core.rollout import attribution, timing, verdicts
from resilience_operator.core.rollout.findings import degraded, unknown
from resilience_operator.core.rollout.model import Effect
from resilience_operator.core.rollout.turn import Turn, at, in_force, refused, told
from resilience_operator.core.times import to_rfc3339, to_rfc3339_fine

# A window in which both arms were bad is judged anew after this time: it may be over.
RECHECK_SECONDS = 300.0
# So long after a window began, or two looks, there need not be any figure in it yet.
EARLY_SECONDS = 120.0
# A router that has not accepted a weight after this time is something to be told of.
SLOW_ROUTER_SECONDS = 60.0
SETTING_WEIGHT = "SettingWeight"
NOT_ACCEPTED = "WeightNotAccepted"


def take(turn: Turn) -> Turn:
    """The turn with all that is seen noted in its status."""
    turn = _window(_weight(turn))
    turn = _metrics(turn)
    bad = any(each.verdict is MetricVerdict.BOTH_BAD for each in turn.status.metrics)
    stale = bad and attribution.held_for_metrics(turn)
    return timing.fresh_window(turn) if stale and _old(turn) else turn


def _weight(turn: Turn) -> Turn:
    """The step begins when its weight is in force; anew if the spec now wants another one."""
    wanted, status = turn.step.weight, turn.status
    if status.step_started_at is not None and status.weight != wanted:
        turn = turn.having(
            step_started_at=None, held_seconds=0, weight_asked_at=to_rfc3339(turn.now)
        )
    if turn.status.step_started_at is not None or not in_force(turn, wanted):
        return turn
    message = (
        f"Step {status.step} of {len(turn.seen.spec.steps)}: version {turn.revision} has "
        f"{_share(turn)}."
    )
    turn = turn.having(
        weight=wanted,
        step_started_at=to_rfc3339_fine(turn.now),
        held_seconds=0,
        stable_restarts=turn.seen.stable.restarts,
    )
    if status.phase is RolloutPhase.PROGRESSING:
        turn = turn.having(reason="Progressing", message=message)
    return timing.fresh_window(turn).say("StepStarted", message)


def _share(turn: Turn) -> str:
    """What the canary gets, in words: replicas only come near what is wished."""
    wanted, real = turn.step.weight, turn.seen.traffic.real_share
    if real is None or round(real) == wanted:
        return f"{wanted} % of the traffic"
    return f"{real:.0f} % of the traffic, which is as near as {wanted} % can be met"


def asked_in_vain(turn: Turn) -> Turn:
    """The turn with a warning, once, when the weight was refused or long not accepted."""
    why = refused(turn, Effect.SET_WEIGHT)
    if why is not None:
        return told(turn, why)
    asked = at(turn.status.weight_asked_at)
    slow = asked is not None and turn.now - asked >= SLOW_ROUTER_SECONDS
    if not slow or turn.status.reason != SETTING_WEIGHT:
        return turn
    message = (
        f"Step {turn.status.step}: nothing has reported for {SLOW_ROUTER_SECONDS:.0f} s that "
        f"{turn.step.weight} % for the canary are in force. Does the gateway or controller of the "
        "route run?"
    )
    return turn.having(reason=NOT_ACCEPTED, message=message).warn(NOT_ACCEPTED, message)


def _window(turn: Turn) -> Turn:
    """A change of level changes the flags of both arms, and an outage that ends its figures."""
    began, changed = at(turn.status.window_started_at), turn.seen.level_since
    if began is None:
        return turn
    voided = changed is not None and changed > began
    over = (
        attribution.held_for_metrics(turn)
        and turn.status.attribution is Attribution.DEPENDENCY_FAULT
        and not degraded(turn.seen)
    )
    return timing.fresh_window(turn) if voided or over else turn


def _metrics(turn: Turn) -> Turn:
    """The verdicts of this look, if it is one of this window."""
    seen, began = turn.seen, at(turn.status.window_started_at)
    if seen.metrics is None or began is None or not seen.spec.analysis.metrics:
        return turn
    looked_at = turn.now if seen.metrics_at is None else seen.metrics_at
    asked_for = seen.metrics_window or turn.status.window_started_at
    if looked_at <= began or asked_for != turn.status.window_started_at:
        return turn
    early = max(EARLY_SECONDS, 2.0 * seen.spec.analysis.interval_seconds)
    given = verdicts.Circumstances(
        window=turn.status.windows,
        early=looked_at - began < early,
        alone=turn.status.weight == 100,
        healthy=not degraded(seen) and not unknown(seen),
    )
    before = {each.name: each for each in turn.status.metrics}
    found = verdicts.look(seen.spec.analysis, seen.metrics, before, given)
    return replace(turn.having(metrics=found), looked=True)


def _old(turn: Turn) -> bool:
    return timing.window_age(turn) >= RECHECK_SECONDS
