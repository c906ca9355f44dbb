"""The generated CRDs on a real API server: accepted, and refusing what api.md says they refuse."""

import copy
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import build
from e2e.cluster.controlplane import ControlPlane
from tests.integration.custom_resources import (
    APPLY,
    MERGE,
    Api,
    Body,
    RefusedError,
    conditions,
    definitions,
    install,
    objects,
)

TABLES = Path(__file__).parent / "wrong_specs"
PLURALS = {"policy": "resiliencepolicies", "level": "degradationlevels"}
POLICIES, LEVELS = PLURALS.values()


def load(name: str) -> Any:
    return yaml.safe_load((TABLES / name).read_text())


GOOD: dict[str, Body] = {kind: load(f"good_{kind}.yaml") for kind in PLURALS}
ROWS = [(kind, row) for kind in PLURALS for row in load(f"{kind}.yaml")]


def changed(good: Body, row: Body) -> Body:
    """The good object with one row's mistakes in it."""
    body = copy.deepcopy(good)

    def container(path: str) -> tuple[Any, Any]:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        at: Any = body
        for part in parents:
            at = at[part]
        return at, last

    for path, value in row.get("set", {}).items():
        at, key = container(path)
        at[key] = value
    for path in row.get("remove", ()):
        at, key = container(path)
        del at[key]
    return body


@dataclass
class Namespace:
    """Custom resources of one test's namespace."""

    api: Api
    name: str

    def create(self, plural: str, body: Body, **query: str) -> Body:
        query = {"fieldValidation": "Strict", **query}
        return self.api.send("POST", objects(self.name, plural), body, **query)[0]

    def refusal(self, plural: str, body: Body) -> str:
        """What the API server says when it refuses an object."""
        with pytest.raises(RefusedError) as caught:
            self.create(plural, body, dryRun="All")
        assert caught.value.status in (400, 422)
        return caught.value.message

    def patch(self, plural: str, name: str, body: Body, sub: str = "") -> Body:
        path = objects(self.name, plural, name) + sub
        return self.api.send("PATCH", path, body, content_type=MERGE)[0]

    def table(self, plural: str) -> tuple[list[Body], list[Any]]:
        """The columns of `kubectl get` and the cells of its first row."""
        answer, _ = self.api.send(
            "GET",
            objects(self.name, plural),
            accept="application/json;as=Table;v=v1;g=meta.k8s.io",
        )
        return answer["columnDefinitions"], answer["rows"][0]["cells"]


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    made = Api(control_plane.kubeconfig)
    assert install(made) == [], "the API server has objections to a CRD"
    yield made
    made.close()


@pytest.fixture
def here(api: Api, namespace: str) -> Namespace:
    return Namespace(api, namespace)


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


@pytest.mark.parametrize("kind", PLURALS)
def test_the_good_object_is_accepted(shared: Namespace, kind: str) -> None:
    shared.create(PLURALS[kind], GOOD[kind], dryRun="All")


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind}-{row['id']}" for kind, row in ROWS])
def test_a_wrong_spec_is_refused_with_field_and_remedy(
    shared: Namespace, kind: str, row: Body
) -> None:
    message = shared.refusal(PLURALS[kind], changed(GOOD[kind], row))

    assert row["field"] in message
    assert row["says"] in message


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


def test_a_level_stays_with_its_policy(here: Namespace) -> None:
    here.create(LEVELS, GOOD["level"])
    name = GOOD["level"]["metadata"]["name"]

    with pytest.raises(RefusedError, match="delete this DegradationLevel and make another"):
        here.patch(LEVELS, name, {"spec": {"policyRef": {"name": "other"}}})

    lifted = here.patch(LEVELS, name, {"spec": {"override": None}})
    assert "override" not in lifted["spec"]


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


STATUS = {
    "policy": {"observedGeneration": 1, "level": "LIMITED", "health": 50, "scored": "4/4"},
    "level": {
        "observedGeneration": 1,
        "level": "LIMITED",
        "computedLevel": "DEGRADED",
        "health": 50,
        "since": "2026-11-01T00:00:00Z",
        "limitingDependency": "postgres",
        "reason": "Overridden",
        "features": {"checkout": "on"},
        "recovery": {"expectedAt": "2036-12-01T18:00:00Z", "samples": 5, "method": "Median"},
        "conditions": [
            {
                "type": "Overridden",
                "status": "True",
                "reason": "ByPerson",
                "message": "",
                "lastTransitionTime": "2026-11-01T00:00:00Z",
            }
        ],
    },
}


