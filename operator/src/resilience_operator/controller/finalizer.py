"""The finalizer of a policy: puts flags and weights back before the policy goes, in limited time.

We keep our own instead of kopf's, so that undoing goes through the workqueue with everything else:
a policy deleted while the operator was down is found deleting when it is back.
"""

import logging
from collections.abc import Awaitable, Callable

from resilience_operator.actuators import FlagsConfigMap, PodRefresh
from resilience_operator.api.v1alpha1.base import FINALIZER
from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.parse import UNREADABLE
from resilience_operator.api.v1alpha1.policy import OnDelete, ResiliencePolicy
from resilience_operator.controller.ports import Cluster
from resilience_operator.core.errors import ApiError, NotFound, TerminalError
from resilience_operator.core.flags import optimal_flags
from resilience_operator.core.model import Problem
from resilience_operator.core.resources import LEVELS, POLICIES
from resilience_operator.purpose import Purpose, errand

log = logging.getLogger(__name__)

FINALIZER_MANAGER = "resilience-operator-finalizer"

GIVE_UP_SECONDS = 60.0
"""A policy is let go after so long even where undoing fails: nothing may hang in deletion."""


class Finalizer:
    """Sets the finalizer on a living policy; undoes and removes it on one that is deleting."""

    def __init__(
        self,
        cluster: Cluster,
        flags: FlagsConfigMap,
        pods: PodRefresh,
        undo_rollout: Callable[[ResiliencePolicy], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._flags = flags
        self._pods = pods
        self._undo_rollout = undo_rollout

    async def ensure(self, policy: ResiliencePolicy) -> ResiliencePolicy:
        """Put the finalizer on if the policy has something to undo; the policy as it then is."""
        wanted = policy.spec.flags.on_delete is OnDelete.RESTORE or policy.spec.rollout is not None
        if wanted == (FINALIZER in policy.finalizers):
            return policy
        ours = (FINALIZER,) if wanted else ()
        await self._set(policy, list(ours))
        others = tuple(name for name in policy.finalizers if name != FINALIZER)
        return policy.model_copy(update={"finalizers": others + ours})

    async def finalize(
        self, policy: ResiliencePolicy, levels: tuple[DegradationLevel, ...], waited: float
    ) -> None:
        """Undo, then let the policy go. Raises while undoing fails and there is time left.

        Undoing is given up after a while; taking the finalizer off never is.
        """
        if FINALIZER not in policy.finalizers:
            return
        if policy.spec is UNREADABLE:
            _say_left(policy, "its spec is not understood")
        try:
            with errand(Purpose.UNDO, (policy.namespace, policy.name)):
                await self._undo(policy, levels)
        except ApiError as failure:
            if waited < GIVE_UP_SECONDS:
                raise
            _say_left(policy, failure.message)
        try:
            await self._set(policy, [])
        except NotFound:
            return

    async def _undo(self, policy: ResiliencePolicy, levels: tuple[DegradationLevel, ...]) -> None:
        """Put back what the policy has changed; what fails keeps nothing else from going back."""
        try:
            await self._undo_rollout(policy)
        finally:
            await self._undo_flags(policy, levels)

    async def _undo_flags(
        self, policy: ResiliencePolicy, levels: tuple[DegradationLevel, ...]
    ) -> None:
        key = (policy.namespace, policy.name)
        problems: tuple[Problem, ...] = ()
        # Whatever its mode is by now: it may have written flags before it was set to Observe.
        if policy.spec.flags.on_delete is OnDelete.RESTORE:
            restored = await self._flags.restore(key, optimal_flags(policy))
            await self._pods.undo(
                policy.spec.flags.propagation,
                policy.namespace,
                policy.spec.targets,
                restored.applied,
            )
            problems = restored.problems
        for level in levels:
            if level.owned:
                await self._cluster.delete(LEVELS, level.namespace, level.name)
        if problems:
            raise TerminalError(" ".join(problem.message for problem in problems))

    async def _set(self, policy: ResiliencePolicy, finalizers: list[str]) -> None:
        body = {
            "apiVersion": POLICIES.api_version,
            "kind": POLICIES.kind,
            # The uid keeps a policy deleted meanwhile from being made anew by the apply.
            "metadata": {
                "name": policy.name,
                "namespace": policy.namespace,
                "uid": policy.uid,
                "finalizers": finalizers,
            },
        }
        with errand(Purpose.FINALIZER, (policy.namespace, policy.name)):
            await self._cluster.apply(
                POLICIES, policy.namespace, policy.name, body, field_manager=FINALIZER_MANAGER
            )


def _say_left(policy: ResiliencePolicy, why: str) -> None:
    where = {"namespace": policy.namespace, "policy": policy.name}
    log.error("policy let go with its flags as they are: %s", why, extra=where)
