"""The controller: takes events and probe results in, and reconciles one policy at a time.

Level-triggered: each reconcile looks at the present state of everything and carries out the plan
that follows from it. What kind of event led to it is not known here.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.finalizer import GIVE_UP_SECONDS, Finalizer
from resilience_operator.controller.flag_effects import FlagEffects
from resilience_operator.controller.ports import Observer, Queue
from resilience_operator.controller.status_effects import StatusEffects
from resilience_operator.controller.store import Entry, Store
from resilience_operator.controller.subscriptions import Subscriptions
from resilience_operator.controller.telling import Announcer, Teller
from resilience_operator.controller.trust_monitor import CurrentTrust
from resilience_operator.core.errors import ApiError, Forbidden, TerminalError
from resilience_operator.core.evaluation import evaluate
from resilience_operator.core.level_state import restore_level
from resilience_operator.core.model import Key, Plan, Snapshot, Trust
from resilience_operator.purpose import Purpose, errand

log = logging.getLogger(__name__)


class Rollouts(Protocol):
    """The workqueue of rollouts: told whenever something that they look at may have changed."""

    def add(self, key: Key) -> None:
        """Look at the policy's rollout soon, if it has one."""


class Alone(Protocol):
    """Told of levels that may be without a policy."""

    def level_seen(self, level: DegradationLevel) -> None:
        """A level is new or has changed."""

    def policy_gone(self, key: Key) -> None:
        """A policy is gone, and leaves its levels behind."""


