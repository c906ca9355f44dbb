"""Before the first step: when a rollout starts, and what it waits for.

The weights as they were are in status before the first one is changed: a decision that finds them
not recorded records them and does nothing else.
"""

from dataclasses import replace

from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core.rollout import (
    ending,
    gates,
    pods,
    stepping,
    suspicion,
    timing,
    upkeep,
)
from resilience_operator.core.rollout.findings import Fault, Hold
from resilience_operator.core.rollout.history import remembering
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import (
    POLL_SECONDS,
    Turn,
    hands_off,
    is_home,
    is_restored,
    recorded,
    unrecorded,
    way_home,
)
from resilience_operator.core.times import to_rfc3339


def rest(turn: Turn) -> RolloutPlan:
    """Nothing is under way; a canary whose revision has not finished yet starts a rollout."""
    canary, stable = turn.seen.canary, turn.seen.stable
    if canary.missing or canary.revision == turn.status.finished_revision:
        return upkeep.keep(turn)
    if canary.content == stable.content and not stable.missing:
        if turn.status.weight or turn.status.originals:
            return upkeep.keep(turn)
        return _nothing_new(turn).plan(wake_at=turn.now)
    return wait(begin(turn))


def begin(turn: Turn) -> Turn:
    """The turn with a rollout of the canary's present revision begun."""
    before, seen = turn.status, turn.seen
    message = f"Version {seen.canary.revision[:8]} of {seen.canary.name} is on its way."
    status = RolloutStatus(
        phase=RolloutPhase.WAITING,
        weight=before.weight,
        revision=seen.canary.revision,
        finished_revision=before.finished_revision,
        started_at=to_rfc3339(turn.now),
        reason="Started",
        message=message,
        stable_restarts=seen.stable.restarts,
        canary_restarts=seen.canary.restarts,
        originals=before.originals,
        history=before.history,
    )
    unasked = replace(seen, checks=())  # those that were answered were answered of another version
    return Turn(unasked, status, turn.events).say("RolloutStarted", message)


def start_over(turn: Turn) -> Turn:
    """The canary has changed in mid-rollout: the new revision starts from the beginning."""
    old = turn.status
    if old.step > 0:
        history = remembering(old, RolloutPhase.ROLLED_BACK, turn.now, "Superseded")
        turn = turn.having(history=history)
    message = f"Version {turn.revision} gives way to {turn.seen.canary.revision[:8]}."
    return begin(turn.say("RolloutSuperseded", message))


def wait(turn: Turn) -> RolloutPlan:
    """Until everything is there for the first step."""
    finding = pods.judge(turn)
    turn = pods.account(turn, finding)
    fault = finding if isinstance(finding, Fault) else None
    turn, proven = suspicion.weigh(turn, fault)
    paused = turn.status.phase is RolloutPhase.PAUSED
    if fault is not None and proven and not paused:
        turn = suspicion.convict(turn, fault)
        return turn.plan() if turn.status.ending is None else ending.bring_home(turn)
    if turn.status.weight > 0 and hands_off(turn) is None:
        return _bring_home(turn)
    obstacle = gates.obstacle(turn)
    if obstacle is not None:
        return _wait_for(turn, obstacle)
    if turn.seen.canary.content == turn.seen.stable.content:
        if turn.seen.traffic.recorded:
            return turn.plan(Effect.RESTORE_WEIGHTS, wake_at=turn.now + POLL_SECONDS)
        return _nothing_new(turn).plan(wake_at=turn.now)
    if unrecorded(turn):
        return recorded(turn).plan(wake_at=turn.now)
    hold = suspicion.as_hold(fault) if fault else finding if isinstance(finding, Hold) else None
    hold = hold or gates.gate(turn) or gates.first_step(turn)
    if hold is None and not paused:
        return stepping.enter(turn, 1)
    return _wait_for(turn, hold, suspicion.proven_at(turn, fault))


def _nothing_new(turn: Turn) -> Turn:
    """The canary is what stable is already: there is nothing to roll out."""
    revision, message = turn.seen.canary.revision, "Canary and stable are the same version."
    if turn.status.phase is not RolloutPhase.IDLE:
        turn = turn.say("NothingToRollOut", message)
    return turn.having(
        phase=RolloutPhase.IDLE,
        step=0,
        revision=revision,
        finished_revision=revision,
        held_since=None,
        hold_counts_since=None,
        originals=(),
        reason="UpToDate",
        message=message,
    )


def _bring_home(turn: Turn) -> RolloutPlan:
    """The version before this one still has traffic."""
    if is_home(turn):
        return turn.having(weight=0).plan(wake_at=turn.now)
    if ending.nobody_takes_over(turn):
        message = f"Traffic cannot go home: {turn.seen.stable.name} has no ready pod."
        return _wait_for(turn, Hold("StableNotReady", message))
    turn = turn.having(
        reason="BringingTrafficHome",
        message=f"Traffic goes home before version {turn.revision} gets any.",
    )
    return turn.plan(way_home(turn), wake_at=turn.now + POLL_SECONDS)


def _wait_for(turn: Turn, hold: Hold | None, proven_at: float | None = None) -> RolloutPlan:
    """Stays, and takes back a first weight that was set when the operator last died."""
    if hold is not None and turn.status.phase is RolloutPhase.WAITING:
        turn = turn.having(reason=hold.reason, message=hold.message, attribution=hold.blame)
        if turn.status.reason != turn.seen.status.reason:
            turn = turn.say("RolloutWaiting", hold.message)
    traffic = turn.seen.traffic
    known = traffic.problem is None and traffic.weight is not None
    left = known and not is_home(turn) and not is_restored(turn)
    if left and (turn.seen.stable.ready > 0 or turn.by_replicas):
        return turn.plan(way_home(turn), wake_at=turn.now + POLL_SECONDS)
    return turn.plan(wake_at=timing.soonest(proven_at, timing.next_look(turn)))
