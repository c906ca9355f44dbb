"""What a person asks of a rollout, and what comes of it. Each is answered by an event."""

from collections.abc import Callable, Mapping

from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.rollout import beginning, ending, gates, pods, promotion, timing
from resilience_operator.core.rollout.holding import PAUSED
from resilience_operator.core.rollout.model import Verb
from resilience_operator.core.rollout.turn import Turn, active

_OVER = frozenset({RolloutPhase.ROLLED_BACK, RolloutPhase.FAILED})


def obey(turn: Turn) -> Turn:
    """The turn after the verb, if there is one."""
    verb = turn.seen.verb
    if verb is None:
        return turn
    if turn.status.ending is not None:
        return _refused(turn, "the rollout is ending; its traffic is on the way home")
    if verb is not Verb.RETRY and not active(turn.status):
        return _refused(turn, "no rollout is under way")
    return _VERBS[verb](turn)


def _refused(turn: Turn, why: str) -> Turn:
    return turn.warn("RolloutRequestRefused", f"{turn.seen.verb}: {why}.")


def _pause(turn: Turn) -> Turn:
    if turn.status.phase is RolloutPhase.PROMOTING:
        return _refused(turn, "the promotion is under way")
    if turn.status.phase is RolloutPhase.PAUSED:
        return _refused(turn, "it is paused already")
    message = f"A person paused version {turn.revision} at step {turn.status.step}."
    return (
        timing.hold(turn)
        .having(
            phase=RolloutPhase.PAUSED,
            reason=PAUSED,
            message=message,
            attribution=Attribution.NONE,
        )
        .say("RolloutPaused", message)
    )


def _resume(turn: Turn) -> Turn:
    status = turn.status
    if status.reason == gates.AWAITING_APPROVAL:
        following = status.step + 1
        message = f"A person approved step {following} of version {turn.revision}."
        return turn.having(approved_step=following).say("StepApproved", message)
    if status.phase is not RolloutPhase.PAUSED:
        return _refused(turn, f"it is not paused ({status.phase}: {status.message.rstrip('.')})")
    at_fault = status.attribution is not Attribution.NONE
    message = f"A person resumed version {turn.revision}."
    turn = timing.let_go(turn).having(
        phase=RolloutPhase.PROGRESSING if status.step else RolloutPhase.WAITING,
        reason="Resumed",
        message=message,
        attribution=Attribution.NONE,
        suspect_since=None,
    )
    return (_forgiven(turn) if at_fault else turn).say("RolloutResumed", message)


def _forgiven(turn: Turn) -> Turn:
    """What a person has seen and gone on after does not count again."""
    turn = turn.having(
        stable_restarts=turn.seen.stable.restarts,
        canary_restarts=turn.seen.canary.restarts,
        shared_crash=False,
    )
    return timing.fresh_window(turn) if turn.status.window_started_at else turn


def _abort(turn: Turn) -> Turn:
    if turn.status.phase is RolloutPhase.PROMOTING and promotion.copied(turn):
        return _refused(turn, "stable has the new version already; change its template instead")
    message = f"A person aborted version {turn.revision}; traffic goes home."
    return ending.end_as(turn, RolloutPhase.ROLLED_BACK, "Aborted", message, Attribution.NONE)


def _retry(turn: Turn) -> Turn:
    if turn.status.phase not in _OVER:
        return _refused(turn, "only what was rolled back or has failed can be tried again")
    if turn.seen.canary.missing:
        return _refused(turn, f"Deployment {turn.seen.canary.name} is not there")
    return beginning.begin(turn.say("RolloutRetried", "A person asked to try again."))


def _promote(turn: Turn) -> Turn:
    if turn.status.phase is RolloutPhase.PROMOTING:
        return _refused(turn, "the promotion is under way")
    if turn.seen.canary.missing or not pods.rolled_out(turn.seen.canary):
        return _refused(turn, f"pods of {turn.seen.canary.name} are not all ready")
    if turn.seen.canary.revision != turn.status.revision:
        return _refused(turn, "the canary has just changed")
    message = f"A person promoted version {turn.revision} from step {turn.status.step}."
    return promotion.started(turn, message)


_VERBS: Mapping[Verb, Callable[[Turn], Turn]] = {
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.ABORT: _abort,
    Verb.RETRY: _retry,
    Verb.PROMOTE: _promote,
}
