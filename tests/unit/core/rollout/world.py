"""A cluster played by hand: two Deployments, a router and Prometheus, and time told to pass.

Every decision starts from a status that has been through the wire, as after a restart.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.parse import dump_status
from resilience_operator.api.v1alpha1.rollout import (
    Analysis,
    Arm,
    Gate,
    HttpRouteTraffic,
    Metric,
    PrometheusServer,
    ProportionQuery,
    ReplicasTraffic,
    Rollout,
    Step,
    Traffic,
)
from resilience_operator.api.v1alpha1.rollout_status import (
    OriginalWeight,
    RolloutPhase,
    RolloutStatus,
)
from resilience_operator.core.model import DependencyHealth, Problem, Trust
from resilience_operator.core.rollout import decide
from resilience_operator.core.rollout.model import (
    CheckView,
    Counts,
    DeploymentView,
    Effect,
    MetricView,
    RolloutEvent,
    RolloutPlan,
    RolloutSnapshot,
    TrafficView,
    Verb,
)
from resilience_operator.core.times import from_rfc3339
from tests.builders import make_health

START = 1_795_500_000.0
STABLE_PATH, CANARY_PATH = "rules/0/backendRefs/0", "rules/0/backendRefs/1"
STEPS = (Step(weight=5, hold_seconds=600), Step(weight=50, hold_seconds=600))


def error_rate(**bounds: Any) -> Metric:
    bounds = bounds or {"max_percent": 5, "max_increase_percent": 1}
    query = ProportionQuery(failures="f{{service}}[{{window}}]", total="t{{service}}[{{window}}]")
    return Metric(name="error-rate", proportion=query, **bounds)


def latency(**bounds: Any) -> Metric:
    return Metric(name="p95", value="q{{service}}", **(bounds or {"max": 0.5}))


def make_rollout(
    *metrics: Metric, steps: tuple[Step, ...] = STEPS, gate: Gate | None = None, **more: Any
) -> Rollout:
    """A rollout over an HTTPRoute; with `error_rate()` unless metrics are given."""
    analysis = Analysis(
        prometheus=PrometheusServer(url="http://prometheus:9090"),
        metrics=metrics or (error_rate(),),
    )
    more.setdefault("traffic", Traffic(http_route=HttpRouteTraffic(name="dashboard")))
    more.setdefault("analysis", analysis)
    return Rollout(
        stable=Arm(deployment="dashboard", service="dashboard"),
        canary=Arm(deployment="dashboard-canary", service="dashboard-canary"),
        steps=steps,
        gate=gate or Gate(),
        **more,
    )


BY_REPLICAS = Traffic(replicas=ReplicasTraffic(total=10))


def make_pods(name: str, version: str, count: int) -> DeploymentView:
    return DeploymentView(
        name=name,
        revision=f"rev-{version}",
        content=f"content-{version}",
        desired=count,
        ready=count,
        updated=count,
        available=count,
    )


def _weights(canary: int) -> tuple[OriginalWeight, ...]:
    return (
        OriginalWeight(path=STABLE_PATH, weight=100 - canary),
        OriginalWeight(path=CANARY_PATH, weight=canary),
    )


def restored(status: RolloutStatus) -> RolloutStatus:
    """The status as a restarted operator reads it."""
    return RolloutStatus.model_validate(json.loads(json.dumps(dump_status(status))))


Traffics = Callable[["World"], MetricView]


@dataclass
class World:
    """What is, and what has happened. `rates` are the failures per request: (stable, canary)."""

    spec: Rollout = field(default_factory=make_rollout)
    status: RolloutStatus = field(default_factory=RolloutStatus)
    now: float = START
    stable: DeploymentView = field(default_factory=lambda: make_pods("dashboard", "1", 10))
    canary: DeploymentView = field(default_factory=lambda: make_pods("dashboard-canary", "2", 2))
    weight: int | None = 0
    accepted: bool = True
    drifted: bool = False
    real_share: float | None = None
    noted: int | None = None  # the canary's weight before, as noted on the route
    problem: Problem | None = None
    originals: bool = True
    level: Level | None = Level.OPTIMAL
    level_since: float | None = None
    dependencies: tuple[DependencyHealth, ...] = (make_health("openai", 50, 100),)
    trust: Trust = field(default_factory=Trust)
    checks: tuple[CheckView, ...] = ()
    rates: tuple[float, float] = (0.01, 0.01)
    latencies: tuple[float, float] = (0.2, 0.2)
    requests_per_second: float = 200.0
    blind: bool = False
    events: list[RolloutEvent] = field(default_factory=list)
    effects: list[tuple[Effect, int]] = field(default_factory=list)

    def snapshot(self, verb: Verb | None = None, look: bool = True) -> RolloutSnapshot:
        return RolloutSnapshot(
            spec=self.spec,
            status=restored(self.status),
            now=self.now,
            stable=self.stable,
            canary=self.canary,
            traffic=self.traffic(),
            level=self.level,
            level_since=self.level_since,
            dependencies=self.dependencies,
            trust=self.trust,
            metrics={m.name: self.view(m) for m in self.spec.analysis.metrics} if look else None,
            metrics_at=self.now if look else None,
            checks=self.checks,
            verb=verb,
        )

    def traffic(self) -> TrafficView:
        if self.problem is not None:
            return TrafficView(accepted=False, problem=self.problem)
        by_replicas = self.spec.traffic.replicas is not None
        return TrafficView(
            weight=self.weight,
            accepted=self.accepted,
            originals=_weights(self.weight or 0) if self.originals else (),
            recorded=() if self.noted is None or by_replicas else _weights(self.noted),
            drifted=self.drifted,
            real_share=self.real_share,
        )

    def view(self, metric: Metric) -> MetricView:
        """What Prometheus says of the time since the window began."""
        began = from_rfc3339(self.status.window_started_at)
        if self.blind or began is None or self.now <= began:
            return MetricView(metric.name, problem="no result")
        seconds = self.now - began
        if metric.proportion is None:
            looks = int(seconds // self.spec.analysis.interval_seconds) or 1
            stable, canary = self.latencies
            return MetricView(
                metric.name, stable_values=(stable,) * looks, canary_values=(canary,) * looks
            )
        total = seconds * self.requests_per_second
        share = self.status.weight / 100
        arms = [
            Counts(rate * total * part, total * part)
            for rate, part in zip(self.rates, (1 - share, share), strict=True)
        ]
        return MetricView(metric.name, *arms)

    def decide(self, verb: Verb | None = None, look: bool = True, act: bool = True) -> RolloutPlan:
        """One decision; its status is kept, and with `act` its effect is carried out."""
        plan = decide(self.snapshot(verb, look))
        self.status = plan.status
        self.events += plan.events
        if act:
            self.carry_out(plan)
        return plan

    def carry_out(self, plan: RolloutPlan) -> None:
        if plan.effect is not Effect.NONE:
            self.effects.append((plan.effect, plan.weight))
        if plan.effect is Effect.SET_WEIGHT:
            self.noted = self.weight if self.noted is None else self.noted
            self.weight, self.drifted = plan.weight, False
        elif plan.effect is Effect.RESTORE_WEIGHTS:
            self.weight, self.drifted, self.noted = 0, False, None
        elif plan.effect is Effect.COPY_TEMPLATE:
            self.stable = replace(self.stable, content=self.canary.content)

    def run(self, seconds: float, every: float = 15.0) -> "World":
        """Lets time pass, with a look and a decision every so often."""
        ends = self.now + seconds
        while self.now < ends:
            self.now = min(ends, self.now + every)
            self.decide()
        return self

    def until(self, phase: RolloutPhase, most: float = 20_000.0) -> "World":
        """Lets time pass until a phase is reached."""
        ends = self.now + most
        while self.status.phase is not phase:
            assert self.now < ends, f"still {self.status.phase}: {self.status.message}"
            self.run(15.0)
        return self

    def at_step(self, step: int, seconds: float = 0.0) -> "World":
        """Goes on until a step's weight is in force, and so much longer."""
        self.decide()
        while self.status.step < step or self.status.step_started_at is None:
            self.run(15.0)
        return self.run(seconds) if seconds else self

    @property
    def said(self) -> list[str]:
        """The reasons of all events so far."""
        return [event.reason for event in self.events]


def outage(name: str = "openai") -> tuple[DependencyHealth, ...]:
    return (make_health(name, 50, 0),)
