"""The series that exist per DegradationLevel."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import Metric

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.core.model import HealthScore, Key, LevelPlan, LevelTransition
from resilience_operator.metrics.scraped import Samples, family, sample

Labels = dict[str, str]


@dataclass(slots=True)
class _Standing:
    """Where a level stands, since when for this process, and how long it has been elsewhere."""

    level: str | None
    score: int | None
    began: float
    spent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Planned:
    """What is kept of a plan."""

    since: float | None
    overridden: bool
    frozen: bool
    stale: bool
    features: Mapping[str, str]


class LevelMetrics:
    """The last decision on each level, and what came before it."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._standings: dict[Key, _Standing] = {}
        self._plans: dict[Key, _Planned] = {}
        self._transitions: dict[Key, Counter[tuple[str, str]]] = {}

    def decided(self, level: Key, current: str | None, score: HealthScore) -> None:
        """Note a level and its score."""
        known = self._standings.get(level)
        now = self._monotonic()
        if known is None:
            self._standings[level] = _Standing(current, score.value, now)
            return
        known.score = score.value
        if known.level == current:
            return
        spent = dict(known.spent)  # replaced, never changed: it may be read at the moment
        if known.level is not None:
            spent[known.level] = spent.get(known.level, 0.0) + now - known.began
        self._standings[level] = _Standing(current, score.value, now, spent)

    def planned(self, level: Key, plan: LevelPlan) -> None:
        """Note what the decision says besides the level."""
        decision = plan.decision
        self._plans[level] = _Planned(
            since=decision.state.since,
            overridden=decision.overridden,
            frozen=decision.frozen,
            stale=decision.stale,
            features=plan.features,
        )

    def changed(self, level: Key, transition: LevelTransition) -> None:
        """Count a transition; the first level of all is none."""
        if transition.from_level is not None:
            moves = self._transitions.setdefault(level, Counter())
            moves[(transition.from_level.value, transition.to_level.value)] += 1

    def forget(self, level: Key) -> None:
        """Drop a level that is gone."""
        self._standings.pop(level, None)
        self._plans.pop(level, None)
        self._transitions.pop(level, None)

    def families(self) -> Iterable[Metric]:
        """What a scrape gets."""
        yield family(
            "resilience_health_score",
            "Weighted health from 0 to 100 that a level is decided on; absent while unknown.",
            "gauge",
            self._scores,
        )
        yield family(
            "resilience_level",
            "1 for the level in force, 0 for the others.",
            "gauge",
            self._level_states,
        )
        yield family(
            "resilience_level_transitions",
            "Changes of level since the operator started.",
            "counter",
            self._moves,
        )
        yield family(
            "resilience_level_seconds",
            "Seconds spent at each level since the operator started; absent where never taken.",
            "counter",
            self._spent,
        )
        yield family(
            "resilience_level_since_timestamp_seconds",
            "When the level in force was taken up, in seconds since the epoch.",
            "gauge",
            self._since,
        )
        yield from self._marks()
        yield family(
            "resilience_feature_state",
            "1 for the state that a feature is in; the others are absent.",
            "gauge",
            self._features,
        )

    def _marks(self) -> Iterable[Metric]:
        yield family(
            "resilience_level_overridden",
            "1 while a person forces the level; else absent.",
            "gauge",
            lambda: self._mark("resilience_level_overridden", lambda plan: plan.overridden),
        )
        yield family(
            "resilience_level_frozen",
            "1 while a person has frozen the level; else absent.",
            "gauge",
            lambda: self._mark("resilience_level_frozen", lambda plan: plan.frozen),
        )
        yield family(
            "resilience_level_stale",
            "1 while dependencies have not answered for too long, so that the level may be wrong; "
            "else absent.",
            "gauge",
            lambda: self._mark("resilience_level_stale", lambda plan: plan.stale),
        )

    def _mark(self, series: str, of: Callable[[_Planned], bool]) -> Samples:
        for labels, plan in self._each_plan():
            if of(plan):
                yield sample(series, 1, **labels)

    def _each_standing(self) -> Iterator[tuple[Labels, _Standing]]:
        for (namespace, name), standing in tuple(self._standings.items()):
            yield {"namespace": namespace, "name": name}, standing

    def _each_plan(self) -> Iterator[tuple[Labels, _Planned]]:
        for (namespace, name), plan in tuple(self._plans.items()):
            yield {"namespace": namespace, "name": name}, plan

    def _scores(self) -> Samples:
        for labels, standing in self._each_standing():
            if standing.score is not None:
                yield sample("resilience_health_score", standing.score, **labels)

    def _level_states(self) -> Samples:
        for labels, standing in self._each_standing():
            for level in Level:
                here = level.value == standing.level
                yield sample("resilience_level", here, **labels, level=level)

    def _moves(self) -> Samples:
        for (namespace, name), moves in tuple(self._transitions.items()):
            labels = {"namespace": namespace, "name": name}
            for (origin, to), count in tuple(moves.items()):
                ends = {"from": origin, "to": to}
                yield sample("resilience_level_transitions_total", count, **labels, **ends)

    def _spent(self) -> Samples:
        now = self._monotonic()
        for labels, standing in self._each_standing():
            spent = dict(standing.spent)
            if standing.level is not None:
                here = now - standing.began
                spent[standing.level] = spent.get(standing.level, 0.0) + here
            for level, seconds in spent.items():
                yield sample("resilience_level_seconds_total", seconds, **labels, level=level)

    def _since(self) -> Samples:
        for labels, plan in self._each_plan():
            if plan.since is not None:
                series = "resilience_level_since_timestamp_seconds"
                yield sample(series, plan.since, **labels)

    def _features(self) -> Samples:
        for labels, plan in self._each_plan():
            for feature, state in tuple(plan.features.items()):
                series = "resilience_feature_state"
                yield sample(series, 1, **labels, feature=feature, state=state)
