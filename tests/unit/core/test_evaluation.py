from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.level import LevelStatus
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.core.evaluation import evaluate
from resilience_operator.core.evidence import begin, observe
from resilience_operator.core.model import (
    EventPlan,
    Evidence,
    LevelState,
    Outcome,
    Plan,
    Snapshot,
    Trust,
)
from resilience_operator.core.status import level_status, policy_status
from resilience_operator.core.times import to_rfc3339
from tests.builders import (
    healthy,
    make_level,
    make_policy,
    reference_policy,
    unhealthy,
    unknown,
)
from tests.unit.core.simulation import Simulation

OPTIMAL, DEGRADED, LIMITED, MINIMAL, EMERGENCY = Level
NOW = 10_000.0
MAKERS = {".": healthy, "x": unhealthy, "?": unknown}


def evidence_of(policy: ResiliencePolicy, **pictures: str) -> dict[str, Evidence]:
    """Evidence of each dependency from its last results, `...` unless given, ending now."""
    found = {}
    for dependency in policy.spec.dependencies:
        picture = pictures.get(dependency.name, "...")
        evidence = begin(NOW - len(picture))
        for index, each in enumerate(picture):
            at = NOW - len(picture) + index + 1
            evidence = observe(evidence, MAKERS[each](at), dependency, at)
        found[dependency.name] = evidence
    return found


def make_snapshot(
    policy: ResiliencePolicy | None = None, level: Level | None = None, **pictures: str
) -> Snapshot:
    policy = policy or reference_policy().build()
    states = {policy.name: LevelState(level=level, since=0.0)} if level else {}
    return Snapshot(
        policy=policy, now=NOW, evidence=evidence_of(policy, **pictures), level_states=states
    )


