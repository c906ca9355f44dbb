"""Whole rollouts on a real cluster: a real gateway carries real requests, Prometheus counts them.

Good versions, bad ones in every way a version can be bad, and outages in the middle of both. The
tests build on each other and run in the order in which they stand.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from e2e.conftest import CLUSTER
from e2e.demo.deploy import NAMESPACE
from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.demo.rollout_deploy import (
    CANARY,
    HOST,
    STABLE,
    add_edge,
    apply_rollout_policy,
    remove_edge,
)
from e2e.demo.rollout_walk import Moment, RolloutWalk, Story
from e2e.demo.walk import POLICY
from e2e.demo.watch import wait_for_level
from e2e.load.plan import Plan
from e2e.load.result import LoadResult
from e2e.load.run import LoadRun
from e2e.prometheus.cli import of_cluster as prometheus_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

RATE = 500.0
PATH = "/api/stock_levels"
QUIET = Console(width=200)


@dataclass
class Release:
    """What the tests do: release a version under load, and see what becomes of it."""

    kubectl: Kubectl
    url: str

    def __call__(
        self,
        version: str,
        *,
        meanwhile: Callable[[Moment], None] | None = None,
        rate: float = RATE,
        **environment: str,
    ) -> Story:
        settings = {"ERROR_PERCENT": "0", "DELAY_MS": "0", **environment}
        walk = RolloutWalk(self.kubectl, self.url, QUIET)
        with LoadRun(Plan(self.url + PATH, HOST, rate, 600)) as load:
            story = walk.release(load, version, settings, meanwhile)
            load.stop()
            whole = load.wait()
        return Story(story.version, story.moments, whole, story.began, story.ended)

    def version_of(self, deployment: str) -> str:
        """The VERSION that a Deployment's template says."""
        found = self.kubectl.get("-n", NAMESPACE, "deployment", deployment)
        variables = found["spec"]["template"]["spec"]["containers"][0]["env"]
        return str(next(each["value"] for each in variables if each["name"] == "VERSION"))

    def weights(self) -> tuple[int, int]:
        """Of stable and canary, on the route."""
        route = self.kubectl.get("-n", NAMESPACE, "httproute", "dashboard")
        backends = {b["name"]: b["weight"] for b in route["spec"]["rules"][0]["backendRefs"]}
        return backends[STABLE], backends[CANARY]

    def scale(self, name: str, replicas: int) -> None:
        self.kubectl.run("-n", NAMESPACE, "scale", f"deployment/{name}", f"--replicas={replicas}")


@pytest.fixture(scope="module")
def release(demo: Kubectl) -> Iterator[Release]:
    """The demo with both arms, gateway, Prometheus and the policy with `spec.rollout`."""
    demo.run("-n", NAMESPACE, "delete", "rp", POLICY, "--ignore-not-found", "--timeout=90s")
    url = add_edge(CLUSTER, demo, print)
    apply_rollout_policy(demo)
    wait_for_level(demo, NAMESPACE, POLICY, "OPTIMAL", 120)
    yield Release(demo, url)
    remove_edge(CLUSTER)


def seen_of(story: Story) -> float:
    """Percent of all answers, from the release to its end, that the new version gave."""
    return story.load.between(story.began, story.ended).share(story.version)


def latencies(load: LoadResult) -> str:
    return ", ".join(f"p{p} {load.percentile(p) * 1000:.0f} ms" for p in (50, 95, 99))


def test_a_good_version_goes_out_and_no_request_is_lost(release: Release) -> None:
    with LoadRun(Plan(release.url + PATH, HOST, RATE, 20)) as before:
        alone = before.wait()
    story = release("good-1")
    assert story.end == "Succeeded"
    assert [step for step in dict.fromkeys(m.step for m in story.moments) if step] == [1, 2, 3]
    assert story.load.failures == 0, story.load.reasons()
    shares = {
        weight: story.share(start + 1, end)
        for weight, start, end in story.spans()
        if len(story.load.between(start + 1, end)) >= 4000
    }
    for weight in (5, 25):  # of 30 seconds each, which are 15,000 requests
        assert shares[weight] == pytest.approx(weight, abs=1.5)
    assert release.version_of(STABLE) == "good-1"
    assert release.weights() == (100, 0)
    print(f"without a rollout: {latencies(alone)}; with one: {latencies(story.load)}")


