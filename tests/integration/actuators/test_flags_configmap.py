"""Flag ConfigMaps on a real API server: what is ours, what is others', and no needless write."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from resilience_operator.actuators import Applied, FlagsConfigMap, FlagsOutcome
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL, Level
from resilience_operator.core.errors import TransientError
from resilience_operator.core.model import FlagSet
from resilience_operator.core.resources import CONFIG_MAPS
from resilience_operator.kube.client import KubeClient

NAME = "inventario-flags"
OPTIMAL = {"AI": "on", "DEGRADATION_LEVEL": "OPTIMAL"}
LIMITED = {"AI": "cached", "DEGRADATION_LEVEL": "LIMITED"}


def make_flags(data: Mapping[str, str], name: str = NAME) -> FlagSet:
    return FlagSet(name, data, Level.OPTIMAL, 100, {}, digest="d" + "".join(sorted(data.values())))


class Bench:
    """The actuator on one namespace, and a look at what is there."""

    def __init__(self, api: KubeClient, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.actuator = FlagsConfigMap(api)

    async def apply(
        self,
        data: Mapping[str, str],
        previous: Applied | None = None,
        *,
        name: str = NAME,
        policy: str = "inventario",
    ) -> FlagsOutcome:
        key = (self.namespace, policy)
        return await self.actuator.apply(
            key, make_flags(data, name), previous, optimal=lambda: make_flags(OPTIMAL, name)
        )

    async def live(self, name: str = NAME) -> dict[str, Any]:
        found = await self.api.get(CONFIG_MAPS, self.namespace, name)
        assert found is not None
        return found

    async def create(self, **fields: Any) -> dict[str, Any]:
        metadata = {"name": NAME, "labels": fields.pop("labels", {})}
        return await self.api.create(CONFIG_MAPS, self.namespace, {"metadata": metadata, **fields})

    async def edit(self, data: dict[str, str | None]) -> None:
        """As a person with kubectl would."""
        await self.api.merge_patch(CONFIG_MAPS, self.namespace, NAME, {"data": data})


@pytest.fixture
def bench(api: KubeClient, namespace: str) -> Bench:
    return Bench(api, namespace)


async def test_created_with_labels_and_without_owner(bench: Bench) -> None:
    outcome = await bench.apply(OPTIMAL)
    live = await bench.live()
    assert live["data"] == OPTIMAL
    assert live["metadata"]["labels"] == {
        MANAGED_BY_LABEL: "inventario",
        "app.kubernetes.io/managed-by": "resilience-operator",
    }
    assert "ownerReferences" not in live["metadata"]
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == [
        "resilience-operator-flags"
    ]
    assert outcome.applied is not None
    assert outcome.applied.resource_version == live["metadata"]["resourceVersion"]
    assert outcome.applied.written_at == live["metadata"]["managedFields"][0]["time"]


async def test_a_policy_with_the_longest_name_keeps_its_config_map(bench: Bench) -> None:
    policy = "p" * 253
    assert (await bench.apply(OPTIMAL, policy=policy)).written
    assert (await bench.apply(LIMITED, policy=policy)).written
    other = await bench.apply(OPTIMAL, policy="p" * 252)
    assert other.problems[0].reason == "ConfigMapOwnedByOtherPolicy"


async def test_a_restart_with_equal_flags_writes_nothing(bench: Bench) -> None:
    first = await bench.apply(OPTIMAL)
    version = (await bench.live())["metadata"]["resourceVersion"]
    again = await bench.apply(OPTIMAL, previous=None)
    assert (again.applied, again.written) == (first.applied, False)
    assert (await bench.live())["metadata"]["resourceVersion"] == version


async def test_keys_no_longer_rendered_go_and_foreign_ones_stay(bench: Bench) -> None:
    first = await bench.apply({**OPTIMAL, "OLD": "on"})
    await bench.edit({"THEIRS": "kept"})
    assert not (await bench.apply({**OPTIMAL, "OLD": "on"})).written
    assert (await bench.apply(LIMITED, first.applied)).written
    assert (await bench.live())["data"] == {**LIMITED, "THEIRS": "kept"}
    assert not (await bench.apply(LIMITED)).written


async def test_a_key_that_somebody_deleted_comes_back(bench: Bench) -> None:
    await bench.apply(OPTIMAL)
    await bench.edit({"AI": None})
    assert (await bench.apply(OPTIMAL)).written
    assert (await bench.live())["data"] == OPTIMAL


async def test_not_ours_is_refused_and_untouched(bench: Bench) -> None:
    before = await bench.create(data={"A": "1"})
    outcome = await bench.apply(OPTIMAL)
    assert outcome.problems[0].reason == "ConfigMapNotOurs"
    assert await bench.live() == before


async def test_another_policys_is_refused_and_untouched(bench: Bench) -> None:
    await bench.apply(OPTIMAL, policy="other")
    before = await bench.live()
    outcome = await bench.apply(LIMITED)
    assert outcome.problems[0].reason == "ConfigMapOwnedByOtherPolicy"
    assert "other" in outcome.problems[0].message
    assert await bench.live() == before


async def test_of_two_policies_that_come_at_once_one_gets_it(bench: Bench) -> None:
    wanted = {"one": OPTIMAL, "two": LIMITED}
    answers = await asyncio.gather(
        *(bench.apply(data, policy=policy) for policy, data in wanted.items()),
        return_exceptions=True,
    )
    first = dict(zip(wanted, answers, strict=True))
    (loser,) = (policy for policy, answer in first.items() if _lost(answer))
    again = await bench.apply(wanted.pop(loser), policy=loser)
    assert again.problems[0].reason == "ConfigMapOwnedByOtherPolicy"
    assert (await bench.live())["data"] == next(iter(wanted.values()))


def _lost(answer: FlagsOutcome | BaseException) -> bool:
    """It met the other one, or came after it."""
    if isinstance(answer, FlagsOutcome):
        return answer.applied is None
    return isinstance(answer, TransientError)


@pytest.mark.parametrize("released", [False, True], ids=["new", "released"])
async def test_of_two_shards_that_come_at_once_one_keeps_it(
    bench: Bench, api: KubeClient, released: bool
) -> None:
    """No lock is between two operators; the label decides, and each looks again by itself."""
    if released:
        first = await bench.apply(OPTIMAL, policy="gone")
        await bench.apply(OPTIMAL, first.applied, policy="gone", name="renamed")
    shards = {"one": (Bench(api, bench.namespace), OPTIMAL), "two": (bench, LIMITED)}

    async def reconcile(policy: str) -> FlagsOutcome | BaseException:
        shard, data = shards[policy]
        return await shard.apply(data, policy=policy)

    at_once = await asyncio.gather(*map(reconcile, shards), return_exceptions=True)
    assert all(isinstance(each, FlagsOutcome | TransientError) for each in at_once), at_once
    if released:
        assert sum(_lost(each) for each in at_once) == 1
    version = (await bench.live())["metadata"]["resourceVersion"]
    again = dict(zip(shards, [await reconcile(policy) for policy in shards], strict=True))
    (loser,) = (policy for policy, answer in again.items() if _lost(answer))
    assert again[loser].problems[0].reason == "ConfigMapOwnedByOtherPolicy"
    live = await bench.live()
    (winner,) = shards.keys() - {loser}
    assert live["data"] == shards[winner][1]
    assert live["metadata"]["labels"][MANAGED_BY_LABEL] == winner
    assert live["metadata"]["resourceVersion"] == version


async def test_immutable_is_reported(bench: Bench) -> None:
    labels = {MANAGED_BY_LABEL: "inventario"}
    before = await bench.create(labels=labels, data={"A": "1"}, immutable=True)
    outcome = await bench.apply(OPTIMAL)
    assert outcome.problems[0].reason == "ConfigMapImmutable"
    assert await bench.live() == before


async def test_a_labelled_one_is_taken_over_without_its_own_fields(bench: Bench) -> None:
    labels = {MANAGED_BY_LABEL: "inventario", "app.kubernetes.io/managed-by": "Helm"}
    await bench.create(labels=labels, data={"THEIRS": "kept"})
    assert (await bench.apply(OPTIMAL)).written
    live = await bench.live()
    assert live["data"] == {**OPTIMAL, "THEIRS": "kept"}
    assert live["metadata"]["labels"] == labels
    assert not (await bench.apply(OPTIMAL)).written


async def test_a_conflict_is_told_and_not_fought(bench: Bench) -> None:
    first = await bench.apply(OPTIMAL)
    body = {"data": {"AI": "forced"}}
    await bench.api.apply(
        CONFIG_MAPS, bench.namespace, NAME, body, field_manager="game-day", force=True
    )
    outcome = await bench.apply(LIMITED, first.applied)
    assert outcome.applied is None
    assert outcome.problems[0].reason == "ConfigMapConflict"
    assert "game-day" in outcome.problems[0].message
    assert ".data.AI" in outcome.problems[0].message
    assert (await bench.live())["data"] == {**OPTIMAL, "AI": "forced"}


async def test_too_large_is_refused_before_the_write_and_the_limit_is_the_servers(
    bench: Bench,
) -> None:
    limit = 1024 * 1024
    assert (await bench.apply({"flags.json": "x" * limit})).written
    outcome = await bench.apply({"flags.json": "x" * (limit + 1)})
    assert outcome.problems[0].reason == "FlagsTooLarge"
    assert len((await bench.live())["data"]["flags.json"]) == limit


async def test_what_the_server_will_not_take_is_a_problem(bench: Bench) -> None:
    outcome = await bench.apply({"not a key": "x"})
    assert outcome.problems[0].reason == "ConfigMapInvalid"
    assert "not a key" in outcome.problems[0].message


class Late(KubeClient):
    """Somebody deletes the ConfigMap between our look at it and our write."""

    async def apply(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        await self.delete(args[0], args[1], args[2])
        return await super().apply(*args, **kwargs)


async def test_one_that_was_deleted_meanwhile_is_not_made_again_by_the_uid(
    bench: Bench, api: KubeClient
) -> None:
    await bench.apply(LIMITED)
    late = FlagsConfigMap(Late(api._connection))
    with pytest.raises(TransientError, match=NAME):
        await late.restore((bench.namespace, "inventario"), make_flags(OPTIMAL))
    assert await api.get(CONFIG_MAPS, bench.namespace, NAME) is None


@pytest.mark.parametrize("remembered", [True, False], ids=["running", "restarted"])
async def test_a_former_name_is_restored_and_released(bench: Bench, remembered: bool) -> None:
    first = await bench.apply(LIMITED)
    previous = first.applied if remembered else None
    assert (await bench.apply(LIMITED, previous, name="renamed")).problems == ()
    former = await bench.live()
    assert former["data"] == OPTIMAL
    assert former["metadata"]["labels"][MANAGED_BY_LABEL] == ""
    assert (await bench.apply(LIMITED, policy="other")).written


async def test_deletion_restores_and_a_policy_of_the_same_name_takes_it_back(
    bench: Bench,
) -> None:
    await bench.apply(LIMITED)
    key = (bench.namespace, "inventario")
    assert (await bench.actuator.restore(key, make_flags(OPTIMAL))).written
    assert (await bench.live())["data"] == OPTIMAL
    assert (await bench.apply(LIMITED)).written
    assert (await bench.live())["data"] == LIMITED
