"""Watches of what rollouts depend on: a change of an arm or a router is acted upon at once.

One watch for each kind of object that some rollout refers to, begun when the first one does. What
it shows goes into the mirror, and the rollouts that refer to it look at all of theirs again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.controller.rollouts.mirror import Mirror, Subject
from resilience_operator.core.model import Key
from resilience_operator.core.resources import (
    DEPLOYMENTS,
    HTTP_ROUTES,
    INGRESSES,
    SERVICES,
    VIRTUAL_SERVICES,
    Resource,
)

_DELETED, _SYNCED = "DELETED", "SYNCED"


class Events(Protocol):
    """An endless watch."""

    def events(self) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
        """The changes; an empty object marks the end of a list."""


class Interest:
    """Who is to be told when an object changes."""

    def __init__(
        self,
        open_watch: Callable[[Resource], Iterable[Events]],
        tell: Callable[[Key], None],
        mirror: Mirror,
    ) -> None:
        self._open_watch = open_watch
        self._tell = tell
        self._mirror = mirror
        self._subjects: dict[Key, frozenset[Subject]] = {}
        self._interested: dict[Subject, set[Key]] = {}
        self._watches: dict[Resource, list[asyncio.Task[None]]] = {}
        self._unsynced: dict[Resource, set[int]] = {}

    def follow(self, key: Key, rollout: Rollout) -> None:
        """Tell `key` of changes to what its rollout refers to, in its present form."""
        subjects = frozenset(subjects_of(key[0], rollout))
        if self._subjects.get(key) == subjects:
            return
        self.forget(key)
        self._subjects[key] = subjects
        for subject in subjects:
            self._interested.setdefault(subject, set()).add(key)
            self._mirror.follow(subject)
            self._watch(subject[0])

    def forget(self, key: Key) -> None:
        """Tell `key` nothing more."""
        for subject in self._subjects.pop(key, frozenset()):
            interested = self._interested[subject]
            interested.discard(key)
            if not interested:
                del self._interested[subject]
                self._mirror.drop(subject)

    async def stop(self) -> None:
        """End all watches."""
        tasks = [task for tasks in self._watches.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self, resource: Resource) -> None:
        if resource in self._watches:
            return
        watches = list(self._open_watch(resource))
        self._unsynced[resource] = set(range(len(watches)))
        loop = asyncio.get_running_loop()
        self._watches[resource] = [
            loop.create_task(self._listen(resource, number, watch))
            for number, watch in enumerate(watches)
        ]

    async def _listen(self, resource: Resource, number: int, watch: Events) -> None:
        async for change, body in watch.events():
            if not body:
                if change == _SYNCED:
                    self._synced(resource, number)
                continue
            metadata = body["metadata"]
            subject = (resource, metadata.get("namespace", ""), metadata["name"])
            if subject in self._interested:
                self._mirror.seen(subject, body, gone=change == _DELETED)
                for key in self._interested[subject]:
                    self._tell(key)

    def _synced(self, resource: Resource, number: int) -> None:
        """A list is complete: of all that is kept, what it did not have may be gone."""
        self._unsynced[resource].discard(number)
        self._mirror.synced(resource, live=not self._unsynced[resource])


def subjects_of(namespace: str, rollout: Rollout) -> Iterable[Subject]:
    """What a rollout refers to and has to hear of."""
    for arm in (rollout.stable, rollout.canary):
        yield DEPLOYMENTS, namespace, arm.deployment
    traffic = rollout.traffic
    if traffic.replicas is None:
        for arm in (rollout.stable, rollout.canary):
            yield SERVICES, namespace, arm.service
    if traffic.http_route is not None:
        yield HTTP_ROUTES, namespace, traffic.http_route.name
    if traffic.ingress_nginx is not None:
        yield INGRESSES, namespace, traffic.ingress_nginx.ingress
        yield INGRESSES, namespace, f"{traffic.ingress_nginx.ingress}-canary"
    if traffic.istio is not None:
        yield VIRTUAL_SERVICES, namespace, traffic.istio.virtual_service
