from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Level, LocalRef
from resilience_operator.api.v1alpha1.level import LevelSpec
from resilience_operator.api.v1alpha1.policy import Levels, Recovery, Stabilization
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    DependencyState,
    FailureReason,
)
from resilience_operator.core.degradation import MAX_TRANSITIONS, LevelRules, band, decide, rank
from resilience_operator.core.model import (
    DependencyHealth,
    LevelDecision,
    LevelState,
    LevelTransition,
    Trust,
)
from resilience_operator.core.scoring import score
from resilience_operator.core.times import to_rfc3339
from tests.builders import REFERENCE_WEIGHTS, make_health, make_level
from tools import metricsdoc, rulesgen

OPTIMAL, DEGRADED, LIMITED, MINIMAL, EMERGENCY = Level
NOW = 10_000.0
LATER = to_rfc3339(NOW + 3600)
RULES = LevelRules(levels=Levels(), stabilization=Stabilization(), caps={})
PLAIN = LevelSpec(policy_ref=LocalRef(name="inventario"))
BLIND = Trust(trusted=False, reason="MassFailure", message="Everything failed at once.")
ALL_UP = [make_health(name, weight, 100) for name, weight in REFERENCE_WEIGHTS.items()]


def healths(**changed: int | None) -> list[DependencyHealth]:
    """The reference dependencies, all healthy but for those named."""
    return [
        make_health(name, weight, changed.get(name, 100))
        for name, weight in REFERENCE_WEIGHTS.items()
    ]


def stale(name: str, weight: int = 10) -> DependencyHealth:
    return make_health(name, weight, None, stale=True)


def make_decision(
    dependencies: Sequence[DependencyHealth],
    state: LevelState,
    now: float = NOW,
    rules: LevelRules = RULES,
    spec: LevelSpec = PLAIN,
    trust: Trust | None = None,
) -> LevelDecision:
    return decide(score(dependencies), dependencies, rules, state, spec, trust or Trust(), now)


def at(level: Level, **more: object) -> LevelState:
    return replace(LevelState(level=level, since=NOW - 1000), **more)  # type: ignore[arg-type]


def stabilized(**spec: object) -> LevelRules:
    return replace(RULES, stabilization=Stabilization(**spec))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("health", "level"),
    [(100, OPTIMAL), (90, OPTIMAL), (89, DEGRADED), (70, DEGRADED), (69, LIMITED),
     (50, LIMITED), (49, MINIMAL), (20, MINIMAL), (19, EMERGENCY), (0, EMERGENCY)],
)  # fmt: skip
def test_bands_are_half_open(health: int, level: Level) -> None:
    assert band(health, Levels()) is level


# The way down.


def test_worse_news_skips_levels_at_once() -> None:
    decision = make_decision(healths(openai=0, postgres=0, redis=0), at(OPTIMAL))
    assert decision.level is EMERGENCY
    assert decision.reason == "DependencyDown"
    assert "openai is down" in decision.message
    assert decision.transition == LevelTransition(OPTIMAL, EMERGENCY, NOW, "DependencyDown")
    assert decision.state.since == NOW


def test_a_delay_lets_a_short_dip_pass() -> None:
    rules = stabilized(degrade_after_seconds=20)
    dip = healths(openai=0)
    waiting = make_decision(dip, at(OPTIMAL), rules=rules)
    assert (waiting.level, waiting.reason) == (OPTIMAL, "Degrading")
    assert waiting.wake_at == NOW + 20
    assert "from OPTIMAL to LIMITED" in waiting.message
    over = make_decision(ALL_UP, waiting.state, NOW + 10, rules)
    assert over.state.worse_since == {}
    lasting = make_decision(dip, waiting.state, NOW + 20, rules)
    assert lasting.level is LIMITED


