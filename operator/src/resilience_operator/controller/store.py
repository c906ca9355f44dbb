"""What the operator knows of each policy: the objects as last seen, the evidence, what was written.

One mutable entry per policy, owned by the event loop; every value in it is frozen. It stands in
for kopf's indexes, whose start-up grows faster than linearly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from resilience_operator.actuators import Applied, FlagsOutcome, RefreshOutcome
from resilience_operator.api.v1alpha1.level import DegradationLevel, LevelStatus
from resilience_operator.api.v1alpha1.policy import (
    Dependency,
    Propagation,
    ResiliencePolicy,
    Target,
)
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.core.conditions import ROLLOUT_CONDITION
from resilience_operator.core.flags import config_map_name
from resilience_operator.core.human_actions import Levers
from resilience_operator.core.model import (
    DependencyHealth,
    EventPlan,
    Evidence,
    Key,
    LevelState,
    Outcome,
    Problem,
)
from resilience_operator.core.unplanned import refusal_of
from resilience_operator.runtime.probing import ProbeTarget

Told = tuple[str, tuple[Target, ...], Propagation]
"""What pods were told: the digest of the flags, which pods, and how."""


@dataclass(slots=True)
class Entry:
    """Everything held in memory about one policy."""

    policy: ResiliencePolicy
    # What was last written, or read at the start: a status is written when it differs from this.
    # Of the policy's own status only the rollout's part is kept.
    policy_status: PolicyStatus
    deleting_since: float | None = None
    evidence: dict[str, Evidence] = field(default_factory=dict)
    health: dict[str, DependencyHealth] = field(default_factory=dict)
    probes: dict[str, ProbeTarget] = field(default_factory=dict)
    level_states: dict[str, LevelState] = field(default_factory=dict)
    level_statuses: dict[str, LevelStatus] = field(default_factory=dict)
    # What people had decided on each level when it was last looked at.
    levers: dict[str, Levers] = field(default_factory=dict)
    # The flags: what the ConfigMap holds as far as we know, and what came of the last attempt.
    applied: Applied | None = None
    flags: FlagsOutcome = field(default_factory=FlagsOutcome)
    flags_tried: str | None = None
    flags_tried_at: float = 0.0
    # The pods: what they were told, what came of it, and when to try again.
    told: Told | None = None
    refresh: RefreshOutcome = field(default_factory=RefreshOutcome)
    tell_again_at: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)
    level_problem: Problem | None = None  # why the policy has no level of its own
    # Events that are decided and not in the cluster yet, in order.
    unannounced: dict[EventPlan, None] = field(default_factory=dict)

    @property
    def result(self) -> Outcome:
        """What came of the last plan, as a whole."""
        ours = (*refusal_of(self.policy), *((self.level_problem,) if self.level_problem else ()))
        return replace(self.outcome, problems=(*ours, *self.outcome.problems))

    def dependency(self, name: str) -> Dependency | None:
        """The dependency of that name in the present spec."""
        return next((d for d in self.policy.spec.dependencies if d.name == name), None)


class Store:
    """Policies and levels by key, and the levels of each policy."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        # The policies that name a ConfigMap: mostly one, of however many in the namespace.
        self._by_config_map: dict[Key, set[Key]] = {}
        self._levels: dict[Key, DegradationLevel] = {}
        self._levels_of: dict[Key, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def policy_keys(self) -> Iterator[Key]:
        """The keys of all policies."""
        return iter(list(self._entries))

    def policy_uids(self) -> Iterator[tuple[Key, str]]:
        """All policies, each by key and uid."""
        return ((key, entry.policy.uid) for key, entry in self._entries.items())

    def entries(self) -> Iterator[Entry]:
        """All entries."""
        return iter(list(self._entries.values()))

    def get(self, key: Key) -> Entry | None:
        """The entry of a policy."""
        return self._entries.get(key)

    def put_policy(self, policy: ResiliencePolicy) -> Entry:
        """Take in a policy as the watch shows it.

        Its status counts the first time only: later ones are echoes of our own writes, which may
        be older than what we have written since. They are not kept, but for the rollout's part. A
        new uid is a new policy.
        """
        key = (policy.namespace, policy.name)
        entry = self._entries.get(key)
        kept = policy.model_copy(update={"status": rollout_alone(policy.status)})
        if entry is None or entry.policy.uid != policy.uid:
            status = without_rollout(policy.status)
            self.drop_policy(key)
            entry = self._entries[key] = Entry(policy=kept, policy_status=status)
        else:
            self._unname(entry.policy)
            entry.policy = kept
        self._by_config_map.setdefault(_config_map(kept), set()).add(key)
        return entry

    def writers_of(self, config_map: Key) -> list[Entry]:
        """The policies whose flags went into that ConfigMap, and are to go there."""
        entries = [self._entries[key] for key in self._by_config_map.get(config_map, ())]
        _, name = config_map
        return [e for e in entries if e.applied is not None and e.applied.config_map == name]

    def drop_policy(self, key: Key) -> Entry | None:
        """Forget a policy that is gone."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._unname(entry.policy)
        return entry

    def _unname(self, policy: ResiliencePolicy) -> None:
        config_map = _config_map(policy)
        keys = self._by_config_map[config_map]
        keys.discard((policy.namespace, policy.name))
        if not keys:
            del self._by_config_map[config_map]

    def put_level(self, level: DegradationLevel) -> Key:
        """Take in a level; returns the key of its policy.

        Of its status, too, only the first counts: what was written of it since stands in its place.
        """
        key = (level.namespace, level.name)
        policy_key = (level.namespace, level.spec.policy_ref.name)
        self.drop_level(key)
        entry = self._entries.get(policy_key)
        if entry is not None and level.name in entry.level_statuses:
            level = level.model_copy(update={"status": entry.level_statuses[level.name]})
        self._levels[key] = level
        self._levels_of.setdefault(policy_key, set()).add(key)
        return policy_key

    def level_told(self, key: Key, uid: str, status: LevelStatus) -> Key | None:
        """Note what was written of a level without a policy; its policy, if it came meanwhile."""
        level = self._levels.get(key)
        if level is None or level.uid != uid:
            return None
        self._levels[key] = level.model_copy(update={"status": status})
        policy_key = (key[0], level.spec.policy_ref.name)
        entry = self._entries.get(policy_key)
        if entry is None:
            return None
        entry.level_statuses[level.name] = status
        return policy_key

    def drop_level(self, key: Key) -> Key | None:
        """Forget a level; returns the key of its policy."""
        level = self._levels.pop(key, None)
        if level is None:
            return None
        policy_key = (level.namespace, level.spec.policy_ref.name)
        siblings = self._levels_of.get(policy_key, set())
        siblings.discard(key)
        if not siblings:
            self._levels_of.pop(policy_key, None)
        return policy_key

    def level_uids(self) -> Iterator[tuple[Key, str]]:
        """All levels, each by key and uid."""
        return ((key, level.uid) for key, level in self._levels.items())

    def level(self, key: Key) -> DegradationLevel | None:
        """A level by its key."""
        return self._levels.get(key)

    def levels_of(self, policy_key: Key) -> tuple[DegradationLevel, ...]:
        """The levels that refer to a policy, by name."""
        return tuple(self._levels[key] for key in sorted(self._levels_of.get(policy_key, ())))


def _config_map(policy: ResiliencePolicy) -> Key:
    return policy.namespace, config_map_name(policy)


def rollout_alone(status: PolicyStatus) -> PolicyStatus:
    """The rollout's part of a status alone."""
    conditions = tuple(each for each in status.conditions if each.type == ROLLOUT_CONDITION)
    return PolicyStatus(rollout=status.rollout, conditions=conditions)


def without_rollout(status: PolicyStatus) -> PolicyStatus:
    """The status without the rollout's part, which has a writer of its own."""
    conditions = tuple(each for each in status.conditions if each.type != ROLLOUT_CONDITION)
    return status.model_copy(update={"rollout": None, "conditions": conditions})
