"""Traffic goes home whatever the router's problem is, and to weights that nobody regrets."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.rollout import (
    AfterSuccess,
    Arm,
    HttpRouteTraffic,
    IngressNginxTraffic,
    IstioTraffic,
    ReplicasTraffic,
    Rollout,
    Traffic,
)
from resilience_operator.api.v1alpha1.rollout_status import OriginalWeight, RolloutPhase
from resilience_operator.core.model import Problem
from resilience_operator.core.rollout import undo, wanted_weight
from resilience_operator.core.rollout.aim import abandoned, left_behind, reference_to
from resilience_operator.core.rollout.model import Effect, RolloutPlan, TrafficView, Verb
from tests.unit.core.rollout.world import World, make_pods, make_rollout

STABLE = "rules/0/backendRefs/0?rule=1&arm=stable"
CANARY = "rules/0/backendRefs/1?rule=1&arm=canary"
HELD = RolloutPhase.HELD
ROLLED_BACK = RolloutPhase.ROLLED_BACK
FAILED = RolloutPhase.FAILED


def weights(canary: int) -> tuple[OriginalWeight, ...]:
    return (
        OriginalWeight(path=STABLE, weight=100 - canary),
        OriginalWeight(path=CANARY, weight=canary),
    )


@dataclass
class Route(World):
    """A world with a route that notes its original weights and can be read while it has a problem.

    `before` is the canary's share as the user set it.
    """

    before: int = 0
    canary_gone: bool = False

    def __post_init__(self) -> None:
        self.weight = self.before

    def traffic(self) -> TrafficView:
        share = self.weight or 0
        return TrafficView(
            weight=self.weight,
            accepted=self.problem is None,
            originals=weights(share),
            recorded=() if self.noted is None else weights(self.noted),
            drifted=self.drifted,
            problem=self.problem,
            canary_gone=self.canary_gone,
        )

    def carry_out(self, plan: RolloutPlan) -> None:
        if plan.effect is Effect.SET_WEIGHT:
            self.noted = self.weight if self.noted is None else self.noted
            self.weight = plan.weight
        elif plan.effect is Effect.RESTORE_WEIGHTS:
            back = self.noted
            if back is None and plan.status.originals:
                back = plan.status.originals[1].weight
            self.weight, self.noted = self.weight if back is None else back, None
        elif plan.effect is Effect.COPY_TEMPLATE:
            self.stable = replace(self.stable, content=self.canary.content)

    def lose_service(self) -> None:
        self.problem = Problem("ServiceMissing", "There is no Service dashboard-canary.")
        self.canary_gone = True


def bad(world: Route) -> Route:
    """The version crashes; a decision later."""
    world.canary = replace(world.canary, crashing=("pod: CrashLoopBackOff",))
    world.decide()
    return world


@pytest.mark.parametrize(
    "reason", ["ServiceMissing", "BackendsNotResolved", "RouteNotAccepted", "RuleMissing"]
)
def test_a_problem_of_the_router_does_not_keep_a_bad_version_in_traffic(reason: str) -> None:
    world = Route().at_step(1, 30)
    world.problem = Problem(reason, "Something is amiss.")
    bad(world)
    assert (world.status.ending, world.weight) == (ROLLED_BACK, 0)
    world.decide()
    assert (world.status.phase, world.status.originals) == (ROLLED_BACK, ())
    assert "Not yet" not in world.status.message


def test_an_unreadable_route_is_asked_for_again_and_says_why() -> None:
    world = Route().at_step(1, 30)
    world.problem, world.weight = Problem("RouteForbidden", "The operator may not read it."), None
    world.canary = replace(world.canary, crashing=("pod: CrashLoopBackOff",))
    plan = world.decide(act=False)
    assert plan.effect is Effect.RESTORE_WEIGHTS
    assert world.status.message.endswith("Not yet: The operator may not read it.")


def test_another_tools_route_is_left_alone_even_then() -> None:
    world = Route().at_step(1, 30)
    world.problem, world.weight = Problem("ManagedByOther", "Flagger has it."), None
    plan = bad(world).decide(act=False)
    assert (plan.effect, plan.status.phase) == (Effect.NONE, HELD)


def test_a_service_that_goes_in_mid_rollout_ends_it() -> None:
    world = Route().at_step(1, 30)
    world.lose_service()
    world.decide()
    assert (world.status.ending, world.weight) == (FAILED, 0)
    assert "Service dashboard-canary is gone" in world.status.message
    world.decide()
    assert world.status.phase is FAILED


def test_a_service_that_is_not_there_yet_is_waited_for() -> None:
    world = Route()
    world.lose_service()
    world.decide()
    assert (world.status.phase, world.status.reason) == (RolloutPhase.WAITING, "ServiceMissing")


def test_a_service_that_goes_after_the_copy_does_not_keep_the_promotion() -> None:
    world = Route().at_step(1, 30)
    world.decide(Verb.PROMOTE)
    assert world.status.phase is RolloutPhase.PROMOTING
    world.lose_service()
    world.decide()
    world.decide()
    assert (world.status.phase, world.weight) == (RolloutPhase.SUCCEEDED, 0)


def test_neither_answers_so_nothing_is_waited_for() -> None:
    world = Route().at_step(1, 30)
    world.stable = replace(world.stable, ready=0)
    world.lose_service()
    world.decide()
    assert world.weight == 0


def test_weights_with_a_note_on_the_route_go_back_to_what_it_says() -> None:
    world = Route(weight=0)
    world.weight, world.noted = 25, 0  # the status is lost in mid-rollout
    world.decide()
    assert world.status.originals == weights(0)
    world.run(60)
    assert world.status.step == 1
    bad(world)
    world.decide()
    assert (world.status.phase, world.weight, world.noted) == (ROLLED_BACK, 0, None)


def test_a_note_outranks_the_status() -> None:
    world = Route().at_step(1, 30)
    world.status = world.status.model_copy(update={"originals": weights(7)})
    bad(world)
    world.decide()
    assert (world.status.phase, world.weight) == (ROLLED_BACK, 0)


class TestSharedBefore:
    """The user gave both arms half of the traffic."""

    def test_a_bad_version_gets_nothing(self) -> None:
        world = bad(Route(before=50).at_step(1, 30))
        assert world.weight == 0
        world.decide()
        assert (world.status.phase, world.status.weight) == (ROLLED_BACK, 0)
        assert (world.status.originals, world.noted) == (weights(50), 50)
        assert undo(world.status) is Effect.RESTORE_WEIGHTS

    def test_it_stays_without(self) -> None:
        world = bad(Route(before=50).at_step(1, 30))
        world.decide()
        assert wanted_weight(world.spec, world.status) == 0
        assert world.decide().effect is Effect.NONE
        world.weight, world.drifted = 50, True  # a sync
        world.decide()
        assert world.weight == 0

    def test_the_next_good_version_brings_the_weights_back(self) -> None:
        world = bad(Route(before=50).at_step(1, 30))
        world.decide()
        world.canary = make_pods("dashboard-canary", "3", 2)
        world.until(RolloutPhase.SUCCEEDED)
        assert (world.weight, world.noted, world.status.originals) == (50, None, ())

    def test_taking_the_version_back_does_so_too(self) -> None:
        world = bad(Route(before=50).at_step(1, 30))
        world.decide()
        world.canary = replace(make_pods("dashboard-canary", "1b", 2), content="content-1")
        world.run(60)
        assert (world.weight, world.noted, world.status.originals) == (50, None, ())
        assert world.status.phase is RolloutPhase.IDLE
        assert undo(world.status) is Effect.NONE

    def test_before_the_first_step_the_users_weights_stand(self) -> None:
        world = Route(before=50, level=None)
        world.run(60)
        assert (world.status.phase, world.weight) == (RolloutPhase.WAITING, 50)

    def test_nor_are_they_taken_from_the_user_who_changes_them_again(self) -> None:
        world = Route(before=50, level=None)
        world.run(60)
        world.weight = 40
        world.run(60)
        assert (world.effects, world.weight) == ([], 40)
        assert world.status.originals == weights(40)

    def test_a_promotion_before_the_first_step_brings_the_users_weights_back(self) -> None:
        world = Route(before=50)
        world.problem = Problem("RouteNotAccepted", "The gateway does not accept it.")
        world.decide()
        world.decide(Verb.PROMOTE)
        world.problem = None
        world.run(60)
        assert (world.status.phase, world.weight) == (RolloutPhase.SUCCEEDED, 50)

    def test_a_version_that_supersedes_another_gets_nothing_either(self) -> None:
        world = Route(before=50).at_step(1, 30)
        world.level = None
        world.canary = make_pods("dashboard-canary", "3", 2)
        world.run(60)
        assert (world.status.phase, world.weight) == (RolloutPhase.WAITING, 0)
        assert world.status.originals == weights(50)


@pytest.mark.parametrize("gone", ["service", "deployment"])
def test_a_kept_canary_that_goes_leaves_its_traffic_to_stable(gone: str) -> None:
    world = Route(spec=make_rollout(after_success=AfterSuccess.KEEP)).until(RolloutPhase.SUCCEEDED)
    assert world.weight == 50
    if gone == "service":
        world.lose_service()
    else:
        world.canary = replace(world.canary, missing=True, ready=0)
    world.run(30)
    assert (world.weight, world.status.weight, world.status.reason) == (0, 0, "TrafficHome")


KINDS = [
    Traffic(http_route=HttpRouteTraffic(name="shop", rules=("one",))),
    Traffic(ingress_nginx=IngressNginxTraffic(ingress="shop")),
    Traffic(istio=IstioTraffic(virtual_service="shop")),
    Traffic(replicas=ReplicasTraffic(total=10)),
]


class TestLeftBehind:
    """A spec that is gone, or that aims elsewhere."""

    def test_the_status_refers_to_the_route_while_something_is_to_be_put_back(self) -> None:
        world = Route().at_step(1, 30)
        assert world.status.traffic == reference_to(world.spec)
        bad(world)
        world.decide()
        assert world.status.traffic is None

    @pytest.mark.parametrize("traffic", KINDS)
    def test_enough_is_known_to_undo_any_kind(self, traffic: Traffic) -> None:
        spec = make_rollout(traffic=traffic)
        status = Route().at_step(1, 30).status
        status = status.model_copy(update={"traffic": reference_to(spec)})
        found = left_behind(None, status)
        assert found is not None
        assert reference_to(found) == reference_to(spec)
        assert left_behind(spec, status) is None

    @pytest.mark.parametrize(
        "change",
        [
            {"traffic": Traffic(http_route=HttpRouteTraffic(name="other"))},
            {"canary": Arm(deployment="other", service="other")},
        ],
    )
    def test_an_aim_that_moves_begins_anew(self, change: dict[str, Any]) -> None:
        world = Route().at_step(1, 30)
        spec: Rollout = world.spec.model_copy(update=change)
        behind = left_behind(spec, world.status)
        assert behind is not None
        assert reference_to(behind) == reference_to(world.spec)
        status = abandoned(world.status, world.now)
        assert (status.phase, status.step, status.originals) == (RolloutPhase.IDLE, 0, ())
        assert [each.reason for each in status.history] == ["TargetChanged"]

    def test_what_had_ended_is_not_remembered_twice(self) -> None:
        world = bad(Route(before=50).at_step(1, 30))
        world.decide()
        assert len(abandoned(world.status, world.now).history) == 1
