"""A policy that comes from another shard: when it is let in, and as what."""

from typing import Any, cast

import pytest

from resilience_operator.api.v1alpha1.base import FINALIZER, ROLLOUT_ANNOTATION, Level
from resilience_operator.api.v1alpha1.parse import parse_level, parse_policy
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.hand_over import LET_GO_SECONDS, HandOver
from resilience_operator.controller.unplanned import PATIENCE_SECONDS, Unplanned
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from tests.builders import healthy, make_level
from tests.unit.controller.fakes import KEY, Bench

METADATA = {"namespace": "retail", "name": "inventario", "uid": "7f1e", "generation": 1}
DEPENDENCY = {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db.example.com:5432"}}}


def policy_body(level: str | None = "DEGRADED") -> dict[str, Any]:
    status = {} if level is None else {"level": level}
    return {"metadata": METADATA, "spec": {"dependencies": [DEPENDENCY]}, "status": status}


def level_body(name: str, level: str) -> dict[str, Any]:
    return {
        "metadata": {**METADATA, "name": name},
        "spec": {"policyRef": {"name": "inventario"}},
        "status": {"level": level},
    }


class Cluster:
    """What is there now, by plural and name; notes what was read."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[str, str], dict[str, Any]] = {}
        self.read: list[str] = []
        self.meanwhile = lambda: None

    async def get(
        self, resource: Resource, namespace: str | None, name: str
    ) -> dict[str, Any] | None:
        self.read.append(f"{resource.plural}/{name}")
        self.meanwhile()
        return self.bodies.get((resource.plural, name))


class Shard(Bench):
    """A controller behind a hand-over."""

    def __init__(self) -> None:
        super().__init__()
        self.now_there = Cluster()
        self.arrivals = type(self.queue)()
        self.subjects = type(self.queue)()
        unplanned = Unplanned(
            self.store,
            cast(Any, self.now_there),
            self.queue,
            cast(Any, self.observer),
            cast(Any, self.subjects),
            self.clock.now,
            shared=True,
        )
        self.hand_over = HandOver(
            self.store, self.controller, self.now_there, self.arrivals, unplanned, self.clock.now
        )

    def put(self, policy: dict[str, Any], *levels: dict[str, Any]) -> ResiliencePolicy:
        self.now_there.bodies[POLICIES.plural, "inventario"] = policy
        for level in levels:
            self.now_there.bodies[LEVELS.plural, level["metadata"]["name"]] = level
        return parse_policy(policy)


def test_a_new_policy_is_let_in_at_once() -> None:
    shard = Shard()
    shard.hand_over.policy_added(parse_policy(policy_body(level=None)))
    assert list(shard.store.policy_keys()) == [KEY]
    assert shard.arrivals.later == []


def test_one_that_is_listed_at_the_start_is_let_in_at_once() -> None:
    shard = Shard()
    shard.hand_over.policy_seen(parse_policy(policy_body()))
    assert list(shard.store.policy_keys()) == [KEY]


async def test_one_that_had_another_owner_comes_later_and_as_it_then_is() -> None:
    shard = Shard()
    shard.hand_over.level_seen(make_level("checkout").build())
    arriving = parse_policy(policy_body("OPTIMAL"))
    shard.hand_over.policy_added(arriving)
    shard.hand_over.policy_seen(arriving)
    assert list(shard.store.policy_keys()) == []
    assert shard.arrivals.later == [(KEY, shard.clock.now() + LET_GO_SECONDS)]

    levels = (level_body("inventario", "DEGRADED"), level_body("checkout", "LIMITED"))
    shard.put(policy_body("DEGRADED"), *levels)
    await shard.hand_over.take_over(KEY)
    entry = shard.store.get(KEY)
    assert entry is not None
    assert entry.policy_status.level is Level.DEGRADED
    found = {level.name: level.status.level for level in shard.store.levels_of(KEY)}
    assert found == {"inventario": Level.DEGRADED, "checkout": Level.LIMITED}
    assert shard.now_there.read[-1] == "resiliencepolicies/inventario"  # the last to be written
    assert shard.queue.keys.count(KEY) >= 1

    shard.hand_over.policy_added(arriving)  # after a relist: it is held already
    assert len(shard.arrivals.later) == 1


async def test_one_that_leaves_again_meanwhile_is_not_let_in() -> None:
    shard = Shard()
    shard.hand_over.policy_added(shard.put(policy_body()))
    shard.hand_over.policy_gone(KEY, "7f1e")
    await shard.hand_over.take_over(KEY)
    assert shard.now_there.read == []

    shard.hand_over.policy_added(shard.put(policy_body()))
    shard.now_there.meanwhile = lambda: shard.hand_over.policy_gone(KEY, "7f1e")
    await shard.hand_over.take_over(KEY)
    assert list(shard.store.policy_keys()) == []


@pytest.mark.parametrize("level", [None, "OPTIMAL"])
async def test_a_new_one_of_the_same_name_may_come_before_the_old_one_is_said_to_be_gone(
    level: str | None,
) -> None:
    shard = Shard()
    shard.hand_over.policy_added(parse_policy(policy_body()))
    again = policy_body(level)
    again["metadata"] = {**METADATA, "uid": "another"}
    shard.hand_over.policy_added(shard.put(again))
    shard.hand_over.policy_gone(KEY, "7f1e")
    await shard.hand_over.take_over(KEY)
    assert list(shard.store.policy_uids()) == [(KEY, "another")]


async def test_one_that_is_gone_or_wrong_by_then_is_not_let_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shard = Shard()
    shard.hand_over.policy_added(parse_policy(policy_body()))
    await shard.hand_over.take_over(KEY)
    assert list(shard.store.policy_keys()) == []

    shard.hand_over.policy_added(shard.put(policy_body()))
    wrong = {**policy_body(), "spec": {"dependencies": []}}
    shard.now_there.bodies[POLICIES.plural, "inventario"] = wrong
    await shard.hand_over.take_over(KEY)
    assert list(shard.store.policy_keys()) == []
    assert "not taken over until it is corrected" in caplog.text
    assert [subject for subject, _ in shard.subjects.later] == [("resiliencepolicies", *KEY)]


async def test_a_level_that_is_wrong_by_then_does_not_keep_its_policy_out() -> None:
    shard = Shard()
    wrong = level_body("checkout", "LIMITED")
    shard.hand_over.level_seen(parse_level(wrong))
    shard.hand_over.policy_added(shard.put(policy_body(), wrong))
    wrong["spec"] = {**wrong["spec"], "override": {"level": "BEST"}}
    await shard.hand_over.take_over(KEY)
    assert list(shard.store.policy_keys()) == [KEY]
    level = shard.store.level(("retail", "checkout"))
    assert level is not None
    assert level.refused is not None
    assert level.spec.override is None


async def test_a_change_that_is_refused_leaves_what_is_held_and_lets_verbs_through() -> None:
    shard = Shard()
    metadata = {**METADATA, "finalizers": [FINALIZER]}
    body = {**policy_body(level=None), "metadata": metadata}
    shard.hand_over.policy_seen(parse_policy(body))
    shard.hand_over.level_seen(make_level("inventario").build())
    for _ in range(3):
        shard.deliver(healthy, "db")
    assert "flags inventario-flags" in await shard.reconcile()
    status = shard.cluster.bodies[-1]["status"]
    asked = {"generation": 2, "annotations": {ROLLOUT_ANNOTATION: "abort"}}
    wrong = {"metadata": {**metadata, **asked}, "spec": {"dependencies": []}}
    shard.hand_over.policy_refused(wrong, "spec.dependencies: too few")
    entry = shard.store.get(KEY)
    assert entry is not None
    assert [each.name for each in entry.policy.spec.dependencies] == ["db"]
    assert (entry.policy.generation, entry.policy.rollout_verb) == (1, "abort")

    assert await shard.reconcile() == ["status resiliencepolicies/inventario"]
    (ready, *_) = shard.cluster.bodies[-1]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "SpecInvalid")
    assert ready["message"].startswith("spec.dependencies: too few. ")
    assert shard.cluster.bodies[-1]["status"]["observedGeneration"] == 2
    assert shard.subjects.later == []

    shard.hand_over.policy_refused(wrong, "spec.dependencies: too few")  # it is listed again
    assert await shard.reconcile() == []
    shard.hand_over.policy_seen(parse_policy(body))
    assert await shard.reconcile() == ["status resiliencepolicies/inventario"]
    assert shard.cluster.bodies[-1]["status"] == status


def test_one_that_was_never_understood_is_looked_at_later() -> None:
    shard = Shard()
    shard.hand_over.policy_refused({"metadata": METADATA}, "spec: missing")
    shard.hand_over.level_refused({"metadata": METADATA}, "spec: missing")
    assert shard.subjects.later == [
        ((plural, *KEY), shard.clock.now() + PATIENCE_SECONDS)
        for plural in ("resiliencepolicies", "degradationlevels")
    ]


async def test_what_is_let_go_in_the_middle_of_a_pass_is_not_written_on() -> None:
    shard = Shard()
    shard.hand_over.policy_seen(parse_policy(policy_body(level=None)))
    apply_status = shard.cluster.apply_status

    async def lose(*args: Any, **kwargs: Any) -> dict[str, Any]:
        shard.hand_over.policy_gone(KEY, "7f1e")
        return await apply_status(*args, **kwargs)

    shard.cluster.apply_status = lose  # type: ignore[method-assign]
    assert "status degradationlevels/inventario" in await shard.reconcile()
    assert "status resiliencepolicies/inventario" not in shard.journal
    assert not any(each.startswith("flags") for each in shard.journal)
    assert shard.pool.wanted == {}
