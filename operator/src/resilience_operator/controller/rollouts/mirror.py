"""The objects that rollouts refer to as their watches show them, so that a look costs no request.

An object is read once and then kept up to date by the watch of its kind. What we write ourselves
is kept at once: a decision must not find the route as it was before its own last effect. Nothing
is kept of a kind whose watch has not begun, or has lost its thread: then every read goes to the
API server, as it would without a mirror.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from resilience_operator.actuators.base import Api, Object
from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import (
    HTTP_ROUTES,
    SERVICES,
    VIRTUAL_SERVICES,
    Resource,
)

Subject = tuple[Resource, str, str]
"""A kind of object, a namespace and a name."""


class Mirror:
    """An `Api` whose `get` answers from memory where it can. Writes and lists go through."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._live: set[Resource] = set()
        self._followed: set[Subject] = set()
        # The object, None where there is none, and the version at which that was so.
        self._kept: dict[Subject, tuple[Object | None, int]] = {}

    # What the watches say.

    def follow(self, subject: Subject) -> None:
        """Keep this object from now on."""
        self._followed.add(subject)

    def drop(self, subject: Subject) -> None:
        """Nobody asks for this object any more."""
        self._followed.discard(subject)
        self._kept.pop(subject, None)

    def synced(self, resource: Resource, live: bool) -> None:
        """The watch of a kind follows every change from now on, or has to begin anew."""
        if live:
            self._live.add(resource)
        else:
            self._live.discard(resource)
        for subject in [each for each in self._kept if each[0] == resource]:
            del self._kept[subject]

    def seen(self, subject: Subject, body: Object, gone: bool = False) -> None:
        """An object has changed."""
        if subject in self._followed:
            self._keep(subject, None if gone else body, _version(body))

    def _keep(self, subject: Subject, body: Object | None, version: int) -> None:
        """Keep what is newer. An object without a version is one that a list did not have."""
        if subject not in self._followed or subject[0] not in self._live:
            return
        known = self._kept.get(subject)
        if known is None or version == 0 or version >= known[1]:
            self._kept[subject] = (None if body is None else _lean(body), version)

    # The requests.

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as last seen; asked for when it has not been seen."""
        subject = (resource, namespace, name)
        if (known := self._kept.get(subject)) is not None:
            return known[0]
        found = await self._api.get(resource, namespace, name)
        if subject not in self._kept:
            # What is not there has no version: whatever the watch says of it is newer.
            self._keep(subject, found, 0 if found is None else _version(found))
            return found
        # The watch was faster; of the two the newer one is kept.
        if found is not None:
            self._keep(subject, found, _version(found))
        return self._kept[subject][0]

    async def list(
        self, resource: Resource, namespace: str | None = None, label_selector: str | None = None
    ) -> Sequence[Object]:
        """All matching objects of a namespace, from the API server."""
        return await self._api.list(resource, namespace, label_selector)

    async def apply(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        body: dict[str, Any],
        *,
        field_manager: str,
        force: bool = False,
    ) -> Object:
        """Server-side apply; what comes of it is kept."""
        stored = await self._api.apply(
            resource, namespace, name, body, field_manager=field_manager, force=force
        )
        return self._written((resource, namespace, name), stored)

    async def merge_patch(
        self, resource: Resource, namespace: str, name: str, body: dict[str, Any]
    ) -> Object:
        """JSON merge patch; what comes of it is kept."""
        stored = await self._api.merge_patch(resource, namespace, name, body)
        return self._written((resource, namespace, name), stored)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        operations: Sequence[Mapping[str, Any]],
    ) -> Object:
        """JSON Patch; what comes of it is kept. After a refusal the object is read anew."""
        subject = (resource, namespace, name)
        try:
            stored = await self._api.json_patch(resource, namespace, name, operations)
        except ApiError:
            self._kept.pop(subject, None)
            raise
        return self._written(subject, stored)

    async def delete(
        self, resource: Resource, namespace: str, name: str, uid: str | None = None
    ) -> None:
        """Delete; the object is read again before it is believed to be there or not."""
        self._kept.pop((resource, namespace, name), None)
        await self._api.delete(resource, namespace, name, uid)
        self._kept.pop((resource, namespace, name), None)

    def _written(self, subject: Subject, stored: Object) -> Object:
        self._keep(subject, stored, _version(stored))
        return stored


_KEPT_WILL_DO = frozenset({SERVICES, HTTP_ROUTES, VIRTUAL_SERVICES})


class Present:
    """The same objects, read from the API server each time; what is written reaches the mirror.

    But for Services, which are never written and only asked whether they are there, and for routes:
    their patches test the version that was read, and are refused when it was an old one.
    """

    def __init__(self, mirror: Mirror, api: Api) -> None:
        self._api = api
        self._mirror = mirror
        self.list = mirror.list
        self.apply = mirror.apply
        self.merge_patch = mirror.merge_patch
        self.json_patch = mirror.json_patch
        self.delete = mirror.delete

    async def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object as it is now: what is about to be changed is looked at first."""
        source: Api = self._mirror if resource in _KEPT_WILL_DO else self._api
        return await source.get(resource, namespace, name)


def _version(body: Object) -> int:
    """Versions of one kind are whole numbers that grow; anything else is as good as the newest."""
    text = body["metadata"].get("resourceVersion") or ""
    return int(text) if text.isdigit() else 0


def _lean(body: Object) -> Object:
    """Without the inside of `managedFields`, which is half of an object and which nobody reads."""
    entries = body["metadata"].get("managedFields")
    if not entries:
        return body
    short = [
        {**entry, "fieldsV1": {top: {} for top in entry.get("fieldsV1") or ()}} for entry in entries
    ]
    return {**body, "metadata": {**body["metadata"], "managedFields": short}}
