"""Whether a policy makes sense: what its spec alone tells, by the operator's own sums."""

from collections.abc import Iterator, Sequence

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy import Dependency, PolicySpec
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.cli.preflight.model import (
    Check,
    Denied,
    Listed,
    Object,
    failed,
    listed,
    passed,
    unseen,
    warned,
)
from resilience_operator.core.bands import band, worst
from resilience_operator.core.features import feature_states, states_by_level
from resilience_operator.core.model import DependencyHealth
from resilience_operator.core.scoring import score

_TOLD = 8


def judge(spec: PolicySpec) -> Iterator[Check]:
    """What single outages lead to, features that never change, a rollout that looks at nothing."""
    yield _outages(spec)
    idle = [each.name for each in spec.features if len(set(states_by_level(each))) == 1]
    idle = [
        name
        for name in idle
        if all(
            feature_states(spec.features, Level.OPTIMAL, [each.name])[name]
            == feature_states(spec.features, Level.OPTIMAL, ())[name]
            for each in spec.dependencies
        )
    ]
    if idle:
        yield warned(
            "features",
            f"{listed(_some(idle))} {_is(idle)} in the same state whatever happens.",
            "Name what is to become of them at a worse level, or take them out.",
        )
    elif spec.features:
        yield passed("features", f"Each of {len(spec.features)} gives way to something.")
    rollout = spec.rollout
    if rollout is not None and not rollout.analysis.metrics:
        yield warned(
            "rollout: analysis",
            "There are no metrics: a version that answers with errors, without crashing, passes.",
            "Add spec.rollout.analysis with an error rate at least.",
        )


def outage(spec: PolicySpec, down: str) -> Level:
    """The level with that dependency down, and all others healthy."""
    healths = [_health(each, each.name == down) for each in spec.dependencies]
    total = score(healths).value
    caps = [each.level_when_down for each in spec.dependencies if each.name == down]
    by_score = Level.OPTIMAL if total is None else band(total, spec.levels)
    return worst([by_score, *(cap for cap in caps if cap is not None)])


def judge_levels(policy: str, spec: PolicySpec, levels: Listed) -> Iterator[Check]:
    """DegradationLevels of the policy that speak of what it does not have."""
    if isinstance(levels, Denied):
        yield unseen("levels", levels, "Ask somebody who may list degradationlevels.")
        return
    dependencies = {each.name for each in spec.dependencies}
    features = {each.name for each in spec.features}
    for level in levels:
        of = level.get("spec") or {}
        if (of.get("policyRef") or {}).get("name") != policy:
            continue
        yield _level(level, of, dependencies, features)


def _level(level: Object, of: Object, dependencies: set[str], features: set[str]) -> Check:
    name = f"level {level['metadata']['name']}"
    scored = {each["name"] for each in of.get("dependencies") or ()}
    unknown = sorted((scored - dependencies) | (set(of.get("features") or ()) - features))
    if unknown:
        return failed(
            name,
            f"It names {listed(unknown)}, which the policy does not have.",
            "Correct the name, or add it to the policy.",
        )
    return passed(name, "All that it names is in the policy.")


def _outages(spec: PolicySpec) -> Check:
    name = "weights and bands"
    scored = [each for each in spec.dependencies if each.weight or each.level_when_down]
    without_effect = [each.name for each in scored if not _changes(spec, each)]
    if without_effect:
        return warned(
            name,
            f"An outage of {listed(_some(without_effect))} alone changes neither the level nor a "
            "feature.",
            "Raise the weight, set levelWhenDown, or have features require it; weight 0 if it is "
            "only to be watched.",
        )
    told = _some([f"{each.name} down: {outage(spec, each.name)}" for each in scored])
    return passed(name, "; ".join(told) + ".")


def _changes(spec: PolicySpec, dependency: Dependency) -> bool:
    level = outage(spec, dependency.name)
    healthy = feature_states(spec.features, Level.OPTIMAL, ())
    return (
        level is not Level.OPTIMAL
        or feature_states(spec.features, level, [dependency.name]) != healthy
    )


def _health(dependency: Dependency, down: bool) -> DependencyHealth:
    return DependencyHealth(
        name=dependency.name,
        weight=dependency.weight,
        state=DependencyState.DOWN if down else DependencyState.HEALTHY,
        health=0 if down else 100,
        breaker=BreakerPhase.OPEN if down else BreakerPhase.CLOSED,
    )


def _some(names: Sequence[str]) -> list[str]:
    more = len(names) - _TOLD
    return [*names[:_TOLD], *([f"{more} more"] if more > 0 else [])]


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"
