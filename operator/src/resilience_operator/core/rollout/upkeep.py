"""After the end: traffic that was left on the canary for Git to promote.

With `afterSuccess: Keep` the weights stay set, so they are still looked after: a sync that resets
them is put right, and when stable has become the same version traffic goes home to it.
"""

from resilience_operator.core.rollout import pods
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.core.rollout.turn import POLL_SECONDS, Turn, is_home


def keep(turn: Turn) -> RolloutPlan:
    """What a finished rollout still needs: nothing, but for weights that were left in force."""
    status, seen = turn.status, turn.seen
    if status.weight == 0 or seen.traffic.problem is not None:
        return turn.plan()
    same = seen.canary.missing or seen.canary.content == seen.stable.content
    if same and pods.rolled_out(seen.stable):
        return _go_home(turn)
    if seen.traffic.drifted and seen.canary.ready > 0:
        return turn.plan(Effect.SET_WEIGHT, status.weight, wake_at=turn.now + POLL_SECONDS)
    return turn.plan()


def _go_home(turn: Turn) -> RolloutPlan:
    if not is_home(turn):
        return turn.plan(Effect.RESTORE_WEIGHTS, wake_at=turn.now + POLL_SECONDS)
    message = f"{turn.seen.stable.name} is version {turn.revision} now and has its traffic back."
    turn = turn.having(weight=0, originals=(), reason="TrafficHome", message=message)
    return turn.say("TrafficHome", message).plan()
