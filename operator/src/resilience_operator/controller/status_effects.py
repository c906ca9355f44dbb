"""Writes DegradationLevels and statuses, each only where it differs from what was last written."""

from dataclasses import replace

from resilience_operator.api.v1alpha1.level import DegradationLevel, LevelStatus
from resilience_operator.api.v1alpha1.parse import InvalidResource, dump_status, parse_level
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.controller.ports import Cluster
from resilience_operator.controller.store import Entry
from resilience_operator.core.errors import Conflict
from resilience_operator.core.model import LevelPlan, Plan, Problem, Snapshot
from resilience_operator.core.resources import LEVELS, POLICIES, Resource
from resilience_operator.core.status import (
    level_status,
    materially_equal,
    policy_status,
)
from resilience_operator.purpose import Purpose, errand

LEVELS_MANAGER = "resilience-operator"
STATUS_MANAGER = "resilience-operator-status"


class StatusEffects:
    """The two status subresources, and the DegradationLevel that a policy gets by itself."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def write_level(self, entry: Entry, snapshot: Snapshot, level: LevelPlan) -> None:
        """Create the level where there is none, and bring its status up to date."""
        policy = snapshot.policy
        if level.name == policy.name:
            entry.level_problem = None
        if level.create:
            try:
                stored = await self._create(policy, level)
            except Conflict as conflict:
                entry.level_problem = _not_ours(level.name, conflict)
                return
            except InvalidResource as error:
                entry.level_problem = _not_understood(level.name, error)
                return
            entry.level_statuses.pop(level.name, None)
            # The status speaks of its generation; else it is written again when the watch shows it.
            snapshot = replace(snapshot, levels=(*snapshot.levels, stored))
        desired = level_status(snapshot, level)
        written = entry.level_statuses.get(level.name)
        if written == desired:
            return
        with errand(Purpose.LEVEL_STATUS, decision_id=level.decision_id):
            await self._write(LEVELS, policy.namespace, level.name, desired)
        entry.level_statuses[level.name] = desired

    async def write_policy(self, entry: Entry, snapshot: Snapshot, plan: Plan) -> None:
        """Bring the policy's status up to date."""
        desired = policy_status(snapshot, plan, entry.result)
        if materially_equal(entry.policy_status, desired):
            return
        policy = snapshot.policy
        with errand(Purpose.POLICY_STATUS):
            await self._write(POLICIES, policy.namespace, policy.name, desired)
        entry.policy_status = desired

    async def _create(self, policy: ResiliencePolicy, level: LevelPlan) -> DegradationLevel:
        with errand(Purpose.LEVEL, decision_id=level.decision_id):
            stored = await self._cluster.apply(
                LEVELS,
                policy.namespace,
                level.name,
                build_level(policy),
                field_manager=LEVELS_MANAGER,
            )
        return parse_level(stored)

    async def _write(
        self, resource: Resource, namespace: str, name: str, status: PolicyStatus | LevelStatus
    ) -> None:
        body = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, "namespace": namespace},
            "status": dump_status(status),
        }
        # By force: a status has one writer, and that is us.
        await self._cluster.apply_status(
            resource, namespace, name, body, field_manager=STATUS_MANAGER, force=True
        )


def _not_ours(name: str, conflict: Conflict) -> Problem:
    return Problem(
        "LevelNotOurs",
        f"DegradationLevel {name} is there already and is not this policy's, which has none "
        f"therefore: delete it, and make it under another name ({conflict.message})",
    )


def _not_understood(name: str, error: InvalidResource) -> Problem:
    return Problem(
        "LevelSpecInvalid",
        f"DegradationLevel {name} has a spec that is not understood: correct it. Until then the "
        f"policy goes on as if nothing were asked in it, no override and no freeze ({error})",
    )


def build_level(policy: ResiliencePolicy) -> dict[str, object]:
    """The DegradationLevel that the operator makes for a policy, owned by it."""
    return {
        "apiVersion": LEVELS.api_version,
        "kind": LEVELS.kind,
        "metadata": {
            "name": policy.name,
            "namespace": policy.namespace,
            "ownerReferences": [
                {
                    "apiVersion": POLICIES.api_version,
                    "kind": POLICIES.kind,
                    "name": policy.name,
                    "uid": policy.uid,
                    "controller": True,
                }
            ],
        },
        "spec": {"policyRef": {"name": policy.name}},
    }
