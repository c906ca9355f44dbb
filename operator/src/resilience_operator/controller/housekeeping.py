"""What keeps memory and cluster in step without anybody asking: drift of flags, and the resync."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.store import Store
from resilience_operator.core.errors import ApiError
from resilience_operator.core.model import Key
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from resilience_operator.kube.watch import Change
from resilience_operator.runtime.clock import Clock

log = logging.getLogger(__name__)


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


async def resync(
    store: Store,
    controller: Controller,
    cluster: Lister,
    clock: Clock,
    seconds: float,
    namespaces: Sequence[str | None],
    selector: str | None,
) -> None:
    """Have every policy compared with the cluster once in so many seconds, evenly spread."""
    while True:
        keys = list(store.policy_keys())
        for key in keys:
            await clock.sleep(seconds / len(keys))
            controller.look_again(key)
        if not keys:
            await clock.sleep(seconds)
        try:
            await drop_vanished(store, controller, cluster, namespaces, selector)
        except ApiError as error:
            log.warning("what is gone could not be told from what is there: %s", error)


async def drop_vanished(
    store: Store,
    controller: Controller,
    cluster: Lister,
    namespaces: Sequence[str | None],
    selector: str | None,
) -> None:
    """Let go of what was deleted, or left the selector, while the watch was down.

    kopf's relist shows what is there, and never says what is not.
    """
    policies, levels = set(store.policy_keys()), set(store.level_keys())
    for namespace in namespaces:
        levels -= {_key(each) for each in await cluster.list(LEVELS, namespace)}
        policies -= {_key(each) for each in await cluster.list(POLICIES, namespace, selector)}
    for key in levels:
        controller.level_gone(key)
    for key in policies:
        controller.policy_gone(key)


def _key(body: Mapping[str, Any]) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]
