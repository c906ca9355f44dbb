"""Conditions as Kubernetes wants them: a transition time that moves only with the status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus
from resilience_operator.core.times import to_rfc3339

# The rollout's condition; it has a writer of its own.
ROLLOUT_CONDITION = "RolloutProgressing"
MAX_REASON = 63
MAX_MESSAGE = 1024


class Finding(NamedTuple):
    """One condition before it has a history. `holds` is None when it cannot be told."""

    type: str
    holds: bool | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class History:
    """What conditions are stamped with."""

    previous: Mapping[str, Condition]
    generation: int
    now: float


def history(previous: Sequence[Condition], generation: int, now: float) -> History:
    """The stamp for the conditions that follow on these."""
    return History({each.type: each for each in previous}, generation, now)


def stamp(finding: Finding, past: History) -> Condition:
    """The condition, with the time of the previous one if its status is the same."""
    status = _status(finding.holds)
    before = past.previous.get(finding.type)
    changed = before is None or before.status is not status
    return Condition(
        type=finding.type,
        status=status,
        reason=finding.reason[:MAX_REASON],
        message=truncate(finding.message, MAX_MESSAGE),
        observed_generation=past.generation,
        last_transition_time=to_rfc3339(past.now)
        if changed or before is None
        else before.last_transition_time,
    )


def truncate(text: str, longest: int) -> str:
    """`text` in at most `longest` characters, with an ellipsis where something was left out."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _status(holds: bool | None) -> ConditionStatus:
    if holds is None:
        return ConditionStatus.UNKNOWN
    return ConditionStatus.TRUE if holds else ConditionStatus.FALSE
