"""How two schemas are compared."""

from typing import Any

from resilience_operator.cli.preflight.model import Denied
from resilience_operator.cli.preflight.schemas import differences, judge

OURS: dict[str, Any] = {
    "type": "object",
    "description": "Ours.",
    "properties": {
        "name": {"type": "string", "description": "A name.", "maxLength": 63},
        "steps": {"type": "array", "items": {"type": "object", "properties": {"weight": {}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def changed(**properties: Any) -> dict[str, Any]:
    return {**OURS, "properties": {**OURS["properties"], **properties}}


def found(theirs: dict[str, Any] | None) -> list[tuple[str, str]]:
    return list(differences(OURS, theirs, "spec"))


def test_the_same_schema_has_no_differences_whatever_its_descriptions_say() -> None:
    name = {"type": "string", "description": "Eine Bezeichnung.", "maxLength": 63}

    assert found({**changed(name=name), "description": "Theirs."}) == []


def test_fields_that_one_of_them_does_not_have() -> None:
    assert found(None) == [("lacks", "spec")]
    assert found(changed(colour={"type": "string"})) == [("adds", "spec.colour")]
    less = {key: value for key, value in OURS["properties"].items() if key != "name"}
    assert found({**OURS, "properties": less}) == [("lacks", "spec.name")]
    steps = {"type": "array", "items": {"type": "object", "properties": {}}}
    assert found(changed(steps=steps)) == [("lacks", "spec.steps[].weight")]


def test_rules_that_are_not_the_same() -> None:
    assert found(changed(name={"type": "string", "maxLength": 9})) == [("differs", "spec.name")]
    labels = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 9}}
    assert found(changed(labels=labels)) == [("differs", "spec.labels[*]")]


def test_what_nobody_may_see_is_skipped() -> None:
    checks = list(judge(Denied("no")))

    assert {check.result.value for check in checks} == {"skipped"}
    assert [check.result.value for check in judge({})] == ["fail", "fail"]
