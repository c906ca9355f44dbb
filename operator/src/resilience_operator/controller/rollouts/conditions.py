"""The RolloutProgressing condition: where the rollout stands, in a form for `kubectl wait`."""

from resilience_operator.api.v1alpha1.base import Condition
from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core.conditions import ROLLOUT_CONDITION, Finding, history, stamp

_PROGRESSING = frozenset({RolloutPhase.WAITING, RolloutPhase.PROGRESSING, RolloutPhase.PROMOTING})

_OBSERVING = (
    "spec.mode is Observe: nothing is done about this rollout, and the weights stay as they are."
)


def rollout_condition(
    policy: ResiliencePolicy, status: RolloutStatus, before: Condition | None, now: float
) -> Condition:
    """True while the rollout goes on by itself, False while it is held, paused, or at rest."""
    past = history((before,) if before else (), policy.generation, now)
    if policy.spec.mode is Mode.OBSERVE:
        return stamp(Finding(ROLLOUT_CONDITION, False, "Observing", _OBSERVING), past)
    finding = Finding(
        ROLLOUT_CONDITION,
        status.phase in _PROGRESSING,
        status.reason or status.phase.value,
        status.message or f"The rollout is {status.phase.value}.",
    )
    return stamp(finding, past)