@pytest.mark.parametrize("kind", PLURALS)
def test_spec_and_status_are_written_apart(here: Namespace, kind: str) -> None:
    plural, name = PLURALS[kind], GOOD[kind]["metadata"]["name"]
    made = here.create(plural, {**GOOD[kind], "status": STATUS[kind]})
    assert "status" not in made
    assert made["metadata"]["generation"] == 1

    after = here.patch(plural, name, {"spec": {"colour": 1}, "status": STATUS[kind]}, "/status")
    assert after["status"] == STATUS[kind], "what is written is what is read back"
    assert after["spec"] == made["spec"]
    assert after["metadata"]["generation"] == 1

    labelled = here.patch(plural, name, {"status": {"health": 1}})
    assert labelled["status"] == STATUS[kind]


def test_a_status_is_validated_too(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])

    with pytest.raises(RefusedError, match=r"status\.level: Unsupported value"):
        here.patch(POLICIES, "inventario", {"status": {"level": "FINE"}}, "/status")


def test_two_managers_share_a_list_by_name(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])
    path = objects(here.name, POLICIES, "inventario")
    mine = {key: GOOD["policy"][key] for key in ("apiVersion", "kind")}
    feature = {"name": "reports", "states": {"OPTIMAL": "on"}}

    merged, _ = here.api.send(
        "PATCH",
        path,
        {**mine, "spec": {"features": [feature]}},
        content_type=APPLY,
        fieldManager="second",
    )

    names = [one["name"] for one in merged["spec"]["features"]]
    assert names == ["ai_recommendations", "invoices", "reports"]


def test_columns_of_a_policy(here: Namespace) -> None:
    here.create(POLICIES, GOOD["policy"])
    here.patch(POLICIES, "inventario", {"status": STATUS["policy"]}, "/status")

    columns, cells = here.table(POLICIES)

    shown = [(one["name"].upper(), one["priority"]) for one in columns]
    assert shown == [
        ("NAME", 0),
        ("LEVEL", 0),
        ("HEALTH", 0),
        ("LIMITING", 0),
        ("MODE", 1),
        ("SCORED", 1),
        ("OPEN", 1),
        ("AGE", 0),
    ]
    assert cells[:-1] == ["inventario", "LIMITED", 50, None, "Enforce", "4/4", None]


def test_columns_of_a_level(here: Namespace) -> None:
    here.create(LEVELS, GOOD["level"])
    here.patch(LEVELS, "inventario-checkout", {"status": STATUS["level"]}, "/status")

    columns, cells = here.table(LEVELS)

    row = dict(zip([one["name"].upper() for one in columns], cells, strict=True))
    assert row.pop("SINCE").endswith("d")
    assert row == {
        "NAME": "inventario-checkout",
        "LEVEL": "LIMITED",
        "HEALTH": 50,
        "LIMITING": "postgres",
        "RECOVERY": "2036-12-01T18:00:00Z",
        "OVERRIDE": "True",
        "POLICY": "inventario",
        "COMPUTED": "DEGRADED",
        "REASON": "Overridden",
    }


def kubectl(kubeconfig: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [build.find(["kubernetes"])["kubectl"], "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, check=False, timeout=60
    )


def test_kubectl_refuses_explains_lists_and_waits(
    control_plane: ControlPlane, here: Namespace
) -> None:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return kubectl(control_plane.kubeconfig, "-n", here.name, *arguments, stdin=stdin)

    wrong = changed(GOOD["policy"], {"set": {"spec.dependencies.0.probe.timeoutSeconds": 60}})
    refused = run("apply", "-f", "-", stdin=yaml.safe_dump(wrong))
    assert refused.returncode != 0
    assert "lower the timeout or lengthen the interval" in refused.stderr

    assert run("apply", "-f", "-", stdin=yaml.safe_dump(GOOD["policy"])).returncode == 0
    assert run("apply", "-f", "-", stdin=yaml.safe_dump(GOOD["policy"])).returncode == 0
    assert run("get", "rp", "-o", "jsonpath={.items[*].metadata.generation}").stdout == "1"

    explained = run("explain", "resiliencepolicy.spec.dependencies").stdout
    assert "each with a weight and a probe" in explained
    assert "No better level than this while the dependency is down" in " ".join(explained.split())

    here.create(LEVELS, GOOD["level"])
    here.patch(LEVELS, "inventario-checkout", {"status": STATUS["level"]}, "/status")
    assert "inventario-checkout" in run("get", "resilience").stdout
    assert "inventario-checkout" in run("get", "dl").stdout
    waited = run("wait", "--for=jsonpath={.status.level}=LIMITED", "dl/inventario-checkout")
    assert waited.returncode == 0, waited.stderr
