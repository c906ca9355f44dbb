"""Every metric that the operator exposes, and the one place where events become numbers.

Methods are named for what happened, and match the observer protocols of those who report. Labels
are bounded: closed sets, or the policies and levels in the cluster, which `forget_*` drops again.
No registry is global, so tests and shards each have their own.
"""

import logging
import platform
from collections.abc import Collection, Hashable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from resilience_operator.actuators import FlagsOutcome, RefreshOutcome
from resilience_operator.core.errors import ApiError
from resilience_operator.core.model import ProbeKey, ProbeResult, Trust
from resilience_operator.logging import place_of
from resilience_operator.metrics.policies import PolicyMetrics
from resilience_operator.tracing.base import Tracing

log = logging.getLogger(__name__)

_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PROPAGATION = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics(PolicyMetrics):
    """The operator's instruments on a registry of their own."""

    def __init__(
        self,
        version: str = "unknown",
        lease: str = "resilience-operator",
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__()
        self.tracing = tracing or Tracing()
        self.registry = registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        build = Info("resilience_build", "Version of the operator.", registry=registry)
        build.info({"version": version, "python": platform.python_version()})
        self._define_probes()
        self._define_flags()
        self._define_reconciles()
        self._define_operator(lease)

    def probe_started(self, probe_type: str, lag_seconds: float) -> None:
        """A probe went out, so many seconds after it was due."""
        self._lag.observe(max(0.0, lag_seconds))

    def probe_finished(
        self, key: ProbeKey, result: ProbeResult, served: Collection[Hashable]
    ) -> None:
        """A probe came back, for those subscriptions."""
        trace_id = self.tracing.probed(key, result, served)
        reason = result.reason.value if result.reason else ""
        self._results.labels(key.type, result.verdict.value, reason).inc()
        self._durations.labels(key.type).observe(result.latency_ms / 1000, _exemplar(trace_id))

    def prober_failed(self, key: ProbeKey, error: BaseException) -> None:
        """Our own code failed while it probed."""
        self._bugs.labels("prober").inc()
        fields = {"probe_type": key.type, "namespace": key.namespace}
        log.error("A probe failed by itself: %s.", place_of(error), extra=fields)

    def look_failed(self) -> None:
        """A look at a rollout's figures raised; whoever took it has logged it."""
        self._bugs.labels("look").inc()

    def subscriber_failed(self, error: Exception) -> None:
        """Our own code failed while it took a result."""
        self._bugs.labels("subscriber").inc()
        log.error("A probe's result was not taken in: %s.", place_of(error))

    def flags_written(self, outcome: FlagsOutcome) -> None:
        """Flags were written, found to be there already, or refused."""
        if outcome.applied is None:
            result = "refused"
        else:
            result = "written" if outcome.written else "unchanged"
        self._flags.labels(result).inc()

    def pods_told(self, outcome: RefreshOutcome) -> None:
        """Pods were told of a change of flags."""
        self._pods.inc(outcome.patched)

    def flags_propagated(self, seconds: float) -> None:
        """All pods of a policy know of new flags, so long after the decision."""
        self._propagation.observe(seconds)

    def run_finished(self, key: Hashable, seconds: float, error: Exception | None) -> None:
        """A pass over one policy is done, or failed and will be repeated."""
        self._reconcile_durations.observe(seconds, _exemplar(self.tracing.last()))
        if error is None:
            self._reconciles.labels("ok").inc()
            return
        self._retries.inc()
        expected = isinstance(error, ApiError)
        self._reconciles.labels("retry" if expected else "error").inc()
        what = str(error) if expected else place_of(error)
        log.warning("A pass failed and will be repeated: %s", what, extra={"key": str(key)})

    def api_requested(self, verb: str, resource: str, code: str) -> None:
        """The API server answered, with a status code or the kind of failure."""
        self._requests.labels(verb, resource, code).inc()

    def leadership_changed(self, leading: bool) -> None:
        """This replica leads, or no longer does."""
        self._leader.set(leading)

    def trust_changed(self, trust: Trust) -> None:
        """The operator believes its probes, or is blind."""
        self._trusted.set(trust.trusted)

    def policies_changed(self, count: int) -> None:
        """The number of policies held."""
        self._policies.set(count)

    def loop_lagged(self, seconds: float) -> None:
        """The event loop woke a sleeper so much too late."""
        self._loop_lag.observe(seconds)

    def _define_probes(self) -> None:
        self._results = Counter(
            "resilience_probe_results_total",
            "Finished probes. The reason is empty for a healthy one.",
            ["type", "verdict", "reason"],
            registry=self.registry,
        )
        self._durations = Histogram(
            "resilience_probe_duration_seconds",
            "Time that a probe took, whatever it found.",
            ["type"],
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "resilience_probe_schedule_lag_seconds",
            "Time between a probe's due time and its start.",
            buckets=_LAGS,
            registry=self.registry,
        )

    def _define_flags(self) -> None:
        self._flags = Counter(
            "resilience_flags_applied_total",
            "Attempts to bring a flag ConfigMap up to date, by result.",
            ["result"],
            registry=self.registry,
        )
        self._propagation = Histogram(
            "resilience_flag_propagation_seconds",
            "Time from a decision to the moment all pods were told of its flags.",
            buckets=_PROPAGATION,
            registry=self.registry,
        )
        self._pods = Counter(
            "resilience_pods_refreshed_total",
            "Pods that were told of new flags.",
            registry=self.registry,
        )

    def _define_reconciles(self) -> None:
        self._reconciles = Counter(
            "resilience_reconciles_total",
            "Passes over one policy, by result.",
            ["result"],
            registry=self.registry,
        )
        self._reconcile_durations = Histogram(
            "resilience_reconcile_duration_seconds",
            "Time that one pass over one policy took.",
            buckets=_DURATIONS,
            registry=self.registry,
        )
        self._retries = Counter(
            "resilience_workqueue_retries_total",
            "Passes that are to be repeated after a failure.",
            registry=self.registry,
        )
        self._requests = Counter(
            "resilience_api_requests_total",
            "Requests to the API server, by status code or kind of failure.",
            ["verb", "resource", "code"],
            registry=self.registry,
        )

    def _define_operator(self, lease: str) -> None:
        self._leader = Gauge(
            "resilience_leader",
            "1 on the replica that probes and writes; each lease has one.",
            ["lease"],
            registry=self.registry,
        ).labels(lease)
        self._policies = self._gauge("resilience_policies", "Policies that this replica holds.")
        self._trusted = self._gauge(
            "resilience_trusted", "0 while the operator is blind and holds every level."
        )
        self._trusted.set(1)
        self._bugs = Counter(
            "resilience_internal_errors_total",
            "Failures of the operator's own code, by where they were caught.",
            ["where"],
            registry=self.registry,
        )
        for where in ("prober", "subscriber", "look"):
            self._bugs.labels(where)  # from the start, so that the first is an increase
        self._loop_lag = Histogram(
            "resilience_event_loop_lag_seconds",
            "How late the event loop wakes a sleeper.",
            buckets=_LAGS,
            registry=self.registry,
        )

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(name, documentation, registry=self.registry)


def _exemplar(trace_id: str | None) -> dict[str, str] | None:
    """What a histogram shows beside a count in OpenMetrics: a trace of one that was counted."""
    return None if trace_id is None else {"trace_id": trace_id}
