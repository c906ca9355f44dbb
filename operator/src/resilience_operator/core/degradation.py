"""From a score to the level in force: fast down, slow up, and never on ignorance.

What is not known widens the score to an interval. A level goes down only when even the interval's
upper bound lies in a worse band, and up only when even its lower bound supports the better one;
when everything is known the bounds meet and the rules are the plain ones. `levelWhenDown` caps the
level while that dependency's breaker is not closed, half-open included.

Four things come before the score, in this order: a person's override; a person's freeze, which
holds; blindness, which holds; and the first decision, which waits until it has something to go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import LevelSpec
from resilience_operator.api.v1alpha1.policy import Levels, Recovery, Stabilization
from resilience_operator.core import bands, explanation
from resilience_operator.core.bands import band, rank
from resilience_operator.core.hysteresis import hold_seconds
from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    LevelDecision,
    LevelState,
    LevelTransition,
    Trust,
)
from resilience_operator.core.times import from_rfc3339

__all__ = ["MAX_TRANSITIONS", "LevelRules", "band", "decide", "rank"]

MAX_TRANSITIONS = 20


@dataclass(frozen=True, slots=True)
class LevelRules:
    """The parts of a policy that a level is decided by; `caps` is `levelWhenDown` by dependency."""

    levels: Levels
    stabilization: Stabilization
    caps: Mapping[str, Level]


@dataclass(frozen=True, slots=True)
class _Case:
    """One decision's material."""

    score: HealthScore
    dependencies: Sequence[DependencyHealth]
    rules: LevelRules
    state: LevelState
    spec: LevelSpec
    now: float

    @property
    def cap(self) -> Level:
        caps = self.rules.caps
        return bands.worst(caps[d.name] for d in self.dependencies if d.down and d.name in caps)

    @property
    def computed(self) -> Level | None:
        return None if self.score.value is None else self.capped(self.score.value)

    def capped(self, health: int) -> Level:
        return bands.worst((bands.band(health, self.rules.levels), self.cap))

    def needed(self, level: Level) -> int:
        """The health that a step up to this level takes."""
        margin = self.rules.stabilization.recover_margin
        return min(100, bands.minimum(level, self.rules.levels) + margin)


def decide(
    score: HealthScore,
    dependencies: Sequence[DependencyHealth],
    rules: LevelRules,
    state: LevelState,
    spec: LevelSpec,
    trust: Trust,
    now: float,
) -> LevelDecision:
    """The level to be in force now, why, and when to ask again if nothing else happens."""
    case = _Case(score, dependencies, rules, state, spec, now)
    stale = any(each.stale and each.weight > 0 for each in dependencies)
    return replace(_decide(case, trust), computed=case.computed, stale=stale)


def _decide(case: _Case, trust: Trust) -> LevelDecision:
    override_ends = _ends(case.spec.override.expires_at, case.now) if case.spec.override else None
    if case.spec.override is not None and override_ends is not None:
        why = explanation.override(case.spec.override)
        decision = _move(case, case.spec.override.level, why)
        state = replace(decision.state, overridden=True)
        return replace(decision, state=state, overridden=True, wake_at=override_ends)
    freeze_ends = _ends(case.spec.freeze.expires_at, case.now) if case.spec.freeze else None
    if case.spec.freeze is not None and freeze_ends is not None and case.state.level is not None:
        why = explanation.freeze(case.spec.freeze, case.state.level)
        return replace(_hold(case, why), frozen=True, wake_at=freeze_ends)
    if not trust.trusted:
        return _hold(case, explanation.Why("Blind", trust.message))
    if case.state.level is None:
        return _first(case)
    if case.state.overridden:
        return _after_override(case, case.state.level)
    return _follow(case, case.state.level)


def _ends(expires_at: str, now: float) -> float | None:
    """When it expires, or None if it has, or if its time cannot be read: nothing is for ever."""
    ends = from_rfc3339(expires_at)
    return ends if ends is not None and ends > now else None


def _hold(case: _Case, why: explanation.Why) -> LevelDecision:
    """The level stays and nothing that was under way towards another one counts."""
    state = replace(case.state, better_since=None, worse_since={})
    return LevelDecision(case.state.level, None, why.reason, why.message, state)


def _move(case: _Case, to: Level, why: explanation.Why) -> LevelDecision:
    """The decision for a level, with a transition if that is not the one in force."""
    held = _hold(case, why)
    if to is case.state.level:
        return held
    transition = LevelTransition(case.state.level, to, case.now, why.reason)
    state = replace(
        held.state,
        level=to,
        since=case.now,
        transitions=(*case.state.transitions, transition)[-MAX_TRANSITIONS:],
        overridden=False,
    )
    return replace(held, level=to, state=state, transition=transition)


