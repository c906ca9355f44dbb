"""The share by replica counts: capacity never falls, nothing serves from zero."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilience_operator.actuators.traffic.replicas import (
    Counts,
    Replicas,
    counts_for,
    next_counts,
)
from resilience_operator.core.errors import TransientError
from resilience_operator.core.resources import DEPLOYMENTS
from tests.unit.actuators.traffic.objects import NAMESPACE, Objects


@pytest.mark.parametrize(
    ("total", "weight", "stable", "canary"),
    [
        (20, 0, 20, 0),
        (20, 5, 19, 1),
        (20, 25, 15, 5),
        (20, 100, 0, 20),
        (20, 99, 1, 19),
        (2, 5, 1, 1),
        (10, 25, 7, 3),
    ],
)
def test_counts(total: int, weight: int, stable: int, canary: int) -> None:
    assert counts_for(total, weight) == Counts(stable, canary)


@settings(deadline=None)
@given(st.integers(2, 1000), st.integers(0, 100))
def test_what_carries_weight_has_a_replica(total: int, weight: int) -> None:
    counts = counts_for(total, weight)
    assert counts.stable + counts.canary == total
    assert (counts.stable > 0) == (weight < 100)
    assert (counts.canary > 0) == (weight > 0)


@settings(deadline=None)
@given(*(st.integers(0, 30) for _ in range(4)), st.integers(0, 30), st.integers(0, 30))
def test_one_shrinks_only_for_what_the_other_has(
    stable: int, canary: int, up: int, also_up: int, to_stable: int, to_canary: int
) -> None:
    now, wanted = Counts(stable, canary), Counts(to_stable, to_canary)
    available = Counts(min(up, stable), min(also_up, canary))
    after = next_counts(now, available, wanted)
    lacking = max(to_canary - available.canary, 0)
    if to_stable >= stable:
        assert after.stable == to_stable
    else:
        assert after.stable == min(stable, to_stable + lacking)
    if now.canary >= to_canary and available == now:
        assert after.stable == to_stable


class Bench:
    def __init__(self, stable: int = 20, canary: int = 0, total: int = 20) -> None:
        self.api = Objects()
        for name, replicas in (("web", stable), ("web-canary", canary)):
            spec = {"replicas": replicas}
            self.api.put(DEPLOYMENTS, {"metadata": {"name": name}, "spec": spec, "status": {}})
        self.run()
        self.router = Replicas(self.api, NAMESPACE, total, "web", "web-canary")

    def run(self, *, crashing: str = "") -> None:
        """Have the Deployment controller do its work."""
        for (_, name), live in self.api.objects.items():
            replicas = live["spec"]["replicas"]
            live["status"] = {
                "observedGeneration": live["metadata"]["generation"],
                "replicas": replicas,
                "availableReplicas": 0 if name == crashing else replicas,
            }

    @property
    def counts(self) -> tuple[int, int]:
        names = ("web", "web-canary")
        found = [self.api.live(DEPLOYMENTS, name)["spec"]["replicas"] for name in names]
        return found[0], found[1]


async def test_grows_first_and_shrinks_when_the_pods_are_there() -> None:
    bench = Bench()
    view = await bench.router.set_weight(25, ())
    assert bench.counts == (20, 5)
    assert (view.weight, view.accepted, view.drifted) == (20, False, False)
    bench.run()
    view = await bench.router.set_weight(25, ())
    assert bench.counts == (15, 5)
    assert (view.weight, view.accepted) == (25, False)
    bench.run()
    view = await bench.router.read(25)
    assert (view.weight, view.accepted, view.real_share) == (25, True, 25.0)
    writes = bench.api.writes
    await bench.router.set_weight(25, ())
    assert bench.api.writes == writes


async def test_the_real_share_is_told() -> None:
    bench = Bench(1, 1, total=2)
    view = await bench.router.read(5)
    assert (view.weight, view.real_share) == (5, 50.0)
    bench.run(crashing="web-canary")
    view = await bench.router.read(5)
    assert (view.accepted, view.real_share) == (False, 0.0)


async def test_somebody_elses_counts_are_drift() -> None:
    bench = Bench(10, 5)
    view = await bench.router.read(25)
    assert view.drifted
    assert view.weight == 33
    bench = Bench(30, 10)
    view = await bench.router.read(25)  # the share, but not the counts
    assert (view.weight, view.drifted) == (None, True)


async def test_everything_to_the_canary_and_home_again() -> None:
    bench = Bench()
    originals = (await bench.router.read(None)).originals
    for _ in range(2):
        await bench.router.set_weight(100, originals)
        bench.run()
    assert bench.counts == (0, 20)
    with pytest.raises(TransientError, match="all its pods"):
        await bench.router.restore(originals)
    assert bench.counts == (20, 20)
    bench.run()
    view = await bench.router.restore(originals)
    assert bench.counts == (20, 0)
    assert view.weight == 0
    bench.run()
    view = await bench.router.read(100)
    assert (view.accepted, view.weight, view.originals) == (True, 0, originals)


async def test_nothing_is_left_at_zero() -> None:
    bench = Bench(0, 20)
    await bench.router.restore(())
    assert bench.counts == (20, 20)
    bench = Bench(3, 1)
    await bench.router.restore(())
    assert bench.counts == (3, 1)


async def test_problems() -> None:
    bench = Bench()
    bench.api.live(DEPLOYMENTS, "web")["metadata"]["ownerReferences"] = [
        {"apiVersion": "flagger.app/v1beta1", "kind": "Canary"}
    ]
    view = await bench.router.set_weight(5, ())
    assert view.problem is not None
    assert view.problem.reason == "ManagedByOther"
    del bench.api.objects[("Deployment", "web")]
    view = await bench.router.read(5)
    assert view.problem is not None
    assert view.problem.reason == "RouteMissing"
    assert (await bench.router.restore(())).problem is None
