"""What a CRD says beyond its fields: names, columns, and the rules of the object as a whole."""

from dataclasses import dataclass

from pydantic import BaseModel

from resilience_operator.api.v1alpha1.level import LevelSpec, LevelStatus
from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.api.v1alpha1.policy_status import PolicyStatus
from resilience_operator.api.v1alpha1.rules import Rule


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; a wide one shows with `-o wide` only."""

    name: str
    path: str
    type: str = "string"
    description: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One custom resource: where its schema comes from and how people meet it."""

    kind: str
    plural: str
    short_name: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()


# A policy's name is the value of the managed-by label on its ConfigMap.
_NAME_FITS_LABEL = Rule(
    "self.metadata.name.size() <= 63",
    "metadata.name must have at most 63 characters, for it becomes a label's value: shorten it",
)

POLICY = Resource(
    kind="ResiliencePolicy",
    plural="resiliencepolicies",
    short_name="rp",
    description="A ResiliencePolicy says what an application depends on and what it may still do "
    "when those things fail. The operator probes the dependencies, turns the results into a level "
    "from OPTIMAL to EMERGENCY and writes the feature flags of that level for the application's "
    "pods. With a rollout it also shifts traffic to the next version, and back when that is at "
    "fault.",
    spec=PolicySpec,
    status=PolicyStatus,
    columns=(
        Column("Level", ".status.level", description="The level in force."),
        Column("Health", ".status.health", "integer", "Weighted health, 0 to 100."),
        Column(
            "Limiting",
            ".status.limitingDependency",
            description="The dependency that costs most health.",
        ),
        Column("Rollout", ".status.rollout.phase", description="What the rollout is doing."),
        Column(
            "Weight",
            ".status.rollout.weight",
            "integer",
            "Percent of the traffic that the canary gets.",
        ),
        Column("Mode", ".spec.mode", description="Enforce or Observe.", wide=True),
        Column(
            "Scored",
            ".status.scored",
            description="Dependencies known of those scored.",
            wide=True,
        ),
        Column(
            "Open", ".status.open", description="Dependencies whose breaker is open.", wide=True
        ),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    rules=(_NAME_FITS_LABEL,),
)

LEVEL = Resource(
    kind="DegradationLevel",
    plural="degradationlevels",
    short_name="dl",
    description="A DegradationLevel says where an application stands: the level computed for one "
    "ResiliencePolicy or for one capability of it, and the lever a person has on it. The operator "
    "makes one for each policy unless somebody else has.",
    spec=LevelSpec,
    status=LevelStatus,
    columns=(
        Column("Level", ".status.level", description="The level in force."),
        Column("Health", ".status.health", "integer", "Weighted health, 0 to 100."),
        Column(
            "Limiting",
            ".status.limitingDependency",
            description="The dependency that costs most health.",
        ),
        Column("Since", ".status.since", "date", "How long the level has been in force."),
        # Not a date: kubectl shows those as an age, and this one lies in the future.
        Column(
            "Recovery",
            ".status.recovery.expectedAt",
            description="When the outage may end, from past ones.",
        ),
        # Not spec.override.level: that stays there when the override has expired.
        Column(
            "Override",
            '.status.conditions[?(@.type=="Overridden")].status',
            description="Whether a person has set the level.",
        ),
        Column("Policy", ".spec.policyRef.name", description="Its ResiliencePolicy.", wide=True),
        Column(
            "Computed",
            ".status.computedLevel",
            description="The level that the probes alone would give.",
            wide=True,
        ),
        Column("Reason", ".status.reason", description="Why the level is what it is.", wide=True),
    ),
)

RESOURCES = (POLICY, LEVEL)
