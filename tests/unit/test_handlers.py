"""From watch events to the controller."""

import logging
from collections.abc import Mapping
from itertools import islice
from typing import Any

import pytest

from resilience_operator.api.v1alpha1.level import DegradationLevel
from resilience_operator.api.v1alpha1.policy import ResiliencePolicy
from resilience_operator.core.model import Key
from resilience_operator.handlers import (
    EndlessBackoff,
    Interruptions,
    build_registry,
    build_settings,
    dispatch_level,
    dispatch_policy,
)

METADATA = {"namespace": "retail", "name": "inventario", "uid": "7f1e", "generation": 1}
POLICY: dict[str, Any] = {
    "metadata": METADATA,
    "spec": {
        "dependencies": [
            {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db.example.com:5432"}}}
        ]
    },
}
LEVEL: dict[str, Any] = {"metadata": METADATA, "spec": {"policyRef": {"name": "inventario"}}}


class Sink:
    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def policy_seen(self, policy: ResiliencePolicy) -> None:
        self.told.append(("policy", policy.name))

    def policy_added(self, policy: ResiliencePolicy) -> None:
        self.told.append(("new policy", policy.name))

    def policy_refused(self, body: Mapping[str, Any], why: str) -> None:
        self.told.append(("refused policy", why.partition(":")[0]))

    def policy_gone(self, key: Key, uid: str) -> None:
        self.told.append(("no policy", (*key, uid)))

    def level_seen(self, level: DegradationLevel) -> None:
        self.told.append(("level", level.name))

    def level_refused(self, body: Mapping[str, Any], why: str) -> None:
        self.told.append(("refused level", why.partition(":")[0]))

    def level_gone(self, key: Key, uid: str) -> None:
        self.told.append(("no level", (*key, uid)))

    def listed_again(self) -> None:
        self.told.append(("listed again", None))


@pytest.mark.parametrize("kind", [None, "MODIFIED"])
def test_whatever_the_event_the_present_state_is_handed_over(kind: str | None) -> None:
    sink = Sink()
    dispatch_policy(sink, kind, POLICY)
    dispatch_level(sink, kind, LEVEL)
    assert sink.told == [("policy", "inventario"), ("level", "inventario")]


def test_a_policy_that_was_not_there_before_is_told_apart() -> None:
    sink = Sink()
    dispatch_policy(sink, "ADDED", POLICY)
    dispatch_level(sink, "ADDED", LEVEL)
    assert sink.told == [("new policy", "inventario"), ("level", "inventario")]


def test_what_is_deleted_is_gone_however_its_body_looks() -> None:
    sink = Sink()
    dispatch_policy(sink, "DELETED", {"metadata": METADATA})
    dispatch_level(sink, "DELETED", {"metadata": METADATA})
    gone = ("retail", "inventario", "7f1e")
    assert sink.told == [("no policy", gone), ("no level", gone)]


def test_an_invalid_body_is_named_and_told_as_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Sink()
    dispatch_policy(sink, "ADDED", {"metadata": METADATA, "spec": {"dependencies": []}})
    dispatch_level(sink, "ADDED", {"metadata": METADATA})
    assert sink.told == [
        ("refused policy", "spec.dependencies"),
        ("refused level", "spec.policyRef"),
    ]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "spec.dependencies" in caplog.records[0].message
    assert "spec.policyRef" in caplog.records[1].message
    assert caplog.records[0].object == "inventario"  # type: ignore[attr-defined]


def test_an_invalid_one_on_its_way_out_is_handed_over_to_be_let_go() -> None:
    sink = Sink()
    metadata = {**METADATA, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    dispatch_policy(sink, "MODIFIED", {"metadata": metadata, "spec": {"dependencies": []}})
    assert sink.told == [("policy", "inventario")]


def test_a_list_after_the_first_is_an_interruption_and_is_told_once() -> None:
    told: list[str] = []
    events = Interruptions(lambda: told.append("again"))
    for kind, uid in ((None, "a"), (None, "b"), ("ADDED", "c"), ("MODIFIED", "a")):
        events.seen(kind, uid)
    assert told == []
    for kind, uid in ((None, "a"), (None, "b"), ("DELETED", "b"), (None, "a")):
        events.seen(kind, uid)
    assert told == ["again", "again"]


def test_after_a_quiet_time_what_is_listed_again_tells_of_the_interruption() -> None:
    told: list[str] = []
    events = Interruptions(lambda: told.append("again"))
    for uid in ("a", "b", "c", "c", "d"):
        events.seen(None, uid)
    assert told == ["again"]
    events.seen(None, "c")
    assert told == ["again", "again"]


def test_the_backoff_never_ends_and_begins_anew_at_each_use() -> None:
    backoff = EndlessBackoff()
    for _ in range(2):
        waits = list(islice(backoff, 100))
        assert waits[:3] == [1.0, 2.0, 4.0]
        assert set(waits[6:]) == {60.0}


def test_kopf_posts_nothing_and_watches_with_patience() -> None:
    settings = build_settings("")
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert isinstance(settings.networking.error_backoffs, EndlessBackoff)
    assert len(settings.watching.label_selectors) == 0
    assert build_registry(Sink(), lambda *_: None, None) is not None
