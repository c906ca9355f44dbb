"""Metrics of rollouts: where each stands, and what has happened to them."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.registry import Collector

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricVerdict,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import RolloutEvent
from resilience_operator.core.times import from_rfc3339
from resilience_operator.metrics.scraped import Samples, family, sample

ENDED = (RolloutPhase.SUCCEEDED, RolloutPhase.ROLLED_BACK, RolloutPhase.FAILED)
_HOURS = (60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800)


class RolloutMetrics(Collector):
    """Last known statuses by policy, dropped again with the rollout, and counts of what happened.

    Scraped from another thread: statuses are replaced, never changed.
    """

    def __init__(self, registry: CollectorRegistry, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._statuses: dict[Key, RolloutStatus] = {}
        registry.register(self)
        self._events = Counter(
            "resilience_rollout_events_total",
            "What happened to rollouts, by reason.",
            ["reason"],
            registry=registry,
        )
        self._ended = Counter(
            "resilience_rollouts_total",
            "Rollouts that have ended, by result and whose fault it was.",
            ["result", "attribution"],
            registry=registry,
        )
        self._durations = Histogram(
            "resilience_rollout_duration_seconds",
            "Time from the beginning of a rollout to its end.",
            ["result"],
            buckets=_HOURS,
            registry=registry,
        )
        for result in ENDED:  # from the start, so that the first of each is an increase
            for attribution in Attribution:
                self._ended.labels(result.value, attribution.value)

    def decided(self, policy: Key, status: RolloutStatus) -> None:
        """Where a rollout stands, changed or not."""
        before = self._statuses.get(policy)
        self._statuses[policy] = status
        if before is None or before.phase is status.phase or status.phase not in ENDED:
            return  # what had ended before this process began is not counted again
        record = status.history[-1] if status.history else None
        attribution = record.attribution if record else status.attribution
        self._ended.labels(status.phase.value, attribution.value).inc()
        began = from_rfc3339(record.started_at) if record else None
        ended = from_rfc3339(record.ended_at) if record else None
        if began is not None and ended is not None:
            self._durations.labels(status.phase.value).observe(max(0.0, ended - began))

    def moved(self, event: RolloutEvent) -> None:
        """Something happened to a rollout."""
        self._events.labels(event.reason).inc()

    def forget(self, policy: Key) -> None:
        """A policy no longer has a rollout."""
        self._statuses.pop(policy, None)

    def describe(self) -> Iterable[Metric]:
        """The families by name, for the registry's check on duplicates."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """The families; their samples come while they are being read."""
        yield family(
            "resilience_rollout_phase",
            "1 for the phase that a rollout is in, 0 for the others.",
            "gauge",
            self._phases,
        )
        yield family(
            "resilience_rollout_attribution",
            "1 for whose fault it is at the moment, 0 for the others.",
            "gauge",
            self._attributions,
        )
        yield self._each(
            "resilience_rollout_weight_percent",
            "Share of the traffic that the canary gets.",
            lambda status: status.share,
        )
        yield self._each(
            "resilience_rollout_step",
            "The step that a rollout is at, from 1; 0 before the first.",
            lambda status: status.step,
        )
        yield self._each(
            "resilience_rollout_started_timestamp_seconds",
            "When the last rollout began, in seconds since the epoch.",
            lambda status: from_rfc3339(status.started_at),
        )
        yield self._each(
            "resilience_rollout_step_started_timestamp_seconds",
            "When the weight of the present step was in force, in seconds since the epoch.",
            lambda status: from_rfc3339(status.step_started_at),
        )
        yield self._each(
            "resilience_rollout_held_seconds",
            "Seconds of the present step that were held or paused, and do not count as served.",
            self._held,
        )
        yield family(
            "resilience_rollout_metric_verdict",
            "1 for what the last look at a metric says of the canary, 0 for the others.",
            "gauge",
            self._verdicts,
        )

    def _each(
        self, name: str, documentation: str, of: Callable[[RolloutStatus], float | None]
    ) -> Metric:
        def samples() -> Samples:
            for (namespace, policy), status in tuple(self._statuses.items()):
                value = of(status)
                if value is not None:
                    yield sample(name, value, namespace=namespace, policy=policy)

        return family(name, documentation, "gauge", samples)

    def _held(self, status: RolloutStatus) -> float:
        since = from_rfc3339(status.held_since)
        present = 0.0 if since is None else max(0.0, self._now() - since)
        return status.held_seconds + present

    def _phases(self) -> Samples:
        for (namespace, policy), status in tuple(self._statuses.items()):
            for phase in RolloutPhase:
                here = status.phase is phase
                labels = {"namespace": namespace, "policy": policy, "phase": phase.value}
                yield sample("resilience_rollout_phase", here, **labels)

    def _attributions(self) -> Samples:
        for (namespace, policy), status in tuple(self._statuses.items()):
            for attribution in Attribution:
                here = status.attribution is attribution
                labels = {"namespace": namespace, "policy": policy}
                series = "resilience_rollout_attribution"
                yield sample(series, here, **labels, attribution=attribution.value)

    def _verdicts(self) -> Samples:
        for (namespace, policy), status in tuple(self._statuses.items()):
            for metric in status.metrics:
                for verdict in MetricVerdict:
                    here = metric.verdict is verdict
                    labels = {"namespace": namespace, "policy": policy, "metric": metric.name}
                    series = "resilience_rollout_metric_verdict"
                    yield sample(series, here, **labels, verdict=verdict.value)
