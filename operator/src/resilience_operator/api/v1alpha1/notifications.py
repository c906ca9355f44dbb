"""`spec.notifications`: who is told of transitions, by webhook."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from resilience_operator.api.v1alpha1.base import ItemName, Model, SecretKeyRef
from resilience_operator.api.v1alpha1.rules import SET_LIST


class NotificationFormat(StrEnum):
    """What the webhook understands."""

    SLACK = "Slack"
    JSON = "JSON"


class NotificationTopic(StrEnum):
    """What is told."""

    LEVEL = "Level"
    ROLLOUT = "Rollout"


class Notification(Model):
    """A webhook that is told of transitions."""

    name: ItemName = Field(description="Name, unique in the policy.")
    format: NotificationFormat = Field(
        default=NotificationFormat.JSON, description="Slack: {text}; JSON: every field."
    )
    url_secret_ref: SecretKeyRef = Field(description="Where the webhook's URL is.")
    signing_secret_ref: SecretKeyRef | None = Field(
        default=None,
        description="Key of an HMAC-SHA256 over the body, sent as X-Resilience-Signature.",
    )
    topics: Annotated[tuple[NotificationTopic, ...], Field(min_length=1, max_length=2)] = Field(
        default=(NotificationTopic.LEVEL, NotificationTopic.ROLLOUT),
        description="What is told: changes of level, and what becomes of rollouts.",
        json_schema_extra=SET_LIST,
    )
