"""A rollout's way from the first step to the last, told as stories."""

from dataclasses import replace

import pytest

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.rollout import (
    AfterMaxHold,
    AfterSuccess,
    Approval,
    Gate,
    HttpCheck,
    OnFailure,
    Step,
)
from resilience_operator.api.v1alpha1.rollout_status import Attribution, RolloutPhase
from resilience_operator.core.model import Problem, Trust
from resilience_operator.core.rollout import decide, wanted_weight
from resilience_operator.core.rollout.model import CheckView, Effect, Verb
from tests.builders import make_health
from tests.unit.core.rollout.world import (
    BY_REPLICAS,
    START,
    STEPS,
    World,
    error_rate,
    latency,
    make_pods,
    make_rollout,
)

IDLE, WAITING, PROGRESSING, HELD, PAUSED, PROMOTING, SUCCEEDED, ROLLED_BACK, FAILED = RolloutPhase
NO_METRICS = make_rollout(analysis=make_rollout().analysis.model_copy(update={"metrics": ()}))


def held_by_level(step: int = 1) -> World:
    world = World().at_step(step, 300)
    world.level = Level.LIMITED
    return world.run(15)


# The beginning.


def test_the_first_sight_of_equal_versions_starts_nothing() -> None:
    world = World(canary=make_pods("dashboard-canary", "1", 2))
    world.decide()
    assert (world.status.phase, world.status.finished_revision) == (IDLE, "rev-1")
    assert world.decide().wake_at is None


def test_a_router_that_never_answers_is_told_of_once_and_asked_on() -> None:
    world = World(accepted=False)
    world.run(45)
    assert (world.status.reason, world.status.step) == ("SettingWeight", 1)
    world.run(300)
    assert (world.status.phase, world.status.reason) == (PROGRESSING, "WeightNotAccepted")
    assert world.said.count("WeightNotAccepted") == 1
    assert world.decide().effect is Effect.SET_WEIGHT
    world.accepted = True
    world.run(15)
    assert (world.status.reason, world.said[-1]) == ("Progressing", "StepStarted")


def test_the_first_sight_of_a_missing_canary_starts_nothing() -> None:
    world = World()
    world.canary = replace(world.canary, missing=True, revision="", content="")
    assert world.decide().effect is Effect.NONE
    assert world.status.phase is IDLE


def test_a_new_canary_starts_and_records_the_weights_before_it_changes_any() -> None:
    world = World()
    plan = world.decide()
    assert (world.status.phase, plan.effect) == (WAITING, Effect.NONE)
    assert [each.weight for each in world.status.originals] == [100, 0]
    assert plan.wake_at == START
    plan = world.decide()
    assert (plan.effect, plan.weight) == (Effect.SET_WEIGHT, 5)
    assert world.said == ["RolloutStarted", "RolloutProgressing"]


def test_weights_changed_by_their_owner_before_the_start_are_the_ones_to_return_to() -> None:
    world = World(level=Level.MINIMAL)
    world.run(30)
    taken = world.traffic().originals
    assert world.status.originals == taken
    world.canary = replace(world.canary, ready=0)
    world.level = Level.OPTIMAL
    world.run(30)
    assert world.status.originals == taken


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"level": Level.LIMITED}, "LevelTooLow"),
        ({"level": None}, "LevelUnknown"),
        ({"trust": Trust(False, "MassFailure", "All failed at once.")}, "Blind"),
        ({"dependencies": (make_health("openai", 50, None),)}, "DependenciesUnknown"),
        ({"canary": replace(make_pods("dashboard-canary", "2", 2), ready=1)}, "CanaryNotReady"),
        ({"canary": make_pods("dashboard-canary", "2", 0)}, "CanaryNotReady"),
        ({"stable": replace(make_pods("dashboard", "1", 10), missing=True)}, "StableMissing"),
        ({"problem": Problem("RouteMissing", "There is no such route.")}, "RouteMissing"),
        ({"checks": (CheckView("smoke", False, "answered 500"),)}, "CheckFailed"),
    ],
)
def test_what_keeps_a_rollout_from_starting(change: dict[str, object], reason: str) -> None:
    world = World(**change)  # type: ignore[arg-type]
    world.run(600)
    assert (world.status.phase, world.status.reason) == (WAITING, reason)
    assert world.effects == []
    assert world.status.message.endswith(".")
    calm = World()
    for name in change:
        setattr(world, name, getattr(calm, name))
    world.at_step(1)
    assert world.effects == [(Effect.SET_WEIGHT, 5)]


