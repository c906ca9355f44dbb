"""Objects of the API server become models, and a status survives the way there and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilience_operator.api.v1alpha1.base import Condition, ConditionStatus, Level
from resilience_operator.api.v1alpha1.level import LevelSpec, LevelStatus, Transition
from resilience_operator.api.v1alpha1.parse import (
    InvalidResource,
    dump_status,
    parse_level,
    parse_policy,
)
from resilience_operator.api.v1alpha1.policy import PolicySpec
from resilience_operator.api.v1alpha1.policy_status import (
    BreakerPhase,
    BreakerStatus,
    DependencyState,
    DependencyStatus,
    FailureReason,
    PolicyStatus,
)
from tests.unit.api.wire import wire_of

METADATA = {"namespace": "retail", "name": "inventario", "uid": "4f1c", "generation": 3}
DATABASE = {"name": "db", "weight": 1, "probe": {"tcp": {"address": "db:5432"}}}
NOON = "2026-12-01T12:00:00Z"


def policy(status: Any = None, **spec: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"metadata": METADATA, "spec": {"dependencies": [DATABASE], **spec}}
    return body if status is None else {**body, "status": status}


def level(status: Any = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {**METADATA, **metadata},
        "spec": {"policyRef": {"name": "inventario"}},
        "status": status,
    }


def owner(**changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "resilience.aidrive.dev/v1alpha1",
        "kind": "ResiliencePolicy",
        "name": "inventario",
        "uid": "1",
        "controller": True,
        **changes,
    }


def test_a_policy_keeps_its_identity() -> None:
    parsed = parse_policy(policy(status={"level": "LIMITED"}))

    assert (parsed.namespace, parsed.name, parsed.uid) == ("retail", "inventario", "4f1c")
    assert parsed.generation == 3
    assert not parsed.deleting
    assert parsed.spec.dependencies[0].window.size == 10
    assert parsed.status.level is Level.LIMITED


def test_a_deletion_timestamp_means_deleting() -> None:
    body = {**policy(), "metadata": {**METADATA, "deletionTimestamp": NOON}}

    assert parse_policy(body).deleting


def test_when_it_was_made_is_kept() -> None:
    body = {**policy(), "metadata": {**METADATA, "creationTimestamp": NOON}}
    assert parse_policy(body).created == NOON


def test_finalizers_are_kept_with_those_of_others() -> None:
    body = {**policy(), "metadata": {**METADATA, "finalizers": ["other/one"]}}

    assert parse_policy(body).finalizers == ("other/one",)
    assert parse_policy(policy()).finalizers == ()


@pytest.mark.parametrize(
    ("annotations", "verb"),
    [
        ({"resilience.aidrive.dev/rollout": " promote\n"}, "promote"),
        ({"resilience.aidrive.dev/rollout": "Dance now"}, "Dance now"),
        ({"resilience.aidrive.dev/rollout": ""}, ""),
        ({"kubectl.kubernetes.io/rollout": "promote"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_what_is_asked_of_the_rollout_is_kept_as_written(
    annotations: dict[str, str] | None, verb: str | None
) -> None:
    body = {**policy(), "metadata": {**METADATA, "annotations": annotations}}

    assert parse_policy(body).rollout_verb == verb
    assert parse_policy(policy()).rollout_verb is None


@pytest.mark.parametrize(
    ("references", "owned"),
    [
        ([owner()], True),
        ([owner(kind="Deployment"), owner()], True),
        ([], False),
        ([owner(kind="Deployment")], False),
        ([owner(apiVersion="elsewhere.dev/v1")], False),
        ([owner(controller=False)], False),
    ],
)
def test_a_level_is_owned_by_a_policy_that_controls_it(
    references: list[dict[str, Any]], owned: bool
) -> None:
    assert parse_level(level(ownerReferences=references)).owned is owned
    assert not parse_level(level()).owned


@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"level": "SPLENDID"},
        {"health": "good"},
        {"dependencies": [{"state": "Healthy"}]},
        {"conditions": "none"},
        ["not", "a", "status"],
    ],
)
def test_a_status_that_cannot_be_read_is_forgotten(status: Any) -> None:
    assert parse_policy(policy(status=status)).status == PolicyStatus()
    assert parse_level(level(status={"level": "SPLENDID"})).status == LevelStatus()


def test_a_status_of_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert parse_policy(policy(status={"health": 70, "mood": "fine"})).status.health == 70


def test_a_word_of_a_later_version_costs_its_field_and_not_the_breaker() -> None:
    down = {"state": "Down", "breaker": {"state": "Open", "openSeconds": 30, "flaps": 2}}
    status = {
        "level": "LIMITED",
        "dependencies": [
            {"name": "a", **down, "failureReason": "Throttled"},
            {"name": "b", "state": "Splendid", "health": "good"},
            {"name": "c", **down, "failureReason": "Timeout"},
        ],
    }
    read = parse_policy(policy(status=status)).status
    assert read.level is Level.LIMITED
    assert [(each.name, each.failure_reason) for each in read.dependencies] == [
        ("a", None),
        ("c", FailureReason.TIMEOUT),
    ]
    assert all(each.breaker.flaps == 2 for each in read.dependencies)
    assert status["dependencies"][1]["name"] == "b", "what was read is left as it is"


def test_half_of_a_rollout_is_none() -> None:
    rollout = {"phase": "Pondering", "step": 2, "weight": 25}
    read = parse_policy(policy(status={"level": "LIMITED", "rollout": rollout})).status
    assert (read.level, read.rollout) == (Level.LIMITED, None)


@pytest.mark.parametrize("reason", [7, None, "x" * 64])
def test_a_transition_that_cannot_be_read_leaves_the_others(reason: Any) -> None:
    good = {"from": "OPTIMAL", "to": "LIMITED", "at": NOON, "reason": "DependencyDown"}
    status = {"level": "LIMITED", "transitions": [good, {**good, "reason": reason}, good]}
    assert len(parse_level(level(status=status)).status.transitions) == 2


@given(wire_of(PolicyStatus), st.data())
def test_any_status_with_a_mistake_in_it_can_be_read(
    wire: dict[str, Any], data: st.DataObject
) -> None:
    at: Any = wire
    while isinstance(at, dict | list) and at:
        keys = list(at) if isinstance(at, dict) else range(len(at))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            at[key] = data.draw(st.sampled_from([None, {}, [], "?", -1]))
            break
        at = at[key]
    parsed = parse_policy(policy(status=wire)).status
    assert parse_policy(policy(status=dump_status(parsed))).status == parsed


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"dependencies": []}, r"^spec\.dependencies: "),
        ({"mode": "Watch"}, r"^spec\.mode: "),
        ({"levels": {"optimal": 101}}, r"^spec\.levels\.optimal: "),
        ({"dependencies": [{**DATABASE, "name": "D B"}]}, r"^spec\.dependencies\[0\]\.name: "),
        ({"dependencies": [{**DATABASE, "probe": {}}]}, r"\[0\]\.probe: needs .* has none"),
        (
            {
                "dependencies": [
                    DATABASE,
                    {
                        **DATABASE,
                        "name": "web",
                        "probe": {"http": {"url": "http://web/"}, **DATABASE["probe"]},  # type: ignore[dict-item]
                    },
                ]
            },
            r"\[1\]\.probe: needs exactly one type, has http, tcp",
        ),
        (
            {"features": [{"name": "a", "states": {"LIMITED": "off"}}]},
            r"^spec\.features\[0\]\.states: must name OPTIMAL",
        ),
    ],
)
def test_a_spec_that_cannot_be_worked_from_is_refused_by_field(
    spec: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidResource, match=says):
        parse_policy(policy(**spec))


def test_a_missing_spec_is_refused() -> None:
    with pytest.raises(InvalidResource, match=r"spec\.policyRef: Field required"):
        parse_level({"metadata": METADATA})


def test_a_refusal_never_repeats_the_value() -> None:
    url = "https://ana:hunter2@example.com/"

    with pytest.raises(InvalidResource) as caught:
        parse_policy(
            policy(dependencies=[{"name": "web", "weight": 1, "probe": {"http": {"url": url}}}])
        )

    assert "spec.dependencies[0].probe.http.url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_dumped_status_leaves_out_what_is_empty_and_keeps_what_is_required() -> None:
    status = PolicyStatus(
        observed_generation=2,
        level=Level.OPTIMAL,
        dependencies=(
            DependencyStatus(
                name="db",
                state=DependencyState.UNKNOWN,
                breaker=BreakerStatus(state=BreakerPhase.OPEN, opened_at=NOON),
            ),
        ),
        conditions=(
            Condition(
                type="Ready",
                status=ConditionStatus.TRUE,
                reason="Ok",
                message="",
                last_transition_time=NOON,
            ),
        ),
    )

    assert dump_status(status) == {
        "observedGeneration": 2,
        "level": "OPTIMAL",
        "dependencies": [
            {
                "name": "db",
                "state": "Unknown",
                "breaker": {
                    "state": "Open",
                    "openedAt": NOON,
                    "openSeconds": 0,
                    "failures": 0,
                    "successes": 0,
                    "flaps": 0,
                },
            }
        ],
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Ok",
                "message": "",
                "observedGeneration": 0,
                "lastTransitionTime": NOON,
            }
        ],
    }


def test_a_transition_is_written_with_from() -> None:
    status = LevelStatus(
        transitions=(
            Transition(from_=Level.OPTIMAL, to=Level.LIMITED, at=NOON, reason="DependencyDown"),
        )
    )

    assert dump_status(status)["transitions"] == [
        {"from": "OPTIMAL", "to": "LIMITED", "at": NOON, "reason": "DependencyDown"}
    ]


@given(wire_of(PolicyStatus))
def test_any_status_of_a_policy_survives_the_way_there_and_back(wire: dict[str, Any]) -> None:
    status = PolicyStatus.model_validate(wire)

    dumped = json.loads(json.dumps(dump_status(status)))

    assert parse_policy(policy(status=dumped)).status == status
    assert None not in dumped.values()


@given(wire_of(LevelStatus))
def test_any_status_of_a_level_survives_the_way_there_and_back(wire: dict[str, Any]) -> None:
    status = LevelStatus.model_validate(wire)

    dumped = json.loads(json.dumps(dump_status(status)))

    assert parse_level(level(status=dumped)).status == status
    assert None not in dumped.values()


def outcome(spec: dict[str, Any]) -> PolicySpec | str:
    try:
        return parse_policy({"metadata": METADATA, "spec": spec}).spec
    except InvalidResource as refused:
        return str(refused)


@given(wire_of(PolicySpec))
def test_any_policy_is_parsed_or_refused_with_a_field(wire: dict[str, Any]) -> None:
    spec = outcome(wire)

    if isinstance(spec, str):
        assert spec.startswith("spec.")
    else:
        assert outcome(spec.model_dump(mode="json", by_alias=True)) == spec


@given(wire_of(LevelSpec))
def test_any_level_is_parsed(spec: dict[str, Any]) -> None:
    parsed = parse_level({"metadata": METADATA, "spec": spec})

    again = parsed.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert parse_level({"metadata": METADATA, "spec": again}) == parsed
