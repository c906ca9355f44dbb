"""Policies that come from another shard: taken over once that one has let go of them.

Both shards hear of the changed label within the same moment, and the other may still write what it
has begun. So it is given some seconds, and then the policy and its levels are read afresh, whatever
the watches have shown meanwhile: decisions go on from the last one that was made.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.parse import (
    InvalidResource,
    keep_level,
    keep_policy,
    parse_level,
    parse_policy,
)
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.ports import Queue
from resilience_operator.controller.reconciler import Controller
from resilience_operator.controller.store import Store
from resilience_operator.controller.unplanned import Unplanned
from resilience_operator.core.model import Key
from resilience_operator.core.resources import LEVELS, POLICIES, Resource

log = logging.getLogger(__name__)

LET_GO_SECONDS = 3.0


class Reader(Protocol):
    """Reads single objects from the API server."""

    async def get(
        self, resource: Resource, namespace: str | None, name: str
    ) -> dict[str, Any] | None:
        """The object as it is now; None when it is not there."""


class HandOver:
    """Stands between the watch and the controller, and keeps back what is not ours yet."""

    def __init__(
        self,
        store: Store,
        controller: Controller,
        reader: Reader,
        queue: Queue,
        unplanned: Unplanned,
        now: Callable[[], float],
    ) -> None:
        """`queue` is to run `take_over` for what is put on it."""
        self._store = store
        self._controller = controller
        self._reader = reader
        self._queue = queue
        self._unplanned = unplanned
        self._now = now
        self._awaited: dict[Key, str] = {}  # by their uids
        self.interrupted = asyncio.Event()
        """Set when the watches have missed something: whoever acts upon it clears it."""

    def policy_added(self, policy: ResiliencePolicy) -> None:
        """A policy that is new, or one that somebody else has looked after until now."""
        key = (policy.namespace, policy.name)
        if self._awaited.get(key) != policy.uid:
            self._awaited.pop(key, None)  # gone, though not said yet: its name is another's
        if policy.status.level is None or self._store.get(key) is not None:
            self.policy_seen(policy)
        elif key not in self._awaited:
            self._awaited[key] = policy.uid
            self._queue.add_at(key, self._now() + LET_GO_SECONDS)

    def policy_seen(self, policy: ResiliencePolicy) -> None:
        """A policy exists in this form."""
        if (policy.namespace, policy.name) not in self._awaited:
            self._controller.policy_seen(policy)

    def policy_refused(self, body: Mapping[str, Any], why: str) -> None:
        """A policy has a spec that cannot be worked from; the one before it goes on, if known."""
        key, entry = _key(body), self._store.get(_key(body))
        if entry is not None and entry.policy.uid == body["metadata"]["uid"]:
            self._controller.policy_seen(keep_policy(entry.policy, body, why))
        else:
            self._unplanned.look_at(POLICIES, key)

    def policy_gone(self, key: Key, uid: str) -> None:
        """The policy of that uid no longer exists, or is another shard's."""
        if self._awaited.get(key) == uid:
            del self._awaited[key]
        if self._controller.policy_gone(key, uid):
            namespace, policy = key
            log.info("policy let go", extra={"namespace": namespace, "policy": policy})

    def level_seen(self, level: DegradationLevel) -> None:
        """A level exists in this form."""
        self._controller.level_seen(level)

    def level_refused(self, body: Mapping[str, Any], why: str) -> None:
        """A level has a spec that cannot be worked from; the one before it goes on, if known."""
        key, level = _key(body), self._store.level(_key(body))
        if level is not None and level.uid == body["metadata"]["uid"]:
            self._controller.level_seen(keep_level(level, body, why))
        else:
            self._unplanned.look_at(LEVELS, key)

    def level_gone(self, key: Key, uid: str) -> None:
        """The level of that uid no longer exists."""
        self._controller.level_gone(key, uid)

    def listed_again(self) -> None:
        """What there is has been listed anew, after an interruption."""
        self.interrupted.set()

    async def take_over(self, key: Key) -> None:
        """Let a policy in as it stands by now. Raises ApiError for the queue to try again."""
        if key not in self._awaited:
            return
        namespace, name = key
        names = {name, *(level.name for level in self._store.levels_of(key))}
        levels = [await self._reader.get(LEVELS, namespace, each) for each in sorted(names)]
        body = await self._reader.get(POLICIES, namespace, name)
        if key not in self._awaited:
            return  # it has left again, or was deleted, while it was read
        del self._awaited[key]
        for level in filter(None, levels):
            self._take_level(level)
        if body is not None:
            self._take_policy(body)

    def _take_level(self, body: Mapping[str, Any]) -> None:
        try:
            self._controller.level_seen(parse_level(body))
        except InvalidResource as error:
            self.level_refused(body, str(error))

    def _take_policy(self, body: Mapping[str, Any]) -> None:
        namespace, name = _key(body)
        where = {"namespace": namespace, "policy": name}
        try:
            self._controller.policy_seen(parse_policy(body))
        except InvalidResource as error:
            log.warning("not taken over until it is corrected: %s", error, extra=where)
            self.policy_refused(body, str(error))
        else:
            log.info("policy taken over", extra=where)


def _key(body: Mapping[str, Any]) -> Key:
    return body["metadata"]["namespace"], body["metadata"]["name"]
