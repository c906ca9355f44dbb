"""Who is selected, and how a template reads a ConfigMap."""

from typing import Any

import pytest

from resilience_operator.actuators.workloads import (
    Reading,
    knows,
    reading,
    reading_note,
    selector_string,
)
from tests.unit.actuators.makers import MOUNTED, make_deployment, make_pod

NAME = "inventario-flags"
VOLUME = {"name": "flags", "configMap": {"name": NAME}}


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", **fields}]}


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"matchLabels": {"app": "a", "tier": "web"}}, "app=a,tier=web"),
        (
            {
                "matchExpressions": [
                    {"key": "env", "operator": "In", "values": ["a", "b"]},
                    {"key": "track", "operator": "NotIn", "values": ["canary"]},
                    {"key": "app", "operator": "Exists"},
                    {"key": "old", "operator": "DoesNotExist"},
                ]
            },
            "env in (a,b),track notin (canary),app,!old",
        ),
    ],
)
def test_selectors_as_requests_take_them(selector: dict[str, Any], text: str) -> None:
    assert selector_string(selector) == text


@pytest.mark.parametrize(
    ("pod_spec", "expected"),
    [
        (MOUNTED, Reading.LIVE),
        (
            {
                **container(volumeMounts=[{"name": "all", "mountPath": "/f"}]),
                "volumes": [
                    {"name": "all", "projected": {"sources": [{"configMap": {"name": NAME}}]}}
                ],
            },
            Reading.LIVE,
        ),
        (
            {
                **container(volumeMounts=[{"name": "flags", "mountPath": "/f", "subPath": "x"}]),
                "volumes": [VOLUME],
            },
            Reading.AT_START,
        ),
        (container(envFrom=[{"configMapRef": {"name": NAME}}]), Reading.AT_START),
        (
            container(
                env=[{"name": "AI", "valueFrom": {"configMapKeyRef": {"name": NAME, "key": "AI"}}}]
            ),
            Reading.AT_START,
        ),
        ({**container(), "volumes": [VOLUME]}, Reading.NONE),
        (container(envFrom=[{"secretRef": {"name": NAME}}]), Reading.NONE),
        (container(), Reading.NONE),
    ],
    ids=["volume", "projected", "subPath", "envFrom", "env", "not mounted", "secret", "nothing"],
)
def test_how_a_template_reads_the_flags(pod_spec: dict[str, Any], expected: Reading) -> None:
    assert reading(make_deployment(pod_spec=pod_spec), NAME) is expected


def test_who_reads_at_start_only_is_told_what_to_change() -> None:
    deployment = make_deployment(pod_spec=container(envFrom=[{"configMapRef": {"name": NAME}}]))
    note = reading_note(deployment, NAME)
    assert note is not None
    assert note.reason == "TargetReadsFlagsAtStart"
    assert "Restart" in note.message


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-01-01T00:00:03Z", False),
        ("2026-01-01T00:00:04Z", False),
        ("2026-01-01T00:00:05Z", True),
    ],
)
def test_only_a_pod_created_in_a_later_second_knows_by_itself(created: str, expected: bool) -> None:
    pod = make_pod("a", creationTimestamp=created)
    assert knows(pod, "digest", "2026-01-01T00:00:04Z") is expected
