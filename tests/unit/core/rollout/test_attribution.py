"""Whose fault it is: the table of the design, row by row, and what pods say."""

from dataclasses import replace

import pytest

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.policy_status import BreakerPhase, DependencyState
from resilience_operator.api.v1alpha1.rollout import Step
from resilience_operator.api.v1alpha1.rollout_status import (
    Attribution,
    MetricVerdict,
    RolloutPhase,
)
from resilience_operator.core.model import Trust
from resilience_operator.core.rollout.model import Verb
from tests.builders import make_health
from tests.unit.core.rollout.world import World, error_rate, make_pods, make_rollout, outage

HEALTHY = (make_health("openai", 50, 100),)
DOWN = outage()
CRASH = ("pod-0: CrashLoopBackOff (container app)",)
ALONE = make_rollout(error_rate(max_percent=5), steps=(Step(weight=100, hold_seconds=900),))


@pytest.mark.parametrize(
    ("dependencies", "stable", "canary", "blame", "phase"),
    [
        (HEALTHY, 0.01, 0.01, "None", "Progressing"),
        (HEALTHY, 0.01, 0.04, "VersionFault", "RolledBack"),
        (DOWN, 0.20, 0.20, "DependencyFault", "Held"),
        (DOWN, 0.01, 0.20, "LostFallback", "RolledBack"),
        (DOWN, 0.20, 0.60, "LostFallback", "RolledBack"),
        (DOWN, 0.01, 0.01, "None", "Progressing"),
        (HEALTHY, 0.20, 0.20, "SharedFault", "Held"),
        (HEALTHY, 0.20, 0.60, "VersionFault", "RolledBack"),
        (HEALTHY, 0.20, 0.01, "None", "Progressing"),  # the version that mends it
        ((make_health("openai", 50, None),), 0.01, 0.01, "Blind", "Held"),
        ((make_health("openai", 50, None),), 0.01, 0.20, "VersionFault", "RolledBack"),
    ],
)
def test_the_table(
    dependencies: tuple[object, ...], stable: float, canary: float, blame: str, phase: str
) -> None:
    world = World().at_step(1)
    world.dependencies = dependencies  # type: ignore[assignment]
    world.rates = (stable, canary)
    world.run(450)
    assert (world.status.attribution, world.status.phase) == (blame, phase)
    assert world.status.step == 1
    if phase == "RolledBack":
        assert world.status.history[-1].attribution == blame
        assert world.weight == 0


@pytest.mark.parametrize(
    "dependency",
    [
        make_health("openai", 50, 40, breaker=BreakerPhase.HALF_OPEN),
        make_health("openai", 50, 60, state=DependencyState.SLOW),
        make_health("openai", 0, 60, state=DependencyState.FAILING),
    ],
)
def test_a_dependency_in_any_trouble_counts_as_degraded(dependency: object) -> None:
    world = World(dependencies=(dependency,), rates=(0.2, 0.2))  # type: ignore[arg-type]
    world.at_step(1, 300)
    assert world.status.attribution is Attribution.DEPENDENCY_FAULT


def test_without_trust_in_the_probes_a_worse_canary_is_still_worse_than_stable() -> None:
    world = World().at_step(1)
    world.trust = Trust(False, "MassFailure", "All probes failed at once.")
    world.run(30)
    assert (world.status.phase, world.status.attribution) == (
        RolloutPhase.HELD,
        Attribution.BLIND,
    )
    world.rates = (0.01, 0.2)
    world.until(RolloutPhase.ROLLED_BACK)
    assert world.status.attribution is Attribution.LOST_FALLBACK
    assert "not to be believed" in world.status.message


