"""What the pods say: crashes, restarts, and pods that do not become ready.

They roll a version back at once, whatever the gate says, unless stable's pods do the same: then it
is not the version. Whoever crashes in an outage recovers at the pace of Kubernetes' back-off, five
minutes at most, so after one the canary has as long to come up again.
"""

from resilience_operator.api.v1alpha1.rollout_status import Attribution
from resilience_operator.core.rollout.findings import Fault, Hold, degraded
from resilience_operator.core.rollout.model import DeploymentView
from resilience_operator.core.rollout.turn import Turn

BOTH_CRASHING = "BothCrashing"
RECOVERING = "RecoveringFromCrash"
# Longest back-off of a crashing container (300 s), and a minute to become ready.
RECOVERY_SECONDS = 360.0
# A crash may follow an outage that is over by then.
AFTERMATH_SECONDS = 120.0
# In an outage the arms need not crash in the same second.
OUTAGE_CONFIRM_SECONDS = 60.0
# A node may go away under a canary's only pod.
NOT_READY_CONFIRM_SECONDS = 60.0


def rolled_out(view: DeploymentView) -> bool:
    """Whether every pod wanted is there, of the present template, and ready."""
    return (
        not view.missing
        and view.observed
        and view.desired > 0
        and min(view.updated, view.ready, view.available) >= view.desired
    )


def account(turn: Turn, finding: Fault | Hold | None) -> Turn:
    """The turn with its restart counts kept: pods that went away took theirs with them.

    While both arms crash, and until the canary has recovered, restarts are put down to that.
    """
    status, seen = turn.status, turn.seen
    together = isinstance(finding, Hold) or (status.shared_crash and finding is not None)
    if together or status.shared_crash:
        stable, canary = seen.stable.restarts, seen.canary.restarts
    else:
        stable = min(status.stable_restarts, seen.stable.restarts)
        canary = min(status.canary_restarts, seen.canary.restarts)
    return turn.having(stable_restarts=stable, canary_restarts=canary, shared_crash=together)


def judge(turn: Turn) -> Fault | Hold | None:
    """What the canary's pods say of it. Restarts must have been compared before `account`."""
    canary, stable, status = turn.seen.canary, turn.seen.stable, turn.status
    # A restart is how a container recovers.
    accounted = canary.restarts if status.shared_crash else status.canary_restarts
    trouble = _trouble(canary, accounted)
    if not trouble and status.shared_crash and not rolled_out(canary):
        trouble = "its pods are not ready yet"
    if trouble and _stable_troubled(turn):
        return _both(turn)
    if trouble and status.shared_crash:
        return _still_recovering(turn, trouble)
    if trouble and degraded(turn.seen):
        return Fault(
            Attribution.LOST_FALLBACK,
            "CrashesInOutage",
            f"{canary.name}: {trouble}, in an outage that {stable.name} stands.",
            OUTAGE_CONFIRM_SECONDS,
        )
    if trouble:
        reason = "NotProgressing" if canary.failed_to_progress else "PodsCrashing"
        confirm = OUTAGE_CONFIRM_SECONDS if _level_just_changed(turn) else 0.0
        return Fault(Attribution.VERSION_FAULT, reason, f"{canary.name}: {trouble}.", confirm)
    return _unready(turn)


def _trouble(view: DeploymentView, accounted: int) -> str:
    if view.crashing:
        return f"{len(view.crashing)} pods fail ({view.crashing[0]})"
    if view.restarts > accounted:
        return f"containers restarted ({view.restarts - accounted} times)"
    if view.failed_to_progress and view.observed:
        return "pods did not become ready within the progress deadline"
    return ""


def _stable_troubled(turn: Turn) -> bool:
    stable = turn.seen.stable
    down = stable.desired > 0 and stable.ready == 0
    return down or bool(_trouble(stable, turn.status.stable_restarts))


def _level_just_changed(turn: Turn) -> bool:
    """Whether an outage may have ended so recently that pods still fail for it."""
    since = turn.seen.level_since
    return since is not None and turn.now - since < AFTERMATH_SECONDS


def _both(turn: Turn) -> Hold:
    outage = degraded(turn.seen)
    blame = Attribution.DEPENDENCY_FAULT if outage else Attribution.SHARED_FAULT
    return Hold(
        BOTH_CRASHING,
        f"Pods of {turn.seen.stable.name} fail as well as {turn.seen.canary.name}'s, so it is not "
        f"the version; held until they recover.",
        blame,
    )


def _still_recovering(turn: Turn, trouble: str) -> Fault:
    return Fault(
        Attribution.VERSION_FAULT,
        RECOVERING,
        f"{turn.seen.stable.name} has recovered and {turn.seen.canary.name} has not: {trouble}.",
        RECOVERY_SECONDS,
    )


def _unready(turn: Turn) -> Fault | Hold | None:
    canary = turn.seen.canary
    if turn.status.weight == 0 or canary.ready > 0 or turn.by_replicas:
        return None
    if _stable_troubled(turn):
        return _both(turn)
    return Fault(
        Attribution.LOST_FALLBACK if degraded(turn.seen) else Attribution.VERSION_FAULT,
        "NoReadyPods",
        f"{canary.name} has {turn.status.weight} % of the traffic and no ready pod.",
        NOT_READY_CONFIRM_SECONDS,
    )
