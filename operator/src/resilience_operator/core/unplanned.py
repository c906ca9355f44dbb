"""What is said of an object whose spec is refused, and of a level without a policy."""

from resilience_operator.api.v1alpha1.base import Held
from resilience_operator.core.conditions import MAX_MESSAGE, truncate
from resilience_operator.core.model import Problem

IN_FORCE = "the one before it is in force"
"""What is true of a spec that is refused while the one before it is known."""
POLICY_AT_REST = "nothing is probed, and level, flags and traffic stay as they are"
LEVEL_AT_REST = "this level is not decided and stays as it is"


def spec_invalid(why: str, until_then: str) -> Problem:
    """The problem of a spec that is refused; `why` names its fields."""
    remedy = f". Correct that in the spec and apply it again; until then {until_then}."
    return Problem("SpecInvalid", truncate(why, MAX_MESSAGE - len(remedy)) + remedy)


def refusal_of(held: Held | None) -> tuple[Problem, ...]:
    """That the present spec of an object is refused, where it is, and the one before it is held."""
    if held is None or held.refused is None:
        return ()
    return (spec_invalid(held.refused.why, IN_FORCE),)


def policy_not_found(name: str) -> Problem:
    """The problem of a level whose policy is not there."""
    return Problem(
        "PolicyNotFound",
        f"There is no ResiliencePolicy {name} in this namespace, which spec.policyRef names: "
        "create it, or delete this level and make it with the right name.",
    )
