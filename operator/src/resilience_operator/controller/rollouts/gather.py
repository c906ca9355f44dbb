"""Gathers what a rollout decision looks at: both arms, the router, and the policy's own state."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.traffic.select import build_router
from resilience_operator.actuators.workloads import selector_string
from resilience_operator.controller.rollouts.state import RolloutState
from resilience_operator.controller.store import Entry
from resilience_operator.core.model import Trust
from resilience_operator.core.resources import DEPLOYMENTS, PODS
from resilience_operator.core.rollout.machine import wanted_weight
from resilience_operator.core.rollout.model import DeploymentView, RolloutSnapshot, Verb
from resilience_operator.core.rollout.workloads import view_deployment


class Gatherer:
    """Reads; changes nothing."""

    def __init__(self, api: Api, now: Callable[[], float], trust: Callable[[], Trust]) -> None:
        self._api = api
        self._now = now
        self._trust = trust

    async def gather(self, entry: Entry, state: RolloutState, verb: Verb | None) -> RolloutSnapshot:
        """Everything about one rollout at this moment; raises TransientError."""
        policy, spec = entry.policy, state.spec
        router = build_router(self._api, policy.namespace, spec, policy.name)
        wanted = wanted_weight(spec, state.status)
        stable, canary, traffic = await asyncio.gather(
            self._deployment(policy.namespace, spec.stable.deployment),
            self._deployment(policy.namespace, spec.canary.deployment),
            router.read(wanted),
        )
        level = entry.level_states.get(policy.name)
        look = state.look if state.fresh else None
        return RolloutSnapshot(
            spec=spec,
            status=state.status,
            now=self._now(),
            stable=stable,
            canary=canary,
            traffic=traffic,
            level=level.level if level else None,
            level_since=level.since if level else None,
            dependencies=tuple(entry.health.values()),
            trust=self._trust(),
            metrics=look.metrics if look else None,
            metrics_window=look.window_started_at if look else None,
            metrics_at=state.look.at if state.look else None,
            checks=state.look.checks if state.look else (),
            verb=verb,
        )

    async def _deployment(self, namespace: str, name: str) -> DeploymentView:
        live = await self._api.get(DEPLOYMENTS, namespace, name)
        pods: Sequence[Any] = ()
        if live is not None:
            selector = selector_string(live["spec"]["selector"])
            pods = await self._api.list(PODS, namespace, selector)
        return view_deployment(name, live, pods)