def test_a_delay_holds_for_each_worse_level_by_itself() -> None:
    """What only just became worse still has not lasted, however long something milder has."""
    rules = stabilized(degrade_after_seconds=20)
    shallow, deep = healths(postgres=0), healths(openai=0, postgres=0)
    first = make_decision(shallow, at(OPTIMAL), NOW, rules)
    turned = make_decision(deep, first.state, NOW + 19, rules)
    assert (turned.level, turned.wake_at) == (OPTIMAL, NOW + 20)
    assert f"from OPTIMAL to DEGRADED at {to_rfc3339(NOW + 20)}" in turned.message
    lasting = make_decision(deep, turned.state, NOW + 20, rules)
    assert (lasting.level, lasting.wake_at) == (DEGRADED, NOW + 39)
    assert f"from DEGRADED to MINIMAL at {to_rfc3339(NOW + 39)}" in lasting.message
    assert make_decision(deep, lasting.state, NOW + 39, rules).level is MINIMAL
    # Milder again: only what is still called for goes on counting.
    milder = make_decision(shallow, turned.state, NOW + 19.5, rules)
    assert set(milder.state.worse_since) == {DEGRADED}


@pytest.mark.parametrize(
    ("state", "word", "reason"),
    [
        (DependencyState.DOWN, "is down (Timeout)", "DependencyDown"),
        (DependencyState.SLOW, "is slow", "DependencySlow"),
        (DependencyState.FAILING, "fails some probes", "DependencyFailing"),
    ],
)
def test_the_message_names_the_dependency_and_what_is_wrong(
    state: DependencyState, word: str, reason: str
) -> None:
    cause = FailureReason.TIMEOUT if state is DependencyState.DOWN else None
    ill = [make_health("openai", 50, 40, state=state, reason=cause), make_health("redis", 50, 100)]
    decision = make_decision(ill, at(OPTIMAL))
    assert (decision.level, decision.reason) == (DEGRADED, reason)
    assert f"openai {word}; health 70 gives DEGRADED." in decision.message


@pytest.mark.parametrize(
    ("dependencies", "level", "reason"),
    [
        (healths(), OPTIMAL, "AllHealthy"),
        (healths(s3=0), OPTIMAL, "DependencyDown"),
        (healths(openai=0), LIMITED, "DependencyDown"),
        (healths(openai=60), DEGRADED, "DependencyFailing"),
    ],
)
def test_at_rest_it_goes_on_saying_why(
    dependencies: list[DependencyHealth], level: Level, reason: str
) -> None:
    decision = make_decision(dependencies, at(level))
    assert (decision.level, decision.computed, decision.reason) == (level, level, reason)
    assert (decision.transition, decision.wake_at) == (None, None)
    assert ("climbs again" in decision.message) == (level is not OPTIMAL)


# The way up.


def test_recovery_climbs_a_level_per_hold() -> None:
    state, now, levels = at(EMERGENCY), NOW, []
    for _ in range(5):
        decision = make_decision(ALL_UP, state, now)
        levels.append(decision.level)
        if decision.wake_at is None:
            break
        state, now = decision.state, decision.wake_at
    assert levels == [EMERGENCY, MINIMAL, LIMITED, DEGRADED, OPTIMAL]
    assert now == NOW + 4 * 30
    assert decision.reason == "Recovered"


def test_while_it_holds_it_says_when_it_steps_up() -> None:
    decision = make_decision(ALL_UP, at(LIMITED))
    assert (decision.level, decision.computed, decision.reason) == (LIMITED, OPTIMAL, "Recovering")
    assert f"steps up from LIMITED at {to_rfc3339(NOW + 30)}" in decision.message
    assert decision.wake_at == NOW + 30


def test_a_failure_during_the_hold_starts_it_anew() -> None:
    holding = make_decision(ALL_UP, at(LIMITED))
    failing = make_decision(healths(openai=20), holding.state, NOW + 20)
    assert failing.state.better_since is None
    again = make_decision(ALL_UP, failing.state, NOW + 29)
    assert again.wake_at == NOW + 59


@pytest.mark.parametrize(
    ("health", "current", "reason"),
    [
        (94, DEGRADED, "MarginNotReached"),  # OPTIMAL takes 90 + 5
        (95, DEGRADED, "Recovering"),
        (74, LIMITED, "MarginNotReached"),
        (75, LIMITED, "Recovering"),
    ],
)
def test_a_step_up_needs_a_margin(health: int, current: Level, reason: str) -> None:
    decision = make_decision([make_health("openai", 50, health)], at(current))
    assert (decision.level, decision.reason) == (current, reason)


def test_the_margin_never_asks_for_more_than_100() -> None:
    rules = replace(stabilized(recover_margin=50), levels=Levels(optimal=98))
    assert make_decision(ALL_UP, at(DEGRADED), rules=rules).reason == "Recovering"