def test_a_check_that_has_not_answered_yet_keeps_it_from_starting() -> None:
    check = HttpCheck(name="smoke", url="http://smoke:8080/")
    world = World(spec=make_rollout(gate=Gate(checks=(check,))))
    world.run(30)
    assert (world.status.phase, world.status.reason) == (WAITING, "AwaitingChecks")
    assert world.decide().wake_at == world.now + 15
    world.checks = (CheckView("smoke", True),)
    world.run(30)
    assert world.status.phase is PROGRESSING


def test_waiting_never_ends_in_a_rollback() -> None:
    world = World(level=Level.MINIMAL)
    world.run(30_000, every=300)
    assert world.status.phase is WAITING


# The steps.


def test_the_whole_way() -> None:
    world = World().until(SUCCEEDED)
    assert world.effects == [
        (Effect.SET_WEIGHT, 5),
        (Effect.SET_WEIGHT, 50),
        (Effect.COPY_TEMPLATE, 0),
        (Effect.RESTORE_WEIGHTS, 0),
    ]
    assert world.said == [
        "RolloutStarted",
        "RolloutProgressing",
        "StepStarted",
        "StepStarted",
        "RolloutPromoting",
        "RolloutSucceeded",
    ]
    assert world.status.finished_revision == "rev-2"
    assert world.now - START >= 1200
    effects = list(world.effects)
    world.run(600)
    assert world.effects == effects


def test_a_step_begins_when_its_weight_is_in_force_and_is_asked_for_until_then() -> None:
    world = World(accepted=False)
    world.decide()
    world.decide()
    world.run(60)
    assert world.status.step_started_at is None
    assert world.status.weight == 0
    assert set(world.effects) == {(Effect.SET_WEIGHT, 5)}
    world.accepted = True
    world.decide()
    assert world.status.step_started_at is not None
    assert world.status.weight == 5


def test_no_step_is_taken_without_the_metrics_of_that_very_moment() -> None:
    world = World().at_step(1, 500)
    world.now += 200
    plan = world.decide(look=False)
    assert (world.status.step, plan.effect) == (1, Effect.NONE)
    assert plan.wants_metrics
    assert world.decide().weight == 50


def test_the_real_share_is_told_where_replicas_only_come_near_the_wished_one() -> None:
    world = World(spec=make_rollout(traffic=BY_REPLICAS), real_share=10.0)
    world.at_step(1)
    assert world.status.message.endswith(
        "has 10 % of the traffic, which is as near as 5 % can be met."
    )
    assert (world.status.weight, world.status.real_weight) == (5, 10)
    world.real_share = 0.0  # its only pod is not ready any more
    world.run(1)
    assert (world.status.real_weight, world.status.share) == (0, 0)


def test_a_router_shares_as_it_is_told() -> None:
    world = World().at_step(1, 60)
    assert world.status.real_weight is None
    assert world.status.share == world.status.weight > 0


def test_a_weight_changed_in_the_spec_is_told_with_the_new_weight() -> None:
    world = World().at_step(1, 60)
    world.spec = make_rollout(steps=(Step(weight=10, hold_seconds=600), STEPS[1]))
    world.run(30)
    assert world.status.message.endswith("has 10 % of the traffic.")


def test_without_metrics_steps_are_served_by_time_alone() -> None:
    world = World(spec=NO_METRICS).until(SUCCEEDED)
    assert world.now - START < 1400


