"""Composes the chain: a snapshot of one policy in, the plan for it out.

The same snapshot always gives the same plan. Events come from comparing with what the snapshot
says was in force, so a plan that has been carried out raises none when it is made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from resilience_operator.api.v1alpha1.base import Level, LocalRef
from resilience_operator.api.v1alpha1.level import DegradationLevel, LevelSpec, LevelStatus
from resilience_operator.api.v1alpha1.policy import Dependency, Feature, Mode, ResiliencePolicy
from resilience_operator.core import decisions
from resilience_operator.core import evidence as evidences
from resilience_operator.core.degradation import LevelRules, decide
from resilience_operator.core.features import claim, feature_states, held_states
from resilience_operator.core.flags import config_map_name, render_flags
from resilience_operator.core.level_state import restore_level
from resilience_operator.core.model import (
    DependencyHealth,
    Evidence,
    FlagSet,
    LevelPlan,
    LevelState,
    Plan,
    Snapshot,
)
from resilience_operator.core.scoring import score
from resilience_operator.core.transitions import breaker_events, level_events


def evaluate(snapshot: Snapshot) -> Plan:
    """What is to be done about a policy now, and when to look again if nothing happens."""
    policy = snapshot.policy
    healths = tuple(
        evidences.assess(_evidence(snapshot, each), each, snapshot.now)
        for each in policy.spec.dependencies
    )
    plans = _plan_levels(snapshot, healths)
    return Plan(
        key=(policy.namespace, policy.name),
        dependencies=healths,
        levels=plans,
        flags=_flags(policy, plans),
        events=(
            *breaker_events(policy, healths, snapshot.evidence),
            *level_events(policy.name, plans),
        ),
        wake_at=_wake_at(snapshot, healths, plans),
    )


@dataclass(frozen=True, slots=True)
class _Stand:
    """A level to plan: what the cluster has of it, if anything."""

    name: str
    spec: LevelSpec
    state: LevelState
    create: bool
    status: LevelStatus


def _evidence(snapshot: Snapshot, dependency: Dependency) -> Evidence:
    return snapshot.evidence.get(dependency.name, Evidence())


def _plan_levels(snapshot: Snapshot, healths: Sequence[DependencyHealth]) -> tuple[LevelPlan, ...]:
    """The default level first, then the others by name."""
    policy = snapshot.policy
    levels = sorted(
        (level for level in snapshot.levels if _belongs(level, policy)), key=lambda each: each.name
    )
    governed = claim(policy.spec.features, levels, policy.name)
    down = [each.name for each in healths if each.down]
    plans: list[LevelPlan] = []
    for stand in _stands(snapshot, levels):
        plan = _plan_level(snapshot, stand, healths)
        # Until a capability has a level of its own, its features follow the default one's.
        level = plan.decision.level or (plans[0].decision.level if plans else None)
        states = feature_states(governed[stand.name], level, down) if level else {}
        if level and not snapshot.trust.trusted:
            states |= _held(stand, plan, governed[stand.name], level)
        plans.append(replace(plan, features=states))
    return tuple(plans)


def _held(
    stand: _Stand, plan: LevelPlan, features: Sequence[Feature], level: Level
) -> Mapping[str, str]:
    """While blind a level holds, and its features with it: a breaker that opens says nothing."""
    moved = stand.status.level is not plan.decision.level
    return {} if moved else held_states(features, level, stand.status.features)


def _belongs(level: DegradationLevel, policy: ResiliencePolicy) -> bool:
    return level.spec.policy_ref.name == policy.name and not level.deleting


def _stands(snapshot: Snapshot, levels: Sequence[DegradationLevel]) -> list[_Stand]:
    default = snapshot.policy.name
    stands = [_stand(snapshot, level) for level in levels]
    if not any(each.name == default for each in stands):
        spec = LevelSpec(policy_ref=LocalRef(name=default))
        # Deleted by somebody, perhaps: the policy's own status still knows the level.
        lost = LevelState(level=snapshot.policy.status.level)
        state = snapshot.level_states.get(default, lost)
        stands.append(_Stand(default, spec, state, create=True, status=LevelStatus()))
    return sorted(stands, key=lambda each: (each.name != default, each.name))


def _stand(snapshot: Snapshot, level: DegradationLevel) -> _Stand:
    state = snapshot.level_states.get(level.name) or restore_level(level.status)
    return _Stand(level.name, level.spec, state, create=False, status=level.status)


def _plan_level(
    snapshot: Snapshot, stand: _Stand, healths: Sequence[DependencyHealth]
) -> LevelPlan:
    spec = snapshot.policy.spec
    caps = {d.name: d.level_when_down for d in spec.dependencies if d.level_when_down}
    rules = LevelRules(levels=spec.levels, stabilization=spec.stabilization, caps=caps)
    weighted = _weighted(healths, stand.spec)
    total = score(weighted)
    decision = decide(total, weighted, rules, stand.state, stand.spec, snapshot.trust, snapshot.now)
    name = decisions.of_level(snapshot.policy.uid, stand.name, decision.state)
    return LevelPlan(stand.name, stand.create, total, decision, features={}, decision_id=name)


def _weighted(healths: Sequence[DependencyHealth], spec: LevelSpec) -> Sequence[DependencyHealth]:
    """The dependencies that a level is scored on, with its own weights if it names any."""
    if not spec.dependencies:
        return healths
    weights = {each.name: each.weight for each in spec.dependencies}
    return [replace(each, weight=weights[each.name]) for each in healths if each.name in weights]


def _flags(policy: ResiliencePolicy, plans: Sequence[LevelPlan]) -> FlagSet | None:
    """One flag set for all levels' features, under the default level's name."""
    default = plans[0]
    if default.decision.level is None or policy.spec.mode is not Mode.ENFORCE:
        return None
    return render_flags(
        config_map=config_map_name(policy),
        formats=policy.spec.flags.formats,
        level=default.decision.level,
        health=default.score.value,
        generation=policy.generation,
        features={name: state for plan in plans for name, state in plan.features.items()},
        policy=policy,
    )


def _wake_at(
    snapshot: Snapshot, healths: Sequence[DependencyHealth], plans: Sequence[LevelPlan]
) -> float | None:
    stale = (
        evidences.stale_at(_evidence(snapshot, dependency), dependency)
        for dependency, health in zip(snapshot.policy.spec.dependencies, healths, strict=True)
        if not health.stale
    )
    times = [*stale, *(plan.decision.wake_at for plan in plans)]
    return min((at for at in times if at is not None), default=None)
