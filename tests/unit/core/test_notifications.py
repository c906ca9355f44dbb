"""Bodies and signatures of notifications."""

import json

from resilience_operator.api.v1alpha1.notifications import NotificationFormat, NotificationTopic
from resilience_operator.core.notifications import NotificationMessage, body_of, signature_of

MESSAGE = NotificationMessage(
    topic=NotificationTopic.LEVEL,
    namespace="retail",
    policy="inventario",
    reason="LevelDropped",
    text="Postgres is down: <!channel> & more",
    at=1_795_498_680.7,
    fields={"level": "MINIMAL"},
)


def test_json() -> None:
    assert json.loads(body_of(MESSAGE, NotificationFormat.JSON)) == {
        "topic": "Level",
        "namespace": "retail",
        "policy": "inventario",
        "reason": "LevelDropped",
        "text": "Postgres is down: <!channel> & more",
        "at": "2026-11-24T05:38:00Z",
        "fields": {"level": "MINIMAL"},
    }


def test_slack_calls_nobody() -> None:
    assert json.loads(body_of(MESSAGE, NotificationFormat.SLACK)) == {
        "text": "*retail/inventario* LevelDropped: Postgres is down: &lt;!channel&gt; &amp; more"
    }


def test_signature() -> None:
    # RFC 4231, test case 2.
    assert signature_of(b"what do ya want for nothing?", b"Jefe") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
