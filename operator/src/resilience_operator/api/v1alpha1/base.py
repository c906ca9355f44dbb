"""What every API model shares: frozen values, camelCase on the wire, the group's constants."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from resilience_operator.api.v1alpha1.rules import ATOMIC_OBJECT, Rule, rules, says

GROUP = "resilience.aidrive.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
MANAGED_BY_LABEL = f"{GROUP}/managed-by"
FINALIZER = f"{GROUP}/restore"
ROLLOUT_ANNOTATION = f"{GROUP}/rollout"
DECISION_ANNOTATION = f"{GROUP}/decision"
"""On Events: the name of the decision that they tell of, as log lines and traces have it."""


class Model(BaseModel):
    """A frozen piece of a resource. Unknown fields are ignored: the API server prunes them."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class Level(StrEnum):
    """Where an application stands, best first."""

    OPTIMAL = "OPTIMAL"
    DEGRADED = "DEGRADED"
    LIMITED = "LIMITED"
    MINIMAL = "MINIMAL"
    EMERGENCY = "EMERGENCY"


# The shapes of names: an object's, a Secret key's, and our own list keys.
ObjectName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        json_schema_extra=says(
            "must be the name of a Kubernetes object: lower case letters, digits, '-' and '.', "
            "beginning and ending with a letter or digit"
        ),
    ),
]
SecretKey = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[-._a-zA-Z0-9]+$",
        json_schema_extra=says("must be a key of a Secret: letters, digits, '-', '_' and '.'"),
    ),
]
ItemName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        json_schema_extra=says(
            "must be a name: lower case letters, digits and '-', beginning and ending with a "
            "letter or digit, as in error-rate"
        ),
    ),
]
DependencyName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        json_schema_extra=says(
            "must be a dependency's name: lower case letters, digits and '-', beginning and "
            "ending with a letter or digit, as in pg-main"
        ),
    ),
]
FeatureName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[a-z]([_a-z0-9]*[a-z0-9])?$",
        json_schema_extra=says(
            "must be a feature's name in snake case: lower case letters, digits and '_', "
            "beginning with a letter, as in ai_recommendations"
        ),
    ),
]
FeatureState = Annotated[
    str,
    Field(
        min_length=1,
        max_length=63,
        pattern=r"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$",
        json_schema_extra=says(
            "must be a feature's state: letters, digits, '-', '_' and '.', beginning and ending "
            "with a letter or digit, as in cached"
        ),
    ),
]
Percent = Annotated[int, Field(ge=0, le=100)]
# Not `format: date-time`: that lets through what no parser reads, and its refusal teaches nothing.
_DATE_TIME = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    "([.][0-9]{1,9})?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
Timestamp = Annotated[
    str,
    Field(
        max_length=64,
        pattern=_DATE_TIME,
        json_schema_extra=says(
            "must be an RFC 3339 date-time with a zone, as in 2026-12-01T18:00:00Z"
        )
        | rules(
            Rule(
                f"!self.matches('{_DATE_TIME}') || timestamp(self) == timestamp(self)",
                "must be a day that the calendar has, in an RFC 3339 date-time",
            )
        ),
    ),
]


class SecretKeyRef(Model):
    """One key of a Secret in the policy's own namespace."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_OBJECT)

    name: ObjectName = Field(description="Name of a Secret in the policy's namespace.")
    key: SecretKey = Field(description="Key in that Secret whose value is used.")


class SecretRef(Model):
    """A Secret in the policy's own namespace, read by its usual key names."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_OBJECT)

    name: ObjectName = Field(description="Name of a Secret in the policy's namespace.")


class LocalRef(Model):
    """Another object of the same namespace, by name."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_OBJECT)

    name: ObjectName = Field(description="Name of an object in the same namespace.")


class Refusal(Model):
    """Of an object whose present spec the operator cannot work from: which spec, and why."""

    generation: int
    why: str


class Held(Model):
    """An object as the operator holds it: what there is of it beside its spec and its status."""

    namespace: str
    name: str
    uid: str
    generation: int
    deleting: bool = False
    refused: Refusal | None = None
    """Set where the object has another spec by now than the one that is held."""

    @property
    def seen_generation(self) -> int:
        """The generation that was looked at last, and that a status speaks of."""
        return self.generation if self.refused is None else self.refused.generation


class ConditionStatus(StrEnum):
    """The three values a Kubernetes condition takes."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """A standard Kubernetes condition."""

    type: Annotated[str, Field(max_length=63)] = Field(description="What the condition is about.")
    status: ConditionStatus = Field(description="True, False or Unknown.")
    reason: Annotated[str, Field(max_length=63)] = Field(
        description="One PascalCase word for programs."
    )
    message: Annotated[str, Field(max_length=1024)] = Field(description="A sentence for people.")
    observed_generation: int = Field(
        default=0, ge=0, description="The generation of the spec that this speaks of."
    )
    last_transition_time: Timestamp = Field(description="When `status` last changed.")