def test_direct_goes_to_the_computed_level_after_one_hold() -> None:
    rules = stabilized(recovery=Recovery.DIRECT)
    holding = make_decision(healths(redis=0), at(EMERGENCY), rules=rules)
    assert holding.level is EMERGENCY
    decision = make_decision(healths(redis=0), holding.state, NOW + 30, rules)
    assert (decision.level, decision.reason) == (DEGRADED, "Recovered")
    assert decision.wake_at is None


def relapsed(times: int, ending: float) -> tuple[LevelTransition, ...]:
    """So many rounds of a step up and, 40 s later, a fall; the last fall at `ending`."""
    rounds = []
    for index in reversed(range(times)):
        fall = ending - 100 * index
        rounds.append(LevelTransition(LIMITED, DEGRADED, fall - 40, "Recovering"))
        rounds.append(LevelTransition(DEGRADED, LIMITED, fall, "DependencyDown"))
    return tuple(rounds)


@pytest.mark.parametrize(
    ("times", "ago", "hold"),
    [
        (0, 0, 30),
        (1, 100, 60),
        (2, 100, 120),
        (4, 100, 480),
        (5, 100, 900),  # at most maxRecoverAfterSeconds
        (9, 100, 900),
        (1, 3600, 60),
        (1, 3601, 30),  # forgotten
    ],
)
def test_the_hold_doubles_with_every_recent_relapse(times: int, ago: float, hold: int) -> None:
    state = at(LIMITED, transitions=relapsed(times, NOW - ago))
    assert make_decision(ALL_UP, state).wake_at == NOW + hold


@pytest.mark.parametrize(("after", "hold"), [(120, 60), (121, 30)])
def test_a_fall_within_four_holds_after_a_step_up_is_a_relapse(after: float, hold: int) -> None:
    transitions = (
        LevelTransition(LIMITED, DEGRADED, NOW - 10 - after, "Recovering"),
        LevelTransition(DEGRADED, LIMITED, NOW - 10, "DependencyDown"),
    )
    assert make_decision(ALL_UP, at(LIMITED, transitions=transitions)).wake_at == NOW + hold


@pytest.mark.parametrize(
    ("story", "transitions"),
    [
        ("a fall long after the step up", (
            LevelTransition(DEGRADED, OPTIMAL, NOW - 900, "Recovered"),
            LevelTransition(OPTIMAL, LIMITED, NOW - 700, "DependencyDown"),
        )),
        ("an override", (
            LevelTransition(LIMITED, OPTIMAL, NOW - 90, "Override"),
            LevelTransition(OPTIMAL, LIMITED, NOW - 70, "OverrideExpired"),
        )),
        ("one outage in several steps", (
            LevelTransition(OPTIMAL, DEGRADED, NOW - 90, "DependencyDown"),
            LevelTransition(DEGRADED, LIMITED, NOW - 70, "DependencyDown"),
        )),
    ],
)  # fmt: skip
def test_what_is_no_relapse(story: str, transitions: tuple[LevelTransition, ...]) -> None:
    decision = make_decision(ALL_UP, at(LIMITED, transitions=transitions))
    assert decision.wake_at == NOW + 30, story


# Caps.


@pytest.mark.parametrize("breaker", [BreakerPhase.OPEN, BreakerPhase.HALF_OPEN])
def test_a_hard_dependency_caps_the_level_until_its_breaker_closes(breaker: BreakerPhase) -> None:
    rules = replace(RULES, caps={"postgres": MINIMAL})
    dependencies = [
        replace(each, health=50, breaker=breaker) if each.name == "postgres" else each
        for each in healths()
    ]
    decision = make_decision(dependencies, at(OPTIMAL), rules=rules)
    assert (decision.level, decision.computed) == (MINIMAL, MINIMAL)
    assert decision.reason == "CappedByDependency"
    assert "postgres is down: no better than MINIMAL" in decision.message
    assert "health 85 alone would give DEGRADED" in decision.message
    held = make_decision(dependencies, decision.state, NOW + 900, rules)
    assert held.level is MINIMAL
    assert held.wake_at is None


def test_only_those_that_cap_are_named() -> None:
    rules = replace(RULES, caps={"postgres": MINIMAL, "redis": DEGRADED})
    decision = make_decision(healths(postgres=0, redis=0, s3=0), at(OPTIMAL), rules=rules)
    assert decision.message.startswith("postgres is down: no better than MINIMAL")


