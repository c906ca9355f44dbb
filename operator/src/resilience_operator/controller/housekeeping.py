"""What keeps memory and cluster in step without anybody asking: drift of flags, and the resync."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.store import Store
from resilience_operator.core.errors import ApiError
from resilience_operator.core.model import Key
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from resilience_operator.kube.watch import Change
from resilience_operator.runtime.clock import Clock

log = logging.getLogger(__name__)

INTERRUPTED_SECONDS = 3.0
"""By then kopf has listed everything."""


class Lister(Protocol):
    """Lists objects of one kind, in a namespace or in all."""

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """All of them, or those that the selector takes."""


class FlagEvents(Protocol):
    """An endless watch of the ConfigMaps that carry our label."""

    def events(self) -> AsyncIterator[tuple[Change, dict[str, Any]]]:
        """The changes."""


async def watch_flags(controller: Controller, watcher: FlagEvents) -> None:
    """Tell the controller of every change of a flag ConfigMap, its own among them."""
    async for change, body in watcher.events():
        if change is Change.SYNCED:
            continue
        metadata = body["metadata"]
        version = None if change is Change.DELETED else metadata["resourceVersion"]
        controller.config_map_seen((metadata["namespace"], metadata["name"]), version)


@dataclass(frozen=True, slots=True)
class RollCall:
    """Tells what is gone from what is there: kopf's list shows the one, and never the other."""

    store: Store
    controller: Controller
    cluster: Lister
    namespaces: Sequence[str | None]
    selector: str | None

    async def take(self) -> bool:
        """Let go of what was deleted, or left the selector, unseen; whether it could be told."""
        policies, levels = set(self.store.policy_keys()), set(self.store.level_keys())
        try:
            for namespace in self.namespaces:
                levels -= await self._keys(LEVELS, namespace, None)
                policies -= await self._keys(POLICIES, namespace, self.selector)
        except ApiError as error:
            log.warning("what is gone could not be told from what is there: %s", error)
            return False
        for key in levels:
            self.controller.level_gone(key)
        for key in policies:
            self.controller.policy_gone(key)
        return True

    async def _keys(
        self, resource: Resource, namespace: str | None, selector: str | None
    ) -> set[Key]:
        return {_key(each) for each in await self.cluster.list(resource, namespace, selector)}


async def resync(roll_call: RollCall, clock: Clock, seconds: float) -> None:
    """Have every policy compared with the cluster once in so many seconds, evenly spread."""
    while True:
        keys = list(roll_call.store.policy_keys())
        for key in keys:
            await clock.sleep(seconds / len(keys))
            roll_call.controller.look_again(key)
        if not keys:
            await clock.sleep(seconds)
        await roll_call.take()


async def after_interruptions(
    interrupted: asyncio.Event, roll_call: RollCall, clock: Clock
) -> None:
    """Call the roll when the watch has been interrupted, and again until it could be.

    A policy may have left for another shard meanwhile: until the next resync it would have two.
    """
    while True:
        await interrupted.wait()
        interrupted.clear()
        await clock.sleep(INTERRUPTED_SECONDS)
        if not await roll_call.take():
            interrupted.set()


def _key(body: Mapping[str, Any]) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]
