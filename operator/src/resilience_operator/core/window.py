"""The sliding window over the last probes of one dependency.

Rates are whole per cents rounded down, so that `rate >= threshold` holds exactly when the true
share does. A window below its minimum says nothing: one failure out of one is not a rate.
"""

from resilience_operator.api.v1alpha1.policy import WindowSpec
from resilience_operator.core.model import Sample, Window


def add(window: Window, sample: Sample, spec: WindowSpec) -> Window:
    """The window with this sample, without those that are now too old for `spec.size`."""
    return Window((*window.samples, sample)[-spec.size :])


def enough(window: Window, spec: WindowSpec) -> bool:
    """Whether there are samples enough to speak of rates."""
    return len(window.samples) >= min(spec.minimum, spec.size)


def failure_rate_percent(window: Window) -> int:
    """Failures per hundred probes; 0 for an empty window."""
    total = len(window.samples)
    failed = sum(1 for sample in window.samples if not sample.ok)
    return 100 * failed // total if total else 0


def slow_rate_percent(window: Window) -> int:
    """Slow successes per hundred successes; 0 when nothing succeeded."""
    answered = [sample.slow for sample in window.samples if sample.ok]
    return 100 * sum(answered) // len(answered) if answered else 0


def percentile_ms(window: Window, q: int) -> int | None:
    """The q-th percentile (nearest rank) of the successes' latency in whole ms, None without any.

    Failures are left out: a refused connection answers in no time and would flatter the figure.
    """
    latencies = sorted(sample.latency_ms for sample in window.samples if sample.ok)
    if not latencies:
        return None
    rank = max(1, -(-q * len(latencies) // 100))
    return round(latencies[rank - 1])
