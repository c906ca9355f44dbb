"""What a webhook is told, as data: the message, and the bodies of the two formats. Pure."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from resilience_operator.api.v1alpha1.notifications import NotificationFormat, NotificationTopic
from resilience_operator.core.times import to_rfc3339


@dataclass(frozen=True, slots=True)
class NotificationMessage:
    """One transition to tell of. `fields` are further facts, for programs."""

    topic: NotificationTopic
    namespace: str
    policy: str
    reason: str  # one PascalCase word
    text: str  # a sentence for people
    at: float  # seconds since the epoch
    fields: Mapping[str, str] = field(default_factory=dict)


def body_of(message: NotificationMessage, form: NotificationFormat) -> bytes:
    """The body to send."""
    if form is NotificationFormat.SLACK:
        where = f"{message.namespace}/{message.policy}"
        return _json({"text": f"*{_plain(where)}* {message.reason}: {_plain(message.text)}"})
    return _json(
        {
            "topic": message.topic.value,
            "namespace": message.namespace,
            "policy": message.policy,
            "reason": message.reason,
            "text": message.text,
            "at": to_rfc3339(message.at),
            "fields": dict(message.fields),
        }
    )


def signature_of(body: bytes, key: bytes) -> str:
    """The value of X-Resilience-Signature: an HMAC over the body, which says when it was made."""
    return "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def _plain(text: str) -> str:
    """Text that Slack takes for no link, mention or channel call."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