def _first(case: _Case) -> LevelDecision:
    """Decides from what is known, once all the rest has had its chance to become known."""
    scored = [each for each in case.dependencies if each.weight > 0]
    waiting = [d.name for d in scored if (d.health is None and not d.stale) or d.assumed]
    if waiting:
        return _hold(case, explanation.awaiting(waiting))
    if case.score.value is None:
        return _move(case, Level.OPTIMAL, explanation.no_evidence(case.score, Level.OPTIMAL))
    level = case.capped(case.score.value)
    return _move(case, level, _verdict(case, level, case.score.value))


def _after_override(case: _Case, current: Level) -> LevelDecision:
    """The computed level at once: the climb was the operator's to make, had nobody intervened.

    But not by what is only remembered from before a restart, which moves no level.
    """
    remembered = any(each.assumed and each.weight > 0 for each in case.dependencies)
    if case.computed is None or remembered:
        return _hold(case, explanation.unsure(case.score, current, case.dependencies))
    why = explanation.override_ended(case.spec.override, case.computed)
    decision = _move(case, case.computed, why)
    return replace(decision, state=replace(decision.state, overridden=False))


def _follow(case: _Case, current: Level) -> LevelDecision:
    """One step of the level after the score."""
    down_to = case.capped(case.score.high)
    if rank(down_to) > rank(current):
        return _degrade(case, current, down_to)
    up_to = _supported(case, current)
    if up_to is not None:
        return _recover(case, current, up_to)
    return _hold(case, _resting(case, current))


def _degrade(case: _Case, current: Level, to: Level) -> LevelDecision:
    """To the worst level that has been called for long enough; a worse one waits for its turn."""
    delay = case.rules.stabilization.degrade_after_seconds
    called_for = bands.SCALE[rank(current) + 1 : rank(to) + 1]
    since = {level: case.state.worse_since.get(level, case.now) for level in called_for}
    lasting = [level for level in called_for if case.now >= since[level] + delay]
    waiting = called_for[len(lasting) :]
    why = _verdict(case, to, case.score.high)
    if not waiting:
        return _move(case, to, why)
    reached = lasting[-1] if lasting else current
    due = since[waiting[0]] + delay
    following = [level for level in waiting if since[level] + delay == due][-1]
    decision = _move(case, reached, explanation.degrading(why, reached, following, due))
    state = replace(decision.state, worse_since={level: since[level] for level in waiting})
    return replace(decision, state=state, wake_at=due)


def _supported(case: _Case, current: Level) -> Level | None:
    """The better level to go for: the next one in Stepwise, the best one in Direct."""
    supported = [
        level
        for level in bands.better(current)
        if case.score.low >= case.needed(level) and rank(case.cap) <= rank(level)
    ]
    if not supported or case.score.scored == 0:
        return None
    stepwise = case.rules.stabilization.recovery is Recovery.STEPWISE
    return supported[-1] if stepwise else supported[0]


def _recover(case: _Case, current: Level, to: Level) -> LevelDecision:
    since = case.now if case.state.better_since is None else case.state.better_since
    due = since + hold_seconds(case.state.transitions, case.rules.stabilization, case.now)
    if case.now < due:
        decision = _hold(case, explanation.recovering(case.score, current, to, due))
        return replace(decision, state=replace(decision.state, better_since=since), wake_at=due)
    decision = _move(case, to, explanation.stepped_up(case.score, to, case.computed))
    if _supported(case, to) is None:
        return decision
    # The next step's hold begins with this one.
    state = replace(decision.state, better_since=case.now)
    hold = hold_seconds(state.transitions, case.rules.stabilization, case.now)
    return replace(decision, state=state, wake_at=case.now + hold)


def _resting(case: _Case, current: Level) -> explanation.Why:
    """Why the level neither falls nor climbs."""
    health, computed = case.score.value, case.computed
    if health is None or (case.score.low < case.score.high and computed is not current):
        return explanation.unsure(case.score, current, case.dependencies)
    if computed is not None and rank(computed) < rank(current):
        target = bands.SCALE[rank(current) - 1]
        return explanation.short_of(case.score, current, target, case.needed(target))
    return _verdict(case, current, health)


def _verdict(case: _Case, level: Level, health: int) -> explanation.Why:
    """Why the dependencies as they are give this level, which that health gives or a cap."""
    by_score = bands.band(health, case.rules.levels)
    if rank(case.cap) > rank(by_score):
        capping = [
            d.name for d in case.dependencies if d.down and case.rules.caps.get(d.name) is case.cap
        ]
        return explanation.capped(capping, case.score, health, level, by_score)
    return explanation.by_health(case.score, health, level, case.dependencies)
