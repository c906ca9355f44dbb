"""Tells what was decided: numbers, a log line for each change, events, and what people did."""

import logging
from typing import Protocol

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.controller.ports import Observer
from resilience_operator.controller.store import Entry, Store
from resilience_operator.core.human_actions import level_actions, levers, levers_before
from resilience_operator.core.model import EventPlan, LevelPlan, Plan, Snapshot

log = logging.getLogger(__name__)

MAX_UNANNOUNCED = 100
"""Events kept for an API server that does not answer; the oldest go first."""


class Announcer(Protocol):
    """Records the events of a plan."""

    async def announce(
        self, policy: ResiliencePolicy, event: EventPlan, level: DegradationLevel | None
    ) -> None:
        """Record one event, on the policy or on that level of it; never raises."""


class Teller:
    """Tells of plans, of each change once."""

    def __init__(self, store: Store, announcer: Announcer, observer: Observer) -> None:
        self._store = store
        self._announcer = announcer
        self._observer = observer

    def decided(self, entry: Entry, snapshot: Snapshot, plan: Plan) -> None:
        """A plan was made; its events are kept until `announce`."""
        for dependency in plan.dependencies:
            self._observer.dependency_observed(plan.key, dependency)
        for event in plan.events:
            self._note(entry, plan, event)
        for level in plan.levels:
            key = (plan.key[0], level.name)
            self._observer.level_decided(key, level.decision.level, level.score)
            self._observer.level_planned(key, level)
            if level.decision.transition is not None:
                self._observer.level_changed(key, level.decision.transition)
            self._tell_of_people(entry, snapshot, level)

    async def announce(self, entry: Entry) -> None:
        """Record what happened, after it was carried out: flags do not wait for events."""
        while entry.unannounced:
            event = next(iter(entry.unannounced))
            del entry.unannounced[event]
            policy = entry.policy
            level = self._store.level((policy.namespace, event.level or ""))
            await self._announcer.announce(policy, event, level)

    def _note(self, entry: Entry, plan: Plan, event: EventPlan) -> None:
        """Say it in the log, once however often the plan is made again, and keep it to announce."""
        if event in entry.unannounced:
            return
        entry.unannounced[event] = None
        if len(entry.unannounced) > MAX_UNANNOUNCED:
            del entry.unannounced[next(iter(entry.unannounced))]
        namespace, policy = plan.key
        if event.level == policy:
            return  # the same event comes for the policy
        about = {
            "namespace": namespace,
            "policy": policy,
            "reason": event.reason,
            "degradation_level": event.level,
            "dependency": event.dependency,
            "decision": event.decision_id,
        }
        said = {name: value for name, value in about.items() if value}
        log.info("%s: %s", event.reason, event.message, extra=said)

    def _tell_of_people(self, entry: Entry, snapshot: Snapshot, level: LevelPlan) -> None:
        found = next((each for each in snapshot.levels if each.name == level.name), None)
        if found is None:
            return
        before = entry.levers.get(level.name) or levers_before(found.spec, found.status)
        now = entry.levers[level.name] = levers(found.spec, snapshot.now)
        key = (entry.policy.namespace, entry.policy.name)
        for action in level_actions(key, level.name, level.decision_id, before, now):
            self._observer.person_acted(action)
