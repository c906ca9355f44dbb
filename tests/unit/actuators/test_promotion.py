"""Stable gets what the canary runs, or a sentence why not."""

from typing import Any

import pytest

from resilience_operator.actuators.promotion import Promotion
from resilience_operator.core.errors import Forbidden, Invalid, TransientError
from resilience_operator.core.resources import DEPLOYMENTS, SERVICES
from resilience_operator.core.rollout.workloads import content_of, revision_of
from tests.unit.actuators.traffic.objects import NAMESPACE, Body, Objects


def make_deployment(name: str, image: str, **labels: str) -> Body:
    pod = {"containers": [{"name": "app", "image": image}]}
    template = {"metadata": {"labels": {"app": name, **labels}}, "spec": pod}
    return {
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


class Bench:
    def __init__(self) -> None:
        self.api = Objects()
        self.api.put(DEPLOYMENTS, make_deployment("web", "app:1"))
        self.api.put(DEPLOYMENTS, make_deployment("canary", "app:2", track="new", extra="x"))
        self.promotion = Promotion(self.api)

    async def promote(self, revision: str = "") -> Any:
        return await self.promotion.copy_template(NAMESPACE, "web", "canary", revision)

    def live(self, name: str) -> Body:
        return self.api.live(DEPLOYMENTS, name)


async def test_copied_once() -> None:
    bench = Bench()
    service = {"metadata": {"name": "canary"}, "spec": {"selector": {"track": "new"}}}
    bench.api.put(SERVICES, service)
    assert await bench.promote(revision_of(bench.live("canary"))) is None
    assert content_of(bench.live("web")) == content_of(bench.live("canary"))
    labels = bench.live("web")["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app": "web", "extra": "x"}
    assert await bench.promote() is None
    assert bench.api.writes == 1


async def test_begins_again_after_an_edit_of_stable() -> None:
    bench = Bench()

    def edit() -> None:
        bench.api.before_patch = None
        bench.api.put(DEPLOYMENTS, make_deployment("web", "app:1", team="shop"))

    bench.api.before_patch = edit
    assert await bench.promote() is None
    assert bench.live("web")["spec"]["template"]["metadata"]["labels"]["team"] == "shop"
    bench.live("web")["spec"]["template"]["spec"]["containers"][0]["image"] = "app:1"
    bench.api.before_patch = lambda: bench.api.put(DEPLOYMENTS, make_deployment("web", "app:1"))
    with pytest.raises(TransientError):
        await bench.promote()


async def test_only_what_has_passed() -> None:
    problem = await Bench().promote("another")
    assert problem.reason == "CanaryChanged"


@pytest.mark.parametrize("name", ["web", "canary"])
async def test_missing(name: str) -> None:
    bench = Bench()
    del bench.api.objects[("Deployment", name)]
    problem = await bench.promote()
    assert problem.message == f"There is no Deployment {name}."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Forbidden("no", status=403), "DeploymentForbidden"),
        (Invalid("bad", status=422), "DeploymentInvalid"),
    ],
)
async def test_refused(error: Exception, reason: str) -> None:
    bench = Bench()
    bench.api.refuse = error
    assert (await bench.promote()).reason == reason


async def test_managed_by_another_tool() -> None:
    bench = Bench()
    bench.live("web")["metadata"]["annotations"] = {"rollout.argoproj.io/revision": "1"}
    assert (await bench.promote()).reason == "ManagedByOther"
