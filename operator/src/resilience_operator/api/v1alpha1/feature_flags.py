"""`spec.features` and `spec.flags`: what may be taken away, and how pods are told."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from resilience_operator.api.v1alpha1.base import (
    DependencyName,
    FeatureName,
    FeatureState,
    Level,
    Model,
    ObjectName,
)
from resilience_operator.api.v1alpha1.rules import SET_LIST, Rule, rules


class FlagFormat(StrEnum):
    """A shape in which flags are written into the ConfigMap."""

    ENV = "Env"
    JSON = "JSON"
    FLAGD = "Flagd"


class Propagation(StrEnum):
    """How running pods get to see a change of flags."""

    REFRESH = "Refresh"
    KUBELET = "Kubelet"
    RESTART = "Restart"


class OnDelete(StrEnum):
    """What becomes of the flags when the policy is deleted."""

    RESTORE = "Restore"
    KEEP = "Keep"


class Feature(Model):
    """A feature of the application and its state at each level."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!(self.name in ['degradation_level', 'health_score'])",
                "name collides with a key that the Env format writes itself (DEGRADATION_LEVEL, "
                "HEALTH_SCORE): choose another",
                field=".name",
            ),
            Rule(
                "!has(self.whenUnavailable) || (has(self.requires) && self.requires.size() > 0)",
                "whenUnavailable needs requires: list the dependencies that it is about, or "
                "remove it",
                field=".whenUnavailable",
            ),
        )
    )

    name: FeatureName = Field(description="Name of the flag, in snake case.")
    states: Annotated[dict[Level, FeatureState], Field(min_length=1, max_length=5)] = Field(
        description="State at each level; a level not named takes the next better one's. "
        'OPTIMAL must be named. Quote "on" and "off": YAML reads them as booleans.',
        json_schema_extra=rules(
            Rule(
                "'OPTIMAL' in self",
                "states must name OPTIMAL, the state while all is well: add it",
            ),
        ),
    )
    requires: Annotated[tuple[DependencyName, ...], Field(max_length=16)] = Field(
        default=(),
        description="Dependencies the feature cannot work without.",
        json_schema_extra=SET_LIST,
    )
    when_unavailable: FeatureState | None = Field(
        default=None,
        description="State while one of `requires` is down; default: the EMERGENCY state.",
    )


class Flags(Model):
    """The ConfigMap through which pods learn their flags."""

    config_map_name: ObjectName | None = Field(
        default=None, description="Name of the ConfigMap; default: <policy>-flags."
    )
    formats: Annotated[tuple[FlagFormat, ...], Field(min_length=1, max_length=3)] = Field(
        default=(FlagFormat.ENV, FlagFormat.JSON, FlagFormat.FLAGD),
        description="Env: a key per feature. JSON: flags.json. Flagd: flagd.json (OpenFeature).",
        json_schema_extra=SET_LIST,
    )
    propagation: Propagation = Field(
        default=Propagation.REFRESH,
        description="Refresh: pods see it in a second. Kubelet: in a minute. "
        "Restart: rolls the Deployment, for pods that read only their environment.",
    )
    on_delete: OnDelete = Field(
        default=OnDelete.RESTORE,
        description="Restore writes the flags of OPTIMAL before the policy goes; Keep leaves them.",
    )
