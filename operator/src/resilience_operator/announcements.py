"""Tells people what happened: Events in the cluster, and the webhooks that a policy lists."""

from collections.abc import Callable

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.notifications import NotificationTopic
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.core.model import EventPlan
from resilience_operator.core.notifications import NotificationMessage
from resilience_operator.core.resources import LEVELS, POLICIES
from resilience_operator.core.rollout.model import RolloutEvent
from resilience_operator.kube.events import EventRecorder, ObjectRef
from resilience_operator.probes.webhooks import Webhooks
from resilience_operator.purpose import Purpose, errand

AnyEvent = EventPlan | RolloutEvent


class Announcements:
    """Records events, and queues messages; never raises, and waits for no webhook."""

    def __init__(
        self, recorder: EventRecorder, webhooks: Webhooks, now: Callable[[], float]
    ) -> None:
        self._recorder = recorder
        self._webhooks = webhooks
        self._now = now

    async def announce(
        self, policy: ResiliencePolicy, event: EventPlan, level: DegradationLevel | None
    ) -> None:
        """One event on the policy, or on one of its levels.

        Without the uid of the level, which is not seen yet, `kubectl describe` would not show it.
        """
        if event.level is None:
            regarding = ObjectRef(POLICIES, policy.namespace, policy.name, policy.uid)
            if event.reason.startswith("Level"):
                await self._tell(policy, NotificationTopic.LEVEL, event)
        else:
            uid = level.uid if level else ""
            regarding = ObjectRef(LEVELS, policy.namespace, event.level, uid)
        await self._record(policy, regarding, event, "Evaluate")

    async def announce_rollout(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        """One event of the policy's rollout."""
        regarding = ObjectRef(POLICIES, policy.namespace, policy.name, policy.uid)
        await self._record(policy, regarding, event, "Rollout")
        await self._tell(policy, NotificationTopic.ROLLOUT, event)

    async def _record(
        self, policy: ResiliencePolicy, regarding: ObjectRef, event: AnyEvent, action: str
    ) -> None:
        with errand(Purpose.EVENT, (policy.namespace, policy.name), event.decision_id):
            await self._recorder.record(
                regarding, event.type, event.reason, event.message, action, event.decision_id
            )

    async def _tell(
        self, policy: ResiliencePolicy, topic: NotificationTopic, event: AnyEvent
    ) -> None:
        message = NotificationMessage(
            topic=topic,
            namespace=policy.namespace,
            policy=policy.name,
            reason=event.reason,
            text=event.message,
            at=self._now(),
            fields={"decision": event.decision_id} if event.decision_id else {},
        )
        for notification in policy.spec.notifications:
            if topic in notification.topics:
                await self._webhooks.send(policy.namespace, notification, message)
