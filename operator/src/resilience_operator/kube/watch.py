"""An endless watch: list, then follow, and list again whenever the thread is lost.

Consumers see one stream that never ends and never needs them to know why it was interrupted:
after a relist every object comes again, and what vanished meanwhile comes as DELETED.
"""

import json
import random
from collections.abc import AsyncIterator, Callable
from enum import StrEnum

from resilience_operator.core.errors import ApiError, TransientError
from resilience_operator.core.resources import Resource
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.errors import Gone, from_answer
from resilience_operator.kube.pacing import Clock

_WATCH_SECONDS = 240
_FIRST_BACKOFF = 0.5
_LAST_BACKOFF = 30.0


class Change(StrEnum):
    """What a watch says of an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    # Every object there is has been seen; comes after each list, with an empty object.
    SYNCED = "SYNCED"


class Watcher:
    """Follows one kind of object, in one namespace or in all."""

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        resource: Resource,
        namespace: str | None = None,
        label_selector: str | None = None,
        on_error: Callable[[Resource, Exception], None] = lambda resource, error: None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._resource = resource
        self._namespace = namespace
        self._selector = label_selector
        self._on_error = on_error
        self._known: set[tuple[str, str]] = set()
        self._version: str | None = None
        self._backoff = _FIRST_BACKOFF

    async def events(self) -> AsyncIterator[tuple[Change, Object]]:
        """The changes, for ever."""
        while True:
            try:
                if self._version is None:
                    async for event in self._list():
                        yield event
                async for event in self._follow(self._version or ""):
                    yield event
                # It ended in order; nothing is lost meanwhile, and a server that ends
                # every watch at once is not asked in a loop.
                await self._clock.sleep(_FIRST_BACKOFF * random.random())
            except Gone as error:
                self._version = None
                await self._pause(error)
            except (ApiError, ValueError) as error:
                self._on_error(self._resource, error)
                await self._pause(error)

    async def _pause(self, error: Exception) -> None:
        asked = error.retry_after if isinstance(error, TransientError) else None
        wait = self._backoff * (0.5 + random.random() / 2)
        self._backoff = min(self._backoff * 2, _LAST_BACKOFF)
        await self._clock.sleep(max(wait, asked or 0.0))

    async def _list(self) -> AsyncIterator[tuple[Change, Object]]:
        seen: set[tuple[str, str]] = set()
        version = ""
        pages = self._client.pages(self._resource, self._namespace, self._selector)
        async for page in pages:
            version = page["metadata"]["resourceVersion"]
            for item in page["items"]:
                key = _key(item)
                seen.add(key)
                yield Change.MODIFIED if key in self._known else Change.ADDED, item
                self._known.add(key)
        for namespace, name in self._known - seen:
            yield Change.DELETED, {"metadata": {"namespace": namespace, "name": name}}
        self._known = seen
        self._version = version
        self._backoff = _FIRST_BACKOFF
        yield Change.SYNCED, {}

    async def _follow(self, version: str) -> AsyncIterator[tuple[Change, Object]]:
        seconds = round(_WATCH_SECONDS * (1 + random.random()))
        stream = self._client.watch_from(
            self._resource, self._namespace, self._selector, version, seconds
        )
        async for kind, item in stream:
            if kind == "ERROR":
                raise from_answer(int(item.get("code") or 500), json.dumps(item).encode(), {})
            self._backoff = _FIRST_BACKOFF
            self._version = item["metadata"]["resourceVersion"]
            if kind == "BOOKMARK":
                continue
            change = Change(kind)
            if change is Change.DELETED:
                self._known.discard(_key(item))
            else:
                self._known.add(_key(item))
            yield change, item


def _key(item: Object) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
