"""What a verb means in the present phase: whether it makes sense, and what has come of it.

The operator decides; what its status alone can tell is told here at once, in its own terms.
"""

from collections.abc import Callable, Mapping

from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.cli.outcome import Outcome
from resilience_operator.cli.rollouts.view import AT_REST, GONE_WRONG, RolloutView
from resilience_operator.cli.rollouts.words import AWAITING_APPROVAL, version
from resilience_operator.core.rollout.model import Verb


def objection(verb: Verb, view: RolloutView) -> str | None:
    """Why this cannot be asked for now, with what can be done; None where it can."""
    name, status = view.name, view.status
    if view.observing:
        return (
            f"Policy {name} has mode Observe, so the operator drives no rollout of it: set "
            "spec.mode to Enforce first."
        )
    if view.pending is not None:
        return (
            f"{view.pending!r} was asked of {name} before and the operator has not taken it yet: "
            f"wait, see whether the operator runs, or withdraw it with kubectl annotate -n "
            f"{view.namespace} rp/{name} {ROLLOUT_ANNOTATION}-."
        )
    if status.ending is not None:
        return f"The rollout of {name} is ending; its traffic is on the way home: wait for that."
    if verb is Verb.RETRY:
        return _cannot_retry(name, status)
    if status.phase in AT_REST:
        return (
            f"No rollout of {name} is under way ({status.phase}): one starts when the canary's "
            "pod template changes."
        )
    if status.phase is RolloutPhase.PROMOTING and verb in _NOT_WHILE_PROMOTING:
        return f"The promotion of {name} is under way: follow it with rollout status --watch."
    if verb is Verb.PAUSE and status.phase is RolloutPhase.PAUSED:
        return f"The rollout of {name} is paused already: rollout resume lets it go on."
    if verb is Verb.RESUME:
        return _cannot_resume(name, status)
    return None


_NOT_WHILE_PROMOTING = frozenset({Verb.PAUSE, Verb.PROMOTE, Verb.RESUME})


def _cannot_retry(name: str, status: RolloutStatus) -> str | None:
    if status.phase in GONE_WRONG:
        return None
    return (
        f"The rollout of {name} is {status.phase}: only what was rolled back or has failed can be "
        "tried again."
    )


def _cannot_resume(name: str, status: RolloutStatus) -> str | None:
    if status.phase is RolloutPhase.PAUSED or status.reason == AWAITING_APPROVAL:
        return None
    if status.phase is RolloutPhase.HELD:
        return (
            f"The rollout of {name} is held, not paused ({status.reason}): it goes on by itself "
            "when that is over; rollout promote or abort ends it now."
        )
    return f"The rollout of {name} is not paused ({status.phase}): there is nothing to resume."


def has_begun(verb: Verb, before: RolloutStatus, after: RolloutStatus) -> bool:
    """Whether the operator has acted on the verb."""
    if after.revision != before.revision or result(verb, before, after) is not None:
        return True
    if verb is Verb.PROMOTE:
        return after.phase is RolloutPhase.PROMOTING
    return verb is Verb.ABORT and after.ending is not None


def result(verb: Verb, before: RolloutStatus, after: RolloutStatus) -> Outcome | None:
    """What has come of it; None while that is open."""
    if after.revision != before.revision and verb is not Verb.RETRY:
        return Outcome(
            False,
            f"Version {version(before.revision)} has given way to {version(after.revision)}: "
            f"{after.message}",
        )
    goal = _GOALS[verb](before, after)
    if goal:
        return Outcome(True, after.message)
    if verb is not Verb.RETRY and after.phase in AT_REST:
        return Outcome(False, f"{after.phase}: {after.message}")
    return None


def _paused(before: RolloutStatus, after: RolloutStatus) -> bool:
    return after.phase is RolloutPhase.PAUSED


def _resumed(before: RolloutStatus, after: RolloutStatus) -> bool:
    if before.reason == AWAITING_APPROVAL:
        return after.approved_step > before.approved_step
    return after.phase is not RolloutPhase.PAUSED and after.phase not in AT_REST


def _retried(before: RolloutStatus, after: RolloutStatus) -> bool:
    return after.phase not in AT_REST or after.started_at != before.started_at


def _aborted(before: RolloutStatus, after: RolloutStatus) -> bool:
    return after.phase is RolloutPhase.ROLLED_BACK


def _promoted(before: RolloutStatus, after: RolloutStatus) -> bool:
    return after.phase is RolloutPhase.SUCCEEDED


_GOALS: Mapping[Verb, Callable[[RolloutStatus, RolloutStatus], bool]] = {
    Verb.PAUSE: _paused,
    Verb.RESUME: _resumed,
    Verb.RETRY: _retried,
    Verb.ABORT: _aborted,
    Verb.PROMOTE: _promoted,
}
