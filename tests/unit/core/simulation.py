"""A policy played through outages on a virtual clock: the pure core with nothing around it.

Event driven, as the operator is: probes run when `next_probe_at` says so, a decision is made after
each result that changes a dependency's health and when the plan asks to be woken, and what was
decided is what the next one starts from. An hour takes a fraction of a second.
"""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import FailureReason
from resilience_operator.core import evidence as evidences
from resilience_operator.core.evaluation import evaluate
from resilience_operator.core.model import (
    DependencyHealth,
    EventPlan,
    Evidence,
    LevelState,
    Outcome,
    Plan,
    ProbeResult,
    Snapshot,
    Trust,
    Verdict,
)
from resilience_operator.core.resumption import restore
from resilience_operator.core.status import level_status, materially_equal, policy_status
from tests.builders import make_level

START = 1_795_500_000.0

Outages = Mapping[str, Sequence[tuple[float, float]]]
"""When each dependency is down: (from, to), in seconds since the start."""


@dataclass
class Simulation:
    """One policy, its dependencies' outages, and what the core makes of them.

    `blackouts` are times at which a probe cannot tell. `phases` delays the first probe of a
    dependency. Times in the public interface are seconds since the start.
    """

    policy: ResiliencePolicy
    outages: Outages = field(default_factory=dict)
    blackouts: Outages = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    levels: tuple[DegradationLevel, ...] = ()
    trust: Trust = field(default_factory=Trust)
    timeout_seconds: float = 3.0
    latency_seconds: float = 0.02

    def __post_init__(self) -> None:
        self.now = START
        self.plan: Plan | None = None
        self.events: list[tuple[float, EventPlan]] = []
        self.history: list[tuple[float, Level]] = []
        self.probes = dict.fromkeys(self._names(), 0)
        self.status_writes = 0
        self._health: dict[str, DependencyHealth] = {}
        self._states: dict[str, LevelState] = {}
        self._evidence: dict[str, Evidence] = {
            name: evidences.begin(START) for name in self._names()
        }
        self._sequence = itertools.count()
        self._heap: list[tuple[float, int, str, ProbeResult | None]] = []
        for name in self._names():
            self._push(START + self.phases.get(name, 0.0), name)

    @property
    def level(self) -> Level | None:
        """The default level in force."""
        return self.history[-1][1] if self.history else None

    def run(self, until: float) -> "Simulation":
        """Plays on until so many seconds after the start."""
        end = START + until
        while True:
            probe_at = self._heap[0][0]
            wake_at = self.plan.wake_at if self.plan and self.plan.wake_at else float("inf")
            at = max(self.now, min(probe_at, wake_at))
            if at > end:
                self.now = end
                return self
            self.now = at
            if probe_at <= at:
                self._play(*heapq.heappop(self._heap)[2:])
            else:
                self._decide()

    def restart(self) -> None:
        """The operator dies and comes back with nothing but what the statuses say."""
        for each in self.policy.status.dependencies:
            self._evidence[each.name] = restore(each, self.now)
        self._states = {}
        self.plan = None

    def first(self, level: Level, after: float) -> float | None:
        """Seconds since the start at which the level was first (or still) in force."""
        standing = [at for at, found in self.history if at <= after and found is level]
        if standing and self.at(after) is level:
            return after
        return next((at for at, found in self.history if at > after and found is level), None)

    def at(self, when: float) -> Level | None:
        """The level in force so many seconds after the start."""
        return next((level for at, level in reversed(self.history) if at <= when), None)

    def _names(self) -> list[str]:
        return [each.name for each in self.policy.spec.dependencies]

    def _push(self, at: float, name: str, result: ProbeResult | None = None) -> None:
        heapq.heappush(self._heap, (at, next(self._sequence), name, result))

    def _play(self, name: str, result: ProbeResult | None) -> None:
        if result is None:
            self.probes[name] += 1
            answer = self._ask(name)
            self._push(answer.at, name, answer)
            return
        dependency = next(d for d in self.policy.spec.dependencies if d.name == name)
        evidence = evidences.observe(self._evidence[name], result, dependency, self.now)
        self._evidence[name] = evidence
        self._push(evidences.next_probe_at(evidence, dependency, self.now), name)
        health = evidences.assess(evidence, dependency, self.now)
        if health != self._health.get(name) or self.plan is None:
            self._health[name] = health
            self._decide()

    def _ask(self, name: str) -> ProbeResult:
        if _within(self.blackouts.get(name, ()), self.now - START):
            at = self.now + self.latency_seconds
            return ProbeResult(Verdict.UNKNOWN, at, 0.0, FailureReason.LOCAL_NETWORK)
        if _within(self.outages.get(name, ()), self.now - START):
            at = self.now + self.timeout_seconds
            return ProbeResult(Verdict.UNHEALTHY, at, 0.0, FailureReason.TIMEOUT)
        at = self.now + self.latency_seconds
        return ProbeResult(Verdict.HEALTHY, at, 1000 * self.latency_seconds)

    def snapshot(self) -> Snapshot:
        """What the next decision looks at."""
        return Snapshot(
            policy=self.policy,
            now=self.now,
            evidence=dict(self._evidence),
            levels=self.levels,
            level_states=dict(self._states),
            trust=self.trust,
        )

    def _decide(self) -> None:
        snapshot = self.snapshot()
        plan = self.plan = evaluate(snapshot)
        self.events += [(self.now - START, event) for event in plan.events]
        self._states = {each.name: each.decision.state for each in plan.levels}
        default = plan.levels[0].decision.level
        if default is not None and default is not self.level:
            self.history.append((self.now - START, default))
        self._write(snapshot, plan)

    def _write(self, snapshot: Snapshot, plan: Plan) -> None:
        known = {each.name: each for each in self.levels}
        for each in plan.levels:
            level = known.get(each.name) or make_level(each.name, self.policy.name).build()
            status = level_status(snapshot, each)
            self.status_writes += status != level.status
            known[each.name] = level.model_copy(update={"status": status})
        self.levels = tuple(known.values())
        written = policy_status(snapshot, plan, Outcome())
        if not materially_equal(self.policy.status, written):
            self.status_writes += 1
            self.policy = self.policy.model_copy(update={"status": written})


def _within(spans: Sequence[tuple[float, float]], at: float) -> bool:
    return any(start <= at < end for start, end in spans)
