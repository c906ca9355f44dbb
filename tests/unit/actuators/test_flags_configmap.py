"""One ConfigMap per policy: ours alone, written only when it changes, given back at the end."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from resilience_operator.actuators import Applied, FlagsConfigMap, FlagsOutcome
from resilience_operator.api.v1alpha1.base import MANAGED_BY_LABEL, Level
from resilience_operator.core.errors import Conflict, Forbidden, Invalid, TransientError
from resilience_operator.core.model import FlagSet
from resilience_operator.core.resources import CONFIG_MAPS
from tests.unit.actuators.fake_api import FakeApi

POLICY = ("retail", "inventario")
NAME = "inventario-flags"


def make_flags(data: Mapping[str, str], name: str = NAME) -> FlagSet:
    return FlagSet(name, data, Level.OPTIMAL, 100, {}, digest="d" + "".join(sorted(data.values())))


OPTIMAL = {"AI": "on", "DEGRADATION_LEVEL": "OPTIMAL"}
LIMITED = {"AI": "cached", "DEGRADATION_LEVEL": "LIMITED"}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def flags(api: FakeApi) -> FlagsConfigMap:
    return FlagsConfigMap(api)


async def apply(
    flags: FlagsConfigMap,
    data: Mapping[str, str],
    previous: Applied | None = None,
    *,
    name: str = NAME,
    policy: tuple[str, str] = POLICY,
) -> FlagsOutcome:
    return await flags.apply(
        policy, make_flags(data, name), previous, optimal=lambda: make_flags(OPTIMAL, name)
    )


def data_of(api: FakeApi, name: str = NAME) -> dict[str, str]:
    return dict(api.objects[("configmaps", "retail", name)]["data"])


def label_of(api: FakeApi, name: str = NAME) -> str | None:
    labels = api.objects[("configmaps", "retail", name)]["metadata"].get("labels", {})
    return labels.get(MANAGED_BY_LABEL)


async def test_a_new_policy_gets_its_config_map(api: FakeApi, flags: FlagsConfigMap) -> None:
    outcome = await apply(flags, OPTIMAL)
    assert outcome.written
    assert outcome.applied is not None
    assert outcome.applied.config_map == NAME
    assert data_of(api) == OPTIMAL
    assert label_of(api) == "inventario"


async def test_the_same_flags_again_cost_no_request(api: FakeApi, flags: FlagsConfigMap) -> None:
    first = await apply(flags, OPTIMAL)
    api.requests.clear()
    again = await apply(flags, OPTIMAL, first.applied)
    assert (again.applied, again.written) == (first.applied, False)
    assert api.requests == []


async def test_a_restart_reads_and_does_not_write(api: FakeApi, flags: FlagsConfigMap) -> None:
    first = await apply(flags, OPTIMAL)
    api.requests.clear()
    again = await apply(flags, OPTIMAL, previous=None)
    assert again.applied == first.applied
    assert [verb for verb, _, _ in api.requests] == ["list"]


async def test_a_key_no_longer_rendered_disappears_and_a_foreign_one_stays(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    first = await apply(flags, {**OPTIMAL, "OLD": "on"})
    api.take_over("retail", NAME, "THEIRS", "kept", "kubectl-edit")
    await apply(flags, OPTIMAL, first.applied)
    assert data_of(api) == {**OPTIMAL, "THEIRS": "kept"}


async def test_a_foreign_key_alone_causes_no_write(api: FakeApi, flags: FlagsConfigMap) -> None:
    await apply(flags, OPTIMAL)
    api.take_over("retail", NAME, "THEIRS", "kept", "kubectl-edit")
    assert not (await apply(flags, OPTIMAL)).written


async def test_drift_is_mended_when_the_cluster_is_looked_at_again(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    await apply(flags, OPTIMAL)
    del api.objects[("configmaps", "retail", NAME)]
    assert (await apply(flags, OPTIMAL)).written


@pytest.mark.parametrize(
    ("labels", "immutable", "reason", "names"),
    [
        ({}, False, "ConfigMapNotOurs", "managed-by=inventario"),
        ({MANAGED_BY_LABEL: "other"}, False, "ConfigMapOwnedByOtherPolicy", "policy other"),
        ({MANAGED_BY_LABEL: "inventario"}, True, "ConfigMapImmutable", "Delete it"),
    ],
)
async def test_what_may_not_be_written_is_refused_and_untouched(
    api: FakeApi,
    flags: FlagsConfigMap,
    labels: dict[str, str],
    immutable: bool,
    reason: str,
    names: str,
) -> None:
    body = {"metadata": {"name": NAME, "labels": labels}, "data": {"A": "1"}}
    api.put(CONFIG_MAPS, "retail", {**body, "immutable": immutable})
    outcome = await apply(flags, OPTIMAL)
    assert outcome.applied is None
    assert outcome.problems[0].reason == reason
    assert names in outcome.problems[0].message
    assert api.writes == 0


async def test_a_label_hands_an_existing_config_map_over(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    labels = {MANAGED_BY_LABEL: "inventario", "app.kubernetes.io/managed-by": "Helm"}
    api.put(CONFIG_MAPS, "retail", {"metadata": {"name": NAME, "labels": labels}, "data": {}})
    assert (await apply(flags, OPTIMAL)).written
    labels = api.objects[("configmaps", "retail", NAME)]["metadata"]["labels"]
    assert labels["app.kubernetes.io/managed-by"] == "Helm"
    assert not (await apply(flags, OPTIMAL)).written


async def test_a_conflict_names_manager_and_field(api: FakeApi, flags: FlagsConfigMap) -> None:
    first = await apply(flags, OPTIMAL)
    api.take_over("retail", NAME, "AI", "forced", "flux")
    outcome = await apply(flags, LIMITED, first.applied)
    assert outcome.applied is None
    assert outcome.problems[0].reason == "ConfigMapConflict"
    assert "flux" in outcome.problems[0].message
    assert ".data.AI" in outcome.problems[0].message
    assert data_of(api)["AI"] == "forced"


async def test_an_edit_by_hand_is_put_right(api: FakeApi, flags: FlagsConfigMap) -> None:
    first = await apply(flags, OPTIMAL)
    api.take_over("retail", NAME, "AI", "forced", "kubectl-edit")
    assert (await apply(flags, LIMITED, first.applied)).written
    assert data_of(api)["AI"] == LIMITED["AI"]


async def test_what_kubectl_apply_would_set_again_is_told_and_not_fought(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    first = await apply(flags, OPTIMAL)
    api.take_over("retail", NAME, "AI", "forced", "kubectl-client-side-apply")
    live = api.objects[("configmaps", "retail", NAME)]
    live["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    outcome = await apply(flags, LIMITED, first.applied)
    assert outcome.problems[0].reason == "ConfigMapConflict"
    assert data_of(api)["AI"] == "forced"


async def test_flags_over_a_mebibyte_are_refused_before_the_write(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    outcome = await apply(flags, {"flags.json": "ä" * (512 * 1024 + 1)})
    assert outcome.problems[0].reason == "FlagsTooLarge"
    assert api.writes == 0


async def test_what_others_keep_in_it_counts_towards_the_limit(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    first = await apply(flags, OPTIMAL)
    api.take_over("retail", NAME, "THEIRS", "x" * (1024 * 1024 - 10), "kubectl-edit")
    outcome = await apply(flags, LIMITED, first.applied)
    assert outcome.problems[0].reason == "FlagsTooLarge"


async def test_a_change_under_our_hands_is_worth_another_try(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    api.failures[NAME] = Conflict("the object has been modified", status=409)
    with pytest.raises(TransientError, match=NAME):
        await apply(flags, OPTIMAL)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Forbidden("configmaps is forbidden", status=403), "ConfigMapForbidden"),
        (Invalid("data: Invalid value", status=422), "ConfigMapInvalid"),
    ],
)
async def test_a_refusal_of_the_server_is_a_problem(
    api: FakeApi, flags: FlagsConfigMap, failure: Exception, reason: str
) -> None:
    api.failures[NAME] = failure
    outcome = await apply(flags, OPTIMAL)
    assert outcome.problems[0].reason == reason
    assert str(failure) in outcome.problems[0].message


@pytest.mark.parametrize("remembered", [True, False], ids=["running", "restarted"])
async def test_a_former_name_gets_the_flags_of_optimal_and_is_released(
    api: FakeApi, flags: FlagsConfigMap, remembered: bool
) -> None:
    first = await apply(flags, LIMITED)
    await apply(flags, LIMITED, first.applied if remembered else None, name="renamed")
    assert data_of(api) == OPTIMAL
    assert label_of(api) == ""
    assert data_of(api, "renamed") == LIMITED


async def test_a_released_config_map_is_taken_back_by_any_policy(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    first = await apply(flags, LIMITED)
    await apply(flags, LIMITED, first.applied, name="renamed")
    assert (await apply(flags, LIMITED, policy=("retail", "other"))).written
    assert label_of(api) == "other"


async def test_the_old_name_is_kept_while_the_new_one_is_refused(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    first = await apply(flags, LIMITED)
    api.put(CONFIG_MAPS, "retail", {"metadata": {"name": "taken"}})
    outcome = await apply(flags, LIMITED, first.applied, name="taken")
    assert outcome.problems[0].reason == "ConfigMapNotOurs"
    assert data_of(api) == LIMITED
    assert label_of(api) == "inventario"


async def test_config_maps_that_may_not_be_read_are_a_problem(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    api.unreadable["configmaps"] = Forbidden("configmaps is forbidden", status=403)
    assert (await apply(flags, OPTIMAL)).problems[0].reason == "ConfigMapForbidden"


async def test_a_copy_that_somebody_made_is_left_alone(api: FakeApi, flags: FlagsConfigMap) -> None:
    await apply(flags, LIMITED)
    copy = {"metadata": {"name": "copy", "labels": {MANAGED_BY_LABEL: "inventario"}}}
    api.put(CONFIG_MAPS, "retail", {**copy, "data": LIMITED})
    await apply(flags, LIMITED)
    await flags.restore(POLICY, make_flags(OPTIMAL))
    assert data_of(api, "copy") == LIMITED
    assert label_of(api, "copy") == "inventario"


class Slow(FakeApi):
    """Applies only when it is let to."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def apply(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        self.reached.set()
        await self.go.wait()
        return await super().apply(*args, **kwargs)


