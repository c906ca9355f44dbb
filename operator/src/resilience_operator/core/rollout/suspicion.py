"""From a fault that is found to one that is acted upon.

Most are proof at once. Some look the same as a node that goes away or an outage that no probe has
found yet: those must last, while the rollout is held.
"""

from resilience_operator.api.v1alpha1.rollout import OnFailure
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase
from resilience_operator.core.rollout import ending, timing
from resilience_operator.core.rollout.findings import Fault, Hold
from resilience_operator.core.rollout.turn import Turn, at
from resilience_operator.core.times import to_rfc3339


def weigh(turn: Turn, fault: Fault | None) -> tuple[Turn, bool]:
    """The turn with the suspicion noted, and whether it is proof."""
    if fault is None:
        return turn.having(suspect_since=None), False
    since = at(turn.status.suspect_since)
    turn = turn.having(suspect_since=turn.status.suspect_since or to_rfc3339(turn.now))
    lasted = 0.0 if since is None else turn.now - since
    return turn, lasted >= fault.confirm_seconds


def as_hold(fault: Fault) -> Hold:
    """The hold while a fault is not proven."""
    message = f"{fault.message} Held: it is the version's fault if it lasts."
    return Hold(fault.reason, message, limited=False)


def proven_at(turn: Turn, fault: Fault | None) -> float | None:
    """When a suspicion becomes proof."""
    since = at(turn.status.suspect_since)
    return None if fault is None or since is None else since + fault.confirm_seconds


def convict(turn: Turn, fault: Fault) -> Turn:
    """The turn with the version found at fault: on its way back, or paused for a person."""
    if turn.seen.spec.on_failure is OnFailure.ROLLBACK:
        message = f"Version {turn.revision} is rolled back: {fault.message}"
        return ending.end_as(turn, RolloutPhase.ROLLED_BACK, fault.reason, message, fault.blame)
    message = (
        f"Version {turn.revision} is at fault and paused for a person to abort or resume: "
        f"{fault.message}"
    )
    return (
        timing.hold(turn)
        .having(
            phase=RolloutPhase.PAUSED,
            reason=fault.reason,
            message=message,
            attribution=fault.blame,
            suspect_since=None,
        )
        .warn(fault.reason, message)
    )
