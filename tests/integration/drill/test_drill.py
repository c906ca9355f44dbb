"""Two API servers, the second one instead of the first: what an export brings back, and how.

There are no nodes: the dependencies are servers of the test, and outlive the first cluster.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from e2e.demo.kubectl import Kubectl
from e2e.drill import exporting
from e2e.drill.exporting import Export, export
from e2e.drill.objects import PARTS
from e2e.drill.restoring import Restoration, Restored
from tests.integration.custom_resources import Api, install
from tests.integration.operator.harness import Dependency, wait_until
from tests.integration.operator.policies import FLAGS, NAME, dependency, level, policy
from tests.integration.operator.stage import Stage, staged

OVERRIDE = {
    "level": "MINIMAL",
    "reason": "stock-taking",
    "requestedBy": "ana",
    "expiresAt": "2099-01-01T00:00:00Z",
}
SHOP = "shop"


@dataclass
class World:
    """What is outside of clusters."""

    openai: Dependency
    postgres: Dependency
    folder: Path

    def policy(self) -> dict[str, object]:
        """A policy of both."""
        return policy(
            dependency("openai", 50, self.openai), dependency("postgres", 50, self.postgres)
        )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("drill")
    made = World(Dependency("openai"), Dependency("postgres"), folder)
    yield made
    made.openai.down()
    made.postgres.down()


@pytest.fixture(scope="module")
def taken(world: World) -> Export:
    """What was exported of a cluster that is no more."""
    return lose(world)


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[Kubectl, Callable[[], Stage]]]:
    """An API server with the definitions; the operator's stage, once its namespace is there."""
    with ControlPlane() as plane:
        api = Api(plane.kubeconfig)
        install(api)
        programs = str(Path(build.find(["kubernetes"])["kubectl"]).parent)
        path = os.pathsep.join([programs, os.environ["PATH"]])
        kubectl = Kubectl({"KUBECONFIG": str(plane.kubeconfig), "PATH": path})
        stages: list[Stage] = []

        def stage() -> Stage:
            opened = staged(plane, api, SHOP, folder)
            stages.append(opened.__enter__())
            return stages[-1]

        try:
            yield kubectl, stage
        finally:
            for each in stages:
                each.close()
            api.close()


def lose(world: World) -> Export:
    """A cluster in an outage, with a person's override on a part of it: exported, and gone."""
    folder = world.folder / "old"
    folder.mkdir()
    with cluster(folder) as (kubectl, open_stage):
        kubectl.run("create", "namespace", SHOP)
        stage = open_stage()
        stage.operator().start_leading()
        stage.apply(world.policy())
        stage.apply(level("checkout", features=["fast_search"]))
        stage.wait_for_level("OPTIMAL")
        world.openai.down()
        stage.wait_for_level("LIMITED")
        stage.patch_level("checkout", override=OVERRIDE)
        stage.wait_for_level("MINIMAL", "checkout")
        wait_until(
            lambda: stage.level()["status"]["health"] == 50 and _written(stage), "all is written"
        )
        stage.create("v1/configmaps", {"metadata": {"name": "of-the-shop"}, "data": {"a": "b"}})
        stage.put_secret("pg", dsn="secret")
        return export(kubectl, world.folder / "backup")


def _written(stage: Stage) -> bool:
    return stage.dependency_status("openai").get("breaker", {}).get("state") == "Open"


def restore(world: World, taken: Export, check: Callable[[Stage], None]) -> Restored:
    """Into a cluster that is new; `check` is for what that is afterwards."""
    folder = world.folder / "new"
    folder.mkdir(exist_ok=True)
    done = Restored()
    with cluster(folder) as (kubectl, open_stage):
        stages: list[Stage] = []

        def install_operator() -> None:
            stages.append(open_stage())
            stages[-1].operator("new").start_leading()

        Restoration(kubectl, taken, install_operator, patience_seconds=20).run(done)
        check(stages[-1])
    return done


def test_an_outage_goes_on_in_the_new_cluster_and_no_flag_flips(
    world: World, taken: Export
) -> None:

    def check(stage: Stage) -> None:
        owner = stage.level()["metadata"]["ownerReferences"][0]
        assert owner["uid"] == stage.policy()["metadata"]["uid"]
        assert "ownerReferences" not in stage.level("checkout")["metadata"]
        assert stage.condition("Ready")["status"] == "True"
        # The operator's again: it writes the flags, and takes them back with the policy.
        world.openai.up()
        stage.wait_for_level("OPTIMAL")
        assert stage.flags()["AI_RECOMMENDATIONS"] == "on"
        stage.delete_policy()
        wait_until(lambda: not stage.policy(), "the policy is gone")
        wait_until(lambda: not stage.level(), "and the level that is its own")
        assert stage.level("checkout")

    done = restore(world, taken, check)

    assert done.good, (done.not_right, done.flips)
    different = {f"{c.subject} {c.what}" for c in done.comparisons if c.outcome == "differs"}
    assert different == set()
    same = {f"{c.subject} {c.what}" for c in done.comparisons if c.outcome == "same"}
    assert f"policy {SHOP}/{NAME} openai: breaker" in same
    assert f"level {SHOP}/checkout override" in same
    assert f"flags {SHOP}/{FLAGS} ai_recommendations" in same
    assert f"level {SHOP}/checkout level" in same


def test_what_is_not_as_it_was_is_told(world: World, taken: Export) -> None:
    world.openai.down()
    world.postgres.down()

    done = restore(world, taken, lambda stage: None)

    assert not done.good
    assert f"level {SHOP}/{NAME}: level EMERGENCY, was LIMITED" in done.not_right
    assert any(FLAGS in each for each in done.flips)


def test_an_export_has_neither_statuses_nor_credentials(taken: Export) -> None:
    assert [each["metadata"]["name"] for each in taken.objects("namespaces")] == [SHOP]
    names = {each["metadata"]["name"] for each in taken.objects("objects")}
    assert {FLAGS, "of-the-shop"} <= names
    for part in PARTS:
        assert all("status" not in each for each in taken.objects(part)), part
        assert all(each["kind"] != "Secret" for each in taken.objects(part)), part
    assert exporting.read(taken.folder) == taken
