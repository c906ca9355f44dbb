"""When a probe is due next: pure arithmetic, apart from the pool that carries it out."""

import math

from resilience_operator.runtime.scheduler import grid_at_or_before

# Two starts of one probe are at least this far apart, whatever its subscribers wish.
MIN_SPACING_SECONDS = 0.2
# No wish is further off than this: a subscriber that asks for never is still asked again.
MAX_WAIT_SECONDS = 3600.0
# First probes go out at most at this pace when many targets arrive at once.
FIRST_PROBES_PER_SECOND = 250.0

_TOLERANCE = 0.001


def first_due(now: float, fraction: float, interval: float, unstarted: int) -> float:
    """When a new probe goes first, given how many still wait for their first.

    A policy on its own is probed at once; a thousand that arrive together (a start) are spread
    over four seconds; no probe waits longer than its interval.
    """
    return now + fraction * min(interval, unstarted / FIRST_PROBES_PER_SECOND)


def settle(wish: float, started: float, ended: float, interval: float, offset: float) -> float:
    """The time at which a subscriber's wish is met.

    A wish for the usual pace (an interval after the start of the last probe, or after its end)
    moves to the probe's own grid `offset + n x interval`, so that latency adds no drift and a
    common outage does not leave everything in step. Any other wish (a confirmation, a trial of a
    breaker) is met to the letter.
    """
    if started + interval - _TOLERANCE <= wish <= ended + interval + _TOLERANCE:
        # The one grid time between half an interval and one and a half after the start.
        return grid_at_or_before(started + 1.5 * interval, offset, interval)
    latest = started + MAX_WAIT_SECONDS
    # Written so that NaN, which compares false, becomes the latest time.
    return wish if wish < latest else latest


def spaced(due: float, started: float | None) -> float:
    """`due`, or as soon as the spacing allows."""
    return due if started is None else max(due, started + MIN_SPACING_SECONDS)


def earliest(due: float | None) -> float:
    """`due`, with never as infinity."""
    return math.inf if due is None else due