def test_at_full_weight_every_request_reaches_the_canary(release: Release) -> None:
    story = release("good-2", rate=200)
    assert story.end == "Succeeded"
    full = [(start, end) for weight, start, end in story.spans() if weight == 100]
    assert full, "the last step was seen"
    assert story.share(full[0][0] + 1, full[0][1] - 3) == 100


def test_a_version_with_errors_is_rolled_back_in_its_first_step(release: Release) -> None:
    story = release("errors", ERROR_PERCENT="5")
    assert story.end == "RolledBack"
    assert "VersionFault" in story.attributions()
    assert max(m.step for m in story.moments) == 1
    assert seen_of(story) <= 6.5
    assert release.version_of(STABLE) == "good-2"
    assert release.weights() == (100, 0)


def test_a_slow_version_is_rolled_back(release: Release) -> None:
    story = release("slow", rate=200, DELAY_MS="900")
    assert story.end == "RolledBack"
    assert "VersionFault" in story.attributions()
    assert release.weights() == (100, 0)


def test_a_version_that_crashes_is_rolled_back_without_analysis(release: Release) -> None:
    crashed: list[str] = []

    def crash(moment: Moment) -> None:
        """Once it has traffic, let its processes end."""
        if moment.phase == "Progressing" and moment.weight == 5 and not crashed:
            crashed.extend(_pods(release.kubectl))
            end = "import os, signal; os.kill(1, signal.SIGTERM)"
            for pod in crashed:
                # The answer is lost where the container ends before it can be given.
                with contextlib.suppress(CommandFailed):
                    release.kubectl.run("-n", NAMESPACE, "exec", pod, "--", "python3", "-c", end)

    story = release("crashes", meanwhile=crash, rate=100)
    assert story.end == "RolledBack"
    assert "VersionFault" in story.attributions()
    assert max(m.step for m in story.moments) == 1
    assert release.weights() == (100, 0)


def _pods(kubectl: Kubectl) -> list[str]:
    selector = f"app.kubernetes.io/name={CANARY}"
    items: list[dict[str, Any]] = kubectl.get("-n", NAMESPACE, "pods", "-l", selector)["items"]
    return [each["metadata"]["name"] for each in items]


def test_an_outage_holds_a_good_version_and_does_not_blame_it(release: Release) -> None:
    held: list[tuple[int, int]] = []

    def outage(moment: Moment) -> None:
        if moment.phase == "Progressing" and moment.weight == 25 and not held:
            release.scale("postgres", 0)
        elif moment.phase == "Held" and moment.attribution == "DependencyFault":
            held.append(release.weights())
            flags = release.kubectl.get("-n", NAMESPACE, "dl", POLICY)["status"]["features"]
            assert flags["stock_levels"] == "cached"
            release.scale("postgres", 1)

    story = release("good-3", meanwhile=outage, rate=200)
    assert story.end == "Succeeded"
    assert held, "it was held"
    assert set(held) == {(75, 25)}
    assert "VersionFault" not in story.attributions()
    assert release.version_of(STABLE) == "good-3"


def test_a_bad_version_under_the_same_outage_is_rolled_back(release: Release) -> None:
    """It fails where stable falls back: what is wrong shows only once the database is gone."""
    wait_for_level(release.kubectl, NAMESPACE, POLICY, "OPTIMAL", 300)

    def outage(moment: Moment) -> None:
        if moment.phase == "Progressing" and moment.weight == 5:
            release.scale("postgres", 0)

    story = release("bad-in-an-outage", meanwhile=outage, ERROR_PERCENT="3")
    release.scale("postgres", 1)
    assert story.end == "RolledBack"
    assert "LostFallback" in story.attributions()
    assert release.weights() == (100, 0)


def test_without_prometheus_it_holds_and_goes_on_by_itself(release: Release) -> None:
    wait_for_level(release.kubectl, NAMESPACE, POLICY, "OPTIMAL", 300)
    prometheus = prometheus_of(CLUSTER)
    blind: list[Moment] = []

    def blindfold(moment: Moment) -> None:
        if moment.phase == "Progressing" and moment.weight == 5 and not blind:
            prometheus.stop()
        elif moment.phase == "Held" and moment.attribution == "Blind" and not blind:
            blind.append(moment)
            prometheus.start()

    story = release("good-4", meanwhile=blindfold, rate=200)
    assert blind, "it was held"
    assert story.end == "Succeeded"
    assert release.version_of(STABLE) == "good-4"
