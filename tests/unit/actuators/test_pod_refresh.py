"""Pods hear of new flags: those that run, once each, and nobody else."""

from dataclasses import replace
from typing import Any

import pytest

from resilience_operator.actuators import Applied, PodRefresh, RefreshOutcome
from resilience_operator.actuators.workloads import DIGEST_ANNOTATION, RESTART_ANNOTATION
from resilience_operator.api.v1alpha1.policy import LabelSelector, Propagation, Target
from resilience_operator.core.errors import Forbidden, NotFound, TransientError
from resilience_operator.core.resources import DEPLOYMENTS, PODS
from tests.unit.actuators.fake_api import FakeApi
from tests.unit.actuators.makers import make_deployment, make_pod

BY_NAME = (Target(name="dashboard"),)
APPLIED = Applied("inventario-flags", "content", "digest-1", "7", written_at=None)


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.put(DEPLOYMENTS, "retail", make_deployment())
    for name in ("a", "b", "c"):
        api.put(PODS, "retail", make_pod(name))
    return api


@pytest.fixture
def pods(api: FakeApi) -> PodRefresh:
    return PodRefresh(api)


def annotation(api: FakeApi, pod: str) -> str | None:
    metadata = api.objects[("pods", "retail", pod)]["metadata"]
    value: str | None = metadata.get("annotations", {}).get(DIGEST_ANNOTATION)
    return value


async def test_every_pod_of_the_target_is_told(api: FakeApi, pods: PodRefresh) -> None:
    outcome = await pods.propagate(Propagation.REFRESH, "retail", BY_NAME, APPLIED)
    assert outcome == RefreshOutcome(refreshed=3, total=3, patched=3)
    assert {annotation(api, name) for name in "abc"} == {"digest-1"}


async def test_who_knows_costs_no_write(api: FakeApi, pods: PodRefresh) -> None:
    await pods.refresh("retail", BY_NAME, APPLIED)
    before = api.writes
    outcome = await pods.refresh("retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.patched) == (3, 3, 0)
    assert api.writes == before


async def test_a_pod_created_after_the_write_has_read_it_already(
    api: FakeApi, pods: PodRefresh
) -> None:
    api.put(PODS, "retail", make_pod("young", creationTimestamp="2026-01-01T00:00:05Z"))
    applied = replace(APPLIED, written_at="2026-01-01T00:00:04Z")
    outcome = await pods.refresh("retail", BY_NAME, applied)
    assert (outcome.refreshed, outcome.total, outcome.patched) == (4, 4, 3)
    assert annotation(api, "young") is None


@pytest.mark.parametrize(
    "pod",
    [
        make_pod("x", ownerReferences=[]),
        make_pod("x", deletionTimestamp="2026-01-01T00:00:00Z"),
        make_pod("x", status={"phase": "Succeeded"}),
        make_pod("x", app="other"),
    ],
    ids=["by hand", "terminating", "finished", "of another app"],
)
async def test_other_pods_are_left_alone(
    api: FakeApi, pods: PodRefresh, pod: dict[str, Any]
) -> None:
    api.put(PODS, "retail", pod)
    assert (await pods.refresh("retail", BY_NAME, APPLIED)).total == 3
    assert annotation(api, "x") is None


async def test_a_deployment_found_twice_is_told_once(api: FakeApi, pods: PodRefresh) -> None:
    targets = (*BY_NAME, Target(selector=LabelSelector(match_labels={"app": "dashboard"})))
    outcome = await pods.refresh("retail", targets, APPLIED)
    assert (outcome.total, outcome.patched) == (3, 3)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target(name="gone"), "There is no Deployment gone."),
        (Target(selector=LabelSelector(match_labels={"a": "b"})), "labels a=b"),
    ],
)
async def test_a_missing_target_keeps_nothing_from_the_others(
    pods: PodRefresh, target: Target, says: str
) -> None:
    outcome = await pods.refresh("retail", (target, *BY_NAME), APPLIED)
    assert outcome.refreshed == 3
    assert outcome.missing[0].reason == "DeploymentMissing"
    assert says in outcome.missing[0].message