class Controller:
    """The one owner of the store's entries."""

    def __init__(
        self,
        *,
        store: Store,
        subscriptions: Subscriptions,
        flags: FlagEffects,
        statuses: StatusEffects,
        finalizer: Finalizer,
        announcer: Announcer,
        observer: Observer,
        queue: Queue,
        rollouts: Rollouts,
        trust: CurrentTrust,
        alone: Alone,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._flags = flags
        self._statuses = statuses
        self._finalizer = finalizer
        self._teller = Teller(store, announcer, observer)
        self._observer = observer
        self._queue = queue
        self._rollouts = rollouts
        self._trust = trust
        self._alone = alone
        self._now = now

    # The sink of the watch.

    def policy_seen(self, policy: ResiliencePolicy) -> None:
        """A policy exists in this form."""
        key = (policy.namespace, policy.name)
        before = self._store.get(key)
        if before is not None and before.policy.uid != policy.uid:
            self._subscriptions.drop(before)
        changed = before is None or _differs(before.policy, policy)
        # A verb that has gone counts too: only then is the next one a new one.
        asked = before is None or before.policy.rollout_verb != policy.rollout_verb
        entry = self._store.put_policy(policy)
        if policy.deleting and entry.deleting_since is None:
            entry.deleting_since = self._now()
        if before is None:
            self._observer.policies_changed(len(self._store))
        if changed:
            self._queue.add(key)
            if not policy.deleting:
                # Not only at its turn: of thousands that come at once, the last would be probed
                # when all others are written, and would first be written as Unknown.
                self._subscribe(key, entry)
        if changed or asked:
            self._rollouts.add(key)

    def policy_gone(self, key: Key, uid: str) -> bool:
        """The policy of that uid no longer exists; whether it was held.

        Events of different objects may overtake each other, and a new one have the name by now.
        """
        self._alone.policy_gone(key)
        entry = self._store.get(key)
        if entry is None:
            self._observer.forget_policy(key)  # as one whose spec is refused
            return False
        if entry.policy.uid != uid:
            return False
        self._store.drop_policy(key)
        self._subscriptions.drop(entry)
        self._rollouts.add(key)
        self._observer.forget_policy(key)
        for level in self._store.levels_of(key):
            self._observer.forget_level((level.namespace, level.name))
        self._observer.policies_changed(len(self._store))
        return True

    def level_seen(self, level: DegradationLevel) -> None:
        """A level exists in this form."""
        known = self._store.level((level.namespace, level.name))
        if known is not None and known.uid != level.uid:
            self.level_gone((known.namespace, known.name), known.uid)
        key = self._store.put_level(level)
        if known is None or _identity(known) != _identity(level):
            self._queue.add(key)
            self._alone.level_seen(level)

    def level_gone(self, key: Key, uid: str) -> None:
        """The level of that uid no longer exists; one that the operator made is made again."""
        level = self._store.level(key)
        if level is None or level.uid != uid:
            return
        policy_key = (level.namespace, level.spec.policy_ref.name)
        self._store.drop_level(key)
        self._observer.forget_level(key)
        entry = self._store.get(policy_key)
        if entry is not None:
            entry.level_statuses.pop(key[1], None)
            entry.levers.pop(key[1], None)
            if key != policy_key:  # the default level goes on where it was when it is made again
                entry.level_states.pop(key[1], None)
        for each in {policy_key, key}:  # a policy may have waited for the name
            if self._store.get(each) is not None:
                self._queue.add(each)

    # What else changes a plan.

    def config_map_seen(self, config_map: Key, version: str | None) -> None:
        """A flag ConfigMap exists at that resourceVersion (None: it is gone).

        Any version but the one of our last write is looked at again: somebody may have edited it.
        """
        for entry in self._store.writers_of(config_map):
            if entry.applied is not None and entry.applied.resource_version != version:
                entry.applied = None
                self._queue.add((entry.policy.namespace, entry.policy.name))

    def look_again(self, key: Key) -> None:
        """Compare everything with the cluster at the next reconcile, as after a start."""
        entry = self._store.get(key)
        if entry is not None:
            entry.applied, entry.told = None, None
            self._queue.add(key)

    def trust_assessed(self, trust: Trust) -> None:
        """Whether probes are believed; a change concerns every policy."""
        if not self._trust.put(trust):
            return
        self._observer.trust_changed(trust)
        log.warning("%s: %s", trust.reason, trust.message)
        for key in self._store.policy_keys():
            self._queue.add(key)

    # The worker.

    async def reconcile(self, key: Key) -> None:
        """Bring one policy in line. Raises ApiError for the workqueue to try again."""
        entry = self._store.get(key)
        if entry is None:
            return
        if entry.policy.deleting:
            since = entry.deleting_since or self._now()
            waited = self._now() - since
            self._subscriptions.drop(entry)
            if waited < GIVE_UP_SECONDS:
                # By then whatever its failures have made of the pause between two tries.
                self._queue.add_at(key, since + GIVE_UP_SECONDS)
            await self._finalizer.finalize(entry.policy, self._store.levels_of(key), waited)
            entry.policy = entry.policy.model_copy(update={"finalizers": ()})
            return
        self._subscribe(key, entry)
        snapshot = self._gather(key, entry)
        plan = evaluate(snapshot)
        entry.level_states.update((each.name, each.decision.state) for each in plan.levels)
        self._teller.decided(entry, snapshot, plan)
        try:
            with errand(Purpose.UNSAID, key, plan.decision_id):
                await self._carry_out(entry, snapshot, plan)
        finally:
            if plan.wake_at is not None:
                self._queue.add_at(key, plan.wake_at)
            if entry.policy.spec.rollout is not None:
                self._rollouts.add(key)
        await self._teller.announce(entry)

    def _subscribe(self, key: Key, entry: Entry) -> None:
        for name in self._subscriptions.sync(entry):
            self._observer.forget_dependency(key, name)

    def _gather(self, key: Key, entry: Entry) -> Snapshot:
        levels = self._store.levels_of(key)
        for level in levels:
            if level.name not in entry.level_states:
                entry.level_states[level.name] = restore_level(level.status)
                entry.level_statuses[level.name] = level.status
        return Snapshot(
            policy=entry.policy.model_copy(update={"status": entry.policy_status}),
            now=self._now(),
            evidence=dict(entry.evidence),
            levels=tuple(
                level.model_copy(update={"status": entry.level_statuses[level.name]})
                if level.name in entry.level_statuses
                else level
                for level in levels
            ),
            level_states=dict(entry.level_states),
            trust=self._trust.get(),
        )

    async def _carry_out(self, entry: Entry, snapshot: Snapshot, plan: Plan) -> None:
        """Try every effect, then raise the first failure.

        A level reaches its status before its flags reach the ConfigMap, so that an operator that
        dies in between finds a level that agrees with the flags it is about to write.
        """
        policy = snapshot.policy
        failures: list[ApiError] = []
        steps: list[Callable[[], Awaitable[None]]] = [
            partial(self._ensure_finalizer, entry),
            *(partial(self._statuses.write_level, entry, snapshot, level) for level in plan.levels),
            partial(self._flags.carry_out, entry, policy, plan.flags, snapshot.now),
            partial(self._statuses.write_policy, entry, snapshot, plan),
        ]
        for step in steps:
            if self._store.get(plan.key) is not entry:
                return  # let go meanwhile: what is left to do is another shard's
            try:
                await step()
            except ApiError as failure:
                failures.append(failure)
        self._observer.plan_carried_out(plan.key, entry.result)
        if any(_will_fail_again(failure) for failure in failures):
            await self._teller.announce(entry)  # no reason to keep them back
        if failures:
            raise failures[0]

    async def _ensure_finalizer(self, entry: Entry) -> None:
        entry.policy = await self._finalizer.ensure(entry.policy)


def _will_fail_again(failure: ApiError) -> bool:
    """Forbidden may not: an API server that has just started does not know our role yet."""
    return isinstance(failure, TerminalError) and not isinstance(failure, Forbidden)


def _differs(one: ResiliencePolicy, other: ResiliencePolicy) -> bool:
    """Whether they differ in what a plan looks at: not in status, which we write ourselves."""
    return (_identity(one), one.finalizers) != (_identity(other), other.finalizers)


def _identity(one: ResiliencePolicy | DegradationLevel) -> tuple[object, ...]:
    return one.uid, one.generation, one.deleting, one.spec, one.refused
