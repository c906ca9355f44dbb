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

LAST_PAUSE_SECONDS = 60.0
"""Between two tries while not everything can be listed."""


class Lister(Protocol):
    """Lists objects of one kind, in a namespace or in all."""

    def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
    ) -> AsyncIterator[Mapping[str, Any]]:
        """All of them, or those that the selector takes, some hundreds at a time."""


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
        """Let go of what was deleted, or left the selector, unseen; whether all could be told."""
        return all([await self._take(namespace) for namespace in self.namespaces])

    async def _take(self, namespace: str | None) -> bool:
        # By uid: what is made anew under the same name meanwhile is not what was missed.
        policies, levels = dict(self.store.policy_uids()), dict(self.store.level_uids())
        try:
            there = await self._keys(LEVELS, namespace, None)
            selected = await self._keys(POLICIES, namespace, self.selector)
        except ApiError as error:
            where = "" if namespace is None else f" in namespace {namespace}"
            log.warning("what is gone%s could not be told from what is there: %s", where, error)
            return False
        for key, uid in levels.items():
            if key not in there and namespace in (None, key[0]):
                self.controller.level_gone(key, uid)
        for key, uid in policies.items():
            if key not in selected and namespace in (None, key[0]):
                self.controller.policy_gone(key, uid)
        return True

    async def _keys(
        self, resource: Resource, namespace: str | None, selector: str | None
    ) -> set[Key]:
        """Of all objects; not the objects, of which there may be more than fit into memory."""
        pages = self.cluster.pages(resource, namespace, selector)
        return {_key(each) async for page in pages for each in page["items"]}


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
        pause = INTERRUPTED_SECONDS
        await clock.sleep(pause)
        while not await roll_call.take():
            pause = min(2 * pause, LAST_PAUSE_SECONDS)
            await clock.sleep(pause)


def _key(body: Mapping[str, Any]) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]
