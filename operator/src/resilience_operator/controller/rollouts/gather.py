"""Gathers what a rollout decision looks at: both arms, the router, and the policy's own state.

All but the pods are in the mirror. Pods are listed when their Deployment has changed, as it does
when one stops being ready, and every few seconds while a rollout is under way.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from resilience_operator.actuators.base import Api, Object
from resilience_operator.actuators.traffic.select import build_router
from resilience_operator.actuators.workloads import selector_string
from resilience_operator.controller.rollouts.rivals import Rivals
from resilience_operator.controller.rollouts.state import PodList, RolloutState
from resilience_operator.controller.store import Entry
from resilience_operator.core.model import Key, Trust
from resilience_operator.core.resources import DEPLOYMENTS, PODS
from resilience_operator.core.rollout.machine import wanted_weight
from resilience_operator.core.rollout.model import RolloutSnapshot, Verb
from resilience_operator.core.rollout.turn import active
from resilience_operator.core.rollout.workloads import revision_of, view_deployment
from resilience_operator.runtime.scheduler import fraction

# A pod that has never been ready may begin to crash without its Deployment's changing.
PODS_SECONDS = 10.0


def pods_again_after(policy: Key) -> float:
    """Seconds after which a rollout's pods are listed again, at most `PODS_SECONDS`.

    Each rollout has a pace of its own: else those that began together would all list theirs in the
    moment in which their steps are due.
    """
    return PODS_SECONDS * (0.75 + 0.25 * fraction("/".join(policy)))


class Gatherer:
    """Reads; changes nothing."""

    def __init__(
        self, api: Api, now: Callable[[], float], trust: Callable[[], Trust], rivals: Rivals
    ) -> None:
        self._api = api
        self._now = now
        self._trust = trust
        self._rivals = rivals

    async def gather(self, entry: Entry, state: RolloutState, verb: Verb | None) -> RolloutSnapshot:
        """Everything about one rollout at this moment; raises TransientError."""
        policy, spec = entry.policy, state.spec
        router = build_router(self._api, policy.namespace, spec, policy.name)
        wanted = wanted_weight(spec, state.status)
        stable, canary, traffic, other = await asyncio.gather(
            self._api.get(DEPLOYMENTS, policy.namespace, spec.stable.deployment),
            self._api.get(DEPLOYMENTS, policy.namespace, spec.canary.deployment),
            router.read(wanted),
            self._rivals.reason_to_yield(policy, spec, state.status.reason),
        )
        if other is not None:  # and what is noted on the route is the other one's
            traffic = replace(traffic, problem=other, recorded=())
        key = (policy.namespace, policy.name)
        wants_pods = active(state.status) or _is_news(canary, state)
        if not wants_pods:
            state.pods.clear()
        stable_pods, canary_pods = await asyncio.gather(
            self._pods(key, stable, state, wants_pods),
            self._pods(key, canary, state, wants_pods),
        )
        level = entry.level_states.get(policy.name)
        look = state.look if state.fresh else None
        answered = state.look is not None and state.look.subject == state.subject
        return RolloutSnapshot(
            spec=spec,
            status=state.status,
            now=self._now(),
            stable=view_deployment(spec.stable.deployment, stable, stable_pods),
            canary=view_deployment(spec.canary.deployment, canary, canary_pods),
            traffic=traffic,
            level=level.level if level else None,
            level_since=level.since if level else None,
            dependencies=tuple(entry.health.values()),
            trust=self._trust(),
            metrics=look.metrics if look and look.window_started_at else None,
            metrics_window=look.window_started_at if look else None,
            metrics_at=state.look.at if state.look else None,
            checks=state.look.checks if state.look and answered else (),
            verb=verb,
            refused=state.refused,
        )

    async def _pods(
        self, policy: Key, live: Object | None, state: RolloutState, wanted: bool
    ) -> Sequence[Object]:
        if live is None or not wanted:
            return ()
        name, version = live["metadata"]["name"], live["metadata"]["resourceVersion"]
        known, now, again = state.pods.get(name), self._now(), pods_again_after(policy)
        if known is None or known.version != version or now - known.at >= again:
            pods = await self._api.list(PODS, policy[0], selector_string(live["spec"]["selector"]))
            known = state.pods[name] = PodList(version, now, pods)
        return known.pods


def _is_news(canary: Object | None, state: RolloutState) -> bool:
    """Whether the canary is of a revision whose rollout has not ended."""
    return canary is not None and revision_of(canary) != state.status.finished_revision
