"""Holds and pauses: the clock stops, the weights stay, and the analysis goes on."""

from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.rollout import attribution, ending, timing
from resilience_operator.core.rollout.findings import Hold
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import POLL_SECONDS, Turn, hands_off, not_before

DRIFTED = "TrafficDrifted"
PAUSED = "Paused"


def drift(turn: Turn) -> Hold | None:
    """Somebody else has changed the weights of a step that was in force."""
    traffic, wanted = turn.seen.traffic, turn.step.weight
    # The largest share may be the wanted one while another rule has a different one.
    off = traffic.drifted or traffic.weight not in (None, wanted)
    if turn.status.step_started_at is None or not off or hands_off(turn) is not None:
        return None
    return Hold(
        DRIFTED,
        f"The weights were changed from outside, and are set again to {wanted} % for the canary. "
        "Held until they are in force.",
    )


def no_canary(turn: Turn) -> Hold | None:
    """A weight above 0 is for pods that are ready, unless it is what makes them."""
    if turn.seen.canary.ready > 0 or turn.by_replicas:
        return None
    return Hold("CanaryNotReady", f"Deployment {turn.seen.canary.name} has no ready pod.")


def hold(turn: Turn, why: Hold, proven_at: float | None = None) -> RolloutPlan:
    """Stays at this step, for as long as `maxHoldSeconds` allows."""
    status = turn.status
    if status.phase is RolloutPhase.HELD and status.reason != why.reason:
        turn = _other_reason(turn, why)
    turn = timing.hold(turn, limited=why.limited)
    if timing.held_too_long(turn):
        return ending.bring_home(_given_up(turn, why))
    news = status.phase is not RolloutPhase.HELD or status.reason != why.reason
    turn = turn.having(
        phase=RolloutPhase.HELD, reason=why.reason, message=why.message, attribution=why.blame
    )
    if news:
        turn = turn.warn("RolloutHeld" if why.reason != DRIFTED else DRIFTED, why.message)
    return _staying(turn, timing.soonest(proven_at, timing.hold_ends(turn)))


def stay_paused(turn: Turn, proven_at: float | None = None) -> RolloutPlan:
    """Paused until a person says otherwise. Weights changed from outside are still put right."""
    changed = drift(turn)
    if changed is not None and turn.status.reason != DRIFTED:
        turn = turn.having(reason=DRIFTED).warn(DRIFTED, changed.message)
    elif changed is None and turn.status.reason == DRIFTED:
        turn = turn.having(reason=PAUSED)
    return _staying(turn, proven_at)


def resume(turn: Turn) -> Turn:
    """The turn with a hold over, if there was one: the clock goes on where it stopped."""
    status = turn.status
    if status.phase is not RolloutPhase.HELD:
        return turn
    voided = status.attribution in attribution.VOIDING or status.reason == DRIFTED
    message = f"Step {status.step} goes on: what held it ({status.reason}) is over."
    turn = timing.let_go(turn).having(
        phase=RolloutPhase.PROGRESSING,
        reason="Progressing",
        message=message,
        attribution=Attribution.NONE,
    )
    return _renewed(turn, voided).say("RolloutResumed", message)


def _other_reason(turn: Turn, why: Hold) -> Turn:
    """A hold that turns into another one: what voids the window does so here as well."""
    status = turn.status
    voided = status.attribution in attribution.VOIDING and why.blame not in attribution.VOIDING
    return _renewed(turn, voided or status.reason == DRIFTED)


def _renewed(turn: Turn, voided: bool) -> Turn:
    began = turn.status.window_started_at
    stale = voided and began is not None and began != not_before(turn.now)
    return timing.fresh_window(turn) if stale else turn


def _given_up(turn: Turn, why: Hold) -> Turn:
    longest = turn.seen.spec.gate.max_hold_seconds
    message = f"Version {turn.revision} is rolled back after {longest} s held: {why.message}"
    return ending.end_as(turn, RolloutPhase.ROLLED_BACK, "HeldTooLong", message, why.blame)


def _staying(turn: Turn, wake_at: float | None) -> RolloutPlan:
    """Nothing moves; but weights that are not what they were are set to that again."""
    wants = timing.wants_metrics(turn)
    wake_at = timing.soonest(wake_at, timing.next_look(turn))
    changed = drift(turn)
    reachable = turn.seen.traffic.problem is None and no_canary(turn) is None
    if changed is None or not reachable:
        return turn.plan(wake_at=wake_at, wants_metrics=wants)
    soon = timing.soonest(wake_at, turn.now + POLL_SECONDS)
    return turn.plan(Effect.SET_WEIGHT, turn.status.weight, wake_at=soon, wants_metrics=wants)
