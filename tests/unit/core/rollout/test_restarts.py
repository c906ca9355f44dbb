"""The operator may die between any two lines: nothing is skipped, repeated or forgotten for it.

What a decision leaves behind always goes through the wire (see `World`); here, at every decision in
turn, either its effect is lost, or the effect is carried out and its status is lost.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Level
from resilience_operator.api.v1alpha1.rollout import AfterSuccess, Approval, Gate, OnFailure
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.core.rollout import decide, undo
from resilience_operator.core.rollout.model import Effect, RolloutPlan, Verb
from resilience_operator.core.rollout.turn import RESTING
from tests.builders import make_health
from tests.unit.core.rollout.world import STEPS, World, make_pods, make_rollout, restored

HEALTHY, DOWN = (make_health("openai", 50, 100),), (make_health("openai", 50, 0),)
LEVELS = [Level.OPTIMAL, Level.DEGRADED, Level.LIMITED]


def succeeds() -> World:
    return World()


def is_bad() -> World:
    return World(rates=(0.01, 0.05))


def is_kept() -> World:
    return World(spec=make_rollout(after_success=AfterSuccess.KEEP))


def crashes() -> World:
    world = World()
    world.canary = replace(world.canary, failed_to_progress=True)
    return world


def outage_in_between(world: World, at: int) -> None:
    world.dependencies = DOWN if 10 <= at < 40 else HEALTHY
    world.rates = (0.3, 0.3) if 10 <= at < 40 else (0.01, 0.01)


def play(make: Callable[[], World], crash_at: int, lose: str) -> tuple[list[int], World, int]:
    """The weights that were in force, one after another, the world at the end, and decisions."""
    world, weights, number = make(), [0], 0
    disturb = outage_in_between if make is succeeds else None
    while number < 400 and (
        number <= crash_at + 1 or number == 0 or world.status.phase not in RESTING
    ):
        if disturb:
            disturb(world, number)
        before = world.status
        plan = world.decide(act=False)
        if number == crash_at and lose == "status":
            world.carry_out(plan)
            world.status = before
        elif number != crash_at:
            world.carry_out(plan)
        if world.weight != weights[-1]:
            weights.append(world.weight or 0)
        number += 1
        world.now += 15
    return weights, world, number


@pytest.mark.parametrize("make", [succeeds, is_bad, is_kept, crashes])
@pytest.mark.parametrize("lose", ["effect", "status"])
def test_a_crash_at_any_decision_changes_nothing_in_what_happens(
    make: Callable[[], World], lose: str
) -> None:
    undisturbed, last, decisions = play(make, -1, lose)
    assert last.status.phase in RESTING
    for crash_at in range(decisions):
        weights, world, _ = play(make, crash_at, lose)
        assert weights == undisturbed, crash_at
        assert world.status.phase is last.status.phase
        assert len(world.status.history) == 1
        assert world.stable.content == last.stable.content


def check(world: World, before: RolloutStatus, plan: RolloutPlan) -> None:
    """What holds of every decision."""
    after, steps = plan.status, world.spec.steps
    assert restored(after) == after
    assert len(after.history) <= 10
    promoted = RolloutPhase.PROMOTING in {before.phase, after.phase}
    assert promoted or after.step <= before.step + 1
    if after.phase is not before.phase:
        assert plan.events, (before.phase, after.phase)
    if after.phase not in RESTING:
        assert after.message
        assert after.reason
    if plan.effect is Effect.SET_WEIGHT:
        assert plan.weight in {step.weight for step in steps}
        assert world.canary.ready > 0
        assert after.originals
        assert undo(after) is Effect.RESTORE_WEIGHTS
    if plan.effect is Effect.RESTORE_WEIGHTS:
        # Home is where somebody answers, unless nobody does on the canary either.
        assert world.stable.ready > 0 or world.canary.ready == 0 or world.canary.missing
    if after.phase in {RolloutPhase.HELD, RolloutPhase.PAUSED} and after.ending is None:
        assert after.step == before.step
        assert plan.effect is Effect.NONE or plan.weight == after.weight
    if after.phase is RolloutPhase.WAITING:
        assert plan.effect is not Effect.SET_WEIGHT
    if plan.effect is not Effect.NONE:
        assert plan.wake_at is not None
        again = decide(replace(world.snapshot(look=False), status=restored(after)))
        assert (again.effect, again.weight) == (plan.effect, plan.weight)


CHANGES: dict[str, st.SearchStrategy[object]] = {
    "level": st.sampled_from(LEVELS),
    "dependencies": st.sampled_from([HEALTHY, DOWN]),
    "rates": st.sampled_from([(0.01, 0.01), (0.2, 0.2), (0.01, 0.06)]),
    "accepted": st.booleans(),
    "blind": st.booleans(),
    "drifted_to": st.sampled_from([0, 5, 50, 70]),
    "ready": st.integers(0, 2),
    "stable_ready": st.sampled_from([0, 10]),
    "restarts": st.integers(0, 3),
    "revision": st.sampled_from(["1", "2", "3"]),
    "missing": st.booleans(),
    "verb": st.sampled_from(list(Verb)),
    "lost": st.just("effect"),
}


def change(world: World, what: str, value: object) -> None:
    if what == "drifted_to":
        world.weight, world.drifted = value, True  # type: ignore[assignment]
    elif what == "ready":
        world.canary = replace(world.canary, ready=value, available=value)  # type: ignore[arg-type]
    elif what == "stable_ready":
        world.stable = replace(world.stable, ready=value)  # type: ignore[arg-type]
    elif what == "restarts":
        world.canary = replace(world.canary, restarts=value)  # type: ignore[arg-type]
    elif what == "missing":
        world.canary = replace(world.canary, missing=bool(value))
    elif what == "revision":
        world.canary = make_pods("dashboard-canary", str(value), 2)
    elif what not in {"verb", "lost"}:
        setattr(world, what, value)
    if what == "level":
        world.level_since = world.now


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[str, object, float]]:
    """What changes, and how long until the next change."""
    names = draw(st.lists(st.sampled_from(sorted(CHANGES)), max_size=25))
    return [
        (name, draw(CHANGES[name]), draw(st.sampled_from([0.0, 0.5, 15.0, 200.0, 700.0, 4000.0])))
        for name in names
    ]


@settings(max_examples=200, deadline=None)
@given(
    happenings(),
    st.sampled_from(list(Approval)),
    st.sampled_from(list(AfterSuccess)),
    st.sampled_from(list(OnFailure)),
)
def test_whatever_happens(
    happened: list[tuple[str, object, float]],
    approval: Approval,
    after_success: AfterSuccess,
    on_failure: OnFailure,
) -> None:
    spec = make_rollout(
        gate=Gate(approval=approval, max_hold_seconds=3600),
        after_success=after_success,
        on_failure=on_failure,
    )
    world = World(spec=spec)
    for what, value, wait in [("accepted", True, 0.0), *happened]:
        change(world, what, value)
        verb = value if isinstance(value, Verb) else None
        for seconds in (0.0, *([15.0] * int(wait // 15))[:60], wait % 15):
            world.now += seconds
            before = world.status
            plan = world.decide(verb, act=False)
            check(world, before, plan)
            if what != "lost":
                world.carry_out(plan)
            verb = None
    assert world.weight in {0, 5, 50, 70, *(step.weight for step in STEPS)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LEVELS), st.floats(1, 300)), max_size=30))
def test_time_held_is_never_time_served(spells: list[tuple[Level, float]]) -> None:
    world, served = World(spec=make_rollout(gate=Gate(max_hold_seconds=604_800))).at_step(1), 0.0
    for level, seconds in [*spells, *[(Level.OPTIMAL, 15.0)] * 60]:
        world.level = level
        world.decide()
        if world.status.step > 1:
            assert served >= STEPS[0].hold_seconds - 1e-6
            return
        served += seconds if world.status.phase is RolloutPhase.PROGRESSING else 0.0
        world.now += seconds
    raise AssertionError(world.status.message)


def test_nothing_is_undone_of_what_was_never_done() -> None:
    assert undo(RolloutStatus()) is Effect.NONE
    world = World()
    world.decide()
    assert undo(world.status) is Effect.RESTORE_WEIGHTS
    world.until(RolloutPhase.SUCCEEDED)
    assert undo(world.status) is Effect.NONE
    kept = World(spec=make_rollout(after_success=AfterSuccess.KEEP)).until(RolloutPhase.SUCCEEDED)
    assert undo(kept.status) is Effect.RESTORE_WEIGHTS
