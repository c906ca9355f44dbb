"""Proportions compared by tests that may be looked at as often as one likes.

A mixture sequential probability ratio test: the likelihood of the observed difference if the true
one were drawn from a normal distribution of standard deviation `TAU`, over its likelihood if there
were none. By Ville's inequality that ratio exceeds 1/alpha at *any* look, ever, with probability
at most alpha when there is no difference; so 1/ratio is a p-value that peeking does not spoil.

The normal approximation fails when failures are rare: two failures among 500 requests look like
five standard deviations at a rate of 1 in 10,000. The variance therefore never falls below that
of `EXPECTED_FAILURES` failures in the smaller arm. See docs/decisions on sequential tests.
"""

import math

# The chance, over a whole rollout and all of its metrics, that a good version is rolled back.
ALPHA = 0.005
# The differences looked for: a standard deviation of two percentage points.
TAU = 0.02
EXPECTED_FAILURES = 5.0
# Beyond this an exponential overflows; no evidence needs to be stronger.
_MOST_LOG_RATIO = 700.0


def alpha_of(metrics: int, window: int) -> float:
    """The share of `ALPHA` of one metric in the window of this number, from 1.

    Shared equally over the metrics, and over windows as 1/2, 1/6, 1/12 …, which adds up to 1:
    however often the analysis begins anew, the chance for the whole rollout stays `ALPHA`.
    """
    number = max(window, 1)
    return ALPHA / max(metrics, 1) / (number * (number + 1))


def mixture_p(difference: float, variance: float, tau: float = TAU) -> float:
    """The always-valid p-value of a difference of this variance being none at all."""
    spread = tau * tau
    ratio = 0.5 * math.log(variance / (variance + spread)) + (
        difference * difference * spread / (2.0 * variance * (variance + spread))
    )
    return min(1.0, math.exp(-min(ratio, _MOST_LOG_RATIO)))


def difference_p(
    canary_failures: float, canary_total: float, stable_failures: float, stable_total: float
) -> float:
    """The p-value of both arms failing at the same rate. Symmetric in the arms; totals above 0."""
    difference = canary_failures / canary_total - stable_failures / stable_total
    pooled = (canary_failures + stable_failures) / (canary_total + stable_total)
    smaller = min(canary_total, stable_total)
    unit = max(pooled * (1.0 - pooled), EXPECTED_FAILURES / smaller)
    return mixture_p(difference, unit * (1.0 / canary_total + 1.0 / stable_total))


def above_p(failures: float, total: float, ceiling: float) -> float:
    """The p-value of a rate being no higher than `ceiling` (a share, 0 to 1)."""
    excess = failures / total - ceiling
    if excess <= 0.0:
        return 1.0
    unit = max(ceiling * (1.0 - ceiling), EXPECTED_FAILURES / total)
    return mixture_p(excess, unit / total)