def test_a_cap_better_than_the_score_says_nothing() -> None:
    rules = replace(RULES, caps={"openai": DEGRADED})
    decision = make_decision(healths(openai=0), at(OPTIMAL), rules=rules)
    assert (decision.level, decision.reason) == (LIMITED, "DependencyDown")


# What is not known.


def test_an_unknown_share_holds_the_level_where_the_bounds_disagree() -> None:
    decision = make_decision(healths(postgres=0, openai=None), at(OPTIMAL))
    # 70 at best, 20 at worst: DEGRADED is certain, what is below is not.
    assert (decision.level, decision.computed) == (DEGRADED, MINIMAL)
    assert decision.message == (
        "postgres is down; a health of at most 70 gives DEGRADED. The level climbs again once it "
        "answers."
    )
    held = make_decision(healths(openai=None), at(LIMITED))
    assert (held.level, held.reason) == (LIMITED, "EvidenceIncomplete")
    assert "from 50 to 100 because openai is unknown" in held.message


def test_an_unknown_share_too_small_to_matter_keeps_nothing_from_recovering() -> None:
    decision = make_decision(healths(s3=None), at(DEGRADED))
    assert decision.reason == "Recovering"


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 100)), min_size=4, max_size=4),
    st.sampled_from(list(Level)),
)
def test_a_level_moves_only_where_every_possible_truth_would_move_it(
    found: list[int | None], current: Level
) -> None:
    rules = stabilized(recover_after_seconds=0, recover_margin=0)
    weights = REFERENCE_WEIGHTS.items()
    seen = [make_health(n, w, h) for (n, w), h in zip(weights, found, strict=True)]
    level = make_decision(seen, at(current), rules=rules).level
    assert level is not None
    for truth in (0, 50, 100):
        revealed = [replace(each, health=truth if each.health is None else each.health)
                    for each in seen]  # fmt: skip
        value = score(revealed).value
        assert value is not None
        certain = band(value, Levels())
        if rank(level) > rank(current):
            assert rank(certain) >= rank(level)
        if rank(level) < rank(current):
            assert rank(certain) <= rank(level)


def test_nothing_moves_on_the_memory_of_a_restart() -> None:
    remembered = [replace(each, assumed=True) for each in ALL_UP]
    for current in Level:
        decision = make_decision(remembered, at(current), now=NOW)
        later = make_decision(remembered, decision.state, now=NOW + 3600)
        assert (later.level, later.transition) == (current, None)


def test_a_level_is_stale_only_by_what_it_is_scored_on() -> None:
    assert make_decision([*healths(), stale("metrics", 5)], at(OPTIMAL)).stale
    assert not make_decision([*healths(), stale("metrics", 0)], at(OPTIMAL)).stale


def test_a_stale_level_moves_on_the_other_dependencies() -> None:
    """So nothing that is said of it, in metrics and alerts, may say that it is held."""
    decision = make_decision([make_health("openai", 90, 0), stale("s3", 10)], at(OPTIMAL))

    assert decision.stale
    assert decision.transition is not None
    said = {metric.name: metric.documentation for metric in metricsdoc.families()}
    told = {alert.name: alert.summary for alert in rulesgen.alerts()}
    for sentence in (said["resilience_level_stale"], told["ResilienceLevelStale"]):
        assert "may be wrong" in sentence
        assert "held" not in sentence


def test_nothing_scored_holds() -> None:
    decision = make_decision([make_health("openai", 0, 100)], at(LIMITED))
    assert (decision.level, decision.reason) == (LIMITED, "NothingScored")
    first = make_decision([make_health("openai", 0, 100)], LevelState())
    assert (first.level, first.reason) == (OPTIMAL, "NothingScored")


def test_a_cap_is_named_though_no_health_is_known() -> None:
    rules = replace(RULES, caps={"postgres": MINIMAL})
    lost = replace(stale("postgres"), breaker=BreakerPhase.OPEN)
    decision = make_decision([lost], at(OPTIMAL), rules=rules)
    assert (decision.level, decision.reason) == (MINIMAL, "CappedByDependency")
    assert decision.message == (
        "postgres is down: no better than MINIMAL until the breaker closes, although a health of "
        "at most 100 alone would give OPTIMAL."
    )


