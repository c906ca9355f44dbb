"""What is found of a DegradationLevel, as the conditions on it."""

from collections.abc import Sequence

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import Dependency, Feature, ResiliencePolicy
from resilience_operator.core.conditions import Finding
from resilience_operator.core.explanation import listed
from resilience_operator.core.level_state import FROZEN, OVERRIDDEN
from resilience_operator.core.model import LevelDecision, LevelPlan, Problem
from resilience_operator.core.unplanned import refusal_of


def level_findings(
    plan: LevelPlan, policy: ResiliencePolicy, level: DegradationLevel | None
) -> tuple[Finding, ...]:
    """The conditions of a level; `level` is the object, where the cluster has it already."""
    decision = plan.decision
    return (
        _ready(decision, (*refusal_of(level), *_misnamed(policy, level))),
        _lever(OVERRIDDEN, decision.overridden, decision.message, "No override is in force."),
        _lever(FROZEN, decision.frozen, decision.message, "No freeze is in force."),
        _lever(
            "Stale",
            decision.stale,
            "Some dependencies have not answered for too long; the level rests on the others.",
            "Every dependency has answered lately enough.",
        ),
    )


def _ready(decision: LevelDecision, problems: Sequence[Problem]) -> Finding:
    if problems:
        message = " ".join(problem.message for problem in problems)
        return Finding("Ready", False, problems[0].reason, message)
    if decision.level is None:
        return Finding("Ready", None, decision.reason, decision.message)
    return Finding("Ready", True, "LevelDecided", f"The level is {decision.level}.")


def _misnamed(policy: ResiliencePolicy, level: DegradationLevel | None) -> tuple[Problem, ...]:
    """What a level names and its policy does not have, which no schema can know."""
    if level is None:
        return ()
    scored, governed = ([each.name for each in level.spec.dependencies], level.spec.features)
    return tuple(
        Problem(
            reason,
            f"spec.{field} names {listed(unknown)}, which policy {policy.name} does not have: "
            "correct the name, or add it to the policy.",
        )
        for field, reason, unknown in (
            ("dependencies", "UnknownDependency", _absent(scored, policy.spec.dependencies)),
            ("features", "UnknownFeature", _absent(governed, policy.spec.features)),
        )
        if unknown
    )


def _absent(names: Sequence[str], among: Sequence[Dependency | Feature]) -> list[str]:
    known = {each.name for each in among}
    return [name for name in names if name not in known]


def _lever(type_: str, holds: bool, when_true: str, when_false: str) -> Finding:
    reason = type_ if holds else f"Not{type_}"
    return Finding(type_, holds, reason, when_true if holds else when_false)
