"""The client: objects as plain dicts, by kind, namespace and name, over one connection.

Reads go straight through; writes wait for the token bucket, if there is one. Nothing is retried
here: the workqueue knows whether a write is still wanted. Every request is reported to the
observer, so that "no writes in a steady state" can be counted.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from resilience_operator.core.errors import ApiError, NotFound, TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.kube.connection import Connection, Request
from resilience_operator.kube.errors import Gone
from resilience_operator.kube.pacing import TokenBucket

Object = dict[str, Any]

_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_JSON_PATCH = "application/json-patch+json"
_PAGE = 500
_LIST_SECONDS = 30.0
# Bookmarks come every minute; a watch that has been silent for longer hangs on a dead line.
_SILENCE_SECONDS = 150.0


class RequestObserver(Protocol):
    """Hears of every request. Must not raise."""

    def __call__(self, verb: str, resource: Resource, code: int) -> None:
        """A request of that verb was answered with that status code; 0: no answer."""
        ...


class KubeClient:
    """Reads and writes objects. All errors are `kube.errors`."""

    def __init__(
        self,
        connection: Connection,
        writes: TokenBucket | None = None,
        observer: RequestObserver = lambda verb, resource, code: None,
    ) -> None:
        self._connection = connection
        self._writes = writes
        self._observer = observer

    def paced(self, writes: TokenBucket) -> "KubeClient":
        """The same client with a pace of its own for its writes."""
        return KubeClient(self._connection, writes, self._observer)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object, or None if it (or its namespace, or its kind) is not there."""
        request = Request("GET", resource.path(namespace, name), {})
        try:
            return await self._send("get", resource, request)
        except NotFound:
            return None

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
    ) -> list[Object]:
        """All objects of that kind, in one namespace or in all."""
        items: list[Object] = []
        restarts = 0
        while True:
            try:
                async for page in self.pages(resource, namespace, label_selector):
                    items += page["items"]
                return items
            except Gone:
                # The page token outlived what the server keeps: begin again, with fewer hopes.
                restarts += 1
                if restarts == 3:
                    raise
                items = []

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
        limit: int = _PAGE,
    ) -> AsyncIterator[Object]:
        """The lists that make up a list; raises Gone if it takes too long to go through them."""
        query = {"limit": str(limit)}
        if label_selector is not None:
            query["labelSelector"] = label_selector
        while True:
            request = Request("GET", resource.path(namespace), query, seconds=_LIST_SECONDS)
            page = await self._send("list", resource, request)
            yield page
            token = page["metadata"].get("continue")
            if not token:
                return
            query = {**query, "continue": token}

    async def watch_from(
        self,
        resource: Resource,
        namespace: str | None,
        label_selector: str | None,
        version: str,
        seconds: int,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Events after that resourceVersion, bookmarks included, until the server ends the watch.

        It is asked to after `seconds`.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
        }
        if label_selector is not None:
            query["labelSelector"] = label_selector
        request = Request("GET", resource.path(namespace), query, seconds=_SILENCE_SECONDS)
        try:
            async with self._connection.stream(request) as stream:
                self._observer("watch", resource, 200)
                while line := await stream.readline():
                    event = json.loads(line)
                    yield event["type"], event["object"]
        except ApiError as error:
            self._observer("watch", resource, error.status)
            raise

    async def serves(self, resource: Resource) -> bool:
        """Whether the API server has objects of that kind, which is in a group of its own."""
        try:
            body = await self._connection.send(Request("GET", f"/apis/{resource.api_version}", {}))
        except NotFound:
            return False
        return resource.plural in {each["name"] for each in json.loads(body)["resources"]}

    async def create(self, resource: Resource, namespace: str | None, body: Object) -> Object:
        """Create an object; Conflict (`exists`) if it is there already."""
        request = Request("POST", resource.path(namespace), {}, _typed(resource, body))
        return await self._write("create", resource, request)

    async def replace(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Replace an object; Conflict if it is no longer at `metadata.resourceVersion`."""
        request = Request("PUT", resource.path(namespace, name), {}, _typed(resource, body))
        return await self._write("replace", resource, request)

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        field_manager: str,
        force: bool = False,
    ) -> Object:
        """Server-side apply: the fields in `body` become ours; those we had and left out go.

        Conflict, with their managers, if others own some of them, unless `force`.
        """
        return await self._apply(resource, namespace, name, None, body, field_manager, force)

    async def apply_status(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        field_manager: str,
        force: bool = False,
    ) -> Object:
        """Server-side apply of `body["status"]`; the spec cannot be touched that way."""
        return await self._apply(resource, namespace, name, "status", body, field_manager, force)

    async def merge_patch(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Merge `body` into the object; None in it removes a field."""
        request = Request("PATCH", resource.path(namespace, name), {}, body, _MERGE)
        return await self._write("patch", resource, request)

    async def merge_patch_status(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Merge `body["status"]` into the object's status."""
        request = Request("PATCH", resource.path(namespace, name, "status"), {}, body, _MERGE)
        return await self._write("patch_status", resource, request)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
    ) -> Object:
        """Carry out the operations, all or none; Invalid if a `test` among them fails."""
        path = resource.path(namespace, name)
        request = Request("PATCH", path, {}, [dict(o) for o in operations], _JSON_PATCH)
        return await self._write("patch", resource, request)

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str | None = None
    ) -> None:
        """Delete an object, or only the one with that uid. One that is gone already is deleted."""
        body = {} if uid is None else {"preconditions": {"uid": uid}}
        request = Request("DELETE", resource.path(namespace, name), {}, body)
        try:
            await self._write("delete", resource, request)
        except NotFound:
            return

    async def _apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        subresource: str | None,
        body: Object,
        field_manager: str,
        force: bool,
    ) -> Object:
        metadata = {**body.get("metadata", {}), "name": name}
        if namespace is not None:
            metadata["namespace"] = namespace
        query = {"fieldManager": field_manager, "force": "true" if force else "false"}
        path = resource.path(namespace, name, subresource)
        typed = _typed(resource, {**body, "metadata": metadata})
        verb = "apply" if subresource is None else f"apply_{subresource}"
        return await self._write(verb, resource, Request("PATCH", path, query, typed, _APPLY))

    async def _write(self, verb: str, resource: Resource, request: Request) -> Object:
        if self._writes is not None:
            await self._writes.take()
        return await self._send(verb, resource, request)

    async def _send(self, verb: str, resource: Resource, request: Request) -> Object:
        try:
            body = await self._connection.send(request)
        except ApiError as error:
            self._observer(verb, resource, error.status)
            raise
        self._observer(verb, resource, 200)
        try:
            answer: Object = json.loads(body)
        except ValueError as error:
            raise TransientError("the answer is not the API server's: no JSON") from error
        return answer


def _typed(resource: Resource, body: Object) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}
