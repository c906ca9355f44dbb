"""What `status` shows: policies with their levels, as read from the API server."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus
from resilience_operator.api.v1alpha1.level import LevelSpec, LevelStatus
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.cli.rollouts.view import RolloutView, rollout_view
from resilience_operator.cli.session import Object, Session
from resilience_operator.core.resources import LEVELS, POLICIES
from resilience_operator.core.times import from_rfc3339

_M = TypeVar("_M", bound=BaseModel)

# Conditions whose good answer is False. The rollout has a line of its own.
_WANTED_FALSE = frozenset({"Overridden", "Frozen", "Stale"})
_TOLD_ELSEWHERE = frozenset({"RolloutProgressing", "Overridden", "Frozen"})


@dataclass(frozen=True, slots=True)
class LevelOverview:
    """One DegradationLevel. `spec` and `status` are None where they cannot be understood."""

    name: str
    policy: str
    spec: LevelSpec | None
    status: LevelStatus
    now: float

    @property
    def override_in_force(self) -> bool:
        """Whether a person's override has not expired."""
        override = self.spec.override if self.spec else None
        return override is not None and self._future(override.expires_at)

    @property
    def freeze_in_force(self) -> bool:
        """Whether a person's freeze has not expired."""
        freeze = self.spec.freeze if self.spec else None
        return freeze is not None and self._future(freeze.expires_at)

    def holds(self, condition: str) -> bool:
        """Whether the operator reports that condition as true."""
        found = (each.status for each in self.status.conditions if each.type == condition)
        return ConditionStatus.TRUE in found

    def _future(self, timestamp: str) -> bool:
        ends = from_rfc3339(timestamp)
        return ends is not None and ends > self.now


@dataclass(frozen=True, slots=True)
class PolicyOverview:
    """One ResiliencePolicy with its levels. `notes` are what a person should know first."""

    namespace: str
    name: str
    mode: str
    status: PolicyStatus
    levels: tuple[LevelOverview, ...]
    rollout: RolloutView | None
    notes: tuple[str, ...]


async def read_overviews(
    session: Session, name: str | None, everywhere: bool
) -> list[PolicyOverview]:
    """One policy, or all of a namespace or of the cluster."""
    namespace = None if everywhere else session.namespace
    if name is None:
        policies = await session.cluster.list(POLICIES, namespace)
    else:
        policies = [await session.need(POLICIES, name)]
    levels = await session.cluster.list(LEVELS, namespace) if policies else []
    now = session.clock.now()
    return [_overview(policy, levels, now) for policy in sorted(policies, key=_key)]


def level_overview(body: Object, now: float) -> LevelOverview:
    """One DegradationLevel as it is on the wire."""
    spec = body.get("spec") or {}
    return LevelOverview(
        name=body["metadata"]["name"],
        policy=str((spec.get("policyRef") or {}).get("name", "")),
        spec=understood(LevelSpec, spec),
        status=understood(LevelStatus, body.get("status") or {}) or LevelStatus(),
        now=now,
    )


def understood(model: type[_M], data: object) -> _M | None:
    """That part of an object, or None where it was written by another version."""
    try:
        return model.model_validate(data)
    except ValidationError:
        return None


def amiss(conditions: Iterable[Condition]) -> list[Condition]:
    """The conditions that are not as they should be."""
    return [
        each
        for each in conditions
        if each.type not in _TOLD_ELSEWHERE
        and each.status
        is not (ConditionStatus.FALSE if each.type in _WANTED_FALSE else ConditionStatus.TRUE)
    ]


def _overview(body: Object, levels: list[Object], now: float) -> PolicyOverview:
    metadata, spec = body["metadata"], body.get("spec") or {}
    status = understood(PolicyStatus, body.get("status") or {})
    mine = (
        level_overview(each, now)
        for each in levels
        if each["metadata"]["namespace"] == metadata["namespace"]
    )
    return PolicyOverview(
        namespace=metadata["namespace"],
        name=metadata["name"],
        mode=str(spec.get("mode") or "Enforce"),
        status=status or PolicyStatus(),
        levels=tuple(
            sorted((each for each in mine if each.policy == metadata["name"]), key=_by_name)
        ),
        rollout=rollout_view(body, now),
        notes=tuple(_notes(metadata, spec, status)),
    )


def _notes(metadata: Object, spec: Object, status: PolicyStatus | None) -> Iterable[str]:
    if "deletionTimestamp" in metadata:
        yield "It is being deleted."
    if spec.get("mode") == "Observe":
        yield "Mode Observe: decided and reported, nothing is changed."
    if status is None:
        yield "Its status was written by another version and cannot be read."
    elif not status.observed_generation:
        yield "It has no status yet: is the operator running?"
    elif status.observed_generation < metadata.get("generation", 0):
        yield (
            f"The operator has not seen the present spec yet (generation "
            f"{metadata['generation']}, seen {status.observed_generation})."
        )


def _key(body: Object) -> tuple[str, str]:
    return body["metadata"]["namespace"], body["metadata"]["name"]


def _by_name(level: LevelOverview) -> str:
    return level.name


def overview_data(overview: PolicyOverview) -> dict[str, Any]:
    """The same for programs."""
    status = _dumped(overview.status)
    rollout = status.get("rollout") or {}
    return {
        "namespace": overview.namespace,
        "name": overview.name,
        "mode": overview.mode,
        "level": status.get("level"),
        "health": status.get("health"),
        "limitingDependency": status.get("limitingDependency"),
        "levels": [_level_data(each) for each in overview.levels],
        "dependencies": status["dependencies"],
        "conditionsAmiss": [_dumped(each) for each in amiss(overview.status.conditions)],
        "rollout": {key: rollout[key] for key in _ROLLOUT_KEYS if key in rollout} or None,
        "notes": list(overview.notes),
    }


_ROLLOUT_KEYS = ("phase", "step", "weight", "realWeight", "attribution", "reason", "message")


def _level_data(level: LevelOverview) -> dict[str, Any]:
    status = _dumped(level.status)
    data = {
        key: status.get(key)
        for key in ("level", "computedLevel", "health", "since", "limitingDependency", "recovery")
    }
    override = level.spec.override if level.spec and level.override_in_force else None
    freeze = level.spec.freeze if level.spec and level.freeze_in_force else None
    return {
        "name": level.name,
        **data,
        "override": _dumped(override) if override else None,
        "freeze": _dumped(freeze) if freeze else None,
        "conditionsAmiss": [_dumped(each) for each in amiss(level.status.conditions)],
    }


def _dumped(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