async def test_two_policies_do_not_take_the_same_config_map_at_once() -> None:
    api = Slow()
    flags = FlagsConfigMap(api)
    first = asyncio.create_task(apply(flags, OPTIMAL, policy=("retail", "one")))
    await api.reached.wait()
    with pytest.raises(TransientError, match="another policy"):
        await apply(flags, LIMITED, policy=("retail", "two"))
    api.go.set()
    assert (await first).written
    late = await apply(flags, LIMITED, policy=("retail", "two"))
    assert late.problems[0].reason == "ConfigMapOwnedByOtherPolicy"


async def test_deletion_restores_and_keeps_the_label(api: FakeApi, flags: FlagsConfigMap) -> None:
    await apply(flags, LIMITED)
    outcome = await flags.restore(POLICY, make_flags(OPTIMAL))
    assert outcome.written
    assert outcome.applied is not None
    assert data_of(api) == OPTIMAL
    assert label_of(api) == "inventario"
    assert not (await flags.restore(POLICY, make_flags(OPTIMAL))).written


async def test_deletion_creates_nothing(api: FakeApi, flags: FlagsConfigMap) -> None:
    assert await flags.restore(POLICY, make_flags(OPTIMAL)) == FlagsOutcome()
    assert api.objects == {}


async def test_deletion_leaves_a_foreign_config_map_alone(
    api: FakeApi, flags: FlagsConfigMap
) -> None:
    api.put(CONFIG_MAPS, "retail", {"metadata": {"name": NAME}, "data": {"A": "1"}})
    await flags.restore(POLICY, make_flags(OPTIMAL))
    assert data_of(api) == {"A": "1"}
