"""Watches of what rollouts depend on: a change of an arm or a router is acted upon at once.

One watch for each kind of object that some rollout refers to, begun when the first one does. Only
names are kept, not objects: whatever has changed, the rollout looks at all of it again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.core.model import Key
from resilience_operator.core.resources import (
    DEPLOYMENTS,
    HTTP_ROUTES,
    INGRESSES,
    VIRTUAL_SERVICES,
    Resource,
)

Subject = tuple[Resource, str, str]
"""A kind of object, a namespace and a name."""


class Events(Protocol):
    """An endless watch."""

    def events(self) -> AsyncIterator[tuple[Any, dict[str, Any]]]:
        """The changes; an empty object marks the end of a list."""


class Interest:
    """Who is to be told when an object changes."""

    def __init__(
        self, open_watch: Callable[[Resource], Iterable[Events]], tell: Callable[[Key], None]
    ) -> None:
        self._open_watch = open_watch
        self._tell = tell
        self._subjects: dict[Key, frozenset[Subject]] = {}
        self._interested: dict[Subject, set[Key]] = {}
        self._watches: dict[Resource, list[asyncio.Task[None]]] = {}

    def follow(self, key: Key, rollout: Rollout) -> None:
        """Tell `key` of changes to what its rollout refers to, in its present form."""
        subjects = frozenset(subjects_of(key[0], rollout))
        if self._subjects.get(key) == subjects:
            return
        self.forget(key)
        self._subjects[key] = subjects
        for subject in subjects:
            self._interested.setdefault(subject, set()).add(key)
            self._watch(subject[0])

    def forget(self, key: Key) -> None:
        """Tell `key` nothing more."""
        for subject in self._subjects.pop(key, frozenset()):
            interested = self._interested[subject]
            interested.discard(key)
            if not interested:
                del self._interested[subject]

    async def stop(self) -> None:
        """End all watches."""
        tasks = [task for tasks in self._watches.values() for task in tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watch(self, resource: Resource) -> None:
        if resource not in self._watches:
            loop = asyncio.get_running_loop()
            self._watches[resource] = [
                loop.create_task(self._listen(resource, watch))
                for watch in self._open_watch(resource)
            ]

    async def _listen(self, resource: Resource, watch: Events) -> None:
        async for _, body in watch.events():
            if not body:
                continue
            metadata = body["metadata"]
            subject = (resource, metadata.get("namespace", ""), metadata["name"])
            for key in self._interested.get(subject, ()):
                self._tell(key)


def subjects_of(namespace: str, rollout: Rollout) -> Iterable[Subject]:
    """What a rollout refers to and has to hear of."""
    for arm in (rollout.stable, rollout.canary):
        yield DEPLOYMENTS, namespace, arm.deployment
    traffic = rollout.traffic
    if traffic.http_route is not None:
        yield HTTP_ROUTES, namespace, traffic.http_route.name
    if traffic.ingress_nginx is not None:
        yield INGRESSES, namespace, traffic.ingress_nginx.ingress
    if traffic.istio is not None:
        yield VIRTUAL_SERVICES, namespace, traffic.istio.virtual_service