# The first decision.


@pytest.mark.parametrize(
    ("story", "dependencies", "level", "reason"),
    [
        ("all known and well", healths(), OPTIMAL, "AllHealthy"),
        ("all known, one down", healths(openai=0), LIMITED, "DependencyDown"),
        ("one has not answered yet", healths(openai=None), None, "AwaitingEvidence"),
        ("one is stale: without it", [stale("s3"), make_health("openai", 50, 60)],
         LIMITED, "DependencyFailing"),
        ("nothing answers: take nothing away", [stale("s3"), stale("openai")],
         OPTIMAL, "NoEvidence"),
        ("one is remembered only", [make_health("openai", 50, 100, assumed=True)],
         None, "AwaitingEvidence"),
        ("what is not scored is not waited for", [*healths(), make_health("x", 0, None)],
         OPTIMAL, "AllHealthy"),
    ],
)  # fmt: skip
def test_first_decision(
    story: str, dependencies: list[DependencyHealth], level: Level | None, reason: str
) -> None:
    decision = make_decision(dependencies, LevelState())
    assert (decision.level, decision.reason) == (level, reason), story
    assert (decision.transition is not None) == (level is not None)
    assert decision.stale == any(each.stale for each in dependencies)


def test_after_no_evidence_the_first_bad_answer_counts_at_once() -> None:
    state = make_decision([stale("openai", 50)], LevelState()).state
    assert make_decision([make_health("openai", 50, 0)], state, NOW + 1).level is EMERGENCY


# What people decide.


def test_an_override_forces_its_level_and_expires_to_the_computed_one() -> None:
    spec = make_level().overridden("MINIMAL", LATER).build().spec
    forced = make_decision(ALL_UP, at(OPTIMAL), spec=spec)
    assert (forced.level, forced.computed, forced.reason) == (MINIMAL, OPTIMAL, "Override")
    assert forced.overridden
    assert forced.wake_at == NOW + 3600
    assert forced.message.startswith(f"ana forced MINIMAL until {LATER} (game day)")
    still = make_decision(ALL_UP, forced.state, NOW + 3599, spec=spec)
    assert still.transition is None
    over = make_decision(ALL_UP, still.state, NOW + 3600, spec=spec)
    assert (over.level, over.reason, over.overridden) == (OPTIMAL, "OverrideExpired", False)
    assert not over.state.overridden


def test_an_override_removed_early_ends_at_once() -> None:
    spec = make_level().overridden("MINIMAL", LATER).build().spec
    forced = make_decision(ALL_UP, at(OPTIMAL), spec=spec)
    over = make_decision(healths(openai=0), forced.state, NOW + 1)
    assert (over.level, over.reason) == (LIMITED, "OverrideRemoved")


def test_an_override_works_while_blind_and_its_end_waits_for_sight() -> None:
    spec = make_level().overridden("LIMITED", LATER).build().spec
    forced = make_decision(ALL_UP, at(OPTIMAL), spec=spec, trust=BLIND)
    assert forced.level is LIMITED
    blind = make_decision(ALL_UP, forced.state, NOW + 4000, spec=spec, trust=BLIND)
    assert (blind.level, blind.reason) == (LIMITED, "Blind")
    seeing = make_decision(ALL_UP, blind.state, NOW + 4001, spec=spec)
    assert seeing.level is OPTIMAL


def test_an_override_that_ends_in_ignorance_holds_until_something_is_known() -> None:
    spec = make_level().overridden("LIMITED", LATER).build().spec
    forced = make_decision(ALL_UP, at(OPTIMAL), spec=spec)
    held = make_decision([stale("openai")], forced.state, NOW + 4000, spec=spec)
    assert (held.level, held.reason) == (LIMITED, "EvidenceIncomplete")
    known = make_decision(ALL_UP, held.state, NOW + 4001, spec=spec)
    assert known.level is OPTIMAL


def test_an_override_that_ended_while_the_operator_was_down_waits_for_the_first_probes() -> None:
    spec = make_level().overridden("LIMITED", LATER).build().spec
    forced = at(LIMITED, overridden=True)
    remembered = [replace(each, assumed=True) for each in ALL_UP]
    held = make_decision(remembered, forced, NOW + 4000, spec=spec)
    assert (held.level, held.reason, held.transition) == (LIMITED, "EvidenceIncomplete", None)
    answered = make_decision(healths(postgres=0), held.state, NOW + 4001, spec=spec)
    assert (answered.level, answered.reason) == (DEGRADED, "OverrideExpired")


