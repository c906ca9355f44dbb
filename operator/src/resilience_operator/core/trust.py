"""Whether the probes can be believed.

Unrelated things do not fail together: when they seem to, it is the operator that has lost its
network, and every level must hold rather than take all applications down at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resilience_operator.core.model import Trust

LEAST_HOSTS = 8
LEAST_NAMESPACES = 2
# Blind when more than this share of the hosts turned bad within this time.
SHARE_PERCENT = 80
WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TargetView:
    """One probe target: where it is, how it does (None: unknown), and since when."""

    host: str
    namespace: str
    ok: bool | None
    changed_at: float


def assess(views: Sequence[TargetView], control_ok: bool, now: float) -> Trust:
    """Trusted, or not with the reason. Targets whose state is unknown say nothing either way."""
    if not control_ok:
        return Trust(
            trusted=False,
            reason="ControlProbeFailed",
            message="The operator's own control probe fails: its network is in doubt, so every "
            "level holds until the control probe succeeds.",
        )
    hosts, fallen = _hosts(views, now)
    namespaces = {view.namespace for view in views if view.ok is not None}
    if len(hosts) < LEAST_HOSTS or len(namespaces) < LEAST_NAMESPACES:
        return Trust()
    if 100 * len(fallen) <= SHARE_PERCENT * len(hosts):
        return Trust()
    return Trust(
        trusted=False,
        reason="MassFailure",
        message=f"More than {SHARE_PERCENT} % of all probed hosts failed within "
        f"{WITHIN_SECONDS:.0f} s: more likely the operator's network than all of them, so every "
        "level holds.",
    )


def _hosts(views: Sequence[TargetView], now: float) -> tuple[set[str], set[str]]:
    """The hosts with an answer, and those of them where every target has just turned bad."""
    answered = {view.host for view in views if view.ok is not None}
    standing = {
        view.host
        for view in views
        if view.ok or (view.ok is False and now - view.changed_at > WITHIN_SECONDS)
    }
    return answered, answered - standing