def applied(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """The snapshot that follows once the plan has been carried out."""
    status = policy_status(snapshot, plan, Outcome())
    levels = tuple(
        make_level(each.name).status(level_status(snapshot, each)).build() for each in plan.levels
    )
    return replace(
        snapshot,
        policy=snapshot.policy.model_copy(update={"status": status}),
        levels=levels,
        level_states={each.name: each.decision.state for each in plan.levels},
    )


def test_a_healthy_policy_gets_its_level_and_its_flags() -> None:
    plan = evaluate(make_snapshot())
    assert plan.key == ("retail", "inventario")
    (level,) = plan.levels
    assert (level.name, level.create, level.decision.level) == ("inventario", True, OPTIMAL)
    assert plan.flags is not None
    assert (plan.flags.config_map, plan.flags.level) == ("inventario-flags", OPTIMAL)
    assert plan.flags.features == level.features
    assert [each.reason for each in plan.events] == ["LevelDecided", "LevelDecided"]


def test_an_outage_takes_features_and_says_so_once() -> None:
    snapshot = make_snapshot(level=OPTIMAL, openai="...xxx")
    plan = evaluate(snapshot)
    assert plan.levels[0].decision.level is LIMITED
    assert plan.levels[0].score.limiting == "openai"
    assert plan.levels[0].features["ai_recommendations"] == "cached"
    opened, on_level, on_policy = plan.events
    assert opened == EventPlan(
        "Warning",
        "BreakerOpened",
        "openai is down (Timeout); its breaker is open and it is tried from time to time.",
        dependency="openai",
    )
    assert on_level.level == "inventario"
    assert on_policy == replace(on_level, level=None)
    assert on_level.dependency == "openai"
    assert on_level.decision_id == on_policy.decision_id == plan.levels[0].decision_id
    assert opened.decision_id not in ("", on_level.decision_id)
    assert (on_level.type, on_level.reason) == ("Warning", "LevelDegraded")
    assert on_level.message.startswith("OPTIMAL -> LIMITED: openai is down (Timeout)")
    again = evaluate(applied(snapshot, plan))
    assert again.events == ()
    assert not again.levels[0].create


def test_a_breaker_that_closes_is_told_of_once() -> None:
    snapshot = make_snapshot(level=OPTIMAL, openai="...xxx")
    down = applied(snapshot, evaluate(snapshot))
    up = replace(down, evidence=evidence_of(down.policy))
    plan = evaluate(up)
    assert [(each.type, each.reason) for each in plan.events] == [("Normal", "BreakerClosed")]
    assert evaluate(applied(up, plan)).events == ()


def test_a_step_up_is_good_news() -> None:
    snapshot = make_snapshot(level=LIMITED)
    state = LevelState(level=LIMITED, since=0.0, better_since=NOW - 30)
    plan = evaluate(replace(snapshot, level_states={"inventario": state}))
    assert {(each.type, each.reason) for each in plan.events} == {("Normal", "LevelImproved")}


def test_until_a_level_is_decided_nothing_is_written() -> None:
    plan = evaluate(make_snapshot(openai="."))
    assert plan.levels[0].decision.level is None
    assert (plan.flags, plan.events) == (None, ())
    assert plan.levels[0].features == {}
    assert evaluate(replace(make_snapshot(), evidence={})).levels[0].decision.level is None


def test_observing_decides_and_writes_no_flags() -> None:
    plan = evaluate(make_snapshot(reference_policy().observing().build(), openai="xxx"))
    assert plan.levels[0].decision.level is LIMITED
    assert plan.flags is None


def test_it_wakes_for_the_earliest_of_holds_and_staleness() -> None:
    assert evaluate(make_snapshot(level=OPTIMAL)).wake_at == NOW + 60
    holding = make_snapshot(level=LIMITED)
    assert evaluate(holding).wake_at == NOW + 30
    silent = replace(make_snapshot(level=OPTIMAL), now=NOW + 3600)
    assert evaluate(silent).wake_at is None


def test_capabilities_stand_at_levels_of_their_own() -> None:
    policy = reference_policy().build()
    shop = (
        make_level("shop").scored_on("postgres", 80).scored_on("redis", 20).governs("checkout")
    ).build()
    snapshot = replace(
        make_snapshot(policy, level=OPTIMAL, postgres="...xxx"),
        levels=(shop, make_level("inventario").build(), make_level("x", policy="other").build()),
    )
    plan = evaluate(snapshot)
    assert [(each.name, each.create) for each in plan.levels] == [
        ("inventario", False),
        ("shop", False),
    ]
    default, capability = plan.levels
    assert (default.score.value, default.decision.level) == (70, DEGRADED)
    assert (capability.score.value, capability.decision.level) == (20, MINIMAL)
    assert set(capability.features) == {"checkout"}
    assert set(default.features) == {"ai_recommendations", "search"}
    assert plan.flags is not None
    assert plan.flags.level is DEGRADED
    assert set(plan.flags.features) == {"ai_recommendations", "checkout", "search"}


def test_features_of_an_undecided_capability_follow_the_default_level() -> None:
    policy = reference_policy().build()
    shop = make_level("shop").scored_on("s3", 100).governs("search").build()
    snapshot = replace(make_snapshot(policy, level=LIMITED, s3="."), levels=(shop,))
    plan = evaluate(snapshot)
    assert plan.levels[1].decision.level is None
    assert plan.levels[1].features == {"search": "basic"}


def test_a_level_being_deleted_claims_nothing() -> None:
    shop = make_level("shop").governs("checkout").deleting().build()
    plan = evaluate(replace(make_snapshot(), levels=(shop,)))
    assert [each.name for each in plan.levels] == ["inventario"]
    assert "checkout" in plan.levels[0].features


def test_without_a_state_in_memory_a_level_goes_on_from_its_status() -> None:
    level = make_level().status(LevelStatus(level=MINIMAL, since="2026-11-24T05:38:00Z")).build()
    plan = evaluate(replace(make_snapshot(), levels=(level,)))
    assert (plan.levels[0].decision.level, plan.events) == (MINIMAL, ())


def test_without_its_level_a_policy_goes_on_from_its_own_status() -> None:
    policy = reference_policy().status(PolicyStatus(level=MINIMAL)).build()
    plan = evaluate(make_snapshot(policy))
    assert (plan.levels[0].decision.level, plan.levels[0].create) == (MINIMAL, True)


BLIND = Trust(trusted=False, reason="MassFailure", message="Everything failed at once.")


def after(snapshot: Snapshot, **pictures: str) -> Snapshot:
    """The snapshot that follows on this one, once its plan was carried out and probes answered."""
    carried_out = applied(snapshot, evaluate(snapshot))
    return replace(carried_out, evidence=evidence_of(snapshot.policy, **pictures))


def test_blind_changes_nothing() -> None:
    healthy_before = make_snapshot(level=OPTIMAL)
    seeing = after(healthy_before, openai="xxx", postgres="xxx")
    blind = replace(seeing, trust=BLIND)
    plan = evaluate(blind)
    assert plan.levels[0].decision.level is OPTIMAL
    assert plan.flags is not None
    assert plan.flags.digest == evaluate(healthy_before).flags.digest  # type: ignore[union-attr]
    assert evaluate(applied(blind, plan)).levels[0].features == plan.levels[0].features
    assert evaluate(seeing).levels[0].features["checkout"] == "off"


def test_what_was_down_before_blindness_stays_without_its_features() -> None:
    down = make_snapshot(level=LIMITED, openai="...xxx", postgres="...xxx")
    blind = replace(after(down, postgres="...xxx"), trust=BLIND)
    assert evaluate(blind).levels[0].features["checkout"] == "off"
    up = replace(after(down), trust=BLIND)
    assert evaluate(up).levels[0].features["checkout"] == "off"


def test_while_blind_features_follow_a_person_and_the_spec() -> None:
    blind = replace(after(make_snapshot(level=OPTIMAL)), trust=BLIND)
    forced = make_level().overridden("EMERGENCY", to_rfc3339(NOW + 60))
    (before,) = blind.levels
    level = forced.status(before.status).build()
    features = evaluate(replace(blind, levels=(level,))).levels[0].features
    assert (features["checkout"], features["search"]) == ("off", "basic")
    policy = make_policy()
    for each in blind.policy.spec.dependencies:
        policy = policy.dependency(each.name, each.weight)
    renamed = policy.feature("checkout", {"OPTIMAL": "full"}, requires=("postgres",)).build()
    edited = replace(blind, policy=renamed)
    assert evaluate(edited).levels[0].features == {"checkout": "full"}


PICTURES = st.text("..x?", min_size=0, max_size=12)


@settings(max_examples=60)
@given(st.tuples(PICTURES, PICTURES, PICTURES, PICTURES), st.sampled_from([None, *Level]))
def test_the_same_snapshot_gives_the_same_plan_and_a_plan_applied_raises_no_events(
    pictures: tuple[str, str, str, str], level: Level | None
) -> None:
    names = ("openai", "postgres", "redis", "s3")
    snapshot = make_snapshot(level=level, **dict(zip(names, pictures, strict=True)))
    plan = evaluate(snapshot)
    assert evaluate(snapshot) == plan
    again = evaluate(applied(snapshot, plan))
    assert again.events == ()
    assert again.flags == plan.flags
    assert [each.decision.level for each in again.levels] == [
        each.decision.level for each in plan.levels
    ]


# Whole stories, on a virtual clock.


@pytest.fixture
def policy() -> ResiliencePolicy:
    return reference_policy().build()


def test_in_a_steady_state_nothing_is_written(policy: ResiliencePolicy) -> None:
    simulation = Simulation(policy).run(until=60)
    writes = simulation.status_writes
    simulation.run(until=7200)
    assert simulation.level is OPTIMAL
    assert simulation.status_writes == writes


def test_a_lasting_outage_is_a_steady_state_too(policy: ResiliencePolicy) -> None:
    simulation = Simulation(policy, outages={"openai": [(100, 9999)]}).run(until=200)
    writes = simulation.status_writes
    simulation.run(until=7200)
    assert simulation.level is LIMITED
    assert simulation.status_writes == writes


def test_a_short_outage_within_a_probes_interval_is_survived(policy: ResiliencePolicy) -> None:
    simulation = Simulation(policy, outages={"openai": [(100, 101.5)]}).run(until=300)
    assert [level for _, level in simulation.history] == [OPTIMAL]


def test_probes_that_cannot_tell_hold_the_level_for_ever(policy: ResiliencePolicy) -> None:
    everything = {each.name: [(100.0, 9999.0)] for each in policy.spec.dependencies}
    simulation = Simulation(policy, blackouts=everything).run(until=9000)
    assert [level for _, level in simulation.history] == [OPTIMAL]
    assert simulation.plan is not None
    assert simulation.plan.levels[0].decision.stale
    assert simulation.plan.levels[0].decision.reason == "EvidenceIncomplete"


def test_an_outage_that_hides_in_a_blackout_comes_to_light_after_it(
    policy: ResiliencePolicy,
) -> None:
    simulation = Simulation(
        policy, outages={"openai": [(200, 900)]}, blackouts={"openai": [(150, 500)]}
    )
    assert simulation.run(until=499).level is OPTIMAL
    assert simulation.run(until=520).level is LIMITED
    assert simulation.run(until=1200).level is OPTIMAL


def test_nothing_ever_answers(policy: ResiliencePolicy) -> None:
    everything = {each.name: [(0.0, 9999.0)] for each in policy.spec.dependencies}
    simulation = Simulation(policy, blackouts=everything).run(until=59)
    assert simulation.level is None
    assert simulation.run(until=70).level is OPTIMAL
    assert simulation.plan is not None
    assert simulation.plan.flags is not None


@pytest.mark.parametrize("when", [50, 115, 131, 145, 160, 400, 620, 640, 700])
def test_a_restart_causes_no_transition_and_loses_no_outage(
    policy: ResiliencePolicy, when: int
) -> None:
    outages = {"openai": [(100.0, 600.0)], "redis": [(130.0, 600.0)]}
    simulation = Simulation(policy, outages=outages).run(until=when)
    before = simulation.level
    events = len(simulation.events)
    simulation.restart()
    simulation.run(until=when)
    assert simulation.level is before
    assert len(simulation.events) == events
    simulation.run(until=800)
    assert (simulation.at(599), simulation.level) == (MINIMAL, OPTIMAL)
    assert simulation.levels[0].status.transitions[0].to is OPTIMAL


def test_a_flapping_dependency_is_let_back_in_ever_more_slowly(policy: ResiliencePolicy) -> None:
    """Up for 80 s, down for 40 s, for two hours: the level must not follow every turn."""
    spans = [(float(start), start + 40.0) for start in range(100, 7300, 120)]
    simulation = Simulation(policy, outages={"openai": spans}).run(until=7300)
    changes = len(simulation.history)
    assert changes < len(spans)
    assert simulation.run(until=7300 + 900 + 300).level is OPTIMAL
