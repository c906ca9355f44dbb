"""The gauges that exist per policy, made when they are scraped.

Ten thousand policies are two hundred thousand series. As objects of the client library they would
take more memory than everything else in the operator; here each policy costs its last state, and
the samples live only for the line they are written to.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core.model import DependencyHealth, HealthScore, Key, LevelTransition

Samples = Iterator[Sample]


class PolicyMetrics(Collector):
    """Last known states by policy and level. Scraped from another thread: values are replaced,
    never changed, and each scrape walks a copy of the keys."""

    def __init__(self) -> None:
        self._dependencies: dict[Key, dict[str, tuple[int | None, BreakerPhase]]] = {}
        self._levels: dict[Key, tuple[str | None, int | None]] = {}
        self._transitions: dict[Key, Counter[tuple[str, str]]] = {}

    def dependency_observed(self, policy: Key, health: DependencyHealth) -> None:
        """Note a dependency's state."""
        states = self._dependencies.setdefault(policy, {})
        states[health.name] = (health.health, health.breaker)

    def level_decided(self, level: Key, current: str | None, score: HealthScore) -> None:
        """Note a level and its score."""
        self._levels[level] = (current, score.value)

    def level_changed(self, level: Key, transition: LevelTransition) -> None:
        """Count a transition; the first level of all is none."""
        if transition.from_level is not None:
            moves = self._transitions.setdefault(level, Counter())
            moves[(transition.from_level.value, transition.to_level.value)] += 1

    def forget_policy(self, policy: Key) -> None:
        """Drop a policy's dependencies and the level that the operator made for it."""
        self._dependencies.pop(policy, None)
        self.forget_level(policy)

    def forget_dependency(self, policy: Key, name: str) -> None:
        """Drop a dependency that the policy no longer lists."""
        self._dependencies.get(policy, {}).pop(name, None)

    def forget_level(self, level: Key) -> None:
        """Drop a level that is gone, or whose policy is."""
        self._levels.pop(level, None)
        self._transitions.pop(level, None)

    def describe(self) -> Iterable[Metric]:
        """The families by name, for the registry's check on duplicates."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """The families; their samples come while they are being read."""
        yield _family(
            "resilience_breaker_state",
            "1 for the state that a dependency's circuit breaker is in, 0 for the others.",
            "gauge",
            self._breaker_states,
        )
        yield _family(
            "resilience_dependency_health",
            "Health of a dependency from 0 to 100; absent while it is unknown.",
            "gauge",
            self._healths,
        )
        yield _family(
            "resilience_health_score",
            "Weighted health from 0 to 100 that a level is decided on; absent while unknown.",
            "gauge",
            self._scores,
        )
        yield _family(
            "resilience_level",
            "1 for the level in force, 0 for the others.",
            "gauge",
            self._level_states,
        )
        yield _family(
            "resilience_level_transitions",
            "Changes of level since the operator started.",
            "counter",
            self._moves,
        )

    def _each_dependency(self) -> Iterator[tuple[dict[str, str], int | None, BreakerPhase]]:
        for (namespace, policy), states in tuple(self._dependencies.items()):
            for name, (health, phase) in tuple(states.items()):
                labels = {"namespace": namespace, "policy": policy, "dependency": name}
                yield labels, health, phase

    def _breaker_states(self) -> Samples:
        for labels, _, phase in self._each_dependency():
            for state in BreakerPhase:
                yield _sample("resilience_breaker_state", state is phase, **labels, state=state)

    def _healths(self) -> Samples:
        for labels, health, _ in self._each_dependency():
            if health is not None:
                yield _sample("resilience_dependency_health", health, **labels)

    def _scores(self) -> Samples:
        for (namespace, name), (_, score) in tuple(self._levels.items()):
            if score is not None:
                yield _sample("resilience_health_score", score, namespace=namespace, name=name)

    def _level_states(self) -> Samples:
        for (namespace, name), (current, _) in tuple(self._levels.items()):
            for level in Level:
                here = level.value == current
                yield _sample("resilience_level", here, namespace=namespace, name=name, level=level)

    def _moves(self) -> Samples:
        for (namespace, name), moves in tuple(self._transitions.items()):
            labels = {"namespace": namespace, "name": name}
            for (origin, to), count in tuple(moves.items()):
                ends = {"from": origin, "to": to}
                yield _sample("resilience_level_transitions_total", count, **labels, **ends)


class _Lazily:
    """Samples that are made anew each time they are walked."""

    def __init__(self, make: Callable[[], Samples]) -> None:
        self._make = make

    def __iter__(self) -> Samples:
        return self._make()


def _family(name: str, documentation: str, kind: str, make: Callable[[], Samples]) -> Metric:
    metric = Metric(name, documentation, kind)
    # Declared as a list; the encoders only walk it.
    metric.samples = cast("list[Sample]", _Lazily(make))
    return metric


def _sample(series: str, value: float, /, **labels: str) -> Sample:
    return Sample(series, labels, value, None, None, None)
