"""Says on objects that no plan is made for why that is so: nobody else would write their status.

They are policies and levels whose spec is refused and was never understood here, and levels whose
policy is not there. Only the condition `Ready` is written, under a name of its own: what else the
status has stays for the plan that follows once the object is mended, and whose writer takes the
condition over.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.parse import (
    InvalidResource,
    dump_status,
    parse_conditions,
    parse_level,
    parse_level_status,
    parse_policy,
)
from resilience_operator.controller.ports import Object, Observer, Queue, StatusWriter
from resilience_operator.controller.store import Store
from resilience_operator.core.conditions import Finding, history, stamp
from resilience_operator.core.errors import NotFound
from resilience_operator.core.model import Key, Problem
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from resilience_operator.core.unplanned import (
    LEVEL_AT_REST,
    POLICY_AT_REST,
    policy_not_found,
    spec_invalid,
)
from resilience_operator.purpose import Purpose, errand

MANAGER = "resilience-operator-unplanned"

PATIENCE_SECONDS = 5.0
"""By then a policy that comes together with its level, or after it at a start, is there."""


class Statuses(StatusWriter, Protocol):
    """The same, where the object is read before."""

    async def get(
        self, resource: Resource, namespace: str | None, name: str
    ) -> dict[str, Any] | None:
        """The object as it is now; None when it is not there."""


class Subject(NamedTuple):
    """An object to look at."""

    plural: str
    namespace: str
    name: str


class Later(Protocol):
    """A workqueue of subjects."""

    def add_at(self, key: Subject, when: float) -> None:
        """Look at it at a time, in epoch seconds, or sooner."""


class Unplanned:
    """Looks at such objects a while after they were seen, and afresh: by then much is mended."""

    def __init__(
        self,
        store: Store,
        cluster: Statuses,
        plans: Queue,
        observer: Observer,
        queue: Later,
        now: Callable[[], float],
        *,
        shared: bool,
    ) -> None:
        """`queue` is to run `tell`; `shared`: some policies are looked after by others."""
        self._store = store
        self._cluster = cluster
        self._plans = plans
        self._observer = observer
        self._queue = queue
        self._now = now
        self._shared = shared

    def level_seen(self, level: DegradationLevel) -> None:
        """A level is new or has changed. One that the operator made goes with its policy."""
        if not level.owned and self._store.get(_policy_of(level)) is None:
            self.look_at(LEVELS, (level.namespace, level.name))

    def policy_gone(self, key: Key) -> None:
        """A policy is gone, or somebody else's by now."""
        for level in self._store.levels_of(key):
            if not level.owned:
                self.look_at(LEVELS, (level.namespace, level.name))

    def look_at(self, resource: Resource, key: Key) -> None:
        """Find out later whether there is anything to say of that object."""
        self._queue.add_at(Subject(resource.plural, *key), self._now() + PATIENCE_SECONDS)

    async def tell(self, subject: Subject) -> None:
        """Say it, if it is true by now. Raises ApiError for the queue to try again."""
        key = (subject.namespace, subject.name)
        try:
            if subject.plural == POLICIES.plural:
                await self._tell_policy(key)
            else:
                await self._tell_level(key)
        except NotFound:
            return

    async def _tell_policy(self, key: Key) -> None:
        if self._store.get(key) is not None:
            return  # its own plan says it
        body = await self._cluster.get(POLICIES, *key)
        if body is None:
            return
        try:
            parse_policy(body)
        except InvalidResource as error:
            self._observer.policy_refused(key)
            with errand(Purpose.POLICY_STATUS, key):
                await self._say(POLICIES, body, spec_invalid(str(error), POLICY_AT_REST))

    async def _tell_level(self, key: Key) -> None:
        held = self._store.level(key)
        if held is not None and self._store.get(_policy_of(held)) is not None:
            return  # the plan of its policy says it
        body = await self._cluster.get(LEVELS, *key)
        if body is None or "deletionTimestamp" in body["metadata"]:
            return
        problem = await self._problem_of_level(body)
        if problem is None:
            return
        with errand(Purpose.LEVEL_STATUS):
            stored = await self._say(LEVELS, body, problem)
        if stored is None:
            return
        policy = self._store.level_told(key, stored["metadata"]["uid"], parse_level_status(stored))
        if policy is not None:
            self._plans.add(policy)

    async def _problem_of_level(self, body: Object) -> Problem | None:
        try:
            level = parse_level(body)
        except InvalidResource as error:
            # Whose it is, is not known for certain: of several operators none would be the one.
            return None if self._shared else spec_invalid(str(error), LEVEL_AT_REST)
        namespace, policy = _policy_of(level)
        if level.owned or await self._cluster.get(POLICIES, namespace, policy) is not None:
            return None
        return policy_not_found(policy)

    async def _say(self, resource: Resource, body: Object, problem: Problem) -> Object | None:
        """Write it, if the object does not say so yet; the object as it then is."""
        metadata = body["metadata"]
        generation, before = metadata["generation"], parse_conditions(body)
        finding = Finding("Ready", False, problem.reason, problem.message)
        condition = stamp(finding, history(before, generation, self._now()))
        said = (body.get("status") or {}).get("observedGeneration") == generation
        if said and condition in before:
            return None
        # Only of the object as it was read: who mends it meanwhile must not find this in its place.
        about = {name: metadata[name] for name in ("namespace", "name", "resourceVersion")}
        status = {"observedGeneration": generation, "conditions": [dump_status(condition)]}
        return await self._cluster.apply_status(
            resource,
            metadata["namespace"],
            metadata["name"],
            {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "metadata": about,
                "status": status,
            },
            field_manager=MANAGER,
            force=True,
        )


def _policy_of(level: DegradationLevel) -> Key:
    return level.namespace, level.spec.policy_ref.name
