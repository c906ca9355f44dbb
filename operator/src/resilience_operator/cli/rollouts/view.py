"""A rollout's status with what follows from it: steps, remaining time, the verdict in words.

Pure: a function of the policy as it is on the wire, and of the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION
from resilience_operator.api.v1alpha1.rollout import AfterMaxHold, Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.cli.session import Object
from resilience_operator.core.times import from_rfc3339, to_rfc3339

AT_REST = frozenset(
    {
        RolloutPhase.IDLE,
        RolloutPhase.SUCCEEDED,
        RolloutPhase.ROLLED_BACK,
        RolloutPhase.FAILED,
    }
)
GONE_WRONG = frozenset({RolloutPhase.ROLLED_BACK, RolloutPhase.FAILED})
_STEPS_OVER = frozenset({RolloutPhase.PROMOTING, RolloutPhase.SUCCEEDED})


class StepState(StrEnum):
    """Where a step is."""

    DONE = "done"
    NOW = "now"
    NEXT = "next"
    SKIPPED = "skipped"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step. `served` and `remaining` are of the present one only."""

    number: int
    weight: int
    hold_seconds: int
    state: StepState
    served: float | None = None
    remaining: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutView:
    """Where a rollout stands. `spec` is None where it was written by another version."""

    namespace: str
    name: str
    spec: Rollout | None
    status: RolloutStatus
    steps: tuple[StepView, ...]
    observing: bool
    pending: str | None  # a verb that the operator has not taken yet
    hold_ends_at: str | None  # when the present hold ends in a rollback

    @property
    def at_rest(self) -> bool:
        """Whether no rollout is under way."""
        return self.status.phase in AT_REST


def rollout_view(body: Object, now: float) -> RolloutView | None:
    """The rollout of that policy; None where its spec has none."""
    written = (body.get("spec") or {}).get("rollout")
    if written is None:
        return None
    spec, status = _spec(written), rollout_status(body)
    metadata = body["metadata"]
    return RolloutView(
        namespace=metadata["namespace"],
        name=metadata["name"],
        spec=spec,
        status=status,
        steps=tuple(_steps(spec, status, now)) if spec else (),
        observing=(body.get("spec") or {}).get("mode") == "Observe",
        pending=pending_verb(body),
        hold_ends_at=_hold_ends_at(spec, status),
    )


def rollout_status(body: Object) -> RolloutStatus:
    """`status.rollout`, or that of a rollout of which nothing is known."""
    try:
        return RolloutStatus.model_validate((body.get("status") or {}).get("rollout") or {})
    except ValidationError:
        return RolloutStatus()


def pending_verb(body: Object) -> str | None:
    """What the annotation asks for, as long as the operator has not taken it off."""
    said = (body["metadata"].get("annotations") or {}).get(ROLLOUT_ANNOTATION)
    return None if said is None else str(said).strip()


def served_seconds(status: RolloutStatus, now: float) -> float | None:
    """How long the present step has been served, holds left out; None before it is in force."""
    started = from_rfc3339(status.step_started_at)
    if started is None:
        return None
    since = from_rfc3339(status.held_since)
    present = 0.0 if since is None else max(0.0, now - max(since, started))
    return max(0.0, now - started - status.held_seconds - present)


def _spec(written: object) -> Rollout | None:
    try:
        return Rollout.model_validate(written)
    except ValidationError:
        return None


def _steps(spec: Rollout, status: RolloutStatus, now: float) -> Iterator[StepView]:
    for number, step in enumerate(spec.steps, start=1):
        state = _state(number, status)
        served = remaining = None
        if state is StepState.NOW:
            served = served_seconds(status, now)
            remaining = max(0.0, step.hold_seconds - (served or 0.0))
        yield StepView(number, step.weight, step.hold_seconds, state, served, remaining)


def _state(number: int, status: RolloutStatus) -> StepState:
    if status.phase in _STEPS_OVER:
        return StepState.DONE if number <= status.step else StepState.SKIPPED
    if status.phase is RolloutPhase.IDLE or number > status.step:
        return StepState.NEXT
    if number < status.step:
        return StepState.DONE
    ended = status.phase in GONE_WRONG or status.ending is not None
    return StepState.STOPPED if ended else StepState.NOW


def _hold_ends_at(spec: Rollout | None, status: RolloutStatus) -> str | None:
    since = from_rfc3339(status.hold_counts_since)
    if spec is None or since is None or spec.gate.after_max_hold is AfterMaxHold.STAY:
        return None
    return to_rfc3339(since + spec.gate.max_hold_seconds)