def test_it_is_woken_when_the_step_has_been_served() -> None:
    world = World(spec=NO_METRICS).at_step(1)
    plan = world.decide()
    assert plan.wake_at == world.now + 600
    assert not plan.wants_metrics


def test_too_few_requests_hold_a_step_that_has_been_served() -> None:
    world = World(requests_per_second=1.0).at_step(1, 900)
    assert (world.status.phase, world.status.reason) == (HELD, "TooFewSamples")
    assert world.status.step == 1
    world.requests_per_second = 200
    world.at_step(2)
    assert world.status.phase is PROGRESSING


def test_a_canary_that_is_not_all_ready_does_not_advance() -> None:
    world = World().at_step(1, 300)
    world.canary = replace(world.canary, ready=1)
    world.run(600)
    assert (world.status.step, world.status.reason) == (1, "CanaryNotReady")


def test_a_spec_that_loses_its_later_steps_goes_on_from_its_last_one() -> None:
    world = World().at_step(2, 300)
    world.spec = make_rollout(steps=STEPS[:1])
    world.run(30)
    assert world.weight == 5
    assert world.status.weight == 5
    world.until(SUCCEEDED)


def test_a_weight_changed_in_the_spec_begins_the_step_anew() -> None:
    world = World().at_step(1, 300)
    world.spec = make_rollout(steps=(Step(weight=10, hold_seconds=600), STEPS[1]))
    world.run(30)
    assert world.weight == 10
    assert "TrafficDrifted" not in world.said
    world.run(400)
    assert world.status.step == 1


# Holds: the clock stops.


def test_below_the_least_level_it_is_held_and_the_time_is_not_served() -> None:
    world = held_by_level()
    assert (world.status.phase, world.status.reason) == (HELD, "LevelTooLow")
    world.run(3000)
    assert (world.status.phase, world.status.step, world.weight) == (HELD, 1, 5)
    world.level = Level.DEGRADED
    world.decide()
    assert world.status.phase is PROGRESSING
    assert world.status.held_seconds == 3000
    world.run(270)
    assert world.status.step == 1
    world.run(45)
    assert world.status.step == 2
    assert world.said.count("RolloutHeld") == world.said.count("RolloutResumed") == 1


def test_a_breaker_that_tries_half_open_does_not_flap_the_gate() -> None:
    world = World().at_step(1)
    for number in range(20):
        world.dependencies = (make_health("s3", 5, 0 if number % 2 else 50),)
        world.run(15)
    assert "RolloutHeld" not in world.said


@pytest.mark.parametrize("fraction", [0.0, 0.4, 0.999])
def test_a_step_that_has_been_served_stays_served_while_something_else_is_waited_for(
    fraction: float,
) -> None:
    gate = Gate(approval=Approval.BEFORE_EACH_STEP)
    world = World(spec=make_rollout(gate=gate), now=START + fraction, requests_per_second=0.1)
    world.run(30)
    world.decide(Verb.RESUME)
    world.at_step(1).run(STEPS[0].hold_seconds + 100, every=0.9)
    assert (world.status.phase, world.status.reason) == (HELD, "TooFewSamples")
    assert (world.said.count("RolloutHeld"), world.said.count("RolloutResumed")) == (1, 0)
    world.requests_per_second = 200.0
    world.run(100, every=0.9)
    assert (world.status.phase, world.status.reason) == (HELD, "AwaitingApproval")
    assert world.said.count("RolloutResumed") == 0
    world.decide(Verb.RESUME)
    assert (world.status.phase, world.status.step) == (PROGRESSING, 2)


def test_a_hold_that_lasts_too_long_is_rolled_back() -> None:
    world = held_by_level()
    plan = world.decide(look=False)
    assert plan.wake_at == pytest.approx(world.now + 5)
    world.until(ROLLED_BACK)
    assert world.status.reason == "HeldTooLong"
    assert "The level is LIMITED" in world.status.message
    assert world.weight == 0


