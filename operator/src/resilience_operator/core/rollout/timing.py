"""Time served and time held, and the analysis window: all of it in status, none in memory.

Times in status have whole seconds. They are rounded to the side that serves later, holds longer
and counts less. Two have milliseconds, rounded up. The start of a step: rollouts whose steps began
in the same second would else all be due in the same moment. And that of a hold: a step that has
been served would else be less than served once it is held, and go on, and be held again.
"""

import math

from resilience_operator.api.v1alpha1.rollout import AfterMaxHold
from resilience_operator.core.rollout import verdicts
from resilience_operator.core.rollout.turn import POLL_SECONDS, Turn, at, not_before
from resilience_operator.core.times import to_rfc3339, to_rfc3339_fine


def served_seconds(turn: Turn) -> float:
    """How long this step has been served, holds left out."""
    started = at(turn.status.step_started_at) or turn.now
    held = turn.status.held_seconds + _present_hold(turn, started)
    return max(0.0, turn.now - started - held)


def hold(turn: Turn, limited: bool = False) -> Turn:
    """The turn with the clock stopped, if it is not; `limited`: this counts to the longest hold."""
    status = turn.status
    counts_since = (status.hold_counts_since or to_rfc3339(turn.now)) if limited else None
    held_since = status.held_since or to_rfc3339_fine(turn.now)
    return turn.having(held_since=held_since, hold_counts_since=counts_since)


def let_go(turn: Turn) -> Turn:
    """The turn with the clock running again; the time held is put aside."""
    started = at(turn.status.step_started_at)
    held = 0 if started is None else math.ceil(_present_hold(turn, started))
    return turn.having(
        held_since=None, hold_counts_since=None, held_seconds=turn.status.held_seconds + held
    )


def held_too_long(turn: Turn) -> bool:
    """Whether the present hold has lasted for `maxHoldSeconds` and is to end in a rollback."""
    ends = hold_ends(turn)
    return ends is not None and turn.now >= ends


def hold_ends(turn: Turn) -> float | None:
    """When the present hold ends in a rollback, if it does."""
    gate, since = turn.seen.spec.gate, at(turn.status.hold_counts_since)
    if since is None or gate.after_max_hold is AfterMaxHold.STAY:
        return None
    return since + gate.max_hold_seconds


def fresh_window(turn: Turn) -> Turn:
    """The turn with the analysis counting from now."""
    return turn.having(
        window_started_at=not_before(turn.now),
        windows=turn.status.windows + 1,
        metrics=verdicts.cleared(turn.status.metrics),
    )


def window_age(turn: Turn) -> float:
    """Seconds since the window began."""
    return turn.now - (at(turn.status.window_started_at) or turn.now)


def wants_metrics(turn: Turn) -> bool:
    """Whether there is a window to look at."""
    return bool(turn.seen.spec.analysis.metrics) and turn.status.window_started_at is not None


def next_look(turn: Turn) -> float | None:
    """When metrics and checks are to be looked at again, if there are any."""
    if not wants_metrics(turn) and not turn.seen.spec.gate.checks:
        return None
    interval = turn.seen.spec.analysis.interval_seconds
    last = turn.seen.metrics_at
    if last is None:
        return turn.now + min(interval, POLL_SECONDS)
    return max(last + interval, turn.now + 1.0)


def soonest(*times: float | None) -> float | None:
    """The first of some times, those left out that are not."""
    return min((each for each in times if each is not None), default=None)


def _present_hold(turn: Turn, started: float) -> float:
    since = at(turn.status.held_since)
    return 0.0 if since is None else max(0.0, turn.now - max(since, started))
