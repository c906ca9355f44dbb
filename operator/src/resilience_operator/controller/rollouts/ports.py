"""What the worker needs of the world, as protocols."""

from typing import Protocol

from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.api.v1alpha1.rollout_status import RolloutStatus
from resilience_operator.core.human_actions import HumanAction
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import RolloutEvent


class Queue(Protocol):
    """The workqueue of rollouts, keyed by policy."""

    def add(self, key: Key) -> None:
        """Reconcile soon."""

    def add_at(self, key: Key, when: float) -> None:
        """Reconcile at a time, in epoch seconds, or sooner."""


class Announcer(Protocol):
    """Has events recorded, and tells those who want to be told."""

    def announce(self, policy: ResiliencePolicy, event: RolloutEvent) -> None:
        """Have one event recorded; waits for nothing."""


class RolloutObserver(Protocol):
    """Hears of rollouts, for metrics."""

    def rollout_decided(self, policy: Key, status: RolloutStatus, decision_id: str) -> None:
        """Where a rollout stands, changed or not."""

    def rollout_moved(self, policy: Key, event: RolloutEvent) -> None:
        """Something happened to a rollout."""

    def person_acted(self, action: HumanAction) -> None:
        """A person's verb was obeyed, or refused."""

    def forget_rollout(self, policy: Key) -> None:
        """A policy no longer has one."""