def test_a_dependencys_fault_is_waited_out_and_resumes_with_a_fresh_window() -> None:
    world = World().at_step(1, 300)
    world.dependencies, world.rates = DOWN, (0.5, 0.5)
    world.run(3000)
    assert world.status.reason == "DependencyFault"
    began = world.status.window_started_at
    world.dependencies, world.rates = HEALTHY, (0.01, 0.01)
    world.decide()
    assert (world.status.phase, world.status.attribution) == (
        RolloutPhase.PROGRESSING,
        Attribution.NONE,
    )
    assert world.status.window_started_at != began
    assert world.status.held_seconds >= 2900
    world.until(RolloutPhase.SUCCEEDED)


def test_an_outage_that_the_flags_soften_is_not_waited_out_to_the_end() -> None:
    world = World().at_step(1, 100)
    world.dependencies, world.rates = DOWN, (0.5, 0.5)
    world.run(120)
    assert world.status.phase is RolloutPhase.HELD
    world.rates = (0.01, 0.01)
    world.run(900)
    assert world.status.phase is not RolloutPhase.HELD


def test_a_level_that_changes_in_a_dependencys_fault_does_not_end_the_hold() -> None:
    world = World().at_step(1, 100)
    world.dependencies, world.rates = DOWN, (0.5, 0.5)
    world.run(120)
    world.level, world.level_since = Level.DEGRADED, world.now
    world.run(1)
    assert world.status.reason == "DependencyFault"
    assert world.status.metrics[0].verdict is MetricVerdict.TOO_FEW_SAMPLES


def test_a_bad_version_in_the_same_outage_is_found_while_it_is_held() -> None:
    world = World().at_step(1)
    world.dependencies, world.level, world.rates = DOWN, Level.MINIMAL, (0.05, 0.05)
    world.run(100)
    assert world.status.phase is RolloutPhase.HELD
    world.rates = (0.05, 0.3)
    world.until(RolloutPhase.ROLLED_BACK)
    assert world.status.attribution is Attribution.LOST_FALLBACK


def test_a_shared_fault_resumes_when_the_figures_are_good_again() -> None:
    world = World().at_step(1, 100)
    world.rates = (0.3, 0.3)
    world.run(300)
    assert world.status.attribution is Attribution.SHARED_FAULT
    world.rates = (0.01, 0.01)
    world.run(600)
    assert world.status.phase is RolloutPhase.PROGRESSING
    world.until(RolloutPhase.SUCCEEDED)


def test_a_hold_that_turns_into_another_one_still_voids_the_window() -> None:
    world = World().at_step(1, 200)
    world.blind = True
    world.run(15)
    windows = world.status.windows
    world.blind, world.level = False, Level.MINIMAL
    world.run(15)
    assert world.status.reason == "LevelTooLow"
    assert world.status.windows == windows + 1


def test_what_is_bad_without_a_ceiling_is_told_by_what_stable_was() -> None:
    world = World(spec=make_rollout(error_rate(max_increase_percent=1))).at_step(1, 300)
    assert world.status.metrics[0].normal is not None
    world.dependencies, world.rates = DOWN, (0.3, 0.3)
    world.run(240)
    assert world.status.attribution is Attribution.DEPENDENCY_FAULT


# Blindness.


def test_missing_metrics_hold_and_resume_by_themselves() -> None:
    world = World().at_step(1, 200)
    world.blind = True
    world.run(3000)
    assert (world.status.phase, world.status.attribution) == (
        RolloutPhase.HELD,
        Attribution.BLIND,
    )
    assert "error-rate (no result)" in world.status.message
    began = world.status.window_started_at
    world.blind = False
    world.run(15)
    assert world.status.phase is RolloutPhase.PROGRESSING
    assert world.status.window_started_at != began


def test_metrics_that_never_come_are_never_a_success() -> None:
    world = World(blind=True)
    world.until(RolloutPhase.ROLLED_BACK)
    assert world.status.step == 1
    assert (world.status.reason, world.status.attribution) == ("HeldTooLong", Attribution.BLIND)


def test_a_window_that_has_just_begun_need_not_have_figures() -> None:
    world = World(blind=True).at_step(1, 60)
    assert world.status.phase is RolloutPhase.PROGRESSING


# All traffic on the canary: no stable to compare with.


