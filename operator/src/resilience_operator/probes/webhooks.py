"""Tells webhooks of transitions: queued, signed, tried again, and never in anybody's way.

`send` only queues. Each webhook has its messages in order and a worker while it has any; one that
does not answer delays its own messages, and many that do not those of their namespace. Queues are
bounded, and the oldest message goes when there is no room. URLs come from Secrets: they are dialled
through the address guard and stand in no log line.
"""

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from resilience_operator.api.v1alpha1.notifications import Notification
from resilience_operator.core.notifications import NotificationMessage, body_of, signature_of
from resilience_operator.probes.base import ProbeFailure
from resilience_operator.probes.http_client import Answer, Request, parse_url
from resilience_operator.probes.secrets import CachedSecrets, secret_bytes, secret_text
from resilience_operator.probes.toolkit import Toolkit

log = logging.getLogger(__name__)

ATTEMPTS = 5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
PER_NAMESPACE_AT_ONCE = 4
IN_ALL_AT_ONCE = 64
PER_WEBHOOK = 32
IN_ALL = 1024

Key = tuple[str, str, str]
"""Namespace, policy and name of a webhook."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    webhook: Notification
    message: NotificationMessage


class _Unwanted(Exception):  # noqa: N818 - a finding, not a fault
    """The webhook refuses the message; the same one would be refused again."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.message = f"HTTP {status} is a refusal."


class _Later(Exception):  # noqa: N818 - a finding, not a fault
    """The webhook may take the message another time."""

    def __init__(self, status: int, pause: float | None) -> None:
        super().__init__()
        self.message = f"HTTP {status}."
        self.pause = pause


@dataclass(slots=True)
class _Queue:
    waiting: deque[_Delivery] = field(default_factory=deque)
    worker: asyncio.Task[None] | None = None


class Webhooks:
    """The queues of all webhooks. `counts` has what became of messages, by outcome."""

    def __init__(
        self,
        kit: Toolkit,
        secrets: CachedSecrets,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[], float] = random.random,
    ) -> None:
        self._kit = kit
        self._secrets = secrets
        self._sleep = sleep
        self._uniform = uniform
        self._queues: dict[Key, _Queue] = {}
        self._slots = asyncio.Semaphore(IN_ALL_AT_ONCE)
        self._slots_of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._closed = False
        self.counts: Counter[str] = Counter(delivered=0, failed=0, dropped=0)

    @property
    def waiting(self) -> int:
        """Messages that are queued."""
        return sum(len(queue.waiting) for queue in tuple(self._queues.values()))

    async def send(
        self, namespace: str, webhook: Notification, message: NotificationMessage
    ) -> None:
        """Queue a message for a webhook of a policy in `namespace`; returns at once.

        Messages on a topic that the webhook does not want are none of its business.
        """
        if self._closed or message.topic not in webhook.topics:
            return
        key = (namespace, message.policy, webhook.name)
        queue = self._queues.setdefault(key, _Queue())
        self._make_room(queue)
        queue.waiting.append(_Delivery(webhook, message))
        if queue.worker is None:
            queue.worker = asyncio.create_task(self._work(key, queue))

    async def drain(self) -> None:
        """Wait until nothing is queued."""
        while workers := [q.worker for q in self._queues.values() if q.worker is not None]:
            await asyncio.gather(*workers)

    async def aclose(self) -> None:
        """Stop; what is still queued is counted as dropped."""
        self._closed = True
        workers = [q.worker for q in self._queues.values() if q.worker is not None]
        self.counts["dropped"] += sum(len(q.waiting) for q in self._queues.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._queues.clear()

    def _make_room(self, queue: _Queue) -> None:
        """Drop the oldest message of a full queue, or of the longest one when all are full."""
        full = queue if len(queue.waiting) >= PER_WEBHOOK else None
        if full is None and sum(len(q.waiting) for q in self._queues.values()) >= IN_ALL:
            full = max(self._queues.values(), key=lambda q: len(q.waiting))
        if full is not None:
            full.waiting.popleft()
            self.counts["dropped"] += 1

    async def _work(self, key: Key, queue: _Queue) -> None:
        try:
            while queue.waiting:
                delivery = queue.waiting.popleft()
                failure = await self._deliver(key[0], delivery)
                self.counts["failed" if failure else "delivered"] += 1
                if failure:
                    where = "%s/%s: webhook %s was not told of %s: %s"
                    log.warning(where, *key, delivery.message.reason, failure)
        finally:
            self._queues.pop(key, None)

    async def _deliver(self, namespace: str, delivery: _Delivery) -> str:
        """Try until it is taken; the sentence of the last failure, or nothing."""
        pause, failure = FIRST_PAUSE_SECONDS, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(pause * (0.5 + self._uniform()))
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            try:
                await self._attempt(namespace, delivery)
            except _Unwanted as refusal:
                return refusal.message
            except _Later as later:
                failure = later.message
                pause = max(pause, later.pause or 0.0)
            except TimeoutError:
                failure = f"no answer within {TIMEOUT_SECONDS:g} s."
            except ProbeFailure as found:
                failure = found.message
            except Exception as fault:  # noqa: BLE001 - told by its type: its text may hold the URL
                return f"the operator's own code failed: {type(fault).__name__}."
            else:
                return ""
        return failure

    async def _attempt(self, namespace: str, delivery: _Delivery) -> None:
        request = await self._request(namespace, delivery)
        own = self._slots_of.setdefault(namespace, asyncio.Semaphore(PER_NAMESPACE_AT_ONCE))
        async with own, self._slots, asyncio.timeout(TIMEOUT_SECONDS):
            answer = await self._kit.http.fetch(request)
        _judge(answer)

    async def _request(self, namespace: str, delivery: _Delivery) -> Request:
        webhook, message = delivery.webhook, delivery.message
        url_ref, signing_ref = webhook.url_secret_ref, webhook.signing_secret_ref
        names = {ref.name: None for ref in (url_ref, signing_ref) if ref is not None}
        values = await self._secrets.values(namespace, tuple(names))
        body = body_of(message, webhook.format)
        headers = {
            "Content-Type": "application/json",
            "X-Resilience-Timestamp": str(int(message.at)),
        }
        if signing_ref is not None:
            key = secret_bytes(values, signing_ref).rstrip(b"\r\n")  # editors add one
            headers["X-Resilience-Signature"] = signature_of(body, key)
        return Request("POST", parse_url(secret_text(values, url_ref)), headers, body)


def _judge(answer: Answer) -> None:
    """Whether the webhook took the message; redirects are not followed, so they are refusals."""
    if 200 <= answer.status <= 299:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise _Later(answer.status, _retry_after(answer.headers))
    raise _Unwanted(answer.status)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    value = headers.get("Retry-After", "")
    short = value.isascii() and value.isdigit() and len(value) <= 6
    return min(float(value), LONGEST_PAUSE_SECONDS) if short else None
