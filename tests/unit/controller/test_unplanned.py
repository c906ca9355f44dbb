"""What is said of policies and levels that no plan is made for: when, how often, and of which."""

from typing import Any, cast

import pytest

from resilience_operator.api.v1alpha1.parse import parse_level
from resilience_operator.controller.unplanned import MANAGER, PATIENCE_SECONDS, Subject, Unplanned
from resilience_operator.core.errors import Conflict, NotFound
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from tests.builders import reference_policy
from tests.unit.controller.fakes import KEY, Bench

NAMESPACE, NAME = KEY
CHECKOUT = (NAMESPACE, "checkout")
Body = dict[str, Any]


def body_of(name: str, spec: Body, **more: Any) -> Body:
    metadata = {"namespace": NAMESPACE, "name": name, "uid": f"uid-{name}", "generation": 2}
    return {"metadata": {**metadata, "resourceVersion": "7", **more}, "spec": spec}


def level_body(spec: Body | None = None, **more: Any) -> Body:
    return body_of("checkout", {"policyRef": {"name": NAME}} if spec is None else spec, **more)


def policy_body(**more: Any) -> Body:
    return body_of(NAME, {"dependencies": []}, **more)


class Cluster:
    """What is there, by plural and name; statuses that are written go into it."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[str, str], Body] = {}
        self.read: list[str] = []
        self.written: list[Body] = []
        self.failure: Exception | None = None
        self.meanwhile = lambda: None

    def put(self, resource: Resource, body: Body) -> None:
        self.bodies[resource.plural, body["metadata"]["name"]] = body

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body | None:
        self.read.append(f"{resource.plural}/{name}")
        return self.bodies.get((resource.plural, name))

    async def apply_status(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Body,
        field_manager: str,
        force: bool = False,
    ) -> Body:
        assert (field_manager, force) == (MANAGER, True)
        if self.failure is not None:
            raise self.failure
        self.meanwhile()
        self.written.append(body)
        stored = {**self.bodies[resource.plural, name], "status": body["status"]}
        self.put(resource, stored)
        return stored


class Subjects:
    """Those that are to be looked at, and when."""

    def __init__(self) -> None:
        self.later: list[tuple[Subject, float]] = []

    def add_at(self, key: Subject, when: float) -> None:
        self.later.append((key, when))


class Scene(Bench):
    """A controller, and what is said beside it."""

    def __init__(self, *, shared: bool = False) -> None:
        super().__init__()
        self.there = Cluster()
        self.subjects = Subjects()
        self.unplanned = Unplanned(
            self.store,
            self.there,
            self.queue,
            cast(Any, self.observer),
            self.subjects,
            self.clock.now,
            shared=shared,
        )

    async def look(self, resource: Resource, name: str) -> list[tuple[str, str]]:
        """Look at an object; reason and message of what was written."""
        del self.there.written[:]
        await self.unplanned.tell(Subject(resource.plural, NAMESPACE, name))
        (*said,) = (body["status"]["conditions"][0] for body in self.there.written)
        return [(each["reason"], each["message"]) for each in said]


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_policy_that_was_never_understood_is_told_once(scene: Scene) -> None:
    scene.there.put(POLICIES, policy_body())
    ((reason, message),) = await scene.look(POLICIES, NAME)
    assert reason == "SpecInvalid"
    assert message.startswith("spec.dependencies: ")
    assert "nothing is probed" in message
    (written,) = scene.there.written
    assert written["metadata"]["resourceVersion"] == "7"
    assert written["status"]["observedGeneration"] == 2
    assert written["status"]["conditions"][0]["observedGeneration"] == 2
    assert await scene.look(POLICIES, NAME) == []
    assert scene.observer.of("policy_refused") == [(KEY,), (KEY,)]

    scene.there.bodies[POLICIES.plural, NAME]["metadata"]["generation"] = 3
    assert len(await scene.look(POLICIES, NAME)) == 1


async def test_a_long_list_of_mistakes_leaves_room_for_the_remedy(scene: Scene) -> None:
    names = [{"name": "A" * 200, "weight": "x" * 200, "probe": {"tcp": {}}} for _ in range(9)]
    scene.there.put(POLICIES, body_of(NAME, {"dependencies": names, "mode": "?" * 900}))
    ((_, message),) = await scene.look(POLICIES, NAME)
    assert len(message) <= 1024
    assert message.endswith("stay as they are.")


@pytest.mark.parametrize("case", ["gone", "mended", "leaving", "held"])
async def test_nothing_is_said_of_a_policy_that_is(scene: Scene, case: str) -> None:
    mended = {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db:1"}}}
    bodies = {
        "gone": None,
        "mended": body_of(NAME, {"dependencies": [mended]}),
        "leaving": policy_body(deletionTimestamp="2026-01-01T00:00:00Z"),
        "held": policy_body(),
    }
    if body := bodies[case]:
        scene.there.put(POLICIES, body)
    if case == "held":
        scene.controller.policy_seen(reference_policy().build())
    assert await scene.look(POLICIES, NAME) == []
    assert scene.observer.of("policy_refused") == []


def test_the_problem_of_a_policy_that_was_never_held_goes_with_it(scene: Scene) -> None:
    scene.controller.policy_gone(KEY, "7f1e")
    assert scene.observer.of("forget_policy") == [(KEY,)]


async def test_what_changes_while_it_is_looked_at_is_looked_at_again(scene: Scene) -> None:
    scene.there.put(POLICIES, policy_body())
    scene.there.failure = Conflict("the object has been modified")
    with pytest.raises(Conflict):
        await scene.look(POLICIES, NAME)
    scene.there.failure = NotFound("gone")
    assert await scene.look(POLICIES, NAME) == []


def test_a_level_without_a_policy_is_given_time(scene: Scene) -> None:
    owner = {"kind": "ResiliencePolicy", "apiVersion": "resilience.aidrive.dev/v1alpha1"}
    made_by_us = level_body(ownerReferences=[{**owner, "controller": True}])
    scene.unplanned.level_seen(parse_level(made_by_us))
    assert scene.subjects.later == []
    scene.unplanned.level_seen(parse_level(level_body()))
    looked_at = (Subject(LEVELS.plural, *CHECKOUT), scene.clock.now() + PATIENCE_SECONDS)
    assert scene.subjects.later == [looked_at]


def test_a_policy_that_goes_has_its_levels_looked_at(scene: Scene) -> None:
    scene.controller.policy_seen(reference_policy().build())
    scene.controller.level_seen(parse_level(level_body()))
    scene.unplanned.level_seen(parse_level(level_body()))
    assert scene.subjects.later == []
    scene.unplanned.policy_gone(KEY)
    assert [subject for subject, _ in scene.subjects.later] == [Subject(LEVELS.plural, *CHECKOUT)]


async def test_a_level_whose_policy_is_not_there_says_so_once(scene: Scene) -> None:
    scene.there.put(LEVELS, level_body())
    scene.controller.level_seen(parse_level(level_body()))
    ((reason, message),) = await scene.look(LEVELS, "checkout")
    assert reason == "PolicyNotFound"
    assert f"no ResiliencePolicy {NAME}" in message
    assert await scene.look(LEVELS, "checkout") == []


async def test_a_policy_that_is_there_is_not_missing_whoever_looks_after_it() -> None:
    scene = Scene(shared=True)
    scene.there.put(LEVELS, level_body())
    scene.there.put(POLICIES, policy_body())
    scene.controller.level_seen(parse_level(level_body()))
    assert await scene.look(LEVELS, "checkout") == []
    del scene.there.read[:]
    scene.controller.policy_seen(reference_policy().build())
    assert await scene.look(LEVELS, "checkout") == []
    assert scene.there.read == []


async def test_a_policy_that_comes_in_that_moment_takes_it_back(scene: Scene) -> None:
    scene.controller.policy_seen(reference_policy().build())
    scene.controller.level_seen(parse_level(level_body()))
    await scene.reconcile()
    status = scene.cluster.bodies[-2]["status"]
    scene.controller.policy_gone(KEY, reference_policy().build().uid)

    scene.there.put(LEVELS, {**level_body(), "status": status})
    scene.controller.level_seen(parse_level(scene.there.bodies[LEVELS.plural, "checkout"]))

    def come() -> None:
        scene.controller.policy_seen(reference_policy().build())

    scene.there.meanwhile = come
    await scene.look(LEVELS, "checkout")
    assert scene.queue.keys[-1] == KEY
    assert "status degradationlevels/checkout" in await scene.reconcile()


async def test_a_level_that_is_refused_is_told_by_an_operator_that_looks_after_all() -> None:
    for shared, reasons in ((False, ["SpecInvalid"]), (True, [])):
        scene = Scene(shared=shared)
        scene.there.put(LEVELS, level_body({}))
        said = await scene.look(LEVELS, "checkout")
        assert [reason for reason, _ in said] == reasons
