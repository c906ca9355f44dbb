"""One rollout at a time: gather, decide, write the status, carry out the effect.

The status is written before the effect. It says what the weights were before the rollout and what
is wanted now, so an operator that dies in between finds in it all that the next decision needs.
A person's verb is taken off the policy before it is obeyed, so that it is obeyed at most once.
"""

import logging
from collections.abc import Callable
from typing import Protocol

from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.rollouts.gather import Gatherer
from resilience_operator.controller.rollouts.interest import Interest
from resilience_operator.controller.rollouts.looks import Looks
from resilience_operator.controller.rollouts.state import RolloutState
from resilience_operator.controller.rollouts.writes import RolloutWrites
from resilience_operator.controller.store import Entry, Store
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.machine import decide, undo
from resilience_operator.core.rollout.model import Effect, RolloutEvent, RolloutPlan, Verb

log = logging.getLogger(__name__)


class Queue(Protocol):
    """The workqueue of rollouts, keyed by policy."""

    def add(self, key: Key) -> None:
        """Reconcile soon."""

    def add_at(self, key: Key, when: float) -> None:
        """Reconcile at a time, in epoch seconds, or sooner."""


class Announcer(Protocol):
    """Records events, and tells those who want to be told."""

    async def announce_rollout(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        """Record one event; never raises."""


class RolloutObserver(Protocol):
    """Hears of rollouts, for metrics."""

    def rollout_decided(self, policy: Key, status: RolloutStatus) -> None:
        """Where a rollout stands, changed or not."""

    def rollout_moved(self, policy: Key, event: RolloutEvent) -> None:
        """Something happened to a rollout."""

    def forget_rollout(self, policy: Key) -> None:
        """A policy no longer has one."""


class RolloutWorker:
    """The one owner of the rollouts' memory."""

    def __init__(
        self,
        *,
        store: Store,
        gatherer: Gatherer,
        looks: Looks,
        writes: RolloutWrites,
        announcer: Announcer,
        observer: RolloutObserver,
        interest: Interest,
        queue: Queue,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._gatherer = gatherer
        self._looks = looks
        self._writes = writes
        self._announcer = announcer
        self._observer = observer
        self._interest = interest
        self._queue = queue
        self._now = now
        self._states: dict[Key, RolloutState] = {}

    def forget(self, key: Key) -> None:
        """A policy is gone."""
        state = self._states.pop(key, None)
        if state is None:
            return
        self._interest.forget(key)
        if state.looking is not None:
            state.looking.cancel()
        self._observer.forget_rollout(key)

    async def undo(self, policy: ResiliencePolicy) -> None:
        """Put the weights back, because the policy goes; raises ApiError."""
        key = (policy.namespace, policy.name)
        spec, state = policy.spec.rollout, self._states.get(key)
        if spec is None:
            return
        if state is None:
            state = RolloutState(status=policy.status.rollout or RolloutStatus(), spec=spec)
        effect = undo(state.status)
        if effect is not Effect.NONE:
            await self._writes.effect(policy, state, RolloutPlan(state.status, effect))

    async def reconcile(self, key: Key) -> None:
        """Bring one rollout on. Raises ApiError for the workqueue to try again."""
        entry = self._store.get(key)
        if entry is None:
            self.forget(key)
            return
        if entry.policy.deleting or entry.policy.spec.mode is not Mode.ENFORCE:
            return
        spec = entry.policy.spec.rollout
        if spec is None:
            await self._take_away(key, entry)
            return
        state = self._state(key, entry)
        state.spec = spec
        self._interest.follow(key, spec)
        await self._turn(key, entry, state)

    def _state(self, key: Key, entry: Entry) -> RolloutState:
        state = self._states.get(key)
        if state is None:
            spec = entry.policy.spec.rollout
            if spec is None:
                raise ValueError("a rollout needs a spec")
            status = entry.policy.status.rollout or RolloutStatus()
            state = self._states[key] = RolloutState(status=status, spec=spec)
            state.written = entry.policy.status.rollout
        return state

    async def _turn(self, key: Key, entry: Entry, state: RolloutState) -> None:
        verb = await self._verb(entry, state)
        snapshot = await self._gatherer.gather(entry, state, verb)
        plan = decide(snapshot)
        state.fresh = False
        await self._announce(key, entry, plan)
        await self._writes.status(entry.policy, state, plan.status)
        state.status = plan.status
        self._observer.rollout_decided(key, plan.status)
        self._come_back(key, state, plan)
        problem = await self._writes.effect(entry.policy, state, plan)
        if problem is not None:
            log.warning("%s: %s", problem.reason, problem.message)
        if plan.effect is not Effect.NONE:
            self._queue.add_at(key, self._now() + AFTER_EFFECT_SECONDS)

    def _come_back(self, key: Key, state: RolloutState, plan: RolloutPlan) -> None:
        if plan.wake_at is not None:
            self._queue.add_at(key, plan.wake_at)
        if plan.wants_metrics or state.spec.gate.checks:
            self._looks.take(key, state)
            self._queue.add_at(key, max(self._looks.due_at(state), self._now() + 0.2))

    async def _announce(self, key: Key, entry: Entry, plan: RolloutPlan) -> None:
        for event in plan.events:
            self._observer.rollout_moved(key, event)
            await self._announcer.announce_rollout(entry.policy, event)

    async def _verb(self, entry: Entry, state: RolloutState) -> Verb | None:
        said = entry.policy.rollout_verb
        if said is None:
            state.verb_done = None
            return None
        if state.verb_done == said:
            return None
        await self._writes.take_verb(entry.policy)
        state.verb_done = said
        try:
            return Verb(said.lower())
        except ValueError:
            known = ", ".join(verb.value for verb in Verb)
            unknown = f"{said[:40]!r} is no verb of a rollout; these are: {known}."
            event = RolloutEvent("Warning", "UnknownVerb", unknown)
            await self._announcer.announce_rollout(entry.policy, event)
            return None

    async def _take_away(self, key: Key, entry: Entry) -> None:
        """`spec.rollout` is gone: put the weights back if a rollout was under way."""
        state = self._states.get(key)
        if state is not None and undo(state.status) is Effect.RESTORE_WEIGHTS:
            back = RolloutPlan(state.status, Effect.RESTORE_WEIGHTS)
            await self._writes.effect(entry.policy, state, back)
        if state is not None or entry.policy.status.rollout is not None:
            await self._writes.clear_status(entry.policy)
            self.forget(key)


AFTER_EFFECT_SECONDS = 0.5
"""How soon after an effect the cluster is looked at again, to see it in force."""
