"""What people have the operator do: levels forced and frozen, and verbs of rollouts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from resilience_operator.api.v1alpha1.base import ConditionStatus
from resilience_operator.api.v1alpha1.level import Freeze, LevelSpec, LevelStatus, Override
from resilience_operator.core.level_state import FROZEN, OVERRIDDEN
from resilience_operator.core.model import Key
from resilience_operator.core.rollout.model import RolloutEvent, Verb
from resilience_operator.core.times import from_rfc3339


class Action(StrEnum):
    """What can be done; `Expired` is the end that was given from the start."""

    OVERRIDE_SET = "OverrideSet"
    OVERRIDE_CHANGED = "OverrideChanged"
    OVERRIDE_REMOVED = "OverrideRemoved"
    OVERRIDE_EXPIRED = "OverrideExpired"
    FREEZE_SET = "FreezeSet"
    FREEZE_CHANGED = "FreezeChanged"
    FREEZE_REMOVED = "FreezeRemoved"
    FREEZE_EXPIRED = "FreezeExpired"
    ROLLOUT_PAUSE = "RolloutPause"
    ROLLOUT_RESUME = "RolloutResume"
    ROLLOUT_ABORT = "RolloutAbort"
    ROLLOUT_RETRY = "RolloutRetry"
    ROLLOUT_PROMOTE = "RolloutPromote"


@dataclass(frozen=True, slots=True)
class HumanAction:
    """One thing that a person asked for and the operator acts upon, or that ends."""

    action: Action
    policy: Key
    message: str
    decision_id: str = ""
    # Who, why, until when: what is known of it, by the names that log lines have for it.
    facts: Mapping[str, str] = field(default_factory=dict)


class Lever(NamedTuple):
    """An override or a freeze: whether it holds, and what was given, as far as that is known."""

    holds: bool
    given: Override | Freeze | None


class Levers(NamedTuple):
    """Both levers that a person has on a level."""

    override: Lever
    freeze: Lever


def levers(spec: LevelSpec, now: float) -> Levers:
    """The levers as they are."""
    return Levers(_lever(spec.override, now), _lever(spec.freeze, now))


def levers_before(spec: LevelSpec, status: LevelStatus) -> Levers:
    """The levers that an operator which has just started finds acted upon, by the conditions."""
    true = {each.type for each in status.conditions if each.status is ConditionStatus.TRUE}
    return Levers(Lever(OVERRIDDEN in true, spec.override), Lever(FROZEN in true, spec.freeze))


def level_actions(
    policy: Key, level: str, decision_id: str, before: Levers, now: Levers
) -> Iterator[HumanAction]:
    """What a person has done to a level between the two."""
    for name, was, is_ in zip(("Override", "Freeze"), before, now, strict=True):
        change = _change(was, is_)
        if change is not None:
            given = is_.given or was.given
            yield HumanAction(
                Action(f"{name}{change}"),
                policy,
                _sentence(name.lower(), change, level, given),
                decision_id,
                {"degradation_level": level, **_facts(given)},
            )


def rollout_action(
    policy: Key, verb: Verb, by: str, answer: RolloutEvent, decision_id: str
) -> HumanAction:
    """A verb, and what came of it."""
    facts = {"outcome": answer.reason, "field_manager": by}
    known = {name: value for name, value in facts.items() if value}
    return HumanAction(
        Action(f"Rollout{verb.capitalize()}"), policy, answer.message, decision_id, known
    )


def _lever(given: Override | Freeze | None, now: float) -> Lever:
    ends = from_rfc3339(given.expires_at) if given else None
    return Lever(ends is not None and ends > now, given)


def _change(before: Lever, now: Lever) -> str | None:
    if now.holds:
        if not before.holds:
            return "Set"
        return "Changed" if before.given != now.given else None
    if before.holds:
        return "Removed" if now.given is None else "Expired"
    return None


def _sentence(lever: str, change: str, level: str, given: Override | Freeze | None) -> str:
    if change in ("Removed", "Expired") or given is None:
        return f"The {lever} of {level} has {'expired' if change == 'Expired' else 'gone'}."
    what = f"{level} is held as it is"
    if isinstance(given, Override):
        what = f"{given.requested_by} forces {level} to {given.level}"
    return f"{what} until {given.expires_at}: {given.reason}"


def _facts(given: Override | Freeze | None) -> dict[str, str]:
    if given is None:
        return {}
    facts = {"why": given.reason, "until": given.expires_at}
    if isinstance(given, Override):
        facts |= {"requested_by": given.requested_by, "forced_level": given.level.value}
    return facts
