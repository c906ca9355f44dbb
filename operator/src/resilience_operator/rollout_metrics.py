"""Metrics of rollouts: where each stands, and what has happened to them."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import RolloutEvent

_OF_A_POLICY = ["namespace", "policy"]


class RolloutMetrics:
    """The instruments; labels are the policies with a rollout, dropped again with it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._phase = Gauge(
            "resilience_rollout_phase",
            "1 for the phase that a rollout is in, 0 for the others.",
            [*_OF_A_POLICY, "phase"],
            registry=registry,
        )
        self._attribution = Gauge(
            "resilience_rollout_attribution",
            "1 for whose fault it is at the moment, 0 for the others.",
            [*_OF_A_POLICY, "attribution"],
            registry=registry,
        )
        self._weight = Gauge(
            "resilience_rollout_weight_percent",
            "Share of the traffic that the canary gets.",
            _OF_A_POLICY,
            registry=registry,
        )
        self._step = Gauge(
            "resilience_rollout_step",
            "The step that a rollout is at, from 1; 0 before the first.",
            _OF_A_POLICY,
            registry=registry,
        )
        self._events = Counter(
            "resilience_rollout_events_total",
            "What happened to rollouts, by reason.",
            ["reason"],
            registry=registry,
        )

    def decided(self, policy: Key, status: RolloutStatus) -> None:
        """Where a rollout stands, changed or not."""
        for phase in RolloutPhase:
            self._phase.labels(*policy, phase.value).set(status.phase is phase)
        for attribution in Attribution:
            is_it = status.attribution is attribution
            self._attribution.labels(*policy, attribution.value).set(is_it)
        self._weight.labels(*policy).set(status.weight)
        self._step.labels(*policy).set(status.step)

    def moved(self, event: RolloutEvent) -> None:
        """Something happened to a rollout."""
        self._events.labels(event.reason).inc()

    def forget(self, policy: Key) -> None:
        """A policy no longer has a rollout."""
        namespace, name = policy
        labels = {"namespace": namespace, "policy": name}
        for gauge in (self._phase, self._attribution, self._weight, self._step):
            gauge.remove_by_labels(labels)
