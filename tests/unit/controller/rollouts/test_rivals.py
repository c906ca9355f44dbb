"""Policies with the same arms: the oldest drives, and the others leave the weights alone."""

from typing import Any

import pytest

from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout import (
    Arm,
    HttpRouteTraffic,
    IngressNginxTraffic,
    Rollout,
    Step,
    Traffic,
)
from resilience_operator.api.v1alpha1.rollout_status import RolloutPhase, RolloutStatus
from resilience_operator.controller.rollouts.rivals import Rivals
from resilience_operator.core.model import Key
from resilience_operator.core.resources import POLICIES
from tests.builders import make_policy
from tests.unit.controller.rollouts.bench import KEY, Bench, Server
from tests.unit.core.rollout.world import BY_REPLICAS, make_rollout

OTHER = (KEY[0], "other")
REASON = "DrivenByOtherPolicy"
HALF = make_rollout(steps=(Step(weight=50, hold_seconds=600), Step(weight=100)))
MORNING, NOON = "2026-12-01T08:00:00Z", "2026-12-01T12:00:00Z"
ROUTE = Traffic(http_route=HttpRouteTraffic(name="dashboard"))


def arm(name: str) -> Arm:
    return Arm(deployment=name, service=name)


def spec(stable: str, canary: str, traffic: Traffic = ROUTE) -> Rollout:
    return Rollout(stable=arm(stable), canary=arm(canary), traffic=traffic)


def made(name: str, created: str = NOON, namespace: str = "retail") -> ResiliencePolicy:
    policy = make_policy().named(name, namespace).build()
    return policy.model_copy(update={"created": created, "uid": name})


class TestClaims:
    def setup_method(self) -> None:
        self.told: list[Key] = []
        self.rivals = Rivals(Server(), self.told.append)

    def test_the_older_one_drives_whoever_comes_first(self) -> None:
        young, old = made("a"), made("z", MORNING)
        self.rivals.claim(young, HALF)
        assert self.rivals.elder(young, HALF) is None
        self.rivals.claim(old, HALF)
        assert self.told == [("retail", "a")]
        assert self.rivals.elder(young, HALF) == ("retail", "z")
        assert self.rivals.elder(old, HALF) is None

    def test_of_two_of_the_same_second_the_name_decides(self) -> None:
        for each in (made("b"), made("a"), made("c")):
            self.rivals.claim(each, HALF)
        assert [self.rivals.elder(made(n), HALF) for n in "abc"] == [None, *[("retail", "a")] * 2]

    def test_who_waits_is_told_when_it_is_over(self) -> None:
        young, old = made("young"), made("old", MORNING)
        self.rivals.claim(old, HALF)
        self.rivals.claim(young, HALF)
        del self.told[:]
        self.rivals.claim(old, HALF)
        assert self.told == []
        self.rivals.claim(old, spec("api", "api-canary"))
        assert self.told == [("retail", "young")]
        assert self.rivals.elder(young, HALF) is None
        self.rivals.claim(old, HALF)
        self.rivals.release(("retail", "old"))
        assert self.told == [("retail", "young")] * 3
        assert self.rivals.elder(young, HALF) is None

    @pytest.mark.parametrize(
        ("one", "other", "rivals"),
        [
            (spec("a", "b"), spec("a", "b"), True),
            (spec("a", "b"), spec("b", "a"), True),
            (spec("a", "b"), spec("c", "d"), False),
            (spec("a", "b"), spec("a", "c"), False),
            (spec("a", "b"), spec("a", "b", Traffic(http_route=HttpRouteTraffic(name="x"))), False),
            (spec("a", "b"), spec("a", "b", BY_REPLICAS), False),
            (spec("a", "b", BY_REPLICAS), spec("a", "b", BY_REPLICAS), True),
            (spec("a", "b", BY_REPLICAS), spec("c", "b", BY_REPLICAS), True),
            (spec("a", "b", BY_REPLICAS), spec("c", "d", BY_REPLICAS), False),
        ],
    )
    def test_what_cannot_be_set_twice(self, one: Rollout, other: Rollout, rivals: bool) -> None:
        self.rivals.claim(made("old", MORNING), one)
        assert (self.rivals.elder(made("young"), other) is not None) == rivals

    def test_a_canary_ingress_says_itself_whose_it_is(self) -> None:
        nginx = spec("a", "b", Traffic(ingress_nginx=IngressNginxTraffic(ingress="shop")))
        self.rivals.claim(made("old", MORNING), nginx)
        assert self.rivals.elder(made("young"), nginx) is None

    def test_another_namespace_has_other_services(self) -> None:
        self.rivals.claim(made("old", MORNING, "wholesale"), HALF)
        assert self.rivals.elder(made("young"), HALF) is None

    async def test_the_message_says_who_and_what_to_do(self) -> None:
        self.rivals.claim(made("old", MORNING), HALF)
        problem = await self.rivals.reason_to_yield(made("young"), HALF, "")
        assert problem is not None
        assert problem.reason == REASON
        assert "policy old is older" in problem.message
        assert "the same Services on httpRoute dashboard" in problem.message
        assert "Services of its own" in problem.message


