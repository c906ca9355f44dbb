"""The series that exist per dependency of a policy."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client import Metric

from resilience_operator.api.v1alpha1.policy_status import BreakerPhase
from resilience_operator.core.model import DependencyHealth, Key
from resilience_operator.metrics.scraped import Samples, family, sample

Labels = dict[str, str]
_Moves = dict[Key, dict[str, Counter[BreakerPhase]]]


class DependencyMetrics:
    """The last health of each dependency, and how often its breaker has moved."""

    def __init__(self) -> None:
        self._healths: dict[Key, dict[str, DependencyHealth]] = {}
        self._moves: _Moves = {}

    def observed(self, policy: Key, health: DependencyHealth) -> None:
        """Note a dependency's state; a breaker seen for the first time has not moved."""
        states = self._healths.setdefault(policy, {})
        before = states.get(health.name)
        states[health.name] = health
        if before is not None and before.breaker is not health.breaker:
            moves = self._moves.setdefault(policy, {}).setdefault(health.name, Counter())
            moves[health.breaker] += 1

    def knows(self, policy: Key) -> bool:
        """Whether a dependency of that policy was noted and not forgotten."""
        return policy in self._healths

    def forget_policy(self, policy: Key) -> None:
        """Drop all dependencies of a policy."""
        self._healths.pop(policy, None)
        self._moves.pop(policy, None)

    def forget(self, policy: Key, name: str) -> None:
        """Drop one dependency."""
        self._healths.get(policy, {}).pop(name, None)
        self._moves.get(policy, {}).pop(name, None)

    def families(self) -> Iterable[Metric]:
        """What a scrape gets."""
        yield family(
            "resilience_breaker_state",
            "1 for the state that a dependency's circuit breaker is in, 0 for the others.",
            "gauge",
            self._breaker_states,
        )
        yield family(
            "resilience_breaker_transitions",
            "Times that a dependency's circuit breaker went to that state since the start.",
            "counter",
            self._breaker_moves,
        )
        yield family(
            "resilience_dependency_health",
            "Health of a dependency from 0 to 100; absent while it is unknown.",
            "gauge",
            self._health,
        )
        yield family(
            "resilience_dependency_state",
            "1 for how a dependency does in one word; the others are absent.",
            "gauge",
            self._states,
        )
        yield family(
            "resilience_dependency_up",
            "0 while a dependency's breaker is not closed and features must do without it.",
            "gauge",
            self._up,
        )
        yield family(
            "resilience_dependency_stale",
            "1 while what is known of a dependency is older than its policy allows; else absent.",
            "gauge",
            self._stale,
        )

    def _each(self) -> Iterator[tuple[Labels, DependencyHealth]]:
        for (namespace, policy), states in tuple(self._healths.items()):
            for name, health in tuple(states.items()):
                yield {"namespace": namespace, "policy": policy, "dependency": name}, health

    def _breaker_states(self) -> Samples:
        for labels, health in self._each():
            for state in BreakerPhase:
                here = state is health.breaker
                yield sample("resilience_breaker_state", here, **labels, state=state)

    def _breaker_moves(self) -> Samples:
        for (namespace, policy), dependencies in tuple(self._moves.items()):
            for name, moves in tuple(dependencies.items()):
                labels = {"namespace": namespace, "policy": policy, "dependency": name}
                for state, count in tuple(moves.items()):
                    series = "resilience_breaker_transitions_total"
                    yield sample(series, count, **labels, to=state.value)

    def _health(self) -> Samples:
        for labels, health in self._each():
            if health.health is not None:
                yield sample("resilience_dependency_health", health.health, **labels)

    def _states(self) -> Samples:
        for labels, health in self._each():
            yield sample("resilience_dependency_state", 1, **labels, state=health.state.value)

    def _up(self) -> Samples:
        for labels, health in self._each():
            yield sample("resilience_dependency_up", not health.down, **labels)

    def _stale(self) -> Samples:
        for labels, health in self._each():
            if health.stale:
                yield sample("resilience_dependency_stale", 1, **labels)
