"""One decision while it is being made: what was seen, the status so far, and what there is to say.

A turn is a value: every change gives a new one. The phases hand it on to each other, so a decision
that passes through two of them (a rollout that begins and is at once kept waiting) leaves one
status and all events.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from resilience_operator.api.v1alpha1.rollout import Step
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core.model import Problem
from resilience_operator.core.rollout.model import (
    Effect,
    RolloutEvent,
    RolloutPlan,
    RolloutSnapshot,
)
from resilience_operator.core.times import from_rfc3339, to_rfc3339

# The limits of status fields; texts that come from elsewhere are cut to them.
REASON_LENGTH = 63
MESSAGE_LENGTH = 1024
# When to look again at an effect that no watch has reported back.
POLL_SECONDS = 5.0
# A route that is gone sends nothing to the canary.
ROUTE_MISSING = "RouteMissing"
# Another tool sets the weights: nothing of it is touched, whatever happens.
MANAGED_BY_OTHER = "ManagedByOther"
# So does another policy.
DRIVEN_BY_OTHER = "DrivenByOtherPolicy"
# Phases in which no rollout is under way.
RESTING = frozenset(
    {
        RolloutPhase.IDLE,
        RolloutPhase.SUCCEEDED,
        RolloutPhase.ROLLED_BACK,
        RolloutPhase.FAILED,
    }
)


def not_before(epoch: float) -> str:
    """The first whole second from `epoch` on: what counts from then never counts too early."""
    return to_rfc3339(math.ceil(epoch))


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision under way."""

    seen: RolloutSnapshot
    status: RolloutStatus
    events: tuple[RolloutEvent, ...] = ()
    # Whether this turn has a look at the metrics that counts.
    looked: bool = False

    @property
    def now(self) -> float:
        return self.seen.now

    @property
    def step(self) -> Step:
        """The step that the rollout is at; the last one if the spec has lost some."""
        steps = self.seen.spec.steps
        return steps[min(max(self.status.step, 1), len(steps)) - 1]

    @property
    def at_last_step(self) -> bool:
        return self.status.step >= len(self.seen.spec.steps)

    @property
    def by_replicas(self) -> bool:
        """Whether the router is the number of replicas: then a weight is what makes pods."""
        return self.seen.spec.traffic.replicas is not None

    @property
    def revision(self) -> str:
        """The canary's revision in eight characters, for sentences."""
        return self.status.revision[:8] or "?"

    def having(self, **changes: Any) -> "Turn":
        """The turn with fields of its status changed."""
        for name, limit in (("reason", REASON_LENGTH), ("message", MESSAGE_LENGTH)):
            if name in changes:
                changes[name] = changes[name][:limit]
        return replace(self, status=self.status.model_copy(update=changes))

    def say(self, reason: str, message: str) -> "Turn":
        """The turn with one more event of the everyday kind."""
        return self._record("Normal", reason, message)

    def warn(self, reason: str, message: str) -> "Turn":
        """The turn with one more event that somebody should read."""
        return self._record("Warning", reason, message)

    def _record(self, kind: str, reason: str, message: str) -> "Turn":
        event = RolloutEvent(kind, reason[:REASON_LENGTH], message[:MESSAGE_LENGTH])
        return replace(self, events=(*self.events, event))

    def plan(
        self,
        effect: Effect = Effect.NONE,
        weight: int = 0,
        wake_at: float | None = None,
        wants_metrics: bool = False,
    ) -> RolloutPlan:
        """The decision, made."""
        return RolloutPlan(self.status, effect, weight, self.events, wake_at, wants_metrics)


def at(timestamp: str | None) -> float | None:
    """A time in status as seconds since the epoch."""
    return from_rfc3339(timestamp)


def shared(turn: Turn) -> bool:
    """Whether the canary had traffic before the rollout. Its weights have paths that say so."""
    return any(o.weight > 0 for o in turn.status.originals if o.path.endswith("canary"))


def is_restored(turn: Turn) -> bool:
    """Whether the router reports the weights that it had before the rollout, or is gone itself."""
    traffic = turn.seen.traffic
    if not _settled(turn) or traffic.recorded:
        return _route_gone(turn)
    if not turn.status.originals or not traffic.originals:
        return traffic.weight == 0
    now = {each.path: each.weight for each in traffic.originals}
    return all(now.get(each.path, each.weight) == each.weight for each in turn.status.originals)


def is_home(turn: Turn) -> bool:
    """Whether the canary has no traffic, after a version that has not passed.

    Where it had none before, the weights are then as they were. Where it had some, getting it back
    would give it to that very version.
    """
    if not shared(turn):
        return is_restored(turn)
    return _route_gone(turn) or (_settled(turn) and turn.seen.traffic.weight == 0)


def way_home(turn: Turn) -> Effect:
    """The effect that makes `is_home` true. Where it sets a weight, that is 0."""
    return Effect.SET_WEIGHT if shared(turn) else Effect.RESTORE_WEIGHTS


def hands_off(turn: Turn) -> Problem | None:
    """The problem that forbids even bringing traffic home, if there is one."""
    problem = turn.seen.traffic.problem
    forbids = problem is not None and problem.reason in (MANAGED_BY_OTHER, DRIVEN_BY_OTHER)
    return problem if forbids else None


def yields(turn: Turn) -> Problem | None:
    """The problem that another policy's rollout is at work here, if it is."""
    problem = turn.seen.traffic.problem
    return problem if problem is not None and problem.reason == DRIVEN_BY_OTHER else None


def refused(turn: Turn, effect: Effect) -> Problem | None:
    """Why this effect was not carried out, if it is the one asked for last."""
    found = turn.seen.refused
    return found.problem if found is not None and found.effect is effect else None


def told(turn: Turn, why: Problem) -> Turn:
    """The turn with this as its reason, and a warning when that is news."""
    if turn.status.reason == why.reason:
        return turn
    return turn.having(reason=why.reason, message=why.message).warn(why.reason, why.message)


def _settled(turn: Turn) -> bool:
    """Whether the weights seen are in force, or never will be more than they are now."""
    traffic = turn.seen.traffic
    return traffic.accepted or (traffic.problem is not None and traffic.weight is not None)


def _route_gone(turn: Turn) -> bool:
    problem = turn.seen.traffic.problem
    return problem is not None and problem.reason == ROUTE_MISSING and not turn.by_replicas


def unrecorded(turn: Turn) -> bool:
    """Whether the weights to return to are not in status.

    Before the first step those that are there now are the user's, unless we have left them there:
    on a route a note says so, of replicas the counts do.
    """
    traffic, status = turn.seen.traffic, turn.status
    counted = turn.by_replicas and bool(status.originals)
    left_there = bool(traffic.recorded) or (counted and (traffic.weight != 0 or shared(turn)))
    return status.step == 0 and not left_there and traffic.originals != status.originals


def noted(turn: Turn) -> Turn:
    """The turn with the router's own note of the weights to return to; it outlives a status."""
    found = turn.seen.traffic.recorded
    return turn.having(originals=found) if found and found != turn.status.originals else turn


def recorded(turn: Turn) -> Turn:
    """The turn with the present weights as those to return to."""
    return turn.having(originals=turn.seen.traffic.originals)


def in_force(turn: Turn, weight: int) -> bool:
    """Whether the router reports this share of the canary's as accepted."""
    traffic = turn.seen.traffic
    return traffic.accepted and traffic.problem is None and traffic.weight == weight


def active(status: RolloutStatus) -> bool:
    """Whether a rollout is under way."""
    return status.phase not in RESTING
