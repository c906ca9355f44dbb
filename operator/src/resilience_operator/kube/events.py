"""Records Kubernetes Events, for people who `kubectl describe`; never more than they can read.

An Event is a courtesy: what it says twice within ten minutes is said once, a storm is cut off, and
a failure to record one never reaches the caller.
"""

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from resilience_operator.api.v1alpha1.base import DECISION_ANNOTATION
from resilience_operator.core.errors import ApiError
from resilience_operator.core.resources import EVENTS, Resource
from resilience_operator.kube.client import KubeClient, Object
from resilience_operator.kube.pacing import Clock, TokenBucket
from resilience_operator.kube.timestamps import micro_time

_REPEAT_SECONDS = 600.0
_REMEMBERED = 10_000
_RATE = 5.0
_BURST = 50
_CONTROLLER = "resilience.aidrive.dev/operator"
_NOTE_LIMIT = 1024
_INSTANCE_LIMIT = 128


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object, precisely enough for an event to point at it."""

    resource: Resource
    namespace: str
    name: str
    uid: str = ""


class EventObserver(Protocol):
    """Hears what became of an event. Must not raise."""

    def event_recorded(self, reason: str) -> None:
        """It is in the cluster."""
        ...

    def event_dropped(self, reason: str, error: Exception | None) -> None:
        """It is not: too many at once (None), or the request failed."""
        ...


class EventRecorder:
    """Writes events in our name."""

    def __init__(
        self, client: KubeClient, clock: Clock, instance: str, observer: EventObserver
    ) -> None:
        self._client = client
        self._clock = clock
        self._instance = instance[:_INSTANCE_LIMIT]
        self._observer = observer
        self._bucket = TokenBucket(clock, _RATE, _BURST)
        # When each was last recorded, longest ago first.
        self._recent: OrderedDict[tuple[str, ...], float] = OrderedDict()

    async def record(
        self,
        regarding: ObjectRef,
        type: str,
        reason: str,
        message: str,
        action: str,
        decision_id: str = "",
    ) -> None:
        """Record one event, unless the same was recorded in the last ten minutes."""
        now = self._clock.now()
        same = (regarding.resource.kind, regarding.namespace, regarding.name, reason, message)
        if now - self._recent.get(same, -_REPEAT_SECONDS) < _REPEAT_SECONDS:
            return
        if not self._bucket.try_take():
            self._observer.event_dropped(reason, None)
            return
        self._remember(same, now)
        body = _build(regarding, type, reason, message, action, self._instance, now)
        if decision_id:
            body["metadata"]["annotations"] = {DECISION_ANNOTATION: decision_id}
        try:
            await self._client.create(EVENTS, regarding.namespace, body)
        except ApiError as error:
            self._recent.pop(same, None)
            self._observer.event_dropped(reason, error)
        else:
            self._observer.event_recorded(reason)

    def _remember(self, same: tuple[str, ...], now: float) -> None:
        self._recent[same] = now
        self._recent.move_to_end(same)
        while len(self._recent) > _REMEMBERED or (
            now - next(iter(self._recent.values())) >= _REPEAT_SECONDS
        ):
            self._recent.popitem(last=False)


def _build(
    regarding: ObjectRef,
    type: str,
    reason: str,
    message: str,
    action: str,
    instance: str,
    now: float,
) -> Object:
    return {
        "metadata": {
            "name": f"{regarding.name[:200]}.{uuid.uuid4().hex[:16]}",
            "namespace": regarding.namespace,
        },
        "eventTime": micro_time(now),
        "reportingController": _CONTROLLER,
        "reportingInstance": instance,
        "action": action,
        "reason": reason,
        "type": type,
        "regarding": {
            "apiVersion": regarding.resource.api_version,
            "kind": regarding.resource.kind,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
        },
        "note": message if len(message) <= _NOTE_LIMIT else message[: _NOTE_LIMIT - 1] + "…",
    }
