"""One rollout at a time: gather, decide, write the status, carry out the effect.

The status is written before the effect. It says what the weights were before the rollout and what
is wanted now, so an operator that dies in between finds in it all that the next decision needs.
A person's verb is taken off the policy before it is obeyed, so that it is obeyed at most once. What
happened is announced last: traffic does not wait for events.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace

from resilience_operator.api.v1alpha1.policy import Mode, ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.rollouts.beginnings import Beginnings
from resilience_operator.controller.rollouts.gather import Gatherer, pods_again_after
from resilience_operator.controller.rollouts.interest import Interest
from resilience_operator.controller.rollouts.looks import Looks
from resilience_operator.controller.rollouts.mending import paced
from resilience_operator.controller.rollouts.ports import Announcer, Queue, RolloutObserver
from resilience_operator.controller.rollouts.rivals import Rivals
from resilience_operator.controller.rollouts.state import Asked, RolloutState
from resilience_operator.controller.rollouts.writes import RolloutWrites
from resilience_operator.controller.store import Entry, Store
from resilience_operator.core import decisions
from resilience_operator.core.errors import TerminalError
from resilience_operator.core.human_actions import rollout_action
from resilience_operator.core.model import Key, Problem
from resilience_operator.core.rollout.aim import abandoned, left_behind
from resilience_operator.core.rollout.machine import decide, undo
from resilience_operator.core.rollout.model import (
    Effect,
    Refusal,
    RolloutEvent,
    RolloutPlan,
    Verb,
)
from resilience_operator.core.rollout.turn import MANAGED_BY_OTHER, active
from resilience_operator.purpose import Purpose, errand, present

log = logging.getLogger(__name__)


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
        rivals: Rivals,
        beginnings: Beginnings,
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
        self._rivals = rivals
        self._beginnings = beginnings
        self._queue = queue
        self._now = now
        self._states: dict[Key, RolloutState] = {}

    def forget(self, key: Key) -> None:
        """A policy is gone, or has no rollout any more."""
        state = self._states.pop(key, None)
        if state is None:
            return
        self._interest.forget(key)
        self._rivals.release(key)
        self._beginnings.forget(key)
        if state.looking is not None:
            state.looking.cancel()
        self._observer.forget_rollout(key)

    async def undo(self, policy: ResiliencePolicy) -> None:
        """Put the weights back, because the policy goes; raises ApiError."""
        state = self._state(policy)
        if state is not None:
            async with state.lock:
                _insist(await self._put_back(policy, state))

    async def reconcile(self, key: Key) -> None:
        """Bring one rollout on. Raises ApiError for the workqueue to try again."""
        entry = self._store.get(key)
        if entry is None:
            self.forget(key)
            return
        state = self._state(entry.policy)
        if state is None:
            if _is_ours(entry.policy) and entry.policy.status.rollout is not None:
                await self._writes.clear_status(entry.policy)
            return
        async with state.lock:
            policy = entry.policy
            if not _is_ours(policy):
                if not policy.deleting:
                    self._rivals.release(key)
                if active(state.status) and not policy.deleting:
                    await self._writes.status(policy, state, state.status)  # that nothing is done
                return
            if policy.spec.rollout is None:
                _insist(await self._put_back(policy, state))
                await self._writes.clear_status(policy)
                self.forget(key)
                return
            if left_behind(policy.spec.rollout, state.status) is not None:
                await self._leave(policy, state)
            state.spec = policy.spec.rollout
            self._interest.follow(key, state.spec)
            self._rivals.claim(policy, state.spec)
            if policy.name in entry.level_states:  # else its first evaluation puts it here again
                await self._turn(key, entry, state)

    def _state(self, policy: ResiliencePolicy) -> RolloutState | None:
        """The memory of a policy's rollout, at first from its status; None: there is none."""
        key = (policy.namespace, policy.name)
        state = self._states.get(key)
        if state is not None and state.uid == policy.uid:
            return state
        self.forget(key)  # of a policy that is gone, and whose name another one has now
        status = policy.status.rollout or RolloutStatus()
        spec = policy.spec.rollout or left_behind(None, status)
        if spec is None:
            return None
        state = RolloutState(policy.uid, status, spec, written=policy.status.rollout)
        self._states[key] = state
        return state

    async def _turn(self, key: Key, entry: Entry, state: RolloutState) -> None:
        policy = entry.policy
        events: list[RolloutEvent] = []
        verb = await self._verb(policy, state, events)
        snapshot = await self._gatherer.gather(entry, state, verb)
        plan = decide(snapshot)
        if (later := self._not_yet(key, state, plan)) is not None:
            self._queue.add_at(key, later)
            self._announce(policy, events)
            return
        state.fresh = False
        with self._deciding(policy, plan.status):
            await self._writes.status(policy, state, plan.status)
            asked, state.status, state.verb = state.verb, plan.status, None
            if state.status.step > 0:
                self._beginnings.forget(key)
            self._observer.rollout_decided(key, plan.status, present().decision_id)
            if verb is not None and asked is not None:
                self._obeyed(key, verb, asked, plan)
            plan = paced(state, plan, self._now())
            self._come_back(key, state, plan)
            state.refused = None
            try:
                problem = await self._writes.effect(policy, state.spec, plan)
            finally:
                self._announce(policy, (*events, *plan.events))
        if problem is not None:
            state.refused = Refusal(plan.effect, problem)
            log.warning("%s: %s", problem.reason, problem.message, extra=_about(policy))

    def _deciding(
        self, policy: ResiliencePolicy, status: RolloutStatus
    ) -> AbstractContextManager[None]:
        """What is done in this block carries out the decision that this status stands for."""
        key = (policy.namespace, policy.name)
        return errand(Purpose.UNSAID, key, decisions.of_rollout(policy.uid, status))

    def _obeyed(self, key: Key, verb: Verb, asked: Asked, plan: RolloutPlan) -> None:
        answer = plan.events[0]  # in a decision, obeying comes first
        action = rollout_action(key, verb, asked.by, answer, present().decision_id)
        self._observer.person_acted(action)

    def _not_yet(self, key: Key, state: RolloutState, plan: RolloutPlan) -> float | None:
        """When the rollout may take its first step, if this is it and others come before."""
        first = state.status.step == 0 and plan.status.step > 0
        return self._beginnings.wait(key, self._now()) if first else None

    def _come_back(self, key: Key, state: RolloutState, plan: RolloutPlan) -> None:
        """When to decide again if nothing happens. A look that ends is something that happens."""
        now = self._now()
        if plan.wake_at is not None:
            self._queue.add_at(key, plan.wake_at)
        if plan.effect is not Effect.NONE:
            self._queue.add_at(key, now + AFTER_EFFECT_SECONDS)
        if not active(plan.status):
            return
        self._queue.add_at(key, now + pods_again_after(key))
        if plan.wants_metrics or state.spec.gate.checks:
            self._looks.take(key, state)
            if state.looking is None:
                self._queue.add_at(key, self._looks.due_at(state))

    def _announce(self, policy: ResiliencePolicy, events: Iterable[RolloutEvent]) -> None:
        decision_id = present().decision_id
        for event in (replace(each, decision_id=decision_id) for each in events):
            self._observer.rollout_moved((policy.namespace, policy.name), event)
            self._announcer.announce(policy, event)

    async def _verb(
        self, policy: ResiliencePolicy, state: RolloutState, events: list[RolloutEvent]
    ) -> Verb | None:
        """What a person asks, taken off the policy; kept until a decision has obeyed it."""
        if policy.rollout_verb is not None:
            state.verb = await self._writes.take_verb(policy) or state.verb
        if state.verb is None:
            return None
        try:
            return Verb(state.verb.said.lower())
        except ValueError:
            known = ", ".join(verb.value for verb in Verb)
            unknown = f"{state.verb.said[:40]!r} is no verb of a rollout; these are: {known}."
            events.append(RolloutEvent("Warning", "UnknownVerb", unknown))
            return None

    async def _put_back(self, policy: ResiliencePolicy, state: RolloutState) -> Problem | None:
        """Undo what a rollout has done to traffic, whether the spec still aims at it or not.

        A refusal is told of once, however often it is asked for.
        """
        effect = undo(state.status)
        spec = left_behind(policy.spec.rollout, state.status) or state.spec
        if self._at_work(self._rivals.elder(policy, spec)):
            return None  # what there is to put back, the other one will
        problem = await self._writes.effect(policy, spec, RolloutPlan(state.status, effect))
        refused = None if problem is None else Refusal(effect, problem)
        if problem is not None and refused != state.refused:
            message = f"The weights stay as they are: {problem.message}"
            log.warning(message, extra=_about(policy))
            self._announce(policy, [RolloutEvent("Warning", problem.reason, message)])
        state.refused = refused
        return problem

    def _at_work(self, key: Key | None) -> bool:
        """Whether weights are not what they were because of that policy's rollout."""
        state = None if key is None else self._states.get(key)
        return state is not None and undo(state.status) is not Effect.NONE

    async def _leave(self, policy: ResiliencePolicy, state: RolloutState) -> None:
        """The spec aims at another route or other arms than the rollout under way."""
        await self._put_back(policy, state)
        state.status = abandoned(state.status, self._now())
        state.look, state.pods, state.refused = None, {}, None
        message = "spec.rollout names another route or other arms; the old weights are put back."
        with self._deciding(policy, state.status):
            self._announce(policy, [RolloutEvent("Normal", "RolloutTargetChanged", message)])


def _insist(problem: Problem | None) -> None:
    """Raise a refusal, so that it is tried again; what another tool manages is left to it."""
    if problem is not None and problem.reason != MANAGED_BY_OTHER:
        raise TerminalError(problem.message)


def _is_ours(policy: ResiliencePolicy) -> bool:
    """Whether anything of the policy's rollout may be changed, but for undoing it."""
    return not policy.deleting and policy.spec.mode is Mode.ENFORCE


def _about(policy: ResiliencePolicy) -> dict[str, str]:
    return {"namespace": policy.namespace, "policy": policy.name}


AFTER_EFFECT_SECONDS = 0.5
"""How soon after an effect the cluster is looked at again, to see it in force."""