def test_with_all_the_traffic_a_figure_over_its_ceiling_must_last() -> None:
    world = World(spec=ALONE).at_step(1, 300)
    assert world.status.metrics[0].verdict is MetricVerdict.PASSING
    world.rates = (0.01, 0.2)
    world.run(60)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.HELD, "VersionFault")
    plan = world.decide()
    assert plan.wake_at is not None
    world.run(120)
    assert world.status.phase is RolloutPhase.ROLLED_BACK


def test_with_all_the_traffic_an_unknown_dependency_convicts_nobody() -> None:
    world = World(spec=ALONE).at_step(1, 300)
    world.dependencies, world.rates = (make_health("openai", 50, None),), (0.01, 0.2)
    world.run(900)
    assert (world.status.phase, world.status.attribution) == (
        RolloutPhase.HELD,
        Attribution.BLIND,
    )
    world.dependencies = HEALTHY
    world.until(RolloutPhase.ROLLED_BACK)
    assert world.status.attribution is Attribution.VERSION_FAULT


def test_dependencies_of_which_nothing_is_known_are_not_called_well() -> None:
    world = World(dependencies=HEALTHY).at_step(1, 60)
    world.dependencies, world.rates = (make_health("openai", 50, None),), (0.01, 0.2)
    world.until(RolloutPhase.ROLLED_BACK)
    assert "dependencies well" not in world.status.message
    assert "nothing is known of openai" in world.status.message


def test_and_an_outage_found_meanwhile_acquits_it() -> None:
    world = World(spec=ALONE).at_step(1, 300)
    world.rates = (0.01, 0.2)
    world.run(60)
    world.dependencies = DOWN
    world.run(600)
    assert (world.status.phase, world.status.attribution) == (
        RolloutPhase.HELD,
        Attribution.DEPENDENCY_FAULT,
    )
    world.dependencies, world.rates = HEALTHY, (0.01, 0.01)
    world.until(RolloutPhase.SUCCEEDED)


# Pods.


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"crashing": CRASH}, "PodsCrashing"),
        ({"restarts": 1}, "PodsCrashing"),
        ({"failed_to_progress": True}, "NotProgressing"),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_pods_that_fail_roll_back_at_once_whatever_the_gate_says(
    change: dict[str, object], reason: str, step: int
) -> None:
    world = World(level=Level.MINIMAL if step == 0 else Level.OPTIMAL)
    world.decide()
    if step:
        world.at_step(step)
        world.level = Level.MINIMAL
    world.canary = replace(world.canary, **change)  # type: ignore[arg-type]
    world.run(30)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.ROLLED_BACK, reason)
    assert world.status.attribution is Attribution.VERSION_FAULT
    assert world.weight == 0


def test_a_deadline_of_the_revision_before_does_not_count() -> None:
    world = World()
    world.canary = replace(world.canary, failed_to_progress=True, observed=False)
    world.run(60)
    assert world.status.phase is RolloutPhase.WAITING


def test_restarts_of_a_pod_that_went_away_are_not_held_against_the_next() -> None:
    world = World(canary=replace(make_pods("dashboard-canary", "2", 2), restarts=4)).at_step(1)
    world.canary = replace(world.canary, restarts=0)
    world.run(15)
    assert world.status.canary_restarts == 0
    world.canary = replace(world.canary, restarts=1)
    world.run(30)
    assert world.status.phase is RolloutPhase.ROLLED_BACK


def test_both_arms_crashing_in_an_outage_are_waited_for_until_they_recover() -> None:
    world = World().at_step(1, 100)
    world.dependencies = DOWN
    world.canary = replace(world.canary, crashing=CRASH, ready=1, restarts=2)
    world.run(30)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.HELD, "CrashesInOutage")
    world.stable = replace(world.stable, restarts=5, ready=8, crashing=CRASH)
    world.run(600)
    assert (world.status.reason, world.status.attribution) == (
        "BothCrashing",
        Attribution.DEPENDENCY_FAULT,
    )
    world.dependencies, world.stable = HEALTHY, make_pods("dashboard", "1", 10)
    world.run(300)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.HELD, "RecoveringFromCrash")
    world.canary = replace(make_pods("dashboard-canary", "2", 2), restarts=3)
    world.run(15)
    assert world.status.phase is RolloutPhase.PROGRESSING
    world.until(RolloutPhase.SUCCEEDED)


