"""Metrics that are made when they are scraped: what exists per object costs its last state only."""

from collections.abc import Callable, Iterator
from typing import cast

from prometheus_client import Metric
from prometheus_client.samples import Sample

Samples = Iterator[Sample]


class _Lazily:
    """Samples that are made anew each time they are walked."""

    def __init__(self, make: Callable[[], Samples]) -> None:
        self._make = make

    def __iter__(self) -> Samples:
        return self._make()


def family(name: str, documentation: str, kind: str, make: Callable[[], Samples]) -> Metric:
    """A family whose samples come while they are being read."""
    metric = Metric(name, documentation, kind)
    # Declared as a list; the encoders only walk it.
    metric.samples = cast("list[Sample]", _Lazily(make))
    return metric


def sample(series: str, value: float, /, **labels: str) -> Sample:
    """One sample of a series."""
    return Sample(series, labels, value, None, None, None)
