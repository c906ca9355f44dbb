"""The kopf registry: parse an event, hand it over, return None.

kopf runs on a loop and a thread of its own, because at its end it cancels every task that was
created on its loop after its start. Only `on.event` is used: it keeps no annotations, retries
nothing and writes nothing; retries belong to the workqueue, undoing to the finalizer of the
controller. Every handler is told the present state of the object, whatever the event's type.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

import kopf

from resilience_operator.api.v1alpha1.base import GROUP, VERSION
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.parse import InvalidResource, parse_level, parse_policy
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.core.model import Key

log = logging.getLogger(__name__)

ADDED, DELETED = "ADDED", "DELETED"
POLICIES = (GROUP, VERSION, "resiliencepolicies")
BEAT_SECONDS = 5.0


class Sink(Protocol):
    """Where parsed events go: the controller, on the operator's own loop."""

    def policy_seen(self, policy: ResiliencePolicy) -> None:
        """A policy exists in this form."""

    def policy_added(self, policy: ResiliencePolicy) -> None:
        """A policy has come to those that are watched, in this form."""

    def policy_refused(self, body: Mapping[str, Any], why: str) -> None:
        """A policy has a spec that cannot be worked from."""

    def policy_gone(self, key: Key, uid: str) -> None:
        """The policy of that uid no longer exists, or is not watched any more."""

    def level_seen(self, level: DegradationLevel) -> None:
        """A level exists in this form."""

    def level_refused(self, body: Mapping[str, Any], why: str) -> None:
        """A level has a spec that cannot be worked from."""

    def level_gone(self, key: Key, uid: str) -> None:
        """The level of that uid no longer exists."""

    def listed_again(self) -> None:
        """What there is has been listed anew: what went away meanwhile was not told."""


class EndlessBackoff(Iterable[float]):
    """1, 2, 4 … 60, 60, 60 seconds, anew at each use: a watch must never end the operator."""

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((1.0, 2.0, 4.0, 8.0, 15.0, 30.0), itertools.repeat(60.0))


def dispatch_policy(sink: Sink, kind: str | None, body: Mapping[str, Any]) -> None:
    """Hand a policy event to the sink."""
    if kind == DELETED:
        sink.policy_gone(_key(body), _uid(body))
        return
    try:
        policy = parse_policy(body)
    except InvalidResource as error:
        log.warning("policy ignored until it is corrected: %s", error, extra=_fields(body))
        sink.policy_refused(body, str(error))
        return
    if kind == ADDED:
        sink.policy_added(policy)
    else:
        sink.policy_seen(policy)


def dispatch_level(sink: Sink, kind: str | None, body: Mapping[str, Any]) -> None:
    """Hand a level event to the sink."""
    if kind == DELETED:
        sink.level_gone(_key(body), _uid(body))
        return
    try:
        level = parse_level(body)
    except InvalidResource as error:
        log.warning("level ignored until it is corrected: %s", error, extra=_fields(body))
        sink.level_refused(body, str(error))
        return
    sink.level_seen(level)


class Interruptions:
    """Notices from the events of one kind when kopf has lost its watch and has to list again."""

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._watching = False
        # By the present list. After a quiet time nothing but what comes again tells of another.
        self._listed: set[str] = set()

    def seen(self, kind: str | None, uid: str) -> None:
        """An event of that kind came; None is of a list, the first of which is no news."""
        if kind is not None:
            self._watching = True
            return
        if self._watching or uid in self._listed:
            self._watching = False
            self._listed.clear()
            self._tell()
        self._listed.add(uid)


def build_registry(
    sink: Sink, post: Callable[..., object], kubeconfig: str | None
) -> kopf.OperatorRegistry:
    """The handlers. `post` runs a function on the operator's own loop, in order."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry, retries=10)  # type: ignore[untyped-decorator, unused-ignore]
    def login(**kwargs: Any) -> Any:
        if kubeconfig:
            return kopf.login_with_kubeconfig(**kwargs)
        return kopf.login_with_service_account(**kwargs)

    policies, levels = (Interruptions(lambda: post(sink.listed_again)) for _ in range(2))

    @kopf.on.event(*POLICIES, id="policy", registry=registry)
    async def policy_event(event: Mapping[str, Any], **_: Any) -> None:
        policies.seen(event["type"], _uid(event["object"]))
        post(dispatch_policy, sink, event["type"], dict(event["object"]))

    @kopf.on.event(GROUP, VERSION, "degradationlevels", id="level", registry=registry)
    async def level_event(event: Mapping[str, Any], **_: Any) -> None:
        levels.seen(event["type"], _uid(event["object"]))
        post(dispatch_level, sink, event["type"], dict(event["object"]))

    return registry


def build_settings(policy_selector: str) -> kopf.OperatorSettings:
    """kopf's settings for watching only. The API server shows a policy that ceases to match as
    deleted, and one that begins to as added."""
    settings = kopf.OperatorSettings()
    if policy_selector:
        settings.watching.label_selectors[POLICIES] = policy_selector
    settings.posting.enabled = False
    settings.scanning.disabled = True  # it would want to watch all definitions and namespaces
    settings.networking.error_backoffs = EndlessBackoff()
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=GROUP)
    settings.process.ultimate_exiting_timeout = None
    return settings


class Watcher:
    """kopf in a thread of its own; `done` resolves when it has ended, which it should not."""

    def __init__(
        self,
        registry: kopf.OperatorRegistry,
        namespaces: Sequence[str],
        identity: str,
        policy_selector: str,
    ) -> None:
        self._registry = registry
        self._settings = build_settings(policy_selector)
        # Given, because kopf would ask for the user's name, which a numeric user does not have.
        self._identity = identity
        self._namespaces = tuple(namespaces)
        self._stop = threading.Event()
        self._alive_at = time.monotonic()
        self._beating: asyncio.Task[None] | None = None
        kopf.on.startup(registry=registry, id="beat")(self._start_beating)

    def silence(self) -> float:
        """Seconds since kopf's loop last showed that it turns."""
        return time.monotonic() - self._alive_at

    async def run(self) -> None:
        """Run until cancelled; returns or raises when kopf ends by itself."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        thread = threading.Thread(target=self._thread, args=(loop, done), name="kopf", daemon=True)
        thread.start()
        try:
            await asyncio.shield(done)
        finally:
            self._stop.set()

    async def _start_beating(self, **_: Any) -> None:
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        """Runs on kopf's loop, for as long as that turns."""
        while True:
            self._alive_at = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)

    def _thread(self, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
        error: BaseException | None = None
        try:
            kopf.run(
                registry=self._registry,
                settings=self._settings,
                identity=cast(Any, self._identity),
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        except Exception as failure:  # noqa: BLE001 - carried to the operator's loop, raised there
            error = failure
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, done, error)


def _resolve(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)


def _key(body: Mapping[str, Any]) -> Key:
    metadata = body["metadata"]
    return metadata["namespace"], metadata["name"]


def _uid(body: Mapping[str, Any]) -> str:
    return str(body["metadata"]["uid"])


def _fields(body: Mapping[str, Any]) -> dict[str, str]:
    namespace, name = _key(body)
    return {"namespace": namespace, "object": name}