def test_a_freeze_keeps_the_level_and_reports_the_computed_one() -> None:
    spec = make_level().frozen(LATER).build().spec
    frozen = make_decision(healths(openai=0), at(OPTIMAL), spec=spec)
    assert (frozen.level, frozen.computed, frozen.reason) == (OPTIMAL, LIMITED, "Frozen")
    assert frozen.frozen
    assert frozen.wake_at == NOW + 3600
    thawed = make_decision(healths(openai=0), frozen.state, NOW + 3600, spec=spec)
    assert (thawed.level, thawed.frozen) == (LIMITED, False)


def test_a_freeze_without_a_level_does_not_keep_the_first_from_being_decided() -> None:
    spec = make_level().frozen(LATER).build().spec
    assert make_decision(ALL_UP, LevelState(), spec=spec).level is OPTIMAL


@pytest.mark.parametrize("broken", ["soon", "", "2026-99-99T00:00:00Z"])
def test_a_time_that_cannot_be_read_forces_nothing(broken: str) -> None:
    spec = make_level().build().spec
    override = make_level().overridden("MINIMAL", LATER).build().spec.override
    freeze = make_level().frozen(LATER).build().spec.freeze
    assert override
    assert freeze
    spec = spec.model_copy(
        update={
            "override": override.model_copy(update={"expires_at": broken}),
            "freeze": freeze.model_copy(update={"expires_at": broken}),
        }
    )
    assert make_decision(healths(openai=0), at(OPTIMAL), spec=spec).level is LIMITED


def test_blind_holds_every_level() -> None:
    decision = make_decision(healths(openai=0, postgres=0), at(OPTIMAL), trust=BLIND)
    assert (decision.level, decision.reason) == (OPTIMAL, "Blind")
    assert decision.message == BLIND.message
    assert make_decision(ALL_UP, LevelState(), trust=BLIND).level is None


# Properties over whole histories.

ROUNDS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(1, 120)),
    min_size=1,
    max_size=60,
)


@given(ROUNDS, st.sampled_from(list(Level)))
def test_stepwise_never_rises_by_more_than_one_nor_before_its_hold(
    rounds: list[tuple[int, int, int]], start: Level
) -> None:
    state, now = at(start, since=NOW), NOW
    for openai, postgres, wait in rounds:
        now += wait
        before = state
        decision = make_decision(healths(openai=openai, postgres=postgres), state, now)
        state = decision.state
        assert decision.level is not None
        assert before.level is not None
        assert before.since is not None
        assert rank(decision.level) >= rank(before.level) - 1
        if rank(decision.level) < rank(before.level):
            assert before.better_since is not None
            assert now - before.better_since >= 30
            assert now - before.since >= 30
        assert len(state.transitions) <= MAX_TRANSITIONS
        assert (decision.transition is None) == (decision.level is before.level)
        if decision.wake_at is not None:
            assert decision.wake_at > now


@given(ROUNDS)
def test_deciding_twice_changes_nothing(rounds: list[tuple[int, int, int]]) -> None:
    state, now = at(OPTIMAL), NOW
    for openai, postgres, wait in rounds:
        now += wait
        dependencies = healths(openai=openai, postgres=postgres)
        decision = make_decision(dependencies, state, now)
        again = make_decision(dependencies, decision.state, now)
        assert again.transition is None
        assert again.level is decision.level
        assert again.state == decision.state
        assert again.wake_at == decision.wake_at
        state = decision.state


@given(ROUNDS)
def test_steady_health_settles_in_its_band(rounds: list[tuple[int, int, int]]) -> None:
    """However wild it was before, five holds of calm end where the score says."""
    state, now = at(OPTIMAL), NOW
    for openai, postgres, wait in rounds:
        now += wait
        state = make_decision(healths(openai=openai, postgres=postgres), state, now).state
    for _ in range(12):
        decision = make_decision(ALL_UP, state, now)
        state = decision.state
        now = decision.wake_at or now
    assert state.level is OPTIMAL
