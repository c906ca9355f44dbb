"""Values compared by rank, one pair per look: how often the canary's is the greater one.

Nothing is assumed of how latencies are distributed. If both versions are alike, the canary's value
exceeds stable's in a look with probability 1/2 at most, whatever came before. So bet on it: at
even odds, stake a share of the money on "greater" in every look. If that is no more likely than
not, the money cannot be expected to grow, and it multiplies by 1/alpha *ever* with probability at
most alpha (Ville). Several stakes bet side by side, and at every look a part of the capital, set
aside for it from the start, begins anew: a version that turns bad after hours is found as well.

Looks must not share data, or they agree for that reason alone: only one look in five counts, or
one in `BLOCK_SECONDS` where that is more, and a query should look back no farther than that.
"""

import math
from collections.abc import Sequence

BLOCK_SECONDS = 60
BLOCK_LOOKS = 5
# Fewer counted looks than this are no evidence.
MIN_LOOKS = 5
# Chances of "greater" that are bet on.
_CHANCES = (0.6, 0.7, 0.8, 0.9, 0.95)


def block_seconds(interval_seconds: int) -> int:
    """How far apart looks must be to count, and how far back a query of a value may look."""
    return looks_apart(interval_seconds) * interval_seconds


def looks_apart(interval_seconds: int) -> int:
    """One look in so many counts."""
    return min(BLOCK_LOOKS, math.ceil(BLOCK_SECONDS / interval_seconds))


def apart(values: Sequence[float], interval_seconds: int) -> tuple[float, ...]:
    """Those of the looks that are far enough apart to share no data."""
    return tuple(values[:: looks_apart(interval_seconds)])


def greater_p(greater: Sequence[bool]) -> float:
    """The always-valid p-value of "greater" being no more likely than not, in any look."""
    capital = [0.0] * len(_CHANCES)
    best = 1.0
    for look, won in enumerate(greater, start=1):
        fresh = 1.0 / (look * (look + 1))
        kept = 1.0 / (look + 1)
        capital = [
            (money + fresh) * 2.0 * (chance if won else 1.0 - chance)
            for money, chance in zip(capital, _CHANCES, strict=True)
        ]
        best = max(best, sum(capital) / len(_CHANCES) + kept)
    return 1.0 / best
