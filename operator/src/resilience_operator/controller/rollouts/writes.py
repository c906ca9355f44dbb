"""Writes what a rollout decision asks for: its status, its one effect, and the verb taken off."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from resilience_operator.actuators.base import Api
from resilience_operator.actuators.promotion import Promotion
from resilience_operator.actuators.traffic.select import build_router
from resilience_operator.api.v1alpha1.base import ROLLOUT_ANNOTATION
from resilience_operator.api.v1alpha1.parse import dump_status
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.controller.ports import Cluster
from resilience_operator.controller.rollouts.conditions import rollout_condition
from resilience_operator.controller.rollouts.state import Asked, RolloutState
from resilience_operator.core.conditions import ROLLOUT_CONDITION
from resilience_operator.core.errors import Invalid, NotFound
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import POLICIES
from resilience_operator.core.rollout.model import Effect, RolloutPlan
from resilience_operator.purpose import Purpose, errand

log = logging.getLogger(__name__)

ROLLOUT_MANAGER = "resilience-operator-rollout"


class RolloutWrites:
    """Everything that a rollout changes in the cluster."""

    def __init__(self, cluster: Cluster, api: Api, now: Callable[[], float]) -> None:
        """`api` reads what is there now, not what was there a moment ago."""
        self._cluster = cluster
        self._api = api
        self._promotion = Promotion(api)
        self._now = now

    async def status(
        self, policy: ResiliencePolicy, state: RolloutState, status: RolloutStatus
    ) -> None:
        """Write `status.rollout` and its condition, if they say anything new."""
        before = state.condition or next(
            (one for one in policy.status.conditions if one.type == ROLLOUT_CONDITION), None
        )
        condition = rollout_condition(policy, status, before, self._now())
        if state.written == status and before == condition:
            return
        content = {
            "rollout": dump_status(status),
            "conditions": [dump_status(condition)],
        }
        await self._apply_status(policy, content)
        state.written, state.condition = status, condition

    async def clear_status(self, policy: ResiliencePolicy) -> None:
        """Take `status.rollout` and its condition away."""
        await self._apply_status(policy, {})

    async def effect(
        self, policy: ResiliencePolicy, spec: Rollout, plan: RolloutPlan
    ) -> Problem | None:
        """Carry out the plan's effect; the problem, where it is refused."""
        purpose = Purpose.PROMOTION if plan.effect is Effect.COPY_TEMPLATE else Purpose.TRAFFIC
        with errand(purpose, (policy.namespace, policy.name)):
            return await self._effect(policy, spec, plan)

    async def _effect(
        self, policy: ResiliencePolicy, spec: Rollout, plan: RolloutPlan
    ) -> Problem | None:
        router = build_router(self._api, policy.namespace, spec, policy.name)
        match plan.effect:
            case Effect.SET_WEIGHT:
                return (await router.set_weight(plan.weight, plan.status.originals)).problem
            case Effect.RESTORE_WEIGHTS:
                return (await router.restore(plan.status.originals)).problem
            case Effect.COPY_TEMPLATE:
                return await self._promotion.copy_template(
                    policy.namespace,
                    spec.stable.deployment,
                    spec.canary.deployment,
                    plan.status.revision,
                )
            case Effect.NONE:
                return None

    async def take_verb(self, policy: ResiliencePolicy) -> Asked | None:
        """Take the annotation off the policy; what it said, if it was still there to be taken.

        The policy that we hold may be older than our own last taking: only the API server knows.
        """
        live = await self._api.get(POLICIES, policy.namespace, policy.name)
        said = ((live or {}).get("metadata", {}).get("annotations") or {}).get(ROLLOUT_ANNOTATION)
        if said is None:
            return None
        path = "/metadata/annotations/" + ROLLOUT_ANNOTATION.replace("~", "~0").replace("/", "~1")
        operations = [
            {"op": "test", "path": path, "value": said},
            {"op": "remove", "path": path},
        ]
        try:
            with errand(Purpose.VERB, (policy.namespace, policy.name)):
                await self._api.json_patch(POLICIES, policy.namespace, policy.name, operations)
        except (Invalid, NotFound):
            return None  # somebody was faster, and the watch brings what it says now
        return Asked(str(said).strip(), _writer_of(live or {}, ROLLOUT_ANNOTATION))

    async def _apply_status(self, policy: ResiliencePolicy, status: dict[str, Any]) -> None:
        body = {
            "apiVersion": POLICIES.api_version,
            "kind": POLICIES.kind,
            "metadata": {"name": policy.name, "namespace": policy.namespace},
            "status": status,
        }
        with errand(Purpose.ROLLOUT_STATUS, (policy.namespace, policy.name)):
            await self._cluster.apply_status(
                POLICIES,
                policy.namespace,
                policy.name,
                body,
                field_manager=ROLLOUT_MANAGER,
                force=True,
            )


def _writer_of(live: Mapping[str, Any], annotation: str) -> str:
    """The field manager that an annotation is from: a person's own name only the server knows."""
    for entry in live.get("metadata", {}).get("managedFields") or ():
        metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        if f"f:{annotation}" in (metadata.get("f:annotations") or {}):
            return str(entry.get("manager", ""))
    return ""
