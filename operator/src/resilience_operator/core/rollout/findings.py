"""What may be found about a canary: a fault, or a reason to hold."""

from dataclasses import dataclass

from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.api.v1alpha1.rollout_status import Attribution
from resilience_operator.core.rollout.model import RolloutSnapshot

_TROUBLE = frozenset({DependencyState.SLOW, DependencyState.FAILING, DependencyState.DOWN})


@dataclass(frozen=True, slots=True)
class Fault:
    """The version is to blame; acted upon once it has looked so for `confirm_seconds`."""

    blame: Attribution
    reason: str
    message: str
    confirm_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Something keeps the rollout where it is. `limited`: for `maxHoldSeconds` at most."""

    reason: str
    message: str
    blame: Attribution = Attribution.NONE
    limited: bool = True


def troubled(seen: RolloutSnapshot) -> tuple[str, ...]:
    """The dependencies that are in trouble, by name."""
    return tuple(
        each.name
        for each in seen.dependencies
        if each.breaker is not BreakerPhase.CLOSED or each.state in _TROUBLE
    )


def degraded(seen: RolloutSnapshot) -> bool:
    """Whether a failure may come from outside: a dependency in trouble, or probes not believed."""
    return bool(troubled(seen)) or not seen.trust.trusted


def unknown(seen: RolloutSnapshot) -> tuple[str, ...]:
    """The scored dependencies of which nothing is known, by name."""
    return tuple(
        each.name
        for each in seen.dependencies
        if each.weight > 0 and each.health is None and each.breaker is BreakerPhase.CLOSED
    )


def named(names: tuple[str, ...]) -> str:
    """Names for a sentence: the first three, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
