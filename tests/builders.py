"""Builders of resources for tests: `make_policy().dependency("openai", 50).build()`.

Every method returns a new builder, so a half-built policy can be shared between tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resilience_operator.api.v1alpha1.base import Level, LocalRef
from resilience_operator.api.v1alpha1.level import (
    DegradationLevel,
    Freeze,
    LevelDependency,
    LevelSpec,
    LevelStatus,
    Override,
)
from resilience_operator.api.v1alpha1.policy import (
    Dependency,
    Feature,
    Flags,
    Levels,
    Mode,
    PolicySpec,
    ResiliencePolicy,
    Stabilization,
    Target,
)
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
    FailureReason,
    PolicyStatus,
)
from resilience_operator.api.v1alpha1.probes import ProbeSpec, TcpProbe
from resilience_operator.core.model import DependencyHealth, ProbeResult, Verdict

REFERENCE_WEIGHTS = {"openai": 50, "postgres": 30, "redis": 15, "s3": 5}


def make_probe(address: str = "db.example.com:5432", **timing: int) -> ProbeSpec:
    """A TCP probe, by default every 10 s with a confirm interval of 1 s."""
    return ProbeSpec(tcp=TcpProbe(address=address), **timing)


def make_dependency(name: str = "openai", weight: int = 50, **spec: Any) -> Dependency:
    """A dependency with the defaults of the API and a TCP probe unless `probe` is given."""
    spec.setdefault("probe", make_probe(f"{name}.example.com:443"))
    return Dependency(name=name, weight=weight, **spec)


@dataclass(frozen=True)
class PolicyBuilder:
    """Builds a ResiliencePolicy."""

    metadata: Mapping[str, Any] = field(
        default_factory=lambda: {
            "namespace": "retail",
            "name": "inventario",
            "uid": "7f1e",
            "generation": 1,
        }
    )
    dependencies: tuple[Dependency, ...] = ()
    features: tuple[Feature, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)

    def _with(self, **spec: Any) -> PolicyBuilder:
        return replace(self, spec={**self.spec, **spec})

    def named(self, name: str, namespace: str = "retail") -> PolicyBuilder:
        return replace(self, metadata={**self.metadata, "name": name, "namespace": namespace})

    def generation(self, number: int) -> PolicyBuilder:
        return replace(self, metadata={**self.metadata, "generation": number})

    def deleting(self) -> PolicyBuilder:
        return replace(self, metadata={**self.metadata, "deleting": True})

    def status(self, status: PolicyStatus) -> PolicyBuilder:
        return replace(self, metadata={**self.metadata, "status": status})

    def dependency(self, name: str, weight: int, **spec: Any) -> PolicyBuilder:
        added = make_dependency(name, weight, **spec)
        return replace(self, dependencies=(*self.dependencies, added))

    def feature(
        self,
        name: str,
        states: Mapping[str, str],
        requires: tuple[str, ...] = (),
        when_unavailable: str | None = None,
    ) -> PolicyBuilder:
        added = Feature(
            name=name,
            states={Level(level): state for level, state in states.items()},
            requires=requires,
            when_unavailable=when_unavailable,
        )
        return replace(self, features=(*self.features, added))

    def target(self, deployment: str) -> PolicyBuilder:
        targets = (*self.spec.get("targets", ()), Target(name=deployment))
        return self._with(targets=targets)

    def levels(self, **minimums: int) -> PolicyBuilder:
        return self._with(levels=Levels(**minimums))

    def stabilization(self, **spec: Any) -> PolicyBuilder:
        return self._with(stabilization=Stabilization(**spec))

    def flags(self, **spec: Any) -> PolicyBuilder:
        return self._with(flags=Flags(**spec))

    def observing(self) -> PolicyBuilder:
        return self._with(mode=Mode.OBSERVE)

    def build(self) -> ResiliencePolicy:
        dependencies = self.dependencies or (make_dependency(),)
        spec = PolicySpec(dependencies=dependencies, features=self.features, **self.spec)
        return ResiliencePolicy(spec=spec, **self.metadata)


def make_policy() -> PolicyBuilder:
    """A policy `retail/inventario`; with one dependency, openai, unless others are added."""
    return PolicyBuilder()


def reference_policy() -> PolicyBuilder:
    """The reference application: openai 50, postgres 30, redis 15, s3 5, and three features."""
    builder = make_policy()
    for name, weight in REFERENCE_WEIGHTS.items():
        builder = builder.dependency(name, weight)
    return (
        builder.feature(
            "ai_recommendations",
            {"OPTIMAL": "on", "LIMITED": "cached", "MINIMAL": "off"},
            requires=("openai",),
            when_unavailable="cached",
        )
        .feature("checkout", {"OPTIMAL": "on", "EMERGENCY": "off"}, requires=("postgres",))
        .feature("search", {"OPTIMAL": "full", "LIMITED": "basic"})
    )


@dataclass(frozen=True)
class LevelBuilder:
    """Builds a DegradationLevel."""

    name: str
    policy: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def _with(self, **spec: Any) -> LevelBuilder:
        return replace(self, spec={**self.spec, **spec})

    def scored_on(self, dependency: str, weight: int) -> LevelBuilder:
        added = LevelDependency(name=dependency, weight=weight)
        return self._with(dependencies=(*self.spec.get("dependencies", ()), added))

    def governs(self, *features: str) -> LevelBuilder:
        return self._with(features=features)

    def overridden(self, level: str, expires_at: str, reason: str = "game day") -> LevelBuilder:
        override = Override(
            level=Level(level), reason=reason, requested_by="ana", expires_at=expires_at
        )
        return self._with(override=override)

    def frozen(self, expires_at: str, reason: str = "migration") -> LevelBuilder:
        return self._with(freeze=Freeze(reason=reason, expires_at=expires_at))

    def status(self, status: LevelStatus) -> LevelBuilder:
        return replace(self, more={**self.more, "status": status})

    def deleting(self) -> LevelBuilder:
        return replace(self, more={**self.more, "deleting": True})

    def build(self) -> DegradationLevel:
        return DegradationLevel(
            namespace="retail",
            name=self.name,
            uid="1e7e",
            generation=1,
            spec=LevelSpec(policy_ref=LocalRef(name=self.policy), **self.spec),
            **self.more,
        )


def make_level(name: str = "inventario", policy: str = "inventario") -> LevelBuilder:
    """A DegradationLevel; under its policy's name it is that policy's default level."""
    return LevelBuilder(name=name, policy=policy)


def healthy(at: float, latency_ms: float = 20.0) -> ProbeResult:
    """A probe that succeeded."""
    return ProbeResult(Verdict.HEALTHY, at, latency_ms)


def unhealthy(at: float, reason: FailureReason = FailureReason.TIMEOUT) -> ProbeResult:
    """A probe that found the dependency failing."""
    return ProbeResult(Verdict.UNHEALTHY, at, 0.0, reason, "did not answer in 3 s")


def unknown(at: float, reason: FailureReason = FailureReason.SECRET_MISSING) -> ProbeResult:
    """A probe that could not tell."""
    return ProbeResult(Verdict.UNKNOWN, at, 0.0, reason, "Secret openai is missing")


def make_health(name: str, weight: int, health: int | None, **more: Any) -> DependencyHealth:
    """A dependency as the score sees it: 0 is down with an open breaker, None is Unknown."""
    state, breaker = DependencyState.HEALTHY, BreakerPhase.CLOSED
    if health is None:
        state = DependencyState.UNKNOWN
    elif health == 0:
        state, breaker = DependencyState.DOWN, BreakerPhase.OPEN
    elif health < 100:
        state = DependencyState.FAILING
    more = {"state": state, "breaker": breaker, **more}
    return DependencyHealth(name=name, weight=weight, health=health, **more)