async def test_a_pod_that_went_meanwhile_is_fine(api: FakeApi, pods: PodRefresh) -> None:
    api.failures["b"] = NotFound("pods b not found", status=404)
    outcome = await pods.refresh("retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.complete) == (2, 2, True)


@pytest.mark.parametrize(
    "failure", [Forbidden("pods is forbidden", status=403), TransientError("timeout")]
)
async def test_what_could_not_be_told_is_reported_as_a_share(
    api: FakeApi, pods: PodRefresh, failure: Exception
) -> None:
    api.failures["b"] = failure
    outcome = await pods.refresh("retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.complete) == (2, 3, False)
    assert outcome.failures[0].reason == "PodsNotRefreshed"
    assert outcome.failures[0].message.startswith("1 of 3 pods")


@pytest.mark.parametrize("how", list(Propagation))
async def test_targets_that_may_not_be_looked_at_are_a_failure(
    api: FakeApi, pods: PodRefresh, how: Propagation
) -> None:
    api.unreadable["deployments"] = Forbidden("deployments is forbidden", status=403)
    targets = (Target(selector=LabelSelector(match_labels={"app": "dashboard"})),)
    outcome = await pods.propagate(how, "retail", targets, APPLIED)
    assert not outcome.complete
    assert outcome.failures[0].reason == "TargetsNotReadable"


async def test_a_target_that_does_not_read_the_flags_is_noted(
    api: FakeApi, pods: PodRefresh
) -> None:
    api.put(DEPLOYMENTS, "retail", make_deployment(pod_spec={"containers": [{"name": "app"}]}))
    outcome = await pods.refresh("retail", BY_NAME, APPLIED)
    assert outcome.complete
    assert outcome.notes[0].reason == "TargetDoesNotReadFlags"


async def test_restart_rolls_the_template_once_for_a_digest(api: FakeApi, pods: PodRefresh) -> None:
    outcome = await pods.propagate(Propagation.RESTART, "retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total, outcome.patched) == (1, 1, 1)
    template = api.objects[("deployments", "retail", "dashboard")]["spec"]["template"]
    assert template["metadata"]["annotations"] == {RESTART_ANNOTATION: "digest-1"}
    again = await pods.propagate(Propagation.RESTART, "retail", BY_NAME, APPLIED)
    assert (again.refreshed, again.patched) == (1, 0)
    assert annotation(api, "a") is None


async def test_a_restart_that_is_refused_is_reported(api: FakeApi, pods: PodRefresh) -> None:
    api.failures["dashboard"] = Forbidden("deployments is forbidden", status=403)
    outcome = await pods.restart("retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total) == (0, 1)
    assert outcome.failures[0].reason == "DeploymentNotRestarted"


async def test_kubelet_touches_nothing_and_still_finds_what_is_missing(
    api: FakeApi, pods: PodRefresh
) -> None:
    targets = (Target(name="gone"), *BY_NAME)
    outcome = await pods.propagate(Propagation.KUBELET, "retail", targets, APPLIED)
    assert (outcome.total, api.writes) == (0, 0)
    assert outcome.missing[0].reason == "DeploymentMissing"


async def test_undo_takes_the_annotation_away_and_makes_the_kubelet_look(
    api: FakeApi, pods: PodRefresh
) -> None:
    await pods.refresh("retail", BY_NAME, APPLIED)
    api.put(PODS, "retail", make_pod("never-told"))
    before = api.writes
    outcome = await pods.undo(Propagation.REFRESH, "retail", BY_NAME, APPLIED)
    assert (outcome.refreshed, outcome.total) == (3, 3)
    assert api.writes == before + 3
    assert annotation(api, "a") is None


async def test_undo_of_restart_rolls_to_the_restored_flags(api: FakeApi, pods: PodRefresh) -> None:
    restored = replace(APPLIED, flags_digest="optimal")
    await pods.undo(Propagation.RESTART, "retail", BY_NAME, restored)
    template = api.objects[("deployments", "retail", "dashboard")]["spec"]["template"]
    assert template["metadata"]["annotations"] == {RESTART_ANNOTATION: "optimal"}


@pytest.mark.parametrize("how", [Propagation.KUBELET, Propagation.RESTART])
async def test_undo_without_anything_restored_does_nothing(
    api: FakeApi, pods: PodRefresh, how: Propagation
) -> None:
    assert await pods.undo(how, "retail", BY_NAME, None) == RefreshOutcome()
    assert api.requests == []