def test_a_canary_that_does_not_recover_when_stable_has_is_at_fault() -> None:
    world = World().at_step(1, 100)
    world.canary = replace(world.canary, crashing=CRASH, ready=1)
    world.stable = replace(world.stable, ready=0)
    world.run(60)
    assert world.status.attribution is Attribution.SHARED_FAULT
    world.stable = make_pods("dashboard", "1", 10)
    world.run(390)
    assert world.status.phase is RolloutPhase.ROLLED_BACK
    assert world.status.attribution is Attribution.VERSION_FAULT


def test_a_canary_that_crashes_in_an_outage_that_stable_stands_has_lost_its_fallback() -> None:
    world = World().at_step(1, 100)
    world.dependencies = DOWN
    world.canary = replace(world.canary, crashing=CRASH)
    world.run(90)
    assert world.status.phase is RolloutPhase.ROLLED_BACK
    assert world.status.attribution is Attribution.LOST_FALLBACK


def test_a_canary_without_a_ready_pod_has_a_minute() -> None:
    world = World().at_step(1, 100)
    world.canary = replace(world.canary, ready=0)
    world.run(30)
    assert world.status.phase is RolloutPhase.HELD
    world.canary = replace(world.canary, ready=2)
    world.run(30)
    assert world.status.phase is RolloutPhase.PROGRESSING
    world.canary = replace(world.canary, ready=0)
    world.run(90)
    assert (world.status.phase, world.status.reason) == (
        RolloutPhase.ROLLED_BACK,
        "NoReadyPods",
    )


def test_when_neither_arm_has_a_ready_pod_it_is_not_the_version() -> None:
    world = World().at_step(1, 100)
    world.canary, world.stable = replace(world.canary, ready=0), replace(world.stable, ready=0)
    world.run(600)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.HELD, "BothCrashing")


def test_a_person_who_resumes_a_crashed_version_is_not_overruled_by_the_same_crash() -> None:
    spec = make_rollout(on_failure="Pause")
    world = World(spec=spec).at_step(1)
    world.canary = replace(world.canary, restarts=1)
    world.run(15)
    assert world.status.phase is RolloutPhase.PAUSED
    world.decide(Verb.RESUME)
    world.run(15)
    assert world.status.phase is RolloutPhase.PROGRESSING


def test_both_arms_crashing_in_a_pause_is_remembered_when_stable_recovers_first() -> None:
    world = World().at_step(1, 100)
    world.decide(Verb.PAUSE)
    world.dependencies = DOWN
    world.canary = replace(world.canary, crashing=CRASH, ready=1)
    world.stable = replace(world.stable, crashing=CRASH, ready=5)
    world.run(60)
    world.dependencies, world.stable = HEALTHY, make_pods("dashboard", "1", 10)
    world.run(240)
    assert world.status.phase is RolloutPhase.PAUSED
    world.canary = make_pods("dashboard-canary", "2", 2)
    world.run(600)
    assert (world.status.phase, world.status.shared_crash) == (RolloutPhase.PAUSED, False)


def test_a_crash_right_after_a_change_of_level_has_a_minute_to_show_on_stable_too() -> None:
    world = World().at_step(1, 100)
    world.level, world.level_since = Level.OPTIMAL, world.now
    world.canary = replace(world.canary, crashing=CRASH)
    world.run(30)
    assert (world.status.phase, world.status.reason) == (RolloutPhase.HELD, "PodsCrashing")
    world.run(60)
    assert world.status.phase is RolloutPhase.ROLLED_BACK
    assert world.status.attribution is Attribution.VERSION_FAULT
