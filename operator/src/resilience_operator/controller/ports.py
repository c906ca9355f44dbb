"""What the controller needs of the world, as protocols: `main` puts the real ones in."""

from typing import Any, Protocol

from resilience_operator.actuators import FlagsOutcome, RefreshOutcome
from resilience_operator.core.human_actions import HumanAction
from resilience_operator.core.model import (
    DependencyHealth,
    HealthScore,
    Key,
    LevelPlan,
    LevelTransition,
    Outcome,
    Trust,
)
from resilience_operator.core.resources import Resource

Object = dict[str, Any]


class StatusWriter(Protocol):
    """The API server, where only a status is written."""

    async def apply_status(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        field_manager: str,
        force: bool = False,
    ) -> dict[str, Any]:
        """Server-side apply on the status subresource."""


class Cluster(StatusWriter, Protocol):
    """The API server, as far as the controller itself writes to it."""

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Object,
        field_manager: str,
        force: bool = False,
    ) -> dict[str, Any]:
        """Server-side apply."""

    async def delete(self, resource: Resource, namespace: str | None, name: str) -> None:
        """Delete; an object already gone is fine."""


class Queue(Protocol):
    """The workqueue, keyed by policy."""

    def add(self, key: Key) -> None:
        """Reconcile soon."""

    def add_at(self, key: Key, when: float) -> None:
        """Reconcile at a time, in epoch seconds, or sooner."""


class Observer(Protocol):
    """Where the controller reports what it decided, for metrics."""

    def dependency_observed(self, policy: Key, health: DependencyHealth) -> None:
        """A dependency's state was looked at."""

    def level_decided(self, level: Key, current: str | None, score: HealthScore) -> None:
        """A level was decided, changed or not."""

    def level_planned(self, level: Key, plan: LevelPlan) -> None:
        """What else was decided on a level, and the features that follow from it."""

    def level_changed(self, level: Key, transition: LevelTransition) -> None:
        """A level has moved."""

    def person_acted(self, action: HumanAction) -> None:
        """Something that a person asked for is acted upon, or has ended."""

    def plan_carried_out(self, policy: Key, outcome: Outcome) -> None:
        """What came of a policy's plan."""

    def policy_refused(self, policy: Key) -> None:
        """The spec of a policy is refused, and no other is known."""

    def flags_written(self, outcome: FlagsOutcome) -> None:
        """Flags were written, found to be there already, or refused."""

    def pods_told(self, outcome: RefreshOutcome) -> None:
        """Pods were told of a change of flags."""

    def trust_changed(self, trust: Trust) -> None:
        """The operator sees, or is blind."""

    def policies_changed(self, count: int) -> None:
        """The number of policies held."""

    def flags_propagated(self, seconds: float) -> None:
        """All pods of a policy know of new flags, so long after the decision."""

    def forget_policy(self, policy: Key) -> None:
        """A policy is gone, and its label sets with it."""

    def forget_dependency(self, policy: Key, name: str) -> None:
        """A policy no longer lists a dependency."""

    def forget_level(self, level: Key) -> None:
        """A level is gone, or its policy is."""