def test_or_stays_held_if_the_spec_says_so() -> None:
    world = World(spec=make_rollout(gate=Gate(after_max_hold=AfterMaxHold.STAY))).at_step(1)
    world.level = Level.MINIMAL
    world.run(40_000, every=60)
    assert (world.status.phase, world.weight) == (HELD, 5)


def test_holds_for_which_the_version_is_not_to_pay_do_not_count_towards_the_longest() -> None:
    world = World().at_step(1)
    world.problem = Problem("ForeignManager", "Flagger manages this route.")
    world.run(20_000, every=60)
    assert (world.status.phase, world.status.reason) == (HELD, "ForeignManager")
    world.problem, world.level = None, Level.MINIMAL
    world.run(60)
    assert (world.status.phase, world.status.reason) == (HELD, "LevelTooLow")


def test_a_problem_of_the_router_leaves_the_weights_untouched() -> None:
    world = World().at_step(1)
    before = list(world.effects)
    world.problem = Problem("RouteMissing", "There is no HTTPRoute dashboard.")
    world.run(600)
    assert world.effects == before
    assert world.status.message == "There is no HTTPRoute dashboard."


def test_weights_changed_from_outside_are_set_again_and_said_once() -> None:
    world = World().at_step(1, 300)
    world.weight, world.drifted = 0, True
    plan = world.decide(act=False)
    assert (plan.effect, plan.weight) == (Effect.SET_WEIGHT, 5)
    world.decide(act=False)
    world.decide()
    assert world.said.count("TrafficDrifted") == 1
    assert world.weight == 5
    began = world.status.window_started_at
    world.run(15)
    assert world.status.phase is PROGRESSING
    assert world.status.window_started_at != began


def test_rules_that_disagree_have_drifted_too() -> None:
    world = World().at_step(1)
    world.weight, world.drifted = None, True
    assert world.decide().effect is Effect.SET_WEIGHT


def test_one_rule_of_several_that_was_changed_has_drifted_though_the_share_has_not() -> None:
    world = World().at_step(1)
    world.weight, world.drifted = 5, True
    assert world.decide().effect is Effect.SET_WEIGHT
    assert world.said.count("TrafficDrifted") == 1


def test_a_change_of_level_voids_the_window() -> None:
    world = World().at_step(1, 300)
    assert world.status.metrics[0].evidence
    world.level, world.level_since = Level.DEGRADED, world.now + 5
    world.now += 10
    world.decide()
    assert world.status.windows == 2
    assert world.status.metrics[0].evidence == ""


def test_figures_from_before_the_window_are_ignored() -> None:
    world = World().at_step(1, 300)
    snapshot = replace(world.snapshot(), metrics_at=START)
    world.status = snapshot.status.model_copy(update={"metrics": ()})
    assert decide(replace(snapshot, status=world.status)).status.metrics == ()


# People.


def test_approval_before_the_start_and_the_clock_that_waits_for_it() -> None:
    world = World(spec=make_rollout(gate=Gate(approval=Approval.BEFORE_START)))
    world.run(30_000, every=300)
    assert (world.status.phase, world.status.reason) == (WAITING, "AwaitingApproval")
    world.decide(Verb.RESUME)
    world.until(SUCCEEDED)
    assert world.said.count("StepApproved") == 1


def test_approval_before_each_step() -> None:
    world = World(spec=make_rollout(gate=Gate(approval=Approval.BEFORE_EACH_STEP)))
    world.run(30)
    world.decide(Verb.RESUME)
    world.at_step(1)
    world.run(30_000, every=300)
    assert (world.status.phase, world.status.reason) == (HELD, "AwaitingApproval")
    world.decide(Verb.RESUME)
    world.at_step(2)
    world.until(SUCCEEDED)


