"""After the end: traffic that was left on the canary for Git to promote.

With `afterSuccess: Keep` the weights stay set, so they are still looked after: a sync that resets
them is put right, and when stable has become the same version traffic goes home to it. So it is
with a canary that had traffic before and lost it to a rollback: it stays at 0 until both arms run
the same version.
"""

from resilience_operator.core.rollout import pods
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import (
    POLL_SECONDS,
    Turn,
    hands_off,
    is_home,
    is_restored,
    shared,
    way_home,
)


def keep(turn: Turn) -> RolloutPlan:
    """What a finished rollout still needs: nothing, but for weights that were left in force."""
    status, seen = turn.status, turn.seen
    if (status.weight == 0 and not status.originals) or hands_off(turn) is not None:
        return turn.plan()
    gone = seen.canary.missing or seen.traffic.canary_gone
    if not gone and seen.canary.content == seen.stable.content and pods.rolled_out(seen.stable):
        return _restore(turn)
    if gone and status.weight > 0 and pods.rolled_out(seen.stable):
        return _leave(turn)
    if seen.traffic.problem is not None:
        return turn.plan()
    off = seen.traffic.drifted or seen.traffic.weight not in (None, status.weight)
    if off and (seen.canary.ready > 0 or status.weight == 0):
        return turn.plan(Effect.SET_WEIGHT, status.weight, wake_at=turn.now + POLL_SECONDS)
    return turn.plan()


def _restore(turn: Turn) -> RolloutPlan:
    """Both arms run the same version: the weights are again what they were."""
    if not is_restored(turn):
        return turn.plan(Effect.RESTORE_WEIGHTS, wake_at=turn.now + POLL_SECONDS)
    stable, canary = turn.seen.stable.name, turn.seen.canary.name
    message = f"{stable} and {canary} run the same version; the weights are as they were before."
    turn = turn.having(weight=0, originals=(), reason="TrafficHome", message=message)
    return turn.say("TrafficHome", message).plan(wake_at=turn.now)


def _leave(turn: Turn) -> RolloutPlan:
    """The canary that kept the traffic is gone."""
    if not is_home(turn):
        return turn.plan(way_home(turn), wake_at=turn.now + POLL_SECONDS)
    message = f"{turn.seen.canary.name} is gone; {turn.seen.stable.name} has its traffic back."
    kept = turn.status.originals if shared(turn) else ()
    turn = turn.having(weight=0, originals=kept, reason="TrafficHome", message=message)
    return turn.say("TrafficHome", message).plan()
