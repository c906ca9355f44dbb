"""What the parts report, as metrics and log lines: `Metrics` plus what is said in words.

A log line marks something that a person may want to know; what happens at every probe or request
is a number only.
"""

import logging

from prometheus_client import Gauge, GCCollector

from resilience_operator import audit, purpose
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core.human_actions import HumanAction
from resilience_operator.core.model import Key, LevelPlan, Trust
from resilience_operator.core.resources import Resource
from resilience_operator.core.rollout.model import RolloutEvent
from resilience_operator.kube.calls import Call
from resilience_operator.metrics.cluster import ClusterMetrics
from resilience_operator.metrics.memory import limit_bytes
from resilience_operator.metrics.registry import Metrics
from resilience_operator.metrics.rollouts import RolloutMetrics
from resilience_operator.metrics.runtime import RuntimeMetrics
from resilience_operator.probes.prober import InternalProbeError
from resilience_operator.tracing.base import Facts, Tracing

log = logging.getLogger(__name__)


class Reports(Metrics):
    """The observer of everything."""

    def __init__(
        self,
        version: str = "unknown",
        lease: str = "resilience-operator",
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__(version, lease, tracing)
        self._rollouts = RolloutMetrics(self.registry)
        self._cluster = ClusterMetrics(self.registry, lease)
        self.runtime = RuntimeMetrics()
        """The operator's own parts: whoever makes one has it watched here."""
        self.registry.register(self.runtime)
        GCCollector(registry=self.registry)
        Gauge(
            "resilience_memory_limit_bytes",
            "Memory that this replica may take before the kernel ends it; +Inf without a limit.",
            registry=self.registry,
        ).set_function(limit_bytes)

    def level_planned(self, level: Key, plan: LevelPlan) -> None:
        """What was decided on a level, changed or not."""
        super().level_planned(level, plan)
        # Of a policy's levels the one with its name is told of: the flags follow that one.
        facts: Facts = {
            "level": plan.decision.level,
            "health": plan.score.value,
            "reason": plan.decision.reason,
            "decision": plan.decision_id,
        }
        self.tracing.note(level, facts)

    def rollout_decided(self, policy: Key, status: RolloutStatus, decision_id: str) -> None:
        """Where a rollout stands, changed or not."""
        self._rollouts.decided(policy, status)
        facts: Facts = {
            "rollout.phase": status.phase,
            "rollout.step": status.step,
            "rollout.weight": status.weight,
            "reason": status.reason,
            "decision": decision_id,
        }
        self.tracing.note(policy, facts)

    def rollout_moved(self, policy: Key, event: RolloutEvent) -> None:
        """Something happened to a rollout."""
        self._rollouts.moved(event)
        fields = {"namespace": policy[0], "policy": policy[1], "reason": event.reason}
        if event.decision_id:
            fields["decision"] = event.decision_id
        log.info("%s: %s", event.reason, event.message, extra=fields)

    def forget_rollout(self, policy: Key) -> None:
        """A policy no longer has a rollout."""
        self._rollouts.forget(policy)

    def internal_probe_error(self, error: InternalProbeError) -> None:
        """Our own code failed inside a probe; its result is Unknown."""
        self._bugs.labels("prober").inc()
        log.error("A probe failed by a fault of our own: %s", error)

    def person_acted(self, action: HumanAction) -> None:
        """Something that a person asked for is acted upon, or has ended."""
        audit.person_acted(action)

    def requested(self, call: Call) -> None:
        """A request to the API server is over."""
        self.api_requested(call.verb, call.resource.plural, str(call.code) if call.code else "none")
        self._cluster.requested(call)
        if call.writes:
            errand = purpose.present()
            audit.write_made(call, errand)
            self.tracing.wrote(call, errand)

    def leadership_changed(self, leading: bool) -> None:
        """This replica leads, or no longer does."""
        super().leadership_changed(leading)
        self._cluster.leadership_changed(leading)

    def lease_failed(self, error: Exception) -> None:
        """An attempt on the lease failed."""
        self._cluster.lease_failed()
        log.warning("lease: %s", error)

    def trust_changed(self, trust: Trust) -> None:
        """The operator believes its probes, or is blind."""
        super().trust_changed(trust)
        self.runtime.trust_changed(trust.trusted)

    def event_recorded(self, reason: str) -> None:
        """An event is in the cluster."""
        self._cluster.event_ended("recorded")

    def event_dropped(self, reason: str, error: Exception | None) -> None:
        """An event is not in the cluster; the log has it."""
        self._cluster.event_ended("failed" if error else "limited")
        log.warning("Event %s not recorded: %s", reason, error or "too many at once")

    def watch_failed(self, resource: Resource, error: Exception) -> None:
        """A watch was interrupted and will be taken up again."""
        self._cluster.watch_failed(resource.plural)
        log.warning("Watch of %s interrupted: %s", resource.plural, error)
