"""What the operator and the API server have to do with each other: writes, watches, the lease."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from resilience_operator.kube.calls import Call


class ClusterMetrics:
    """The instruments; their labels are closed sets, and the kinds that the operator knows."""

    def __init__(self, registry: CollectorRegistry, lease: str) -> None:
        self._lease = lease
        self._writes = Counter(
            "resilience_api_writes_total",
            "Writes to the API server, by kind of object and result; the Lease is one of them.",
            ["resource", "result"],
            registry=registry,
        )
        self._answered = Gauge(
            "resilience_api_last_answer_timestamp_seconds",
            "When the API server last answered without an error, in seconds since the epoch.",
            registry=registry,
        )
        self._leadership = Counter(
            "resilience_leadership_transitions_total",
            "Times that this replica began to lead, or ceased to.",
            ["lease", "to"],
            registry=registry,
        )
        self._lease_errors = Counter(
            "resilience_lease_errors_total",
            "Attempts to read, take, renew or give back the lease that failed.",
            registry=registry,
        )
        self._watches = Counter(
            "resilience_watch_restarts_total",
            "Watches that were interrupted by an error and taken up again, by kind of object.",
            ["resource"],
            registry=registry,
        )
        self._events = Counter(
            "resilience_events_total",
            "Kubernetes Events, by whether they are in the cluster.",
            ["result"],
            registry=registry,
        )
        # Known from the start, so that the first of each is an increase.
        for to in ("leading", "standby"):
            self._leadership.labels(lease, to)
        for result in ("recorded", "limited", "failed"):
            self._events.labels(result)

    def requested(self, call: Call) -> None:
        """A request is over."""
        if call.ok:
            self._answered.set(time.time())
        if call.writes:
            self._writes.labels(call.resource.plural, call.outcome).inc()

    def leadership_changed(self, leading: bool) -> None:
        """This replica leads, or no longer does."""
        self._leadership.labels(self._lease, "leading" if leading else "standby").inc()

    def lease_failed(self) -> None:
        """An attempt on the lease failed."""
        self._lease_errors.inc()

    def watch_failed(self, resource: str) -> None:
        """A watch was interrupted."""
        self._watches.labels(resource).inc()

    def event_ended(self, result: str) -> None:
        """An event was recorded, or dropped for one of two reasons."""
        self._events.labels(result).inc()
