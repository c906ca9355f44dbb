"""The client: objects as plain dicts, by kind, namespace and name, over one connection.

Reads go straight through; writes wait for the token bucket, if there is one, and are not sent by a
replica that may not write any more by then. Nothing is retried here: the workqueue knows whether a
write is still wanted. Every request is reported to the observer, so that "no writes in a steady
state" can be counted.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from resilience_operator.core.errors import ApiError, NotFound, TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.kube.calls import Call, RequestObserver
from resilience_operator.kube.connection import USER_AGENT, Connection, Request
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


class KubeClient:
    """Reads and writes objects. All errors are `kube.errors`."""

    def __init__(
        self,
        connection: Connection,
        writes: TokenBucket | None = None,
        observer: RequestObserver = lambda call: None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        self._connection = connection
        self._writes = writes
        self._observer = observer
        self._may_write = may_write

    def paced(self, writes: TokenBucket) -> "KubeClient":
        """The same client with a pace of its own for its writes."""
        return KubeClient(self._connection, writes, self._observer, self._may_write)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object, or None if it (or its namespace, or its kind) is not there."""
        call = Call("get", resource, namespace, name)
        try:
            return await self._send(call, Request("GET", call.path, {}))
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
            page = await self._send(Call("list", resource, namespace), request)
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
        call = Call("watch", resource, namespace)
        request = Request("GET", resource.path(namespace), query, seconds=_SILENCE_SECONDS)
        try:
            async with self._connection.stream(request) as stream:
                self._observer(replace(call, code=200))
                while line := await stream.readline():
                    event = json.loads(line)
                    yield event["type"], event["object"]
        except ApiError as error:
            self._observer(replace(call, code=error.status))
            raise

    async def serves(self, resource: Resource) -> bool:
        """Whether the API server lists that kind, which is in a group of its own, and its group."""
        groups = json.loads(await self._connection.send(Request("GET", "/apis", {})))["groups"]
        if resource.group not in {each["name"] for each in groups}:
            return False
        try:
            body = await self._connection.send(Request("GET", f"/apis/{resource.api_version}", {}))
        except NotFound:
            return False
        return resource.plural in {each["name"] for each in json.loads(body)["resources"]}

    async def create(self, resource: Resource, namespace: str | None, body: Object) -> Object:
        """Create an object; Conflict (`exists`) if it is there already."""
        call = Call("create", resource, namespace, body.get("metadata", {}).get("name", ""))
        request = Request("POST", resource.path(namespace), {}, _typed(resource, body))
        return await self._write(call, request)

    async def replace(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Replace an object; Conflict if it is no longer at `metadata.resourceVersion`."""
        call = Call("replace", resource, namespace, name)
        return await self._write(call, Request("PUT", call.path, {}, _typed(resource, body)))

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
        call = Call("apply", resource, namespace, name, "", field_manager)
        return await self._apply(call, body, force)

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
        call = Call("apply_status", resource, namespace, name, "status", field_manager)
        return await self._apply(call, body, force)

    async def merge_patch(
        self, resource: Resource, namespace: str | None, name: str, body: Object
    ) -> Object:
        """Merge `body` into the object; None in it removes a field."""
        call = Call("patch", resource, namespace, name)
        return await self._write(call, Request("PATCH", call.path, {}, body, _MERGE))

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
    ) -> Object:
        """Carry out the operations, all or none; Invalid if a `test` among them fails."""
        call = Call("patch", resource, namespace, name)
        steps = [dict(each) for each in operations]
        return await self._write(call, Request("PATCH", call.path, {}, steps, _JSON_PATCH))

    async def delete(
        self, resource: Resource, namespace: str | None, name: str, uid: str | None = None
    ) -> None:
        """Delete an object, or only the one with that uid. One that is gone already is deleted."""
        body = {} if uid is None else {"preconditions": {"uid": uid}}
        call = Call("delete", resource, namespace, name)
        try:
            await self._write(call, Request("DELETE", call.path, {}, body))
        except NotFound:
            return

    async def _apply(self, call: Call, body: Object, force: bool) -> Object:
        metadata = {**body.get("metadata", {}), "name": call.name}
        if call.namespace is not None:
            metadata["namespace"] = call.namespace
        query = {"fieldManager": call.field_manager, "force": "true" if force else "false"}
        typed = _typed(call.resource, {**body, "metadata": metadata})
        return await self._write(call, Request("PATCH", call.path, query, typed, _APPLY))

    async def _write(self, call: Call, request: Request) -> Object:
        if self._writes is not None:
            await self._writes.take()
        if not self._may_write():
            raise TransientError("nothing is written any more: this replica may not lead by now")
        # What a request does not name, the API server takes from the user agent.
        manager = call.field_manager or USER_AGENT
        return await self._send(replace(call, field_manager=manager), request)

    async def _send(self, call: Call, request: Request) -> Object:
        began, code = time.perf_counter(), 0
        try:
            body = await self._connection.send(request)
            code = 200
        except ApiError as error:
            code = error.status
            raise
        finally:  # of a request that is given up, too: it may have changed something
            seconds = time.perf_counter() - began
            self._observer(replace(call, code=code, seconds=seconds))
        try:
            answer: Object = json.loads(body)
        except ValueError as error:
            raise TransientError("the answer is not the API server's: no JSON") from error
        return answer


def _typed(resource: Resource, body: Object) -> Object:
    return {"apiVersion": resource.api_version, "kind": resource.kind, **body}