class TestTwoPolicies:
    """`KEY` is the older one, at half the traffic; `OTHER` wants a twentieth."""

    def setup_method(self) -> None:
        self.bench = Bench()

    def see(self, key: Key, rollout: Rollout | None, **changes: Any) -> ResiliencePolicy:
        created = MORNING if key == KEY else NOON
        return self.bench.see(
            spec=rollout, no_rollout=rollout is None, name=key[1], uid=key[1], created=created,
            **changes,
        )  # fmt: skip

    async def both(self, times: int) -> None:
        await self.bench.turn(times, 1.0, OTHER)

    async def begun(self) -> None:
        self.see(KEY, HALF)
        self.see(OTHER, make_rollout())
        await self.both(4)

    async def test_the_younger_one_waits_and_says_for_whom(self) -> None:
        await self.begun()
        writes = self.bench.server.writes
        await self.both(10)
        assert self.bench.server.weights == (50, 50)
        assert self.bench.server.writes == writes
        waiting = self.bench.status_of(OTHER)
        assert (waiting.phase, waiting.reason) == (RolloutPhase.WAITING, REASON)
        assert waiting.originals == ()
        assert f"policy {KEY[1]} is older" in waiting.message
        assert self.bench.status_of(KEY).phase is RolloutPhase.PROGRESSING

    async def test_it_goes_on_when_the_older_one_is_gone(self) -> None:
        await self.begun()
        await self.bench.worker.undo(self.see(KEY, HALF, deleting=True))
        self.bench.store.drop_policy(KEY)
        self.bench.queue.keys.clear()
        await self.bench.worker.reconcile(KEY)
        assert OTHER in self.bench.queue.keys
        await self.both(4)
        assert self.bench.server.weights == (95, 5)
        assert self.bench.status_of(OTHER).phase is RolloutPhase.PROGRESSING

    @pytest.mark.parametrize("change", ["spec", "aim", "mode"])
    async def test_it_goes_on_when_the_older_one_drives_nothing_or_something_else(
        self, change: str
    ) -> None:
        await self.begun()
        match change:
            case "spec":
                self.see(KEY, None)
            case "aim":
                self.see(KEY, spec("api", "api-canary"))
            case "mode":
                self.see(KEY, HALF, mode=Mode.OBSERVE)
        self.bench.queue.keys.clear()
        await self.bench.worker.reconcile(KEY)
        assert OTHER in self.bench.queue.keys
        await self.both(4)
        assert self.bench.server.weights == (95, 5)

    async def test_one_in_the_middle_is_held_and_goes_on_where_it_was(self) -> None:
        self.see(OTHER, make_rollout())
        self.see(KEY, None)
        await self.both(4)
        assert self.bench.server.weights == (95, 5)
        self.see(KEY, HALF)
        await self.both(4)
        held = self.bench.status_of(OTHER)
        assert (held.phase, held.step, held.reason) == (RolloutPhase.HELD, 1, REASON)
        assert self.bench.server.weights == (50, 50)
        self.see(KEY, None)
        await self.both(6)
        assert self.bench.server.weights == (95, 5)
        assert self.bench.status_of(OTHER).phase is RolloutPhase.PROGRESSING

    async def test_the_younger_one_that_goes_takes_no_weights_with_it(self) -> None:
        await self.begun()
        await self.bench.worker.undo(self.see(OTHER, make_rollout(), deleting=True))
        assert self.bench.server.weights == (50, 50)

    async def test_but_puts_back_what_it_has_left_while_the_older_one_does_nothing(self) -> None:
        self.see(OTHER, make_rollout())
        self.see(KEY, None)
        await self.both(4)
        await self.bench.worker.undo(self.see(OTHER, make_rollout(), deleting=True))
        assert self.bench.server.weights == (100, 0)

    async def test_it_promotes_nothing(self) -> None:
        await self.begun()
        self.bench.server.put(
            POLICIES, {"metadata": {"name": OTHER[1], "annotations": {}}, "spec": {}}
        )
        state = self.bench.worker._states[OTHER]
        promoting = {"phase": RolloutPhase.PROMOTING, "reason": "Promoting"}
        state.status = state.status.model_copy(update=promoting)
        writes = self.bench.server.writes
        await self.both(3)
        assert self.bench.server.writes == writes
        assert self.bench.status_of(OTHER).reason == REASON

    async def test_after_a_start_it_asks_whether_the_other_is_there(self) -> None:
        """The younger one may be the first that the operator sees again."""
        await self.begun()
        old, waiting = self.see(KEY, HALF), self.bench.status_of(OTHER)
        self.bench.store.drop_policy(KEY)
        metadata = {
            "name": KEY[1], "namespace": KEY[0], "uid": "1", "creationTimestamp": MORNING,
        }  # fmt: skip
        body = {
            "metadata": metadata,
            "spec": old.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        self.bench.server.put(POLICIES, body)
        self.bench.worker = self.bench.make_worker()
        self.see(OTHER, make_rollout(), status=RolloutStatus.model_validate(waiting.model_dump()))
        await self.both(4)
        assert self.bench.server.weights == (50, 50)
        assert self.bench.worker._states[OTHER].status.reason == REASON
