"""The gauges that exist per policy, made when they are scraped.

Ten thousand policies are two hundred thousand series. As objects of the client library they would
take more memory than everything else in the operator; here each policy costs its last state, and
the samples live only for the line they are written to.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.registry import Collector

from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    Key,
    LevelPlan,
    LevelTransition,
    Outcome,
)
from resilience_operator.metrics.dependencies import DependencyMetrics
from resilience_operator.metrics.levels import LevelMetrics
from resilience_operator.metrics.scraped import Samples, family, sample


class _Carried(NamedTuple):
    """What is kept of an outcome."""

    flags_applied: bool | None
    problems: int
    pods_refreshed: int
    pods_total: int


class PolicyMetrics(Collector):
    """Last known states by policy and level. Scraped from another thread: values are replaced,
    never changed, and each scrape walks a copy of the keys."""

    def __init__(self) -> None:
        self._dependencies = DependencyMetrics()
        self._levels = LevelMetrics()
        self._outcomes: dict[Key, _Carried] = {}

    def dependency_observed(self, policy: Key, health: DependencyHealth) -> None:
        """Note a dependency's state."""
        self._dependencies.observed(policy, health)

    def level_decided(self, level: Key, current: str | None, score: HealthScore) -> None:
        """Note a level and its score."""
        self._levels.decided(level, current, score)

    def level_planned(self, level: Key, plan: LevelPlan) -> None:
        """Note what else the decision says, and the features that follow from it."""
        self._levels.planned(level, plan)

    def level_changed(self, level: Key, transition: LevelTransition) -> None:
        """Count a transition; the first level of all is none."""
        self._levels.changed(level, transition)

    def plan_carried_out(self, policy: Key, outcome: Outcome) -> None:
        """Note what came of the flags and of telling the pods, unless the policy went meanwhile."""
        if not self._dependencies.knows(policy):
            return
        self._outcomes[policy] = _Carried(
            outcome.flags_applied,
            len(outcome.problems),
            outcome.pods_refreshed,
            outcome.pods_total,
        )

    def policy_refused(self, policy: Key) -> None:
        """Note that a policy has no plan because its spec is refused: one problem, and no more."""
        self._outcomes[policy] = _Carried(None, 1, 0, 0)

    def forget_policy(self, policy: Key) -> None:
        """Drop a policy's dependencies and the level that the operator made for it."""
        self._dependencies.forget_policy(policy)
        self._outcomes.pop(policy, None)
        self.forget_level(policy)

    def forget_dependency(self, policy: Key, name: str) -> None:
        """Drop a dependency that the policy no longer lists."""
        self._dependencies.forget(policy, name)

    def forget_level(self, level: Key) -> None:
        """Drop a level that is gone, or whose policy is."""
        self._levels.forget(level)

    def describe(self) -> Iterable[Metric]:
        """The families by name, for the registry's check on duplicates."""
        return self.collect()

    def collect(self) -> Iterable[Metric]:
        """The families; their samples come while they are being read."""
        yield from self._dependencies.families()
        yield from self._levels.families()
        yield family(
            "resilience_policy_flags_applied",
            "1 while a policy's ConfigMap holds its flags; absent while none are to be written.",
            "gauge",
            self._flags_applied,
        )
        yield self._outcome(
            "resilience_policy_problems",
            "Problems of a policy in the cluster, as a missing Deployment; absent where none.",
            lambda carried: carried.problems or None,
        )
        yield self._outcome(
            "resilience_policy_pods",
            "Pods that a policy's flags are for.",
            lambda carried: carried.pods_total,
        )
        yield self._outcome(
            "resilience_policy_pods_refreshed",
            "Pods that know of a policy's present flags.",
            lambda carried: carried.pods_refreshed,
        )

    def _each_outcome(self) -> Iterator[tuple[dict[str, str], _Carried]]:
        for (namespace, policy), carried in tuple(self._outcomes.items()):
            yield {"namespace": namespace, "policy": policy}, carried

    def _flags_applied(self) -> Samples:
        for labels, carried in self._each_outcome():
            if carried.flags_applied is not None:
                yield sample("resilience_policy_flags_applied", carried.flags_applied, **labels)

    def _outcome(
        self, name: str, documentation: str, of: Callable[[_Carried], int | None]
    ) -> Metric:
        def samples() -> Samples:
            for labels, carried in self._each_outcome():
                value = of(carried)
                if value is not None:
                    yield sample(name, value, **labels)

        return family(name, documentation, "gauge", samples)
