import asyncio
from collections.abc import AsyncIterator
from typing import Any

from resilience_operator.controller.housekeeping import (
    INTERRUPTED_SECONDS,
    LAST_PAUSE_SECONDS,
    RollCall,
    after_interruptions,
    resync,
    watch_flags,
)
from resilience_operator.core.errors import Forbidden, TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.kube.watch import Change
from tests.builders import make_level, reference_policy
from tests.unit.controller.fakes import KEY, Bench


class Listing:
    """What the cluster has, by plural; None: it does not answer."""

    def __init__(self, **names: list[str] | None) -> None:
        self.names = names
        self.selectors: dict[str, str | None] = {}
        self.forbidden = ""
        self.meanwhile = lambda: None

    async def pages(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> AsyncIterator[Any]:
        self.selectors[resource.plural] = label_selector
        names = self.names[resource.plural]
        if names is None:
            raise TransientError("no answer")
        if namespace == self.forbidden:
            raise Forbidden("no role")
        for name in names:
            yield {"items": [{"metadata": {"namespace": namespace or "retail", "name": name}}]}
        self.meanwhile()


class Flags:
    async def events(self) -> AsyncIterator[tuple[Change, dict[str, Any]]]:
        metadata = {"namespace": "retail", "name": "inventario-flags", "resourceVersion": "7"}
        yield Change.SYNCED, {}
        yield Change.MODIFIED, {"metadata": metadata}
        yield Change.DELETED, {"metadata": metadata}


async def test_every_change_of_flags_is_told() -> None:
    bench, seen = Bench(), []
    bench.controller.config_map_seen = lambda *told: seen.append(told)  # type: ignore[assignment, method-assign, misc]
    await watch_flags(bench.controller, Flags())
    assert seen == [(("retail", "inventario-flags"), "7"), (("retail", "inventario-flags"), None)]


async def test_what_vanished_while_the_watch_was_down_is_let_go() -> None:
    bench = Bench()
    bench.controller.policy_seen(reference_policy().build())
    bench.controller.policy_seen(reference_policy().named("other").build())
    bench.controller.level_seen(make_level("checkout").build())
    listing = Listing(resiliencepolicies=["other"], degradationlevels=[])
    assert await RollCall(bench.store, bench.controller, listing, (None,), "shard=a").take()
    assert listing.selectors == {"resiliencepolicies": "shard=a", "degradationlevels": None}
    assert list(bench.store.policy_keys()) == [("retail", "other")]
    assert list(bench.store.level_uids()) == []


async def test_one_namespace_that_may_not_be_listed_keeps_nothing_in_the_others() -> None:
    bench = Bench()
    for namespace in ("closed", "retail"):
        bench.controller.policy_seen(reference_policy().named("inventario", namespace).build())
    listing = Listing(resiliencepolicies=[], degradationlevels=[])
    listing.forbidden = "closed"
    roll_call = RollCall(bench.store, bench.controller, listing, ("closed", "retail"), None)
    assert not await roll_call.take()
    assert list(bench.store.policy_keys()) == [("closed", "inventario")]


async def test_what_is_made_anew_while_the_roll_is_called_is_not_what_was_missed() -> None:
    bench = Bench()
    bench.controller.policy_seen(reference_policy().build())
    bench.controller.level_seen(make_level("checkout").build())
    again = reference_policy().build().model_copy(update={"uid": "another"})
    level = make_level("checkout").build().model_copy(update={"uid": "another"})
    listing = Listing(resiliencepolicies=[], degradationlevels=[])

    def make_anew() -> None:
        bench.controller.policy_seen(again)
        bench.controller.level_seen(level)

    listing.meanwhile = make_anew
    assert await RollCall(bench.store, bench.controller, listing, (None,), None).take()
    assert list(bench.store.policy_uids()) == [(KEY, "another")]
    assert list(bench.store.level_uids()) == [(("retail", "checkout"), "another")]


async def test_a_resync_spreads_itself_and_survives_an_api_server_that_does_not_answer() -> None:
    bench = Bench()
    bench.controller.policy_seen(reference_policy().build())
    bench.controller.policy_seen(reference_policy().named("other").build())
    del bench.queue.keys[:]
    listing = Listing(resiliencepolicies=None, degradationlevels=[])
    roll_call = RollCall(bench.store, bench.controller, listing, ("retail",), None)
    task = asyncio.ensure_future(resync(roll_call, bench.clock, 600.0))
    await bench.clock.advance(300)
    assert bench.queue.keys == [KEY]
    await bench.clock.advance(300)
    assert len(bench.queue.keys) == 2
    listing.names["resiliencepolicies"] = []
    await bench.clock.advance(600)
    assert list(bench.store.policy_keys()) == []
    await bench.clock.advance(600)
    assert len(bench.queue.keys) == 4
    task.cancel()


async def test_after_an_interruption_the_roll_is_called_until_the_cluster_answers() -> None:
    bench = Bench()
    bench.controller.policy_seen(reference_policy().build())
    listing = Listing(resiliencepolicies=None, degradationlevels=[])
    roll_call = RollCall(bench.store, bench.controller, listing, (None,), None)
    interrupted = asyncio.Event()
    task = asyncio.ensure_future(after_interruptions(interrupted, roll_call, bench.clock))
    await bench.clock.advance(600)
    assert listing.selectors == {}

    interrupted.set()
    await bench.clock.advance(INTERRUPTED_SECONDS)
    assert list(bench.store.policy_keys()) == [KEY]
    await bench.clock.advance(600)
    listing.names["resiliencepolicies"] = []
    await bench.clock.advance(LAST_PAUSE_SECONDS)
    assert list(bench.store.policy_keys()) == []
    listing.selectors.clear()
    await bench.clock.advance(600)
    assert listing.selectors == {}
    task.cancel()
