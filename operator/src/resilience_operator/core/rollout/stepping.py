"""From the first step to the last: weights, holds and the analysis.

In every decision the same order: take note of what is seen; act on a fault; hold if something is in
the way; else see that the weight is in force; and when the step has been served, take the next.
"""

from resilience_operator.api.v1alpha1.rollout import AfterSuccess
from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.rollout import (
    attribution,
    ending,
    gates,
    holding,
    notes,
    pods,
    promotion,
    suspicion,
    timing,
)
from resilience_operator.core.rollout.findings import Fault, Hold
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import POLL_SECONDS, Turn, in_force
from resilience_operator.core.times import to_rfc3339

_FAULTS = frozenset({Attribution.VERSION_FAULT, Attribution.LOST_FALLBACK})


def enter(turn: Turn, step: int) -> RolloutPlan:
    """The next step: its weight is asked for, and its time begins when that is in force."""
    begins = turn.status.phase is not RolloutPhase.PROGRESSING
    turn = turn.having(
        phase=RolloutPhase.PROGRESSING,
        step=step,
        weight_asked_at=to_rfc3339(turn.now),
        step_started_at=None,
        held_seconds=0,
        held_since=None,
        attribution=Attribution.NONE,
    )
    turn = turn.having(
        reason=notes.SETTING_WEIGHT,
        message=f"Step {step} of {len(turn.seen.spec.steps)}: {turn.step.weight} % of the traffic "
        f"is to go to version {turn.revision}.",
    )
    if begins:
        turn = turn.say("RolloutProgressing", turn.status.message)
    turn = notes.take(turn)
    if turn.status.step_started_at is not None:
        return turn.plan(wake_at=_wake(turn), wants_metrics=timing.wants_metrics(turn))
    return _set(turn)


def proceed(turn: Turn) -> RolloutPlan:
    """One decision at a step."""
    by_pods = pods.judge(turn)
    turn = notes.take(pods.account(turn, by_pods))
    if turn.status.phase is RolloutPhase.PAUSED and turn.status.attribution in _FAULTS:
        return holding.stay_paused(turn)
    findings = (by_pods, attribution.judge(turn))
    fault = next((each for each in findings if isinstance(each, Fault)), None)
    turn, proven = suspicion.weigh(turn, fault)
    if fault is not None and proven:
        turn = suspicion.convict(turn, fault)
        return turn.plan() if turn.status.ending is None else ending.bring_home(turn)
    if turn.status.phase is RolloutPhase.PAUSED:
        return holding.stay_paused(turn, suspicion.proven_at(turn, fault))
    hold = _standing(turn, fault, findings) or (_served(turn) and gates.next_step(turn)) or None
    if hold is not None:
        return holding.hold(turn, hold, suspicion.proven_at(turn, fault))
    # Before the time held is put aside, in whole seconds: what has been served stays so.
    served = _served(turn)
    turn = holding.resume(turn)
    if turn.status.step_started_at is None:
        return _set(turn)
    if not served or not _may_move(turn):
        return turn.plan(wake_at=_wake(turn), wants_metrics=timing.wants_metrics(turn))
    return _advance(turn)


def _standing(
    turn: Turn, fault: Fault | None, findings: tuple[Fault | Hold | None, ...]
) -> Hold | None:
    """What holds the rollout at any time, the most telling first."""
    found = next((each for each in findings if isinstance(each, Hold)), None)
    suspected = suspicion.as_hold(fault) if fault is not None else None
    return (
        gates.obstacle(turn)
        or (None if _ahead(turn) else holding.drift(turn))
        or suspected
        or found
        or gates.gate(turn)
        or holding.no_canary(turn)
    )


def _ahead(turn: Turn) -> bool:
    """Whether the next step's weight is in force already: it was set when the operator died."""
    following = turn.seen.spec.steps[turn.status.step :]
    return bool(following) and _served(turn) and in_force(turn, following[0].weight)


def _served(turn: Turn) -> bool:
    started = turn.status.step_started_at is not None
    return started and timing.served_seconds(turn) >= turn.step.hold_seconds


def _may_move(turn: Turn) -> bool:
    """Whether this very decision has seen the metrics, and the weight in force."""
    looked = turn.looked or not turn.seen.spec.analysis.metrics
    return looked and (in_force(turn, turn.step.weight) or _ahead(turn))


def _set(turn: Turn) -> RolloutPlan:
    """Asks for the step's weight; that the canary has a pod to serve it has been seen to."""
    return notes.asked_in_vain(turn).plan(
        Effect.SET_WEIGHT,
        turn.step.weight,
        wake_at=turn.now + POLL_SECONDS,
        wants_metrics=timing.wants_metrics(turn),
    )


def _advance(turn: Turn) -> RolloutPlan:
    if not turn.at_last_step:
        return enter(turn, turn.status.step + 1)
    steps = len(turn.seen.spec.steps)
    promoting = turn.seen.spec.after_success is AfterSuccess.PROMOTE
    return promotion.begin(
        turn,
        f"Version {turn.revision} has passed all {steps} steps and "
        f"{'becomes the stable one' if promoting else 'keeps the traffic'}.",
    )


def _wake(turn: Turn) -> float | None:
    left = turn.step.hold_seconds - timing.served_seconds(turn)
    due = turn.now + (left if left > 0 else POLL_SECONDS)
    return timing.soonest(due, timing.next_look(turn))
