"""`ResiliencePolicy.spec`: what an application depends on, and what is done when that fails.

All names of policy models can be imported from here, whichever file they are written in.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import Held, Model, ObjectName, Percent
from resilience_operator.api.v1alpha1.dependency import BreakerSpec, Dependency, WindowSpec
from resilience_operator.api.v1alpha1.feature_flags import (
    Feature,
    FlagFormat,
    Flags,
    OnDelete,
    Propagation,
)
from resilience_operator.api.v1alpha1.notifications import Notification
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.rollout import Rollout
from resilience_operator.api.v1alpha1.rules import (
    ATOMIC_OBJECT,
    Rule,
    at_most,
    exactly_one,
    map_list,
    rules,
    says,
    values_in,
)

__all__ = [
    "BreakerSpec",
    "Dependency",
    "Feature",
    "FlagFormat",
    "Flags",
    "LabelSelector",
    "Levels",
    "Mode",
    "Notification",
    "OnDelete",
    "PolicySpec",
    "Propagation",
    "Recovery",
    "ResiliencePolicy",
    "Rollout",
    "Stabilization",
    "Target",
    "WindowSpec",
]


class Mode(StrEnum):
    """Whether decisions are carried out or only reported."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Recovery(StrEnum):
    """How a level comes back: a step at a time, or at once."""

    STEPWISE = "Stepwise"
    DIRECT = "Direct"


_LABEL_KEY = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$"
LabelValue = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?$",
        json_schema_extra=says(
            "must be a label's value: letters, digits, '-', '_' and '.', beginning and ending "
            "with a letter or digit"
        ),
    ),
]


class LabelSelector(Model):
    """Deployments whose labels have all of these values."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_OBJECT)

    match_labels: Annotated[
        dict[str, LabelValue],
        Field(min_length=1, max_length=16),
    ] = Field(
        description="Labels that must all match.",
        json_schema_extra=rules(
            Rule(
                f"self.all(key, key.matches('{_LABEL_KEY}'))",
                "has a key that is no label: use keys such as app or app.kubernetes.io/name",
            )
        ),
    )


class Target(Model):
    """A Deployment, by name or by labels, whose pods read the flags."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            exactly_one(
                ("name", "selector"),
                "a target takes exactly one of name and selector: give one, remove the other",
            )
        )
    )

    name: ObjectName | None = Field(
        default=None, description="Name of a Deployment in the policy's namespace."
    )
    selector: LabelSelector | None = Field(default=None, description="Instead of a name: by label.")


def _descends(worse: str, better: str) -> Rule:
    """A worse level must begin at strictly less health than the next better one."""
    return Rule(
        f"self.{worse} < self.{better}",
        f"{worse} must be less than {better}: levels descend, optimal > degraded > limited > "
        "minimal",
        field=f".{worse}",
        explain=values_in(
            f"{worse} (%d) must be less than {better} (%d): levels descend, optimal > degraded > "
            "limited > minimal",
            f"self.{worse}",
            f"self.{better}",
        ),
    )


class Levels(Model):
    """The least health of each level; below `minimal` it is EMERGENCY."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            _descends("degraded", "optimal"),
            _descends("limited", "degraded"),
            _descends("minimal", "limited"),
        )
    )

    optimal: Percent = Field(default=90, description="Least health of OPTIMAL.")
    degraded: Percent = Field(default=70, description="Least health of DEGRADED.")
    limited: Percent = Field(default=50, description="Least health of LIMITED.")
    minimal: Percent = Field(default=20, description="Least health of MINIMAL.")


class Stabilization(Model):
    """How fast levels move: down at once, up with care."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            at_most(
                "recoverAfterSeconds",
                "maxRecoverAfterSeconds",
                "raise maxRecoverAfterSeconds or lower recoverAfterSeconds",
            )
        )
    )

    degrade_after_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=0, description="Seconds a worse level must last before it takes force."
    )
    recover_after_seconds: Annotated[int, Field(ge=0, le=3600)] = Field(
        default=30, description="Seconds a better level must last for a step up."
    )
    max_recover_after_seconds: Annotated[int, Field(ge=0, le=86_400)] = Field(
        default=900, description="Longest such time; it doubles while the level flaps."
    )
    recover_margin: Annotated[int, Field(ge=0, le=50)] = Field(
        default=5,
        description="Health above a level's least that a step up to it needs (at most 100).",
    )
    recovery: Recovery = Field(
        default=Recovery.STEPWISE, description="One level at a time, or at once."
    )


# One set comparison a feature: nested loops over names would spend the API server's budget.
_REQUIRES_KNOWN = (
    "!has(feature.requires) || sets.contains("
    "self.dependencies.map(dependency, dependency.name), feature.requires)"
)


class PolicySpec(Model):
    """What an application depends on, what it may still do without, and how it is released."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.dependencies.exists(dependency, dependency.weight > 0)",
                "dependencies: the weights must add up to more than 0, or there is nothing to "
                "score: give at least one dependency a weight",
                field=".dependencies",
            ),
            Rule(
                f"!has(self.features) || self.features.all(feature, {_REQUIRES_KNOWN})",
                "features: requires must name dependencies of this policy: add the dependency or "
                "correct the name",
                field=".features",
                explain=values_in(
                    "requires of %s names no dependency of this policy: add it to "
                    "spec.dependencies or correct the name",
                    f"self.features.filter(feature, !({_REQUIRES_KNOWN}))"
                    ".map(feature, feature.name)",
                ),
            ),
            Rule(
                "!has(self.targets) || self.targets.all(target, !has(target.name) || "
                "self.targets.exists_one(other, has(other.name) && other.name == target.name))",
                "targets: each Deployment may be named once: remove the repetition",
                field=".targets",
            ),
        )
    )

    mode: Mode = Field(
        default=Mode.ENFORCE,
        description="Enforce, or Observe: decide and report, change nothing.",
    )
    targets: Annotated[tuple[Target, ...], Field(max_length=16)] = Field(
        default=(), description="Deployments whose pods read the flags."
    )
    dependencies: Annotated[tuple[Dependency, ...], Field(min_length=1, max_length=64)] = Field(
        description="What the application depends on, each with a weight and a probe.",
        json_schema_extra=map_list("name"),
    )
    levels: Levels = Field(default=Levels(), description="Bands of the health score.")
    stabilization: Stabilization = Field(
        default=Stabilization(), description="Protection against hasty changes and flapping."
    )
    features: Annotated[tuple[Feature, ...], Field(max_length=200)] = Field(
        default=(),
        description="Features of the application, each a flag that its pods read.",
        json_schema_extra=map_list("name"),
    )
    flags: Flags = Field(default=Flags(), description="Where flags are written.")
    rollout: Rollout | None = Field(
        default=None, description="How the next version goes out; default: not by the operator."
    )
    notifications: Annotated[tuple[Notification, ...], Field(max_length=8)] = Field(
        default=(),
        description="Webhooks that are told of transitions.",
        json_schema_extra=map_list("name"),
    )


class ResiliencePolicy(Held):
    """A policy as the operator holds it: identity, spec and the status last read."""

    created: str = ""  # by the API server's clock
    finalizers: tuple[str, ...] = ()
    # What somebody has asked of the rollout by annotation, as it was written; not yet understood.
    rollout_verb: str | None = None
    spec: PolicySpec
    status: PolicyStatus = PolicyStatus()