def test_a_pause_stops_the_clock_for_as_long_as_it_takes() -> None:
    world = World().at_step(1, 300)
    world.decide(Verb.PAUSE)
    world.run(40_000, every=300)
    assert (world.status.phase, world.weight) == (PAUSED, 5)
    world.decide(Verb.RESUME)
    assert world.status.phase is PROGRESSING
    world.run(200)
    assert world.status.step == 1
    world.at_step(2)


def test_a_pause_before_the_first_step() -> None:
    world = World(level=Level.MINIMAL)
    world.run(30)
    world.decide(Verb.PAUSE)
    world.level = Level.OPTIMAL
    world.run(600)
    assert (world.status.phase, world.effects) == (PAUSED, [])
    world.decide(Verb.RESUME)
    world.at_step(1)


def test_weights_changed_in_a_pause_are_put_right_and_said_once() -> None:
    world = World().at_step(1)
    world.decide(Verb.PAUSE)
    world.weight, world.drifted = 60, True
    world.decide(act=False)
    world.decide()
    world.run(30)
    assert world.weight == 5
    assert world.said.count("TrafficDrifted") == 1
    assert (world.status.phase, world.status.reason) == (PAUSED, "Paused")


def test_a_bad_version_is_rolled_back_though_it_is_paused() -> None:
    world = World().at_step(1)
    world.decide(Verb.PAUSE)
    world.rates = (0.01, 0.2)
    world.until(ROLLED_BACK)


def test_abort_brings_traffic_home() -> None:
    world = World().at_step(2)
    world.decide(Verb.ABORT)
    world.run(15)
    assert (world.status.phase, world.status.reason, world.weight) == (ROLLED_BACK, "Aborted", 0)
    assert world.status.history[-1].reason == "Aborted"
    world.run(600)
    assert world.status.phase is ROLLED_BACK


def test_retry_starts_the_same_revision_again() -> None:
    world = World().at_step(1)
    world.decide(Verb.ABORT)
    world.run(30)
    world.decide(Verb.RETRY)
    world.until(SUCCEEDED)
    assert [record.result for record in world.status.history] == [ROLLED_BACK, SUCCEEDED]


def test_promote_skips_the_holds() -> None:
    world = World().at_step(1)
    world.decide(Verb.PROMOTE)
    world.run(60)
    assert world.status.phase is SUCCEEDED
    assert world.stable.content == "content-2"
    assert (Effect.SET_WEIGHT, 50) not in world.effects


def test_promote_never_promotes_an_unready_canary() -> None:
    world = World().at_step(1)
    world.canary = replace(world.canary, ready=1)
    world.decide(Verb.PROMOTE)
    assert world.status.phase is PROGRESSING
    assert world.said[-1] == "RolloutRequestRefused"


