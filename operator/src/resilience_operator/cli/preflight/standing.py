"""What an applied policy says of itself, and whether anybody stands behind it now."""

from collections.abc import Iterator, Sequence

from resilience_operator.api.v1alpha1.base import ConditionStatus
from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.cli.preflight.model import (
    Check,
    failed,
    listed,
    passed,
    skipped,
    warned,
)
from resilience_operator.cli.preflight.operators import Operator


def judge_watched(
    namespace: str, labels: dict[str, str], operators: Sequence[Operator] | None
) -> Check:
    """Whether exactly one operator looks after the policy. None: they could not be looked for."""
    name = "operator"
    if not operators:
        return skipped(
            name,
            "It is not known which operator looks after it.",
            "See the check of the operator, above.",
        )
    mine = [each for each in operators if each.watches(namespace, labels)]
    if len(mine) == 1:
        return passed(name, f"{mine[0].title} looks after it.")
    if mine:
        return failed(
            name,
            f"{listed([each.title for each in mine])} all look after it, and each would undo the "
            "other's flags.",
            "Make their namespaces (watchNamespaces) or their selectors (shards) exclude each "
            "other.",
        )
    return failed(
        name,
        f"No operator looks after policies of namespace {namespace} with these labels.",
        "Install one, add the namespace to the chart's watchNamespaces, or correct the shards' "
        "selectors.",
    )


def judge_status(policy: ResiliencePolicy) -> Iterator[Check]:
    """Whether the operator has seen the present spec, and what it says of it."""
    status = policy.status
    if policy.deleting:
        yield failed("status", "It is being deleted.", "Apply it again once it is gone.")
        return
    if status.observed_generation < policy.generation:
        seen = status.observed_generation or "none"
        yield warned(
            "status",
            f"The operator has not seen the present spec yet (generation {policy.generation}, seen "
            f"{seen}).",
            "Wait a few seconds; if it stays so, look at the checks of the operator.",
        )
        return
    for condition in status.conditions:
        if condition.type == "Ready":
            if condition.status is ConditionStatus.TRUE:
                yield passed("status", condition.message)
            elif condition.status is ConditionStatus.FALSE:
                yield failed(
                    "status", condition.message, "See the other checks for what to do about it."
                )
            else:
                yield skipped("status", condition.message, "Wait a few seconds, and look again.")
        if condition.type == "ProbesTrusted" and condition.status is ConditionStatus.FALSE:
            yield failed(
                "operator's sight",
                f"It takes itself for blind: {condition.message}",
                "Mend the operator's own network; until then it holds every level.",
            )
    if policy.spec.mode is Mode.OBSERVE:
        yield warned(
            "mode",
            "Observe: it is decided and reported, and nothing is changed.",
            "Set mode to Enforce when the levels have proved right.",
        )
