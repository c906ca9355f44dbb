"""What keeps a rollout from starting, from going on, and from taking its next step.

The gate uses the level as it is in force. That is already stabilised, so a breaker that tries
half-open every half minute does not flap it.
"""

from resilience_operator.api.v1alpha1.rollout import Approval
from resilience_operator.api.v1alpha1.rollout_status import Attribution, MetricVerdict
from resilience_operator.core.bands import rank
from resilience_operator.core.rollout import attribution, pods
from resilience_operator.core.rollout.findings import Hold, named, troubled, unknown
from resilience_operator.core.rollout.turn import Turn
from resilience_operator.core.rollout.values import MIN_LOOKS

AWAITING_APPROVAL = "AwaitingApproval"


def obstacle(turn: Turn) -> Hold | None:
    """What keeps everything where it is: a router out of reach, a stable that is not there."""
    problem = turn.seen.traffic.problem
    if problem is not None:
        return Hold(problem.reason, problem.message, limited=False)
    if turn.seen.stable.missing:
        name = turn.seen.stable.name
        message = f"Deployment {name} is not there; nothing moves without a stable version."
        return Hold("StableMissing", message, limited=False)
    return None


def gate(turn: Turn) -> Hold | None:
    """What must hold all the time: eyes that see, the level, and the checks."""
    return _sight(turn) or _level(turn) or _failed_check(turn)


def next_step(turn: Turn) -> Hold | None:
    """What must hold as well for the next step, or the promotion after the last one."""
    return _evidence(turn) or readiness(turn) or _answers(turn) or _approval(turn)


def first_step(turn: Turn) -> Hold | None:
    """What must hold as well for the first step."""
    # Where replicas are the weight, the first one is what makes the canary's pods.
    unborn = turn.by_replicas and turn.seen.canary.desired == 0
    return (None if unborn else readiness(turn)) or _answers(turn) or _approval(turn)


def _sight(turn: Turn) -> Hold | None:
    trust = turn.seen.trust
    if not trust.trusted:
        return Hold(Attribution.BLIND.value, trust.message, Attribution.BLIND)
    names = unknown(turn.seen)
    if not names:
        return None
    return Hold(
        "DependenciesUnknown",
        f"Nothing is known of {named(names)}: an outage could not be told from a bad version.",
        Attribution.BLIND,
    )


def _level(turn: Turn) -> Hold | None:
    level, least = turn.seen.level, turn.seen.spec.gate.min_level
    if level is None:
        return Hold("LevelUnknown", "No level has been decided yet.")
    if rank(level) <= rank(least):
        return None
    message = f"The level is {level}; a rollout needs {least} or better."
    broken = troubled(turn.seen)
    if not broken:
        return Hold("LevelTooLow", message)
    # The level is low because of what is broken, and that is nothing the version has done.
    blame = Attribution.DEPENDENCY_FAULT
    return Hold("LevelTooLow", f"{message} It is low because of {named(broken)}.", blame)


def _failed_check(turn: Turn) -> Hold | None:
    failed = next((each for each in turn.seen.checks if each.passed is False), None)
    if failed is None:
        return None
    return Hold("CheckFailed", f"Check {failed.name}: {failed.message or 'did not answer 200'}.")


def _answers(turn: Turn) -> Hold | None:
    passed = {each.name for each in turn.seen.checks if each.passed}
    waiting = tuple(each.name for each in turn.seen.spec.gate.checks if each.name not in passed)
    if not waiting:
        return None
    return Hold("AwaitingChecks", f"Check {named(waiting)} has not answered yet.")


def _evidence(turn: Turn) -> Hold | None:
    if attribution.passing(turn):
        return None
    few = tuple(
        each.name for each in turn.status.metrics if each.verdict is MetricVerdict.TOO_FEW_SAMPLES
    )
    least = turn.seen.spec.analysis.min_samples
    return Hold(
        "TooFewSamples",
        f"Step {turn.status.step} has been served, and there is not enough to judge it by yet"
        f"{f' for {named(few)}' if few else ''}: a proportion needs {least:,} requests in each "
        f"arm, a value {MIN_LOOKS} looks apart.",
    )


def readiness(turn: Turn) -> Hold | None:
    """Every pod of the canary is ready and of its present template."""
    canary = turn.seen.canary
    if pods.rolled_out(canary):
        return None
    if canary.desired == 0:
        return Hold("CanaryNotReady", f"Deployment {canary.name} is scaled to zero.")
    return Hold("CanaryNotReady", f"Pods of Deployment {canary.name} are not all ready yet.")


def _approval(turn: Turn) -> Hold | None:
    wanted, following = turn.seen.spec.gate.approval, turn.status.step + 1
    asked = wanted is Approval.BEFORE_EACH_STEP or (
        wanted is Approval.BEFORE_START and following == 1
    )
    beyond = following > len(turn.seen.spec.steps)
    if not asked or beyond or turn.status.approved_step >= following:
        return None
    return Hold(
        AWAITING_APPROVAL,
        f"Step {following} waits for a person: kubectl resilience rollout resume.",
        limited=False,
    )
