"""What keeps memory and cluster in step without anybody asking: drift of flags, and the resync."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.store import Store
from resilience_operator.kube.watch import Change
from resilience_operator.runtime.clock import Clock


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


async def resync(store: Store, controller: Controller, clock: Clock, seconds: float) -> None:
    """Have every policy compared with the cluster once in so many seconds, evenly spread."""
    while True:
        keys = list(store.policy_keys())
        for key in keys:
            await clock.sleep(seconds / len(keys))
            controller.look_again(key)
        if not keys:
            await clock.sleep(seconds)
