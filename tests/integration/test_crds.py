"""The generated CRDs on a real API server: accepted, and refusing what api.md says they refuse."""

import copy

import pytest

from tests.integration.crd_cases import (
    BASES,
    GOOD,
    LEVELS,
    PLURALS,
    POLICIES,
    ROWS,
    Namespace,
    changed,
)
from tests.integration.custom_resources import Api, Body, conditions, definitions


@pytest.fixture(scope="module")
def shared(api: Api) -> Namespace:
    """For dry runs, which leave nothing behind."""
    return Namespace(api, "default")


@pytest.mark.parametrize("definition", definitions(), ids=lambda one: one["spec"]["names"]["kind"])
def test_a_definition_is_accepted_as_structural(api: Api, definition: Body) -> None:
    found = conditions(api, definition)

    assert found["NamesAccepted"]["status"] == "True"
    assert found["Established"]["status"] == "True"
    assert "NonStructuralSchema" not in found
    assert "KubernetesAPIApprovalPolicyConformant" not in found


@pytest.mark.parametrize("base", BASES)
def test_the_good_object_is_accepted(shared: Namespace, base: str) -> None:
    shared.create(BASES[base], GOOD[base], dryRun="All")


@pytest.mark.parametrize(("base", "row"), ROWS, ids=[f"{base}-{row['id']}" for base, row in ROWS])
def test_a_wrong_spec_is_refused_with_field_and_remedy(
    shared: Namespace, base: str, row: Body
) -> None:
    message = shared.refusal(BASES[base], changed(GOOD[base], row))

    assert row["field"] in message
    assert row["says"] in message


def undescribed(schema: Body, path: str) -> list[str]:
    """Fields of a served schema that `kubectl explain` would have next to nothing to say of."""
    found = []
    for name, child in schema.get("properties", {}).items():
        at = f"{path}.{name}"
        if len(child.get("description", "").split()) < 3:
            found.append(at)
        found += undescribed(child.get("items", child), at)
    return found


@pytest.mark.parametrize("kind", PLURALS)
def test_the_served_schema_describes_every_field(api: Api, kind: str) -> None:
    served = api.get("/openapi/v3/apis/resilience.aidrive.dev/v1alpha1")["components"]["schemas"]
    schema = served[f"dev.aidrive.resilience.v1alpha1.{GOOD[kind]['kind']}"]["properties"]

    assert len(schema["spec"]["properties"]) >= 5
    assert (
        undescribed({"properties": {"spec": schema["spec"], "status": schema["status"]}}, "") == []
    )


def test_a_small_policy_gets_every_default(here: Namespace) -> None:
    small = {
        **GOOD["policy"],
        "spec": {
            "dependencies": [{"name": "db", "weight": 1, "probe": {"tcp": {"address": "db:5432"}}}]
        },
    }

    spec = here.create(POLICIES, small)["spec"]

    assert spec == {
        "mode": "Enforce",
        "dependencies": [
            {
                "name": "db",
                "weight": 1,
                "probe": {
                    "intervalSeconds": 10,
                    "timeoutSeconds": 3,
                    "confirmIntervalSeconds": 1,
                    "tcp": {"address": "db:5432"},
                },
                "breaker": {
                    "failureThreshold": 3,
                    "successThreshold": 2,
                    "openSeconds": 30,
                    "maxOpenSeconds": 300,
                },
                "window": {
                    "size": 10,
                    "minimum": 3,
                    "failureRatePercent": 50,
                    "slowMilliseconds": 2000,
                    "slowRatePercent": 80,
                },
                "staleAfterSeconds": 60,
            }
        ],
        "levels": {"optimal": 90, "degraded": 70, "limited": 50, "minimal": 20},
        "stabilization": {
            "degradeAfterSeconds": 0,
            "recoverAfterSeconds": 30,
            "maxRecoverAfterSeconds": 900,
            "recoverMargin": 5,
            "recovery": "Stepwise",
        },
        "flags": {
            "formats": ["Env", "JSON", "Flagd"],
            "propagation": "Refresh",
            "onDelete": "Restore",
        },
    }


def test_a_level_needs_no_more_than_its_policy(here: Namespace) -> None:
    made = here.create(LEVELS, {**GOOD["level"], "spec": {"policyRef": {"name": "inventario"}}})

    assert made["spec"] == {"policyRef": {"name": "inventario"}}


def largest(dependencies: int, features: int) -> Body:
    """A policy that is as large as it may be, with every list full and every name long."""
    names = [f"{'d' * 60}{number:03}" for number in range(dependencies)]
    probe = copy.deepcopy(GOOD["policy"]["spec"]["dependencies"][4]["probe"])
    probe["http"]["headers"] = [
        {"name": f"X-{'h' * 100}{number}", "value": "v" * 1024} for number in range(4)
    ]
    probe["http"]["bodyRegexp"] = "(a|b)*" * 42
    probe["http"]["url"] = "https://example.com/" + "p" * 1000
    levels = ["OPTIMAL", "DEGRADED", "LIMITED", "MINIMAL", "EMERGENCY"]
    return {
        **GOOD["policy"],
        "spec": {
            "targets": [{"name": f"{'t' * 240}{number}"} for number in range(16)],
            "dependencies": [{"name": name, "weight": 1, "probe": probe} for name in names],
            "features": [
                {
                    "name": f"{'f' * 60}{number:03}",
                    "states": dict.fromkeys(levels, "s" * 63),
                    "requires": names[-16:],
                    "whenUnavailable": "s" * 63,
                }
                for number in range(features)
            ],
        },
    }


def test_the_largest_policy_is_within_the_budget(here: Namespace) -> None:
    made = here.create(POLICIES, largest(64, 200))

    assert len(made["spec"]["dependencies"]) == 64
    assert len(made["spec"]["features"]) == 200


@pytest.mark.parametrize(
    ("dependencies", "features", "says"),
    [
        (65, 1, "spec.dependencies: Too many: 65: must have at most 64 items"),
        (16, 201, "spec.features: Too many: 201: must have at most 200 items"),
    ],
)
def test_a_larger_policy_is_refused(
    shared: Namespace, dependencies: int, features: int, says: str
) -> None:
    assert says in shared.refusal(POLICIES, largest(dependencies, features))


def test_a_mistake_in_a_large_policy_is_still_named(shared: Namespace) -> None:
    body = largest(64, 200)
    body["spec"]["features"][199]["requires"] = ["mysql"]

    message = shared.refusal(POLICIES, body)

    assert f'requires of ["{"f" * 60}199"] names no dependency' in message


def test_an_unknown_field_is_dropped_unless_strict(here: Namespace) -> None:
    body = changed(
        GOOD["policy"],
        {
            "set": {
                "spec.colour": "blue",
                "spec.dependencies.0.probe.openai.colour": "blue",
                "spec.flags.colour": "blue",
            }
        },
    )
    assert "unknown field" in here.refusal(POLICIES, body)

    spec = here.create(POLICIES, body, fieldValidation="Ignore")["spec"]

    assert "colour" not in spec
    assert "colour" not in spec["flags"]
    assert "colour" not in spec["dependencies"][0]["probe"]["openai"]