@pytest.mark.parametrize(
    ("verb", "prepare"),
    [
        (Verb.PAUSE, lambda world: world.until(SUCCEEDED)),
        (Verb.RETRY, lambda world: world.at_step(1)),
        (Verb.RESUME, lambda world: world.at_step(1)),
        (Verb.PAUSE, lambda world: (world.at_step(1), world.decide(Verb.PAUSE))),
        (Verb.PAUSE, lambda world: (world.at_step(1), world.decide(Verb.PROMOTE))),
        (Verb.PROMOTE, lambda world: (world.at_step(1), world.decide(Verb.PROMOTE))),
        (Verb.ABORT, lambda world: (world.at_step(1), world.decide(Verb.PROMOTE))),
        (Verb.PROMOTE, lambda world: (world.at_step(1), world.decide(Verb.ABORT, act=False))),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(verb: Verb, prepare: object) -> None:
    world = World()
    prepare(world)  # type: ignore[operator]
    phase = world.status.phase
    event = world.decide(verb, act=False).events[0]
    assert (event.type, event.reason) == ("Warning", "RolloutRequestRefused")
    assert world.status.phase in {phase, SUCCEEDED}


def test_retry_and_promote_need_a_canary() -> None:
    world = World().at_step(1)
    world.decide(Verb.ABORT)
    world.run(30)
    world.canary = replace(world.canary, missing=True, revision="")
    world.decide(Verb.RETRY)
    assert world.said[-1] == "RolloutRequestRefused"
    other = World().at_step(1)
    other.canary = make_pods("dashboard-canary", "3", 2)
    other.decide(Verb.PROMOTE)
    assert "RolloutRequestRefused" in other.said


def test_on_failure_pause_leaves_it_to_a_person() -> None:
    world = World(spec=make_rollout(on_failure=OnFailure.PAUSE), rates=(0.01, 0.2))
    world.until(PAUSED)
    assert world.status.attribution is Attribution.VERSION_FAULT
    world.run(3000)
    assert (world.status.phase, world.weight) == (PAUSED, 5)
    began = world.status.window_started_at
    world.decide(Verb.RESUME)
    assert world.status.phase is PROGRESSING
    assert world.status.window_started_at != began
    world.until(PAUSED)


# What happens around it.


def test_a_new_revision_starts_over_with_traffic_home_first() -> None:
    world = World().at_step(2, 100)
    world.canary = make_pods("dashboard-canary", "3", 2)
    plan = world.decide()
    assert (world.status.phase, world.status.revision) == (WAITING, "rev-3")
    assert plan.effect is Effect.RESTORE_WEIGHTS
    assert world.status.history[-1].reason == "Superseded"
    world.until(SUCCEEDED)
    assert world.effects[2:5] == [
        (Effect.RESTORE_WEIGHTS, 0),
        (Effect.SET_WEIGHT, 5),
        (Effect.SET_WEIGHT, 50),
    ]


def test_a_canary_taken_back_in_mid_rollout_has_nothing_to_roll_out() -> None:
    world = World().at_step(2)
    world.canary = make_pods("dashboard-canary", "1", 2)
    world.run(60)
    assert (world.status.phase, world.weight) == (IDLE, 0)
    assert world.status.finished_revision == "rev-1"


def test_a_revision_that_never_got_traffic_leaves_no_record() -> None:
    world = World(level=Level.MINIMAL)
    world.run(30)
    world.canary = make_pods("dashboard-canary", "3", 2)
    world.run(30)
    assert world.status.history == ()
    assert world.status.revision == "rev-3"


def test_traffic_does_not_go_home_to_a_stable_without_pods() -> None:
    world = World().at_step(2)
    world.stable = replace(world.stable, ready=0)
    world.canary = make_pods("dashboard-canary", "3", 2)
    world.run(60)
    assert world.weight == 50
    assert world.status.reason == "StableNotReady"
    world.stable = replace(world.stable, ready=10)
    world.run(60)
    assert world.weight == 5


def test_a_canary_that_vanishes_fails_the_rollout() -> None:
    world = World().at_step(1)
    world.canary = replace(world.canary, missing=True, revision="")
    world.run(30)
    assert (world.status.phase, world.status.reason, world.weight) == (FAILED, "CanaryMissing", 0)


def test_a_rollback_waits_for_stable_and_for_the_router_with_a_sentence() -> None:
    world = World().at_step(1)
    world.stable = replace(world.stable, ready=0)
    world.decide(Verb.ABORT)
    world.run(60)
    assert world.status.phase is HELD
    assert "no ready pod" in world.status.message
    assert world.said.count("RollbackWaiting") == 1
    world.stable = replace(world.stable, ready=10)
    world.problem = Problem("Conflict", "The route is managed by Argo Rollouts.")
    world.run(60)
    assert world.status.message.endswith("Not yet: The route is managed by Argo Rollouts.")
    world.problem = None
    world.run(30)
    assert world.status.phase is ROLLED_BACK
    assert world.status.message.endswith("traffic goes home.")


def test_a_route_that_is_gone_keeps_no_rollback_from_ending() -> None:
    world = World().at_step(1)
    world.problem = Problem("RouteMissing", "There is no HTTPRoute dashboard.")
    world.decide(Verb.ABORT)
    world.run(15)
    assert world.status.phase is ROLLED_BACK


def test_weights_without_a_record_are_home_at_zero() -> None:
    world = World(originals=False).at_step(1)
    world.decide(Verb.ABORT)
    world.run(15)
    assert (world.status.phase, world.weight) == (ROLLED_BACK, 0)


def test_what_never_left_need_not_come_home() -> None:
    world = World(weight=None, originals=False, level=Level.MINIMAL)
    world.run(30)
    world.decide(Verb.ABORT)
    assert world.status.phase is ROLLED_BACK


def test_a_first_weight_set_before_a_crash_is_taken_back_if_it_may_not_start_now() -> None:
    world = World()
    world.decide()
    world.weight, world.noted, world.level = 5, 0, Level.MINIMAL
    assert world.decide().effect is Effect.RESTORE_WEIGHTS
    assert (world.weight, world.status.phase) == (0, WAITING)


# The end.


def test_promotion_waits_until_stable_is_the_new_version_everywhere() -> None:
    world = World().at_step(2, 500)
    for _ in range(20):
        if world.status.phase is PROMOTING:
            break
        world.run(15)
    world.stable = replace(world.stable, updated=4, available=8)
    world.run(300)
    assert (world.status.reason, world.weight) == ("StableUpdating", 50)
    world.stable = replace(world.stable, failed_to_progress=True)
    world.run(30)
    assert (world.status.reason, world.weight) == ("StableNotProgressing", 50)
    world.stable = make_pods("dashboard", "2", 0)
    world.run(30)
    assert (world.status.reason, world.weight) == ("StableNotReady", 50)
    world.stable = make_pods("dashboard", "2", 10)
    world.problem = Problem("ManagedByOther", "Flagger has it.")
    world.run(30)
    assert (world.status.reason, world.weight) == ("ManagedByOther", 50)
    world.problem = None
    world.run(60)
    assert (world.status.phase, world.weight) == (SUCCEEDED, 0)


def test_promotion_copies_only_a_ready_canary_to_a_stable_that_is_there() -> None:
    world = World().at_step(1)
    world.decide(Verb.PROMOTE, act=False)
    world.canary = replace(world.canary, ready=1)
    world.run(30)
    assert world.status.reason == "CanaryNotReady"
    world.canary, world.stable = replace(world.canary, ready=2), replace(world.stable, missing=True)
    world.run(30)
    assert world.status.reason == "StableMissing"
    assert (Effect.COPY_TEMPLATE, 0) not in world.effects


def test_pods_that_crash_before_the_copy_still_roll_back() -> None:
    for spec in (make_rollout(), make_rollout(after_success=AfterSuccess.KEEP)):
        world = World(spec=spec).at_step(1)
        world.decide(Verb.PROMOTE, act=False)
        world.canary = replace(world.canary, crashing=("pod-0: CrashLoopBackOff",))
        world.run(30)
        assert world.status.phase is ROLLED_BACK


def test_or_pause_if_the_spec_says_so() -> None:
    world = World(spec=make_rollout(on_failure=OnFailure.PAUSE)).at_step(1)
    world.decide(Verb.PROMOTE, act=False)
    world.canary = replace(world.canary, crashing=("pod-0: CrashLoopBackOff",))
    world.decide()
    assert world.status.phase is PAUSED


def test_keep_leaves_the_traffic_where_it_is_until_git_promotes() -> None:
    world = World(spec=make_rollout(after_success=AfterSuccess.KEEP)).until(SUCCEEDED)
    assert (world.weight, world.status.weight) == (50, 50)
    world.weight, world.drifted = 0, True
    world.run(15)
    assert world.weight == 50
    world.run(600)
    assert world.weight == 50
    world.stable = replace(world.stable, content="content-2", updated=3)
    world.run(60)
    assert world.weight == 50
    world.stable = make_pods("dashboard", "2", 10)
    world.run(60)
    assert (world.weight, world.status.weight) == (0, 0)
    assert world.said[-1] == "TrafficHome"


def test_keep_promoted_by_hand_sets_the_last_weight_when_the_canary_is_ready() -> None:
    world = World(spec=make_rollout(after_success=AfterSuccess.KEEP)).at_step(1)
    world.decide(Verb.PROMOTE, act=False)
    world.canary = replace(world.canary, ready=1)
    world.run(15)
    assert (world.status.phase, world.weight) == (PROMOTING, 5)
    world.canary = replace(world.canary, ready=2)
    world.run(30)
    assert (world.status.phase, world.weight) == (SUCCEEDED, 50)


def test_after_a_kept_version_the_next_one_starts_with_traffic_home() -> None:
    world = World(spec=make_rollout(after_success=AfterSuccess.KEEP)).until(SUCCEEDED)
    world.canary = make_pods("dashboard-canary", "3", 2)
    plan = world.decide()
    assert (world.status.phase, plan.effect) == (WAITING, Effect.RESTORE_WEIGHTS)
    world.at_step(1)
    assert world.weight == 5


def test_history_keeps_the_last_ten() -> None:
    world = World()
    for number in range(12):
        world.canary = make_pods("dashboard-canary", str(number + 2), 2)
        world.at_step(1)
        world.decide(Verb.ABORT)
        world.run(30)
    assert [record.revision for record in world.status.history] == [
        f"rev-{number}" for number in range(4, 14)
    ]


# Replicas as the router.


def test_by_replicas_the_first_weight_makes_the_canarys_pods() -> None:
    world = World(spec=make_rollout(traffic=BY_REPLICAS))
    world.canary = make_pods("dashboard-canary", "2", 0)
    world.decide()
    assert world.decide().effect is Effect.SET_WEIGHT
    world.canary = make_pods("dashboard-canary", "2", 1)
    world.run(15)
    assert world.status.step_started_at is not None


def test_by_replicas_a_stable_scaled_away_is_brought_back_by_going_home() -> None:
    world = World(spec=make_rollout(traffic=BY_REPLICAS)).at_step(2)
    world.stable = make_pods("dashboard", "1", 0)
    world.decide(Verb.PROMOTE)
    world.run(15)
    assert world.effects[-2:] == [(Effect.COPY_TEMPLATE, 0), (Effect.RESTORE_WEIGHTS, 0)]


def test_the_weight_that_the_router_is_read_against() -> None:
    spec = make_rollout(after_success=AfterSuccess.KEEP)
    world = World(spec=spec)
    assert wanted_weight(spec, world.status) is None
    world.decide()
    assert wanted_weight(spec, world.status) is None
    world.at_step(1)
    assert wanted_weight(spec, world.status) == 5
    world.decide(Verb.PROMOTE, act=False)
    assert wanted_weight(spec, world.status) == 50
    assert wanted_weight(make_rollout(), world.status) is None
    world.until(SUCCEEDED)
    assert wanted_weight(spec, world.status) == 50
    world = World().at_step(1)
    world.decide(Verb.ABORT, act=False)
    assert wanted_weight(world.spec, world.status) is None


def test_latency_metrics_go_the_whole_way_too() -> None:
    world = World(spec=make_rollout(error_rate(), latency(max_increase_percent=20)))
    world.until(SUCCEEDED)
    assert {metric.name for metric in world.status.metrics} == {"error-rate", "p95"}


def test_promoted_before_the_first_step_the_weights_are_recorded_first() -> None:
    world = World(
        spec=make_rollout(after_success=AfterSuccess.KEEP), problem=Problem("Conflict", "Later.")
    )
    world.run(15)
    world.problem = None
    assert world.decide(Verb.PROMOTE).effect is Effect.NONE
    assert [each.weight for each in world.status.originals] == [100, 0]
    world.run(30)
    assert (world.status.phase, world.weight) == (SUCCEEDED, 50)
